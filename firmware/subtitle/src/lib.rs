//! Captions within stored pictures, made into subtitles on request.
//!
//! ```text
//! sei::units(sample) -> units of cc_data      pictures of a segment and of MEMORY before it
//! read::cues(channel, pictures, from, to)     -> what stands on the screen, stretch by stretch
//! webvtt::segment(cues), webvtt::payloads(cue) -> HLS, and `wvtt` tracks
//! ```
//! Nothing is kept between two requests: a segment's subtitles follow from its own pictures and from those of [`MEMORY`] before
//! it, so that any segment can be asked for at any time, from a box that has just started as well. What that costs is said at
//! [`read::cues`].
//!
//! Times are nanoseconds since the Unix epoch.

pub mod cea608;
mod channel;
mod cue;
pub mod read;
pub mod sei;
pub mod webvtt;

pub use cea608::MEMORY;
pub use channel::{Channel, UnknownChannel};
pub use cue::{Cue, Row, Span};

/// One unit of `cc_data` (ANSI/CTA-708-E, 4.4): marker, validity and type, then two bytes.
pub type Unit = [u8; 3];
