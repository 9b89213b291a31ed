//! What a channel's segments are to tell beside pictures and sound. The engine says it, the channel's line takes it.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use cue::Journal;
use media::Event;

/// Events that may wait for the next part.
const WAITING: usize = 64;

/// The signals of all channels, by name.
#[derive(Default)]
pub struct Board(Mutex<HashMap<String, Signals>>);

impl Board {
    /// A channel's.
    pub fn of(&self, channel: &str) -> Signals {
        let mut signals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        signals.entry(channel.to_owned()).or_default().clone()
    }

    /// A channel is gone.
    pub fn forget(&self, channel: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(channel);
    }
}

/// A channel's signals. Clones share them.
#[derive(Clone, Default)]
pub struct Signals(Arc<Mutex<Told>>);

#[derive(Default)]
struct Told {
    journal: Arc<Journal>,
    events: VecDeque<Event>,
    last: u32,
}

impl Signals {
    /// The ad breaks are these from now on.
    pub fn set(&self, journal: &Journal) {
        let mut told = self.held();
        if *told.journal != *journal {
            told.journal = Arc::new(journal.clone());
        }
    }

    /// Has the next part of the channel tell of an event; false where too many wait already. Its id becomes another one where
    /// the last event had the same.
    pub fn tell(&self, mut event: Event) -> bool {
        let mut told = self.held();
        if told.events.len() >= WAITING {
            return false;
        }
        if event.id == told.last {
            event.id = event.id.wrapping_add(1);
        }
        told.last = event.id;
        told.events.push_back(event);
        true
    }

    /// What a segment says that begins at `start`, nanoseconds since the epoch.
    pub fn of_segment(&self, start: u64) -> Vec<Event> {
        let journal = Arc::clone(&self.held().journal);
        journal.events(start)
    }

    /// The events that wait, once.
    pub fn take(&self) -> Vec<Event> {
        self.held().events.drain(..).collect()
    }

    fn held(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
