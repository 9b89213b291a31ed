//! The two families over VA-API: the elements of gstreamer-vaapi, and those of GStreamer's `va` plugin.
//!
//! ```text
//! picture -> upload (post-processor) -+-> post-processor -> encoder -> tap      (one row per rendition)
//!                                     +-> post-processor -> encoder -> tap
//! ```
//! A picture is uploaded once and stays on the GPU until it is a bitstream.

use std::{
    fmt::Write,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use gst::prelude::*;
use media::{Coding, FrameRate, RateControl, Rendition};

use super::{
    Ask, Builder, Family, Ladder, Outlet, Picture, Plan, make, raw_caps, set,
    tap::{OnTheirWay, Tap},
    trial::{self, Flaw},
    words,
};
use crate::{
    bus,
    error::Error,
    frame::{COLOURS, size},
    picture::Size,
};

/// Pictures that may wait in front of the upload, and in front of each encoder.
const WAITING: u64 = 10;
const WAITING_ON_GPU: u32 = 3;

/// One plug-in's elements and how they are to be treated.
#[derive(Debug)]
pub struct Va {
    name: &'static str,
    memory: &'static str,
    post_processor: &'static str,
    h264: Encoders,
    h265: Encoders,
    settings: fn(&Plan, &Rendition) -> Vec<(&'static str, u32)>,
    /// What `bitrate` is in percent of a rendition's rate where it may vary: the most, or an average below it.
    variable: u32,
}

/// The encoders of one coding.
#[derive(Debug)]
struct Encoders {
    /// The first that is there is taken.
    elements: &'static [&'static str],
    /// Ways to get a key frame, the cleanest first.
    keys: &'static [KeyFrame],
}

/// How an encoder is made to begin anew with the next picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeyFrame {
    /// By GStreamer's event.
    Event,
    /// By setting its bitrate to what it is: with the event those of the `va` plugin of 1.22 give a mere I-picture.
    SameBitrate,
    /// By setting its bitrate to a kilobit more, and back the next time: `vaapih265enc` gives a mere I-picture as well, and
    /// does not heed what does not change.
    OtherBitrate,
}

/// The family of gstreamer-vaapi.
pub const VAAPI: Va = Va {
    name: "vaapi",
    memory: "memory:VASurface",
    post_processor: "vaapipostproc",
    h264: Encoders { elements: &["vaapih264enc"], keys: &[KeyFrame::Event] },
    h265: Encoders { elements: &["vaapih265enc"], keys: &[KeyFrame::Event, KeyFrame::OtherBitrate] },
    settings: |plan, _| {
        vec![("cpb-length", 1000), ("keyframe-period", longest_period(plan)), ("max-bframes", 0), ("refs", 1)]
    },
    variable: 100,
};

/// The family of the `va` plugin.
pub const VA: Va = Va {
    name: "va",
    memory: "memory:VAMemory",
    post_processor: "vapostproc",
    h264: Encoders {
        elements: &["vah264enc", "vah264lpenc"],
        keys: &[KeyFrame::Event, KeyFrame::SameBitrate],
    },
    h265: Encoders {
        elements: &["vah265enc", "vah265lpenc"],
        keys: &[KeyFrame::Event, KeyFrame::SameBitrate],
    },
    settings: |plan, rendition| {
        vec![
            ("cpb-size", rendition.bitrate / 1000),
            ("key-int-max", longest_period(plan)),
            ("b-frames", 0),
            ("ref-frames", 1),
            ("target-percentage", 66),
        ]
    },
    variable: 66,
};

/// Key frames come where they are asked for; this only guards a stream whose requests were lost.
fn longest_period(plan: &Plan) -> u32 {
    (plan.grid.frames_per_segment() * 2).min(1024)
}

impl Family for Va {
    fn name(&self) -> &'static str {
        self.name
    }

    fn prepare(&'static self, plan: &Plan) -> Result<Builder, String> {
        let mut ways = Ways::of(self, plan)?;
        loop {
            let tried = ways.clone();
            let builder: Builder =
                Arc::new(move |plan, out| Ok(Box::new(OnGpu::start(self, &tried, plan, out)?)));
            match trial::run(plan, &builder) {
                Ok(()) => return Ok(builder),
                Err(Flaw::KeyFrames(coding, _)) if ways.next(coding) => {}
                Err(flaw) => return Err(flaw.to_string()),
            }
        }
    }
}

/// By which elements, and how key frames are had from them.
#[derive(Clone, Debug)]
struct Ways(Vec<Way>);

#[derive(Clone, Copy, Debug)]
struct Way {
    coding: Coding,
    element: &'static str,
    /// The first is in use.
    keys: &'static [KeyFrame],
}

