//! Tracks and their codec parameters; a layout is the set of tracks that share init segments.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::FrameRate;

/// Whether a track carries pictures or sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
}

/// Codec parameters, as far as an init segment and a manifest need them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "codec", rename_all = "lowercase")]
pub enum Codec {
    /// H.264; samples are length-prefixed NAL units with 4-byte lengths, parameter sets only in `config`.
    H264 {
        /// AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1).
        config: Bytes,
        /// Coded width in pixels.
        width: u16,
        /// Coded height in pixels.
        height: u16,
        /// Frames per second.
        rate: FrameRate,
    },
    /// AAC-LC; samples are raw access units without ADTS headers.
    Aac {
        /// AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1).
        config: Bytes,
        /// Samples per second.
        sample_rate: u32,
        /// Number of channels.
        channels: u16,
    },
}

/// One CMAF track of a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Track {
    /// Name within the channel, as it stands in URLs: `720p`, `audio`. Letters, digits and `-`.
    pub name: String,
    /// Ticks per second of its decode times.
    pub timescale: u32,
    /// Bits per second that the encoder was asked for.
    pub bitrate: u32,
    /// Language (RFC 5646), where one is known.
    pub language: Option<String>,
    /// Codec parameters.
    pub codec: Codec,
}

impl Track {
    /// Whether this track carries pictures or sound.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self.codec {
            Codec::H264 { .. } => Kind::Video,
            Codec::Aac { .. } => Kind::Audio,
        }
    }

    /// The codec as RFC 6381 writes it: `avc1.64001f`, `mp4a.40.2`.
    #[must_use]
    pub fn rfc6381(&self) -> String {
        match &self.codec {
            Codec::H264 { config, .. } => match config.get(1..4) {
                Some([profile, constraints, level]) => {
                    format!("avc1.{profile:02x}{constraints:02x}{level:02x}")
                }
                _ => "avc1".to_owned(),
            },
            Codec::Aac { config, .. } => {
                let object_type = config.first().map_or(2, |byte| byte >> 3);
                format!("mp4a.40.{object_type}")
            }
        }
    }
}

/// Names a [`Layout`]; the same tracks with the same init segments have the same id on every box.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LayoutId(pub u64);

impl fmt::Display for LayoutId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// A channel's tracks and their init segments, unchanged from one discontinuity to the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// Derived from the content of `init`.
    pub id: LayoutId,
    /// The tracks, video before audio, best quality first. Their position is the track index.
    pub tracks: Vec<Track>,
    /// Init segment (`ftyp` and `moov`) of each track, in the order of `tracks`.
    pub init: Vec<Bytes>,
}

impl Layout {
    /// The index of the track with this name.
    #[must_use]
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.tracks.iter().position(|track| track.name == name)
    }
}
