//! The sound of a camera's card, as it comes: its own rate and channels, with times of the system's clock.

use std::sync::Arc;

use gst::prelude::*;

use super::{capture::live, coding::make, follow::Heard, live::Shared};
use crate::{bus, error::Error};

/// Channels of the largest cards: eight pairs, as SDI has.
const MOST_CHANNELS: usize = 16;

/// A sound card that is being captured.
pub struct Card {
    pipeline: bus::Pipeline,
    channels: usize,
}

impl Card {
    /// Begins to capture the card of this ALSA name.
    pub fn open(shared: &Arc<Shared>, name: &str) -> Result<Self, Error> {
        let (pipeline, channels) = pipeline(shared, name)?;
        pipeline.play()?;
        Ok(Self { pipeline, channels })
    }

    /// Its channels.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Why it broke off, if it did.
    pub fn failure(&self) -> Option<String> {
        self.pipeline.failure()
    }
}

fn pipeline(shared: &Arc<Shared>, card: &str) -> Result<(bus::Pipeline, usize), Error> {
    let source = make("alsasrc")?;
    source.set_property("device", card);
    // Times are those of the system's clock; how far the card's own runs from it is seen by them.
    source.set_property("provide-clock", false);
    source.set_property_from_str("slave-method", "re-timestamp");
    source.set_property("buffer-time", 100_000i64);
    source.set_property("latency-time", 10_000i64);
    let (native, channels) = native(&source, usize::from(shared.sound.pairs) * 2);
    let filter = make("capsfilter")?;
    filter.set_property("caps", native);
    let pipeline = live("sound capture", &[source, filter, make("audioconvert")?, sink(shared)])?;
    Ok((pipeline, channels))
}

/// Where captured sound ends: among the arrivals.
pub fn sink(shared: &Arc<Shared>) -> gst::Element {
    let caps =
        gst::Caps::builder("audio/x-raw").field("format", "S16LE").field("layout", "interleaved").build();
    let shared = Arc::clone(shared);
    let take = move |sink: &gst_app::AppSink| {
        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
        shared.arrivals.sound(heard(&shared, sink, &sample).ok_or(gst::FlowError::Error)?);
        Ok(gst::FlowSuccess::Ok)
    };
    let callbacks = gst_app::AppSinkCallbacks::builder().new_sample(take).build();
    gst_app::AppSink::builder().caps(&caps).sync(false).callbacks(callbacks).build().upcast()
}

/// What a card is asked for: `wanted` channels or as many as it has of them, at 48 kHz where it can.
fn native(source: &gst::Element, wanted: usize) -> (gst::Caps, usize) {
    // It tells what it can do when it is open. One that cannot be opened says so when it is to play.
    let _ = source.set_state(gst::State::Ready);
    let offered = source.static_pad("src").map_or_else(gst::Caps::new_empty, |pad| pad.query_caps(None));
    let offers = |channels: usize, rate: Option<i32>| {
        let asked = gst::Caps::builder("audio/x-raw").field("channels", i32::try_from(channels).unwrap_or(2));
        let asked = asked.field_if_some("rate", rate).build();
        (!offered.intersect(&asked).is_empty()).then_some((asked, channels))
    };
    let counts = || (1..=wanted).rev().chain(wanted + 1..=MOST_CHANNELS);
    let found = counts().find_map(|channels| offers(channels, Some(48_000)));
    found
        .or_else(|| counts().find_map(|channels| offers(channels, None)))
        .unwrap_or_else(|| (gst::Caps::new_empty_simple("audio/x-raw"), 2))
}

/// Sound as it came, of the channels that are wanted.
fn heard(shared: &Shared, sink: &gst_app::AppSink, sample: &gst::Sample) -> Option<Heard> {
    let captured = shared.captured(sink, sample)?;
    let caps = sample.caps()?.structure(0)?;
    let bytes = sample.buffer()?.map_readable().ok()?;
    let given = usize::try_from(caps.get::<i32>("channels").ok()?).ok()?;
    // What nobody wants is not resampled.
    let channels = given.min(usize::from(shared.sound.pairs) * 2);
    let frames = bytes.as_chunks::<2>().0.chunks_exact(given);
    Some(Heard {
        captured,
        rate: u32::try_from(caps.get::<i32>("rate").ok()?).ok()?,
        channels,
        samples: frames.flat_map(|frame| &frame[..channels]).map(|pair| i16::from_le_bytes(*pair)).collect(),
    })
}
