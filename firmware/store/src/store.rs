//! The store's handle: opens the disk behind a thread and gives out streams.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{self, Receiver},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use media::Grid;

use crate::{
    Error, Io, Pin, Reader, Recording, Status, StreamStatus, Writer,
    catalogue::Opener,
    committer,
    index::SledOpener,
    live::Live,
    record::PAGE,
    shared::{Limits, Message, Shared},
    stream::Stream,
};

/// Where and how much to keep.
#[derive(Clone, Debug)]
pub struct Config {
    /// Directory of the store; made where it does not exist.
    pub dir: PathBuf,
    /// Bytes of the ring, rounded down to whole extents, at least 3 of them. The catalogue comes on top (some
    /// 0.1 % of it).
    pub size: u64,
    /// Bytes of one extent file, a multiple of 4096 from 64 KiB to below 4 GiB; 64 MiB is usual. Cannot change
    /// once the ring exists.
    pub extent: u64,
    /// The furthest rewind.
    pub window: Duration,
    /// What is kept in RAM, such as 30 s; at most `window`.
    pub live: Duration,
    /// Bytes of media that each stream may keep in RAM beside its newest segments; what waits for the disk comes on top.
    pub share: u64,
    /// Bytes of the ring that pins cannot take: for the live windows. Two extents are, anyway.
    pub reserve: u64,
    /// What is spared from the first moment on (see [`Store::set_pins`]).
    pub pins: Vec<Pin>,
}

/// Media of the channels of one box.
pub struct Store {
    shared: Arc<Shared>,
    committer: Option<JoinHandle<()>>,
}

/// The disk's first answer, still to come.
#[must_use = "a ring that does not fit the configuration is told here"]
pub struct Opening {
    shared: Arc<Shared>,
    answer: Receiver<Result<(), Error>>,
}

impl Opening {
    /// Waits at most 5 s for the disk to say what it holds; reserving the room is part of that (on first use only),
    /// zero-writing it and reading the catalogue are not.
    ///
    /// # Errors
    /// [`Error::Config`]. A disk that fails, or is too full for the ring, is in the [`status`](Store::status) and tried
    /// again: live does not need it.
    pub fn wait(self) -> Result<(), Error> {
        let Self { shared, answer } = self;
        answer.recv_timeout(shared.limits.patience).unwrap_or_else(|_| {
            let (dir, seconds) = (shared.config.dir.clone(), shared.limits.patience.as_secs());
            shared.board.fails(&Error::NoAnswer { dir, seconds });
            Ok(())
        })
    }
}

