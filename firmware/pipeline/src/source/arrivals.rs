//! What the threads of a camera hand over to the channel's loops: pictures, sound, and whether there is a signal.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use channel::{captions::Triplet, signal::Observation};
use clock::Clock;
use media::NANOS;

use super::follow::Heard;
use crate::{
    frame::Frame,
    monitor::{Count, Loss, Monitor},
};

/// Pictures that may wait for their slot.
const WAITING: usize = 8;
/// Sound buffers that may wait for their block.
const WAITING_SOUND: usize = 128;
/// Without a picture for this long there is no signal.
const SILENCE: u64 = NANOS;

/// Pictures and sound that wait to be taken. Times are nanoseconds since the epoch.
pub struct Arrivals {
    clock: Clock,
    monitor: Monitor,
    waiting: Mutex<Waiting>,
    /// A picture has arrived.
    news: Condvar,
}

/// A picture that has arrived.
pub struct Arrived {
    /// When it was captured.
    pub captured: u64,
    /// The picture.
    pub frame: Frame,
    /// What it and those dropped before it carry.
    pub captions: Vec<Triplet>,
}

#[derive(Default)]
struct Waiting {
    pictures: VecDeque<Arrived>,
    /// Of pictures that were dropped, for the next one.
    captions: Vec<Triplet>,
    sounds: VecDeque<Heard>,
    /// The driver says that there is no signal: what arrives is noise.
    lost: bool,
    /// Since when no picture has arrived that could have.
    silent_since: u64,
}

impl Arrivals {
    /// Nothing has arrived; what comes and stays away is told to `monitor`.
    pub fn new(clock: Clock, monitor: Monitor) -> Self {
        Self { clock, monitor, waiting: Mutex::default(), news: Condvar::new() }
    }

    /// A capture begins.
    pub fn begin(&self) {
        let mut waiting = self.waiting();
        (waiting.lost, waiting.silent_since) = (false, self.clock.now());
    }

    /// The driver says that the input has no signal: no picture is taken until it says otherwise.
    pub fn signal_lost(&self, words: &str) {
        let mut waiting = self.waiting();
        (waiting.lost, waiting.silent_since) = (true, self.clock.now());
        waiting.pictures.clear();
        self.monitor.lost(Loss::NoSignal, words);
    }

    /// The driver has nothing against the signal; whether there is one, pictures must tell.
    pub fn signal_there(&self) {
        let mut waiting = self.waiting();
        if waiting.lost {
            (waiting.lost, waiting.silent_since) = (false, self.clock.now());
        }
        drop(waiting);
        self.check();
    }

    /// Looks whether pictures arrive that could.
    pub fn check(&self) {
        let waiting = self.waiting();
        let since = waiting.silent_since;
        if !waiting.lost && self.clock.now().saturating_sub(since) > SILENCE {
            self.monitor.observe(Observation::Quiet(since, "the device is there, but no pictures arrive"));
        }
    }

    /// A picture captured at `captured` has arrived. Where too many wait, the oldest is dropped.
    pub fn picture(&self, captured: u64, frame: Frame, captions: &[Triplet]) {
        let mut waiting = self.waiting();
        if waiting.lost {
            return;
        }
        self.monitor.count(Count::In);
        self.monitor.observe(Observation::Locked);
        waiting.silent_since = self.clock.now();
        if waiting.pictures.len() == WAITING {
            let dropped = waiting.pictures.pop_front();
            dropped.into_iter().for_each(|mut dropped| waiting.captions.append(&mut dropped.captions));
            self.monitor.count(Count::Dropped);
        }
        let mut carried = std::mem::take(&mut waiting.captions);
        carried.extend(captions);
        waiting.pictures.push_back(Arrived { captured, frame: Arc::clone(&frame), captions: carried });
        self.news.notify_one();
        drop(waiting);
        // Where the signal was lost meanwhile, nothing comes of it.
        self.monitor.saw(&frame);
    }

    /// Sound has arrived.
    pub fn sound(&self, heard: Heard) {
        self.monitor.heard(&heard.samples);
        let mut waiting = self.waiting();
        if waiting.sounds.len() == WAITING_SOUND {
            waiting.sounds.pop_front();
        }
        waiting.sounds.push_back(heard);
    }

