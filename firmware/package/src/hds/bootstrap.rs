//! The bootstrap of a track: which fragments there are, and when each begins.

use media::Window;

use super::{Clock, Fragment, TIMESCALE, fragments};
use crate::{Error, filter::Shown, mux};

/// The flag of a live presentation, in the byte that begins with a profile of two bits: named access.
const LIVE: u8 = 0x20;
/// As many fragments as come.
const UNBOUNDED: u32 = u32::MAX;

/// What a run of fragments that is none says of itself (C.4.4, table C-8).
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
enum Discontinuity {
    End = 0,
    NumbersAndTimes = 3,
}

/// The bootstrap of track `index` of the current layout: one `abst` box (annex C.4).
///
/// # Errors
/// [`Error::NoLayout`] before the first sample, [`Error::NoTrack`] also for a track that is not shown or cannot be carried,
/// [`Error::NoSegments`] where nothing can be listed yet.
pub fn bootstrap(window: &Window, index: usize, shown: &Shown, clock: Clock) -> Result<Vec<u8>, Error> {
    let layout = window.layout().ok_or(Error::NoLayout)?;
    let carried = layout.tracks.get(index).is_some_and(mux::carries);
    if !carried || !shown.shows(layout, index) {
        return Err(Error::NoTrack(index));
    }
    let fragments = fragments(window, index, clock);
    let last = fragments.last().ok_or(Error::NoSegments(index))?;
    let origin = clock.origin(last.start);
    let mut out = Vec::with_capacity(256);
    full_box(&mut out, *b"abst", |out| {
        // Its version: another one whenever there are more fragments.
        out.extend(last.number.to_be_bytes());
        out.push(if window.ended { 0 } else { LIVE });
        out.extend(TIMESCALE.to_be_bytes());
        out.extend((last.end - origin).to_be_bytes());
        // No time code, and no name of the presentation, servers, qualities, protection or metadata.
        out.extend([0; 8]);
        out.extend([0; 5]);
        out.push(1);
        // Players reckon that fragment number 1 begins segment 1, whether it is still there or not.
        let count = if window.ended { last.number } else { UNBOUNDED };
        segment_runs(out, count);
        out.push(1);
        fragment_runs(out, &fragments, origin, window.ended);
    });
    Ok(out)
}

/// `asrt`: all fragments are in segment 1.
fn segment_runs(out: &mut Vec<u8>, fragments: u32) {
    full_box(out, *b"asrt", |out| {
        // No qualities; one run.
        out.push(0);
        out.extend([1_u32, 1, fragments].map(u32::to_be_bytes).concat());
    });
}

/// An entry of `afrt`.
struct Run {
    first: u32,
    time: u64,
    /// None of a run that is none.
    duration: Option<u32>,
    discontinuity: Discontinuity,
}

/// Fragments that follow one another and last as long are one run; a hole is one of its own.
fn runs(fragments: &[Fragment], origin: u64, ended: bool) -> Vec<Run> {
    let lasts = |fragment: &Fragment| u32::try_from(fragment.end - fragment.start).unwrap_or(u32::MAX);
    let none = |first: u32, time: u64, discontinuity| Run { first, time, duration: None, discontinuity };
    let (mut runs, mut before) = (Vec::<Run>::new(), None::<&Fragment>);
    for fragment in fragments {
        let hole = before.filter(|before| before.number + 1 != fragment.number);
        if let Some(before) = hole {
            runs.push(none(before.number + 1, before.end - origin, Discontinuity::NumbersAndTimes));
        }
        let goes_on =
            before.is_some_and(|before| before.end == fragment.start && lasts(before) == lasts(fragment));
        if !goes_on || hole.is_some() {
            runs.push(Run {
                duration: Some(lasts(fragment)),
                ..none(fragment.number, fragment.start - origin, Discontinuity::End)
            });
        }
        before = Some(fragment);
    }
    if ended {
        runs.push(none(0, 0, Discontinuity::End));
    }
    runs
}

/// `afrt`.
fn fragment_runs(out: &mut Vec<u8>, fragments: &[Fragment], origin: u64, ended: bool) {
    let runs = runs(fragments, origin, ended);
    full_box(out, *b"afrt", |out| {
        out.extend(TIMESCALE.to_be_bytes());
        // No qualities.
        out.push(0);
        out.extend(u32::try_from(runs.len()).unwrap_or(u32::MAX).to_be_bytes());
        for run in &runs {
            out.extend(run.first.to_be_bytes());
            out.extend(run.time.to_be_bytes());
            out.extend(run.duration.unwrap_or(0).to_be_bytes());
            if run.duration.is_none() {
                out.push(run.discontinuity as u8);
            }
        }
    });
}

fn full_box(out: &mut Vec<u8>, kind: [u8; 4], body: impl FnOnce(&mut Vec<u8>)) {
    let begin = out.len();
    out.extend([0; 4]);
    out.extend(kind);
    // Version and flags.
    out.extend([0; 4]);
    body(out);
    // A listing of a day has some entries.
    let size = (out.len() - begin) as u32;
    out[begin..begin + 4].copy_from_slice(&size.to_be_bytes());
}
