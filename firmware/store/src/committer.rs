//! The one thread that writes: part lines as they come, everything else while none waits.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{
        Arc,
        atomic::Ordering,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;

use crate::{
    Error, Recovery,
    catalogue::{Batch, Catalogue, Indexed, Opener, ext, init, seg},
    entry::{Entry, Place},
    extent::{RECORDS, Range},
    held::Line,
    layouts::Described,
    load::Load,
    reconcile::Reconcile,
    record::{Chunk, Kind, Record},
    ring::{Ring, State},
    shared::{Message, Shared},
    stream::Stream,
};

/// Bytes of zeros written at a time: a part line never waits for more.
const ZEROS: u64 = 1 << 20;
/// How often an extent's last readers are looked at.
const LEASE_CHECK: Duration = Duration::from_millis(50);

pub(crate) struct Committer<'a> {
    pub(crate) shared: &'a Shared,
    opener: &'a dyn Opener,
    pub(crate) ring: Ring,
    pub(crate) catalogue: Option<Arc<dyn Catalogue>>,
    /// Why the catalogue's files must be given up.
    damage: Option<String>,
    /// After a failure, nothing is tried before this.
    retry: Option<Instant>,
    /// What it last did beside recording failed.
    ailing: bool,
    /// Segments of which lines have come, but not the last.
    pending: BTreeMap<(u16, u64), (Arc<Stream>, Entry)>,
    /// Layouts that are in the catalogue for sure.
    pub(crate) layouts: HashSet<u64>,
    /// The active extent's tail was looked at.
    tail_checked: bool,
    pub(crate) reconcile: Option<Reconcile>,
    pub(crate) load: Option<Load>,
    /// Raw extent that is being written with zeros, and how far.
    zeros: Option<(u32, u64)>,
}

/// What the thread does next.
enum Next {
    Message(Message),
    Work,
    End,
}

/// The committer's life. Says in `answer` whether the ring can be opened.
pub(crate) fn run(
    shared: &Shared,
    opener: &dyn Opener,
    messages: &Receiver<Message>,
    answer: &SyncSender<Result<(), Error>>,
) {
    let Some(ring) = open_ring(shared, messages, answer) else { return };
    shared.set_known(Some(newest_ranges(&ring)));
    // The opener of the store may have stopped waiting.
    let _ = answer.try_send(Ok(()));
    let mut committer = Committer {
        shared,
        opener,
        ring,
        catalogue: None,
        damage: None,
        retry: None,
        ailing: false,
        pending: BTreeMap::new(),
        layouts: HashSet::new(),
        tail_checked: false,
        reconcile: None,
        load: None,
        zeros: None,
    };
    committer.report();
    committer.serve(messages);
    shared.set_catalogue(None);
}

/// Opens the ring, again and again while the disk fails. None where that is over.
fn open_ring(
    shared: &Shared,
    messages: &Receiver<Message>,
    answer: &SyncSender<Result<(), Error>>,
) -> Option<Ring> {
    let config = &shared.config;
    loop {
        let (io, leases) = (Arc::clone(&shared.io), Arc::clone(&shared.leases));
        let error = match Ring::open(io, shared.extents_dir(), config.size, config.extent, leases) {
            Ok(ring) => return Some(ring),
            Err(error) => error,
        };
        shared.board.fails(&error);
        shared.set_known(None);
        if matches!(error, Error::Config(_)) {
            // Nobody waits for this any more: the ring stays closed, the status says why.
            if answer.try_send(Err(error)).is_ok() {
                return None;
            }
        } else {
            let _ = answer.try_send(Ok(()));
        }
        let until = Instant::now() + shared.limits.retry;
        loop {
            match messages.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(Message::Line(stream, line)) => {
                    shared.queued.fetch_sub(1, Ordering::Relaxed);
                    shared.refuse(&stream, line.number, &Error::NotOpen);
                }
                Ok(Message::Wake | Message::Quarantine { .. }) => {}
                Ok(Message::Close) | Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => break,
            }
        }
    }
}