impl Ways {
    /// The first to try for the codings of `plan`. Elements are there only where a driver of VA-API could be opened.
    fn of(va: &'static Va, plan: &Plan) -> Result<Self, String> {
        let there = |element: &&&str| gst::ElementFactory::find(element).is_some();
        let codings = [(Coding::H264, &va.h264), (Coding::H265, &va.h265)];
        let wanted = |coding| plan.renditions.iter().any(|rendition| rendition.coding == coding);
        let way = |(coding, encoders): (Coding, &'static Encoders)| match encoders.elements.iter().find(there)
        {
            Some(&element) => Ok(Way { coding, element, keys: encoders.keys }),
            None => Err(format!("no VA-API driver offers `{}`", encoders.elements[0])),
        };
        codings.into_iter().filter(|(coding, _)| wanted(*coding)).map(way).collect::<Result<_, _>>().map(Self)
    }

    fn for_coding(&self, coding: Coding) -> Option<&Way> {
        self.0.iter().find(|way| way.coding == coding)
    }

    /// Goes on to another way to get key frames; false where there is none.
    fn next(&mut self, coding: Coding) -> bool {
        let way = self.0.iter_mut().find(|way| way.coding == coding);
        way.is_some_and(|way| match way.keys {
            [_, rest @ ..] if !rest.is_empty() => {
                way.keys = rest;
                true
            }
            _ => false,
        })
    }
}

/// The encoders of one channel.
struct OnGpu {
    source: gst_app::AppSrc,
    size: Size,
    pipeline: bus::Pipeline,
    on_their_way: OnTheirWay,
    settings: String,
    rate: FrameRate,
    tuners: Vec<Tuner>,
}

/// Gives one encoder its bitrate, at its next key frame.
#[derive(Clone, Debug)]
struct Tuner {
    kilobits: Arc<AtomicU32>,
    /// Percent of the rendition's rate.
    share: u32,
}

impl Tuner {
    fn new(bitrate: u32, share: u32) -> Self {
        let tuner = Self { kilobits: Arc::default(), share };
        tuner.tune(bitrate);
        tuner
    }

    fn tune(&self, bitrate: u32) {
        self.kilobits.store((bitrate / 1000 * self.share / 100).max(1), Ordering::Relaxed);
    }

    fn kilobits(&self) -> u32 {
        self.kilobits.load(Ordering::Relaxed)
    }
}

impl OnGpu {
    fn start(va: &Va, ways: &Ways, plan: &Plan, out: &Outlet) -> Result<Self, Error> {
        let on_their_way = OnTheirWay::new();
        let top = &plan.renditions[0];
        let (width, height) = (u32::from(top.width), u32::from(top.height));
        let source = gst_app::AppSrc::builder()
            .caps(&raw_caps(width, height, plan.grid.rate)?)
            .format(gst::Format::Time)
            .max_buffers(0)
            .max_bytes(0)
            .build();
        let pipeline = bus::Pipeline::new("encoders");
        let uploaded = va.surfaces(None)?;
        let tee = make("tee")?;
        // Not every driver takes the layout of our pictures: what it does not take is converted before.
        pipeline.add(&[
            source.upcast_ref(),
            &make("videoconvert")?,
            &make(va.post_processor)?,
            &uploaded,
            &tee,
        ])?;
        let mut settings = format!("{}:", va.name);
        let mut tuners = Vec::new();
        for (track, rendition) in plan.renditions.iter().enumerate() {
            let way = ways.for_coding(rendition.coding).ok_or(Error::Element(va.name))?;
            let (encoder, control, tuner) = va.encoder(way, plan, rendition)?;
            if !settings.contains(way.element) {
                // A String takes everything.
                let _ = write!(settings, " {}, {};", way.element, words(control));
            }
            tuners.push(tuner);
            let queue = waiting_room()?;
            let sink = Tap::new(plan, track, &on_their_way, out).sink();
            pipeline.add(&[
                &queue,
                &make(va.post_processor)?,
                &va.surfaces(Some(rendition))?,
                &encoder,
                &super::profile(rendition)?,
                &super::parser(rendition.coding)?,
                sink.upcast_ref(),
            ])?;
            tee.link(&queue)
                .map_err(|error| Error::Assemble { what: "encoders", reason: error.to_string() })?;
        }
        pipeline.play()?;
        Ok(Self {
            source,
            size: Size { width: width as usize, height: height as usize },
            pipeline,
            on_their_way,
            settings: settings.trim_end_matches(';').to_owned(),
            rate: plan.grid.rate,
            tuners,
        })
    }

    /// Tells the upload that pictures of another size follow.
    fn resize(&mut self, size: Size) -> Result<(), Error> {
        if size != self.size {
            let pixels = |pixels: usize| u32::try_from(pixels).unwrap_or(u32::MAX);
            self.source.set_caps(Some(&raw_caps(pixels(size.width), pixels(size.height), self.rate)?));
            self.size = size;
        }
        Ok(())
    }
}

impl Va {
    /// Lets only pictures on the GPU through, of this rendition's size if one is given. Without their colours being named
    /// `vaapipostproc` converts them to those that its size suggests, and back at the next one.
    fn surfaces(&self, rendition: Option<&Rendition>) -> Result<gst::Element, Error> {
        let caps = gst::Caps::builder("video/x-raw").features([self.memory]);
        let mut caps = caps.field("format", "NV12").field("colorimetry", COLOURS);
        if let Some(Rendition { width, height, .. }) = rendition {
            caps = caps
                .field("width", i32::from(*width))
                .field("height", i32::from(*height))
                .field("pixel-aspect-ratio", gst::Fraction::new(1, 1));
        }
        let filter = make("capsfilter")?;
        filter.set_property("caps", caps.build());
        Ok(filter)
    }

