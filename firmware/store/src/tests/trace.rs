//! What was done to a disk, in order, and what the disk may hold where the power went in the midst of it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::memory::{Memory, Random};
use crate::{Pin, catalogue::Batch};

const PAGE: usize = 4096;

/// One change of a disk or its catalogue.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Create(PathBuf),
    /// The size is durable.
    Allocate(PathBuf, usize),
    Write(PathBuf, usize, Vec<u8>),
    Sync(PathBuf),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
    SyncDir,
    /// All of it or nothing.
    Commit(Batch),
    /// A byte is not what it was.
    Rot(PathBuf, usize),
    /// The workload says what has come about.
    Mark(Mark),
}

/// What a workload knows for sure.
#[derive(Clone, Debug)]
pub(crate) enum Mark {
    /// A part line has been handed over.
    Pushed(u64, u32),
    /// A part line is durable.
    Durable(u64, u32),
    Acknowledged(u64),
    /// These pins are durable and in force.
    Pins(Vec<Pin>),
    /// This segment's bytes are damaged.
    Rotten(u64),
}

/// What the disk does not do in a control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Omission {
    Nothing,
    /// fdatasync of extents.
    Sync,
    /// The catalogue forgets its last removals.
    Barrier,
}

#[derive(Clone, Default)]
struct Content {
    durable: Vec<u8>,
    unsynced: Vec<(usize, Vec<u8>)>,
}

#[derive(Clone)]
enum Name {
    Put(PathBuf, usize),
    Gone(PathBuf),
}

/// A disk that is written by a trace.
pub(crate) struct Replay {
    omission: Omission,
    contents: Vec<Content>,
    /// As programs see them.
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    /// In order: of these a power cut leaves the first few.
    unsynced_names: Vec<Name>,
    catalogue: BTreeMap<Vec<u8>, Vec<u8>>,
    /// What the last batch with removals replaced.
    removed: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Replay {
    pub(crate) fn new(omission: Omission) -> Self {
        Self {
            omission,
            contents: Vec::new(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            unsynced_names: Vec::new(),
            catalogue: BTreeMap::new(),
            removed: Vec::new(),
        }
    }

    pub(crate) fn apply(&mut self, op: &Op) {
        match op {
            Op::Create(path) => {
                if !self.names.contains_key(path) {
                    self.contents.push(Content::default());
                    self.name(Name::Put(path.clone(), self.contents.len() - 1));
                }
            }
            Op::Allocate(path, size) => self.content(path).durable.resize(*size, 0),
            Op::Write(path, offset, data) => self.content(path).unsynced.push((*offset, data.clone())),
            Op::Sync(path) => {
                let lies = self.omission == Omission::Sync && path.extension().is_some_and(|e| e == "ext");
                if !lies {
                    let content = self.content(path);
                    for (offset, data) in std::mem::take(&mut content.unsynced) {
                        put(&mut content.durable, offset, &data);
                    }
                }
            }
            Op::Rename(from, to) => {
                let content = self.names[from];
                self.name(Name::Gone(from.clone()));
                // One step of the journal: there is no instant without the one or the other.
                self.unsynced_names.pop();
                self.unsynced_names.push(Name::Put(to.clone(), content));
                self.names.insert(to.clone(), content);
            }
            Op::Remove(path) => self.name(Name::Gone(path.clone())),
            Op::SyncDir => {
                for name in std::mem::take(&mut self.unsynced_names) {
                    apply_name(&mut self.durable_names, &name);
                }
            }
            Op::Commit(batch) => {
                if batch.changes.iter().any(|(_, value)| value.is_none()) {
                    let before =
                        |(key, _): &(Vec<u8>, _)| Some((key.clone(), self.catalogue.get(key)?.clone()));
                    self.removed = batch.changes.iter().filter_map(before).collect();
                }
                commit(&mut self.catalogue, batch);
            }
            Op::Rot(path, at) => {
                let content = self.content(path);
                content.durable[*at] ^= 1;
                for (offset, data) in &mut content.unsynced {
                    if let Some(byte) = at.checked_sub(*offset).and_then(|at| data.get_mut(at)) {
                        *byte ^= 1;
                    }
                }
            }
            Op::Mark(_) => {}
        }
    }

    /// The disk after a power cut while `next` was under way: what was synced, and of the rest none, all, or some
    /// pages of 4 KiB.
    pub(crate) fn cut(&self, next: Option<&Op>, random: &mut Random) -> Memory {
        let mode = random.below(3);
        let survives = |random: &mut Random| mode == 1 || (mode == 2 && random.below(2) == 0);
        let mut catalogue = self.catalogue.clone();
        if let Some(Op::Commit(batch)) = next
            && survives(random)
        {
            commit(&mut catalogue, batch);
        }
        if self.omission == Omission::Barrier {
            catalogue.extend(self.removed.iter().cloned());
        }
        let mut names = self.durable_names.clone();
        let kept = match mode {
            0 => 0,
            1 => self.unsynced_names.len(),
            _ => random.below(self.unsynced_names.len() as u64 + 1) as usize,
        };
        self.unsynced_names[..kept].iter().for_each(|name| apply_name(&mut names, name));
        let mut files = BTreeMap::new();
        for (path, &content) in &names {
            let content = &self.contents[content];
            let mut bytes = content.durable.clone();
            let under_way = match next {
                Some(Op::Write(at, offset, data)) if at == path => Some((*offset, data.clone())),
                _ => None,
            };
            for (offset, data) in content.unsynced.iter().chain(&under_way) {
                for (page, data) in data.chunks(PAGE).enumerate() {
                    if survives(random) {
                        put(&mut bytes, offset + page * PAGE, data);
                    }
                }
            }
            files.insert(path.clone(), bytes);
        }
        Memory::with(files, catalogue)
    }

    fn content(&mut self, path: &Path) -> &mut Content {
        &mut self.contents[self.names[path]]
    }

    fn name(&mut self, name: Name) {
        apply_name(&mut self.names, &name);
        self.unsynced_names.push(name);
    }
}

fn apply_name(names: &mut BTreeMap<PathBuf, usize>, name: &Name) {
    match name {
        Name::Put(path, content) => {
            names.retain(|_, known| known != content);
            names.insert(path.clone(), *content);
        }
        Name::Gone(path) => drop(names.remove(path)),
    }
}

fn commit(catalogue: &mut BTreeMap<Vec<u8>, Vec<u8>>, batch: &Batch) {
    for (key, value) in &batch.changes {
        match value {
            Some(value) => drop(catalogue.insert(key.clone(), value.clone())),
            None => drop(catalogue.remove(key)),
        }
    }
}

fn put(bytes: &mut Vec<u8>, offset: usize, data: &[u8]) {
    bytes.resize(bytes.len().max(offset + data.len()), 0);
    bytes[offset..offset + data.len()].copy_from_slice(data);
}
