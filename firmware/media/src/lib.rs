//! The words of the media path as plain values: no I/O, no clocks, no parsing of media bytes.
//!
//! Media time is integer ticks of a track's timescale since the Unix epoch (the channel's *timeline*);
//! floating point appears nowhere. [`Grid`] says where segments and parts begin on that timeline,
//! [`Sample`] is what an encoder gives, [`Window`] is what every way out of the box reads.

pub mod camera;
pub mod decklink;
pub mod grid;
pub mod history;
pub mod levels;
mod parameter_sets;
pub mod rate;
pub mod rendition;
pub mod sample;
pub mod signal;
pub mod track;
pub mod window;

pub use camera::{Camera, CameraChoice};
pub use decklink::{CardChoice, Connection};
pub use grid::{Grid, Position};
pub use history::{History, Segment, Spans};
pub use levels::Levels;
pub use rate::FrameRate;
pub use rendition::{Coding, Profile, RateControl, Rendition, Sound};
pub use sample::Sample;
pub use signal::{Break, Event};
pub use track::{Captions, Codec, Kind, Layout, LayoutId, Pictures, Track};
pub use window::{EdgePart, EdgeSegment, Entry, Span, Window};

/// Nanoseconds in one second.
pub const NANOS: u64 = 1_000_000_000;

/// The tick nearest to an instant in nanoseconds since the epoch.
#[must_use]
pub fn ticks(nanos: u64, timescale: u32) -> u64 {
    let ticks = (u128::from(nanos) * u128::from(timescale) + u128::from(NANOS / 2)) / u128::from(NANOS);
    u64::try_from(ticks).unwrap_or(u64::MAX)
}

/// Ticks of one timescale in those of another, rounded down: durations between them add up.
#[must_use]
pub fn rescale(ticks: u64, from: u32, to: u32) -> u64 {
    u64::try_from(u128::from(ticks) * u128::from(to) / u128::from(from.max(1))).unwrap_or(u64::MAX)
}

/// Nanoseconds since the epoch of a tick, rounded to the nearest nanosecond.
#[must_use]
pub fn nanos(ticks: u64, timescale: u32) -> u64 {
    let (ticks, timescale) = (u128::from(ticks), u128::from(timescale));
    u64::try_from((ticks * u128::from(NANOS) + timescale / 2) / timescale).unwrap_or(u64::MAX)
}
