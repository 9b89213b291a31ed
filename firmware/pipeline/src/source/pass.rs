//! One decode of a media file: GStreamer from the file to raw pictures and sounds in bounded queues.

use std::{
    path::Path,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use channel::captions::Triplet;
use gst::prelude::*;
use gst_app::gst_base::{BaseTransform, prelude::*};
use gst_video::VideoInfo;
use link::PictureFormat;
use media::FrameRate;

use crate::{
    bus,
    error::Error,
    frame::{self, Frame},
    monitor::Loss,
};

/// Decoded pictures that may wait.
const PICTURES: u32 = 6;
/// Decoded sound buffers that may wait: about a second.
const SOUNDS: u32 = 48;

/// The first picture is there; the first sound is waited for no longer than this.
const FIRST_SOUND: Duration = Duration::from_millis(300);

/// Pixels per second that one thread decodes with ease: 1080p60 at the bitrates of cameras takes half of a small core.
const ONE_THREAD: u64 = 1920 * 1080 * 60;

/// What a file holds.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its pictures.
    pub format: PictureFormat,
    /// Sound tracks that it has, as far as they are wanted.
    pub sounds: usize,
    /// When its first picture or sound is due in its own time, nanoseconds: streams cut out of a broadcast do not begin
    /// at 0.
    pub start: u64,
    /// Its length in nanoseconds.
    pub duration: u64,
}

/// One decode of a file.
#[derive(Debug)]
pub struct Pass {
    pipeline: bus::Pipeline,
    pictures: gst_app::AppSink,
    sounds: Vec<gst_app::AppSink>,
    coding: Arc<Coding>,
    info: OnceLock<VideoInfo>,
}

/// What is seen of the tracks while they come.
#[derive(Debug, Default)]
struct Coding {
    video: OnceLock<String>,
    /// Its pictures are no more than one thread decodes.
    is_small: OnceLock<bool>,
    /// Sound tracks that have come.
    sounds: AtomicUsize,
    /// Every track has been seen.
    complete: OnceLock<()>,
    first_picture: OnceLock<u64>,
    first_sound: OnceLock<u64>,
}

impl Pass {
    /// Starts to decode the pictures and the first `pairs` of sounds, without waiting for anything.
    pub fn start(path: &Path, pairs: usize) -> Result<Self, Error> {
        let make =
            |name: &'static str| gst::ElementFactory::make(name).build().map_err(|_| Error::Element(name));
        let source = make("filesrc")?;
        source.set_property("location", path);
        let decode = make("decodebin")?;
        let pipeline = bus::Pipeline::new("file");
        pipeline.add(&[&source, &decode])?;

        let pictures =
            gst_app::AppSink::builder().caps(&frame::caps()).sync(false).max_buffers(PICTURES).build();
        let raw = gst::Caps::builder("audio/x-raw")
            .field("format", "S16LE")
            .field("layout", "interleaved")
            .field("rate", 48_000)
            .field("channels", 2)
            .build();
        let sink =
            |_| gst_app::AppSink::builder().caps(&raw).sync(false).async_(false).max_buffers(SOUNDS).build();
        let sounds: Vec<_> = (0..pairs).map(sink).collect();
        // Telephones film upright and say so in a tag.
        let upright = make("videoflip")?;
        upright.set_property_from_str("video-direction", "auto");
        // Until a tag says so it would copy every picture.
        upright.dynamic_cast_ref::<BaseTransform>().ok_or(Error::Element("videoflip"))?.set_passthrough(true);
        let [interlaced, convert, stretch] =
            [make("deinterlace")?, make("videoconvert")?, make("videoscale")?];
        let picture_chain = [interlaced, upright, convert, stretch, pictures.clone().upcast()];
        let sound_chain = |sink: &gst_app::AppSink| {
            Ok([make("audioconvert")?, make("audioresample")?, sink.clone().upcast()])
        };
        let sound_chains = sounds.iter().map(sound_chain).collect::<Result<Vec<_>, Error>>()?;

        let coding = Arc::new(Coding::default());
        frame::take_strides(&pictures);
        note_first(&pictures, &coding, |coding| &coding.first_picture);
        sounds.iter().for_each(|sink| note_first(sink, &coding, |coding| &coding.first_sound));
        let seen = Arc::clone(&coding);
        let inner = pipeline.inner().downgrade();
        decode.connect_pad_added(move |_, pad| {
            let Some(inner) = inner.upgrade() else { return };
            let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
            let kind = caps.structure(0).map(|structure| structure.name().to_string()).unwrap_or_default();
            let chain: &[gst::Element] =
                if kind.starts_with("video/") && !picture_chain[0].has_as_parent(&inner) {
                    &picture_chain
                } else if kind.starts_with("audio/")
                    && let Some(chain) = sound_chains.get(seen.sounds.load(Ordering::Relaxed))
                {
                    // Pads come one after the other, in the order of the tracks.
                    seen.sounds.fetch_add(1, Ordering::Relaxed);
                    chain
                } else {
                    return;
                };
            // What cannot be linked shows as an error on the bus, which is where the opener looks.
            let _ = attach(&inner, chain, pad);
        });
        // A decoder with several threads costs a third more; a picture of this size one decodes in time. Decoding into
        // GStreamer's own memory costs 5 % more than one copy into it: the memory is still read, so it is copied after all.
        let small = Arc::clone(&coding);
        decode.downcast_ref::<gst::Bin>().ok_or(Error::Element("decodebin"))?.connect_deep_element_added(
            move |_, _, element| {
                if element.find_property("max-threads").is_some() && small.is_small.get() == Some(&true) {
                    element.set_property_from_str("max-threads", "1");
                }
                if element.find_property("direct-rendering").is_some() {
                    element.set_property("direct-rendering", false);
                }
            },
        );
        let done = Arc::clone(&coding);
        decode.connect_no_more_pads(move |_| {
            let _ = done.complete.set(());
        });
        let named = Arc::clone(&coding);
        decode.connect("autoplug-continue", false, move |values| {
            let caps = values.get(2).and_then(|value| value.get::<gst::Caps>().ok());
            let structure = caps.as_ref().and_then(|caps| caps.structure(0));
            if let Some(pixels) = structure.and_then(pixels_per_second) {
                let _ = named.is_small.set(pixels <= ONE_THREAD);
            }
            let name = structure.and_then(|structure| coding_name(structure.name()));
            if let Some(name) = name {
                let _ = named.video.set(name.to_owned());
            }
            Some(true.to_value())
        });
        pipeline.play()?;
        Ok(Self { pipeline, pictures, sounds, coding, info: OnceLock::new() })
    }

