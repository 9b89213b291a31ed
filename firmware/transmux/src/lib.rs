//! Stored samples in the wrappings of other protocols, made on request from the same segments.
//!
//! ```text
//! ts::segment(pieces, tags) -> MPEG-TS packets        HLS version 3
//! f4f::fragment(pieces, zero) -> mdat of FLV tags     HDS
//! smooth::head(entries, next) -> moof, head of mdat   Smooth Streaming: the samples follow as they are stored
//! ```
//! Pure: samples come in as [`media::Sample`]s, bytes go out. The same samples give the same bytes on every box.

mod error;
pub mod f4f;
pub mod smooth;
pub mod ts;

use media::{Sample, Track};

pub use error::Error;

/// A stretch of a segment whose tracks have the same parameters throughout.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'a> {
    /// Pictures, where there are any.
    pub video: Option<Stream<'a>>,
    /// The sound, where there is any.
    pub audio: Option<Stream<'a>>,
}

/// An ID3 tag at a moment of the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Nanoseconds since the epoch.
    pub at: u64,
    /// The whole tag.
    pub data: bytes::Bytes,
}

/// A track's samples in decode order.
#[derive(Clone, Copy, Debug)]
pub struct Stream<'a> {
    /// The track.
    pub track: &'a Track,
    /// Its samples.
    pub samples: &'a [Sample],
}
