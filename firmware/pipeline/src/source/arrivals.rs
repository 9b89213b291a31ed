//! What the threads of a camera hand over to the channel's loops: pictures, sound, and whether there is a signal.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use clock::Clock;
use link::InputState;
use media::NANOS;

use crate::{
    frame::Frame,
    monitor::{Count, Monitor},
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

#[derive(Default)]
struct Waiting {
    pictures: VecDeque<(u64, Frame)>,
    sounds: VecDeque<(u64, Vec<i16>)>,
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
        self.monitor.state(InputState::NoSignal, words);
    }

    /// The driver has nothing against the signal; whether there is one, pictures must tell.
    pub fn signal_there(&self) {
        let mut waiting = self.waiting();
        waiting.lost = false;
        if self.clock.now().saturating_sub(waiting.silent_since) > SILENCE {
            self.monitor.state(InputState::NoSignal, "the camera is there, but no pictures arrive");
        }
    }

    /// A picture captured at `captured` has arrived. Where too many wait, the oldest is dropped.
    pub fn picture(&self, captured: u64, frame: Frame) {
        let mut waiting = self.waiting();
        if waiting.lost {
            return;
        }
        self.monitor.count(Count::In);
        self.monitor.state(InputState::Ok, "");
        waiting.silent_since = self.clock.now();
        if waiting.pictures.len() == WAITING {
            waiting.pictures.pop_front();
            self.monitor.count(Count::Dropped);
        }
        waiting.pictures.push_back((captured, frame));
        self.news.notify_one();
    }

    /// Interleaved sound whose first frame was captured at `captured` has arrived.
    pub fn sound(&self, captured: u64, samples: Vec<i16>) {
        let mut waiting = self.waiting();
        if waiting.sounds.len() == WAITING_SOUND {
            waiting.sounds.pop_front();
        }
        waiting.sounds.push_back((captured, samples));
    }

    /// The next picture and when it was captured, waited for until `deadline`.
    pub fn next_picture(&self, deadline: u64) -> Option<(u64, Frame)> {
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

    /// All sound that waits, each piece with its time.
    pub fn sounds(&self) -> VecDeque<(u64, Vec<i16>)> {
        std::mem::take(&mut self.waiting().sounds)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Pool;

    fn camera() -> (Arrivals, Monitor, Frame) {
        gst::init().unwrap();
        let frame = Pool::new(16, 16).unwrap().draw(|_| {}).unwrap();
        let clock = Clock::from_system();
        let monitor = Monitor::new(clock.clone());
        let arrivals = Arrivals::new(clock, monitor.clone());
        arrivals.begin();
        (arrivals, monitor, frame)
    }

    #[test]
    fn noise_is_not_shown_and_the_signal_is_back_with_its_first_picture() {
        let (arrivals, monitor, frame) = camera();
        arrivals.picture(1, frame.clone());
        assert_eq!(monitor.report().state, InputState::Ok);

        arrivals.signal_lost("no signal at the input");
        arrivals.picture(2, frame.clone());
        let report = monitor.report();
        assert_eq!((report.state, report.reason.as_str()), (InputState::NoSignal, "no signal at the input"));
        assert_eq!(report.frames_in, 1);
        assert!(arrivals.next_picture(0).is_none());

        arrivals.signal_there();
        assert_eq!(monitor.report().state, InputState::NoSignal);
        arrivals.picture(3, frame);
        assert_eq!((monitor.report().state, monitor.report().frames_in), (InputState::Ok, 2));
        assert_eq!(arrivals.next_picture(0).map(|(captured, _)| captured), Some(3));
    }

    #[test]
    fn a_camera_that_gives_nothing_for_a_second_has_no_signal() {
        let (arrivals, monitor, frame) = camera();
        arrivals.signal_there();
        assert_eq!(monitor.report().state, InputState::Opening);
        arrivals.picture(1, frame);
        arrivals.waiting().silent_since -= SILENCE;
        arrivals.signal_there();
        let report = monitor.report();
        assert_eq!(report.state, InputState::NoSignal);
        assert_eq!(report.reason, "the camera is there, but no pictures arrive");
    }

    #[test]
    fn the_oldest_picture_makes_room() {
        let (arrivals, monitor, frame) = camera();
        (0..=WAITING as u64).for_each(|captured| arrivals.picture(captured, frame.clone()));
        assert_eq!(arrivals.next_picture(0).map(|(captured, _)| captured), Some(1));
        assert_eq!(monitor.report().dropped, 1);
    }
}
