//! The software family: our own scaler, x264 by GStreamer's `x264enc`, one pipeline per rendition.
//!
//! Tuned for delay: no look-ahead, no B-frames, sliced threads, so a picture comes out before the next goes in.
//! Each rendition is scaled from the one above it, which costs a third less than scaling each from the source.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use bytes::Bytes;
use channel::ladder;
use gst::prelude::*;
use media::{Codec, FrameRate, Rendition, Sample};

use super::{Encoded, Family, Ladder, Outlet, Picture, Plan};
use crate::{
    bus,
    error::Error,
    frame::{Frame, Pool, info, size, view},
    picture::{Size, scale::Scaler},
};

/// Pictures that may wait in front of one encoder.
const WAITING: u64 = 10;

/// Capture times are remembered for this many slots, far more than an encoder holds.
const REMEMBERED: usize = 256;

/// x264 presets by the processor time they cost, as a multiple of the fastest (measured on the default ladder).
const PRESETS: [(&str, u64); 3] = [("veryfast", 5), ("superfast", 2), ("ultrafast", 1)];

/// The software family.
#[derive(Debug)]
pub struct Software;

impl Family for Software {
    fn name(&self) -> &'static str {
        "software"
    }

    fn probe(&self) -> Result<(), String> {
        match gst::ElementFactory::find("x264enc") {
            Some(_) => Ok(()),
            None => Err("GStreamer element `x264enc` is not installed".to_owned()),
        }
    }

    fn build(&self, plan: &Plan, out: &Outlet) -> Result<Box<dyn Ladder>, Error> {
        let preset = preset(plan);
        let captured = Arc::new(std::array::from_fn(|_| AtomicU64::new(0)));
        let rung = |(track, rendition): (usize, &Rendition)| {
            Rung::start(plan, preset, track, rendition, Arc::clone(&captured), out.clone())
        };
        let rungs = plan.renditions.iter().enumerate().map(rung).collect::<Result<_, _>>()?;
        Ok(Box::new(Rungs { rungs, captured, preset, rate: plan.grid.rate, origin: plan.origin }))
    }
}

/// The slowest preset that leaves more than half of the board's budget free.
fn preset(plan: &Plan) -> &'static str {
    let load = ladder::load(&plan.renditions, plan.grid.rate);
    let fits = |&&(_, cost): &&(&str, u64)| load * cost * 2 <= plan.software_budget;
    PRESETS.iter().find(fits).unwrap_or(&PRESETS[PRESETS.len() - 1]).0
}

type Captured = [AtomicU64; REMEMBERED];

struct Rungs {
    rungs: Vec<Rung>,
    captured: Arc<Captured>,
    preset: &'static str,
    rate: FrameRate,
    origin: u64,
}

impl Ladder for Rungs {
    fn has_room(&self) -> bool {
        self.rungs.iter().all(|rung| rung.source.current_level_buffers() < WAITING)
    }

    fn push(&mut self, picture: &Picture) -> Result<(), Error> {
        self.captured[slot_index(picture.slot)].store(picture.captured, Ordering::Relaxed);
        let pts = gst::ClockTime::from_nseconds(self.rate.nanos_of(picture.slot - self.origin));
        let mut above = Arc::clone(&picture.frame);
        for rung in &mut self.rungs {
            above = rung.scale(above)?;
            rung.push(&above, pts, picture.sync)?;
        }
        Ok(())
    }

    fn describe(&self) -> String {
        format!("software: x264 {}, no look-ahead", self.preset)
    }

    fn finish(self: Box<Self>) -> Result<(), Error> {
        self.rungs.iter().try_for_each(Rung::finish)
    }
}

fn slot_index(slot: u64) -> usize {
    usize::try_from(slot % REMEMBERED as u64).unwrap_or(0)
}

/// One rendition: scaler and encoder.
struct Rung {
    rendition: Rendition,
    pool: Pool,
    scaler: Option<(Size, Scaler)>,
    source: gst_app::AppSrc,
    pipeline: bus::Pipeline,
}

impl Rung {
    fn start(
        plan: &Plan,
        preset: &str,
        track: usize,
        rendition: &Rendition,
        captured: Arc<Captured>,
        out: Outlet,
    ) -> Result<Self, Error> {
        let (width, height) = (u32::from(rendition.width), u32::from(rendition.height));
        let rate = plan.grid.rate;
        let fraction = gst::Fraction::new(rate.num().cast_signed(), rate.den().cast_signed());
        let mut caps = info(width, height)?.to_caps().map_err(|_| Error::PictureSize { width, height })?;
        let raw = caps.make_mut();
        raw.set("framerate", fraction);
        raw.set("pixel-aspect-ratio", gst::Fraction::new(1, 1));
        let source = gst_app::AppSrc::builder()
            .caps(&caps)
            .format(gst::Format::Time)
            .max_buffers(0)
            .max_bytes(0)
            .build();
        let kilobits = rendition.bitrate / 1000;
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
        let encoder = gst::ElementFactory::make("x264enc")
            .property_from_str("tune", "zerolatency")
            .property_from_str("speed-preset", preset)
            .property("bitrate", kilobits)
            .property("vbv-buf-capacity", 1000u32)
            // Key frames come where they are asked for; this only guards a stream whose requests were lost.
            .property("key-int-max", plan.grid.frames_per_segment() * 2)
            .property("bframes", 0u32)
            .property("option-string", "scenecut=0")
            .property("threads", if track == 0 { u32::try_from(cores.min(8)).unwrap_or(1) } else { 1 })
            .build()
            .map_err(|_| Error::Element("x264enc"))?;
        let sink_caps =
            gst::Caps::builder("video/x-h264").field("stream-format", "avc").field("alignment", "au").build();
        let outlet = Tap {
            track: u8::try_from(track).unwrap_or(u8::MAX),
            rate,
            origin: plan.origin,
            captured,
            out,
            codec: None,
        };
        let sink =
            gst_app::AppSink::builder().caps(&sink_caps).sync(false).callbacks(outlet.callbacks()).build();
        let pipeline = bus::Pipeline::chain("encoder", &[source.upcast_ref(), &encoder, sink.upcast_ref()])?;
        pipeline.play()?;
        Ok(Self {
            rendition: rendition.clone(),
            pool: Pool::new(width, height)?,
            scaler: None,
            source,
            pipeline,
        })
    }

