//! A row of GStreamer elements between one that is fed and one that is asked.

use gst::prelude::*;

use super::Error;

/// A running row of elements; dropping it stops it.
#[derive(Debug)]
pub struct Chain {
    pipeline: gst::Pipeline,
    source: gst_app::AppSrc,
    sink: gst_app::AppSink,
}

impl Chain {
    /// Starts a row that takes buffers of `from` and gives buffers of `to`; `what` names it in errors.
    pub fn start(
        what: &'static str,
        from: &gst::Caps,
        between: Vec<gst::Element>,
        to: &gst::Caps,
    ) -> Result<Self, Error> {
        let source = gst_app::AppSrc::builder().caps(from).format(gst::Format::Time).build();
        let sink = gst_app::AppSink::builder().caps(to).sync(false).async_(false).max_buffers(2).build();
        let mut row = vec![source.clone().upcast()];
        row.extend(between);
        row.push(sink.clone().upcast());

        let chain = Self { pipeline: gst::Pipeline::new(), source, sink };
        let assembled = chain.pipeline.add_many(&row).and_then(|()| gst::Element::link_many(&row));
        assembled.map_err(|error| Error::Assemble { what, reason: error.to_string() })?;
        let started = chain.pipeline.set_state(gst::State::Playing);
        let reason = |error: gst::StateChangeError| chain.failure().unwrap_or_else(|| error.to_string());
        started.map_err(|error| Error::Assemble { what, reason: reason(error) })?;
        Ok(chain)
    }

    /// Where buffers and events go in.
    pub fn source(&self) -> &gst_app::AppSrc {
        &self.source
    }

    /// Where buffers and events come out.
    pub fn sink(&self) -> &gst_app::AppSink {
        &self.sink
    }

    /// The first error that has not been asked for yet, if there is one.
    pub fn failure(&self) -> Option<String> {
        let message = self.pipeline.bus()?.pop_filtered(&[gst::MessageType::Error])?;
        let gst::MessageView::Error(error) = message.view() else { return None };
        Some(error.error().to_string())
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        // One that does not stop ends with the process.
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

/// An element by its name.
pub fn element(name: &'static str) -> Result<gst::Element, Error> {
    let missing = |_| Error::Assemble { what: name, reason: "it is not installed".to_owned() };
    gst::ElementFactory::make(name).build().map_err(missing)
}

/// Bytes from one row to the next in the planes Y, U and V.
pub fn strides(strides: &[i32]) -> [usize; 3] {
    std::array::from_fn(|plane| strides.get(plane).map_or(0, |&stride| usize::try_from(stride).unwrap_or(0)))
}
