//! The software family: x264 and x265 by GStreamer's `x264enc` and `x265enc`.
//!
//! Tuned for delay: no look-ahead, no B-frames, threads only within a picture, so it comes out before the next goes in.

use std::{sync::Arc, time::Duration};

use channel::budget::{Budget, H265_IN_SOFTWARE};
use media::{Coding, RateControl, Rendition};

use super::{
    Ask, Builder, Family, Plan, make, parser, profile,
    rungs::{Encoder, Rungs},
    set, words,
};
use crate::error::Error;

/// x264 presets by the processor time they cost, as a multiple of the fastest (measured on the default ladder).
const PRESETS: [(&str, u64); 3] = [("veryfast", 5), ("superfast", 2), ("ultrafast", 1)];

/// x264's constant rate factor where the rate is capped: hardly to be told from the source at a viewer's distance.
const QUALITY: &str = "23";
/// Percent.
const WHOLE: u32 = 100;

/// The software family.
#[derive(Debug)]
pub struct Software;

impl Family for Software {
    fn name(&self) -> &'static str {
        "software"
    }

    /// Nothing is tried: there is no driver that could refuse, and no family below to fall back to.
    fn prepare(&self, plan: &Plan) -> Result<Builder, String> {
        for rendition in &plan.renditions {
            make(match rendition.coding {
                Coding::H264 => "x264enc",
                Coding::H265 => "x265enc",
            })
            .map_err(|error| error.to_string())?;
        }
        Ok(Arc::new(|plan, out| {
            let preset = preset(plan);
            let hevc = plan.renditions.iter().any(|rendition| rendition.coding == Coding::H265);
            let hevc = if hevc { ", x265 ultrafast" } else { "" };
            let control = words(plan.rate_control);
            let slices = match plan.renditions.first().map_or(1, |top| threads(plan, preset, top)) {
                1 => String::new(),
                threads => format!(", {threads} threads for the highest"),
            };
            let settings = format!("software: x264 {preset}{hevc}, {control}, no look-ahead{slices}");
            let rungs = Rungs::start(plan, out, settings, Ask::Next, |track, rendition| {
                let (encoder, share) = match rendition.coding {
                    Coding::H264 => (x264(plan, preset, track, rendition)?, WHOLE),
                    Coding::H265 => (x265(plan, rendition)?, average(plan.rate_control)),
                };
                let chain = vec![encoder.clone(), profile(rendition)?, parser(rendition.coding)?];
                let tune = move |bitrate: u32| {
                    set(&encoder, "bitrate", &(bitrate / 1000 * share / WHOLE).max(1).to_string())
                };
                Ok(Encoder { chain, tune: Box::new(tune) })
            })?;
            Ok(Box::new(rungs))
        }))
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(2)
    }
}

/// The slowest preset that leaves more than half of the board's budget free.
fn preset(plan: &Plan) -> &'static str {
    let budget = Budget { pixels_per_second: plan.software_budget, taken: 0, h265: H265_IN_SOFTWARE };
    let load = budget.load(&plan.renditions, plan.grid.rate);
    let fits = |&&(_, cost): &&(&str, u64)| load * cost * 2 <= budget.pixels_per_second;
    PRESETS.iter().find(fits).unwrap_or(&PRESETS[PRESETS.len() - 1]).0
}

/// Slices that are encoded beside one another cost a fifth more: there are none where one thread is quick enough.
fn threads(plan: &Plan, preset: &str, rendition: &Rendition) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    let cost = PRESETS.iter().find(|(name, _)| *name == preset).map_or(1, |(_, cost)| *cost);
    let pixels = rendition.pixels() * u64::from(plan.grid.rate.num()) / u64::from(plan.grid.rate.den());
    match pixels * cost * 2 <= plan.software_budget / cores as u64 {
        true => 1,
        false => cores.min(8),
    }
}

fn x264(plan: &Plan, preset: &str, track: usize, rendition: &Rendition) -> Result<gst::Element, Error> {
    let encoder = make("x264enc")?;
    let threads = if track == 0 { threads(plan, preset, rendition) } else { 1 };
    // Key frames come where they are asked for; the longest interval only guards a stream whose requests were lost.
    let longest = plan.grid.frames_per_segment() * 2;
    let pass = match plan.rate_control {
        RateControl::Constant => "cbr",
        // Constant quality, and the bitrate is that of the buffer.
        RateControl::Capped => "qual",
    };
    for (property, value) in [
        ("tune", "zerolatency"),
        ("speed-preset", preset),
        ("pass", pass),
        ("quantizer", QUALITY),
        ("bitrate", &(rendition.bitrate / 1000).to_string()),
        ("vbv-buf-capacity", "1000"),
        ("key-int-max", &longest.to_string()),
        ("bframes", "0"),
        ("option-string", "scenecut=0"),
        ("threads", &threads.to_string()),
    ] {
        set(&encoder, property, value)?;
    }
    Ok(encoder)
}

/// What x265 is given of a rendition's rate, in percent: its constant quality cannot be tuned while it runs.
fn average(control: RateControl) -> u32 {
    match control {
        RateControl::Constant => WHOLE,
        RateControl::Capped => 66,
    }
}

/// At its fastest always: it costs several times what x264 does.
fn x265(plan: &Plan, rendition: &Rendition) -> Result<gst::Element, Error> {
    let encoder = make("x265enc")?;
    let kilobits = rendition.bitrate / 1000;
    let average = kilobits * average(plan.rate_control) / WHOLE;
    // Closed groups, or a forced key frame is no IDR picture. One frame at a time: with several a picture comes out only
    // after later ones have gone in.
    let options = format!(
        "scenecut=0:open-gop=0:bframes=0:rc-lookahead=0:frame-threads=1:vbv-maxrate={kilobits}:vbv-bufsize={kilobits}:log-level=error"
    );
    for (property, value) in [
        ("tune", "zerolatency"),
        ("speed-preset", "ultrafast"),
        ("bitrate", &average.to_string()),
        ("key-int-max", &(plan.grid.frames_per_segment() * 2).to_string()),
        ("option-string", &options),
    ] {
        set(&encoder, property, value)?;
    }
    Ok(encoder)
}
