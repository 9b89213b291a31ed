//! The one thread that writes: part lines as they come, everything else while none waits. How lines are written is in
//! `commit`.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{
        Arc,
        atomic::Ordering,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError},
    },
    time::{Duration, Instant},
};

use crate::{
    Error, Recovery,
    catalogue::{Catalogue, Indexed, Opener, ext, ext_end, ext_of},
    entry::Entry,
    extent::{RECORDS, Range},
    load::Load,
    rate::Rate,
    reconcile::Reconcile,
    ring::{Ring, State},
    scrub::Scrub,
    shared::{Message, Shared},
    stream::Stream,
};

/// Bytes of zeros written at a time: a part line never waits for more.
const ZEROS: u64 = 1 << 20;
/// How often an extent's last readers are looked at.
const LEASE_CHECK: Duration = Duration::from_millis(50);
/// Keys read at a time.
const KEYS: usize = 1000;

pub(crate) struct Committer<'a> {
    pub(crate) shared: &'a Shared,
    opener: &'a dyn Opener,
    pub(crate) ring: Ring,
    pub(crate) catalogue: Option<Arc<dyn Catalogue>>,
    /// Why the catalogue's files must be given up.
    damage: Option<String>,
    /// After a failure, nothing is tried before this.
    pub(crate) retry: Option<Instant>,
    /// What it last did beside recording failed.
    ailing: bool,
    /// Segments of which lines have come, but not the last.
    pub(crate) pending: BTreeMap<(u16, u64), (Arc<Stream>, Entry)>,
    /// Since when there are lines that no fdatasync has covered.
    pub(crate) unsynced: Option<Instant>,
    pub(crate) rate: Rate,
    /// Layouts that are in the catalogue for sure.
    pub(crate) layouts: HashSet<u64>,
    /// The active extent's tail was looked at.
    tail_checked: bool,
    pub(crate) reconcile: Option<Reconcile>,
    pub(crate) load: Option<Load>,
    pub(crate) scrub: Scrub,
    /// Raw extent that is being written with zeros, and how far.
    zeros: Option<(u32, u64)>,
}

/// What the thread does next.
enum Next {
    Message(Message),
    /// Nothing waits, and not all that was written is durable.
    Sync,
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
    opener.begin();
    let Some(ring) = open_ring(shared, messages, answer) else { return };
    shared.set_known(Some(newest_ranges(&ring)));
    retain(shared, &ring);
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
        unsynced: None,
        rate: Rate::default(),
        layouts: HashSet::new(),
        tail_checked: false,
        reconcile: None,
        load: None,
        scrub: Scrub::default(),
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
                    shared.taken(line.bytes());
                    shared.refuse(&stream, line.number, &Error::NotOpen);
                }
                Ok(Message::Wake | Message::Doubt { .. }) => {}
                Ok(Message::Close) | Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => break,
            }
        }
    }
}

/// Per stream, the range that ends last.
fn newest_ranges(ring: &Ring) -> Vec<Range> {
    let mut newest: BTreeMap<u16, Range> = BTreeMap::new();
    for range in ring.extents.iter().flat_map(|(_, extent)| &extent.contents.streams) {
        let known = newest.entry(range.id).or_insert_with(|| range.clone());
        if range.last > known.last {
            *known = range.clone();
        }
    }
    newest.into_values().collect()
}

/// Tells retention what the ring holds.
fn retain(shared: &Shared, ring: &Ring) {
    let mut retention = shared.retention();
    retention.clear();
    for &(generation, id) in ring.extents.sealed() {
        if let Some(extent) = ring.extents.get(id) {
            retention.seal(id, generation, &extent.contents.streams);
        }
    }
    retention.set_active(ring.active().map(|(_, contents)| contents.streams.as_slice()));
}

