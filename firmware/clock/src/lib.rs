//! The timeline's clock: the monotonic clock plus one offset to UTC that is slewed and never steps.
//!
//! `riserd` keeps the offset, its workers follow it. Whatever sets the system's clock (a technician, NTP's first
//! answer) moves the timeline by at most 500 microseconds a second, so media time neither jumps nor runs backwards.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use media::NANOS;
use rustix::time::{ClockId, clock_gettime};

/// Most by which one [`Clock::slew`] moves the timeline: 500 ppm when called each second.
const SLEW: i64 = 500_000;

/// Tells nanoseconds since the epoch. Clones share the offset.
#[derive(Clone, Debug)]
pub struct Clock {
    offset: Arc<AtomicI64>,
}

impl Clock {
    /// A clock that begins with what the system's clocks say now.
    #[must_use]
    pub fn from_system() -> Self {
        Self { offset: Arc::new(AtomicI64::new(system_offset())) }
    }

    /// UTC less the monotonic clock, in nanoseconds.
    #[must_use]
    pub fn offset(&self) -> i64 {
        self.offset.load(Ordering::Relaxed)
    }

    /// Takes over an offset.
    pub fn set_offset(&self, offset: i64) {
        self.offset.store(offset, Ordering::Relaxed);
    }

    /// Nanoseconds by which the timeline is ahead of the system's clock.
    #[must_use]
    pub fn error(&self) -> i64 {
        self.offset() - system_offset()
    }

    /// Moves the timeline towards the system's clock, by no more than 500 microseconds. To be called each second.
    pub fn slew(&self) {
        self.set_offset(self.offset() - self.error().clamp(-SLEW, SLEW));
    }

    /// Moves the timeline so far that `instant`, in nanoseconds since the epoch, is not in the future.
    ///
    /// For a start with a system clock that has fallen behind what is already recorded.
    pub fn reach(&self, instant: u64) {
        let behind = instant.saturating_sub(self.now());
        self.set_offset(self.offset().saturating_add_unsigned(behind));
    }

    /// Nanoseconds since the epoch, now.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.at(monotonic())
    }

    /// Nanoseconds since the epoch at a reading of the monotonic clock.
    #[must_use]
    pub fn at(&self, monotonic: u64) -> u64 {
        monotonic.saturating_add_signed(self.offset())
    }

    /// Sleeps until `instant`, nanoseconds since the epoch.
    pub fn sleep_until(&self, instant: u64) {
        std::thread::sleep(self.until(instant));
    }

    /// What is left until `instant`, nanoseconds since the epoch.
    #[must_use]
    pub fn until(&self, instant: u64) -> Duration {
        Duration::from_nanos(instant.saturating_sub(self.now()))
    }
}

fn system_offset() -> i64 {
    let utc = clock_gettime(ClockId::Realtime);
    let utc = utc.tv_sec * NANOS.cast_signed() + utc.tv_nsec;
    utc - monotonic().cast_signed()
}

fn monotonic() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec.cast_unsigned() * NANOS + now.tv_nsec.cast_unsigned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_offset_is_slewed_not_stepped() {
        let clock = Clock::from_system();
        clock.set_offset(clock.offset() + 10_000_000);
        clock.slew();
        assert!((9_400_000..9_600_000).contains(&clock.error()), "{}", clock.error());
        clock.set_offset(clock.offset() - clock.error() - 100_000);
        clock.slew();
        assert!(clock.error().abs() < 50_000, "{}", clock.error());
    }

    #[test]
    fn the_timeline_reaches_what_is_recorded() {
        let clock = Clock::from_system();
        let recorded = clock.now() + 3600 * NANOS;
        clock.reach(recorded);
        assert!(clock.now() >= recorded && clock.now() < recorded + NANOS);
        clock.reach(0);
        assert!(clock.now() < recorded + NANOS);
    }
}
