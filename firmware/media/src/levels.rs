//! How loud a sound is.

use serde::{Deserialize, Serialize};

/// How loud one sound was in the last 100 ms, and before. [`Self::FLOOR`] where nothing was to be heard.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Levels {
    /// True peak of the left and of the right channel, dBTP.
    pub peak: [f32; 2],
    /// Root of the mean square of each, dBFS: a full-scale sine is -3.0.
    pub rms: [f32; 2],
    /// Of the last 400 ms, LUFS.
    pub momentary: f32,
    /// Of the last 3 s, LUFS.
    pub short_term: f32,
    /// Of all since the meter began, gated, LUFS.
    pub integrated: f32,
}

impl Levels {
    /// What is told where there is nothing to be heard.
    pub const FLOOR: f32 = -100.0;
}