impl Committer<'_> {
    fn serve(&mut self, messages: &Receiver<Message>) {
        self.try_open();
        loop {
            match self.next(messages) {
                Next::Message(Message::Line(stream, line)) => {
                    self.line(&stream, &line);
                    self.sync_lines(false);
                    self.shared.taken(line.bytes());
                }
                Next::Sync => self.sync_lines(true),
                Next::Message(Message::Doubt { stream, number }) => {
                    let done = self.doubt(stream, number);
                    self.note(done);
                }
                Next::Message(Message::Wake) => {}
                Next::Message(Message::Close) | Next::End => return,
                Next::Work => self.work(),
            }
            self.shared.forget_unused();
            self.report();
        }
    }

    fn next(&self, messages: &Receiver<Message>) -> Next {
        let now = match messages.try_recv() {
            Ok(message) => return Next::Message(message),
            Err(TryRecvError::Disconnected) => return Next::End,
            Err(TryRecvError::Empty) => Instant::now(),
        };
        if self.unsynced.is_some() {
            return Next::Sync;
        }
        let received = match self.pause(now) {
            Some(Duration::ZERO) => return Next::Work,
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
    fn pause(&self, now: Instant) -> Option<Duration> {
        if let Some(retry) = self.retry {
            return Some(retry.saturating_duration_since(now));
        }
        let busy = self.load.is_some()
            || self.reconcile.is_some()
            || !self.ring.extents.raw().is_empty()
            || self.next_to_load().is_some();
        if busy {
            return Some(Duration::ZERO);
        }
        let lease = self.ring.leaving().map(|_| LEASE_CHECK);
        lease.into_iter().chain(self.scrub.pause(&self.ring, now)).min()
    }

    /// One step of what can wait: the catalogue first, then histories, then its check, then the zeros, then the
    /// bytes of long ago.
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
            } else if !self.ring.extents.raw().is_empty() {
                self.zero_on()
            } else {
                self.scrub_on(Instant::now())
            }
        });
        self.note(done);
    }

    /// Takes note of how something outside of any segment went.
    pub(crate) fn note(&mut self, done: Result<(), Error>) {
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
    pub(crate) fn rest(&mut self, error: &Error) {
        self.retry = Some(Instant::now() + self.shared.limits.retry);
        if let Error::Catalogue { reason, damaged, .. } = error {
            if *damaged {
                self.damage = Some(reason.clone());
            }
            self.shared.set_catalogue(None);
            self.catalogue = None;
            (self.reconcile, self.load) = (None, None);
            self.scrub.stop();
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

    pub(crate) fn open_catalogue(&mut self) -> Result<(), Error> {
        let opened = self.opener.open(&self.ring.store, self.damage.clone())?;
        self.damage = None;
        let catalogue = opened.catalogue;
        self.release_free(&*catalogue)?;
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

    /// Frees the extents whose keys are deleted already.
    fn release_free(&mut self, catalogue: &dyn Catalogue) -> Result<(), Error> {
        let mut from = ext(0);
        loop {
            let pairs = catalogue.scan(&from, &ext_end(), KEYS)?;
            let Some((last, _)) = pairs.last() else { return Ok(()) };
            from = [last.as_slice(), &[0]].concat();
            for (key, value) in pairs {
                let (Some(id), Some(indexed)) = (ext_of(&key), Indexed::decode(&value)) else { continue };
                let sealed = self.ring.extents.get(id).is_some_and(|extent| {
                    extent.state == State::Sealed && extent.contents.generation == indexed.generation
                });
                if indexed.free && sealed {
                    self.shared.retention().forget(id);
                    self.ring.release(id);
                }
            }
        }
    }

    /// Cuts what did not reach the disk whole, and puts what did into the catalogue.
    fn check_tail(&mut self, catalogue: &dyn Catalogue) -> Result<(), Error> {
        if let Some((id, contents)) = self.ring.active() {
            let generation = contents.generation;
            let indexed = catalogue.get(&ext(id))?.and_then(|value| Indexed::decode(&value));
            let indexed = indexed.filter(|indexed| indexed.generation == generation);
            self.ring.cut_torn_tail(indexed.map_or(RECORDS, |indexed| indexed.end))?;
            // What the catalogue knows nothing of is read by its check.
            if let Some(indexed) = indexed {
                Reconcile::index(&self.ring, catalogue, indexed.end)?;
            }
            let contents = self.ring.active().map(|(_, contents)| contents.streams.as_slice());
            self.shared.retention().set_active(contents);
        }
        self.tail_checked = true;
        Ok(())
    }

    fn zero_on(&mut self) -> Result<(), Error> {
        if self.ring.is_failing() {
            self.ring.acquit();
        }
        let Some(&id) = self.ring.extents.raw().first() else { return Ok(()) };
        let offset = self.zeros.filter(|(zeroed, _)| *zeroed == id).map_or(0, |(_, offset)| offset);
        self.zeros = self.ring.zero(id, offset, ZEROS)?.map(|offset| (id, offset));
        Ok(())
    }

    fn report(&self) {
        let mut status = self.shared.board.lock();
        let ring = &self.ring;
        status.extents.total = ring.extents.len();
        status.extents.free = ring.free();
        status.extents.provisioned = ring.extents.len() - ring.extents.raw().len();
        status.extents.bad = ring.extents.bad();
        status.size = ring.size * ring.extents.len() as u64;
        status.used = ring.extents.used();
        status.written = ring.written;
        status.rate = self.rate.at(Instant::now());
        status.scrubbed = self.scrub.status(ring);
        status.unsynced = self.shared.unsynced.load(Ordering::Acquire);
    }
}
