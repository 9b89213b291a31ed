//! The family of V4L2 memory-to-memory encoders, as on most ARM chips: GStreamer's `v4l2h264enc` and `v4l2h265enc`.
//!
//! Pictures are scaled on the processor: the scalers of these chips, where they have any, differ from chip to chip.

use std::sync::Arc;

use media::{Coding, RateControl, Rendition};

use super::{
    Ask, Builder, Family, Plan, make, parser, profile,
    rungs::{Encoder, Rungs},
    set, trial, words,
};
use crate::error::Error;

/// The family.
#[derive(Debug)]
pub struct V4l2m2m;

impl Family for V4l2m2m {
    fn name(&self) -> &'static str {
        "v4l2m2m"
    }

    fn prepare(&self, plan: &Plan) -> Result<Builder, String> {
        for rendition in &plan.renditions {
            let element = element(rendition.coding);
            make(element).map_err(|_| format!("no V4L2 driver offers `{element}`"))?;
        }
        let builder: Builder = Arc::new(|plan, out| {
            let settings = format!("v4l2m2m: {}", words(plan.rate_control));
            let rungs =
                Rungs::start(plan, out, settings, Ask::Timed, |_, rendition| encoder(plan, rendition))?;
            Ok(Box::new(rungs))
        });
        trial::run(plan, &builder).map_err(|flaw| flaw.to_string())?;
        Ok(builder)
    }
}

fn element(coding: Coding) -> &'static str {
    match coding {
        Coding::H264 => "v4l2h264enc",
        Coding::H265 => "v4l2h265enc",
    }
}

fn encoder(plan: &Plan, rendition: &Rendition) -> Result<Encoder, Error> {
    let encoder = make(element(rendition.coding))?;
    let mode = match plan.rate_control {
        RateControl::Constant => 1,
        RateControl::Capped => 0,
    };
    // Names of the kernel's controls (V4L2, codec control reference). What a driver does not have is left out.
    let controls = format!(
        "controls,video_bitrate_mode={mode},video_bitrate={},video_bitrate_peak={},video_gop_size={},video_b_frames=0",
        rendition.bitrate,
        rendition.bitrate,
        plan.grid.frames_per_segment() * 2,
    );
    set(&encoder, "extra-controls", &controls)?;
    let chain = vec![make("videoconvert")?, encoder.clone(), profile(rendition)?, parser(rendition.coding)?];
    let tune = move |bitrate| set(&encoder, "extra-controls", &format!("controls,video_bitrate={bitrate}"));
    Ok(Encoder { chain, tune: Box::new(tune) })
}
