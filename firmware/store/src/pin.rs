//! Ranges that expiry spares.

use std::time::Duration;

use media::Grid;

/// A range of a stream that expiry spares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// Names it in the status; no two pins share one.
    pub id: String,
    /// The stream's channel.
    pub channel: String,
    /// The stream's grid.
    pub grid: Grid,
    /// First segment.
    pub from: u64,
    /// Last segment. None: it is still recorded, and all that comes is kept.
    pub to: Option<u64>,
    /// Of a range that is still recorded, only so much is kept: its beginning moves with the newest segment.
    pub window: Option<Duration>,
    /// Bytes over which it is the first to give up its oldest, when room is short.
    pub quota: Option<u64>,
}

/// What a pin has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinStatus {
    /// Its name.
    pub id: String,
    /// Bytes of its stream in the extents that it holds: it may reach some segments into the first and the last.
    pub bytes: u64,
    /// The oldest segment that it still has on the disk.
    pub first: Option<u64>,
    /// The oldest segment that it protects: later than its beginning where it moves with its window, or had to
    /// give up some.
    pub from: u64,
    /// Segments of it that room was made of since the store was opened.
    pub lost: u64,
}

/// How far back a pin that is still recorded keeps a stream listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reach {
    from: u64,
    /// In segments.
    window: Option<u64>,
}

impl Reach {
    /// The oldest segment, where the newest is `edge`.
    pub(crate) fn start(&self, edge: u64) -> u64 {
        self.window.map_or(self.from, |window| self.from.max(edge.saturating_sub(window)))
    }
}

impl Pin {
    pub(crate) fn is_of(&self, channel: &str, grid: Grid) -> bool {
        self.channel == channel && self.grid == grid
    }

    pub(crate) fn is_open(&self) -> bool {
        self.to.is_none()
    }

    /// Whether it lets go of its oldest by itself while it is recorded.
    pub(crate) fn moves_on(&self) -> bool {
        self.is_open() && (self.window.is_some() || self.quota.is_some())
    }

    pub(crate) fn reach(&self) -> Reach {
        let window = self.window.filter(|_| self.is_open());
        Reach { from: self.from, window: window.map(|window| segments(window.as_nanos(), &self.grid)) }
    }
}

/// Segments that it takes to fill this time, at least 1.
pub(crate) fn segments(nanos: u128, grid: &Grid) -> u64 {
    u64::try_from(nanos.div_ceil(u128::from(grid.segment_nanos().max(1)))).unwrap_or(u64::MAX).max(1)
}
