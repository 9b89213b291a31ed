//! What can go wrong in a worker.

use std::path::PathBuf;

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
    /// No encoder family of the board works here.
    #[error("no encoder family works on this box: {0}")]
    NoFamily(String),
    /// An encoder gave an error or stopped.
    #[error("encoder of {rendition}: {reason}")]
    Encoder {
        /// Which rendition.
        rendition: String,
        /// Why.
        reason: String,
    },
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
