//! Health of a worker is samples out, on every track.

use std::time::{Duration, Instant};

use crate::error::Error;

/// When samples stay away for this long the slate is laid, though the worker may still come round.
const SILENCE: Duration = Duration::from_secs(1);
/// A worker that gave samples and gives none for this long is ended.
const HANG: Duration = Duration::from_millis(2500);
/// A worker must have greeted and given its first sample by then.
pub const START: Duration = Duration::from_secs(15);

/// When a worker last gave a sample of each track; none before it has announced them.
pub struct Pulse {
    born: Instant,
    last_samples: Vec<Instant>,
}

impl Pulse {
    /// Of a worker that has just been started.
    pub fn new() -> Self {
        Self { born: Instant::now(), last_samples: Vec::new() }
    }

    /// It is to give samples of so many tracks from now on.
    pub fn announced(&mut self, tracks: usize) {
        self.last_samples = vec![Instant::now(); tracks];
    }

    /// It has given a sample.
    pub fn sample(&mut self, track: usize) {
        if let Some(last) = self.last_samples.get_mut(track) {
            *last = Instant::now();
        }
    }

    /// For how long the quietest track has been quiet.
    fn quiet(&self) -> Option<Duration> {
        self.last_samples.iter().map(Instant::elapsed).max()
    }

    /// Whether samples come on every track.
    pub fn beats(&self) -> bool {
        self.quiet().is_some_and(|quiet| quiet < SILENCE)
    }

    /// An error where it must be given up.
    pub fn check(&self) -> Result<(), Error> {
        let (since, patience) = match self.quiet() {
            Some(quiet) => (quiet, HANG),
            None => (self.born.elapsed(), START),
        };
        if since > patience { Err(Error::Hang(since.as_millis())) } else { Ok(()) }
    }
}
