//! A V4L2 camera: found and probed by `v4l`, captured by GStreamer, looked for again whenever it goes away.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use channel::{
    slots::{Fate, Slots},
    sound::Blocks,
};
use clock::Clock;
use gst::prelude::*;
use gst_video::VideoInfo;
use link::{PictureFormat, Wish};
use media::FrameRate;

use super::{
    Pictures, Shown, Sounds,
    arrivals::Arrivals,
    handles::Number,
    paired, probe,
    signal::{self, Signal},
};
use crate::{
    bus,
    error::Error,
    frame::{self, readable},
    monitor::{Count, Loss, Monitor},
};

/// How often a missing camera is looked for, and a running one asked whether it still runs and has a signal.
const ROUND: Duration = Duration::from_millis(250);
/// GStreamer forgets a handle with every change of a running camera's format: with more than these it is started anew.
const MOST_HANDLES: usize = 64;
/// After this many handles that had to be taken away from GStreamer the worker begins anew, before it runs out of them.
const MOST_FORGOTTEN: usize = 256;

/// A camera that is being captured or looked for.
pub struct Camera {
    shared: Arc<Shared>,
    keeper: JoinHandle<()>,
}

/// What the keeper, the capturing threads and the channel's loops share.
struct Shared {
    clock: Clock,
    monitor: Monitor,
    arrivals: Arrivals,
    ended: AtomicBool,
    /// A sound card is being captured.
    sounding: AtomicBool,
    /// Handles to cameras that were forgotten open.
    forgotten: AtomicUsize,
}

impl Camera {
    /// Looks for the camera and begins to capture it; goes on looking if it is not there.
    pub fn open(device: Option<PathBuf>, wish: Wish, clock: Clock, monitor: Monitor) -> Self {
        let shared = Arc::new(Shared {
            arrivals: Arrivals::new(clock.clone(), monitor.clone()),
            clock,
            monitor,
            ended: AtomicBool::new(false),
            sounding: AtomicBool::new(false),
            forgotten: AtomicUsize::new(0),
        });
        let found = look(device.as_deref(), wish, &shared.monitor);
        if let Some(camera) = &found {
            shared.monitor.found(&title(camera), format(camera), "silence");
        }
        let keeper = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || keep(&shared, found, device.as_deref(), wish)
        });
        Self { shared, keeper }
    }

    /// Begins to hand out pictures and sound.
    pub fn begin(self, rate: FrameRate) -> (CameraPictures, CameraSounds) {
        let sounds = CameraSounds { shared: Arc::clone(&self.shared) };
        let pictures = CameraPictures {
            shared: self.shared,
            slots: Slots::new(rate),
            next: None,
            keeper: Some(self.keeper),
        };
        (pictures, sounds)
    }
}

/// Looks for the camera once; that there is none is told to `monitor`.
fn look(device: Option<&Path>, wish: Wish, monitor: &Monitor) -> Option<probe::Camera> {
    let Some(device) = device else {
        let found = probe::first_camera(wish);
        if found.is_none() {
            monitor.lost(Loss::NoDevice, "no camera is plugged in");
        }
        return found;
    };
    let tell = |missing: &probe::Missing| {
        let setting = if missing.state == Loss::NoSignal { "" } else { " (channel.input.device)" };
        monitor.lost(missing.state, &format!("{}{setting}", missing.reason));
    };
    probe::camera(device, wish).inspect_err(tell).ok()
}

fn title(camera: &probe::Camera) -> String {
    format!("{} ({})", camera.name, camera.device.display())
}

fn format(camera: &probe::Camera) -> PictureFormat {
    let probe::Mode { coding, width, height, rate } = camera.mode.clone();
    PictureFormat { width, height, rate, coding }
}

