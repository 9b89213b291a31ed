//! One capture of a card's input: its pictures, its embedded sound and its signal, by whatever elements it is made of.

use std::sync::Arc;

use gst::prelude::*;
use gst_video::VideoInfo;
use link::PictureFormat;
use media::{Connection, FrameRate};

use super::{super::card, cards::Card};
use crate::{
    bus,
    error::Error,
    source::{
        capture::{live, picture_tail},
        coding::make,
        live::Shared,
        timings::Timings,
    },
};

/// The driver's elements.
const PICTURES: &str = "decklinkvideosrc";
const SOUNDS: &str = "decklinkaudiosrc";

/// What a chain begins with, linked in a row: elements of the driver, or others in their place.
pub struct Sources {
    /// Give the pictures; the first one gives them in the signal's own format.
    pub pictures: Vec<gst::Element>,
    /// Give the sound.
    pub sounds: Vec<gst::Element>,
    /// Which one tells whether there is a signal, and by which property.
    pub signal: (gst::Element, &'static str),
}

/// The driver's own, for so many channels of sound; none where the card has no sound.
pub fn sources(card: &Card, connection: Connection, channels: Option<usize>) -> Result<Sources, Error> {
    let pictures = make(PICTURES)?;
    pictures.set_property("persistent-id", card.id);
    pictures.set_property_from_str("connection", connection.name());
    pictures.set_property_from_str("mode", "auto");
    pictures.set_property("output-cc", true);
    let mut sounds = Vec::new();
    if let Some(channels) = channels {
        let embedded = make(SOUNDS)?;
        embedded.set_property("persistent-id", card.id);
        embedded.set_property_from_str("channels", &channels.to_string());
        sounds.push(embedded);
    }
    Ok(Sources { signal: (pictures.clone(), "signal"), pictures: vec![pictures], sounds })
}

/// A capture; it ends when it is dropped.
pub struct Chain {
    pipeline: bus::Pipeline,
    source: gst::Pad,
    sink: gst::Pad,
}

impl Chain {
    /// Begins to capture.
    pub fn begin(shared: &Arc<Shared>, sources: Sources) -> Result<Self, Error> {
        let Sources { mut pictures, mut sounds, signal: (teller, property) } = sources;
        let source = pad(pictures.first(), "src")?;
        let told = Arc::clone(shared);
        teller.connect_notify(Some(property), move |teller, _| match teller.property(property) {
            true => told.arrivals.signal_there(),
            false => told.arrivals.signal_lost("no signal at the input"),
        });
        pictures.extend(readable()?);
        pictures.extend(picture_tail(shared, false)?);
        let sink = pad(pictures.last(), "sink")?;
        let pipeline = live("DeckLink capture", &pictures)?;
        if !sounds.is_empty() {
            sounds.push(card::sink(shared));
            // In one pipeline with the pictures, as the driver gives both the same times.
            pipeline.add(&sounds.iter().collect::<Vec<_>>())?;
        }
        shared.arrivals.begin();
        pipeline.play()?;
        Ok(Self { pipeline, source, sink })
    }

    /// The signal, once its first picture has come, and what is made of it: whole pictures with square pixels.
    pub fn format(&self) -> Option<(Timings, PictureFormat)> {
        let info = |pad: &gst::Pad| pad.current_caps().and_then(|caps| VideoInfo::from_caps(&caps).ok());
        let (given, made) = (info(&self.source)?, info(&self.sink)?);
        let rate = |info: &VideoInfo| {
            let (num, den) = (info.fps().numer(), info.fps().denom());
            FrameRate::nearest_standard(num.cast_unsigned(), den.cast_unsigned()).ok()
        };
        let pixels = |pixels: u32| u16::try_from(pixels).unwrap_or(u16::MAX);
        let signal = Timings {
            width: given.width(),
            height: given.height(),
            interlaced: given.is_interlaced(),
            rate: rate(&given),
        };
        let format = PictureFormat {
            width: pixels(made.width()),
            height: pixels(made.height()),
            rate: rate(&made)?,
            coding: given.format().to_string(),
        };
        Some((signal, format))
    }

    /// Why it broke off, if it did.
    pub fn failure(&self) -> Option<String> {
        self.pipeline.failure()
    }
}

/// The driver gives v210 of a signal with 10 bits; `deinterlace` cannot read that, and passes its fields on as they are.
fn readable() -> Result<[gst::Element; 2], Error> {
    let filter = make("capsfilter")?;
    let formats = gst::List::new(["UYVY", "Y42B", "BGRA", "ARGB"]);
    filter.set_property("caps", gst::Caps::builder("video/x-raw").field("format", formats).build());
    Ok([make("videoconvert")?, filter])
}

fn pad(element: Option<&gst::Element>, name: &'static str) -> Result<gst::Pad, Error> {
    element.and_then(|element| element.static_pad(name)).ok_or(Error::Element(PICTURES))
}
