//! Brings a stream's history from the catalogue into its window, some keys at a time.

use std::sync::{Arc, atomic::Ordering};

use crate::{Error, committer::Committer, extent::Range, listing::Listing, stream::Stream};

/// A history on its way in.
pub(crate) struct Load {
    stream: Arc<Stream>,
    id: u16,
    listing: Listing,
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
            let listing = Listing::new(id, stream.grid, from, to);
            Some(Load { stream: Arc::clone(stream), id, listing })
        })
    }

    pub(crate) fn load_on(&mut self) -> Result<(), Error> {
        let Some(catalogue) = &self.catalogue else { return Ok(()) };
        let Some(mut load) = self.load.take().or_else(|| self.next_to_load()) else { return Ok(()) };
        if load.listing.step(&**catalogue, &self.shared.leases)? {
            let (history, layouts) = load.listing.finish();
            load.stream.change(|live| live.splice(history, layouts));
            load.stream.loaded.store(true, Ordering::Release);
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
    /// What goes while it is read is not listed.
    pub(crate) fn forget(&mut self, range: &Range) {
        if range.id == self.id {
            self.listing.forget(range.first, range.last);
        }
    }
}
