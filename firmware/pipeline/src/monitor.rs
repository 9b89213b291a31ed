//! What is true of the input, gathered from every thread of the worker.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use clock::Clock;
use link::{InputReport, InputState, PictureFormat};

/// Collects the input's state and counters. Clones share them.
#[derive(Clone, Debug)]
pub struct Monitor {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    clock: Clock,
    told: Mutex<Told>,
    counts: [AtomicU64; 6],
}

#[derive(Debug)]
struct Told {
    state: InputState,
    since: u64,
    reason: String,
    device: String,
    format: Option<PictureFormat>,
    sound: String,
    /// Raised by every change of the fields above.
    revision: u64,
}

/// What is counted.
#[derive(Clone, Copy, Debug)]
pub enum Count {
    /// A picture came in.
    In,
    /// A slot was given to the encoders.
    Out,
    /// The last picture was shown again.
    Repeated,
    /// A picture came when its slot was filled.
    Dropped,
    /// The slate was shown.
    Slate,
    /// A slot was left out.
    Skipped,
}

impl Monitor {
    /// Nothing is known yet.
    pub fn new(clock: Clock) -> Self {
        let told = Told {
            state: InputState::Opening,
            since: clock.now(),
            reason: "looking for the input".to_owned(),
            device: String::new(),
            format: None,
            sound: "silence".to_owned(),
            revision: 0,
        };
        Self { shared: Arc::new(Shared { clock, told: Mutex::new(told), counts: Default::default() }) }
    }

    /// Counts one of `what`.
    pub fn count(&self, what: Count) {
        self.shared.counts[what as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// The input's state is `state` from now on, because of `reason`; nothing happens if it was so already.
    pub fn state(&self, state: InputState, reason: &str) {
        let now = self.shared.clock.now();
        let mut told = self.told();
        if told.state != state {
            told.since = now;
        }
        if told.state != state || told.reason != reason {
            (told.state, told.reason) = (state, reason.to_owned());
            told.revision += 1;
        }
    }

    /// The input's name, format and sound are these from now on.
    pub fn found(&self, device: &str, format: PictureFormat, sound: &str) {
        let mut told = self.told();
        (told.device, told.format, told.sound) = (device.to_owned(), Some(format), sound.to_owned());
        told.revision += 1;
    }

    /// Whether pictures are said to arrive.
    pub fn is_ok(&self) -> bool {
        self.told().state == InputState::Ok
    }

    /// Raised by every change but a count.
    pub fn revision(&self) -> u64 {
        self.told().revision
    }

    /// Everything, now.
    pub fn report(&self) -> InputReport {
        let count = |what: Count| self.shared.counts[what as usize].load(Ordering::Relaxed);
        let told = self.told();
        InputReport {
            state: told.state,
            since: told.since,
            reason: told.reason.clone(),
            device: told.device.clone(),
            format: told.format.clone(),
            sound: told.sound.clone(),
            frames_in: count(Count::In),
            frames_out: count(Count::Out),
            repeated: count(Count::Repeated),
            dropped: count(Count::Dropped),
            slate: count(Count::Slate),
            skipped: count(Count::Skipped),
        }
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.shared.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
