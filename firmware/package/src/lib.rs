//! From a window and a request to manifests: HLS, DASH, Smooth Streaming and HDS.
//!
//! Nothing here does I/O or reads a clock; the caller hands in a [`media::Window`] and, where it matters, the
//! time in nanoseconds since the Unix epoch. [`route`] says what a viewer asked for, [`hls`], [`dash`],
//! [`smooth`] and [`hds`] write the manifests, [`protection`] what they say of encryption, [`conditional`] judges `Range` and `If-None-Match`.

pub mod conditional;
pub mod dash;
pub mod filter;
pub mod hds;
pub mod hints;
pub mod hls;
pub mod mux;
pub mod protection;
pub mod route;
pub mod smooth;
pub mod thumbnails;

mod bitrate;
mod listing;
mod text;

/// Why a request or a manifest failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No resource has such a path (404).
    #[error("no such path")]
    NotFound,
    /// A field of the path or query is wrong (400).
    #[error("{field}: {reason}")]
    Parse {
        /// The field.
        field: route::Field,
        /// What is wrong with it.
        reason: route::Reason,
    },
    /// The channel has recorded nothing yet.
    #[error("the channel has no tracks yet")]
    NoLayout,
    /// The current layout has no track with this index.
    #[error("the channel has no track {0}")]
    NoTrack(usize),
    /// The track has nothing to list yet.
    #[error("there is nothing to show yet")]
    NoSegments(usize),
    /// Filters leave no track, or no time and none will come (404).
    #[error("the filters leave nothing to show")]
    NothingShown,
}

/// An instant in nanoseconds since the epoch as RFC 3339 text in UTC with milliseconds, for `UTCTiming`.
#[must_use]
pub fn utc(nanos: u64) -> String {
    text::Utc(nanos).to_string()
}