/// Captures the camera until it goes away, then looks for it again, until the worker ends.
fn keep(shared: &Arc<Shared>, mut found: Option<probe::Camera>, device: Option<&Path>, wish: Wish) {
    while !shared.ended() {
        if let Some(camera) = found.take()
            && let Ok(number) = Number::of(&camera.device)
            && let Err(reason) = capture(shared, &camera, number)
        {
            tracing::warn!(device = %camera.device.display(), reason, "capture ended");
            tell_loss(shared, &camera, &reason);
            // A node that is just being removed is gone by then.
            std::thread::sleep(ROUND);
            tell_loss(shared, &camera, &reason);
            shared.sounding.store(false, Ordering::Relaxed);
            shared.let_go(number);
        }
        std::thread::sleep(ROUND);
        found = look(device, wish, &shared.monitor);
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

/// Captures one camera until the worker ends; the error says why it broke off before.
fn capture(shared: &Arc<Shared>, camera: &probe::Camera, number: Number) -> Result<(), String> {
    let input = signal::Input::open(&camera.device)
        .inspect_err(|error| tracing::info!(device = %camera.device.display(), %error, "signal not watched"))
        .ok();
    shared.arrivals.begin();
    watch(shared, input.as_ref())?;
    let pictures = picture_pipeline(shared, camera).and_then(started).map_err(|error| error.to_string())?;
    let card = paired::sound_card(Path::new("/sys"), &camera.device);
    let sounds = card.as_deref().and_then(|card| {
        let started = sound_pipeline(shared, card).and_then(started);
        started.inspect_err(|error| tracing::warn!(card, %error, "no sound from the camera's card")).ok()
    });
    let sound = match (&card, &sounds) {
        (Some(card), Some(_)) => format!("ALSA {card}"),
        (Some(card), None) => format!("silence: ALSA {card} cannot be opened"),
        (None, _) => "silence: the camera has no sound".to_owned(),
    };
    shared.monitor.found(&title(camera), format(camera), &sound);
    shared.sounding.store(sounds.is_some(), Ordering::Relaxed);
    while !shared.ended() {
        std::thread::sleep(ROUND);
        if let Some(reason) = pictures.failure() {
            return Err(reason);
        }
        watch(shared, input.as_ref())?;
        if number.handles().is_ok_and(|handles| handles.len() > MOST_HANDLES) {
            return Err("is opened anew after many changes of its signal".to_owned());
        }
    }
    Ok(())
}

/// Looks at the signal, where that is possible.
fn watch(shared: &Shared, input: Option<&signal::Input>) -> Result<(), String> {
    match input.map_or(Signal::There, signal::Input::signal) {
        Signal::There => shared.arrivals.signal_there(),
        Signal::Lost(words) => shared.arrivals.signal_lost(words),
        Signal::Gone => return Err("does not answer any more".to_owned()),
    }
    Ok(())
}

fn started(pipeline: bus::Pipeline) -> Result<bus::Pipeline, Error> {
    pipeline.play().map(|()| pipeline)
}

fn make(name: &'static str) -> Result<gst::Element, Error> {
    gst::ElementFactory::make(name).build().map_err(|_| Error::Element(name))
}

fn picture_pipeline(shared: &Arc<Shared>, camera: &probe::Camera) -> Result<bus::Pipeline, Error> {
    let source = make("v4l2src")?;
    source.set_property_from_str("device", &camera.device.to_string_lossy());
    let filter = make("capsfilter")?;
    filter.set_property("caps", camera.mode.caps());
    let mut chain = vec![source, filter];
    match camera.mode.coding.as_str() {
        "MJPG" | "JPEG" => chain.push(make("jpegdec")?),
        "H264" => chain.extend([make("h264parse")?, make("avdec_h264")?]),
        _ => {}
    }
    chain.extend([make("videoconvert")?, make("videoscale")?]);
    let shared = Arc::clone(shared);
    let take = move |sink: &gst_app::AppSink| {
        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
        let captured = shared.captured(sink, &sample).ok_or(gst::FlowError::Error)?;
        let info = sample
            .caps()
            .and_then(|caps| VideoInfo::from_caps(caps).ok())
            .ok_or(gst::FlowError::NotNegotiated)?;
        let buffer = sample.buffer_owned().ok_or(gst::FlowError::Error)?;
        let frame = readable(buffer, &info).map_err(|_| gst::FlowError::Error)?;
        shared.arrivals.picture(captured, frame);
        Ok(gst::FlowSuccess::Ok)
    };
    let callbacks = gst_app::AppSinkCallbacks::builder().new_sample(take).build();
    chain.push(
        gst_app::AppSink::builder().caps(&frame::caps()).sync(false).callbacks(callbacks).build().upcast(),
    );
    live("capture", &chain)
}

fn sound_pipeline(shared: &Arc<Shared>, card: &str) -> Result<bus::Pipeline, Error> {
    let source = make("alsasrc")?;
    source.set_property("device", card);
    // The pipeline's clock is the system's; the card's own clock is followed by skewing.
    source.set_property("provide-clock", false);
    source.set_property("buffer-time", 100_000i64);
    source.set_property("latency-time", 10_000i64);
    let caps = gst::Caps::builder("audio/x-raw")
        .field("format", "S16LE")
        .field("layout", "interleaved")
        .field("rate", 48_000)
        .field("channels", 2)
        .build();
    let shared = Arc::clone(shared);
    let take = move |sink: &gst_app::AppSink| {
        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
        let captured = shared.captured(sink, &sample).ok_or(gst::FlowError::Error)?;
        let bytes =
            sample.buffer().and_then(|buffer| buffer.map_readable().ok()).ok_or(gst::FlowError::Error)?;
        let samples = bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
        shared.arrivals.sound(captured, samples);
        Ok(gst::FlowSuccess::Ok)
    };
    let callbacks = gst_app::AppSinkCallbacks::builder().new_sample(take).build();
    let sink = gst_app::AppSink::builder().caps(&caps).sync(false).callbacks(callbacks).build();
    live("sound capture", &[source, make("audioconvert")?, make("audioresample")?, sink.upcast()])
}

/// A pipeline whose timestamps are readings of the system's monotonic clock.
fn live(what: &'static str, chain: &[gst::Element]) -> Result<bus::Pipeline, Error> {
    let pipeline = bus::Pipeline::new(what);
    pipeline.add(&chain.iter().collect::<Vec<_>>())?;
    pipeline.inner().use_clock(Some(&gst::SystemClock::obtain()));
    Ok(pipeline)
}

impl Shared {
    fn ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// When a sample was captured: nanoseconds since the epoch.
    fn captured(&self, sink: &gst_app::AppSink, sample: &gst::Sample) -> Option<u64> {
        let running = sample.buffer()?.pts()?;
        Some(self.clock.at((sink.base_time()? + running).nseconds()))
    }

    /// Sees to it that no handle to a lost camera stays open.
    fn let_go(&self, camera: Number) {
        match camera.let_go() {
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
                Some((at, shown)) => {
                    if due.replace(shown).is_some() {
                        self.shared.monitor.count(Count::Dropped);
                    }
                    if at == slot {
                        return Ok(due);
                    }
                }
                None => {}
            }
            let Some((captured, frame)) = self.shared.arrivals.next_picture(deadline) else { return Ok(due) };
            match self.slots.place(captured) {
                Fate::Shown(at) => self.next = Some((at, Shown { frame, captured })),
                Fate::Dropped => self.shared.monitor.count(Count::Dropped),
            }
        }
    }
}

impl Drop for CameraPictures {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        if let Some(keeper) = self.keeper.take() {
            // A keeper that panicked has said so on the log; the worker is ending anyway.
            let _ = keeper.join();
        }
    }
}

/// The camera's sound.
pub struct CameraSounds {
    shared: Arc<Shared>,
}

impl Sounds for CameraSounds {
    fn lay(&mut self, blocks: &mut Blocks, _until: u64) {
        for (captured, samples) in self.shared.arrivals.sounds() {
            blocks.lay(media::ticks(captured, 48_000), &samples);
        }
    }

    fn is_silent(&self) -> bool {
        !self.shared.sounding.load(Ordering::Relaxed)
    }
}
