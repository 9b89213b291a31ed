//! Raw pictures in GStreamer memory, and the pools they come from.

use std::sync::Arc;

use channel::captions::Triplet;
use gst_video::{
    VideoColorimetry, VideoFormat, VideoFrame, VideoInfo, prelude::*, video_frame::Readable,
    video_frame::Writable,
};

use crate::{
    captions,
    error::Error,
    picture::{Size, View, ViewMut},
};

/// One raw I420 picture, shared without copies.
pub type Frame = Arc<VideoFrame<Readable>>;

/// Memory for I420 pictures of one size.
#[derive(Debug)]
pub struct Pool {
    info: VideoInfo,
    pool: gst::BufferPool,
}

impl Pool {
    /// A pool of pictures of `width` x `height`.
    pub fn new(width: u32, height: u32) -> Result<Self, Error> {
        let info = info(width, height)?;
        let caps = info.to_caps().map_err(|_| Error::PictureSize { width, height })?;
        let pool = gst_video::VideoBufferPool::new();
        let mut config = pool.config();
        config.set_params(Some(&caps), u32::try_from(info.size()).unwrap_or(u32::MAX), 4, 0);
        pool.set_config(config).and_then(|()| pool.set_active(true)).map_err(|_| Error::PictureMemory)?;
        Ok(Self { info, pool: pool.upcast() })
    }

    /// A picture drawn by `draw` on memory with stale content.
    pub fn draw(&self, draw: impl FnOnce(&mut ViewMut<'_>)) -> Result<Frame, Error> {
        let buffer = self.pool.acquire_buffer(None).map_err(|_| Error::PictureMemory)?;
        let frame = VideoFrame::from_buffer_writable(buffer, &self.info).map_err(|_| Error::PictureMemory)?;
        let mut frame: VideoFrame<Writable> = frame;
        draw(&mut view_mut(&mut frame)?);
        readable(frame.into_buffer(), &self.info)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // A pool that cannot be stopped only keeps its memory until the process ends.
        let _ = self.pool.set_active(false);
    }
}

/// The colours of every picture behind its source: those of HD, whatever the size. So a rendition shows the same
/// colours as the one it is scaled from, and an input of other colours does not change the stream.
pub const COLOURS: &str = "bt709";

/// What every source converts its pictures to; pixels are square.
pub fn caps() -> gst::Caps {
    gst::Caps::builder("video/x-raw")
        .field("format", "I420")
        .field("colorimetry", COLOURS)
        .field("pixel-aspect-ratio", gst::Fraction::new(1, 1))
        .build()
}

/// Lets decoders hand their pictures to `sink` as they lie in their own memory, with borders and strides: without it each
/// is copied to the usual layout.
pub fn take_strides(sink: &gst_app::AppSink) {
    let Some(pad) = sink.static_pad("sink") else { return };
    pad.add_probe(gst::PadProbeType::QUERY_DOWNSTREAM, |_, info| {
        match info.query_mut().map(gst::QueryRef::view_mut) {
            Some(gst::QueryViewMut::Allocation(query)) => {
                query.add_allocation_meta::<gst_video::VideoMeta>(None);
                gst::PadProbeReturn::Handled
            }
            _ => gst::PadProbeReturn::Ok,
        }
    });
}

/// The layout of I420 pictures of `width` x `height`.
pub fn info(width: u32, height: u32) -> Result<VideoInfo, Error> {
    let colours: VideoColorimetry = COLOURS.parse().expect("GStreamer knows BT.709");
    VideoInfo::builder(VideoFormat::I420, width, height)
        .colorimetry(&colours)
        .build()
        .map_err(|_| Error::PictureSize { width, height })
}

/// A picture as it came, and the captions that it carried.
pub fn arrived(mut buffer: gst::Buffer, info: &VideoInfo) -> Result<(Frame, Vec<Triplet>), Error> {
    let carried = captions::of(&buffer);
    if !carried.is_empty() {
        captions::strip(buffer.make_mut());
    }
    Ok((readable(buffer, info)?, carried))
}

/// Maps a buffer for reading.
fn readable(buffer: gst::Buffer, info: &VideoInfo) -> Result<Frame, Error> {
    VideoFrame::from_buffer_readable(buffer, info).map(Arc::new).map_err(|_| Error::PictureMemory)
}

/// The size of a picture.
pub fn size(frame: &Frame) -> Size {
    Size { width: frame.width() as usize, height: frame.height() as usize }
}

/// The planes of a picture.
pub fn view(frame: &Frame) -> Result<View<'_>, Error> {
    let [y, u, v, _] = frame.planes_data();
    View::new(size(frame), [y, u, v], strides(frame.plane_stride())).ok_or(Error::PictureMemory)
}

fn view_mut(frame: &mut VideoFrame<Writable>) -> Result<ViewMut<'_>, Error> {
    let (size, strides) = (
        Size { width: frame.width() as usize, height: frame.height() as usize },
        strides(frame.plane_stride()),
    );
    let [y, u, v, _] = frame.planes_data_mut();
    ViewMut::new(size, [y, u, v], strides).ok_or(Error::PictureMemory)
}

fn strides(strides: &[i32]) -> [usize; 3] {
    std::array::from_fn(|plane| strides.get(plane).map_or(0, |&stride| usize::try_from(stride).unwrap_or(0)))
}
