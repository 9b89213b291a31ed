//! A V4L2 camera: found and probed by `v4l`, captured by GStreamer, looked for again whenever it goes away.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
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
use link::{InputState, PictureFormat, Wish};
use media::{FrameRate, NANOS};

use super::{
    Pictures, Shown, Sounds, paired, probe,
    signal::{self, Signal},
};
use crate::{
    bus,
    error::Error,
    frame::{Frame, readable},
    monitor::{Count, Monitor},
};

/// Pictures that may wait for their slot.
const WAITING: usize = 8;
/// Sound buffers that may wait for their block.
const WAITING_SOUND: usize = 128;
/// How often a missing camera is looked for, and a running one asked whether it still runs and has a signal.
const ROUND: Duration = Duration::from_millis(250);
/// Without a picture for this long there is no signal.
const SILENCE: u64 = NANOS;

/// A camera that is being captured or looked for.
pub struct Camera {
    shared: Arc<Shared>,
    keeper: JoinHandle<()>,
}

/// What the capturing threads hand over.
struct Shared {
    clock: Clock,
    monitor: Monitor,
    ended: AtomicBool,
    arrived: Mutex<Arrived>,
    /// A picture has arrived.
    news: Condvar,
}

#[derive(Default)]
struct Arrived {
    pictures: VecDeque<(u64, Frame)>,
    sounds: VecDeque<(u64, Vec<i16>)>,
    /// The driver says that there is no signal: what arrives is noise.
    lost: bool,
    /// Since when no picture has arrived that could have.
    silent_since: u64,
}

impl Camera {
    /// Looks for the camera and begins to capture it; goes on looking if it is not there.
    pub fn open(device: Option<PathBuf>, wish: Wish, clock: Clock, monitor: Monitor) -> Self {
        let shared = Arc::new(Shared {
            clock,
            monitor,
            ended: AtomicBool::new(false),
            arrived: Mutex::default(),
            news: Condvar::new(),
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
            monitor.state(InputState::NoDevice, "no camera is plugged in");
        }
        return found;
    };
    probe::camera(device, wish).inspect_err(|missing| missing.tell(monitor)).ok()
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
    while !shared.ended.load(Ordering::Relaxed) {
        if let Some(camera) = found.take()
            && let Err(error) = capture(shared, &camera)
        {
            tracing::warn!(device = %camera.device.display(), %error, "capture ended");
            let gone = !camera.device.exists();
            let state = if gone { InputState::NoDevice } else { InputState::NoSignal };
            shared.monitor.state(state, &format!("{}: {error}", camera.name));
        }
        std::thread::sleep(ROUND);
        found = look(device, wish, &shared.monitor);
    }
}

/// Captures one camera until it fails or the worker ends.
fn capture(shared: &Arc<Shared>, camera: &probe::Camera) -> Result<(), Error> {
    let pictures = picture_pipeline(shared, camera)?;
    pictures.play()?;
    let card = paired::sound_card(Path::new("/sys"), &camera.device);
    let sounds = card.as_deref().and_then(|card| {
        let started = sound_pipeline(shared, card).and_then(|pipeline| pipeline.play().map(|()| pipeline));
        started.inspect_err(|error| tracing::warn!(card, %error, "no sound from the camera's card")).ok()
    });
    let sound = match (&card, &sounds) {
        (Some(card), Some(_)) => format!("ALSA {card}"),
        (Some(card), None) => format!("silence: ALSA {card} cannot be opened"),
        (None, _) => "silence: the camera has no sound".to_owned(),
    };
    shared.monitor.found(&title(camera), format(camera), &sound);
    let begun = shared.clock.now();
    while !shared.ended.load(Ordering::Relaxed) {
        if let Some(reason) = pictures.failure() {
            return Err(Error::Assemble { what: "capture", reason });
        }
        let last = shared.arrived().last_picture.max(begun);
        if shared.clock.now().saturating_sub(last) > SILENCE {
            shared.monitor.state(InputState::NoSignal, "the camera is there, but no pictures arrive");
        }
        std::thread::sleep(ROUND);
    }
    Ok(())
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
    chain.push(make("videoconvert")?);
    let caps = gst::Caps::builder("video/x-raw").field("format", "I420").build();
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
        shared.picture(captured, frame);
        Ok(gst::FlowSuccess::Ok)
    };
    let callbacks = gst_app::AppSinkCallbacks::builder().new_sample(take).build();
    chain.push(gst_app::AppSink::builder().caps(&caps).sync(false).callbacks(callbacks).build().upcast());
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
        shared.sound(captured, samples);
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
    /// When a sample was captured: nanoseconds since the epoch.
    fn captured(&self, sink: &gst_app::AppSink, sample: &gst::Sample) -> Option<u64> {
        let running = sample.buffer()?.pts()?;
        Some(self.clock.at((sink.base_time()? + running).nseconds()))
    }

    fn picture(&self, captured: u64, frame: Frame) {
        self.monitor.count(Count::In);
        self.monitor.state(InputState::Ok, "");
        let mut arrived = self.arrived();
        arrived.last_picture = captured;
        if arrived.pictures.len() == WAITING {
            arrived.pictures.pop_front();
            self.monitor.count(Count::Dropped);
        }
        arrived.pictures.push_back((captured, frame));
        self.news.notify_one();
    }

    fn sound(&self, captured: u64, samples: Vec<i16>) {
        let mut arrived = self.arrived();
        if arrived.sounds.len() == WAITING_SOUND {
            arrived.sounds.pop_front();
        }
        arrived.sounds.push_back((captured, samples));
    }

    /// The next picture, waited for until `deadline`.
    fn next_picture(&self, deadline: u64) -> Option<(u64, Frame)> {
        let mut arrived = self.arrived();
        loop {
            if let Some(picture) = arrived.pictures.pop_front() {
                return Some(picture);
            }
            let left = self.clock.until(deadline);
            if left.is_zero() {
                return None;
            }
            arrived = self.news.wait_timeout(arrived, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn arrived(&self) -> MutexGuard<'_, Arrived> {
        self.arrived.lock().unwrap_or_else(PoisonError::into_inner)
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
            let Some((captured, frame)) = self.shared.next_picture(deadline) else { return Ok(due) };
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
        let sounds = std::mem::take(&mut self.shared.arrived().sounds);
        for (captured, samples) in sounds {
            blocks.lay(media::ticks(captured, 48_000), &samples);
        }
    }
}
