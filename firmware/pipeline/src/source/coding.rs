//! The codings that cameras give pictures in: how `v4l2src` is asked for them, and what decodes them.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use channel::mode::Mode;
use gst::prelude::*;

use crate::error::Error;

/// V4L2's names of raw codings and GStreamer's.
const RAW: [(&str, &str); 6] = [
    ("NV12", "NV12"),
    ("YU12", "I420"),
    ("YUYV", "YUY2"),
    ("UYVY", "UYVY"),
    ("RGB3", "RGB"),
    ("BGR3", "BGR"),
];

/// The caps that make `v4l2src` run in this mode.
pub fn caps(mode: &Mode) -> gst::Caps {
    let rate = gst::Fraction::new(mode.rate.num().cast_signed(), mode.rate.den().cast_signed());
    let media_type = match mode.coding.as_str() {
        "MJPG" | "JPEG" => "image/jpeg",
        "H264" => "video/x-h264",
        "HEVC" => "video/x-h265",
        _ => "video/x-raw",
    };
    let mut caps = gst::Caps::builder(media_type)
        .field("width", i32::from(mode.width))
        .field("height", i32::from(mode.height))
        .field("framerate", rate);
    if let Some((_, format)) = RAW.iter().find(|(coding, _)| *coding == mode.coding) {
        caps = caps.field("format", *format);
    }
    caps.build()
}

/// The elements between `v4l2src` and raw pictures: none where they are raw.
pub fn decoder(coding: &str) -> Result<Vec<gst::Element>, Error> {
    match coding {
        "MJPG" | "JPEG" => Ok(vec![make("jpegdec")?]),
        "H264" => Ok(vec![gated(make("h264parse")?), predicting("avdec_h264")?]),
        "HEVC" => Ok(vec![gated(make("h265parse")?), predicting("avdec_h265")?]),
        _ => Ok(Vec::new()),
    }
}

/// A decoder of pictures that follow from others. It gives none that it knows to be torn, and none waits for another thread's.
fn predicting(name: &'static str) -> Result<gst::Element, Error> {
    let decoder = make(name)?;
    decoder.set_property("output-corrupt", false);
    decoder.set_property_from_str("thread-type", "slice");
    Ok(decoder)
}

/// A parser that lets nothing pass between a hole in the camera's count of its pictures and the next key frame: what follows
/// on a lost picture would be shown with its remains.
fn gated(parser: gst::Element) -> gst::Element {
    const NONE: u64 = u64::MAX;
    let torn = Arc::new(AtomicBool::new(false));
    let (noticed, last) = (Arc::clone(&torn), AtomicU64::new(NONE));
    let notice = move |buffer: &gst::Buffer| {
        let number = buffer.offset();
        let before = last.swap(number, Ordering::Relaxed);
        if before != NONE && number != NONE && number != before + 1 {
            noticed.store(true, Ordering::Relaxed);
        }
        gst::PadProbeReturn::Ok
    };
    let gate = move |buffer: &gst::Buffer| {
        let follows = buffer.flags().contains(gst::BufferFlags::DELTA_UNIT);
        match torn.fetch_and(follows, Ordering::Relaxed) && follows {
            true => gst::PadProbeReturn::Drop,
            false => gst::PadProbeReturn::Ok,
        }
    };
    for_each_buffer(&parser, "sink", notice);
    for_each_buffer(&parser, "src", gate);
    parser
}

fn for_each_buffer(
    element: &gst::Element,
    pad: &str,
    look: impl Fn(&gst::Buffer) -> gst::PadProbeReturn + Send + Sync + 'static,
) {
    let pad = element.static_pad(pad).expect("a parser has one pad at either end");
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        info.buffer().map_or(gst::PadProbeReturn::Ok, &look)
    });
}

