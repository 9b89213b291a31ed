//! The ring of extent files: which is free, which is written, which holds what.
//!
//! All room is reserved when the ring is opened, so its size is exact and a full disk is known then. Each file
//! is also written once with zeros, in the background: after that every write is an overwrite, which the file
//! system does without touching its journal.
//!
//! An extent on which a write or fdatasync fails is left: what was acknowledged in it stays readable, and once its
//! segments are gone it is bad and not written again. Where several fail in a row it is the disk that fails, and none of
//! them is blamed.

mod open;
mod tally;
mod write;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use crate::{
    Error, Io,
    extent::{self, Contents, Head, Placed},
    io::File,
    layouts::Described,
    lease::Leases,
    record::Kind,
};

pub(crate) use tally::Tally;

/// Extents that may fail one after another before it is the disk.
const ROW: usize = 3;

/// The extents of one store. Owned by the committer.
pub(crate) struct Ring {
    io: Arc<dyn Io>,
    dir: PathBuf,
    /// The store's name, in every head.
    pub(crate) store: String,
    /// Bytes in one extent.
    pub(crate) size: u64,
    pub(crate) extents: Tally,
    active: Option<Active>,
    /// The highest that an extent has.
    generation: u64,
    leases: Arc<Leases>,
    /// Bytes written since the ring was opened.
    pub(crate) written: u64,
    /// Extents that failed since a write succeeded.
    suspects: Vec<u32>,
    /// They were so many that it is the disk.
    failing: bool,
    /// A write on the active extent has failed.
    faulty: bool,
}

/// One extent as the ring knows it.
#[derive(Clone, Debug)]
pub(crate) struct Extent {
    pub(crate) state: State,
    pub(crate) contents: Contents,
    /// It is not written again.
    pub(crate) spent: bool,
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
    /// It cannot be read or written.
    Bad,
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

impl Extent {
    fn new(state: State, contents: Contents) -> Self {
        Self { state, contents, spent: false }
    }
}

impl Ring {
    /// Every record of an extent, in order.
    pub(crate) fn walk(&self, id: u32, generation: u64) -> Result<Vec<Placed>, Error> {
        match self.walk_readable(id, generation)? {
            (placed, None) => Ok(placed),
            (_, Some(error)) => Err(error),
        }
    }

    /// The records of an extent before what cannot be read, and why that is so.
    fn walk_readable(&self, id: u32, generation: u64) -> Result<(Vec<Placed>, Option<Error>), Error> {
        let file = self.file(id)?;
        let (placed, error) = extent::walk(&*file, generation, self.size);
        Ok((placed, error.map(Error::disk("read", self.path(id)))))
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

    /// An extent whose file may be removed.
    pub(crate) fn unused(&self) -> Option<u32> {
        let free = || self.extents.free().last().map(|&(_, id)| id);
        self.extents.raw().last().copied().or_else(free)
    }

    /// Extents that can be taken into use.
    pub(crate) fn free(&self) -> usize {
        self.extents.free().len() + self.extents.raw().len()
    }

    /// Extents that can hold something.
    pub(crate) fn capacity(&self) -> usize {
        self.extents.len() - self.extents.bad()
    }

    /// The extent that is waiting for its last readers, and since when.
    pub(crate) fn leaving(&self) -> Option<(u32, Instant)> {
        self.extents.leaving()
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
        if let Some(extent) = self.extents.get(id) {
            let state = if extent.spent { State::Bad } else { State::Free };
            let contents = Contents { generation: extent.contents.generation, ..Contents::default() };
            self.extents.put(id, Extent { state, contents, spent: extent.spent });
        }
    }

    /// Whether records of this generation of the extent are kept.
    pub(crate) fn holds(&self, id: u32, generation: u64) -> bool {
        self.extents.get(id).is_some_and(|extent| {
            extent.contents.generation == generation && matches!(extent.state, State::Active | State::Sealed)
        })
    }

    /// Whether the disk gives anything: the head of some other extent.
    pub(crate) fn answers(&self, except: u32) -> bool {
        let other = self.extents.sealed().iter().map(|&(_, id)| id).find(|&id| id != except);
        let other = other.or(self.extents.free().first().map(|&(_, id)| id));
        other.is_some_and(|id| self.pages(id).is_ok())
    }

    /// Deletes a free extent's file.
    pub(crate) fn remove(&mut self, id: u32) -> Result<(), Error> {
        self.io.remove(&self.path(id)).map_err(Error::disk("remove", self.path(id)))?;
        self.extents.remove(id);
        self.io.sync_dir(&self.dir).map_err(Error::disk("sync", &self.dir))
    }

    fn set(&mut self, id: u32, state: State) {
        if let Some(extent) = self.extents.get(id) {
            let extent = Extent { state, ..extent.clone() };
            self.extents.put(id, extent);
        }
    }

    fn path(&self, id: u32) -> PathBuf {
        extent::path(&self.dir, id)
    }

    pub(crate) fn file(&self, id: u32) -> Result<Arc<dyn File>, Error> {
        open_extent(&*self.io, &self.dir, id)
    }

    fn head(&self, id: u32, state: u64) -> Result<Vec<u8>, Error> {
        Head::new(&self.store, id, self.size, state).encode()
    }
}

/// Opens the file of an extent. Not kept open: a terabyte has thousands.
pub(crate) fn open_extent(io: &dyn Io, dir: &Path, id: u32) -> Result<Arc<dyn File>, Error> {
    let path = extent::path(dir, id);
    io.open(&path).map_err(Error::disk("open", path))
}