    /// Starts to decode and waits until it is known what the file holds.
    pub fn open(path: &Path, pairs: usize, patience: Duration) -> Result<(Found, Self), (Loss, String)> {
        match std::fs::metadata(path) {
            Ok(file) if file.is_file() => {}
            Ok(_) => return Err((Loss::NoDevice, "is not a file".to_owned())),
            Err(error) => return Err((Loss::NoDevice, error.to_string())),
        }
        let unsupported = |reason: String| (Loss::Unsupported, reason);
        let pass = Self::start(path, pairs).map_err(|error| unsupported(error.to_string()))?;
        pass.wait_for_caps(patience).map_err(unsupported)?;
        pass.wait_for_sound();
        let found = pass.found();
        if found.duration == 0 {
            return Err(unsupported(
                "its length cannot be told, so it cannot be played in a loop".to_owned(),
            ));
        }
        Ok((found, pass))
    }

    /// What the file holds, as far as it is known.
    pub fn found(&self) -> Found {
        let rate = self.info.get().map(VideoInfo::fps).filter(|fps| fps.numer() > 0);
        let rate = rate.and_then(|fps| {
            FrameRate::nearest_standard(fps.numer().cast_unsigned(), fps.denom().cast_unsigned()).ok()
        });
        let pixels = |pixels: u32| u16::try_from(pixels).unwrap_or(u16::MAX);
        let duration = self.pipeline.inner().query_duration::<gst::ClockTime>();
        Found {
            format: PictureFormat {
                width: self.info.get().map_or(0, |info| pixels(info.width())),
                height: self.info.get().map_or(0, |info| pixels(info.height())),
                // A file of variable rate has its frames shown at their own times on a grid of 30.
                rate: rate.unwrap_or_else(|| FrameRate::new(30, 1).expect("30 is a frame rate")),
                coding: self.coding.video.get().cloned().unwrap_or_else(|| "other".to_owned()),
            },
            sounds: self.coding.sounds.load(Ordering::Relaxed),
            start: [&self.coding.first_picture, &self.coding.first_sound]
                .into_iter()
                .filter_map(OnceLock::get)
                .min()
                .copied()
                .unwrap_or(0),
            duration: duration.map_or(0, gst::ClockTime::nseconds),
        }
    }

    /// The next picture, what captions it carries and its time in the file in nanoseconds; none if none comes in time or the file has ended.
    pub fn picture(&self, patience: Duration) -> Option<(u64, Frame, Vec<Triplet>)> {
        let patience = gst::ClockTime::from_nseconds(u64::try_from(patience.as_nanos()).unwrap_or(u64::MAX));
        let sample = self.pictures.try_pull_sample(patience)?;
        // Its own caps: a file's pictures may change their size.
        let info = VideoInfo::from_caps(sample.caps()?).ok()?;
        let time = stream_time(&sample)?;
        let (frame, captions) = frame::arrived(owned(sample)?, &info).ok()?;
        let _ = self.info.set(info);
        Some((time, frame, captions))
    }

    /// The next piece of a sound that has been decoded: its time in the file in nanoseconds, interleaved samples.
    pub fn sound(&self, pair: usize) -> Option<(u64, Vec<i16>)> {
        let sample = self.sounds.get(pair)?.try_pull_sample(gst::ClockTime::ZERO)?;
        let time = stream_time(&sample)?;
        let bytes = sample.buffer()?.map_readable().ok()?;
        Some((time, bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()))
    }

