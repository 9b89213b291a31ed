//! How the oldest extent becomes free: windows first, then readers, then keys, then the extent itself.

use std::time::Instant;

use media::History;

use crate::{
    Error,
    catalogue::{Batch, Indexed, ext, init, seg},
    committer::Committer,
    entry::Entry,
    extent::Contents,
};

/// Keys looked at and deleted at a time.
const KEYS: usize = 1000;

/// Extents that pins cannot take, however small the reserve: the one that is written and the one that is next.
const TURNING: usize = 2;

impl Committer<'_> {
    /// Takes the next extent into use, and sees that one more is free.
    pub(crate) fn next_extent(&mut self) -> Result<(), Error> {
        if self.ring.is_failing() {
            self.ring.acquit();
        }
        // One that was abandoned is not free when it has left.
        while self.ring.free() == 0 {
            let id = match self.ring.leaving() {
                Some((id, _)) => id,
                None => self.leave()?,
            };
            self.free(id)?;
        }
        self.ring.activate()?;
        self.shared.retention().set_active(Some(&[]));
        if self.ring.free() == 0 && self.ring.leaving().is_none() {
            match self.leave() {
                // There is room for now.
                Err(Error::NoExtent) => {}
                done => drop(done?),
            }
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

    /// Removes extents over the configured number, free ones first, and none that a finished pin needs.
    pub(crate) fn shrink(&mut self) -> Result<(), Error> {
        let wanted = usize::try_from(self.shared.config.size / self.ring.size).unwrap_or(usize::MAX);
        while self.ring.extents.len() > wanted {
            let id = match self.ring.unused() {
                Some(id) => id,
                None => match self.leave() {
                    Ok(id) => {
                        self.free(id)?;
                        id
                    }
                    Err(Error::NoExtent) => return Ok(()),
                    Err(error) => return Err(error),
                },
            };
            self.ring.remove(id)?;
        }
        Ok(())
    }

    /// Takes the oldest extent that may go, and its segments out of every window.
    fn leave(&mut self) -> Result<u32, Error> {
        let reserve = self.shared.config.reserve.div_ceil(self.ring.size);
        let reserve = usize::try_from(reserve).unwrap_or(usize::MAX).max(TURNING);
        let limit = self.ring.capacity().saturating_sub(reserve);
        let id = self.shared.retention().take(limit).ok_or(Error::NoExtent)?;
        if let Some(extent) = self.ring.extents.get(id) {
            let streams = self.shared.streams();
            for range in &extent.contents.streams {
                for stream in streams.iter().filter(|stream| stream.id.get() == Some(&range.id)) {
                    stream.change(|live| live.forget(range.first, range.last));
                }
                if let Some(load) = &mut self.load {
                    load.forget(range);
                }
            }
        }
        self.ring.leave(id, Instant::now());
        Ok(id)
    }

    /// Deletes its keys and marks it free, durably and at once; only after that it may be overwritten.
    fn free(&mut self, id: u32) -> Result<(), Error> {
        let catalogue = self.catalogue.as_ref().ok_or(Error::NotOpen)?;
        let Some(extent) = self.ring.extents.get(id) else { return Ok(()) };
        let (contents, mut quarantined) = (&extent.contents, 0);
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
                        None => {
                            quarantined +=
                                u64::from(Entry::decode(&value).is_ok_and(|entry| entry.quarantined));
                            batch.remove(key);
                        }
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
        let mut board = self.shared.board.lock();
        board.quarantined = board.quarantined.saturating_sub(quarantined);
        Ok(())
    }

    fn is_used_elsewhere(&self, id: u32, layout: u64) -> bool {
        let names = |contents: &Contents| contents.layouts.iter().any(|(_, named)| *named == layout);
        let here = self.ring.extents.get(id).is_some_and(|extent| names(&extent.contents));
        self.ring.extents.holders(layout) > usize::from(here)
            || self.ring.active().is_some_and(|(_, contents)| names(contents))
    }
}

/// The entry without its records in this extent. What is left of a segment that reaches into another one is not
/// listed, but the catalogue still counts that extent's records in full.
fn without(id: u32, value: &[u8]) -> Option<Entry> {
    let mut entry = Entry::decode(value).ok()?;
    entry.keep_places(|place| place.extent != id);
    (!entry.places.is_empty()).then_some(entry)
}

/// Takes segments out of a history: its beginning goes, in its midst they become gaps.
pub(crate) fn forget(history: &mut History, first: u64, last: u64) {
    if history.first().is_some_and(|oldest| oldest.number < first) {
        let numbers: Vec<u64> = history.slice(first, last).iter().map(|segment| segment.number).collect();
        numbers.into_iter().for_each(|number| history.mark_gap(number));
        return;
    }
    history.drop_before(last + 1);
    // A gap at the beginning that an earlier one left stands for nothing any more.
    while let Some(gap) = history.first().filter(|segment| segment.gap).map(|segment| segment.number) {
        history.drop_before(gap + 1);
    }
}
