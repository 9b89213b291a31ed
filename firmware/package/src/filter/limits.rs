//! Where a window begins and ends under the time ranges of filters.

use media::{EdgeSegment, Grid, NANOS, Window};

use super::{Filter, PresentationTimeRange, bound};

/// Nanoseconds as a timescale.
const NANO: u32 = NANOS as u32;

/// What several time ranges leave: latest start, earliest end, smallest window, largest back-off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Limits {
    /// The first segment.
    first: u64,
    /// The last segment once the presentation has ended.
    last: Option<u64>,
    /// The last segment, live or not.
    forced: Option<u64>,
    /// Nanoseconds back from the end.
    window: Option<u64>,
    /// Nanoseconds that a live end stays behind the newest part.
    backoff: u64,
}

/// What is seen of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) first: u64,
    /// Included; the greatest number where the end is open.
    pub(super) last: u64,
    /// Nothing will follow.
    pub(super) ended: bool,
    /// Nanoseconds; nothing but whole segments may be shown.
    pub(super) backoff: u64,
    /// The last segment that will ever be seen, where the filters say so.
    pub(super) forced: Option<u64>,
}

impl Limits {
    pub(super) fn of(filters: &[&Filter], grid: &Grid) -> Self {
        let ranges = filters.iter().filter_map(|filter| filter.presentation_time_range.as_ref());
        ranges
            .filter(|range| range.timescale > 0)
            .fold(Self::default(), |limits, range| limits.with(range, grid))
    }

    fn with(self, range: &PresentationTimeRange, grid: &Grid) -> Self {
        let segment = |time| grid.position(time, range.timescale).segment;
        let nanos = |duration| media::nanos(duration, range.timescale);
        let end = bound(range.end).map(|end| segment(end.saturating_sub(1)));
        let earliest = |one: Option<u64>, other: Option<u64>| one.into_iter().chain(other).min();
        Self {
            first: bound(range.start).map_or(self.first, |start| self.first.max(segment(start))),
            last: earliest(self.last, end),
            forced: earliest(self.forced, end.filter(|_| range.force_end)),
            window: earliest(self.window, bound(range.presentation_window).map(nanos)),
            backoff: bound(range.live_backoff)
                .map_or(self.backoff, |backoff| self.backoff.max(nanos(backoff))),
        }
    }

    /// What they leave of a window; none where they contradict each other.
    pub(super) fn bounds(&self, window: &Window) -> Option<Bounds> {
        let backoff = if window.ended { 0 } else { self.backoff };
        // With a back-off the viewers' time runs that much later, and so does the instant when an end takes effect.
        let complete = match backoff {
            0 => window.history.last().map(|newest| newest.number),
            _ => last_before(window, backoff),
        };
        let ended =
            window.ended || self.forced.zip(complete).is_some_and(|(forced, complete)| complete >= forced);
        let last = if ended { self.last } else { self.forced };
        if last.is_some_and(|last| last < self.first) {
            return None;
        }
        let seen = if backoff > 0 { complete.unwrap_or(0) } else { u64::MAX };
        let to = last.unwrap_or(u64::MAX).min(seen);
        let first = match (self.window, end_nanos(window, to)) {
            (Some(length), Some(end)) => {
                self.first.max(window.grid.position(end.saturating_sub(length), NANO).segment)
            }
            _ => self.first,
        };
        let backoff = if ended { 0 } else { backoff };
        let nothing_yet = backoff > 0 && complete.is_none();
        Some(Bounds {
            first: if nothing_yet { u64::MAX } else { first },
            last: to,
            ended,
            backoff,
            forced: self.forced,
        })
    }
}

/// The last segment that ends, on every track, `backoff` nanoseconds or more before the newest part does.
fn last_before(window: &Window, backoff: u64) -> Option<u64> {
    let until = newest_nanos(window)?.checked_sub(backoff)?;
    let last = window.grid.position(until, NANO).segment.checked_sub(1)?;
    // Sound may run past the line by less than a frame.
    let late = segment_end_nanos(window, last).is_some_and(|end| end > until);
    last.checked_sub(u64::from(late))
}

/// Nanoseconds since the epoch where what is seen up to segment `to` ends.
fn end_nanos(window: &Window, to: u64) -> Option<u64> {
    let newest = newest_nanos(window)?;
    let line = |number| media::nanos(window.grid.segment_line(number, NANO), NANO);
    Some(to.checked_add(1).map_or(newest, |next| newest.min(line(next))))
}

/// Nanoseconds since the epoch where the newest part of all tracks ends.
fn newest_nanos(window: &Window) -> Option<u64> {
    let timescale = |index: usize| Some(window.layout()?.tracks.get(index)?.timescale);
    let end = |segment: &EdgeSegment| segment.start + u64::from(segment.duration());
    let parts = window.edge.iter().enumerate().filter_map(|(index, edge)| {
        let segment = edge.iter().rfind(|segment| !segment.parts.is_empty())?;
        Some(media::nanos(end(segment), timescale(index)?))
    });
    let closed = window.history.last().and_then(|newest| segment_end_nanos(window, newest.number));
    parts.chain(closed).max()
}

/// Nanoseconds since the epoch where a closed segment ends on its last track.
fn segment_end_nanos(window: &Window, number: u64) -> Option<u64> {
    let segment = window.history.get(number)?;
    let layout = window.layout_by_id(segment.layout)?;
    let end = |(index, track): (usize, &media::Track)| {
        let span = segment.span(index, &window.grid, track.timescale)?;
        Some(media::nanos(span.start + u64::from(span.duration), track.timescale))
    };
    layout.tracks.iter().enumerate().filter_map(end).max()
}
