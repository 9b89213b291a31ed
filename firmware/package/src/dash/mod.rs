//! The DASH manifest (ISO/IEC 23009-1, "DASH" below; DASH-IF IOP part 5 for low latency).
//!
//! Media time is UTC: decode times count from the epoch, and `$Time$` in an address is the decode time of the segment's
//! first sample. Presentation time counts from [`Options::zero`], which is the availability start too: from the epoch
//! on a channel's endless line, from where it begins in a program. The availability of a segment is the same either way.
//!
//! # Low latency
//! dash.js asks for a segment once the manifest it holds lists it and the clock has passed the segment's end less
//! `availabilityTimeOffset`; it never reloads the manifest more often than once a second. So the list goes past
//! the segment being made by at least as long as that ([`LOOK_AHEAD`]): the grid tells where those
//! segments lie, and the offset keeps clients from asking before the first part is due. The manifest is then needed
//! only every half segment. Because the clock of the timeline is that of the camera, a request may come up to the
//! encoder's delay before the first byte exists: the origin has to hold a request for a listed segment that has
//! not begun, and send one that has begun part by part (chunked transfer).
//!
//! # Periods
//! Each stretch of one layout without a discontinuity is a Period. The first begins at `PT0S`, the others on the grid line
//! where their stretch begins; either way presentation time is media time less zero. When the segments of an older one leave
//! the window, the next Period becomes the first: its `start` changes (to `PT0S`), its presentation times do not.
//!
//! dash.js takes a jump in `S@t` for the end. What has ended therefore has a Period of its own behind each hole, too. While
//! it is live a hole that is no discontinuity (damage, or a disk that took nothing) stays a jump: a Period that begins behind
//! it could not keep its name once the hole has left the window.
//!
//! # One file for each stretch
//! The same Periods with `SegmentBase` ([`Options::on_demand`]): a [`File`] is the init segment, an index, and the segments of
//! the stretch as they are stored.
//!
//! # The turn to on demand
//! Live viewers are led to another address for their next looks ([`Options::location`]). What has ended keeps under it the
//! zero that they know, so their time does not jump; its first Period begins where its media begins, so that no Period has
//! an empty beginning where the window has moved on from zero. Who comes afterwards gets a presentation that begins at
//! zero ([`Zero::Media`]).

mod breaks;
mod manifest;
mod on_demand;
mod period;

use ::media::{Grid, Window};

use crate::{filter::Shown, thumbnails::Album};

pub use self::{manifest::render, on_demand::File};

/// Nanoseconds that the list goes past the open segment at the least: dash.js reloads once a second at best.
const LOOK_AHEAD: u64 = 1_500_000_000;

/// What the operator allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options<'a> {
    /// List the segment being made and the next; without it whole segments only.
    pub low_latency: bool,
    /// How far behind the camera clients should play, in milliseconds.
    pub latency_ms: u32,
    /// Presentation time zero.
    pub zero: Zero,
    /// Where the next manifest is to be had while it is live (DASH, 5.3.1.2, `Location`); none for the same address.
    pub location: Option<&'a str>,
    /// Where players ask which of several servers to take: a URL.
    pub steering: Option<&'a str>,
    /// The thumbnails of what has ended.
    pub thumbnails: Option<Album>,
    /// Each stretch of a track is one file with an index (DASH, 8.3, on-demand profile); for what has ended, in the clear.
    pub on_demand: bool,
    /// The elements of [`content_protection`](crate::protection::content_protection): everything is encrypted so.
    pub protection: &'a str,
}

/// The instant that presentation time counts from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Zero {
    /// The epoch.
    #[default]
    Epoch,
    /// Nanoseconds since the epoch: the same, live and ended. Whole milliseconds suit clients that count in them.
    At(u64),
    /// Where the first sample lies; for what has ended.
    Media,
}

impl Zero {
    /// Nanoseconds since the epoch, where the media begins at `from`.
    fn nanos(self, from: u64) -> u64 {
        match self {
            Self::Epoch => 0,
            Self::At(zero) => zero,
            Self::Media => from / 1_000_000 * 1_000_000,
        }
    }
}

impl Options<'_> {
    /// Low latency, one segment and two parts behind.
    #[must_use]
    pub fn low_latency(grid: &Grid) -> Self {
        let latency = (grid.segment_nanos() + 2 * grid.part_nanos()) / 1_000_000;
        Self { low_latency: true, latency_ms: u32::try_from(latency).unwrap_or(u32::MAX), ..Self::default() }
    }

    /// Whole segments, three of them and a second behind.
    #[must_use]
    pub fn plain(grid: &Grid) -> Self {
        let latency = 3 * grid.segment_nanos() / 1_000_000 + 1000;
        Self { latency_ms: u32::try_from(latency).unwrap_or(u32::MAX), ..Self::default() }
    }

    /// What is left of them under a filter's back-off: whole segments, and clients play that much later.
    fn behind(self, shown: &Shown, grid: &Grid) -> Self {
        if shown.backoff == 0 {
            return self;
        }
        let latency = u64::from(self.latency_ms.max(Self::plain(grid).latency_ms)) + shown.backoff_ms();
        Self { low_latency: false, latency_ms: u32::try_from(latency).unwrap_or(u32::MAX), ..self }
    }
}

/// The last segment to list: the one being made on the track that is furthest, and those that come next.
///
/// `None` where only what exists is listed.
fn listed_through(window: &Window, shown: &Shown, options: &Options<'_>) -> Option<u64> {
    if window.ended || !options.low_latency {
        return None;
    }
    let edges = window.edge.iter().filter_map(|edge| edge.last());
    let open = edges.map(|last| last.number + u64::from(last.closed)).max()?;
    let through = open + LOOK_AHEAD.div_ceil(window.grid.segment_nanos().max(1));
    Some(shown.last.map_or(through, |last| through.min(last)))
}

#[cfg(test)]
mod tests;
