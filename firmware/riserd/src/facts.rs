//! What is true of a channel now, as its supervisor notes it and the status reports it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use channel::{
    cameras::Known,
    families::{Families, Refused},
    shed::Shed,
};
use clock::Clock;
use control::{
    ChannelState, EncoderRefusal, Health, InputState, Loudness, ProcessState, RenditionState, SoundLevels,
};
use link::{InputReport, PictureFormat};
use media::{Camera, Levels};
use tokio::{sync::watch, task::spawn_blocking};

use crate::{cameras::Cameras, line::Line, plan::Plan};

/// What the supervisor notes. Clones share it.
#[derive(Clone)]
pub struct Facts {
    clock: Clock,
    cameras: Cameras,
    inner: Arc<Mutex<Noted>>,
    loudness: Arc<watch::Sender<Arc<Loudness>>>,
}

struct Noted {
    channel: ChannelState,
    worker: ProcessState,
    /// The cameras that the worker has told of last.
    seen: Vec<Camera>,
    /// The names of its sounds.
    sounds: Vec<String>,
    /// Renditions that are tuned to fewer bits per second than the ladder says.
    tuned: BTreeMap<String, u32>,
}

impl Facts {
    /// A channel that is about to start.
    pub fn new(name: &str, clock: Clock, cameras: Cameras) -> Self {
        let since = clock.now() / 1_000_000;
        let health = |state: &str| Health { state: state.to_owned(), since, reason: String::new() };
        let input = InputState {
            health: health("opening"),
            lock_changes: 0,
            lock_changed: None,
            device: String::new(),
            format: String::new(),
            sound: String::new(),
            mode: String::new(),
            name: String::new(),
            serial: String::new(),
            port: String::new(),
            moved: String::new(),
            sound_drift_ppm: None,
            frames_in: 0,
            frames_out: 0,
            repeated: 0,
            dropped: 0,
            slate: 0,
            skipped: 0,
            broken: 0,
        };
        let channel = ChannelState {
            name: name.to_owned(),
            life: String::new(),
            health: health("starting"),
            input,
            frame_rate: String::new(),
            segment_ms: 0,
            part_ms: 0,
            encoder_family: String::new(),
            encoder: String::new(),
            encoder_percent: 0,
            encoders_refused: Vec::new(),
            shed: String::new(),
            notes: Vec::new(),
            renditions: Vec::new(),
            samples_refused: 0,
            samples_filled: 0,
        };
        let worker = ProcessState {
            name: "riser-pipeline".to_owned(),
            health: health("starting"),
            pid: None,
            restarts: 0,
        };
        let noted = Noted { channel, worker, seen: Vec::new(), sounds: Vec::new(), tuned: BTreeMap::new() };
        Self { clock, cameras, inner: Arc::new(Mutex::new(noted)), loudness: Arc::default() }
    }

    /// The channel's state is this from now on.
    pub fn channel(&self, state: &str, reason: &str) {
        let now = self.now();
        change(&mut self.noted().channel.health, state, reason, now);
    }

    /// The worker's state is this from now on.
    pub fn worker(&self, state: &str, reason: &str, pid: Option<u32>) {
        let now = self.now();
        let mut noted = self.noted();
        noted.worker.pid = pid;
        change(&mut noted.worker.health, state, reason, now);
    }

    /// The worker gives samples.
    pub fn worker_runs(&self) {
        let now = self.now();
        change(&mut self.noted().worker.health, "running", "", now);
    }

    /// The worker had to be started again.
    pub fn restarted(&self) {
        self.noted().worker.restarts += 1;
    }

    /// What the channel encodes.
    pub fn planned(&self, plan: &Plan) {
        let grid = plan.start.grid;
        let mut noted = self.noted();
        noted.channel.frame_rate = grid.rate.to_string();
        noted.channel.segment_ms = grid.segment_nanos() / 1_000_000;
        noted.channel.part_ms = grid.part_nanos() / 1_000_000;
        noted.channel.notes.clone_from(&plan.notes);
        noted.sounds = plan.start.sounds.iter().map(|sound| sound.name.clone()).collect();
        noted.channel.encoder_percent = plan.percent;
    }

    /// What the encoders of a plan are given now.
    pub fn tuned(&self, plan: &Plan, tuning: &link::Tuning) {
        let given = plan.start.renditions.iter().zip(&tuning.bitrates);
        let less = given.filter(|(rendition, given)| **given < rendition.bitrate);
        self.noted().tuned = less.map(|(rendition, given)| (rendition.name.clone(), *given)).collect();
    }

    /// Which encoder family works, and its settings.
    pub fn encoder(&self, family: &str, settings: &str) {
        let mut noted = self.noted();
        family.clone_into(&mut noted.channel.encoder_family);
        settings.clone_into(&mut noted.channel.encoder);
    }

