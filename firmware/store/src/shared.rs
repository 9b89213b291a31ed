//! What the store's handles and its committer share.

use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc::{SyncSender, TrySendError},
    },
    time::{Duration, Instant},
};

use media::Grid;

use crate::{
    Config, Error, Io, Pin,
    catalogue::Catalogue,
    extent::Range,
    held::Line,
    lease::Leases,
    live::{Live, Resume},
    retention::Retention,
    status::Board,
    stream::Stream,
};

/// What the committer is told.
pub(crate) enum Message {
    /// Record this.
    Line(Arc<Stream>, Line),
    /// A segment's bytes could not be read, or fail their checksum.
    Doubt { stream: u16, number: u64 },
    /// There may be something to do.
    Wake,
    /// Finish what is queued before this, then end.
    Close,
}

/// Bounds; different only in tests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Part lines that may wait for the disk: 100 s of one channel.
    pub(crate) queue: usize,
    /// Bytes of media in them: half a minute of 12 Mbit/s.
    pub(crate) queued_bytes: u64,
    /// How long a disk may take to say what it holds before live begins without it.
    pub(crate) patience: Duration,
    /// How long after a failure the disk is tried again.
    pub(crate) retry: Duration,
    /// How long readers may keep an extent that is to be overwritten.
    pub(crate) lease: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            queue: 512,
            queued_bytes: 48 << 20,
            patience: Duration::from_secs(5),
            retry: Duration::from_secs(5),
            lease: Duration::from_secs(10),
        }
    }
}

pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) limits: Limits,
    pub(crate) io: Arc<dyn Io>,
    pub(crate) leases: Arc<Leases>,
    pub(crate) board: Board,
    backlog: Mutex<Backlog>,
    /// Part lines written that no fdatasync has covered.
    pub(crate) unsynced: AtomicUsize,
    queue: SyncSender<Message>,
    /// Taken after `streams` where both are needed.
    retention: Mutex<Retention>,
    streams: Mutex<Vec<Arc<Stream>>>,
    catalogue: Mutex<Option<Arc<dyn Catalogue>>>,
    known: Mutex<Known>,
    known_changed: Condvar,
}

/// The part lines that wait for the disk, the one that is being written included.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Backlog {
    pub(crate) lines: usize,
    /// Bytes of media in them.
    pub(crate) bytes: u64,
    /// Since when there was always one.
    since: Option<Instant>,
}

impl Backlog {
    fn add(&mut self, bytes: u64) {
        self.lines += 1;
        self.bytes += bytes;
        self.since.get_or_insert_with(Instant::now);
    }

    fn take(&mut self, bytes: u64) {
        self.lines -= 1;
        self.bytes -= bytes;
        self.since = self.since.filter(|_| self.lines > 0);
    }

    /// How long the disk has not caught up.
    pub(crate) fn age(&self) -> Duration {
        self.since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}

/// The streams that the extents hold.
enum Known {
    /// They are being read.
    Pending,
    /// They cannot be read now.
    Failed,
    Streams(Vec<Range>),
}

impl Shared {
    pub(crate) fn new(config: Config, limits: Limits, io: Arc<dyn Io>, queue: SyncSender<Message>) -> Self {
        let retention = Retention::new(config.pins.clone());
        Self {
            config,
            limits,
            io,
            leases: Arc::default(),
            board: Board::default(),
            backlog: Mutex::default(),
            unsynced: AtomicUsize::new(0),
            retention: Mutex::new(retention),
            queue,
            streams: Mutex::default(),
            catalogue: Mutex::default(),
            known: Mutex::new(Known::Pending),
            known_changed: Condvar::new(),
        }
    }

    /// Where the extents lie.
    pub(crate) fn extents_dir(&self) -> PathBuf {
        self.config.dir.join("extents")
    }

    pub(crate) fn streams(&self) -> MutexGuard<'_, Vec<Arc<Stream>>> {
        lock(&self.streams)
    }

