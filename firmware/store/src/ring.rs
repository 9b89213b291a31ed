//! The ring of extent files: which is free, which is written, which is next to go.
//!
//! All room is reserved when the ring is opened, so its size is exact and a full disk is known then. Each file
//! is also written once with zeros, in the background: after that every write is an overwrite, which the file
//! system does without touching its journal.

mod open;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use bytes::Bytes;
use media::Grid;

use crate::{
    Error, Io,
    entry::Place,
    extent::{self, Contents, Head, Placed, RECORDS, SEAL},
    io::File,
    layouts::Described,
    lease::Leases,
    record::{Kind, PAGE, Record},
};

/// The extents of one store. Owned by the committer.
pub(crate) struct Ring {
    io: Arc<dyn Io>,
    dir: PathBuf,
    /// The store's name, in every head.
    pub(crate) store: String,
    /// Bytes in one extent.
    pub(crate) size: u64,
    pub(crate) extents: BTreeMap<u32, Extent>,
    active: Option<Active>,
    /// The highest that an extent has.
    generation: u64,
    leases: Arc<Leases>,
    /// Bytes written since the ring was opened.
    pub(crate) written: u64,
}

/// One extent as the ring knows it.
#[derive(Debug)]
pub(crate) struct Extent {
    pub(crate) state: State,
    pub(crate) contents: Contents,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Reserved, not yet written with zeros.
    Raw,
    /// Its records, if any, may be overwritten.
    Free,
    Active,
    Sealed,
    /// Its segments have left the window; its last readers have until ten seconds from then.
    Leaving(Instant),
}

struct Active {
    id: u32,
    file: Arc<dyn File>,
    tail: Tail,
    /// What the last fdatasync covered: where writing begins again after a failure.
    synced: Tail,
}

#[derive(Clone)]
struct Tail {
    contents: Contents,
    chain: u32,
}

impl Ring {
    /// Every record of an extent, in order.
    pub(crate) fn walk(&self, id: u32, generation: u64) -> Result<Vec<Placed>, Error> {
        let file = self.file(id)?;
        extent::walk(&*file, generation, self.size).map_err(Error::disk("read", self.path(id)))
    }

    /// The layout in a layout record; none where its bytes are damaged.
    pub(crate) fn described(&self, id: u32, placed: &Placed) -> Result<Option<Described>, Error> {
        if placed.record.kind != Kind::Layout || placed.record.chunks.is_empty() {
            return Ok(None);
        }
        let file = self.file(id)?;
        let bytes = extent::read_chunk(&*file, placed, 0).map_err(Error::disk("read", self.path(id)))?;
        Ok(bytes.and_then(|bytes| Described::decode(&bytes).ok()))
    }

