//! How a ring begins: room is reserved, heads and seals are read, an unfinished extent is walked.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher, RandomState},
    path::PathBuf,
    sync::Arc,
};

use super::{Active, Extent, Ring, State, Tail};
use crate::{
    Error, Io,
    extent::{self, Contents, Head, Placed, SEAL},
    layouts::Described,
    lease::Leases,
    record::PAGE,
};

impl Ring {
    /// Reserves what is missing of `size` bytes and reads what is there.
    pub(crate) fn open(
        io: Arc<dyn Io>,
        dir: PathBuf,
        size: u64,
        extent: u64,
        leases: Arc<Leases>,
    ) -> Result<Self, Error> {
        io.create_dir(&dir).map_err(Error::disk("create", &dir))?;
        let mut ring = Self {
            io,
            dir,
            store: String::new(),
            size: extent,
            extents: BTreeMap::new(),
            active: None,
            generation: 0,
            leases,
            written: 0,
        };
        let ids = ring.reserve(size / extent)?;
        let heads = ids.into_iter().map(|id| Ok((id, ring.head(id)?))).collect::<Result<Vec<_>, Error>>()?;
        ring.store = name(heads.iter().filter_map(|(_, head)| head.as_ref()));
        for (id, head) in heads {
            let head = head.filter(|head| head.id == id && head.store == ring.store);
            let found = ring.inspect(id, head)?;
            ring.extents.insert(id, found);
        }
        ring.resume()?;
        Ok(ring)
    }

    /// Makes the files there should be; the ids of all.
    fn reserve(&self, count: u64) -> Result<Vec<u32>, Error> {
        let names = self.io.list(&self.dir).map_err(Error::disk("list", &self.dir))?;
        let mut ids: Vec<u32> = names.iter().filter_map(|name| extent::id_of(name)).collect();
        let mut short = Vec::new();
        let mut need = 0;
        for &id in &ids {
            let size = self.file(id)?.size().map_err(Error::disk("inspect", self.path(id)))?;
            if size > self.size {
                return Err(self.other_size(size));
            }
            if size < self.size {
                short.push(id);
                need += self.size - size;
            }
        }
        let missing = count.saturating_sub(ids.len() as u64);
        let added: Vec<u32> = (0..).filter(|id| !ids.contains(id)).take(missing as usize).collect();
        need += missing * self.size;
        let free = self.io.free(&self.dir).map_err(Error::disk("inspect", &self.dir))?;
        if free < need {
            return Err(Error::Full { dir: self.dir.clone(), need, free });
        }
        for id in short {
            if let Some(head) = self.head(id)? {
                return Err(self.other_size(head.size));
            }
            self.allocate(id, need, free)?;
        }
        for &id in &added {
            self.allocate(id, need, free)?;
        }
        for dir in self.dir.ancestors().take(3).filter(|dir| !dir.as_os_str().is_empty()) {
            self.io.sync_dir(dir).map_err(Error::disk("sync", dir))?;
        }
        ids.extend(added);
        Ok(ids)
    }

    fn allocate(&self, id: u32, need: u64, free: u64) -> Result<(), Error> {
        let path = self.path(id);
        let file = self.io.create(&path).map_err(Error::disk("create", &path))?;
        file.allocate(self.size).map_err(|error| match error.kind() {
            std::io::ErrorKind::StorageFull => Error::Full { dir: self.dir.clone(), need, free },
            _ => Error::disk("allocate", path)(error),
        })
    }

    fn other_size(&self, size: u64) -> Error {
        Error::Config(format!(
            "`extent` is {}: the recording in {} has extents of {size} bytes, and their size cannot change",
            self.size,
            self.dir.display()
        ))
    }

    fn head(&self, id: u32) -> Result<Option<Head>, Error> {
        let file = self.file(id)?;
        let mut page = vec![0; PAGE as usize];
        match file.read_at(&mut page, 0) {
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read.map_err(Error::disk("read", self.path(id)))?,
        }
        Ok(Head::decode(&page))
    }

