//! Compares the catalogue with the extents and puts back what it lacks, newest first, while live runs.
//!
//! sled can lose its tail without a word, and a damaged one is replaced by an empty one: in both cases an
//! extent's own count of records (its seal) is greater than what the catalogue refers to. Such an extent is
//! read, header by header, and its segments are merged into the catalogue.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
};

use crate::{
    Error, Recovery,
    catalogue::{Batch, Catalogue, init, seg, seg_end},
    committer::Committer,
    entry::{Entry, Place},
    record::Kind,
    ring::{Ring, State},
};

/// Keys read at a time, and changes in one batch.
const KEYS: usize = 500;

/// A check under way.
pub(crate) struct Reconcile {
    /// By id: what the extents hold.
    expected: BTreeMap<u32, Expected>,
    /// By id: records that the catalogue refers to.
    counted: HashMap<u32, u32>,
    phase: Phase,
    damage: Option<String>,
    segments: usize,
    /// Segments with this mark, until told.
    quarantined: Option<u64>,
}

#[derive(Clone, Copy)]
struct Expected {
    generation: u64,
    records: u32,
    end: u64,
}

enum Phase {
    /// Counting, from this key on.
    Count(Vec<u8>),
    /// Reading extents, the last of these first.
    Read { todo: Vec<u32>, done: usize, total: usize },
}

impl Reconcile {
    pub(crate) fn new(ring: &Ring, damage: Option<String>) -> Self {
        let kept =
            ring.extents.iter().filter(|(_, extent)| matches!(extent.state, State::Active | State::Sealed));
        let expected = kept.map(|(id, extent)| {
            let contents = &extent.contents;
            let (generation, records, end) = (contents.generation, contents.records, contents.end);
            (id, Expected { generation, records, end })
        });
        Self {
            expected: expected.collect(),
            counted: HashMap::new(),
            phase: Phase::Count(seg(0, 0)),
            damage,
            segments: 0,
            quarantined: Some(0),
        }
    }

    /// Counts some keys; removes those that point where nothing is.
    fn count(&mut self, from: &[u8], ring: &Ring, catalogue: &dyn Catalogue) -> Result<(), Error> {
        let pairs = catalogue.scan(from, &seg_end(), KEYS)?;
        let next = pairs.last().map(|(key, _)| [key.as_slice(), &[0]].concat());
        let mut batch = Batch::default();
        for (key, value) in pairs {
            let Ok(mut entry) = Entry::decode(&value) else {
                batch.remove(key);
                continue;
            };
            if !entry.keep_places(|place| ring.holds(place.extent, place.generation)) {
                match entry.places.is_empty() {
                    true => batch.remove(key),
                    false => batch.insert(key, entry.encode())?,
                }
            }
            if let Some(count) = self.quarantined.as_mut().filter(|_| entry.quarantined) {
                *count += 1;
            }
            for place in entry.places {
                let expected = self.expected.get(&place.extent);
                if expected.is_some_and(|expected| {
                    expected.generation == place.generation && u64::from(place.offset) < expected.end
                }) {
                    *self.counted.entry(place.extent).or_default() += 1;
                }
            }
        }
        if !batch.is_empty() {
            catalogue.commit(&batch)?;
        }
        self.phase = match next {
            Some(next) => Phase::Count(next),
            None => self.lacking(),
        };
        Ok(())
    }

    fn lacking(&self) -> Phase {
        let lacks = |(id, expected): &(&u32, &Expected)| {
            self.counted.get(id).copied().unwrap_or(0) < expected.records
        };
        let mut todo: Vec<_> = self.expected.iter().filter(lacks).collect();
        todo.sort_by_key(|(_, expected)| expected.generation);
        let todo: Vec<u32> = todo.into_iter().map(|(&id, _)| id).collect();
        let total = todo.len();
        Phase::Read { todo, done: 0, total }
    }

    /// Merges what an extent holds into the catalogue.
    fn read(&mut self, id: u32, ring: &Ring, catalogue: &dyn Catalogue) -> Result<(), Error> {
        if let Some(&Expected { generation, end, .. }) = self.expected.get(&id)
            && ring.holds(id, generation)
        {
            self.segments += merge(ring, catalogue, id, generation, 0..end)?;
        }
        Ok(())
    }

    fn put_back(&mut self, id: u32) {
        if let Phase::Read { todo, done, .. } = &mut self.phase {
            todo.push(id);
            *done -= 1;
        }
    }