    /// The encoder of a rendition, how it spends its bits, and what tunes it.
    fn encoder(
        &self,
        way: &Way,
        plan: &Plan,
        rendition: &Rendition,
    ) -> Result<(gst::Element, RateControl, Tuner), Error> {
        let encoder = make(way.element)?;
        let control = control(&encoder, plan.rate_control)?;
        let share = if control == RateControl::Capped { self.variable } else { 100 };
        let tuner = Tuner::new(rendition.bitrate, share);
        set(&encoder, "bitrate", &tuner.kilobits().to_string())?;
        for (property, value) in (self.settings)(plan, rendition) {
            set(&encoder, property, &value.to_string())?;
        }
        if let Some(pad) = encoder.static_pad("sink") {
            let (keys, tuner) = (way.keys[0], tuner.clone());
            pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |pad, info| {
                let asked = info.event().is_some_and(|event| gst_video::ForceKeyUnitEvent::is(event));
                match pad.parent_element().filter(|_| asked) {
                    Some(encoder) => keys.ask(&encoder, tuner.kilobits()),
                    None => gst::PadProbeReturn::Ok,
                }
            });
        }
        Ok((encoder, control, tuner))
    }
}

impl KeyFrame {
    /// Asks an encoder to begin anew with the next picture, at this bitrate.
    fn ask(self, encoder: &gst::Element, kilobits: u32) -> gst::PadProbeReturn {
        let now: u32 = encoder.property("bitrate");
        match self {
            Self::Event => {
                if now != kilobits {
                    encoder.set_property("bitrate", kilobits);
                }
                return gst::PadProbeReturn::Ok;
            }
            Self::SameBitrate => encoder.set_property("bitrate", kilobits),
            Self::OtherBitrate => {
                encoder.set_property("bitrate", if now == kilobits { kilobits + 1 } else { kilobits });
            }
        }
        gst::PadProbeReturn::Drop
    }
}

/// Sets how an encoder spends its bits; not every driver knows both ways. By default the quality is held and the bitrate
/// ignored.
fn control(encoder: &gst::Element, wished: RateControl) -> Result<RateControl, Error> {
    let ways = [(RateControl::Constant, "cbr"), (RateControl::Capped, "vbr")];
    let wished_first = ways.iter().filter(|(control, _)| *control == wished);
    let then = ways.iter().filter(|(control, _)| *control != wished);
    let mut refused = Ok(wished);
    for (control, word) in wished_first.chain(then) {
        match set(encoder, "rate-control", word) {
            Ok(()) => return Ok(*control),
            Err(error) => refused = Err(error),
        }
    }
    refused
}

/// Where pictures wait for an encoder that is not yet done with the last one.
fn waiting_room() -> Result<gst::Element, Error> {
    let queue = make("queue")?;
    for (property, value) in
        [("max-size-buffers", WAITING_ON_GPU), ("max-size-bytes", 0), ("max-size-time", 0)]
    {
        set(&queue, property, &value.to_string())?;
    }
    Ok(queue)
}

impl Ladder for OnGpu {
    fn has_room(&self) -> bool {
        self.source.current_level_buffers() < WAITING
    }

    fn push(&mut self, picture: &Picture) -> Result<(), Error> {
        if let Some(reason) = self.pipeline.failure() {
            return Err(error(reason));
        }
        let since = self.on_their_way.note(picture);
        self.resize(size(&picture.frame))?;
        let pts = gst::ClockTime::from_nseconds(self.rate.nanos_of(since));
        super::feed(&self.source, &picture.frame, pts, picture.sync.then_some(Ask::Timed)).map_err(error)
    }

    fn tune(&mut self, bitrates: &[u32]) -> Result<(), Error> {
        self.tuners.iter().zip(bitrates).for_each(|(tuner, &bitrate)| tuner.tune(bitrate));
        Ok(())
    }

    fn describe(&self) -> String {
        self.settings.clone()
    }

    fn finish(self: Box<Self>) -> Result<(), Error> {
        let ended = self.source.end_of_stream().map(|_| ()).map_err(|flow| format!("{flow:?}"));
        ended.and_then(|()| self.pipeline.wait_for_end()).map_err(error)
    }
}

/// Which encoder failed cannot be told: with some elements the error comes from the pictures' source.
fn error(reason: String) -> Error {
    Error::Encoder { rendition: "the ladder".to_owned(), reason }
}
