//! A V4L2 camera: found and probed by `v4l`, captured by GStreamer, looked for again whenever it goes away.

use std::{
    path::Path,
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use clock::Clock;
use link::{SoundWish, Wish};
use media::{CameraChoice, FrameRate};

use super::{
    SYS,
    capture::{Break, capture, format, title},
    handles::Number,
    live::{LivePictures, LiveSounds, Shared},
    probe::{self, Missing},
    sighting,
    signal::{Input, Signal},
};
use crate::monitor::{Loss, Monitor};

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

impl Camera {
    /// Looks for the camera and begins to capture it; goes on looking if it is not there.
    pub fn open(choice: CameraChoice, wish: Wish, sound: SoundWish, clock: Clock, monitor: Monitor) -> Self {
        let shared = Arc::new(Shared::new(sound, clock, monitor));
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
    pub fn begin(self, rate: FrameRate) -> (LivePictures, LiveSounds) {
        self.shared.begin(rate, self.keeper)
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
            let_go(shared, number, SHORT_GRACE);
            true
        }
        Err(Break::Lost(reason)) => {
            tracing::warn!(%device, reason, "capture ended");
            tell_loss(shared, camera, &reason);
            // A node that is just being removed is gone by then.
            shared.watch.wait(None, ROUND);
            tell_loss(shared, camera, &reason);
            let_go(shared, number, GRACE);
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

/// Sees to it that no handle to a lost camera stays open.
fn let_go(shared: &Shared, camera: Number, grace: Duration) {
    match camera.let_go(grace) {
        Ok(0) => {}
        Ok(forgotten) => {
            tracing::debug!(forgotten, "GStreamer left the camera open");
            if shared.forget(forgotten) >= MOST_FORGOTTEN {
                shared.wear_out("the camera broke off too often");
            }
        }
        Err(error) => tracing::warn!(%error, "the camera may still be open"),
    }
}
