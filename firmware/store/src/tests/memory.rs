//! A disk in memory that can be full, fail, hang and lose power, and a catalogue that lives and dies with it.

use std::{
    collections::BTreeMap,
    io,
    ops::{Bound, Range},
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard},
};

use super::trace::{Mark, Op};
use crate::{
    Error, Io,
    catalogue::{Batch, Catalogue, Opened, Opener, Pair},
    io::File,
};

/// The disk. Clones are the same disk.
#[derive(Clone, Default)]
pub(crate) struct Memory(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    unblocked: Condvar,
}

#[derive(Default)]
struct State {
    files: BTreeMap<PathBuf, Content>,
    catalogue: BTreeMap<Vec<u8>, Vec<u8>>,
    /// What the last batch with removals replaced.
    removed: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    faults: Faults,
    /// Files of which a range cannot be read or written, without [`Faults`] that are of the whole disk.
    bad: BTreeMap<PathBuf, Bad>,
    operations: u64,
    random: u64,
    trace: Option<Vec<Op>>,
}

/// A stretch of a file on damaged blocks.
#[derive(Clone, Debug)]
pub(crate) struct Bad {
    pub(crate) range: Range<u64>,
    pub(crate) reads: bool,
    pub(crate) writes: bool,
}

/// What is wrong with the disk.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    /// Bytes that can be allocated in all; none: any.
    pub(crate) room: Option<u64>,
    /// Writes and syncs fail.
    pub(crate) failing: bool,
    /// Writes and syncs do not return.
    pub(crate) blocked: bool,
    /// Nothing works after this many operations.
    pub(crate) power: Option<u64>,
    /// fdatasync does nothing, and says it did.
    pub(crate) lying: bool,
    /// The catalogue refuses every commit.
    pub(crate) index: bool,
    /// A power cut undoes the catalogue's last removals.
    pub(crate) forgetful: bool,
}

/// What is seen through the page cache, and what is on the platter.
#[derive(Clone, Default)]
struct Content {
    seen: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<(usize, Vec<u8>)>,
}

struct Open {
    disk: Memory,
    path: PathBuf,
}

impl Memory {
    /// A disk with these files and this catalogue.
    pub(crate) fn with(files: BTreeMap<PathBuf, Vec<u8>>, catalogue: BTreeMap<Vec<u8>, Vec<u8>>) -> Self {
        let content = |bytes: Vec<u8>| Content { seen: bytes.clone(), durable: bytes, unsynced: Vec::new() };
        let files = files.into_iter().map(|(path, bytes)| (path, content(bytes))).collect();
        let state = State { files, catalogue, ..State::default() };
        Self(Arc::new(Shared { state: Mutex::new(state), unblocked: Condvar::new() }))
    }

    /// Keeps a trace of everything that changes it from here on.
    pub(crate) fn record(&self) {
        self.lock().trace = Some(Vec::new());
    }

    pub(crate) fn mark(&self, mark: Mark) {
        self.trace(Op::Mark(mark));
    }

    pub(crate) fn take_trace(&self) -> Vec<Op> {
        self.lock().trace.take().unwrap()
    }

    /// Changes a byte behind the store's back.
    pub(crate) fn rot(&self, path: &Path, at: usize) {
        let mut state = self.lock();
        let content = state.files.get_mut(path).unwrap();
        content.seen[at] ^= 1;
        content.durable[at] ^= 1;
        drop(state);
        self.trace(Op::Rot(path.to_owned(), at));
    }

    pub(crate) fn set_bad(&self, path: &Path, bad: Option<Bad>) {
        let mut state = self.lock();
        match bad {
            Some(bad) => drop(state.bad.insert(path.to_owned(), bad)),
            None => drop(state.bad.remove(path)),
        }
    }