    /// The next picture, waited for until `deadline`.
    pub fn next_picture(&self, deadline: u64) -> Option<Arrived> {
        let mut waiting = self.waiting();
        loop {
            if let Some(picture) = waiting.pictures.pop_front() {
                return Some(picture);
            }
            let left = self.clock.until(deadline);
            if left.is_zero() {
                return None;
            }
            waiting = self.news.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// All sound that waits.
    pub fn sounds(&self) -> VecDeque<Heard> {
        std::mem::take(&mut self.waiting().sounds)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use channel::signal::State;
    use link::{InputState, PictureFormat};
    use media::FrameRate;

    use super::*;
    use crate::{frame::Pool, picture};

    fn camera() -> (Arrivals, Monitor, Frame) {
        gst::init().unwrap();
        let frame = Pool::new(64, 36).unwrap().draw(|out| picture::slate::draw("A slide", &[], out)).unwrap();
        let clock = Clock::from_system();
        let monitor = Monitor::new(clock.clone());
        let arrivals = Arrivals::new(clock, monitor.clone());
        arrivals.begin();
        (arrivals, monitor, frame)
    }

    /// What is told after `nanos` have gone by.
    fn told_after(nanos: u64, arrivals: &Arrivals, monitor: &Monitor) -> (InputState, String) {
        arrivals.clock.reach(arrivals.clock.now() + nanos);
        monitor.revision();
        let report = monitor.report();
        (report.state, report.reason)
    }

    #[test]
    fn noise_is_not_shown_and_the_signal_is_back_with_its_first_picture() {
        let (arrivals, monitor, frame) = camera();
        arrivals.picture(1, frame.clone(), &[]);
        assert!(monitor.is_ok());
        assert_eq!(told_after(0, &arrivals, &monitor), (InputState::Ok, String::new()));

        let lost = (InputState::NoSignal, "no signal at the input".to_owned());
        arrivals.signal_lost(&lost.1);
        arrivals.picture(2, frame.clone(), &[]);
        assert!(!monitor.is_ok(), "at once");
        assert_eq!(told_after(State::NoSignal.hold().on, &arrivals, &monitor), lost);
        assert_eq!(monitor.report().frames_in, 1);
        assert!(arrivals.next_picture(0).is_none());

        arrivals.signal_there();
        assert_eq!(told_after(NANOS / 2, &arrivals, &monitor), lost);
        arrivals.picture(3, frame, &[]);
        assert!(monitor.is_ok(), "at once");
        assert_eq!(told_after(0, &arrivals, &monitor), lost, "it could be a blip");
        let back = (InputState::Ok, String::new());
        assert_eq!(told_after(State::NoSignal.hold().off, &arrivals, &monitor), back);
        let report = monitor.report();
        assert_eq!((report.frames_in, report.lock_changes), (2, 2));
        assert_eq!(arrivals.next_picture(0).map(|arrived| arrived.captured), Some(3));
    }

    #[test]
    fn a_camera_that_gives_nothing_for_a_second_has_no_signal() {
        let (arrivals, monitor, frame) = camera();
        arrivals.signal_there();
        assert_eq!(told_after(0, &arrivals, &monitor).0, InputState::Opening);
        arrivals.picture(1, frame, &[]);
        let last = arrivals.waiting().silent_since;
        arrivals.clock.reach(last + SILENCE + 1);
        arrivals.signal_there();
        assert!(!monitor.is_ok());
        let told = told_after(0, &arrivals, &monitor);
        assert_eq!(monitor.report().since, last, "it is not when it was noticed");
        assert_eq!(told, (InputState::NoSignal, "the device is there, but no pictures arrive".to_owned()));
    }

    #[test]
    fn a_picture_that_stays_the_same_and_sound_that_is_none_are_told() {
        let (arrivals, monitor, slide) = camera();
        let see = |nanos: u64| {
            arrivals.clock.reach(arrivals.clock.now() + nanos);
            arrivals.picture(arrivals.clock.now(), Arc::clone(&slide), &[]);
            monitor.report().state
        };
        let (first, second) = (see(0), see(NANOS / 5));
        assert_eq!((first, second), (InputState::Ok, InputState::Ok));
        assert_eq!(see(State::Frozen.hold().on), InputState::Frozen);
        arrivals.clock.reach(arrivals.clock.now() + NANOS);
        monitor.found("a camera", format(), "silence: the camera has no sound");
        let told = told_after(0, &arrivals, &monitor);
        assert!(told.0 == InputState::Frozen && told.1.starts_with("the same picture"), "{told:?}");
    }

    #[test]
    fn silence_is_told_of_a_source_that_has_sound_and_no_other() {
        let (arrivals, monitor, frame) = camera();
        let hear_nothing = || {
            arrivals.sound(Heard { captured: 1, rate: 48_000, channels: 2, samples: vec![0; 48_000] });
            told_after(State::Silent.hold().on, &arrivals, &monitor).0
        };
        arrivals.picture(1, frame, &[]);
        assert_eq!(hear_nothing(), InputState::Ok, "no sound is known of yet");
        monitor.found("a camera", format(), "ALSA hw:1");
        assert_eq!(hear_nothing(), InputState::Silent);
        monitor.found("a camera", format(), "silence: the camera has no sound");
        assert_eq!(told_after(0, &arrivals, &monitor).0, InputState::Ok);
        assert_eq!(hear_nothing(), InputState::Ok, "the last of it");
    }

    fn format() -> PictureFormat {
        let rate = FrameRate::new(25, 1).unwrap();
        PictureFormat { width: 64, height: 36, rate, coding: "drawn".to_owned() }
    }

    #[test]
    fn the_oldest_picture_makes_room() {
        let (arrivals, monitor, frame) = camera();
        (0..=WAITING as u64).for_each(|captured| arrivals.picture(captured, frame.clone(), &[]));
        assert_eq!(arrivals.next_picture(0).map(|arrived| arrived.captured), Some(1));
        assert_eq!(monitor.report().dropped, 1);
    }
}
