//! Waits for whatever may change the state of a camera: devices that come and go, a change of its signal, the worker's end.

use std::{
    os::fd::{AsFd, OwnedFd},
    thread,
    time::Duration,
};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

use super::{signal::Input, uevents::Uevents};

/// Waits for one keeper of a camera; others may [ring](Watch::ring).
pub struct Watch {
    uevents: Option<Uevents>,
    bell: Option<OwnedFd>,
}

/// What a wait was ended by; neither where it was the time or the bell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// A camera or a sound card has come or gone, perhaps.
    pub devices: bool,
    /// The driver has something to say of the input.
    pub input: bool,
}

impl Watch {
    /// Begins to listen. What cannot be listened to is logged, and has to be looked for from time to time.
    pub fn new() -> Self {
        let uevents = Uevents::subscribe()
            .inspect_err(|error| tracing::warn!(%error, "the kernel's device events cannot be heard"));
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .inspect_err(|error| tracing::warn!(%error, "no bell for the camera's keeper"));
        Self { uevents: uevents.ok(), bell: bell.ok() }
    }

    /// Whether it is told when a camera comes.
    pub fn hears_devices(&self) -> bool {
        // Without a bell no wait may be long.
        self.uevents.is_some() && self.bell.is_some()
    }

    /// Ends the wait, and all that follow.
    pub fn ring(&self) {
        if let Some(bell) = &self.bell {
            // It can only fail by having been rung 2^64 times.
            let _ = rustix::io::write(bell, &1u64.to_ne_bytes());
        }
    }

    /// Waits for news, at most `longest`; those of `input` only where its driver gives any.
    pub fn wait(&self, input: Option<&Input>, longest: Duration) -> News {
        let input = input.filter(|input| input.is_subscribed());
        let devices = self.uevents.as_ref().map(|uevents| PollFd::new(uevents, PollFlags::IN));
        let signal = input.map(|input| PollFd::new(input, PollFlags::PRI));
        let bell = self.bell.as_ref().map(|bell| PollFd::from_borrowed_fd(bell.as_fd(), PollFlags::IN));
        let order = [devices.is_some(), signal.is_some()];
        let mut watched: Vec<_> = [devices, signal, bell].into_iter().flatten().collect();
        let timeout = Timespec {
            tv_sec: i64::try_from(longest.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: longest.subsec_nanos().into(),
        };
        if watched.is_empty() {
            thread::sleep(longest);
            return News::default();
        }
        // Nothing is known where it was interrupted.
        if poll(&mut watched, Some(&timeout)).is_err() {
            return News::default();
        }
        let mut seen = watched.iter().map(|watched| !watched.revents().is_empty());
        let [devices, signal] = order.map(|there| there && seen.next() == Some(true));
        let devices = devices && self.uevents.as_ref().is_some_and(Uevents::take);
        News { devices, input: signal }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn the_bell_ends_a_wait_and_stays_rung() {
        let watch = Watch::new();
        let begun = Instant::now();
        assert!(!watch.wait(None, Duration::from_millis(30)).input);
        watch.ring();
        for _ in 0..3 {
            watch.wait(None, Duration::from_secs(60));
        }
        assert!(begun.elapsed() < Duration::from_secs(20));
    }
}