    /// The picture at this rendition's size.
    fn scale(&mut self, above: Frame) -> Result<Frame, Error> {
        let from = size(&above);
        let to =
            Size { width: usize::from(self.rendition.width), height: usize::from(self.rendition.height) };
        if from == to {
            return Ok(above);
        }
        let scaler = match &mut self.scaler {
            Some((known, scaler)) if *known == from => scaler,
            other => &mut other.insert((from, Scaler::new(from, to))).1,
        };
        let source = view(&above)?;
        self.pool.draw(|out| scaler.scale(&source, out))
    }

    fn push(&self, frame: &Frame, pts: gst::ClockTime, sync: bool) -> Result<(), Error> {
        if let Some(reason) = self.pipeline.failure() {
            return Err(self.error(reason));
        }
        if sync {
            // Queued in front of the picture, so it meets exactly this one however many wait.
            self.source
                .send_event(gst_video::DownstreamForceKeyUnitEvent::builder().all_headers(true).build());
        }
        let mut buffer = frame.buffer_owned();
        let timed = buffer.make_mut();
        timed.set_pts(pts);
        timed.set_dts(gst::ClockTime::NONE);
        self.source.push_buffer(buffer).map(|_| ()).map_err(|flow| self.error(format!("{flow:?}")))
    }

    fn finish(&self) -> Result<(), Error> {
        let ended = self.source.end_of_stream().map(|_| ()).map_err(|flow| format!("{flow:?}"));
        ended.and_then(|()| self.pipeline.wait_for_end()).map_err(|reason| self.error(reason))
    }

    fn error(&self, reason: String) -> Error {
        Error::Encoder { rendition: self.rendition.name.clone(), reason }
    }
}

/// Turns what leaves one encoder into samples.
struct Tap {
    track: u8,
    rate: FrameRate,
    origin: u64,
    captured: Arc<Captured>,
    out: Outlet,
    codec: Option<(gst::Caps, Arc<Codec>)>,
}

impl Tap {
    fn callbacks(mut self) -> gst_app::AppSinkCallbacks {
        let take = move |sink: &gst_app::AppSink| {
            let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
            let encoded = self.encoded(&sample).ok_or(gst::FlowError::Error)?;
            self.out.send(encoded).map_err(|_| gst::FlowError::Eos)?;
            Ok(gst::FlowSuccess::Ok)
        };
        gst_app::AppSinkCallbacks::builder().new_sample(take).build()
    }

    fn encoded(&mut self, sample: &gst::Sample) -> Option<Encoded> {
        let codec = self.codec(sample.caps()?)?;
        let buffer = sample.buffer()?;
        // x264enc moves its timestamps by 1000 hours and says so in the segment.
        let segment = sample.segment()?.downcast_ref::<gst::ClockTime>()?;
        let slot = self.origin + self.rate.frame_at(segment.to_running_time(buffer.pts()?)?.nseconds());
        let duration = self.rate.frame_duration();
        let data = buffer.map_readable().ok()?;
        let sample = Sample {
            decode_time: slot * u64::from(duration),
            duration,
            composition_offset: 0,
            sync: !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT),
            filler: false,
            captured: self.captured[slot_index(slot)].load(Ordering::Relaxed),
            data: Bytes::copy_from_slice(&data),
        };
        Some(Encoded { track: self.track, codec, sample })
    }

    fn codec(&mut self, caps: &gst::CapsRef) -> Option<Arc<Codec>> {
        if let Some((known, codec)) = &self.codec
            && known.as_ref() == caps
        {
            return Some(Arc::clone(codec));
        }
        let structure = caps.structure(0)?;
        let config = structure.get::<gst::Buffer>("codec_data").ok()?;
        let config = Bytes::copy_from_slice(&config.map_readable().ok()?);
        let pixels = |field| structure.get::<i32>(field).ok().and_then(|pixels| u16::try_from(pixels).ok());
        let codec =
            Codec::H264 { config, width: pixels("width")?, height: pixels("height")?, rate: self.rate };
        let codec = Arc::new(codec);
        self.codec = Some((caps.to_owned(), Arc::clone(&codec)));
        Some(codec)
    }
}
