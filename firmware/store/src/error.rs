//! Everything that can go wrong here, and how a caller should take it.

use std::{io, path::PathBuf};

/// What failed, with the ids that name it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A [`Config`](crate::Config) that cannot be used.
    #[error("store settings: {0}")]
    Config(String),
    /// The ring does not fit on the disk.
    #[error(
        "the recording in {dir} needs {need} bytes more, but its disk has {free} bytes free; \
         make room or choose a smaller `size`"
    )]
    Full {
        /// Directory of the ring.
        dir: PathBuf,
        /// Bytes not allocated yet.
        need: u64,
        /// Bytes free on the file system.
        free: u64,
    },
    /// A disk call failed.
    #[error("{operation} {path}: {source}")]
    Disk {
        /// What was tried.
        operation: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The catalogue failed.
    #[error("catalogue {operation}: {reason}")]
    Catalogue {
        /// What was tried.
        operation: &'static str,
        /// What it said.
        reason: String,
        /// Its files are damaged: it must be built again from the extents.
        damaged: bool,
    },
    /// The catalogue is not open (yet, or after an error).
    #[error("the recording is not open yet or its disk has failed")]
    NotOpen,
    /// No extent is free and none may go.
    #[error("there is no room for new segments: all the disk has is being kept")]
    NoExtent,
    /// The channel has a writer already.
    #[error("channel {0} is being written already")]
    Busy(String),
    /// All 65,536 stream ids are taken.
    #[error("no stream id is left for channel {0}")]
    NoStreamId(String),
    /// A part came before the first layout.
    #[error("a part came before the first layout")]
    NoLayout,
    /// The layout has fewer tracks.
    #[error("track {track} does not exist: the layout has {tracks} tracks")]
    NoTrack {
        /// Index asked for.
        track: usize,
        /// Tracks there are.
        tracks: usize,
    },
    /// No track of this name in that segment's layout.
    #[error("segment {number} has no track `{track}`")]
    NoSuchTrack {
        /// Name asked for.
        track: String,
        /// Segment asked for.
        number: u64,
    },
    /// A segment number that is not after what the stream or track already has.
    #[error("segment {number} is not after segment {last}, up to which all is closed")]
    Stale {
        /// Number pushed.
        number: u64,
        /// The last number that is closed.
        last: u64,
    },
    /// A part that does not follow the track's last.
    #[error(
        "track {track}: part {part} of segment {number} came where part {expected} of segment {open} was due"
    )]
    Order {
        /// Track index.
        track: usize,
        /// Segment pushed.
        number: u64,
        /// Part pushed.
        part: u32,
        /// Segment that is open.
        open: u64,
        /// Part that was due.
        expected: u32,
    },
    /// A part line or catalogue value over its limit.
    #[error("{what} of {len} bytes is over the limit of {limit}")]
    TooLarge {
        /// What it is.
        what: &'static str,
        /// Its bytes.
        len: u64,
        /// The most that can be.
        limit: u64,
    },
    /// Never existed, or is not closed yet.
    #[error("segment {0} does not exist")]
    NotFound(u64),
    /// Was there, has been overwritten or has left the window.
    #[error("segment {0} is no longer kept")]
    Gone(u64),
    /// Its bytes were lost or fail their checksum.
    #[error("the bytes of segment {0} are missing or damaged")]
    Corrupt(u64),
    /// A record or catalogue value that cannot be read.
    #[error("{what}: {reason}")]
    Malformed {
        /// Which structure.
        what: &'static str,
        /// Field or byte offset.
        reason: String,
    },
    /// The committer's queue is full.
    #[error("the disk of {dir} does not keep up: {queued} part lines wait for it")]
    Behind {
        /// Directory of the store.
        dir: PathBuf,
        /// Part lines in the queue.
        queued: usize,
    },
    /// The disk has not said what it holds.
    #[error("the disk of {dir} has not answered in {seconds} s")]
    NoAnswer {
        /// Directory of the store.
        dir: PathBuf,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The store has been closed under its writer.
    #[error("the store is closed")]
    Closed,
    /// A thread could not be started, or did not finish.
    #[error("thread {name}: {reason}")]
    Thread {
        /// Which.
        name: &'static str,
        /// What happened.
        reason: String,
    },
}

/// How a caller should take an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Never existed, or not yet (HTTP 404).
    NotFound,
    /// Was there, is not any more (HTTP 410).
    Gone,
    /// There, but its bytes are lost (HTTP 404 and a gap in the playlist).
    Corrupt,
    /// The disk does not do its part now (HTTP 503).
    Unavailable,
    /// The caller's mistake.
    Invalid,
    /// Ours.
    Internal,
}

impl Error {
    /// How a caller should take it.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::NotFound(_) | Self::NoSuchTrack { .. } => Kind::NotFound,
            Self::Gone(_) => Kind::Gone,
            Self::Corrupt(_) => Kind::Corrupt,
            Self::Full { .. }
            | Self::Disk { .. }
            | Self::Catalogue { .. }
            | Self::NotOpen
            | Self::NoExtent
            | Self::Behind { .. }
            | Self::NoAnswer { .. }
            | Self::Closed => Kind::Unavailable,
            Self::Config(_)
            | Self::Busy(_)
            | Self::NoLayout
            | Self::NoTrack { .. }
            | Self::Stale { .. }
            | Self::Order { .. }
            | Self::TooLarge { .. } => Kind::Invalid,
            Self::NoStreamId(_) | Self::Malformed { .. } | Self::Thread { .. } => Kind::Internal,
        }
    }

    pub(crate) fn disk(operation: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Disk { operation, path, source }
    }
}
