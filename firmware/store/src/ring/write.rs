//! What is written to the ring: records, seals, heads, zeros; and what becomes of an extent that fails.

use std::{io, sync::Arc};

use bytes::Bytes;
use media::Grid;

use super::{Active, Extent, ROW, Ring, State, Tail};
use crate::{
    Error,
    entry::Place,
    extent::{self, Contents, RECORDS, SEAL},
    io::File,
    record::{PAGE, Record},
};

impl Ring {
    /// Whether a record of this length, and a layout record, still go into the active extent.
    pub(crate) fn fits(&self, len: u64, channel: &str) -> bool {
        self.active.as_ref().is_some_and(|active| {
            active.tail.contents.end + len <= self.size && active.tail.contents.seal_has_room(channel)
        })
    }

    /// Writes a record behind the last; not durable before [`sync`](Self::sync).
    pub(crate) fn append(
        &mut self,
        mut record: Record,
        payload: &[Bytes],
        channel: &str,
        grid: Grid,
    ) -> Result<Place, Error> {
        let active = self.active.as_mut().ok_or(Error::NoExtent)?;
        record.generation = active.tail.contents.generation;
        record.chain = active.tail.chain;
        let (bytes, crc) = record.encode(payload);
        let offset = active.tail.contents.end;
        if let Err(error) = active.file.write_at(&bytes, offset) {
            self.faulty = true;
            return Err(failed("write", &self.dir, active.id)(error));
        }
        self.written += bytes.len() as u64;
        active.tail.contents.add(&record, Some((channel, grid)));
        active.tail.chain = crc;
        let offset = u32::try_from(offset).map_err(|_| Error::TooLarge {
            what: "extent",
            len: offset,
            limit: u64::from(u32::MAX),
        })?;
        Ok(Place { part: record.part, extent: active.id, generation: record.generation, offset })
    }

    /// Makes everything appended durable.
    pub(crate) fn sync(&mut self) -> Result<(), Error> {
        let Some(active) = &mut self.active else { return Ok(()) };
        if let Err(error) = active.file.sync_data() {
            self.faulty = true;
            return Err(failed("fdatasync", &self.dir, active.id)(error));
        }
        active.synced = active.tail.clone();
        self.extents.put(active.id, Extent::new(State::Active, active.synced.contents.clone()));
        self.works();
        Ok(())
    }

    /// Forgets what is not known to be durable.
    fn roll_back(&mut self) {
        if let Some(active) = &mut self.active {
            active.tail = active.synced.clone();
        }
    }

    /// Ends the active extent; its id.
    pub(crate) fn seal(&mut self) -> Result<Option<u32>, Error> {
        let Some(active) = &self.active else { return Ok(None) };
        let id = active.id;
        let page = active.tail.contents.encode()?;
        if let Err(error) = active.file.write_at(&page, SEAL) {
            self.faulty = true;
            return Err(failed("seal", &self.dir, id)(error));
        }
        self.written += PAGE;
        self.sync()?;
        self.set(id, State::Sealed);
        self.active = None;
        Ok(Some(id))
    }

    /// Takes a free extent into use: from here on what it held is void.
    pub(crate) fn activate(&mut self) -> Result<u32, Error> {
        // The background writes zeros from the lowest raw extent up.
        let free = self.extents.free().first().map(|&(_, id)| id);
        let id = free.or(self.extents.raw().last().copied()).ok_or(Error::NoExtent)?;
        let generation = self.generation + 1;
        let file = self.take_into_use(id, generation).inspect_err(|_| self.suspect(id))?;
        self.written += RECORDS;
        self.generation = generation;
        let tail = Tail { contents: Contents::new(generation), chain: extent::first_chain(generation) };
        self.extents.put(id, Extent::new(State::Active, tail.contents.clone()));
        self.active = Some(Active { id, file, synced: tail.clone(), tail });
        self.leases.open(id, generation);
        Ok(id)
    }

    fn take_into_use(&self, id: u32, generation: u64) -> Result<Arc<dyn File>, Error> {
        let file = self.file(id)?;
        let mut pages = self.head(id, generation)?;
        pages.resize(RECORDS as usize, 0);
        file.write_at(&pages, 0).map_err(failed("write", &self.dir, id))?;
        Ok(file)
    }

    /// Leaves the active extent where a write on it has failed: what is durable in it is kept. Its id, where it
    /// keeps something.
    pub(crate) fn abandon(&mut self) -> Option<u32> {
        if !std::mem::take(&mut self.faulty) {
            self.roll_back();
            return None;
        }
        let active = self.active.take()?;
        let (id, contents) = (active.id, active.synced.contents);
        let keeps = contents.records > 0;
        // Where the seal can still be written, the next start need not walk it.
        let sealed = contents.encode().map(|page| active.file.write_at(&page, SEAL));
        tracing::warn!(id, sealed = matches!(sealed, Ok(Ok(()))), "extent abandoned");
        if keeps {
            self.extents.put(id, Extent { state: State::Sealed, contents, spent: true });
            self.blame(id);
        } else {
            self.leases.revoke(id);
            self.suspect(id);
        }
        keeps.then_some(id)
    }

    /// Takes an extent that cannot be written out of use.
    pub(crate) fn suspect(&mut self, id: u32) {
        if let Some(extent) = self.extents.get(id) {
            let contents = Contents { generation: extent.contents.generation, ..Contents::default() };
            self.extents.put(id, Extent { state: State::Bad, contents, spent: true });
            self.blame(id);
        }
    }

    fn blame(&mut self, id: u32) {
        self.suspects.push(id);
        self.failing |= self.suspects.len() >= ROW;
    }

    /// Whether so many failed in a row that it is the disk.
    pub(crate) fn is_failing(&self) -> bool {
        self.failing
    }

    /// It is the disk: the extents that failed are tried again, before any other has to go.
    pub(crate) fn acquit(&mut self) {
        for id in std::mem::take(&mut self.suspects) {
            let Some(extent) = self.extents.get(id) else { continue };
            let (state, contents) = (extent.state, extent.contents.clone());
            let state = if state == State::Bad { State::Free } else { state };
            self.extents.put(id, Extent::new(state, contents));
        }
    }

    /// A write succeeded: those that failed before are bad, unless it was the disk.
    fn works(&mut self) {
        if std::mem::take(&mut self.failing) {
            self.acquit();
        }
        self.suspects.clear();
    }

    /// Writes up to `len` zeros at `offset` of a raw extent; where to go on, none when it is done.
    pub(crate) fn zero(&mut self, id: u32, offset: u64, len: u64) -> Result<Option<u64>, Error> {
        let file = self.file(id)?;
        let end = (offset + len).min(self.size);
        let zeros = vec![0; usize::try_from(end - offset).unwrap_or(0)];
        let written = file.write_at(&zeros, offset).and_then(|()| file.sync_data());
        written.map_err(failed("prepare", &self.dir, id)).inspect_err(|_| self.suspect(id))?;
        self.written += end - offset;
        if end < self.size {
            return Ok(Some(end));
        }
        let head = self.head(id, 0)?;
        let written = file.write_at(&head, 0).and_then(|()| file.sync_data());
        written.map_err(failed("prepare", &self.dir, id)).inspect_err(|_| self.suspect(id))?;
        self.set(id, State::Free);
        Ok(None)
    }
}

fn failed(operation: &'static str, dir: &std::path::Path, id: u32) -> impl FnOnce(io::Error) -> Error {
    Error::disk(operation, extent::path(dir, id))
}
