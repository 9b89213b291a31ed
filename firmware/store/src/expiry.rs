//! How the oldest extent becomes free: windows first, then readers, then keys, then the extent itself.

use std::time::Instant;

use crate::{
    Error,
    catalogue::{Batch, Indexed, ext, init, seg},
    committer::Committer,
    entry::Entry,
};

/// Keys looked at and deleted at a time.
const KEYS: usize = 1000;

impl Committer<'_> {
    /// Takes the next extent into use, and sees that one more is free.
    pub(crate) fn next_extent(&mut self) -> Result<(), Error> {
        if self.ring.free() == 0 {
            let id = match self.ring.leaving() {
                Some((id, _)) => id,
                None => self.leave()?,
            };
            self.free(id)?;
        }
        self.ring.activate()?;
        if self.ring.free() == 0 && self.ring.leaving().is_none() {
            self.leave()?;
        }
        Ok(())
    }

    /// Frees the leaving extent, once its readers are done or have had their time.
    pub(crate) fn leave_on(&mut self) -> Result<(), Error> {
        if let Some((id, since)) = self.ring.leaving()
            && (self.ring.readers(id) == 0 || since.elapsed() > self.shared.limits.lease)
        {
            self.free(id)?;
        }
        Ok(())
    }

    /// Removes extents over the configured number, free ones first.
    pub(crate) fn shrink(&mut self) -> Result<(), Error> {
        let wanted = usize::try_from(self.shared.config.size / self.ring.size).unwrap_or(usize::MAX);
        while self.ring.extents.len() > wanted {
            let id = match self.ring.unused() {
                Some(id) => id,
                None => {
                    let id = self.leave()?;
                    self.free(id)?;
                    id
                }
            };
            self.ring.remove(id)?;
        }
        Ok(())
    }

    /// Takes the oldest extent's segments out of every window.
    fn leave(&mut self) -> Result<u32, Error> {
        let id = self.ring.oldest().ok_or(Error::NoExtent)?;
        let streams = self.shared.streams();
        for range in &self.ring.extents[&id].contents.streams {
            for stream in streams.iter().filter(|stream| stream.id.get() == Some(&range.id)) {
                stream.change(|live| live.drop_before(range.last + 1));
            }
        }
        self.ring.leave(id, Instant::now());
        Ok(id)
    }

    /// Deletes its keys and marks it free, durably and at once; only after that it may be overwritten.
    fn free(&mut self, id: u32) -> Result<(), Error> {
        let catalogue = self.catalogue.as_ref().ok_or(Error::NotOpen)?;
        let contents = &self.ring.extents[&id].contents;
        let mut batch = Batch::default();
        for range in &contents.streams {
            let (mut from, to) = (seg(range.id, range.first), seg(range.id, range.last + 1));
            loop {
                let keys = catalogue.scan(&from, &to, KEYS)?;
                let Some((last, _)) = keys.last() else { break };
                from = [last.as_slice(), &[0]].concat();
                for (key, value) in keys {
                    match without(id, &value) {
                        Some(rest) => batch.insert(key, rest.encode())?,
                        None => batch.remove(key),
                    }
                }
            }
        }
        for &(_, layout) in &contents.layouts {
            if !self.is_used_elsewhere(id, layout) {
                batch.remove(init(layout));
                self.layouts.remove(&layout);
            }
        }
        let indexed = Indexed { generation: contents.generation, end: contents.end, free: true };
        batch.insert(ext(id), indexed.encode())?;
        catalogue.commit(&batch)?;
        self.ring.release(id);
        Ok(())
    }

    fn is_used_elsewhere(&self, id: u32, layout: u64) -> bool {
        let names = |layouts: &[(u16, u64)]| layouts.iter().any(|(_, named)| *named == layout);
        self.ring.extents.iter().any(|(&other, extent)| other != id && names(&extent.contents.layouts))
            || self.ring.active().is_some_and(|(_, contents)| names(&contents.layouts))
    }
}

/// The entry without its records in this extent. What is left of a segment that reaches into the next one is
/// not listed, but the catalogue still counts that extent's records in full.
fn without(id: u32, value: &[u8]) -> Option<Entry> {
    let mut entry = Entry::decode(value).ok()?;
    entry.places.retain(|place| place.extent != id);
    (!entry.places.is_empty()).then_some(entry)
}