impl Store {
    /// Opens or makes the store, and waits for the disk as [`Opening::wait`] does.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn open(config: Config, io: Arc<dyn Io>) -> Result<Self, Error> {
        let (store, opening) = Self::begin(config, io)?;
        opening.wait().map(|()| store)
    }

    /// Begins to open or make the store. Streams can be opened at once: they wait for the disk where they must.
    ///
    /// # Errors
    /// [`Error::Config`] for what is wrong whatever the disk holds.
    pub fn begin(config: Config, io: Arc<dyn Io>) -> Result<(Self, Opening), Error> {
        let opener = SledOpener::new(config.dir.clone(), Arc::clone(&io));
        Self::begin_with(config, io, Box::new(opener), Limits::default())
    }

    pub(crate) fn begin_with(
        config: Config,
        io: Arc<dyn Io>,
        opener: Box<dyn Opener>,
        limits: Limits,
    ) -> Result<(Self, Opening), Error> {
        config.check()?;
        let (queue, messages) = mpsc::sync_channel(limits.queue);
        let (answer, opened) = mpsc::sync_channel(1);
        let shared = Arc::new(Shared::new(config, limits, io, queue));
        let theirs = Arc::clone(&shared);
        let committer = thread::Builder::new()
            .name("store-committer".into())
            .spawn(move || committer::run(&theirs, &*opener, &messages, &answer))
            .map_err(|error| Error::Thread { name: "store-committer", reason: error.to_string() })?;
        let opening = Opening { shared: Arc::clone(&shared), answer: opened };
        Ok((Self { shared, committer: Some(committer) }, opening))
    }

    /// The stream of a channel on a grid; the same channel and grid go on where they ended, also after a restart.
    /// Another grid is another stream.
    ///
    /// Blocks for at most 5 s, where the disk has not yet said where the stream ended.
    ///
    /// # Errors
    /// [`Error::Busy`] while the stream has a writer, [`Error::NoStreamId`] after 65,536 streams.
    pub fn stream(&self, channel: &str, grid: Grid) -> Result<(Writer, Reader), Error> {
        self.shared.wait_known();
        let stream = {
            let mut streams = self.shared.streams();
            let same = |stream: &&Arc<Stream>| stream.channel == channel && stream.grid == grid;
            let stream = streams.iter().find(same).map(Arc::clone);
            stream.unwrap_or_else(|| {
                let resume = self.shared.resume(channel, grid);
                let Config { live, share, window, .. } = &self.shared.config;
                let mut live = Live::new(grid, resume, live.as_nanos(), *share, window.as_nanos());
                live.set_reaches(self.shared.retention().reach(channel, grid));
                streams.push(Arc::new(Stream::new(channel.to_owned(), grid, live)));
                Arc::clone(&streams[streams.len() - 1])
            })
        };
        if !stream.claim() {
            return Err(Error::Busy(channel.to_owned()));
        }
        let writer = Writer::new(Arc::clone(&stream), Arc::clone(&self.shared));
        self.shared.identify(&stream)?;
        self.shared.hint(Message::Wake);
        Ok((writer, Reader::new(stream, Arc::clone(&self.shared))))
    }

    /// Replaces all pins. In force on return: no extent that one of them needs is chosen to go after that.
    pub fn set_pins(&self, pins: Vec<Pin>) {
        self.shared.set_pins(pins);
    }

    /// What was recorded of a channel on a grid, whether it is written now or not. Empty where there is nothing.
    #[must_use]
    pub fn recording(&self, channel: &str, grid: Grid) -> Recording {
        Recording::new(Arc::clone(&self.shared), channel, grid)
    }

    /// The streams on the disk, and those that have been opened.
    #[must_use]
    pub fn known(&self) -> Vec<(String, Grid)> {
        let mut known = self.shared.retention().streams();
        let open = self.shared.streams();
        for stream in open.iter() {
            if !known.iter().any(|(channel, grid)| *channel == stream.channel && *grid == stream.grid) {
                known.push((stream.channel.clone(), stream.grid));
            }
        }
        known
    }

    /// Bytes of the extents that finished pins hold, for good.
    #[must_use]
    pub fn finished(&self) -> u64 {
        self.shared.retention().finished() as u64 * self.shared.config.extent
    }

    /// How it is doing.
    #[must_use]
    pub fn status(&self) -> Status {
        let mut status = self.shared.board.lock().clone();
        let Config { extent, reserve, .. } = self.shared.config;
        let lasting;
        (status.pinned, lasting, status.pins) = {
            let retention = self.shared.retention();
            let lasting = retention.lasting() as u64 * extent;
            (retention.pinned() as u64 * extent, lasting, retention.status())
        };
        status.reserve = reserve;
        let bad = status.extents.bad as u64 * extent;
        let left = status.size.saturating_sub(bad).saturating_sub(lasting);
        status.predicted = left.checked_div(status.rate).map_or(Duration::MAX, Duration::from_secs);
        let backlog = self.shared.backlog();
        (status.queued, status.behind) = (backlog.lines, backlog.age());
        status.streams = self.shared.streams().iter().map(|stream| stream_status(stream)).collect();
        status
    }

    #[cfg(test)]
    pub(crate) fn open_with(
        config: Config,
        io: Arc<dyn Io>,
        opener: Box<dyn Opener>,
        limits: Limits,
    ) -> Result<Self, Error> {
        let (store, opening) = Self::begin_with(config, io, opener, limits)?;
        opening.wait().map(|()| store)
    }

    #[cfg(test)]
    pub(crate) fn unsynced(&self) -> usize {
        self.shared.unsynced.load(std::sync::atomic::Ordering::Acquire)
    }

    #[cfg(test)]
    pub(crate) fn lease(&self, id: u32, generation: u64) -> Option<crate::lease::Lease> {
        self.shared.leases.take(id, generation)
    }

    /// Records what is queued and ends. Readers keep what is in RAM.
    ///
    /// Waits for the disk, however long it takes.
    pub fn close(self) {
        drop(self);
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.shared.close();
        if let Some(committer) = self.committer.take()
            && committer.join().is_err()
        {
            tracing::error!("the committer panicked");
        }
    }
}

impl Config {
    fn check(&self) -> Result<(), Error> {
        let invalid = |text: String| Err(Error::Config(text));
        let Self { size, extent, window, live, reserve, .. } = self;
        if !extent.is_multiple_of(PAGE) || !(64 << 10..=u64::from(u32::MAX)).contains(extent) {
            return invalid(format!(
                "`extent` is {extent}: a multiple of 4096 from 65536 to below 4 GiB is needed"
            ));
        }
        if size / extent < 3 {
            return invalid(format!("`size` is {size}: at least three extents of {extent} are needed"));
        }
        if reserve >= size {
            return invalid(format!("`reserve` is {reserve}: less than `size` ({size}) is needed"));
        }
        if live.is_zero() || window < live {
            return invalid(format!(
                "`live` is {live:?} and `window` {window:?}: 0 < live <= window is needed"
            ));
        }
        Ok(())
    }
}

fn stream_status(stream: &Stream) -> StreamStatus {
    let picture = stream.picture();
    let history = &picture.window.history;
    StreamStatus {
        channel: stream.channel.clone(),
        grid: stream.grid,
        id: stream.id.get().copied(),
        oldest: history.first().map(|segment| segment.number),
        newest: history.last().map(|segment| segment.number),
        segments: history.len(),
        acknowledged: stream.look(|live| live.acknowledged()),
    }
}
