//! What an encoder is asked to make.

use serde::{Deserialize, Serialize};

/// One quality of a channel's pictures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rendition {
    /// Becomes the track's name: `720p`.
    pub name: String,
    /// Coded width in pixels, even.
    pub width: u16,
    /// Coded height in pixels, even.
    pub height: u16,
    /// Bits per second.
    pub bitrate: u32,
}

impl Rendition {
    /// Pixels in one picture.
    #[must_use]
    pub fn pixels(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }
}

/// How a channel's sound is encoded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sound {
    /// Bits per second.
    pub bitrate: u32,
    /// Samples per second.
    pub sample_rate: u32,
    /// Number of channels.
    pub channels: u16,
    /// What is spoken (RFC 5646); none where nobody has said.
    pub language: Option<String>,
}
