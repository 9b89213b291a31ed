//! Filters: what a presentation shows of its asset, without touching the asset.
//!
//! ```text
//! {"presentation_time_range": {"start": 17672256000000000, "presentation_window": 600000000, "live_backoff": 300000000},
//!  "tracks": [[{"property": "type", "operator": "equal", "value": "video"},
//!              {"property": "bitrate", "operator": "equal", "value": "0-2427000"}],
//!             [{"property": "type", "operator": "equal", "value": "audio"}]],
//!  "first_quality": 2200000}
//! ```
//! A filter has a name; whoever keeps filters looks it up among those of the asset first, then among the global ones.
//! [`combine`] intersects those that a request names.

mod check;
mod limits;
mod selection;
mod shown;
mod view;

use serde::{Deserialize, Serialize};

pub use self::{
    check::Problem,
    shown::Shown,
    view::{View, combine},
};

/// The value that means "no start", "no end", "all of the past", "no back-off", as if the field were not there.
pub const UNBOUNDED: u64 = i64::MAX.unsigned_abs();

/// What a presentation shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// Which time of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presentation_time_range: Option<PresentationTimeRange>,
    /// Which tracks: those that meet every condition of one of the lists. Empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tracks: Vec<Vec<Condition>>,
    /// Bits per second: the video rendition nearest to it is listed first, where many players begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_quality: Option<u64>,
}

/// A stretch of time, in units of `timescale`. A field that is missing or [`UNBOUNDED`] sets no bound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PresentationTimeRange {
    /// The first instant, counted from the Unix epoch. The segment it lies in is shown whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<u64>,
    /// The instant after the last, counted from the Unix epoch. The segment that crosses it is shown whole. It counts
    /// once the presentation has ended; while it is live only with `force_end`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<u64>,
    /// How far before the end of what is shown viewers may go back; at least 60 s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presentation_window: Option<u64>,
    /// How far behind the newest part a live presentation stays for everyone; at most 300 s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live_backoff: Option<u64>,
    /// Units per second.
    #[serde(default = "default_timescale")]
    pub timescale: u32,
    /// `end` ends the presentation even while its asset is still recorded.
    #[serde(default)]
    pub force_end: bool,
}

/// Something that a track is or is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// What is compared.
    pub property: Property,
    /// How.
    pub operator: Operator,
    /// With what; see [`Property`].
    pub value: String,
}

/// What a [`Condition`] looks at, and what its value may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Property {
    /// `video`, `audio` or `text`.
    Type,
    /// The track's name.
    Name,
    /// A language tag (RFC 5646), in any case; a track without one is `und`.
    Language,
    /// The four characters that RFC 6381 puts first: `avc1`, `mp4a`.
    Codec,
    /// Bits per second asked of the encoder: a number, or a range with both ends such as `0-2427000`.
    Bitrate,
}

/// How a [`Condition`] compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operator {
    /// Is so, or lies in the range.
    Equal,
    /// Is not so.
    NotEqual,
}

impl Default for PresentationTimeRange {
    fn default() -> Self {
        Self {
            start: None,
            end: None,
            presentation_window: None,
            live_backoff: None,
            timescale: default_timescale(),
            force_end: false,
        }
    }
}

/// Units of 100 ns.
fn default_timescale() -> u32 {
    10_000_000
}

/// A field's value where it sets a bound.
fn bound(value: Option<u64>) -> Option<u64> {
    value.filter(|value| *value < UNBOUNDED)
}

#[cfg(test)]
mod tests;
