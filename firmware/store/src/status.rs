//! What the store says of itself.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use media::Grid;

use crate::{Error, PinStatus};

/// The state of a store at one instant.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// Bytes of the ring, all extents together.
    pub size: u64,
    /// Extents of the ring.
    pub extents: Extents,
    /// Bytes of the extents that hold records.
    pub used: u64,
    /// Bytes of the extents that pins hold.
    pub pinned: u64,
    /// Bytes that pins cannot take.
    pub reserve: u64,
    /// Bytes recorded a second, over the last five minutes.
    pub rate: u64,
    /// How much of the past a live or archive window can keep at this rate, in all that finished pins and recordings
    /// without end leave free;
    /// [`Duration::MAX`] where nothing is recorded.
    pub predicted: Duration,
    /// Every pin, in the order they were set.
    pub pins: Vec<PinStatus>,
    /// Segments whose bytes are missing or damaged.
    pub quarantined: u64,
    /// How far the slow check of what was recorded is.
    pub scrubbed: Scrub,
    /// Bytes written to extents since the store was opened, for the wear of the disk; the catalogue comes on top.
    pub written: u64,
    /// Part lines that wait for the disk.
    pub queued: usize,
    /// Since when there was always one: the disk has not caught up for so long.
    pub behind: Duration,
    /// Part lines written that no fdatasync has covered.
    pub unsynced: usize,
    /// Segments that did not get on the disk since the store was opened.
    pub dropped: u64,
    /// Why the disk does not take segments now.
    pub failure: Option<Failure>,
    /// The last failure, also where the disk has come back.
    pub last_failure: Option<Failure>,
    /// How the catalogue was found.
    pub recovery: Recovery,
    /// The streams that have been opened.
    pub streams: Vec<StreamStatus>,
}

/// Extents by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extents {
    /// All of them.
    pub total: usize,
    /// Nothing in them is kept.
    pub free: usize,
    /// Written with zeros once, so that writing needs no work of the file system.
    pub provisioned: usize,
    /// Cannot be read or written.
    pub bad: usize,
}

/// The slow check of all that was recorded, round and round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scrub {
    /// Extents read in this round.
    pub done: usize,
    /// Extents to read.
    pub total: usize,
    /// When this round began; none before the first.
    pub since: Option<SystemTime>,
    /// When a round was last finished.
    pub finished: Option<SystemTime>,
}

/// A disk that fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What failed and why.
    pub reason: String,
    /// When it began.
    pub since: SystemTime,
}

/// How the catalogue was found, and what is done about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Recovery {
    /// The extents have not been read yet.
    #[default]
    Starting,
    /// The catalogue is open and is compared with the extents.
    Checking,
    /// Catalogue and extents agreed.
    Clean,
    /// Extents are being read to put back what the catalogue lacks.
    Rebuilding {
        /// Extents read.
        done: usize,
        /// Extents to read.
        total: usize,
        /// Why the catalogue had to begin empty; none where it only lacked something.
        damage: Option<String>,
    },
    /// What the catalogue lacked has been put back.
    Rebuilt {
        /// Extents read.
        extents: usize,
        /// Segments put back, in whole or in part.
        segments: usize,
        /// Why the catalogue had to begin empty; none where it only lacked something.
        damage: Option<String>,
    },
}

/// One stream of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamStatus {
    /// The channel.
    pub channel: String,
    /// Its grid.
    pub grid: Grid,
    /// Its id on disk, once the disk has been read.
    pub id: Option<u16>,
    /// Oldest segment listed.
    pub oldest: Option<u64>,
    /// Newest segment listed.
    pub newest: Option<u64>,
    /// Segments listed.
    pub segments: usize,
    /// Last segment that the disk has acknowledged since the store was opened.
    pub acknowledged: Option<u64>,
}

/// The part of the status that the committer writes.
#[derive(Debug, Default)]
pub(crate) struct Board(Mutex<Status>);

impl Board {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Status> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The disk has done its part.
    pub(crate) fn works(&self) {
        self.lock().failure = None;
    }

    /// The disk has not; the first reason of a row keeps its time.
    pub(crate) fn fails(&self, error: &Error) {
        let mut status = self.lock();
        if matches!(error, Error::NotOpen) && status.failure.is_some() {
            // The reason it is not open is what counts.
            return;
        }
        let since = status.failure.as_ref().map_or_else(SystemTime::now, |failure| failure.since);
        if status.failure.is_none() {
            tracing::error!(%error, "segments are not recorded");
        }
        let failure = Failure { reason: error.to_string(), since };
        status.failure = Some(failure.clone());
        status.last_failure = Some(failure);
    }
}
