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
    /// HEVC; samples are length-prefixed NAL units with 4-byte lengths, parameter sets only in `config`.
    H265 {
        /// HEVCDecoderConfigurationRecord (ISO/IEC 14496-15, 8.3.3.1).
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

/// Size and rate of a track's pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pictures {
    /// Coded width in pixels.
    pub width: u16,
    /// Coded height in pixels.
    pub height: u16,
    /// Frames per second.
    pub rate: FrameRate,
}

impl Codec {
    /// Size and rate of the pictures; none of sound.
    #[must_use]
    pub fn pictures(&self) -> Option<Pictures> {
        match *self {
            Self::H264 { width, height, rate, .. } | Self::H265 { width, height, rate, .. } => {
                Some(Pictures { width, height, rate })
            }
            Self::Aac { .. } => None,
        }
    }
}

/// Captions within the pictures of a track (CTA-708-E).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Captions {
    /// `CC1` to `CC4` of CEA-608, `SERVICE1` to `SERVICE63` of CEA-708.
    pub service: String,
    /// Language (RFC 5646), where one is known.
    pub language: Option<String>,
    /// They are given as subtitles, too: those of CEA-608 only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub subtitles: bool,
}

impl Captions {
    /// The scheme of their standard and what they are in it (SCTE 214-1, 7.2.3): `CC1=eng`, `1=lang:eng`; languages have three
    /// letters there, others are left out.
    #[must_use]
    pub fn descriptor(&self) -> (&'static str, String) {
        let language = self.language.as_deref().filter(|language| language.len() == 3);
        let (scheme, name, sign) = match self.service.strip_prefix("SERVICE") {
            Some(number) => ("urn:scte:dash:cc:cea-708:2015", number, "=lang:"),
            None => ("urn:scte:dash:cc:cea-608:2015", self.service.as_str(), "="),
        };
        let language = language.map_or_else(String::new, |language| format!("{sign}{language}"));
        (scheme, format!("{name}{language}"))
    }
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
    /// Captions that its pictures carry, as far as the operator has named them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub captions: Vec<Captions>,
    /// Codec parameters.
    pub codec: Codec,
}

impl Track {
    /// Whether this track carries pictures or sound.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self.codec {
            Codec::H264 { .. } | Codec::H265 { .. } => Kind::Video,
            Codec::Aac { .. } => Kind::Audio,
        }
    }

    /// The codec as RFC 6381 writes it: `avc1.64001f`, `hvc1.1.6.L93.90`, `mp4a.40.2`.
    #[must_use]
    pub fn rfc6381(&self) -> String {
        match &self.codec {
            Codec::H264 { config, .. } => match config.get(1..4) {
                Some([profile, constraints, level]) => {
                    format!("avc1.{profile:02x}{constraints:02x}{level:02x}")
                }
                _ => "avc1".to_owned(),
            },
            Codec::H265 { config, .. } => hvc1(config).unwrap_or_else(|| "hvc1".to_owned()),
            Codec::Aac { config, .. } => {
                let object_type = config.first().map_or(2, |byte| byte >> 3);
                format!("mp4a.40.{object_type}")
            }
        }
    }
}

/// ISO/IEC 14496-15, annex E.3: profile space and profile, compatibility flags in reverse order, tier and level, then
/// the constraint bytes without the zeros at their end.
fn hvc1(config: &[u8]) -> Option<String> {
    let (profile, level) = (config.get(1)?, config.get(12)?);
    let space = ["", "A", "B", "C"][usize::from(profile >> 6)];
    let tier = if profile & 0x20 == 0 { 'L' } else { 'H' };
    let flags = u32::from_be_bytes(config.get(2..6)?.try_into().ok()?).reverse_bits();
    let mut text = format!("hvc1.{space}{}.{flags:X}.{tier}{level}", profile & 0x1f);
    let constraints = config.get(6..12)?;
    let used = constraints.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    for byte in &constraints[..used] {
        text.push_str(&format!(".{byte:X}"));
    }
    Some(text)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codecs_are_named_as_players_know_them() {
        let track = |codec| {
            Track {
                name: "t".to_owned(),
                timescale: 1,
                bitrate: 1,
                language: None,
                captions: Vec::new(),
                codec,
            }
            .rfc6381()
        };
        let rate = FrameRate::new(25, 1).unwrap();
        let hevc = |config: &'static [u8]| {
            track(Codec::H265 { config: Bytes::from_static(config), width: 2, height: 2, rate })
        };
        // Main profile, level 3.1, progressive and frame-only: the record that x265 makes.
        assert_eq!(hevc(&[1, 1, 0x60, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 93]), "hvc1.1.6.L93.90");
        // The standard's own example with a profile space and high tier.
        assert_eq!(hevc(&[1, 0x62, 0x20, 0, 0, 0, 0xb0, 0x23, 0, 0, 0, 0, 120]), "hvc1.A2.4.H120.B0.23");
        assert_eq!(hevc(&[1, 1]), "hvc1");
        let config = Bytes::from_static(&[1, 0x64, 0, 0x1f]);
        assert_eq!(track(Codec::H264 { config, width: 2, height: 2, rate }), "avc1.64001f");
    }
}
