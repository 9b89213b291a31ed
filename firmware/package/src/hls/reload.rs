//! When a blocking playlist request may be answered.

use media::{Grid, Layout, Position, Window};

use super::greatest_part_target;
use crate::Error;

/// What to do with a request for a playlist that holds a certain segment or part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reload {
    /// Answer with the playlist of this window.
    Ready,
    /// Hold the request and ask again with the next window; after three Target Durations answer 503.
    Wait {
        /// The segment that is waited for.
        msn: u64,
        /// The part of it that is waited for; `None` for the whole segment.
        part: Option<u32>,
    },
    /// Too far in the future (400).
    TooFar,
}

/// Judges `_HLS_msn` and `_HLS_part` for track `track` of the current layout (RFC 8216bis, 6.2.5.2).
///
/// A part index past the end of a segment means part 0 of the next. A segment that is no longer listed is
/// ready, and so is everything once the window has ended.
///
/// # Errors
/// [`Error::NoLayout`] and [`Error::NoTrack`].
pub fn validate_reload(window: &Window, track: usize, msn: u64, part: Option<u32>) -> Result<Reload, Error> {
    let layout = window.layout().ok_or(Error::NoLayout)?;
    let timescale = layout.tracks.get(track).ok_or(Error::NoTrack(track))?.timescale;
    if window.ended {
        return Ok(Reload::Ready);
    }
    let edge = window.edge.get(track).map_or(&[][..], |edge| edge);
    let recorded = window.history.last().map(|segment| segment.number);
    let Some(last) = edge.last().map(|segment| segment.number).max(recorded) else {
        return Ok(Reload::Wait { msn, part });
    };
    if msn > last.saturating_add(2) {
        return Ok(Reload::TooFar);
    }
    let Some(part) = part else {
        let open = edge.last().is_some_and(|segment| !segment.closed);
        let before = edge.len() > 1 || recorded.is_some();
        let ready = if open { before && msn < last } else { msn <= last };
        return Ok(if ready { Reload::Ready } else { Reload::Wait { msn, part: None } });
    };
    let wanted = match part < parts_in(window, track, timescale, msn) {
        true => Position { segment: msn, part },
        false => Position { segment: msn + 1, part: 0 },
    };
    let listed = match window.last_part(track) {
        Some((segment, part)) => Position { segment, part },
        // Without parts, whatever was recorded is listed whole.
        None => Position { segment: last, part: window.grid.parts_per_segment },
    };
    if wanted <= listed || recorded.is_some_and(|recorded| wanted.segment <= recorded) {
        return Ok(Reload::Ready);
    }
    // A segment that was cut short counts as whole: what comes next is the next one's first part.
    let whole = window.grid.parts_per_segment;
    let cut_short = parts_in(window, track, timescale, listed.segment) < whole;
    let done = if cut_short { whole } else { listed.part.saturating_add(1).min(whole) };
    let ahead = (wanted.segment - listed.segment) * u64::from(whole) + u64::from(wanted.part);
    match ahead.saturating_sub(u64::from(done)) < advance_part_limit(&window.grid, layout) {
        true => Ok(Reload::Wait { msn: wanted.segment, part: Some(wanted.part) }),
        false => Ok(Reload::TooFar),
    }
}

/// How many parts a segment will have: those it has where it is complete, else what the grid says.
fn parts_in(window: &Window, track: usize, timescale: u32, number: u64) -> u32 {
    let complete = window.edge_segment(track, number).filter(|segment| {
        let end = segment.start + u64::from(segment.duration());
        segment.closed || end >= window.grid.segment_line(number + 1, timescale)
    });
    complete.map_or(window.grid.parts_per_segment, |segment| {
        u32::try_from(segment.parts.len()).unwrap_or(u32::MAX)
    })
}

/// The Advance Part Limit (RFC 8216bis, 6.2.5.2).
fn advance_part_limit(grid: &Grid, layout: &Layout) -> u64 {
    match greatest_part_target(grid, layout) {
        micros @ 1..1_000_000 => 3_000_000 / micros,
        _ => 3,
    }
}
