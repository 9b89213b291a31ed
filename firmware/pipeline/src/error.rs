//! What can go wrong in a worker.

use std::{path::PathBuf, time::Duration};

use link::Refusal;

/// What can go wrong in a worker; the texts are for the technician.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// GStreamer does not start.
    #[error("GStreamer does not start: {0}")]
    Gstreamer(gst::glib::Error),
    /// An element's plug-in is not installed.
    #[error("GStreamer element `{0}` is not installed")]
    Element(&'static str),
    /// Elements do not fit each other or a state change failed.
    #[error("{what} cannot be started: {reason}")]
    Assemble {
        /// Which part.
        what: &'static str,
        /// Why, as far as GStreamer says.
        reason: String,
    },
    /// An element of this release does not know a property, or not this value.
    #[error("GStreamer element `{element}` does not take {property}={value}")]
    Property {
        /// The element.
        element: String,
        /// The property.
        property: String,
        /// What it was to be.
        value: String,
    },
    /// No encoder family works here; `riserd` knows of all but the last.
    #[error("{}", .0.as_ref().map_or("no encoder family is left", |last| &last.reason))]
    NoFamily(Option<Refusal>),
    /// A family's driver does not return.
    #[error("the driver of encoder family {0} does not return")]
    FamilyHangs(&'static str),
    /// An encoder gives nothing any more.
    #[error("encoder of {rendition}: no sample came out for {} ms", .quiet.as_millis())]
    EncoderHangs {
        /// Which rendition.
        rendition: String,
        /// For how long.
        quiet: Duration,
    },
    /// An encoder gave an error or stopped.
    #[error("encoder of {rendition}: {reason}")]
    Encoder {
        /// Which rendition.
        rendition: String,
        /// Why.
        reason: String,
    },
    /// The sound encoder gave an error or stopped.
    #[error("encoder of the sound: {0}")]
    Sound(String),
    /// A picture size that cannot be handled.
    #[error("pictures of {width}x{height} cannot be handled")]
    PictureSize {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// Picture memory could not be had or mapped.
    #[error("no memory for pictures")]
    PictureMemory,
    /// The socket to riserd cannot be reached or broke.
    #[error("socket {path}: {source}", path = path.display())]
    Socket {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// riserd said something that cannot be understood.
    #[error("message from riserd: {0}")]
    Message(#[from] link::Error),
    /// riserd is gone.
    #[error("riserd closed the connection")]
    Closed,
}

impl Error {
    /// Whether an encoder family is to blame, and another one would do better.
    pub(crate) fn is_encoders(&self) -> bool {
        matches!(
            self,
            Self::NoFamily(_)
                | Self::FamilyHangs(_)
                | Self::EncoderHangs { .. }
                | Self::Encoder { .. }
                | Self::Property { .. }
        )
    }
}
