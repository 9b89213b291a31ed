//! What an encoder is asked to make.

use serde::{Deserialize, Serialize};

/// How pictures are encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Coding {
    /// H.264, which every player reads.
    #[default]
    H264,
    /// HEVC: the same quality in about two thirds of the bits, for players that read it.
    H265,
}

/// What of H.264 an encoder may use, for the sake of players that cannot read all of it. HEVC is always of its main profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Constrained Baseline.
    Baseline,
    /// Main.
    Main,
    /// High.
    #[default]
    High,
}

/// How an encoder spends the bits of a rendition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RateControl {
    /// At the rendition's rate always, within a buffer of one second.
    #[default]
    #[serde(rename = "cbr")]
    Constant,
    /// As many as the pictures need, at most the rendition's rate within a buffer of one second.
    #[serde(rename = "capped-vbr")]
    Capped,
}

/// One quality of a channel's pictures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rendition {
    /// Becomes the track's name: `720p`.
    pub name: String,
    /// How its pictures are encoded.
    pub coding: Coding,
    /// What of it may be used.
    pub profile: Profile,
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

/// One sound of a channel and how it is encoded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sound {
    /// Becomes the track's name: `audio`.
    pub name: String,
    /// Which pair of the input's sound it is, counted from 1.
    pub pair: u16,
    /// Bits per second.
    pub bitrate: u32,
    /// Samples per second.
    pub sample_rate: u32,
    /// Number of channels.
    pub channels: u16,
    /// What is spoken (RFC 5646); none where nobody has said.
    pub language: Option<String>,
}