pub fn make(name: &'static str) -> Result<gst::Element, Error> {
    gst::ElementFactory::make(name).build().map_err(|_| Error::Element(name))
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use media::FrameRate;

    use super::*;
    use crate::bus;

    /// A key frame every 20 pictures, as byte stream.
    const GROUP: u64 = 20;

    fn raw(width: i32) -> gst::Caps {
        gst::Caps::builder("video/x-raw")
            .field("format", "I420")
            .field("width", width)
            .field("height", width * 9 / 16)
            .field("framerate", gst::Fraction::new(25, 1))
            .build()
    }

    /// The access units of `count` moving pictures.
    fn coded(encoder: &'static str, settings: &[(&str, &str)], count: u64) -> Vec<gst::Buffer> {
        let source = make("videotestsrc").unwrap();
        source.set_property("num-buffers", i32::try_from(count).unwrap());
        source.set_property_from_str("pattern", "ball");
        let encoder = make(encoder).unwrap();
        settings.iter().for_each(|(name, value)| encoder.set_property_from_str(name, value));
        let filter = make("capsfilter").unwrap();
        filter.set_property("caps", raw(320));
        let sink = gst_app::AppSink::builder().sync(false).build();
        let chain = [&source, &filter, &encoder, sink.upcast_ref()];
        let pipeline = bus::Pipeline::chain("test", &chain).unwrap();
        pipeline.play().unwrap();
        std::iter::from_fn(|| sink.pull_sample().ok()?.buffer_owned()).collect()
    }

    /// The numbers of the pictures that come out, when those of `lost` do not go in.
    fn decoded(mode: &Mode, units: Vec<gst::Buffer>, lost: &[Range<u64>]) -> Vec<u64> {
        let media_type = caps(mode);
        let named = media_type.structure(0).unwrap().name();
        let source = gst_app::AppSrc::builder()
            .format(gst::Format::Time)
            .caps(
                &gst::Caps::builder(named.as_str())
                    .field("stream-format", "byte-stream")
                    .field("alignment", "au")
                    .build(),
            )
            .build();
        let sink = gst_app::AppSink::builder().sync(false).build();
        let decoder = decoder(&mode.coding).unwrap();
        let chain: Vec<_> = [source.upcast_ref()]
            .into_iter()
            .chain(&decoder)
            .chain([sink.upcast_ref::<gst::Element>()])
            .collect();
        let pipeline = bus::Pipeline::chain("test", &chain).unwrap();
        pipeline.play().unwrap();
        for (number, unit) in (0u64..).zip(units) {
            if !lost.iter().any(|lost| lost.contains(&number)) {
                let mut unit = unit.copy_deep().unwrap();
                let time = gst::ClockTime::from_mseconds(number * 40);
                let timed = unit.get_mut().unwrap();
                timed.set_pts(time);
                timed.set_dts(time);
                timed.set_offset(number);
                source.push_buffer(unit).unwrap();
            }
        }
        source.end_of_stream().unwrap();
        let number = |sample: gst::Sample| sample.buffer().unwrap().pts().unwrap().mseconds() / 40;
        std::iter::from_fn(|| sink.pull_sample().ok()).map(number).collect()
    }

    #[test]
    fn a_camera_that_compresses_is_shown_again_from_the_next_key_frame() {
        gst::init().unwrap();
        let h264 = [
            ("key-int-max", "20"),
            ("tune", "zerolatency"),
            ("speed-preset", "ultrafast"),
            ("option-string", "scenecut=0"),
        ];
        let h265 = [
            ("key-int-max", "20"),
            ("tune", "zerolatency"),
            ("speed-preset", "ultrafast"),
            ("option-string", "scenecut=0:repeat-headers=1"),
        ];
        let rate = FrameRate::new(25, 1).unwrap();
        for (coding, encoder, settings) in [("H264", "x264enc", h264), ("HEVC", "x265enc", h265)] {
            let mode = Mode { coding: coding.to_owned(), width: 320, height: 180, rate };
            let units = coded(encoder, &settings, 4 * GROUP);
            assert_eq!(units.len() as u64, 4 * GROUP);
            // Joined in the middle of a group, then a hole in the third.
            let shown = decoded(&mode, units, &[0..7, 46..48]);
            let wanted: Vec<_> = (GROUP..46).chain(3 * GROUP..4 * GROUP).collect();
            assert_eq!(shown, wanted, "{coding}");
        }
    }
}
