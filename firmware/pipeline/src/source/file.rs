//! A media file played in a loop as if it were a camera, every frame at its own time.
//!
//! One *pass* is one decode of the whole file by its own pipeline. The next pass is opened, and decodes its first
//! frames into its bounded queues, while the last seconds of this one play, so the loop has no hole. Nothing here
//! runs on a clock: frames wait in the queues until their slot asks for them.

use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use channel::{captions::Triplet, signal::Observation, sound::Blocks};
use media::{FrameRate, NANOS};

use super::{Pictures, Shown, Sounds};
use crate::{
    error::Error,
    frame::Frame,
    monitor::{Count, Loss, Monitor},
    source::pass::{Found, Pass},
};

/// How long before its end a pass has its successor opened.
const AHEAD: u64 = 3 * NANOS;
/// From one opening of a file to the next.
const AGAIN: Duration = Duration::from_secs(2);
/// A file that gives nothing for this long cannot be decoded.
const FIRST_FRAME: Duration = Duration::from_secs(5);
/// The next pass is waited for this long: its decoder has had [`AHEAD`] to give its first picture.
const NEXT_FRAME: Duration = Duration::from_secs(1);

/// The file before it plays.
pub struct Film {
    path: PathBuf,
    pairs: usize,
    first: Option<(Found, Pass)>,
}

impl Film {
    /// Opens the file and the first `pairs` of its sounds; what it holds, or why it cannot be played, is told to `monitor`.
    pub fn open(path: &Path, pairs: usize, monitor: &Monitor) -> Self {
        Self { path: path.to_owned(), pairs, first: open(path, pairs, monitor) }
    }

    /// Begins to play at `first_slot`.
    pub fn begin(self, rate: FrameRate, first_slot: u64, monitor: &Monitor) -> (FilmPictures, FilmSounds) {
        let (path, pairs, monitor) = (self.path, self.pairs, monitor.clone());
        let reel = Reel { path, pairs, rate, monitor, state: Mutex::default() };
        if let Some((found, pass)) = self.first {
            reel.thread(found, pass, first_slot);
        }
        let reel = Arc::new(reel);
        let pictures = FilmPictures {
            reel: Arc::clone(&reel),
            run: None,
            ahead: None,
            captions: Vec::new(),
            last: None,
        };
        (pictures, FilmSounds { reel, run: None })
    }
}

/// Opens one pass and tells `monitor` what came of it.
fn open(path: &Path, pairs: usize, monitor: &Monitor) -> Option<(Found, Pass)> {
    match Pass::open(path, pairs, FIRST_FRAME) {
        Ok((found, pass)) => {
            let sound = match found.sounds {
                0 => "silence: the file has no sound".to_owned(),
                1 => "the file's track".to_owned(),
                several => format!("{several} of the file's tracks"),
            };
            let sound = super::told(&sound, found.sounds, pairs);
            monitor.found(&path.display().to_string(), found.format.clone(), &sound);
            monitor.observe(Observation::Locked);
            Some((found, pass))
        }
        Err((state, reason)) => {
            tell(monitor, path, state, &reason);
            None
        }
    }
}

/// Tells why the file cannot be played.
fn tell(monitor: &Monitor, path: &Path, state: Loss, reason: &str) {
    monitor.lost(state, &format!("channel.input.path: {}: {reason}", path.display()));
}

/// Which file lies at a path: another one there, or a change of it, is another version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Version {
    inode: u64,
    size: u64,
    changed: i64,
}

impl Version {
    /// None where there is no file.
    fn of(path: &Path) -> Option<Self> {
        let file = std::fs::metadata(path).ok()?;
        Some(Self { inode: file.ino(), size: file.size(), changed: file.mtime() })
    }
}

/// The passes over one file, shared by its pictures and its sound.
struct Reel {
    path: PathBuf,
    pairs: usize,
    rate: FrameRate,
    monitor: Monitor,
    state: Mutex<Threaded>,
}

/// The runs that someone still plays, oldest first.
#[derive(Default)]
struct Threaded {
    runs: Vec<Arc<Run>>,
    /// The file is being opened.
    opening: Option<JoinHandle<Option<(Found, Pass)>>>,
    /// When it may be opened again.
    retry: Option<Instant>,
}

/// One pass and its place on the timeline.
struct Run {
    pass: Pass,
    version: Option<Version>,
    /// Sounds that it has.
    sounds: usize,
    /// When the file begins in its own time.
    start: u64,
    /// The slot of the file's beginning.
    begin: u64,
    /// The slot at which the next run begins.
    end: u64,
}

impl Reel {
    /// Puts a pass on the timeline at `begin`.
    fn thread(&self, found: Found, pass: Pass, begin: u64) {
        let frames = self.rate.frame_at(found.duration).max(1);
        let (version, end) = (Version::of(&self.path), begin + frames);
        let run = Run { pass, version, sounds: found.sounds, start: found.start, begin, end };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.runs.push(Arc::new(run));
        // Pictures and sound are at most one run apart.
        if state.runs.len() > 2 {
            state.runs.remove(0);
        }
    }

