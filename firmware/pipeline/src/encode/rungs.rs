//! A ladder of encoders that take pictures from memory: our own scaler, one pipeline per rendition.
//!
//! Each rendition is scaled from the one above it, which costs a third less than scaling each from the source.

use std::sync::Arc;

use gst::prelude::*;
use media::{FrameRate, Rendition};

use super::{
    Ask, Ladder, Outlet, Picture, Plan, raw_caps,
    tap::{OnTheirWay, Tap},
};
use crate::{
    bus,
    error::Error,
    frame::{Frame, Pool, size, view},
    picture::{Size, scale::Scaler},
};

/// Pictures that may wait in front of one encoder.
const WAITING: u64 = 10;

/// The encoder of one rendition.
pub struct Encoder {
    /// The elements from raw pictures to a byte stream.
    pub chain: Vec<gst::Element>,
    /// Gives it so many bits per second from now on.
    pub tune: Box<dyn Fn(u32) -> Result<(), Error> + Send>,
}

/// Every rendition's encoder.
pub struct Rungs {
    rungs: Vec<Rung>,
    on_their_way: OnTheirWay,
    settings: String,
    ask: Ask,
    rate: FrameRate,
}

impl Rungs {
    /// Starts them; `encoder` makes that of the rendition at this index.
    /// `settings` says in plain words what they are, and they are asked for key frames by `ask`.
    pub fn start(
        plan: &Plan,
        out: &Outlet,
        settings: String,
        ask: Ask,
        encoder: impl Fn(usize, &Rendition) -> Result<Encoder, Error>,
    ) -> Result<Self, Error> {
        let on_their_way = OnTheirWay::new();
        let rung = |(track, rendition): (usize, &Rendition)| {
            let sink = Tap::new(plan, track, &on_their_way, out).sink();
            Rung::start(plan.grid.rate, rendition, encoder(track, rendition)?, &sink)
        };
        let rungs = plan.renditions.iter().enumerate().map(rung).collect::<Result<_, _>>()?;
        Ok(Self { rungs, on_their_way, settings, ask, rate: plan.grid.rate })
    }
}

impl Ladder for Rungs {
    fn has_room(&self) -> bool {
        self.rungs.iter().all(|rung| rung.source.current_level_buffers() < WAITING)
    }

    fn push(&mut self, picture: &Picture) -> Result<(), Error> {
        let since = self.on_their_way.note(picture);
        let pts = gst::ClockTime::from_nseconds(self.rate.nanos_of(since));
        let mut above = Arc::clone(&picture.frame);
        for rung in &mut self.rungs {
            above = rung.scale(above)?;
            rung.push(&above, pts, picture.sync.then_some(self.ask))?;
        }
        Ok(())
    }

    fn tune(&mut self, bitrates: &[u32]) -> Result<(), Error> {
        self.rungs.iter().zip(bitrates).try_for_each(|(rung, &bitrate)| (rung.tune)(bitrate))
    }

    fn describe(&self) -> String {
        self.settings.clone()
    }

    fn finish(self: Box<Self>) -> Result<(), Error> {
        self.rungs.iter().try_for_each(Rung::finish)
    }
}

/// One rendition: scaler and encoder.
struct Rung {
    rendition: Rendition,
    pool: Pool,
    scaler: Option<(Size, Scaler)>,
    source: gst_app::AppSrc,
    pipeline: bus::Pipeline,
    tune: Box<dyn Fn(u32) -> Result<(), Error> + Send>,
}

impl Rung {
    fn start(
        rate: FrameRate,
        rendition: &Rendition,
        encoder: Encoder,
        sink: &gst_app::AppSink,
    ) -> Result<Self, Error> {
        let (width, height) = (u32::from(rendition.width), u32::from(rendition.height));
        let source = gst_app::AppSrc::builder()
            .caps(&raw_caps(width, height, rate)?)
            .format(gst::Format::Time)
            .max_buffers(0)
            .max_bytes(0)
            .build();
        let mut chain = vec![source.upcast_ref()];
        chain.extend(&encoder.chain);
        chain.push(sink.upcast_ref());
        let pipeline = bus::Pipeline::chain("encoder", &chain)?;
        pipeline.play()?;
        Ok(Self {
            rendition: rendition.clone(),
            pool: Pool::new(width, height)?,
            scaler: None,
            source,
            pipeline,
            tune: encoder.tune,
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

    fn push(&self, frame: &Frame, pts: gst::ClockTime, key: Option<Ask>) -> Result<(), Error> {
        if let Some(reason) = self.pipeline.failure() {
            return Err(self.error(reason));
        }
        super::feed(&self.source, frame, pts, key).map_err(|reason| self.error(reason))
    }

    fn finish(&self) -> Result<(), Error> {
        let ended = self.source.end_of_stream().map(|_| ()).map_err(|flow| format!("{flow:?}"));
        ended.and_then(|()| self.pipeline.wait_for_end()).map_err(|reason| self.error(reason))
    }

    fn error(&self, reason: String) -> Error {
        Error::Encoder { rendition: self.rendition.name.clone(), reason }
    }
}
