//! What filters leave of a window.

use media::Window;

use super::{
    Filter, Shown,
    limits::{Bounds, Limits},
    selection::{select, selects},
};
use crate::Error;

/// A presentation as its viewers see it.
#[derive(Clone, Debug)]
pub struct View {
    /// The time of it: what the renderers, and [`validate_reload`](crate::hls::validate_reload), have to be given.
    pub window: Window,
    /// The tracks of it.
    pub shown: Shown,
}

/// What all of several filters leave of a window: latest start, earliest end, smallest window, largest back-off, the tracks
/// that each of them leaves, in the order that the first with a `first_quality` asks for.
///
/// The presentation window is counted from the end of what is shown, live or not. Under a back-off only whole segments are shown.
/// Where a live window has nothing to show yet (a start in the future), the view's window is empty.
///
/// Costs the same for a week as for an hour: segment numbers come from times by the grid's arithmetic, the history is
/// asked for single segments, and [`Window::clip`] shares it. Only a change of layout within the range makes
/// the clip look at each segment of it. Without filters it is a copy of the window's pointers.
///
/// # Errors
/// [`Error::NothingShown`] where no track is left, or no time and none will come.
pub fn combine(window: &Window, filters: &[&Filter]) -> Result<View, Error> {
    if filters.is_empty() {
        return Ok(View { window: window.clone(), shown: Shown::all() });
    }
    let bounds = Limits::of(filters, &window.grid).bounds(window).ok_or(Error::NothingShown)?;
    let clipped = clip(window, &bounds);
    if clipped.ended && is_empty(&clipped) && !is_empty(window) {
        return Err(Error::NothingShown);
    }
    let tracks = selects(filters).then(|| {
        let layouts = clipped.layouts.iter();
        layouts.map(|layout| (layout.id, select(layout, filters))).collect::<Vec<_>>()
    });
    // The current layout is the last.
    if tracks.as_ref().and_then(|layouts| layouts.last()).is_some_and(|(_, tracks)| tracks.is_empty()) {
        return Err(Error::NothingShown);
    }
    let Bounds { backoff, forced: last, .. } = bounds;
    Ok(View { window: clipped, shown: Shown { tracks, backoff, last } })
}

fn clip(window: &Window, bounds: &Bounds) -> Window {
    let Bounds { first, last, ended, backoff, .. } = *bounds;
    match (first, last) {
        (0, u64::MAX) if window.ended == ended => window.clone(),
        // What is whole on every track is in the history.
        _ if backoff > 0 => Window { edge: Vec::new(), ..window.clone() }.clip(first, last, ended),
        _ => window.clip(first, last, ended),
    }
}

fn is_empty(window: &Window) -> bool {
    window.history.is_empty() && window.edge.iter().all(|edge| edge.is_empty())
}