    /// The run in which `slot` lies. If there is none, the file is opened beside, and its run begins when it is open.
    fn run(&self, slot: u64) -> Option<Arc<Run>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(run) = state.runs.iter().find(|run| (run.begin..run.end).contains(&slot)) {
            return Some(Arc::clone(run));
        }
        match &state.opening {
            None if state.retry.is_none_or(|retry| Instant::now() >= retry) => {
                let (path, pairs, monitor) = (self.path.clone(), self.pairs, self.monitor.clone());
                state.opening = Some(thread::spawn(move || open(&path, pairs, &monitor)));
                return None;
            }
            Some(opening) if opening.is_finished() => {}
            _ => return None,
        }
        state.retry = Some(Instant::now() + AGAIN);
        let opened = state.opening.take()?.join();
        drop(state);
        let (found, pass) = opened.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        self.thread(found, pass, slot);
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.runs.last().cloned()
    }

    /// Opens the next run when this one is about to end; not where the file has become another: what that one holds
    /// is found out when this run has ended.
    fn look_ahead(&self, run: &Run, slot: u64) {
        let is_last = |state: &Threaded| state.runs.last().is_some_and(|last| last.end == run.end);
        let near = self.rate.nanos_of(run.end - slot) < AHEAD;
        if near
            && run.version == Version::of(&self.path)
            && is_last(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
        {
            // A pass only takes its elements together here; its first frame is waited for when it is asked for.
            if let Ok(pass) = Pass::start(&self.path, self.pairs) {
                let duration = self.rate.nanos_of(run.end - run.begin);
                let found = Found { duration, start: run.start, sounds: run.sounds, ..run.pass.found() };
                self.thread(found, pass, run.end);
            }
        }
    }
}

impl Drop for Reel {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(opening) = state.opening.take() {
            // What it found or broke at does not matter any more.
            let _ = opening.join();
        }
    }
}

/// The file's pictures.
pub struct FilmPictures {
    reel: Arc<Reel>,
    run: Option<Arc<Run>>,
    /// Decoded, but not due yet.
    ahead: Option<(u64, Frame)>,
    /// Of pictures that were taken out of the file and not given yet.
    captions: Vec<Triplet>,
    /// The last one shown.
    last: Option<Frame>,
}

impl Pictures for FilmPictures {
    fn take(&mut self, slot: u64, _deadline: u64) -> Result<Option<Shown>, Error> {
        let rate = self.reel.rate;
        if self.run.as_ref().is_none_or(|run| slot >= run.end) {
            self.run = self.reel.run(slot);
            self.ahead = None;
        }
        let Some(run) = self.run.clone() else { return Ok(None) };
        let mut due = None;
        loop {
            match self.ahead.take() {
                Some((at, frame)) if at > slot => {
                    self.ahead = Some((at, frame));
                    break;
                }
                Some((_, frame)) => {
                    let passed_over = due.replace(frame);
                    passed_over.iter().for_each(|_| self.reel.monitor.count(Count::Dropped));
                }
                None => {}
            }
            let first = due.is_none() && slot == run.begin;
            let patience = if first { NEXT_FRAME } else { Duration::from_millis(20) };
            let Some((nanos, frame, captions)) = run.pass.picture(patience) else { break };
            self.captions.extend(captions);
            self.reel.monitor.count(Count::In);
            self.reel.monitor.saw(&frame);
            self.ahead = Some((run.begin + rate.frame_at(nanos.saturating_sub(run.start)), frame));
        }
        // In some files the sound begins first: their first picture is shown from the beginning.
        if self.last.is_none() && due.is_none() {
            due = self.ahead.as_ref().map(|(_, frame)| Arc::clone(frame));
        }
        match run.pass.failure() {
            Some(reason) => {
                tell(&self.reel.monitor, &self.reel.path, Loss::Unsupported, &reason);
            }
            // However slowly its pictures follow each other, a film gives a signal.
            None if due.is_none() => {
                due = self.last.clone();
                due.iter().for_each(|_| self.reel.monitor.count(Count::Repeated));
            }
            None => {}
        }
        if due.is_some() {
            self.last.clone_from(&due);
        }
        self.reel.look_ahead(&run, slot);
        let captions = if due.is_some() { std::mem::take(&mut self.captions) } else { Vec::new() };
        Ok(due.map(|frame| Shown { frame, captured: rate.nanos_of(slot), captions }))
    }
}

/// The file's sounds: each track is a pair.
pub struct FilmSounds {
    reel: Arc<Reel>,
    run: Option<Arc<Run>>,
}

impl Sounds for FilmSounds {
    fn lay(&mut self, pairs: &mut [Blocks], until: u64) {
        let Some(head) = pairs.first().map(Blocks::head) else { return };
        let slot = self.reel.rate.frame_at(media::nanos(head, 48_000));
        if self.run.as_ref().is_none_or(|run| slot >= run.end) {
            pairs.iter_mut().for_each(Blocks::break_off);
            let state = self.reel.state.lock().unwrap_or_else(PoisonError::into_inner);
            self.run = state.runs.iter().find(|run| (run.begin..run.end).contains(&slot)).cloned();
        }
        let Some(run) = &self.run else { return };
        for (pair, blocks) in pairs.iter_mut().enumerate().take(run.sounds) {
            self.lay_pair(run, pair, blocks, until);
        }
    }

    fn is_silent(&self, pair: usize) -> bool {
        self.run.as_ref().is_none_or(|run| pair >= run.sounds || run.pass.sound_is_over(pair))
    }
}

impl FilmSounds {
    fn lay_pair(&self, run: &Run, pair: usize, blocks: &mut Blocks, until: u64) {
        let (rate, position) = (self.reel.rate, |nanos: u64| media::ticks(nanos, 48_000));
        let (begin, end) = (position(rate.nanos_of(run.begin)), position(rate.nanos_of(run.end)));
        let mut reached = blocks.head();
        while reached < until {
            let Some((nanos, samples)) = run.pass.sound(pair) else { break };
            self.reel.monitor.heard(&samples);
            let at = begin + position(nanos.saturating_sub(run.start));
            let frames = usize::try_from(end.saturating_sub(at)).unwrap_or(usize::MAX).min(samples.len() / 2);
            blocks.lay(at, &samples[..frames * 2]);
            reached = at + frames as u64;
        }
    }
}
