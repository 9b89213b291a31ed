//! Reads what was recorded long ago, while nothing else is to be done, and marks what is damaged as a gap.
//!
//! Extents are read in the order they were written, round and round; which was the last is kept in the catalogue. Of an
//! extent everything is read that the catalogue refers to, so a record that cannot be read costs its own segment.

use std::{
    collections::VecDeque,
    time::{Duration, Instant, SystemTime},
};

use crate::{
    Error, ScrubStatus,
    catalogue::{Batch, SCRUBBED, seg, seg_of},
    committer::Committer,
    entry::{Entry, Place},
    extent::read_record,
    ring::Ring,
};

/// Bytes read a second: a week's 900 GB in three and a half days, and a hardly busy disk.
const PACE: u64 = 3 << 20;

/// How far it is.
#[derive(Default)]
pub(crate) struct Scrub {
    /// Generation of the last extent that was read; none while the catalogue has not said.
    last: Option<u64>,
    /// What is left of the extent that is read.
    todo: Option<Todo>,
    /// Nothing is read before this.
    due: Option<Instant>,
    done: usize,
    since: Option<SystemTime>,
    finished: Option<SystemTime>,
}

struct Todo {
    id: u32,
    generation: u64,
    records: VecDeque<(u16, u64, Place)>,
}

impl Scrub {
    /// How long until there is something to read; none: nothing is sealed.
    pub(crate) fn pause(&self, ring: &Ring, now: Instant) -> Option<Duration> {
        if self.todo.is_none() && ring.extents.sealed().is_empty() {
            return None;
        }
        Some(self.due.map_or(Duration::ZERO, |due| due.saturating_duration_since(now)))
    }

    /// Begins again with the extent it was in.
    pub(crate) fn stop(&mut self) {
        self.todo = None;
    }

    pub(crate) fn status(&self, ring: &Ring) -> ScrubStatus {
        let total = ring.extents.sealed().len();
        ScrubStatus { done: self.done.min(total), total, since: self.since, finished: self.finished }
    }

    /// The next extent to read, and whether a round begins with it.
    fn next(&self, ring: &Ring) -> Option<(u64, u32, bool)> {
        let sealed = ring.extents.sealed();
        let after = self.last.map_or(0, |last| last + 1);
        match sealed.range((after, 0)..).next() {
            Some(&(generation, id)) => Some((generation, id, self.since.is_none())),
            None => sealed.first().map(|&(generation, id)| (generation, id, true)),
        }
    }
}

