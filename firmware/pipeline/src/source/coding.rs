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
        "MJPG" | "JPEG" => Ok(vec![sieved(make("identity")?), enduring("jpegdec")?]),
        "H264" => Ok(vec![gated(make("h264parse")?), predicting("avdec_h264")?]),
        "HEVC" => Ok(vec![gated(make("h265parse")?), predicting("avdec_h265")?]),
        _ => Ok(Vec::new()),
    }
}

/// An element that lets pass only what begins like a JPEG picture: at anything else `jpegdec` of GStreamer 1.22 ends the stream.
fn sieved(sieve: gst::Element) -> gst::Element {
    let warner = sieve.downgrade();
    for_each_buffer(&sieve, "src", move |buffer| {
        if buffer.map_readable().is_ok_and(|jpeg| has_picture(&jpeg)) {
            return gst::PadProbeReturn::Ok;
        }
        if let Some(sieve) = warner.upgrade() {
            let warning = gst::message::Warning::builder(gst::StreamError::Decode, "no JPEG picture");
            // Where nobody counts warnings any more, the pipeline is ending.
            let _ = sieve.post_message(warning.src(&sieve).build());
        }
        gst::PadProbeReturn::Drop
    });
    sieve
}

/// Whether the segments of a JPEG file are whole up to its samples, a frame of one or three components among them (ITU-T T.81,
/// annex B).
fn has_picture(jpeg: &[u8]) -> bool {
    let Some(mut rest) = jpeg.strip_prefix(&[0xff, 0xd8]) else { return false };
    let mut frame = false;
    loop {
        let Some((&[0xff, marker], behind)) = rest.split_first_chunk::<2>() else { return false };
        rest = behind;
        match marker {
            // A fill byte, and markers without a segment.
            0xff => rest = &jpeg[jpeg.len() - rest.len() - 1..],
            0x01 | 0xd0..=0xd7 => {}
            _ => {
                let Some(length) = rest.first_chunk().map(|length| usize::from(u16::from_be_bytes(*length)))
                else {
                    return false;
                };
                let Some(segment) = rest.get(2..length) else { return false };
                match marker {
                    0xc0..=0xc2 => frame = matches!(segment.get(5), Some(1 | 3)),
                    0xda => return frame,
                    _ => {}
                }
                rest = &rest[length..];
            }
        }
    }
}

/// A decoder that goes on however many pictures it cannot read.
fn enduring(name: &'static str) -> Result<gst::Element, Error> {
    let decoder = make(name)?;
    decoder.set_property("max-errors", -1i32);
    Ok(decoder)
}

/// A decoder of pictures that follow from others. It gives none that it knows to be torn, and none waits for another thread's.
fn predicting(name: &'static str) -> Result<gst::Element, Error> {
    let decoder = enduring(name)?;
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
    let pad = element.static_pad(pad).expect("parsers and `identity` have one pad at either end");
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

    /// What a camera may call JPEG: sizes and decoding warnings of what comes out.
    fn read_jpeg(pictures: &[Vec<u8>]) -> (Vec<(i32, i32)>, u64) {
        let source = gst_app::AppSrc::builder()
            .format(gst::Format::Time)
            .caps(&gst::Caps::builder("image/jpeg").build())
            .build();
        let sink = gst_app::AppSink::builder().sync(false).build();
        let decoder = decoder("MJPG").unwrap();
        let chain = [source.upcast_ref(), &decoder[0], &decoder[1], sink.upcast_ref()];
        let pipeline = bus::Pipeline::chain("test", &chain).unwrap();
        pipeline.play().unwrap();
        // Times that jump to and fro.
        for (nth, picture) in (0u64..).zip(pictures) {
            let mut buffer = gst::Buffer::from_slice(picture.clone());
            let time = if nth % 5 == 4 { 3_600_000 } else { nth * 40 };
            buffer.get_mut().unwrap().set_pts(gst::ClockTime::from_mseconds(time));
            source.push_buffer(buffer).unwrap();
        }
        source.end_of_stream().unwrap();
        let size = |sample: gst::Sample| {
            let caps = sample.caps().unwrap().structure(0).unwrap().to_owned();
            (caps.get("width").unwrap(), caps.get("height").unwrap())
        };
        let sizes = std::iter::from_fn(|| sink.pull_sample().ok()).map(size).collect();
        assert_eq!(pipeline.failure(), None);
        (sizes, pipeline.warnings())
    }

    #[test]
    fn a_camera_that_sends_rubbish_between_its_pictures_or_changes_their_size_goes_on() {
        gst::init().unwrap();
        let jpeg = |width: i32| -> Vec<u8> {
            let source = make("videotestsrc").unwrap();
            source.set_property("num-buffers", 1);
            let (filter, encoder) = (make("capsfilter").unwrap(), make("jpegenc").unwrap());
            filter.set_property("caps", raw(width));
            let sink = gst_app::AppSink::builder().sync(false).build();
            let pipeline =
                bus::Pipeline::chain("test", &[&source, &filter, &encoder, sink.upcast_ref()]).unwrap();
            pipeline.play().unwrap();
            let picture = sink.pull_sample().unwrap().buffer_owned().unwrap();
            picture.map_readable().unwrap().to_vec()
        };
        let (small, large) = (jpeg(320), jpeg(640));
        // A header that promises what does not follow, and one whose tables are missing.
        let lie = [&small[..2], &[0xff, 0xdb, 0xff, 0xff, 0, 1, 2, 3][..], &[0xff, 0xd9]].concat();
        let bare = [&small[..2], &[0xff, 0xd9][..]].concat();
        let (sizes, warnings) =
            read_jpeg(&[small.clone(), lie, small.clone(), bare, small, large.clone(), large]);
        assert_eq!(sizes.iter().filter(|size| **size == (320, 180)).count(), 3, "{sizes:?}");
        assert_eq!(sizes.iter().filter(|size| **size == (640, 360)).count(), 2, "{sizes:?}");
        assert!(warnings >= 1, "{warnings} warnings");
    }
}
