//! What an init segment says of its tracks.

use bytes::Bytes;
use mp4_atom::{Audio, Btrt, Esds, Mdhd, Tkhd, Trex, Visual};

use super::boxes::{Boxes, RawBox, first};
use crate::{BoxType, Error, config, init::MAX_LANGUAGE};

/// `esds` nests descriptors, and the box library follows them by recursion. A sound one has about 50 bytes;
/// 1 KiB of nothing but nested headers is shallow.
const MAX_ESDS: usize = 1024;

/// An init segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InitInfo {
    /// Its tracks in the order of their `trak` boxes; at least one.
    pub tracks: Vec<InitTrack>,
}

/// A track of an init segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InitTrack {
    /// Its `track_ID`.
    pub id: u32,
    /// Ticks per second of its decode times, at least 1.
    pub timescale: u32,
    /// Language: the extended tag (RFC 5646) where there is one, else ISO 639-2; `None` where undetermined.
    pub language: Option<String>,
    /// Average bits per second (`btrt`), where it says.
    pub bitrate: Option<u32>,
    /// Codec parameters.
    pub codec: InitCodec,
    pub(super) defaults: Defaults,
}

/// Codec parameters as far as an init segment has them: [`media::Codec`] without the frame rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InitCodec {
    /// H.264 with its parameter sets in `config` (sample entry `avc1`).
    H264 {
        /// AVCDecoderConfigurationRecord, 4-byte NAL unit lengths.
        config: Bytes,
        /// Coded width in pixels.
        width: u16,
        /// Coded height in pixels.
        height: u16,
    },
    /// HEVC with its parameter sets in `config` (sample entry `hvc1`).
    H265 {
        /// HEVCDecoderConfigurationRecord, 4-byte NAL unit lengths.
        config: Bytes,
        /// Coded width in pixels.
        width: u16,
        /// Coded height in pixels.
        height: u16,
    },
    /// MPEG-4 audio (sample entry `mp4a`).
    Aac {
        /// AudioSpecificConfig.
        config: Bytes,
        /// Samples per second.
        sample_rate: u32,
        /// Number of channels.
        channels: u16,
    },
    /// Any other sample entry.
    Other(BoxType),
}

/// Sample fields that fragments may leave out (`trex`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Defaults {
    pub(super) duration: Option<u32>,
    pub(super) size: Option<u32>,
    pub(super) flags: Option<u32>,
}

/// Reads an init segment.
///
/// # Errors
/// The first box that is missing, cut short or malformed, with its offset in `bytes`.
pub fn read_init(bytes: &[u8]) -> Result<InitInfo, Error> {
    let missing =
        |kind| Error::ReadBox { offset: bytes.len(), kind: BoxType(kind), reason: "is missing".to_owned() };
    let moov = first(Boxes::new(bytes), b"moov")?.ok_or_else(|| missing(*b"moov"))?;
    let mvex = moov.find(b"mvex")?;
    let mut tracks = Vec::new();
    for child in moov.children(0)? {
        let child = child?;
        if child.kind.0 == *b"trak" {
            let mut track = read_track(&child)?;
            if let Some(mvex) = mvex {
                track.defaults = defaults(&mvex, track.id)?;
            }
            tracks.push(track);
        }
    }
    if tracks.is_empty() { Err(moov.error("has no `trak`")) } else { Ok(InitInfo { tracks }) }
}