impl Committer<'_> {
    /// Reads one record.
    pub(crate) fn scrub_on(&mut self, now: Instant) -> Result<(), Error> {
        let Some(todo) = &mut self.scrub.todo else { return self.begin_extent() };
        let (id, generation) = (todo.id, todo.generation);
        let record = todo.records.pop_front().filter(|_| self.ring.holds(id, generation));
        let Some((stream, number, place)) = record else { return self.end_extent(id, generation, now) };
        let (intact, bytes) = self.verify(place)?;
        // In chunks of a second's worth at most, so that a clock that stood still is not made up for.
        let pause = Duration::from_secs(1).mul_f64((bytes as f64 / PACE as f64).min(1.0));
        self.scrub.due = Some(now + pause);
        if intact { Ok(()) } else { self.quarantine(stream, number) }
    }

    /// A reader found this segment's bytes missing or damaged.
    pub(crate) fn doubt(&mut self, stream: u16, number: u64) -> Result<(), Error> {
        let Some(catalogue) = &self.catalogue else { return Ok(()) };
        let Some(value) = catalogue.get(&seg(stream, number))? else { return Ok(()) };
        let places = Entry::decode(&value)?.places;
        for place in places.into_iter().filter(|place| self.ring.holds(place.extent, place.generation)) {
            if !self.verify(place)?.0 {
                return self.quarantine(stream, number);
            }
        }
        Ok(())
    }

    /// Marks a segment as a gap, for good.
    fn quarantine(&mut self, stream: u16, number: u64) -> Result<(), Error> {
        let Some(catalogue) = &self.catalogue else { return Ok(()) };
        self.shared.mark_gap(stream, number);
        let key = seg(stream, number);
        let Some(value) = catalogue.get(&key)? else { return Ok(()) };
        let entry = Entry::decode(&value)?;
        if entry.quarantined {
            return Ok(());
        }
        tracing::error!(stream, number, "segment quarantined");
        let mut batch = Batch::default();
        batch.insert(key, Entry { quarantined: true, ..entry }.encode())?;
        catalogue.commit(&batch)?;
        self.shared.board.lock().quarantined += 1;
        Ok(())
    }

    fn begin_extent(&mut self) -> Result<(), Error> {
        let Some(catalogue) = &self.catalogue else { return Ok(()) };
        if self.scrub.last.is_none() {
            let last =
                catalogue.get(SCRUBBED)?.and_then(|value| Some(u64::from_be_bytes(value.try_into().ok()?)));
            self.scrub.last = Some(last.unwrap_or(0));
        }
        let Some((generation, id, first)) = self.scrub.next(&self.ring) else { return Ok(()) };
        if first {
            (self.scrub.since, self.scrub.done) = (Some(SystemTime::now()), 0);
        }
        let Some(extent) = self.ring.extents.get(id) else { return Ok(()) };
        let mut records = Vec::new();
        for range in &extent.contents.streams {
            let limit = extent.contents.records as usize;
            for (key, value) in
                catalogue.scan(&seg(range.id, range.first), &seg(range.id, range.last + 1), limit)?
            {
                let (Some((stream, number)), Ok(entry)) = (seg_of(&key), Entry::decode(&value)) else {
                    continue;
                };
                let here = |place: &&Place| place.extent == id && place.generation == generation;
                let places = entry.places.iter().filter(here).filter(|_| !entry.quarantined);
                records.extend(places.map(|&place| (stream, number, place)));
            }
        }
        records.sort_by_key(|(.., place)| place.offset);
        if let Ok(file) = self.ring.file(id) {
            file.forget();
        }
        self.scrub.todo = Some(Todo { id, generation, records: records.into() });
        Ok(())
    }

    fn end_extent(&mut self, id: u32, generation: u64, now: Instant) -> Result<(), Error> {
        self.scrub.todo = None;
        self.scrub.last = Some(generation);
        self.scrub.done += 1;
        if self.scrub.done >= self.ring.extents.sealed().len() {
            self.scrub.finished = Some(SystemTime::now());
        }
        // Nothing read it for its sake: what is asked for stays in RAM instead.
        if let Ok(file) = self.ring.file(id) {
            file.forget();
        }
        // An empty extent counts as one of the smallest, so that a round always takes its time.
        let due = now + Duration::from_millis(20);
        self.scrub.due = Some(self.scrub.due.map_or(due, |before| before.max(due)));
        let Some(catalogue) = &self.catalogue else { return Ok(()) };
        let mut batch = Batch::default();
        batch.insert(SCRUBBED.to_vec(), generation.to_be_bytes().to_vec())?;
        catalogue.commit(&batch)
    }

    /// Whether a record is as it was written, and the bytes read. An error only where the disk gives nothing at all.
    fn verify(&self, place: Place) -> Result<(bool, u64), Error> {
        let (id, offset) = (place.extent, u64::from(place.offset));
        let read = self.ring.file(id).and_then(|file| {
            let read = read_record(&*file, place.generation, offset, self.ring.size);
            read.map_err(Error::disk("read", crate::extent::path(&self.shared.extents_dir(), id)))
        });
        match read {
            Ok(Some(placed)) => Ok((self.ring.is_intact(id, &placed)?, placed.record.len())),
            Ok(None) => Ok((false, 0)),
            Err(_) if self.ring.answers(id) => Ok((false, 0)),
            Err(error) => Err(error),
        }
    }
}
