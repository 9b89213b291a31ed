//! A V4L2 camera: found and probed by `v4l`, captured by GStreamer, looked for again whenever it goes away.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use channel::{
    captions::Triplet,
    slots::{Fate, Slots},
    sound::Blocks,
};
use clock::Clock;
use gst::prelude::*;
use link::{SoundWish, Wish};
use media::{CameraChoice, FrameRate};

use super::{
    Pictures, SYS, Shown, Sounds,
    arrivals::{Arrivals, Arrived},
    capture::{Break, capture, format, title},
    follow::Follower,
    handles::Number,
    probe::{self, Missing},
    sighting,
    signal::{Input, Signal},
    watch::Watch,
};
use crate::{
    error::Error,
    monitor::{Count, Loss, Monitor},
};

/// How often a camera is looked for that has just been lost or plugged in: it needs a moment until it can be opened.
const ROUND: Duration = Duration::from_millis(250);
/// For so long.
const SETTLING: Duration = Duration::from_secs(3);
/// How often afterwards where nothing tells when it comes: the kernel's events cannot be heard, or another program has it.
const RESCAN: Duration = Duration::from_secs(5);
/// Longest wait where it is told; nothing is looked at then.
const IDLE: Duration = Duration::from_secs(60);
/// By then a lost device is closed if whoever captured it has not forgotten it.
const GRACE: Duration = Duration::from_secs(2);
/// The same where viewers wait for the new signal.
const SHORT_GRACE: Duration = Duration::from_millis(200);
/// After this many handles that had to be taken away from GStreamer the worker begins anew, before it runs out of them.
const MOST_FORGOTTEN: usize = 256;

/// A camera that is being captured or looked for.
pub struct Camera {
    shared: Arc<Shared>,
    keeper: JoinHandle<()>,
}

/// What the keeper, the capturing threads and the channel's loops share.
pub(super) struct Shared {
    clock: Clock,
    pub(super) monitor: Monitor,
    pub(super) arrivals: Arrivals,
    pub(super) watch: Watch,
    ended: AtomicBool,
    /// What is wanted of its sound.
    pub(super) sound: SoundWish,
    /// Channels of the sound card that is being captured.
    sounding: AtomicUsize,
    /// Handles to cameras that were forgotten open.
    forgotten: AtomicUsize,
}

impl Camera {
    /// Looks for the camera and begins to capture it; goes on looking if it is not there.
    pub fn open(choice: CameraChoice, wish: Wish, sound: SoundWish, clock: Clock, monitor: Monitor) -> Self {
        let shared = Arc::new(Shared {
            arrivals: Arrivals::new(clock.clone(), monitor.clone()),
            clock,
            monitor,
            watch: Watch::new(),
            ended: AtomicBool::new(false),
            sound,
            sounding: AtomicUsize::new(0),
            forgotten: AtomicUsize::new(0),
        });
        let found = look(&choice, wish, &shared.monitor);
        if let Ok(camera) = &found {
            shared.monitor.found(&title(camera), format(camera), "silence");
            shared.monitor.is_run(camera.identity.as_ref(), &camera.why);
        }
        let keeper = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || keep(&shared, found, &choice, wish)
        });
        Self { shared, keeper }
    }

    /// Begins to hand out pictures and sound.
    pub fn begin(self, rate: FrameRate) -> (CameraPictures, CameraSounds) {
        let sounds = CameraSounds { shared: Arc::clone(&self.shared), follower: Follower::default() };
        let pictures = CameraPictures {
            shared: self.shared,
            slots: Slots::new(rate),
            next: None,
            captions: Vec::new(),
            keeper: Some(self.keeper),
        };
        (pictures, sounds)
    }
}

/// Looks for the camera once; that there is none is told to `monitor`.
fn look(choice: &CameraChoice, wish: Wish, monitor: &Monitor) -> Result<probe::Camera, Missing> {
    let seen = sighting::all(Path::new(SYS));
    monitor.sighted(&seen);
    probe::chosen(choice, wish, &seen).inspect_err(|missing| monitor.lost(missing.state, &missing.reason))
}

/// Captures the camera until it goes away, then looks for it again, until the worker ends.
fn keep(shared: &Arc<Shared>, mut found: Result<probe::Camera, Missing>, choice: &CameraChoice, wish: Wish) {
    let mut settled = Instant::now() + SETTLING;
    while !shared.ended() {
        match &found {
            Ok(camera) if run(shared, camera) => {}
            Ok(_) => {
                settled = Instant::now() + SETTLING;
                shared.watch.wait(None, ROUND);
            }
            Err(missing) => {
                if await_camera(shared, missing, settled) {
                    settled = Instant::now() + SETTLING;
                }
            }
        }
        if shared.ended() {
            return;
        }
        found = look(choice, wish, &shared.monitor);
    }
}

