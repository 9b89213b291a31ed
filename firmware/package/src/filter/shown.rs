//! What renderers have to know beside the window.

use media::{Layout, LayoutId};

/// Which tracks of a [`View`](super::View)'s window are listed, in which order, and how its edge moves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// Track indices in the order in which they are listed, per layout of the window; none: all of them as they are.
    pub(super) tracks: Option<Vec<(LayoutId, Vec<usize>)>>,
    /// Nanoseconds that the window stays behind the newest part: it has whole segments only.
    pub(crate) backoff: u64,
    /// The last segment that will ever be listed.
    pub(crate) last: Option<u64>,
}

impl Shown {
    /// All tracks of any window, in their own order.
    #[must_use]
    pub const fn all() -> Self {
        Self { tracks: None, backoff: 0, last: None }
    }

    /// The listed tracks of one of the window's layouts, by index, first to last.
    #[must_use]
    pub fn tracks(&self, layout: &Layout) -> Vec<usize> {
        match &self.tracks {
            None => (0..layout.tracks.len()).collect(),
            Some(layouts) => layouts
                .iter()
                .find(|(id, _)| *id == layout.id)
                .map(|(_, tracks)| tracks.iter().copied().filter(|at| *at < layout.tracks.len()).collect())
                .unwrap_or_default(),
        }
    }

    /// Whether track `index` of one of the window's layouts is listed.
    #[must_use]
    pub fn shows(&self, layout: &Layout, index: usize) -> bool {
        self.tracks(layout).contains(&index)
    }

    /// Milliseconds that the window stays behind the newest part.
    #[must_use]
    pub fn backoff_ms(&self) -> u64 {
        self.backoff / 1_000_000
    }
}
