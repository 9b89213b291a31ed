//! One sheet to one JPEG.

use gst::prelude::*;
use gst_video::{
    VideoColorimetry, VideoFormat, VideoFrame, VideoInfo, prelude::VideoFrameExt, video_frame::Writable,
};
use riser_pipeline::picture::{Size, View, ViewMut};

use super::{
    Error,
    chain::{Chain, element, strides},
    jfif,
};

/// Small pictures full of edges: below this their blocks show.
const QUALITY: i32 = 80;
/// Longest wait for one sheet: while the box is busy, little is left for a process this nice.
const PATIENCE: gst::ClockTime = gst::ClockTime::from_seconds(60);

/// Codes the part of `sheet` that is `size` large, from its top left corner.
pub fn encode(sheet: &View<'_>, size: Size) -> Result<Vec<u8>, Error> {
    let failed = |reason: &str| Error::Encode(reason.to_owned());
    let (caps, buffer) = raw(sheet, size).ok_or_else(|| failed("no memory for the sheet"))?;
    let encoder = element("jpegenc")?;
    encoder.set_property("quality", QUALITY);
    let coded = gst::Caps::new_empty_simple("image/jpeg");
    let chain = Chain::start("the JPEG encoder", &caps, vec![encoder], &coded)?;

    let pushed = chain.source().push_buffer(buffer).and_then(|_| chain.source().end_of_stream());
    pushed.map_err(|flow| failed(&format!("{flow:?}")))?;
    let silent = || failed(&chain.failure().unwrap_or_else(|| "nothing came out".to_owned()));
    let sample = chain.sink().try_pull_sample(PATIENCE).ok_or_else(silent)?;
    let bytes = sample.buffer().and_then(|buffer| buffer.map_readable().ok());
    bytes.map(|bytes| bytes.to_vec()).ok_or_else(|| failed("no memory for the JPEG"))
}

/// The sheet's pixels in a buffer of their own and in JPEG's colours, and its caps.
fn raw(sheet: &View<'_>, size: Size) -> Option<(gst::Caps, gst::Buffer)> {
    let [width, height] = [size.width, size.height].map(u32::try_from);
    let colours: VideoColorimetry = "1:4:5:1".parse().ok()?;
    let info = VideoInfo::builder(VideoFormat::I420, width.ok()?, height.ok()?)
        .fps(gst::Fraction::new(0, 1))
        .colorimetry(&colours)
        .build()
        .ok()?;
    let buffer = gst::Buffer::with_size(info.size()).ok()?;
    let mut frame: VideoFrame<Writable> = VideoFrame::from_buffer_writable(buffer, &info).ok()?;
    let strides = strides(frame.plane_stride());
    let [y, u, v, _] = frame.planes_data_mut();
    jfif::convert(sheet, &mut ViewMut::new(size, [y, u, v], strides)?);
    let mut buffer = frame.into_buffer();
    buffer.get_mut()?.set_pts(gst::ClockTime::ZERO);
    Some((info.to_caps().ok()?, buffer))
}