    /// All of a sound has been taken.
    pub fn sound_is_over(&self, pair: usize) -> bool {
        self.sounds.get(pair).is_none_or(gst_app::AppSink::is_eos)
    }

    /// Why decoding broke off, if it did.
    pub fn failure(&self) -> Option<String> {
        self.pipeline.failure()
    }

    /// Waits for the first sound, where there is to be one: it may begin before the pictures.
    fn wait_for_sound(&self) {
        let end = Instant::now() + FIRST_SOUND;
        while self.coding.sounds.load(Ordering::Relaxed) > 0
            && self.coding.first_sound.get().is_none()
            && Instant::now() < end
        {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn wait_for_caps(&self, patience: Duration) -> Result<(), String> {
        let patience = gst::ClockTime::from_nseconds(u64::try_from(patience.as_nanos()).unwrap_or(u64::MAX));
        let bus = self.pipeline.inner().bus().ok_or("it has no bus")?;
        let kinds = [gst::MessageType::AsyncDone, gst::MessageType::Error, gst::MessageType::Eos];
        // With the first picture there, whatever turns or stretches it has made up its mind.
        let arrived = || self.pipeline.inner().current_state() == gst::State::Playing;
        let pad = self.pictures.static_pad("sink").ok_or("it has no pad")?;
        let end = Instant::now() + Duration::from_nanos(patience.nseconds());
        let step = gst::ClockTime::from_mseconds(20);
        loop {
            if arrived()
                && let Some(Ok(info)) = pad.current_caps().map(|caps| VideoInfo::from_caps(&caps))
            {
                let _ = self.info.set(info);
                return Ok(());
            }
            if let Some(reason) = self.failure() {
                return Err(reason);
            }
            if self.coding.complete.get().is_some() && !self.pictures.has_as_parent(self.pipeline.inner()) {
                return Err("the file has no video".to_owned());
            }
            if Instant::now() > end {
                return Err("no picture could be decoded".to_owned());
            }
            bus.timed_pop_filtered(step, &kinds);
        }
    }
}

/// Notes the time of the first buffer that comes to `sink`.
fn note_first(sink: &gst_app::AppSink, coding: &Arc<Coding>, place: fn(&Coding) -> &OnceLock<u64>) {
    let Some(pad) = sink.static_pad("sink") else { return };
    let coding = Arc::clone(coding);
    pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        let segment = pad.sticky_event::<gst::event::Segment>(0);
        let time = segment.zip(info.buffer()).and_then(|(event, buffer)| {
            let segment = event.segment().downcast_ref::<gst::ClockTime>()?;
            segment.to_stream_time(buffer.pts()?)
        });
        time.map_or(gst::PadProbeReturn::Ok, |time| {
            let _ = place(&coding).set(time.nseconds());
            gst::PadProbeReturn::Remove
        })
    });
}

fn attach(pipeline: &gst::Pipeline, chain: &[gst::Element], pad: &gst::Pad) -> Option<()> {
    pipeline.add_many(chain).ok()?;
    gst::Element::link_many(chain).ok()?;
    for element in chain {
        element.sync_state_with_parent().ok()?;
    }
    pad.link(&chain[0].static_pad("sink")?).ok().map(|_| ())
}

/// The buffer of a sample that nobody else needs.
fn owned(sample: gst::Sample) -> Option<gst::Buffer> {
    let buffer = sample.buffer_owned();
    drop(sample);
    buffer
}

/// A sample's time from the beginning of the file in nanoseconds.
fn stream_time(sample: &gst::Sample) -> Option<u64> {
    let segment = sample.segment()?.downcast_ref::<gst::ClockTime>()?;
    segment.to_stream_time(sample.buffer()?.pts()?).map(gst::ClockTime::nseconds)
}

/// Of compressed pictures, where it is told; 30 a second where their rate is not.
fn pixels_per_second(caps: &gst::StructureRef) -> Option<u64> {
    let side = |field| caps.get::<i32>(field).ok().and_then(|side| u64::try_from(side).ok());
    let rate =
        caps.get::<gst::Fraction>("framerate").ok().filter(|rate| rate.numer() > 0 && rate.denom() > 0);
    let rate = rate.map_or(30, |rate| u64::from((rate.numer() / rate.denom()).unsigned_abs()) + 1);
    Some(side("width")? * side("height")? * rate)
}

fn coding_name(media_type: &str) -> Option<&'static str> {
    Some(match media_type {
        "video/x-h264" => "H.264",
        "video/x-h265" => "HEVC",
        "video/mpeg" => "MPEG",
        "video/x-vp8" => "VP8",
        "video/x-vp9" => "VP9",
        "video/x-av1" => "AV1",
        "video/x-theora" => "Theora",
        "video/x-prores" => "ProRes",
        "video/x-dnxhd" => "DNxHD",
        "video/x-ffv" => "FFV1",
        "video/x-dv" => "DV",
        "video/x-raw" => "raw",
        "image/jpeg" => "MJPG",
        _ => return None,
    })
}