/// Per stream, the range that ends last.
fn newest_ranges(ring: &Ring) -> Vec<Range> {
    let mut newest: BTreeMap<u16, Range> = BTreeMap::new();
    for range in ring.extents.values().flat_map(|extent| &extent.contents.streams) {
        let known = newest.entry(range.id).or_insert_with(|| range.clone());
        if range.last > known.last {
            *known = range.clone();
        }
    }
    newest.into_values().collect()
}

impl Committer<'_> {
    fn serve(&mut self, messages: &Receiver<Message>) {
        self.try_open();
        loop {
            match self.next(messages) {
                Next::Message(Message::Line(stream, line)) => {
                    self.line(&stream, &line);
                    self.shared.queued.fetch_sub(1, Ordering::Relaxed);
                }
                Next::Message(Message::Quarantine { stream, number }) => {
                    let done = self.quarantine(stream, number);
                    self.note(done);
                }
                Next::Message(Message::Wake) => {}
                Next::Message(Message::Close) | Next::End => return,
                Next::Work => self.work(),
            }
            self.report();
        }
    }

    fn next(&self, messages: &Receiver<Message>) -> Next {
        let wait = match self.pause() {
            Some(Duration::ZERO) => {
                return match messages.try_recv() {
                    Ok(message) => Next::Message(message),
                    Err(TryRecvError::Empty) => Next::Work,
                    Err(TryRecvError::Disconnected) => Next::End,
                };
            }
            wait => wait,
        };
        let received = match wait {
            Some(wait) => messages.recv_timeout(wait),
            None => messages.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match received {
            Ok(message) => Next::Message(message),
            Err(RecvTimeoutError::Timeout) => Next::Work,
            Err(RecvTimeoutError::Disconnected) => Next::End,
        }
    }

    /// How long to wait for messages before there is other work; none: for ever.
    fn pause(&self) -> Option<Duration> {
        if let Some(retry) = self.retry {
            return Some(retry.saturating_duration_since(Instant::now()));
        }
        let busy = self.load.is_some()
            || self.reconcile.is_some()
            || self.ring.count(|state| state == State::Raw) > 0
            || self.next_to_load().is_some();
        match (busy, self.ring.leaving()) {
            (true, _) => Some(Duration::ZERO),
            (false, Some(_)) => Some(LEASE_CHECK),
            (false, None) => None,
        }
    }

    /// One step of what can wait: the catalogue first, then histories, then its check, then the zeros.
    fn work(&mut self) {
        self.retry = None;
        if self.catalogue.is_none() {
            self.try_open();
            return;
        }
        let done = self.leave_on().and_then(|()| {
            if self.load.is_some() || self.next_to_load().is_some() {
                self.load_on()
            } else if self.reconcile.is_some() {
                self.reconcile_on()
            } else {
                self.zero_on()
            }
        });
        self.note(done);
    }

    /// Takes note of how something outside of any segment went.
    fn note(&mut self, done: Result<(), Error>) {
        match done {
            Ok(()) if self.ailing => self.shared.board.works(),
            Ok(()) => {}
            Err(ref error) => {
                self.shared.board.fails(error);
                self.rest(error);
            }
        }
        self.ailing = done.is_err();
    }

    /// After a failure: a catalogue that failed is opened again, and all is left alone for a while.
    fn rest(&mut self, error: &Error) {
        self.retry = Some(Instant::now() + self.shared.limits.retry);
        if let Error::Catalogue { reason, damaged, .. } = error {
            if *damaged {
                self.damage = Some(reason.clone());
            }
            self.shared.set_catalogue(None);
            self.catalogue = None;
            (self.reconcile, self.load) = (None, None);
        }
    }

    fn try_open(&mut self) {
        let done = self.open_catalogue();
        match done {
            Ok(()) => self.shared.board.works(),
            Err(error) => {
                self.shared.board.fails(&error);
                self.rest(&error);
            }
        }
    }

    fn open_catalogue(&mut self) -> Result<(), Error> {
        let opened = self.opener.open(&self.ring.store, self.damage.clone())?;
        self.damage = None;
        let catalogue = opened.catalogue;
        let ids: Vec<u32> = self.ring.extents.keys().copied().collect();
        for id in ids {
            let indexed = catalogue.get(&ext(id))?.and_then(|value| Indexed::decode(&value));
            let generation = self.ring.extents[&id].contents.generation;
            if let Some(indexed) = indexed.filter(|indexed| indexed.generation == generation)
                && indexed.free
                && self.ring.extents[&id].state == State::Sealed
            {
                self.ring.release(id);
            }
        }
        if !self.tail_checked {
            self.check_tail(&*catalogue)?;
        }
        self.catalogue = Some(Arc::clone(&catalogue));
        self.layouts.clear();
        self.shrink().inspect_err(|_| self.catalogue = None)?;
        self.reconcile = Some(Reconcile::new(&self.ring, opened.damage));
        self.shared.board.lock().recovery = Recovery::Checking;
        self.shared.set_catalogue(Some(catalogue));
        Ok(())
    }

    fn check_tail(&mut self, catalogue: &dyn Catalogue) -> Result<(), Error> {
        if let Some((id, contents)) = self.ring.active() {
            let indexed = catalogue.get(&ext(id))?.and_then(|value| Indexed::decode(&value));
            let indexed = indexed.filter(|indexed| indexed.generation == contents.generation);
            self.ring.cut_torn_tail(indexed.map_or(RECORDS, |indexed| indexed.end))?;
        }
        self.tail_checked = true;
        Ok(())
    }

    fn line(&mut self, stream: &Arc<Stream>, line: &Line) {
        if let Err(error) = self.try_line(stream, line) {
            self.shared.refuse(stream, line.number, &error);
            if matches!(error, Error::NotOpen | Error::TooLarge { .. }) {
                // Nothing was written.
                self.pending
                    .retain(|(_, number), (other, _)| *number != line.number || !Arc::ptr_eq(other, stream));
                return;
            }
            // After a failed write or sync nobody knows what the disk has since the last sync: whatever is not
            // acknowledged is given up, and written over.
            for ((_, number), (stream, _)) in std::mem::take(&mut self.pending) {
                self.shared.refuse(&stream, number, &error);
            }
            self.ring.roll_back();
            self.rest(&error);
        }
    }

    fn try_line(&mut self, stream: &Arc<Stream>, line: &Line) -> Result<(), Error> {
        let Some(id) = self.shared.identify(stream)? else { return Err(Error::NotOpen) };
        let key = (id, line.number);
        if line.part > 0 && !self.pending.contains_key(&key) {
            // An earlier line of it was refused.
            return Ok(());
        }
        if self.catalogue.is_none() {
            if self.retry.is_some_and(|retry| Instant::now() < retry) {
                return Err(Error::NotOpen);
            }
            self.open_catalogue()?;
        }
        let (record, place) = self.append(id, stream, line)?;
        let (_, entry) =
            self.pending.entry(key).or_insert_with(|| (Arc::clone(stream), Entry::of(&record, place)));
        entry.merge(&Entry::of(&record, place));
        if line.last
            && let Some((_, entry)) = self.pending.remove(&key)
        {
            self.commit(id, stream, line, &entry)?;
            self.pending.retain(|(stream, number), _| *stream != id || *number > line.number);
        }
        Ok(())
    }

    fn append(&mut self, id: u16, stream: &Stream, line: &Line) -> Result<(Record, Place), Error> {
        let mut payload = Vec::with_capacity(line.chunks.len());
        let chunks = line.chunks.iter().map(|(track, part)| {
            payload.push(part.data.clone());
            Chunk::new(*track, part.independent, part.start, part.duration, &part.data)
        });
        let record = Record {
            kind: Kind::Media,
            last: line.last,
            filler: line.filler,
            stream: id,
            generation: 0,
            number: line.number,
            part: line.part,
            discontinuity: line.discontinuity,
            layout: line.layout.id.0,
            chain: 0,
            chunks: chunks.collect(),
        };
        let described = describe(stream, line)?;
        let head = layout_record(id, line, &described);
        let (need, limit) = (head.len() + record.len(), self.ring.size - RECORDS);
        if need > limit {
            return Err(Error::TooLarge { what: "part line", len: need, limit });
        }
        if !self.ring.fits(need, &stream.channel) {
            self.ring.seal()?;
            self.next_extent()?;
        }
        let known = self.ring.active().is_some_and(|(_, held)| held.has_layout(id, line.layout.id.0));
        if !known {
            self.ring.append(head, &[described], &stream.channel, stream.grid)?;
        }
        let place = self.ring.append(record.clone(), &payload, &stream.channel, stream.grid)?;
        Ok((record, place))
    }

    /// Payload, then catalogue, then acknowledgement.
    fn commit(&mut self, id: u16, stream: &Stream, line: &Line, entry: &Entry) -> Result<(), Error> {
        self.ring.sync()?;
        let mut batch = Batch::default();
        batch.insert(seg(id, line.number), entry.encode())?;
        if let Some((extent, contents)) = self.ring.active() {
            let indexed = Indexed { generation: contents.generation, end: contents.end, free: false };
            batch.insert(ext(extent), indexed.encode())?;
        }
        let layout = line.layout.id.0;
        if !self.layouts.contains(&layout) {
            batch.insert(init(layout), describe(stream, line)?.to_vec())?;
        }
        self.catalogue.as_ref().ok_or(Error::NotOpen)?.commit(&batch)?;
        self.layouts.insert(layout);
        stream.change(|live| live.acknowledge(line.number));
        self.shared.board.works();
        Ok(())
    }

    fn quarantine(&mut self, stream: u16, number: u64) -> Result<(), Error> {
        let Some(catalogue) = &self.catalogue else { return Ok(()) };
        let key = seg(stream, number);
        let Some(value) = catalogue.get(&key)? else { return Ok(()) };
        let entry = Entry { quarantined: true, ..Entry::decode(&value)? };
        let mut batch = Batch::default();
        batch.insert(key, entry.encode())?;
        catalogue.commit(&batch)
    }

    fn zero_on(&mut self) -> Result<(), Error> {
        let raw = self.ring.extents.iter().find(|(_, extent)| extent.state == State::Raw);
        let Some((&id, _)) = raw else { return Ok(()) };
        let offset = self.zeros.filter(|(zeroed, _)| *zeroed == id).map_or(0, |(_, offset)| offset);
        self.zeros = self.ring.zero(id, offset, ZEROS)?.map(|offset| (id, offset));
        Ok(())
    }

    fn report(&self) {
        let mut status = self.shared.board.lock();
        let ring = &self.ring;
        status.extents.total = ring.extents.len();
        status.extents.free = ring.free();
        status.extents.provisioned = ring.count(|state| state != State::Raw);
        status.size = ring.size * ring.extents.len() as u64;
        status.used = ring.extents.values().map(|extent| extent.contents.end).sum();
        status.written = ring.written;
    }
}

fn describe(stream: &Stream, line: &Line) -> Result<Bytes, Error> {
    let (channel, layout) = (stream.channel.clone(), (*line.layout).clone());
    Described { channel, grid: stream.grid, layout }.encode()
}

fn layout_record(id: u16, line: &Line, described: &Bytes) -> Record {
    Record {
        kind: Kind::Layout,
        last: false,
        filler: false,
        stream: id,
        generation: 0,
        number: line.number,
        part: 0,
        discontinuity: line.discontinuity,
        layout: line.layout.id.0,
        chain: 0,
        chunks: vec![Chunk::new(0, false, 0, 0, described)],
    }
}