    /// Merges what the active extent holds from an offset on: what was durable before its segment was whole.
    pub(crate) fn index(ring: &Ring, catalogue: &dyn Catalogue, from: u64) -> Result<(), Error> {
        let Some((id, contents)) = ring.active() else { return Ok(()) };
        merge(ring, catalogue, id, contents.generation, from..contents.end).map(|_| ())
    }
}

/// Puts the records of an extent into the catalogue; the segments that changed.
fn merge(
    ring: &Ring,
    catalogue: &dyn Catalogue,
    id: u32,
    generation: u64,
    offsets: Range<u64>,
) -> Result<usize, Error> {
    let mut batch = Batch::default();
    let mut found: BTreeMap<(u16, u64), Entry> = BTreeMap::new();
    for placed in ring.walk(id, generation)?.into_iter().filter(|placed| offsets.contains(&placed.offset)) {
        let record = &placed.record;
        if record.kind == Kind::Layout {
            if let Some(described) = ring.described(id, &placed)? {
                batch.insert(init(record.layout), described.encode()?.to_vec())?;
            }
            continue;
        }
        let Ok(offset) = u32::try_from(placed.offset) else { continue };
        let entry = Entry::of(record, Place { part: record.part, extent: id, generation, offset });
        found.entry((record.stream, record.number)).and_modify(|known| known.merge(&entry)).or_insert(entry);
    }
    let mut segments = 0;
    for ((stream, number), mut entry) in found {
        let key = seg(stream, number);
        let known = catalogue.get(&key)?.and_then(|value| Entry::decode(&value).ok());
        if let Some(known) = &known {
            entry.merge(known);
        }
        if known.as_ref() != Some(&entry) {
            batch.insert(key, entry.encode())?;
            segments += 1;
        }
        if batch.changes.len() >= KEYS {
            catalogue.commit(&std::mem::take(&mut batch))?;
        }
    }
    if !batch.is_empty() {
        catalogue.commit(&batch)?;
    }
    Ok(segments)
}

impl Committer<'_> {
    pub(crate) fn reconcile_on(&mut self) -> Result<(), Error> {
        let (Some(catalogue), Some(mut reconcile)) = (&self.catalogue, self.reconcile.take()) else {
            return Ok(());
        };
        match &mut reconcile.phase {
            Phase::Count(from) => {
                let from = std::mem::take(from);
                reconcile.count(&from, &self.ring, &**catalogue)?;
            }
            Phase::Read { todo, done, .. } => {
                *done += 1;
                // Histories grow while this goes on, ever less often: each time they are read as a whole.
                let show = done.is_power_of_two();
                if let Some(id) = todo.pop()
                    && let Err(error) = reconcile.read(id, &self.ring, &**catalogue)
                {
                    if !matches!(error, Error::Disk { .. }) || !self.ring.answers(id) {
                        // Where it is the disk, this extent comes first when it works again.
                        reconcile.put_back(id);
                        self.reconcile = Some(reconcile);
                        return Err(error);
                    }
                    tracing::warn!(%error, id, "extent cannot be read");
                }
                if show {
                    self.load_again();
                }
            }
        }
        self.tell(reconcile);
        Ok(())
    }

    fn tell(&mut self, mut reconcile: Reconcile) {
        // Counted once: from then on each change is added.
        let counted = !matches!(reconcile.phase, Phase::Count(_));
        let quarantined = reconcile.quarantined.take_if(|_| counted);
        let recovery = match &reconcile.phase {
            Phase::Count(_) => Recovery::Checking,
            Phase::Read { total: 0, .. } => Recovery::Clean,
            Phase::Read { todo, done, total } if !todo.is_empty() => {
                Recovery::Rebuilding { done: *done, total: *total, damage: reconcile.damage.clone() }
            }
            Phase::Read { total, .. } => {
                self.load_again();
                let (segments, damage) = (reconcile.segments, reconcile.damage.clone());
                Recovery::Rebuilt { extents: *total, segments, damage }
            }
        };
        if !matches!(recovery, Recovery::Clean | Recovery::Rebuilt { .. }) {
            self.reconcile = Some(reconcile);
        }
        let mut board = self.shared.board.lock();
        board.recovery = recovery;
        if let Some(quarantined) = quarantined {
            board.quarantined = quarantined;
        }
    }
}
