//! Brings a stream's history from the catalogue into its window, some keys at a time.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
};

use media::{History, Layout};

use crate::{
    Error,
    catalogue::{Catalogue, init, seg, seg_of},
    committer::Committer,
    entry::Entry,
    layouts::Described,
    stream::Stream,
};

/// Keys read at a time.
const KEYS: usize = 500;

/// A history on its way in.
pub(crate) struct Load {
    stream: Arc<Stream>,
    id: u16,
    /// The next key to read.
    from: Vec<u8>,
    /// The end, exclusive.
    to: Vec<u8>,
    history: History,
    /// With the last segment that names it; none where the catalogue lacks it.
    layouts: BTreeMap<u64, Option<(Arc<Layout>, u64)>>,
    /// Whether it is listed depends on its successor.
    previous: Option<(u64, Entry)>,
}

impl Committer<'_> {
    /// A stream that wants its history.
    pub(crate) fn next_to_load(&self) -> Option<Load> {
        self.catalogue.as_ref()?;
        let streams = self.shared.streams();
        let mut waiting = streams.iter().filter(|stream| !stream.loaded.load(Ordering::Acquire));
        waiting.find_map(|stream| {
            let &id = stream.id.get()?;
            let (from, to) = stream.look(|live| Some((live.oldest_listed(), live.boundary()?)))?;
            Some(Load {
                stream: Arc::clone(stream),
                id,
                from: seg(id, from),
                to: seg(id, to),
                history: History::default(),
                layouts: BTreeMap::new(),
                previous: None,
            })
        })
    }

    pub(crate) fn load_on(&mut self) -> Result<(), Error> {
        let Some(catalogue) = &self.catalogue else { return Ok(()) };
        let Some(mut load) = self.load.take().or_else(|| self.next_to_load()) else { return Ok(()) };
        if load.step(&**catalogue)? {
            load.finish(&**catalogue)?;
        } else {
            self.load = Some(load);
        }
        Ok(())
    }

    /// Loads every open stream's history once more.
    pub(crate) fn load_again(&mut self) {
        self.load = None;
        self.shared.streams().iter().for_each(|stream| stream.loaded.store(false, Ordering::Release));
    }
}

impl Load {
    /// Reads some keys; true at the end.
    fn step(&mut self, catalogue: &dyn Catalogue) -> Result<bool, Error> {
        let pairs = catalogue.scan(&self.from, &self.to, KEYS)?;
        let end = pairs.len() < KEYS;
        for (key, value) in pairs {
            let Some((_, number)) = seg_of(&key) else { continue };
            self.from = [key.as_slice(), &[0]].concat();
            let Ok(entry) = Entry::decode(&value) else { continue };
            let discontinuity = entry.discontinuity;
            if let Some((number, previous)) = self.previous.replace((number, entry)) {
                self.list(catalogue, number, previous, Some(discontinuity))?;
            }
        }
        Ok(end)
    }

    /// Lists a segment that can be served: all lines, all tracks; its end may only lack before a discontinuity.
    fn list(
        &mut self,
        catalogue: &dyn Catalogue,
        number: u64,
        entry: Entry,
        next: Option<u32>,
    ) -> Result<(), Error> {
        if !entry.last && next == Some(entry.discontinuity) {
            return Ok(());
        }
        let layout = match self.layouts.entry(entry.layout) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(new) => {
                let value = catalogue.get(&init(entry.layout))?;
                let described = value.and_then(|value| Described::decode(&value).ok());
                new.insert(described.map(|described| (Arc::new(described.layout), number)))
            }
        };
        if let Some((layout, last)) = layout
            && entry.is_whole(layout.tracks.len())
        {
            *last = number;
            self.history.push(entry.segment(number, &self.stream.grid, layout));
        }
        Ok(())
    }

    fn finish(mut self, catalogue: &dyn Catalogue) -> Result<(), Error> {
        if let Some((number, entry)) = self.previous.take() {
            self.list(catalogue, number, entry, None)?;
        }
        // What was expired while this was read is not listed.
        let oldest = catalogue.scan(&seg(self.id, 0), &self.to, 1)?;
        let oldest = oldest.first().and_then(|(key, _)| seg_of(key)).map_or(u64::MAX, |(_, number)| number);
        self.history.drop_before(oldest);
        let layouts = self.layouts.into_values().flatten().collect();
        self.stream.change(|live| live.splice(self.history, layouts));
        self.stream.loaded.store(true, Ordering::Release);
        Ok(())
    }
}