fn read_track(trak: &RawBox<'_>) -> Result<InitTrack, Error> {
    let id = trak.child(b"tkhd")?.decode::<Tkhd>()?.track_id;
    let mdia = trak.child(b"mdia")?;
    let mdhd = mdia.child(b"mdhd")?;
    let Mdhd { timescale, language, .. } = mdhd.decode()?;
    if timescale == 0 {
        return Err(mdhd.error("the timescale is 0"));
    }
    let language = match mdia.find(b"elng")? {
        Some(elng) => extended_language(&elng)?,
        None => language,
    };
    let stsd = mdia.child(b"minf")?.child(b"stbl")?.child(b"stsd")?;
    let entry = stsd.children(8)?.next().ok_or_else(|| stsd.error("has no sample entry"))??;
    let (codec, bitrate) = match &entry.kind.0 {
        b"avc1" => visual(&entry, b"avcC")?,
        b"hvc1" => visual(&entry, b"hvcC")?,
        b"mp4a" => mp4a(&entry)?,
        _ => (InitCodec::Other(entry.kind), None),
    };
    let language = Some(language).filter(|tag| tag != "und");
    Ok(InitTrack { id, timescale, language, bitrate, codec, defaults: Defaults::default() })
}

fn extended_language(elng: &RawBox<'_>) -> Result<String, Error> {
    let tag = elng.body.get(4..).and_then(|tag| tag.strip_suffix(&[0]));
    match tag.and_then(|tag| std::str::from_utf8(tag).ok()) {
        Some(tag) if tag.len() <= MAX_LANGUAGE => Ok(tag.to_owned()),
        _ => Err(elng.error("is not a language tag")),
    }
}

/// A sample entry of pictures with this box of the decoder configuration.
fn visual(entry: &RawBox<'_>, kind: &[u8; 4]) -> Result<(InitCodec, Option<u32>), Error> {
    let (Visual { width, height, .. }, children) = entry.decode_head()?;
    let missing = || entry.error(format!("has no `{}`", BoxType(*kind)));
    let record = first(children.clone(), kind)?.ok_or_else(missing)?;
    let checked = match kind {
        b"hvcC" => config::check_hevc(record.body),
        _ => config::check_avc(record.body),
    };
    checked.map_err(|fault| record.error(format!("byte {} of the record: {}", fault.byte, fault.reason)))?;
    let config = Bytes::copy_from_slice(record.body);
    let codec = match kind {
        b"hvcC" => InitCodec::H265 { config, width, height },
        _ => InitCodec::H264 { config, width, height },
    };
    Ok((codec, bitrate(children)?))
}

fn mp4a(entry: &RawBox<'_>) -> Result<(InitCodec, Option<u32>), Error> {
    let (Audio { channel_count, .. }, children) = entry.decode_head()?;
    let esds = first(children.clone(), b"esds")?.ok_or_else(|| entry.error("has no `esds`"))?;
    if esds.body.len() > MAX_ESDS {
        return Err(esds.error(format!("is larger than {MAX_ESDS} bytes")));
    }
    let Esds { es_desc } = esds.decode()?;
    let specific =
        es_desc.dec_config.dec_specific.ok_or_else(|| esds.error("has no AudioSpecificConfig"))?.raw;
    let audio = config::read_audio(&specific).map_err(|fault| {
        esds.error(format!("byte {} of the AudioSpecificConfig: {}", fault.byte, fault.reason))
    })?;
    let channels = if audio.channels == 0 { channel_count } else { audio.channels };
    let codec = InitCodec::Aac { config: specific.into(), sample_rate: audio.sample_rate, channels };
    Ok((codec, bitrate(children)?))
}

fn bitrate(children: Boxes<'_>) -> Result<Option<u32>, Error> {
    first(children, b"btrt")?.map(|btrt| Ok(btrt.decode::<Btrt>()?.avg_bitrate)).transpose()
}

fn defaults(mvex: &RawBox<'_>, track_id: u32) -> Result<Defaults, Error> {
    for child in mvex.children(0)? {
        let child = child?;
        if child.kind.0 == *b"trex" {
            let trex: Trex = child.decode()?;
            if trex.track_id == track_id {
                return Ok(Defaults {
                    duration: Some(trex.default_sample_duration),
                    size: Some(trex.default_sample_size),
                    flags: Some(trex.default_sample_flags),
                });
            }
        }
    }
    Ok(Defaults::default())
}
