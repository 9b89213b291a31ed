//! The extents by id and, kept up to date with every change, by what they can be used for.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Instant,
};

use super::{Extent, State};

/// All extents. Every question but [`iter`](Self::iter) costs the same whatever their number, or its logarithm.
#[derive(Default)]
pub(crate) struct Tally {
    all: BTreeMap<u32, Extent>,
    raw: BTreeSet<u32>,
    /// By generation.
    free: BTreeSet<(u64, u32)>,
    /// By generation.
    sealed: BTreeSet<(u64, u32)>,
    leaving: Option<(u32, Instant)>,
    bad: usize,
    used: u64,
    /// How many extents hold a layout.
    layouts: HashMap<u64, usize>,
}

impl Tally {
    pub(crate) fn get(&self, id: u32) -> Option<&Extent> {
        self.all.get(&id)
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Extent)> {
        self.all.iter().map(|(&id, extent)| (id, extent))
    }

    /// Reserved, not yet written with zeros.
    pub(crate) fn raw(&self) -> &BTreeSet<u32> {
        &self.raw
    }

    /// Written with zeros and not in use, by generation.
    pub(crate) fn free(&self) -> &BTreeSet<(u64, u32)> {
        &self.free
    }

    /// Full, by generation.
    pub(crate) fn sealed(&self) -> &BTreeSet<(u64, u32)> {
        &self.sealed
    }

    pub(crate) fn leaving(&self) -> Option<(u32, Instant)> {
        self.leaving
    }

    pub(crate) fn bad(&self) -> usize {
        self.bad
    }

    /// Bytes of records.
    pub(crate) fn used(&self) -> u64 {
        self.used
    }

    /// How many extents hold a layout, as far as they are synced.
    pub(crate) fn holders(&self, layout: u64) -> usize {
        self.layouts.get(&layout).copied().unwrap_or(0)
    }

    pub(crate) fn put(&mut self, id: u32, extent: Extent) {
        self.remove(id);
        let key = (extent.contents.generation, id);
        match extent.state {
            State::Raw => drop(self.raw.insert(id)),
            State::Free => drop(self.free.insert(key)),
            State::Sealed => drop(self.sealed.insert(key)),
            State::Leaving(since) => self.leaving = Some((id, since)),
            State::Bad => self.bad += 1,
            State::Active => {}
        }
        self.used += extent.contents.end;
        for layout in extent.layouts() {
            *self.layouts.entry(layout).or_default() += 1;
        }
        self.all.insert(id, extent);
    }

    pub(crate) fn remove(&mut self, id: u32) {
        let Some(extent) = self.all.remove(&id) else { return };
        let key = (extent.contents.generation, id);
        match extent.state {
            State::Raw => drop(self.raw.remove(&id)),
            State::Free => drop(self.free.remove(&key)),
            State::Sealed => drop(self.sealed.remove(&key)),
            State::Leaving(_) => self.leaving = None,
            State::Bad => self.bad -= 1,
            State::Active => {}
        }
        self.used -= extent.contents.end;
        for layout in extent.layouts() {
            if let Some(count) = self.layouts.get_mut(&layout) {
                *count -= 1;
                if *count == 0 {
                    self.layouts.remove(&layout);
                }
            }
        }
    }
}

impl Extent {
    fn layouts(&self) -> BTreeSet<u64> {
        self.contents.layouts.iter().map(|&(_, layout)| layout).collect()
    }
}
