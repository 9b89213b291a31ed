//! What is true of the input, gathered from every thread of the worker.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use channel::signal::{Observation, Signal, State};
use clock::Clock;
use link::{InputReport, InputState, PictureFormat};
use media::{Camera, Levels};

use crate::{
    frame::{self, Frame},
    measure::{Ear, Eye},
    source::Sighting,
};

/// How the description of a sound begins where there is none.
const SILENCE: &str = "silence";

/// Collects the input's state and counters. Clones share them.
#[derive(Clone, Debug)]
pub struct Monitor {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    clock: Clock,
    told: Mutex<Told>,
    eye: Mutex<Eye>,
    ear: Mutex<Ear>,
    counts: [AtomicU64; 7],
}

#[derive(Debug)]
struct Told {
    signal: Signal,
    device: String,
    format: Option<PictureFormat>,
    sound: String,
    camera: Option<Camera>,
    cameras: Vec<Camera>,
    mode: String,
    drift_ppm: Option<i32>,
    /// Of every sound, until it is told.
    levels: Option<Vec<Levels>>,
    /// Raised by every change of the fields above that is told.
    revision: u64,
}

/// Why an input cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// There is no such device or file.
    NoDevice,
    /// It is there, pictures are not.
    NoSignal,
    /// The box cannot read what it gives.
    Unsupported,
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
    /// A picture came in that could not be decoded.
    Broken,
}

impl Monitor {
    /// Nothing is known yet.
    pub fn new(clock: Clock) -> Self {
        let told = Told {
            signal: Signal::new(clock.now()),
            device: String::new(),
            format: None,
            sound: SILENCE.to_owned(),
            camera: None,
            cameras: Vec::new(),
            mode: String::new(),
            drift_ppm: None,
            levels: None,
            revision: 0,
        };
        let shared = Shared {
            clock,
            told: Mutex::new(told),
            eye: Mutex::default(),
            ear: Mutex::default(),
            counts: Default::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Counts one of `what`.
    pub fn count(&self, what: Count) {
        self.shared.counts[what as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// This is observed of the input now.
    pub fn observe(&self, observation: Observation<'_>) {
        let now = self.shared.clock.now();
        self.told().observe(now, observation);
    }

    /// The input cannot be used, because of `reason`; an input that can is [`Observation::Locked`].
    pub fn lost(&self, why: Loss, reason: &str) {
        self.observe(match why {
            Loss::NoDevice => Observation::Absent(reason),
            Loss::NoSignal => Observation::Unlocked(reason),
            Loss::Unsupported => Observation::Unsupported(reason),
        });
    }

    /// The source has given this picture.
    pub fn saw(&self, picture: &Frame) {
        let mut eye = self.shared.eye.lock().unwrap_or_else(PoisonError::into_inner);
        let view = frame::view(picture).ok();
        let measured = view.and_then(|view| eye.look(self.shared.clock.now(), &view));
        drop(eye);
        measured.into_iter().for_each(|picture| self.observe(Observation::Picture(picture)));
    }

    /// The source has given this sound, interleaved. Of one that has none, nothing can be told.
    pub fn heard(&self, samples: &[i16]) {
        if self.told().sound.starts_with(SILENCE) {
            return;
        }
        let heard = self.shared.ear.lock().unwrap_or_else(PoisonError::into_inner).hear(samples);
        heard.into_iter().for_each(|sound| self.observe(Observation::Sound(sound)));
    }

    /// The clock of its sound runs so much faster than the channel's, where that is known.
    pub fn drifts(&self, ppm: Option<i32>) {
        self.told().drift_ppm = ppm;
    }

    /// So loud are the channel's sounds.
    pub fn loud(&self, levels: Vec<Levels>) {
        self.told().levels = Some(levels);
    }

    /// How loud the channel's sounds are, where that has not been taken yet.
    pub fn take_levels(&self) -> Option<Vec<Levels>> {
        self.told().levels.take()
    }

    /// The input's name, format and sound are these from now on; `silence` with or without its reason where there is none.
    pub fn found(&self, device: &str, format: PictureFormat, sound: &str) {
        let now = self.shared.clock.now();
        let mut told = self.told();
        if told.format.as_ref().is_some_and(|before| *before != format) {
            told.observe(now, Observation::Changed);
        }
        if sound.starts_with(SILENCE) {
            told.observe(now, Observation::NoSound);
        }
        (told.device, told.format, told.sound) = (device.to_owned(), Some(format), sound.to_owned());
        told.revision += 1;
    }

    /// The input is this camera, run in a mode for this reason.
    pub fn is_run(&self, camera: Option<&Camera>, mode: &str) {
        let mut told = self.told();
        (told.camera, told.mode) = (camera.cloned(), mode.to_owned());
        told.revision += 1;
    }

    /// These are all the cameras that are plugged in.
    pub fn sighted(&self, seen: &[Sighting]) {
        let cameras: Vec<_> = seen.iter().map(|sighting| sighting.camera.clone()).collect();
        let mut told = self.told();
        if told.cameras != cameras {
            told.cameras = cameras;
            told.revision += 1;
        }
    }

    /// Whether pictures can be expected now: known before it is told.
    pub fn is_ok(&self) -> bool {
        !self.told().signal.is_lost()
    }

    /// Raised by every change but a count.
    pub fn revision(&self) -> u64 {
        let now = self.shared.clock.now();
        let mut told = self.told();
        told.observe(now, Observation::Nothing);
        told.revision
    }

    /// Everything, now.
    pub fn report(&self) -> InputReport {
        let count = |what: Count| self.shared.counts[what as usize].load(Ordering::Relaxed);
        let told = self.told();
        InputReport {
            state: state(told.signal.state()),
            since: told.signal.since(),
            reason: told.signal.reason().to_owned(),
            lock_changes: told.signal.lock_changes(),
            lock_changed: told.signal.lock_changed(),
            device: told.device.clone(),
            format: told.format.clone(),
            sound: told.sound.clone(),
            camera: told.camera.clone(),
            cameras: told.cameras.clone(),
            mode: told.mode.clone(),
            drift_ppm: told.drift_ppm,
            frames_in: count(Count::In),
            frames_out: count(Count::Out),
            repeated: count(Count::Repeated),
            dropped: count(Count::Dropped),
            slate: count(Count::Slate),
            skipped: count(Count::Skipped),
            broken: count(Count::Broken),
        }
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.shared.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Told {
    fn observe(&mut self, now: u64, observation: Observation<'_>) {
        let told = |signal: &Signal| (signal.state(), signal.since(), signal.lock_changes());
        let (before, reason) = (told(&self.signal), self.signal.reason().to_owned());
        self.signal.observe(now, observation);
        if told(&self.signal) != before || self.signal.reason() != reason {
            self.revision += 1;
        }
    }
}

fn state(state: State) -> InputState {
    match state {
        State::Opening => InputState::Opening,
        State::NoDevice => InputState::NoDevice,
        State::NoSignal => InputState::NoSignal,
        State::Unsupported => InputState::Unsupported,
        State::Frozen => InputState::Frozen,
        State::Black => InputState::Black,
        State::Silent => InputState::Silent,
        State::Clipping => InputState::Clipping,
        State::Ok => InputState::Ok,
    }
}
