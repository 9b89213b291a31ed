//! How a ring begins: room is reserved, heads and seals are read, an unfinished extent is walked.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{BuildHasher, RandomState},
    path::PathBuf,
    sync::Arc,
};

use super::{Active, Extent, Ring, State, Tail, Tally};
use crate::{
    Error, Io,
    extent::{self, Contents, FORMAT, Head, Placed, RECORDS, SEAL},
    io::File,
    layouts::Described,
    lease::Leases,
};

/// Files whose pages are asked for at once. A cold disk takes 2 s to give those of 14,000 one after the other, a sixth of it
/// where it knows of many.
const AHEAD: usize = 512;

/// An extent's file as it was found: its bytes, and its two leading pages where it has them.
pub(super) struct Found {
    size: u64,
    head: Option<Head>,
    sealed: Option<Contents>,
}

impl Ring {
    /// Reserves what is missing of `size` bytes and reads what is there.
    ///
    /// One open and one read of 8 KiB for each extent: a week of 12 Mbit/s is 14,000 of them, 0.3 s where the pages
    /// are in RAM, and a seek each where they are on a turning disk.
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
            extents: Tally::default(),
            active: None,
            generation: 0,
            leases,
            written: 0,
            suspects: Vec::new(),
            failing: false,
            faulty: false,
        };
        let found = ring.find()?;
        ring.reserve(&found, size / extent)?;
        ring.store = name(found.values().flatten().filter_map(|found| found.head.as_ref()));
        ring.inspect(found)?;
        ring.resume()?;
        Ok(ring)
    }

    /// Looks at every extent file there is; none for those that cannot be read. Where not even half of them can, it is
    /// the disk.
    fn find(&self) -> Result<BTreeMap<u32, Option<Found>>, Error> {
        let names = self.io.list(&self.dir).map_err(Error::disk("list", &self.dir))?;
        let mut found = BTreeMap::new();
        let mut failed = Vec::new();
        let ids: Vec<u32> = names.iter().filter_map(|name| extent::id_of(name)).collect();
        for ids in ids.chunks(AHEAD) {
            let files: Vec<_> = ids.iter().map(|&id| (id, self.file(id))).collect();
            files.iter().filter_map(|(_, file)| file.as_ref().ok()).for_each(|file| file.expect(RECORDS));
            for (id, file) in files {
                match file.and_then(|file| self.pages_of(id, &*file)) {
                    Ok(pages) => drop(found.insert(id, Some(pages))),
                    Err(error) => failed.push((id, error)),
                }
            }
        }
        for (id, error) in failed {
            let readable = found.iter().filter(|(_, found)| found.is_some()).map(|(&id, _)| id);
            let half = readable.clone().count() * 2 >= names.len();
            // A disk that went away on the way through fails here, too.
            if !half || readable.min().is_none_or(|id| self.pages(id).is_err()) {
                return Err(error);
            }
            tracing::warn!(%error, id, "extent set aside");
            found.insert(id, None);
        }
        Ok(found)
    }

    /// Makes the files there should be.
    fn reserve(&mut self, found: &BTreeMap<u32, Option<Found>>, count: u64) -> Result<(), Error> {
        let mut short = Vec::new();
        let mut need = 0;
        for (&id, found) in found.iter().filter_map(|(id, found)| Some((id, found.as_ref()?))) {
            let other = found.head.as_ref().map_or(found.size, |head| head.size);
            if found.size > self.size || (found.size < self.size && found.head.is_some()) {
                return Err(self.other_size(other));
            }
            if found.size < self.size {
                short.push(id);
                need += self.size - found.size;
            }
        }
        let missing = usize::try_from(count).unwrap_or(usize::MAX).saturating_sub(found.len());
        let known: BTreeSet<u32> = found.keys().copied().collect();
        let added: Vec<u32> = (0..).filter(|id| !known.contains(id)).take(missing).collect();
        need += missing as u64 * self.size;
        let free = self.io.free(&self.dir).map_err(Error::disk("inspect", &self.dir))?;
        if free < need {
            return Err(Error::Full { dir: self.dir.clone(), need, free });
        }
        for &id in short.iter().chain(&added) {
            self.allocate(id, need, free)?;
            self.extents.put(id, Extent::new(State::Raw, Contents::default()));
        }
        for dir in self.dir.ancestors().take(3).filter(|dir| !dir.as_os_str().is_empty()) {
            self.io.sync_dir(dir).map_err(Error::disk("sync", dir))?;
        }
        Ok(())
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

    /// Reads the leading pages of an extent.
    pub(super) fn pages(&self, id: u32) -> Result<Found, Error> {
        self.pages_of(id, &*self.file(id)?)
    }

    fn pages_of(&self, id: u32, file: &dyn File) -> Result<Found, Error> {
        let size = file.size().map_err(Error::disk("inspect", self.path(id)))?;
        if size < RECORDS {
            return Ok(Found { size, head: None, sealed: None });
        }
        let mut pages = vec![0; RECORDS as usize];
        file.read_at(&mut pages, 0).map_err(Error::disk("read", self.path(id)))?;
        let head = Head::decode(&pages).filter(|head| head.id == id);
        let sealed = Contents::decode(&pages[SEAL as usize..]);
        let sealed = sealed.filter(|sealed| head.as_ref().is_some_and(|h| h.generation == sealed.generation));
        Ok(Found { size, head, sealed })
    }

    /// What the extents hold: told by their seals, else by their records.
    fn inspect(&mut self, found: BTreeMap<u32, Option<Found>>) -> Result<(), Error> {
        for (id, found) in found {
            let Some(found) = found else {
                self.extents.put(id, Extent::new(State::Bad, Contents::default()));
                continue;
            };
            let Some(head) = found.head.filter(|head| head.store == self.store) else {
                self.extents.put(id, Extent::new(State::Raw, Contents::default()));
                continue;
            };
            if head.format != FORMAT {
                return Err(Error::Config(format!(
                    "the recording in {} has format {}, and this version writes {FORMAT}: choose another `dir`, or \
                     remove it",
                    self.dir.display(),
                    head.format
                )));
            }
            let extent = match (head.generation, found.sealed) {
                (0, _) => Extent::new(State::Free, Contents::default()),
                (_, Some(contents)) => Extent::new(State::Sealed, contents),
                (generation, None) => self.unsealed(id, generation)?,
            };
            self.extents.put(id, extent);
        }
        Ok(())
    }

    /// An extent without a seal; where it cannot be read to its end, what comes before is kept and nothing is added.
    fn unsealed(&self, id: u32, generation: u64) -> Result<Extent, Error> {
        let (placed, error) = self.walk_readable(id, generation)?;
        let contents = self.contents(id, generation, &placed)?.contents;
        Ok(match error {
            None => Extent::new(State::Active, contents),
            Some(error) if self.pages(id).is_ok() => {
                tracing::warn!(%error, id, "extent abandoned");
                Extent { state: State::Sealed, contents, spent: true }
            }
            Some(error) => return Err(error),
        })
    }

    /// Of the extents without a seal, the newest of all is written on; any other counts as sealed.
    fn resume(&mut self) -> Result<(), Error> {
        let generations = self.extents.iter().map(|(_, extent)| extent.contents.generation);
        self.generation = generations.max().unwrap_or(0);
        let generation = self.generation;
        let full = |(id, extent): (u32, &Extent)| (extent.state == State::Sealed).then_some(id);
        let unsealed = |(id, extent): (u32, &Extent)| (extent.state == State::Active).then_some(id);
        let sealed: Vec<u32> = self.extents.iter().filter_map(full).collect();
        let open: Vec<u32> = self.extents.iter().filter_map(unsealed).collect();
        let mut current = None;
        for id in sealed.into_iter().chain(open) {
            let Some(extent) = self.extents.get(id) else { continue };
            self.leases.open(id, extent.contents.generation);
            if extent.state == State::Active && extent.contents.generation == generation {
                current = Some(id);
            }
            self.set(id, State::Sealed);
        }
        if let Some(id) = current {
            let tail = self.contents(id, generation, &self.walk(id, generation)?)?;
            self.continue_at(id, tail)?;
        }
        Ok(())
    }

    fn continue_at(&mut self, id: u32, tail: Tail) -> Result<(), Error> {
        let file: Arc<dyn File> = self.file(id)?;
        self.active = Some(Active { id, file, synced: tail.clone(), tail });
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
        self.extents.put(id, Extent::new(State::Active, tail.contents.clone()));
        self.continue_at(id, tail)
    }

    /// Whether all bytes of a record are as they were written. What cannot be read is not, unless nothing can.
    pub(crate) fn is_intact(&self, id: u32, placed: &Placed) -> Result<bool, Error> {
        let file = self.file(id)?;
        for index in 0..placed.record.chunks.len() {
            match extent::read_chunk(&*file, placed, index) {
                Ok(Some(_)) => {}
                Ok(None) => return Ok(false),
                Err(_) if self.answers(id) => return Ok(false),
                Err(error) => return Err(Error::disk("read", self.path(id))(error)),
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