    /// The extent that is written, as far as it goes.
    pub(crate) fn active(&self) -> Option<(u32, &Contents)> {
        self.active.as_ref().map(|active| (active.id, &active.tail.contents))
    }

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
        active
            .file
            .write_at(&bytes, offset)
            .map_err(Error::disk("write", extent::path(&self.dir, active.id)))?;
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
        active.file.sync_data().map_err(Error::disk("fdatasync", extent::path(&self.dir, active.id)))?;
        active.synced = active.tail.clone();
        if let Some(extent) = self.extents.get_mut(&active.id) {
            extent.contents = active.synced.contents.clone();
        }
        Ok(())
    }

    /// Forgets what is not known to be durable: after a failed fdatasync nobody knows what was written.
    pub(crate) fn roll_back(&mut self) {
        if let Some(active) = &mut self.active {
            active.tail = active.synced.clone();
        }
    }

    /// Ends the active extent.
    pub(crate) fn seal(&mut self) -> Result<(), Error> {
        let Some(active) = &self.active else { return Ok(()) };
        let id = active.id;
        let page = active.tail.contents.encode()?;
        active.file.write_at(&page, SEAL).map_err(Error::disk("seal", self.path(id)))?;
        self.written += PAGE;
        self.sync()?;
        self.set(id, State::Sealed);
        self.active = None;
        Ok(())
    }

    /// Takes a free extent into use: from here on what it held is void.
    pub(crate) fn activate(&mut self) -> Result<u32, Error> {
        let free = self.extents.iter().filter(|(_, extent)| extent.state == State::Free);
        let free = free.min_by_key(|(_, extent)| extent.contents.generation);
        // The background writes zeros from the lowest raw extent up.
        let raw = self.extents.iter().rfind(|(_, extent)| extent.state == State::Raw);
        let (&id, _) = free.or(raw).ok_or(Error::NoExtent)?;
        let generation = self.generation + 1;
        let file = self.file(id)?;
        let mut pages = Head::new(&self.store, id, self.size, generation).encode()?;
        pages.resize(RECORDS as usize, 0);
        file.write_at(&pages, 0).map_err(Error::disk("write", self.path(id)))?;
        self.written += RECORDS;
        self.generation = generation;
        let tail = Tail { contents: Contents::new(generation), chain: extent::first_chain(generation) };
        self.extents.insert(id, Extent { state: State::Active, contents: tail.contents.clone() });
        self.active = Some(Active { id, file, synced: tail.clone(), tail });
        self.leases.open(id, generation);
        Ok(id)
    }

    /// An extent whose file may be removed.
    pub(crate) fn unused(&self) -> Option<u32> {
        let unused = |extent: &Extent| matches!(extent.state, State::Free | State::Raw);
        self.extents.iter().rfind(|(_, extent)| unused(extent)).map(|(&id, _)| id)
    }

    /// Extents that can be taken into use.
    pub(crate) fn free(&self) -> usize {
        self.count(|state| matches!(state, State::Free | State::Raw))
    }

    pub(crate) fn count(&self, of: impl Fn(State) -> bool) -> usize {
        self.extents.values().filter(|extent| of(extent.state)).count()
    }

    /// The extent that was sealed first.
    pub(crate) fn oldest(&self) -> Option<u32> {
        let sealed = self.extents.iter().filter(|(_, extent)| extent.state == State::Sealed);
        sealed.min_by_key(|(_, extent)| extent.contents.generation).map(|(&id, _)| id)
    }

    /// The extent that is waiting for its last readers, and since when.
    pub(crate) fn leaving(&self) -> Option<(u32, Instant)> {
        self.extents.iter().find_map(|(&id, extent)| match extent.state {
            State::Leaving(since) => Some((id, since)),
            _ => None,
        })
    }

    /// Takes no new readers.
    pub(crate) fn leave(&mut self, id: u32, now: Instant) {
        self.leases.close(id);
        self.set(id, State::Leaving(now));
    }

    /// Readers that an extent still has.
    pub(crate) fn readers(&self, id: u32) -> usize {
        self.leases.close(id)
    }

    /// Its keys are gone from the catalogue: it may be overwritten.
    pub(crate) fn release(&mut self, id: u32) {
        self.leases.revoke(id);
        if let Some(extent) = self.extents.get_mut(&id) {
            let generation = extent.contents.generation;
            *extent = Extent { state: State::Free, contents: Contents { generation, ..Contents::default() } };
        }
    }

    /// Whether records of this generation of the extent are kept.
    pub(crate) fn holds(&self, id: u32, generation: u64) -> bool {
        self.extents.get(&id).is_some_and(|extent| {
            extent.contents.generation == generation && matches!(extent.state, State::Active | State::Sealed)
        })
    }

    /// Writes up to `len` zeros at `offset` of a raw extent; where to go on, none when it is done.
    pub(crate) fn zero(&mut self, id: u32, offset: u64, len: u64) -> Result<Option<u64>, Error> {
        let file = self.file(id)?;
        let path = self.path(id);
        let end = (offset + len).min(self.size);
        file.write_at(&vec![0; (end - offset) as usize], offset).map_err(Error::disk("prepare", &path))?;
        file.sync_data().map_err(Error::disk("prepare", &path))?;
        self.written += end - offset;
        if end < self.size {
            return Ok(Some(end));
        }
        let head = Head::new(&self.store, id, self.size, 0).encode()?;
        file.write_at(&head, 0).map_err(Error::disk("prepare", &path))?;
        file.sync_data().map_err(Error::disk("prepare", &path))?;
        self.set(id, State::Free);
        Ok(None)
    }

    /// Deletes a free extent's file.
    pub(crate) fn remove(&mut self, id: u32) -> Result<(), Error> {
        self.io.remove(&self.path(id)).map_err(Error::disk("remove", self.path(id)))?;
        self.extents.remove(&id);
        self.io.sync_dir(&self.dir).map_err(Error::disk("sync", &self.dir))
    }

    fn set(&mut self, id: u32, state: State) {
        if let Some(extent) = self.extents.get_mut(&id) {
            extent.state = state;
        }
    }

    fn path(&self, id: u32) -> PathBuf {
        extent::path(&self.dir, id)
    }

    fn file(&self, id: u32) -> Result<Arc<dyn File>, Error> {
        open_extent(&*self.io, &self.dir, id)
    }
}

/// Opens the file of an extent. Not kept open: a terabyte has thousands.
pub(crate) fn open_extent(io: &dyn Io, dir: &Path, id: u32) -> Result<Arc<dyn File>, Error> {
    let path = extent::path(dir, id);
    io.open(&path).map_err(Error::disk("open", path))
}
