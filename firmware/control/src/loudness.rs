//! How loud the channels are, ten times a second: too quick for the [`Snapshot`](crate::Snapshot).

use std::sync::Arc;

use media::Levels;
use tokio::sync::watch;

/// How loud a channel's sounds are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loudness {
    /// When they were measured, in milliseconds since the epoch; 0 before the first time.
    pub at: u64,
    /// In the order of the channel's tracks.
    pub sounds: Vec<SoundLevels>,
}

/// How loud one sound is.
#[derive(Clone, Debug, PartialEq)]
pub struct SoundLevels {
    /// Its track's name.
    pub name: String,
    /// How loud it is.
    pub levels: Levels,
}

/// Listens to a channel; none where there is none that runs.
pub type Listen = Arc<dyn Fn(&str) -> Option<watch::Receiver<Arc<Loudness>>> + Send + Sync>;