    /// The file and offset where these bytes are.
    pub(crate) fn find(&self, bytes: &[u8]) -> Option<(PathBuf, usize)> {
        let state = self.lock();
        let at = |content: &Content| content.seen.windows(bytes.len()).position(|window| window == bytes);
        state.files.iter().find_map(|(path, content)| Some((path.clone(), at(content)?)))
    }

    fn trace(&self, op: Op) {
        if let Some(trace) = &mut self.lock().trace {
            trace.push(op);
        }
    }

    pub(crate) fn set(&self, faults: Faults) {
        self.lock().faults = faults;
        self.0.unblocked.notify_all();
    }

    /// The disk after power came back: what was synced, and of the rest none, all or some pages of 4 KiB.
    pub(crate) fn after_power_cut(&self, seed: u64) -> Self {
        let state = self.lock();
        let mut random = Random(seed);
        let mode = random.below(3);
        let survive = |content: &Content, random: &mut Random| {
            let mut bytes = content.durable.clone();
            for (offset, data) in &content.unsynced {
                for (page, data) in data.chunks(4096).enumerate() {
                    if mode == 1 || (mode == 2 && random.below(2) == 0) {
                        let at = offset + page * 4096;
                        bytes.resize(bytes.len().max(at + data.len()), 0);
                        bytes[at..at + data.len()].copy_from_slice(data);
                    }
                }
            }
            Content { seen: bytes.clone(), durable: bytes, unsynced: Vec::new() }
        };
        let files = state.files.iter().map(|(path, content)| (path.clone(), survive(content, &mut random)));
        let (files, mut catalogue) = (files.collect(), state.catalogue.clone());
        if state.faults.forgetful {
            for (key, value) in &state.removed {
                value.as_ref().map(|value| catalogue.insert(key.clone(), value.clone()));
            }
        }
        let survived = State { files, catalogue, ..State::default() };
        Self(Arc::new(Shared { state: Mutex::new(survived), unblocked: Condvar::new() }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap()
    }

    /// One operation on a disk with these faults.
    fn operate(&self, write: bool) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.lock();
        while write && state.faults.blocked {
            state = self.0.unblocked.wait(state).unwrap();
        }
        state.operations += 1;
        if state.faults.power.is_some_and(|power| state.operations > power) {
            return Err(io::Error::other("the power is off"));
        }
        if write && state.faults.failing {
            return Err(io::Error::other("the disk fails"));
        }
        Ok(state)
    }
}

impl Io for Memory {
    fn create_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let state = self.operate(false)?;
        if !state.files.contains_key(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(Arc::new(Open { disk: self.clone(), path: path.to_owned() }))
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        self.operate(true)?.files.entry(path.to_owned()).or_default();
        self.trace(Op::Create(path.to_owned()));
        Ok(Arc::new(Open { disk: self.clone(), path: path.to_owned() }))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let state = self.operate(false)?;
        let inside = state.files.keys().filter(|path| path.parent() == Some(dir));
        Ok(inside.map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.operate(true)?;
        let content = state.files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        state.files.insert(to.to_owned(), content);
        drop(state);
        self.trace(Op::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.operate(true)?.files.remove(path).ok_or(io::ErrorKind::NotFound)?;
        self.trace(Op::Remove(path.to_owned()));
        Ok(())
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        drop(self.operate(true)?);
        self.trace(Op::SyncDir);
        Ok(())
    }

    fn free(&self, _: &Path) -> io::Result<u64> {
        let state = self.operate(false)?;
        let used: usize = state.files.values().map(|content| content.seen.len()).sum();
        Ok(state.faults.room.map_or(u64::MAX, |room| room.saturating_sub(used as u64)))
    }
}

impl Open {
    fn with<T>(&self, write: bool, act: impl FnOnce(&mut Content, Faults) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.disk.operate(write)?;
        let faults = state.faults;
        act(state.files.get_mut(&self.path).ok_or(io::ErrorKind::NotFound)?, faults)
    }

    /// EIO where this part of the file is on damaged blocks; a sync touches all of it.
    fn touch(&self, range: Range<u64>, write: bool) -> io::Result<()> {
        let state = self.disk.lock();
        let Some(bad) = state.bad.get(&self.path) else { return Ok(()) };
        let hit = range.start < bad.range.end && bad.range.start < range.end;
        if hit && if write { bad.writes } else { bad.reads } {
            return Err(io::Error::from_raw_os_error(5));
        }
        Ok(())
    }
}

impl File for Open {
    fn size(&self) -> io::Result<u64> {
        self.with(false, |content, _| Ok(content.seen.len() as u64))
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        self.touch(offset..offset + buf.len() as u64, false)?;
        self.with(false, |content, _| {
            let from = offset as usize;
            let data = content.seen.get(from..from + buf.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
            buf.copy_from_slice(data);
            Ok(())
        })
    }

    fn write_at(&self, data: &[u8], offset: u64) -> io::Result<()> {
        self.touch(offset..offset + data.len() as u64, true)?;
        self.with(true, |content, _| {
            let (from, to) = (offset as usize, offset as usize + data.len());
            content.seen.resize(content.seen.len().max(to), 0);
            content.seen[from..to].copy_from_slice(data);
            content.unsynced.push((from, data.to_vec()));
            Ok(())
        })?;
        self.disk.trace(Op::Write(self.path.clone(), offset as usize, data.to_vec()));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.with(true, |content, faults| {
            if !faults.lying {
                content.durable.clone_from(&content.seen);
                content.unsynced.clear();
            }
            Ok(())
        })?;
        self.disk.trace(Op::Sync(self.path.clone()));
        Ok(())
    }

    fn allocate(&self, size: u64) -> io::Result<()> {
        self.with(true, |content, _| {
            content.seen.resize(size as usize, 0);
            content.durable.resize(size as usize, 0);
            Ok(())
        })?;
        self.disk.trace(Op::Allocate(self.path.clone(), size as usize));
        Ok(())
    }
}

impl Opener for Memory {
    fn open(&self, _: &str, _: Option<String>) -> Result<Opened, Error> {
        Ok(Opened { catalogue: Arc::new(self.clone()), damage: None })
    }
}

impl Catalogue for Memory {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.lock().catalogue.get(key).cloned())
    }

    fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Pair>, Error> {
        if from >= to {
            return Ok(Vec::new());
        }
        let state = self.lock();
        let range = state.catalogue.range::<[u8], _>((Bound::Included(from), Bound::Excluded(to)));
        Ok(range.take(limit).map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    /// A power cut in the middle leaves all of the batch or nothing of it.
    fn commit(&self, batch: &Batch) -> Result<(), Error> {
        let failed = |error| Error::disk("commit", "memory")(error);
        if self.lock().faults.index {
            let reason = "no room".to_owned();
            return Err(Error::Catalogue { operation: "commit", reason, damaged: false });
        }
        let powered = match self.operate(true) {
            Ok(_) => true,
            Err(error) => {
                let mut state = self.lock();
                let last = state.faults.power.is_some_and(|power| state.operations == power + 1);
                let mut random = Random(state.operations ^ state.random);
                if !(last && random.below(2) == 0) {
                    return Err(failed(error));
                }
                state.random = random.0;
                false
            }
        };
        let mut state = self.lock();
        if batch.changes.iter().any(|(_, value)| value.is_none()) {
            let before = |(key, _): &(Vec<u8>, _)| (key.clone(), state.catalogue.get(key).cloned());
            state.removed = batch.changes.iter().map(before).collect();
        }
        for (key, value) in &batch.changes {
            match value {
                Some(value) => drop(state.catalogue.insert(key.clone(), value.clone())),
                None => drop(state.catalogue.remove(key)),
            }
        }
        drop(state);
        self.trace(Op::Commit(batch.clone()));
        if powered { Ok(()) } else { Err(failed(io::Error::other("the power is off"))) }
    }
}

/// Numbers that look random and are the same in every run (splitmix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}
