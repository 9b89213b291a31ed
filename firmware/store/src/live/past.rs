//! What is listed of the past: how far back, what leaves it, what is put in front of it after a restart.

use std::sync::Arc;

use media::History;

use super::{Live, Resume};
use crate::{expiry, listing::Used, pin::Reach};

impl Live {
    pub(crate) fn reaches(&self) -> &[Reach] {
        &self.reaches
    }

    /// Recordings keep the stream listed beyond its window. True where that is further back than before.
    pub(crate) fn set_reaches(&mut self, reaches: Vec<Reach>) -> bool {
        let before = self.oldest_listed();
        self.reaches = reaches;
        self.oldest_listed() < before
    }

    /// The oldest segment listed where the newest is `newest`.
    pub(super) fn floor(&self, newest: u64) -> u64 {
        let reaches = self.reaches.iter().map(|reach| reach.start(newest));
        reaches.fold(newest.saturating_sub(self.window), u64::min)
    }

    /// The disk no longer has these segments.
    pub(crate) fn forget(&mut self, first: u64, last: u64) {
        expiry::forget(&mut self.history, first, last);
        self.prune_layouts();
    }

    pub(crate) fn mark_gap(&mut self, number: u64) {
        self.history.mark_gap(number);
    }

    /// What the catalogue has of the stream below this number was there before this process; none while
    /// that is not known.
    pub(crate) fn boundary(&self) -> Option<u64> {
        match self.resume {
            Resume::New => Some(0),
            Resume::After { last, .. } => Some(last + 1),
            Resume::Unknown => self.first,
        }
    }

    /// Puts what the catalogue has below [`boundary`](Self::boundary) before what this process has written.
    /// Each layout comes with the last segment that names it.
    pub(crate) fn splice(&mut self, recorded: History, layouts: Vec<Used>) {
        let Some(boundary) = self.boundary() else { return };
        let written = std::mem::replace(&mut self.history, recorded);
        for segment in written.iter().filter(|segment| segment.number >= boundary) {
            self.history.push(segment.clone());
        }
        for (layout, last) in layouts.into_iter().rev() {
            match self.layouts.iter_mut().find(|(known, _)| known.id == layout.id) {
                Some((_, used)) => *used = (*used).max(last),
                None => self.layouts.insert(0, (layout, last)),
            }
        }
        if let Some(last) = self.history.last() {
            self.history.drop_before(self.floor(last.number));
        }
        self.prune_layouts();
        self.whole = true;
    }

    /// The oldest number that a window ending at [`boundary`](Self::boundary) can list.
    pub(crate) fn oldest_listed(&self) -> u64 {
        self.floor(self.boundary().unwrap_or(0)).saturating_sub(1)
    }

    pub(super) fn prune_layouts(&mut self) {
        let listed = self.history.first().map(|segment| segment.number);
        let held = self.held.first().map(|held| held.number);
        let oldest = listed.into_iter().chain(held).min().unwrap_or(0);
        let current = self.layouts.last().map(|(layout, _)| layout.id);
        self.layouts.retain(|(layout, used)| Some(layout.id) == current || *used >= oldest);
        self.list_layouts();
    }

    pub(super) fn list_layouts(&mut self) {
        let listed = self.listed.iter().map(|layout| layout.id);
        if !listed.eq(self.layouts.iter().map(|(layout, _)| layout.id)) {
            self.listed = self.layouts.iter().map(|(layout, _)| Arc::clone(layout)).collect();
        }
    }
}