    /// What an extent holds: told by its seal, else by its records.
    fn inspect(&self, id: u32, head: Option<Head>) -> Result<Extent, Error> {
        let Some(head) = head else {
            return Ok(Extent { state: State::Raw, contents: Contents::default() });
        };
        if head.generation == 0 {
            return Ok(Extent { state: State::Free, contents: Contents::default() });
        }
        let file = self.file(id)?;
        let mut page = vec![0; PAGE as usize];
        file.read_at(&mut page, SEAL).map_err(Error::disk("read", self.path(id)))?;
        let sealed = Contents::decode(&page).filter(|contents| contents.generation == head.generation);
        Ok(match sealed {
            Some(contents) => Extent { state: State::Sealed, contents },
            None => {
                let placed = self.walk(id, head.generation)?;
                Extent {
                    state: State::Active,
                    contents: self.contents(id, head.generation, &placed)?.contents,
                }
            }
        })
    }

    /// Of the extents without a seal, the newest of all is written on; any other counts as sealed.
    fn resume(&mut self) -> Result<(), Error> {
        self.generation = self.extents.values().map(|extent| extent.contents.generation).max().unwrap_or(0);
        let generation = self.generation;
        let mut current = None;
        for (&id, extent) in &mut self.extents {
            if extent.state == State::Active {
                extent.state = State::Sealed;
                if extent.contents.generation == generation {
                    current = Some(id);
                }
            }
            if extent.state == State::Sealed {
                self.leases.open(id, extent.contents.generation);
            }
        }
        if let Some(id) = current {
            let tail = self.contents(id, generation, &self.walk(id, generation)?)?;
            self.continue_at(id, tail)?;
        }
        Ok(())
    }

    fn continue_at(&mut self, id: u32, tail: Tail) -> Result<(), Error> {
        self.active = Some(Active { id, file: self.file(id)?, synced: tail.clone(), tail });
        self.set(id, State::Active);
        Ok(())
    }

    /// Cuts the active extent before the first record from `indexed` on whose payload did not reach the disk.
    pub(crate) fn cut_torn_tail(&mut self, indexed: u64) -> Result<(), Error> {
        let Some(active) = &self.active else { return Ok(()) };
        let (id, generation) = (active.id, active.tail.contents.generation);
        let mut placed = self.walk(id, generation)?;
        let mut whole = placed.len();
        for (at, placed) in placed.iter().enumerate().filter(|(_, placed)| placed.offset >= indexed) {
            if !self.is_intact(id, placed)? {
                whole = at;
                break;
            }
        }
        placed.truncate(whole);
        let tail = self.contents(id, generation, &placed)?;
        if let Some(extent) = self.extents.get_mut(&id) {
            extent.contents = tail.contents.clone();
        }
        self.continue_at(id, tail)
    }

    fn is_intact(&self, id: u32, placed: &Placed) -> Result<bool, Error> {
        let file = self.file(id)?;
        for index in 0..placed.record.chunks.len() {
            let chunk =
                extent::read_chunk(&*file, placed, index).map_err(Error::disk("read", self.path(id)))?;
            if chunk.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn contents(&self, id: u32, generation: u64, placed: &[Placed]) -> Result<Tail, Error> {
        let mut tail = Tail { contents: Contents::new(generation), chain: extent::first_chain(generation) };
        let mut streams: BTreeMap<u16, Described> = BTreeMap::new();
        for placed in placed {
            let stream = placed.record.stream;
            if let Some(described) = self.described(id, placed)? {
                streams.insert(stream, described);
            }
            let owner = streams.get(&stream).map(|described| (described.channel.as_str(), described.grid));
            tail.contents.add(&placed.record, owner);
            tail.chain = placed.crc;
        }
        Ok(tail)
    }
}

/// The most frequent name among the heads; a new one where there is none.
fn name<'a>(heads: impl Iterator<Item = &'a Head>) -> String {
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    heads.for_each(|head| *names.entry(&head.store).or_default() += 1);
    let random = || RandomState::new().hash_one(0u8);
    names
        .into_iter()
        .max_by_key(|(_, count)| *count)
        .map_or_else(|| format!("{:016x}{:016x}", random(), random()), |(name, _)| name.to_owned())
}
