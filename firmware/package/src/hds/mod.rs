//! Adobe HTTP Dynamic Streaming: the manifest (Flash Media Manifest File Format Specification 1.0) and the bootstrap that lists
//! the fragments (Adobe Flash Video File Format Specification 10.1, annex C.4).
//!
//! A fragment is a segment of the timeline: a track's pictures with the first shown sound, or sound alone where there are no
//! pictures. All are in one segment in the sense of HDS, whose number is of no meaning.

mod bootstrap;
mod manifest;

use media::{Window, rescale};

pub use self::{
    bootstrap::bootstrap,
    manifest::{Options, render},
};
use crate::listing::{Body, lines};

/// Ticks per second of every time.
pub const TIMESCALE: u32 = 1000;

/// Times begin anew after so long, some 25 days: they have 32 bits, which some players take for a signed number.
const WRAP: u64 = 1 << 31;

/// How a presentation's fragments are numbered and timed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    /// Milliseconds since the epoch where its time begins.
    pub zero: u64,
    /// The segment whose fragment has number 0.
    pub base: u64,
}

impl Clock {
    /// Of what has no beginning of its own: since the epoch.
    pub const EPOCH: Self = Self { zero: 0, base: 0 };

    /// Of a presentation that began with segment `begun` at `zero`, in nanoseconds since the epoch: its first fragment is
    /// number 1.
    #[must_use]
    pub fn since(begun: u64, zero: u64) -> Self {
        Self { zero: zero / 1_000_000, base: begun.saturating_sub(1) }
    }

    /// The segment of a fragment.
    #[must_use]
    pub fn segment(self, fragment: u32) -> u64 {
        self.base + u64::from(fragment)
    }

    /// The fragment of a segment; none where 32 bits cannot tell it, or for one before the first.
    fn fragment(self, segment: u64) -> Option<u32> {
        u32::try_from(segment.checked_sub(self.base)?).ok()
    }

    /// What times of a fragment that begins at `start` are counted from; both in milliseconds since the epoch.
    #[must_use]
    pub fn origin(self, start: u64) -> u64 {
        let since = start.saturating_sub(self.zero);
        self.zero + since / WRAP * WRAP
    }
}

/// A fragment of a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fragment {
    number: u32,
    /// Milliseconds since the epoch.
    start: u64,
    end: u64,
}

/// The whole fragments of track `index` of the current layout, oldest first: those whose times have begun anew as often as
/// those of the newest.
fn fragments(window: &Window, index: usize, clock: Clock) -> Vec<Fragment> {
    let whole = lines(window, index).filter(|line| matches!(line.body, Body::Whole(_)));
    let found = whole.filter_map(|line| {
        let millis = |ticks: u64| rescale(ticks, line.timescale, TIMESCALE);
        let end = line.span.start + u64::from(line.span.duration);
        Some(Fragment {
            number: clock.fragment(line.number)?,
            start: millis(line.span.start),
            end: millis(end),
        })
    });
    let mut found: Vec<_> = found.collect();
    if let Some(newest) = found.last().map(|newest| clock.origin(newest.start)) {
        found.retain(|fragment| clock.origin(fragment.start) == newest);
    }
    found
}