    pub(crate) fn retention(&self) -> MutexGuard<'_, Retention> {
        lock(&self.retention)
    }

    /// Replaces all pins; expiry and listings follow them from here on.
    pub(crate) fn set_pins(&self, pins: Vec<Pin>) {
        let streams = self.streams();
        let reaches: Vec<_> = {
            let mut retention = self.retention();
            retention.set(pins);
            streams.iter().map(|stream| retention.reach(&stream.channel, stream.grid)).collect()
        };
        for (stream, reaches) in streams.iter().zip(reaches) {
            // What was recorded before this process is read again where it is listed further back.
            if stream.look(|live| live.reaches() != reaches)
                && stream.change(|live| live.set_reaches(reaches))
            {
                stream.loaded.store(false, Ordering::Release);
            }
        }
        drop(streams);
        self.hint(Message::Wake);
    }

    /// Marks a segment as a gap in the stream's window.
    pub(crate) fn mark_gap(&self, stream: u16, number: u64) {
        let streams = self.streams();
        if let Some(stream) = streams.iter().find(|open| open.id.get() == Some(&stream)) {
            stream.change(|live| live.mark_gap(number));
        }
    }

    pub(crate) fn catalogue(&self) -> Option<Arc<dyn Catalogue>> {
        lock(&self.catalogue).clone()
    }

    pub(crate) fn set_catalogue(&self, catalogue: Option<Arc<dyn Catalogue>>) {
        *lock(&self.catalogue) = catalogue;
    }

    /// Says which streams the extents hold: per channel and grid the newest range. None where they cannot
    /// be read.
    pub(crate) fn set_known(&self, streams: Option<Vec<Range>>) {
        *lock(&self.known) = streams.map_or(Known::Failed, Known::Streams);
        self.known_changed.notify_all();
    }

    /// Waits for the extents to be read, within bounds.
    pub(crate) fn wait_known(&self) {
        let pending = |known: &mut Known| matches!(known, Known::Pending);
        // After a timeout, or a panic of whoever read them, nothing is known.
        let _ = self.known_changed.wait_timeout_while(lock(&self.known), self.limits.patience, pending);
    }

    /// Where a channel's stream goes on, as far as that is known now.
    pub(crate) fn resume(&self, channel: &str, grid: Grid) -> Resume {
        match &*lock(&self.known) {
            Known::Pending | Known::Failed => Resume::Unknown,
            Known::Streams(streams) => {
                match streams.iter().find(|range| range.channel == channel && range.grid == grid) {
                    Some(range) => Resume::After { last: range.last, discontinuity: range.discontinuity },
                    None => Resume::New,
                }
            }
        }
    }

    /// The stream's id on disk: the one it had, else a new one. None while the extents have not been read.
    pub(crate) fn identify(&self, stream: &Stream) -> Result<Option<u16>, Error> {
        if let Some(&id) = stream.id.get() {
            return Ok(Some(id));
        }
        let mut known = lock(&self.known);
        let Known::Streams(streams) = &mut *known else { return Ok(None) };
        let same = streams.iter().find(|range| range.channel == stream.channel && range.grid == stream.grid);
        let id = match same {
            Some(range) => range.id,
            None => {
                let taken: BTreeSet<u16> = streams.iter().map(|range| range.id).collect();
                let id = (0..=u16::MAX).find(|id| !taken.contains(id));
                let id = id.ok_or_else(|| Error::NoStreamId(stream.channel.clone()))?;
                let (channel, grid) = (stream.channel.clone(), stream.grid);
                streams.push(Range {
                    id,
                    channel,
                    grid,
                    first: 0,
                    last: 0,
                    discontinuity: 0,
                    bytes: 0,
                    segments: 0,
                });
                id
            }
        };
        Ok(Some(*stream.id.get_or_init(|| id)))
    }

    /// Lets go of streams that nobody writes or reads any more. Opened again, they go on where they ended.
    pub(crate) fn forget_unused(&self) {
        let mut streams = self.streams();
        // Under the lock nobody else can take one that only this list has.
        let unused = |stream: &mut Arc<Stream>| Arc::strong_count(stream) == 1 && stream.id.get().is_some();
        for stream in streams.extract_if(.., unused) {
            if let Known::Streams(known) = &mut *lock(&self.known)
                && let Some(range) = known.iter_mut().find(|range| stream.id.get() == Some(&range.id))
                && let Resume::After { last, discontinuity } = stream.look(Live::end_of)
            {
                (range.last, range.discontinuity) = (last, discontinuity);
            }
        }
    }

    /// Hands a part line to the committer; where it cannot take it, the segment is not recorded.
    pub(crate) fn record(&self, stream: &Arc<Stream>, line: Line) {
        let number = line.number;
        if stream.look(|live| live.is_refused(number)) {
            return;
        }
        let bytes = line.bytes();
        let waiting = {
            let mut backlog = lock(&self.backlog);
            backlog.add(bytes);
            *backlog
        };
        let behind = || Error::Behind { dir: self.config.dir.clone(), queued: waiting.lines };
        let why = match waiting.bytes > self.limits.queued_bytes {
            true => behind(),
            false => match self.queue.try_send(Message::Line(Arc::clone(stream), line)) {
                Ok(()) => return,
                Err(TrySendError::Full(_)) => behind(),
                Err(TrySendError::Disconnected(_)) => Error::Closed,
            },
        };
        self.taken(bytes);
        self.refuse(stream, number, &why);
    }

    /// A part line of so many bytes waits no longer.
    pub(crate) fn taken(&self, bytes: u64) {
        lock(&self.backlog).take(bytes);
    }

    pub(crate) fn backlog(&self) -> Backlog {
        *lock(&self.backlog)
    }

    /// Counts a segment that does not get on the disk.
    pub(crate) fn refuse(&self, stream: &Stream, number: u64, why: &Error) {
        self.board.fails(why);
        if stream.change(|live| live.refuse(number)) {
            self.board.lock().dropped += 1;
        }
    }

    /// Tells the committer something it can do without.
    pub(crate) fn hint(&self, message: Message) {
        // Full: it is awake, and what this says will be found out again.
        let _ = self.queue.try_send(message);
    }

    /// Tells the committer to end after what is queued; waits for room.
    pub(crate) fn close(&self) {
        // Disconnected: it has ended.
        let _ = self.queue.send(Message::Close);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
