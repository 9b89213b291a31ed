//! Key frames to raw pictures, one in, at most one out.
//!
//! A decoder may hold a picture back until it has seen the next ones. So behind each access unit goes the event that
//! says that nothing follows for now: the decoder gives out what it has, and once the event has come out as well it is
//! certain that there is no picture, without a clock.

use std::time::{Duration, Instant};

use gst::prelude::*;
use gst_video::{VideoFrame, VideoInfo, prelude::VideoFrameExt, video_frame::Readable};
use media::Coding;
use riser_pipeline::picture::{Size, View};

use super::{
    Error,
    chain::{Chain, element, strides},
};

/// Longest wait for the decoder's answer: while the box is busy, little is left for a process this nice.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often the decoder is asked whether it has failed.
const STEP: gst::ClockTime = gst::ClockTime::from_mseconds(100);

/// One decoded picture: I420, BT.709, square pixels.
#[derive(Debug)]
pub struct Frame(Box<VideoFrame<Readable>>);

impl Frame {
    /// Its planes.
    pub fn view(&self) -> Option<View<'_>> {
        let [width, height] = [self.0.width(), self.0.height()].map(usize::try_from);
        let size = Size { width: width.ok()?, height: height.ok()? };
        let [y, u, v, _] = self.0.planes_data();
        View::new(size, [y, u, v], strides(self.0.plane_stride()))
    }
}

/// Decodes access units, each on its own.
#[derive(Debug, Default)]
pub struct Decoder {
    /// None before the first picture and after one that broke it.
    chain: Option<(Coding, Chain)>,
}

/// What came of one access unit.
enum Answer {
    Picture(Option<Frame>),
    /// The decoder takes no more.
    Broken,
}

impl Decoder {
    /// The picture of one access unit in Annex B; none where it cannot be decoded.
    pub fn decode(&mut self, unit: Vec<u8>) -> Result<Option<Frame>, Error> {
        if unit.is_empty() {
            return Ok(None);
        }
        let coding = coding(&unit);
        let chain = match self.chain.take() {
            Some((same, chain)) if same == coding => chain,
            _ => start(coding)?,
        };
        match answer(&chain, unit)? {
            Answer::Picture(frame) => {
                self.chain = Some((coding, chain));
                Ok(frame)
            }
            Answer::Broken => Ok(None),
        }
    }
}

/// The coding of an access unit with its parameter sets in front: those of HEVC begin with a video parameter set (Rec. ITU-T
/// H.265, table 7-1: type 32), which H.264 does not have.
fn coding(unit: &[u8]) -> Coding {
    match unit.iter().find(|&&byte| byte > 1) {
        Some(header) if header >> 1 & 0x3f == 32 => Coding::H265,
        _ => Coding::H264,
    }
}

fn start(coding: Coding) -> Result<Chain, Error> {
    let (media_type, decoder) = match coding {
        Coding::H264 => ("video/x-h264", "avdec_h264"),
        Coding::H265 => ("video/x-h265", "avdec_h265"),
    };
    let units =
        gst::Caps::builder(media_type).field("stream-format", "byte-stream").field("alignment", "au").build();
    let raw = gst::Caps::builder("video/x-raw")
        .field("format", "I420")
        .field("colorimetry", "bt709")
        .field("pixel-aspect-ratio", gst::Fraction::new(1, 1))
        .build();
    let decoder = element(decoder)?;
    decoder.set_property("max-threads", 1);
    // What a damaged picture leaves is worse than the tile before.
    decoder.set_property("output-corrupt", false);
    decoder.set_property("discard-corrupted-frames", true);
    // Both pass on what is right already, as the box's own pictures are.
    let between = vec![decoder, element("videoconvert")?, element("videoscale")?];
    Chain::start("the decoder", &units, between, &raw)
}

fn answer(chain: &Chain, unit: Vec<u8>) -> Result<Answer, Error> {
    let behind = gst_video::StillFrameEvent::builder(true).build();
    if chain.source().push_buffer(gst::Buffer::from_slice(unit)).is_err()
        || !chain.source().send_event(behind)
    {
        return Ok(Answer::Broken);
    }
    let end = Instant::now() + PATIENCE;
    let mut frame = None;
    while Instant::now() < end {
        let Some(object) = chain.sink().try_pull_object(STEP) else {
            if chain.failure().is_some() || chain.sink().is_eos() {
                return Ok(Answer::Broken);
            }
            continue;
        };
        if let Some(sample) = object.downcast_ref::<gst::Sample>() {
            frame = frame.or_else(|| readable(sample));
        } else if let Some(event) = object.downcast_ref::<gst::Event>()
            && event.type_() == gst::EventType::CustomDownstream
        {
            return Ok(Answer::Picture(frame));
        }
    }
    Err(Error::Decode)
}

/// The sample's picture, by its own caps: sizes change.
fn readable(sample: &gst::SampleRef) -> Option<Frame> {
    let info = VideoInfo::from_caps(sample.caps()?).ok()?;
    VideoFrame::from_buffer_readable(sample.buffer_owned()?, &info).ok().map(Box::new).map(Frame)
}
