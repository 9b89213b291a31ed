//! What sources have in common that come by themselves, as cameras and cards do: pictures and sound that wait to be taken, and
//! a keeper on a thread of its own that captures them or looks for what is missing.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::JoinHandle,
};

use channel::{
    captions::Triplet,
    slots::{Fate, Slots},
    sound::Blocks,
};
use clock::Clock;
use gst::prelude::*;
use link::SoundWish;
use media::FrameRate;

use super::{
    Pictures, Shown, Sounds,
    arrivals::{Arrivals, Arrived},
    follow::Follower,
    watch::Watch,
};
use crate::{
    error::Error,
    monitor::{Count, Monitor},
};

/// What the keeper, the capturing threads and the channel's loops share.
pub struct Shared {
    clock: Clock,
    /// What is told of the input.
    pub monitor: Monitor,
    /// What has been captured.
    pub arrivals: Arrivals,
    /// Wakes the keeper.
    pub watch: Watch,
    ended: AtomicBool,
    /// What is wanted of its sound.
    pub sound: SoundWish,
    /// Channels of the sound that is being captured.
    sounding: AtomicUsize,
    /// Handles that were forgotten open.
    forgotten: AtomicUsize,
    /// Why the worker has to begin anew.
    worn_out: OnceLock<&'static str>,
}

impl Shared {
    /// Nothing is captured yet.
    pub fn new(sound: SoundWish, clock: Clock, monitor: Monitor) -> Self {
        Self {
            arrivals: Arrivals::new(clock.clone(), monitor.clone()),
            clock,
            monitor,
            watch: Watch::new(),
            ended: AtomicBool::new(false),
            sound,
            sounding: AtomicUsize::new(0),
            forgotten: AtomicUsize::new(0),
            worn_out: OnceLock::new(),
        }
    }

    /// Begins to hand out what `keeper` captures.
    pub fn begin(self: Arc<Self>, rate: FrameRate, keeper: JoinHandle<()>) -> (LivePictures, LiveSounds) {
        let sounds = LiveSounds { shared: Arc::clone(&self), follower: Follower::default() };
        let pictures = LivePictures {
            shared: self,
            slots: Slots::new(rate),
            next: None,
            captions: Vec::new(),
            keeper: Some(keeper),
        };
        (pictures, sounds)
    }

    /// The worker is ending, and the keeper is to end with it.
    pub fn ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// Sound is being captured with so many channels, 0 for not any more.
    pub fn is_sounding(&self, channels: usize) {
        self.sounding.store(channels, Ordering::Relaxed);
    }

    /// So many handles more were forgotten open; how many they are together.
    pub fn forget(&self, handles: usize) -> usize {
        self.forgotten.fetch_add(handles, Ordering::Relaxed) + handles
    }

    /// Only another process can go on, because of this.
    pub fn wear_out(&self, reason: &'static str) {
        // The first reason is enough.
        let _ = self.worn_out.set(reason);
    }

    /// When a sample was captured: nanoseconds since the epoch.
    pub fn captured(&self, sink: &gst_app::AppSink, sample: &gst::Sample) -> Option<u64> {
        let running = sample.buffer()?.pts()?;
        Some(self.clock.at((sink.base_time()? + running).nseconds()))
    }
}

/// The pictures, each in its slot.
pub struct LivePictures {
    shared: Arc<Shared>,
    slots: Slots,
    /// Arrived for a later slot.
    next: Option<(u64, Shown)>,
    /// Of pictures that have no slot.
    captions: Vec<Triplet>,
    keeper: Option<JoinHandle<()>>,
}

impl Pictures for LivePictures {
    fn take(&mut self, slot: u64, deadline: u64) -> Result<Option<Shown>, Error> {
        if let Some(reason) = self.shared.worn_out.get() {
            return Err(Error::Assemble { what: "capture", reason: (*reason).to_owned() });
        }
        let mut due = None;
        loop {
            match self.next.take() {
                Some((at, shown)) if at > slot => {
                    self.next = Some((at, shown));
                    return Ok(due);
                }
                Some((at, mut shown)) => {
                    if let Some(Shown { mut captions, .. }) = due.take() {
                        captions.append(&mut shown.captions);
                        shown.captions = captions;
                        self.shared.monitor.count(Count::Dropped);
                    }
                    due = Some(shown);
                    if at == slot {
                        return Ok(due);
                    }
                }
                None => {}
            }
            let Some(arrived) = self.shared.arrivals.next_picture(deadline) else { return Ok(due) };
            let Arrived { captured, frame, captions } = arrived;
            self.captions.extend(captions);
            match self.slots.place(captured) {
                Fate::Shown(at) => {
                    let captions = std::mem::take(&mut self.captions);
                    self.next = Some((at, Shown { frame, captured, captions }));
                }
                Fate::Dropped => self.shared.monitor.count(Count::Dropped),
            }
        }
    }
}

impl Drop for LivePictures {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        self.shared.watch.ring();
        if let Some(keeper) = self.keeper.take() {
            // A keeper that panicked has said so on the log; the worker is ending anyway.
            let _ = keeper.join();
        }
    }
}

/// The sound.
pub struct LiveSounds {
    shared: Arc<Shared>,
    follower: Follower,
}

impl Sounds for LiveSounds {
    fn lay(&mut self, pairs: &mut [Blocks], _until: u64) {
        for heard in self.shared.arrivals.sounds() {
            for piece in self.follower.follow(&heard) {
                piece.lay(pairs);
            }
        }
        self.shared.monitor.drifts(self.follower.drift_ppm());
    }

    fn is_silent(&self, pair: usize) -> bool {
        let channels = self.shared.sounding.load(Ordering::Relaxed);
        pair * 2 >= channels
    }
}
