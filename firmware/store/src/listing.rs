//! A stretch of a stream as the catalogue tells it, some keys at a time.

use std::{
    collections::{BTreeMap, btree_map},
    sync::Arc,
};

use media::{Grid, History, Layout};

use crate::{
    Error,
    catalogue::{Catalogue, init, seg, seg_of},
    entry::Entry,
    expiry,
    layouts::Described,
    lease::Leases,
};

/// Keys read at a time.
const KEYS: usize = 500;

/// A layout with the last segment listed that names it.
pub(crate) type Used = (Arc<Layout>, u64);

/// A layout with the last segment listed that names it, if any does.
type Seen = (Arc<Layout>, Option<u64>);

/// What was listed so far.
pub(crate) struct Listing {
    grid: Grid,
    /// The next key to read.
    from: Vec<u8>,
    /// The end, exclusive.
    to: Vec<u8>,
    history: History,
    /// None where the catalogue lacks it.
    layouts: BTreeMap<u64, Option<Seen>>,
    /// Whether it is listed depends on its successor.
    previous: Option<(u64, Entry)>,
}

impl Listing {
    /// Of the segments `from..to` of a stream.
    pub(crate) fn new(stream: u16, grid: Grid, from: u64, to: u64) -> Self {
        Self {
            grid,
            from: seg(stream, from),
            to: seg(stream, to),
            history: History::default(),
            layouts: BTreeMap::new(),
            previous: None,
        }
    }

    /// Reads some keys; true at the end.
    pub(crate) fn step(&mut self, catalogue: &dyn Catalogue, leases: &Leases) -> Result<bool, Error> {
        let pairs = match self.from < self.to {
            true => catalogue.scan(&self.from, &self.to, KEYS)?,
            false => Vec::new(),
        };
        let end = pairs.len() < KEYS;
        for (key, value) in pairs {
            let Some((_, number)) = seg_of(&key) else { continue };
            self.from = [key.as_slice(), &[0]].concat();
            let Ok(entry) = Entry::decode(&value) else { continue };
            let discontinuity = entry.discontinuity;
            if let Some((number, previous)) = self.previous.replace((number, entry)) {
                self.list(catalogue, leases, number, &previous, Some(discontinuity))?;
            }
        }
        if end && let Some((number, entry)) = self.previous.take() {
            self.list(catalogue, leases, number, &entry, None)?;
        }
        Ok(end)
    }

    /// These segments go while the rest is read.
    pub(crate) fn forget(&mut self, first: u64, last: u64) {
        if !self.history.is_empty() {
            expiry::forget(&mut self.history, first, last);
        }
    }

    /// The segments, and the layouts they name: the one of the last segment last.
    pub(crate) fn finish(self) -> (History, Vec<Used>) {
        let layouts = self.layouts.into_values().flatten();
        let mut used: Vec<Used> = layouts.filter_map(|(layout, last)| Some((layout, last?))).collect();
        used.sort_by_key(|(_, last)| *last);
        (self.history, used)
    }

    /// Lists a segment that can be served: all lines, all tracks; its end may only lack before a discontinuity.
    fn list(
        &mut self,
        catalogue: &dyn Catalogue,
        leases: &Leases,
        number: u64,
        entry: &Entry,
        next: Option<u32>,
    ) -> Result<(), Error> {
        if !entry.last && next == Some(entry.discontinuity) {
            return Ok(());
        }
        let layout = match self.layouts.entry(entry.layout) {
            btree_map::Entry::Occupied(known) => known.into_mut(),
            btree_map::Entry::Vacant(new) => {
                let value = catalogue.get(&init(entry.layout))?;
                let described = value.and_then(|value| Described::decode(&value).ok());
                new.insert(described.map(|described| (Arc::new(described.layout), None)))
            }
        };
        if let Some((layout, last)) = layout
            && entry.is_whole(layout.tracks.len())
            && entry.places.iter().all(|place| leases.gives(place.extent, place.generation))
        {
            *last = Some(number);
            self.history.push(entry.segment(number, &self.grid, layout));
        }
        Ok(())
    }
}