    /// What is given up because the encoders do not keep up or the box is hot.
    pub fn shed(&self, shed: &Shed) {
        let what = match (shed.thumbnails(), shed.renditions()) {
            (false, _) => String::new(),
            (true, 0) => "thumbnails wait".to_owned(),
            (true, 1) => "thumbnails wait, the highest rendition is left out".to_owned(),
            (true, count) => format!("thumbnails wait, the {count} highest renditions are left out"),
        };
        self.noted().channel.shed = if what.is_empty() { what } else { format!("{}: {what}", shed.why()) };
    }

    /// Whether something is given up because the encoders do not keep up or the box is hot.
    pub fn sheds(&self) -> bool {
        !self.noted().channel.shed.is_empty()
    }

    /// Which encoder families do not work, be it the last one.
    pub fn families(&self, families: &Families) {
        let refused = |Refused { family, reason }: &Refused| EncoderRefusal {
            family: family.clone(),
            reason: reason.clone(),
        };
        self.noted().channel.encoders_refused =
            families.refused().iter().chain(families.failing()).map(refused).collect();
    }

    /// What the worker reports of the input.
    pub fn input(&self, report: &InputReport) {
        let state = match report.state {
            link::InputState::Opening => "opening",
            link::InputState::NoDevice => "no_device",
            link::InputState::NoSignal => "no_signal",
            link::InputState::Unsupported => "unsupported",
            link::InputState::Frozen => "frozen",
            link::InputState::Black => "black",
            link::InputState::Silent => "silent",
            link::InputState::Clipping => "clipping",
            link::InputState::Ok => "ok",
        };
        let since = report.since / 1_000_000;
        self.saw(&report.cameras);
        let known = report.camera.as_ref().and_then(|camera| self.cameras.get(camera));
        let (serial, port) = report
            .camera
            .as_ref()
            .map(|camera| (camera.serial.clone(), camera.port.clone()))
            .unwrap_or_default();
        self.noted().channel.input = InputState {
            health: Health { state: state.to_owned(), since, reason: report.reason.clone() },
            lock_changes: report.lock_changes,
            lock_changed: report.lock_changed.map(|changed| changed / 1_000_000),
            device: report.device.clone(),
            format: report.format.as_ref().map(format).unwrap_or_default(),
            sound: report.sound.clone(),
            mode: report.mode.clone(),
            moved: known.as_ref().map(Known::moved).unwrap_or_default(),
            name: known.map(|known| known.name).unwrap_or_default(),
            serial: serial.unwrap_or_default(),
            port,
            sound_drift_ppm: report.drift_ppm,
            frames_in: report.frames_in,
            frames_out: report.frames_out,
            repeated: report.repeated,
            dropped: report.dropped,
            slate: report.slate,
            skipped: report.skipped,
            broken: report.broken,
        };
    }

    /// Each worker tells what it saw when it looked last: only what it sees anew counts.
    fn saw(&self, cameras: &[Camera]) {
        let mut noted = self.noted();
        if noted.seen == cameras {
            return;
        }
        noted.seen = cameras.to_vec();
        if self.cameras.see(cameras) {
            let cameras = self.cameras.clone();
            spawn_blocking(move || cameras.keep());
        }
    }

    /// How loud its sounds are.
    pub fn levels(&self, levels: &[Levels]) {
        let sounds = self.noted().sounds.clone();
        let sounds = sounds.into_iter().zip(levels).map(|(name, &levels)| SoundLevels { name, levels });
        self.loudness.send_replace(Arc::new(Loudness { at: self.now(), sounds: sounds.collect() }));
    }

    /// Hears how loud they are.
    pub fn loudness(&self) -> watch::Receiver<Arc<Loudness>> {
        self.loudness.subscribe()
    }

    /// What the line counts.
    pub fn line(&self, line: &Line) {
        let mut noted = self.noted();
        let rendition = |(track, measure): (&media::Track, crate::line::Measure)| {
            let pictures = track.codec.pictures();
            let (width, height) = pictures.map_or((0, 0), |pictures| (pictures.width, pictures.height));
            RenditionState {
                name: track.name.clone(),
                codec: track.rfc6381(),
                width,
                height,
                bitrate: track.bitrate,
                tuned: noted.tuned.get(&track.name).copied(),
                measured: measure.rate,
                samples: measure.samples,
            }
        };
        noted.channel.renditions = line.tracks().into_iter().map(rendition).collect();
        noted.channel.samples_refused = line.refused();
        noted.channel.samples_filled = line.filled();
    }

    /// Everything, now.
    pub fn read(&self) -> (ChannelState, ProcessState) {
        let noted = self.noted();
        (noted.channel.clone(), noted.worker.clone())
    }

    fn now(&self) -> u64 {
        self.clock.now() / 1_000_000
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn change(health: &mut Health, state: &str, reason: &str, now: u64) {
    if health.state != state {
        health.since = now;
    }
    (health.state, health.reason) = (state.to_owned(), reason.to_owned());
}

fn format(format: &PictureFormat) -> String {
    format!("{}x{} {} {}", format.width, format.height, format.rate, format.coding)
}
