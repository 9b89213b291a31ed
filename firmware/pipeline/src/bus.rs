//! A GStreamer pipeline that is stopped when dropped and remembers its first error.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU64, Ordering},
};

use gst::prelude::*;

use crate::error::Error;

/// Longest wait for a pipeline to end after its last buffer.
const END: gst::ClockTime = gst::ClockTime::from_seconds(5);

/// A pipeline, its elements linked in a row or by their owner.
#[derive(Debug)]
pub struct Pipeline {
    what: &'static str,
    inner: gst::Pipeline,
    failure: Arc<OnceLock<String>>,
    warnings: Arc<AtomicU64>,
}

impl Pipeline {
    /// An empty pipeline; `what` names it in errors.
    pub fn new(what: &'static str) -> Self {
        let inner = gst::Pipeline::new();
        let (failure, warnings) = (Arc::new(OnceLock::new()), Arc::new(AtomicU64::new(0)));
        if let Some(bus) = inner.bus() {
            let (seen, counted) = (Arc::clone(&failure), Arc::clone(&warnings));
            bus.set_sync_handler(move |_, message| {
                match message.view() {
                    gst::MessageView::Error(error) => {
                        // Only the first error is the cause; elements downstream and upstream follow with theirs.
                        let _ = seen.set(describe(error));
                    }
                    gst::MessageView::Warning(warning) => {
                        tracing::debug!(warning = %warning.error(), "GStreamer warning");
                        counted.fetch_add(1, Ordering::Relaxed);
                    }
                    _ => {}
                }
                gst::BusSyncReply::Pass
            });
        }
        Self { what, inner, failure, warnings }
    }

    /// A pipeline of these elements in a row.
    pub fn chain(what: &'static str, elements: &[&gst::Element]) -> Result<Self, Error> {
        let pipeline = Self::new(what);
        pipeline.add(elements)?;
        Ok(pipeline)
    }

    /// Adds elements and links them in a row.
    pub fn add(&self, elements: &[&gst::Element]) -> Result<(), Error> {
        let assemble = |error: gst::glib::BoolError| self.error(error.to_string());
        self.inner.add_many(elements).map_err(assemble)?;
        gst::Element::link_many(elements).map_err(assemble)
    }

    /// Starts it.
    pub fn play(&self) -> Result<(), Error> {
        let started = self.inner.set_state(gst::State::Playing);
        started.map(|_| ()).map_err(|error| self.error(self.failure().unwrap_or_else(|| error.to_string())))
    }

    /// The first error, if there was one.
    pub fn failure(&self) -> Option<String> {
        self.failure.get().cloned()
    }

    /// How often something was wrong that it goes on with: decoders warn of every picture that they cannot read.
    pub fn warnings(&self) -> u64 {
        self.warnings.load(Ordering::Relaxed)
    }

    /// Waits until everything pushed has come out.
    pub fn wait_for_end(&self) -> Result<(), String> {
        let Some(bus) = self.inner.bus() else { return Ok(()) };
        let kinds = [gst::MessageType::Eos, gst::MessageType::Error];
        match bus.timed_pop_filtered(END, &kinds) {
            Some(message) if message.type_() == gst::MessageType::Eos => Ok(()),
            Some(_) => Err(self.failure().unwrap_or_else(|| "ended with an error".to_owned())),
            None => Err("does not come to its end".to_owned()),
        }
    }

    /// The pipeline itself.
    pub fn inner(&self) -> &gst::Pipeline {
        &self.inner
    }

    fn error(&self, reason: String) -> Error {
        Error::Assemble { what: self.what, reason }
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        // Nothing can be done about a pipeline that does not stop; the process is ending or it is replaced.
        let _ = self.inner.set_state(gst::State::Null);
    }
}

fn describe(error: &gst::message::Error) -> String {
    let source = error.src().map(|source| source.name().to_string()).unwrap_or_default();
    let detail = error.debug().map(|debug| debug.to_string()).unwrap_or_default();
    tracing::warn!(source, detail, error = %error.error(), "GStreamer error");
    format!("{source}: {}", error.error())
}