/// Captures a camera that was found; whether there is to be no pause before the next look.
fn run(shared: &Arc<Shared>, camera: &probe::Camera) -> bool {
    let Ok(number) = Number::of(&camera.device) else { return false };
    let ended = capture(shared, camera);
    let device = camera.device.display();
    shared.is_sounding(0);
    match ended {
        Ok(()) => true,
        Err(Break::Changed(reason)) => {
            tracing::info!(%device, reason, "capture begins anew");
            shared.let_go(number, SHORT_GRACE);
            true
        }
        Err(Break::Lost(reason)) => {
            tracing::warn!(%device, reason, "capture ended");
            tell_loss(shared, camera, &reason);
            // A node that is just being removed is gone by then.
            shared.watch.wait(None, ROUND);
            tell_loss(shared, camera, &reason);
            shared.let_go(number, GRACE);
            false
        }
    }
}

/// Waits until it is worth looking for a missing camera again; whether it was told that something has changed.
fn await_camera(shared: &Shared, missing: &Missing, settled: Instant) -> bool {
    // A grabber without a signal tells when there is one.
    let dark = missing.node.as_deref().filter(|_| missing.state == Loss::NoSignal);
    let input = dark.and_then(|node| Input::open(node).ok());
    // It may have come before there was anybody to be told.
    if input.as_ref().is_some_and(|input| input.signal() == Signal::There) {
        return true;
    }
    let is_told = shared.watch.hears_devices()
        && match missing.state {
            Loss::NoDevice => true,
            Loss::NoSignal => input.as_ref().is_some_and(Input::is_subscribed),
            Loss::Unsupported => false,
        };
    let again = if Instant::now() < settled { ROUND } else { RESCAN };
    loop {
        let told = shared.watch.wait(input.as_ref(), if again == ROUND || !is_told { again } else { IDLE });
        let news = told.devices || told.input;
        if shared.ended() || news || again == ROUND || !is_told {
            return news;
        }
    }
}

/// Says why a capture broke off.
fn tell_loss(shared: &Shared, camera: &probe::Camera, reason: &str) {
    let (state, words) = match camera.device.exists() {
        true => (Loss::NoSignal, reason),
        false => (Loss::NoDevice, "was unplugged"),
    };
    shared.monitor.lost(state, &format!("{}: {words}", title(camera)));
}

impl Shared {
    pub(super) fn ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// A sound card is being captured with so many channels, 0 for not any more.
    pub(super) fn is_sounding(&self, channels: usize) {
        self.sounding.store(channels, Ordering::Relaxed);
    }

    /// When a sample was captured: nanoseconds since the epoch.
    pub(super) fn captured(&self, sink: &gst_app::AppSink, sample: &gst::Sample) -> Option<u64> {
        let running = sample.buffer()?.pts()?;
        Some(self.clock.at((sink.base_time()? + running).nseconds()))
    }

    /// Sees to it that no handle to a lost camera stays open.
    fn let_go(&self, camera: Number, grace: Duration) {
        match camera.let_go(grace) {
            Ok(0) => {}
            Ok(forgotten) => {
                tracing::debug!(forgotten, "GStreamer left the camera open");
                self.forgotten.fetch_add(forgotten, Ordering::Relaxed);
            }
            Err(error) => tracing::warn!(%error, "the camera may still be open"),
        }
    }
}

/// The camera's pictures, each in its slot.
pub struct CameraPictures {
    shared: Arc<Shared>,
    slots: Slots,
    /// Arrived for a later slot.
    next: Option<(u64, Shown)>,
    /// Of pictures that have no slot.
    captions: Vec<Triplet>,
    keeper: Option<JoinHandle<()>>,
}

impl Pictures for CameraPictures {
    fn take(&mut self, slot: u64, deadline: u64) -> Result<Option<Shown>, Error> {
        if self.shared.forgotten.load(Ordering::Relaxed) >= MOST_FORGOTTEN {
            let reason = "the camera broke off too often".to_owned();
            return Err(Error::Assemble { what: "capture", reason });
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

impl Drop for CameraPictures {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        self.shared.watch.ring();
        if let Some(keeper) = self.keeper.take() {
            // A keeper that panicked has said so on the log; the worker is ending anyway.
            let _ = keeper.join();
        }
    }
}

/// The camera's sound.
pub struct CameraSounds {
    shared: Arc<Shared>,
    follower: Follower,
}

impl Sounds for CameraSounds {
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
