//! Init segments (CMAF headers, ISO/IEC 23000-19, 7.3.2.1): `ftyp` and a `moov` of one track without samples.
//!
//! There is no edit list and no `mehd`: decode times are the timeline, and a live track has no length.

use bytes::Bytes;
use media::{Codec, Kind, Layout, LayoutId, Pictures, Track};
use mp4_atom::{
    Audio, Btrt, BufMut, Dinf, Dref, DrefEntry, Encode, Esds, Ftyp, Hdlr, Kind as TrackKind, Mdhd, Mvex,
    Mvhd, Pasp, Smhd, Stco, Stsc, Stsz, Stts, Tkhd, Trex, Url, Visual, Vmhd, esds,
};
use sha2::{Digest, Sha256};

use crate::{
    Error, TRACK_ID,
    config::{self, Fault},
};

pub(crate) type Written = mp4_atom::Result<()>;

/// `objectTypeIndication` of AAC and `streamType` of sound (ISO/IEC 14496-1, 7.2.6.6).
const MPEG4_AUDIO: u8 = 0x40;
const AUDIO_STREAM: u8 = 5;

/// Bytes of a language tag; RFC 5646, 4.4.1, finds 35 to be enough.
pub(crate) const MAX_LANGUAGE: usize = 64;
/// Bytes of an AudioSpecificConfig; AAC-LC without a program config element has 2 to 5.
const MAX_AUDIO_CONFIG: usize = 256;

/// The layout of these tracks: their init segments, and an id derived from them.
///
/// The id is the first 8 bytes, big-endian, of the SHA-256 over all init segments in order.
///
/// # Errors
/// No track, two tracks of one name, or a track that [`init_segment`] refuses.
pub fn layout(tracks: Vec<Track>) -> Result<Layout, Error> {
    if tracks.is_empty() {
        return Err(Error::NoTracks);
    }
    for (index, track) in tracks.iter().enumerate() {
        if tracks[..index].iter().any(|other| other.name == track.name) {
            return Err(unfit(track, "name", "belongs to another track already"));
        }
    }
    let init = tracks.iter().map(init_segment).collect::<Result<Vec<_>, _>>()?;
    let digest = init.iter().fold(Sha256::new(), Sha256::chain_update).finalize();
    let id = digest.iter().take(8).fold(0, |id, byte| id << 8 | u64::from(*byte));
    Ok(Layout { id: LayoutId(id), tracks, init })
}

/// The init segment of a track: the same bytes for the same track, on every box.
///
/// # Errors
/// A field of the track that no box can carry, or a decoder configuration that is malformed or contradicts
/// the track.
pub fn init_segment(track: &Track) -> Result<Bytes, Error> {
    check(track)?;
    let mut out = Vec::with_capacity(1024);
    ftyp(&mut out).and_then(|()| moov(&mut out, track)).map_err(|err| unwritten(track, &err))?;
    Ok(out.into())
}

/// What the box library says of a track that it cannot write.
pub(crate) fn unwritten(track: &Track, err: &mp4_atom::Error) -> Error {
    Error::Encode { track: track.name.clone(), reason: err.to_string() }
}

/// That every box of the track can be written.
pub(crate) fn check(track: &Track) -> Result<(), Error> {
    if track.timescale == 0 {
        return Err(unfit(track, "timescale", "is 0"));
    }
    if !is_language(track.language.as_deref().unwrap_or("und")) {
        return Err(unfit(track, "language", "is not a tag of RFC 5646"));
    }
    match track.codec.pictures() {
        Some(Pictures { width: 0, .. }) => return Err(unfit(track, "width", "is 0")),
        Some(Pictures { height: 0, .. }) => return Err(unfit(track, "height", "is 0")),
        _ => {}
    }
    match &track.codec {
        Codec::H264 { config, .. } => config::check_avc(config)
            .map_err(|fault| bad_config(track, "AVCDecoderConfigurationRecord", fault)),
        Codec::H265 { config, .. } => config::check_hevc(config)
            .map_err(|fault| bad_config(track, "HEVCDecoderConfigurationRecord", fault)),
        Codec::Aac { config, sample_rate, channels } => check_aac(config, *sample_rate, *channels)
            .map_err(|fault| bad_config(track, "AudioSpecificConfig", fault)),
    }
}

/// Whether a text can be a tag of RFC 5646.
pub(crate) fn is_language(tag: &str) -> bool {
    let letters = tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    letters && (1..=MAX_LANGUAGE).contains(&tag.len())
}

fn check_aac(record: &[u8], sample_rate: u32, channels: u16) -> Result<(), Fault> {
    let config = config::read_audio(record)?;
    if record.len() > MAX_AUDIO_CONFIG {
        return Err(Fault { byte: MAX_AUDIO_CONFIG, reason: "the record is too long" });
    }
    if config.object_type != 2 {
        return Err(Fault { byte: 0, reason: "the audio object type is not AAC-LC" });
    }
    if config.sample_rate != sample_rate {
        return Err(Fault { byte: 0, reason: "the sampling frequency is not the track's sample rate" });
    }
    if config.channels != 0 && config.channels != channels {
        let byte = config.channels_byte;
        return Err(Fault { byte, reason: "the channel configuration is not the track's" });
    }
    Ok(())
}

pub(crate) fn unfit(track: &Track, field: &'static str, reason: &'static str) -> Error {
    Error::Track { track: track.name.clone(), field, reason }
}

fn bad_config(track: &Track, record: &'static str, fault: Fault) -> Error {
    Error::Config { track: track.name.clone(), record, byte: fault.byte, reason: fault.reason }
}

/// `cmf2` says what the chunks keep to: `trun` version 1 and no edit list (ISO/IEC 23000-19, 7.7).
fn ftyp(out: &mut Vec<u8>) -> Written {
    Ftyp {
        major_brand: b"cmfc".into(),
        minor_version: 0,
        compatible_brands: vec![b"cmfc".into(), b"cmf2".into(), b"iso6".into()],
    }
    .encode(out)
}

// Containers are written here and not by the library's structs, to keep the order of boxes that players see
// everywhere else (`trak` before `mvex`, `vmhd` before `stbl`) and to hold boxes the library does not know.

fn moov(out: &mut Vec<u8>, track: &Track) -> Written {
    let mvhd = Mvhd {
        timescale: track.timescale,
        rate: 1.into(),
        volume: 1.into(),
        next_track_id: TRACK_ID + 1,
        ..Mvhd::default()
    };
    let trex = Trex { track_id: TRACK_ID, default_sample_description_index: 1, ..Trex::default() };
    out.encode_atom(b"moov", |out| {
        mvhd.encode(out)?;
        out.encode_atom(b"trak", |out| {
            tkhd(track).encode(out)?;
            out.encode_atom(b"mdia", |out| mdia(out, track))?;
            captions(out, track)
        })?;
        Mvex { mehd: None, trex: vec![trex] }.encode(out)
    })
}

/// What the captions of the pictures are, as DASH says it too (ISO/IEC 14496-12, 8.10.4).
fn captions(out: &mut Vec<u8>, track: &Track) -> Written {
    if track.captions.is_empty() {
        return Ok(());
    }
    out.encode_atom(b"udta", |out| {
        track.captions.iter().try_for_each(|captions| {
            let (scheme, value) = captions.descriptor();
            TrackKind { scheme_uri: scheme.to_owned(), value }.encode(out)
        })
    })
}

fn tkhd(track: &Track) -> Tkhd {
    let tkhd = Tkhd { track_id: TRACK_ID, enabled: true, in_movie: true, ..Tkhd::default() };
    match track.codec.pictures() {
        Some(Pictures { width, height, .. }) => Tkhd { width: width.into(), height: height.into(), ..tkhd },
        None => Tkhd { volume: 1.into(), ..tkhd },
    }
}

fn mdia(out: &mut Vec<u8>, track: &Track) -> Written {
    mdhd(out, track.language.as_deref(), Mdhd { timescale: track.timescale, ..Mdhd::default() })?;
    let name = match track.kind() {
        Kind::Video => "Video",
        Kind::Audio => "Sound",
    };
    hdlr(track, name).encode(out)?;
    out.encode_atom(b"minf", |out| {
        media_header(out, track)?;
        out.encode_atom(b"stbl", |out| stbl(out, |out| sample_entry(out, track)))
    })
}

/// `mdhd` with these times and the language; `elng` behind it where that has no room for the language.
pub(crate) fn mdhd(out: &mut Vec<u8>, language: Option<&str>, times: Mdhd) -> Written {
    let tag = language.unwrap_or("und");
    let three_letters = tag.len() == 3 && tag.bytes().all(|byte| byte.is_ascii_lowercase());
    let language = if three_letters { tag } else { "und" };
    Mdhd { language: language.into(), ..times }.encode(out)?;
    if !three_letters {
        // Extended language tag (ISO/IEC 14496-12, 8.4.6): `mdhd` has room for ISO 639-2 only.
        out.encode_atom(b"elng", |out| {
            0u32.encode(out)?;
            tag.encode(out)
        })?;
    }
    Ok(())
}

pub(crate) fn hdlr(track: &Track, name: &str) -> Hdlr {
    let handler = match track.kind() {
        Kind::Video => b"vide",
        Kind::Audio => b"soun",
    };
    Hdlr { handler: handler.into(), name: name.into() }
}

/// What stands before `stbl` in `minf`: the header of the kind, and that the samples are in this file.
pub(crate) fn media_header(out: &mut Vec<u8>, track: &Track) -> Written {
    match track.kind() {
        Kind::Video => Vmhd::default().encode(out)?,
        Kind::Audio => Smhd::default().encode(out)?,
    }
    data_here(out)
}

/// That the samples are in this file.
pub(crate) fn data_here(out: &mut Vec<u8>) -> Written {
    let here = DrefEntry::Url(Url { location: String::new() });
    Dinf { dref: Dref { entries: vec![here] } }.encode(out)
}

/// Sample tables without samples, with this entry in `stsd`.
pub(crate) fn stbl(out: &mut Vec<u8>, entry: impl FnOnce(&mut Vec<u8>) -> Written) -> Written {
    out.encode_atom(b"stsd", |out| {
        0u32.encode(out)?;
        1u32.encode(out)?;
        entry(out)
    })?;
    Stts::default().encode(out)?;
    Stsc::default().encode(out)?;
    Stsz::default().encode(out)?;
    Stco::default().encode(out)
}

/// The track's entry in `stsd`.
pub(crate) fn sample_entry(out: &mut Vec<u8>, track: &Track) -> Written {
    match &track.codec {
        Codec::H264 { config, width, height, .. } => {
            visual(out, (b"avc1", b"avcC"), config, (*width, *height), track.bitrate)
        }
        Codec::H265 { config, width, height, .. } => {
            visual(out, (b"hvc1", b"hvcC"), config, (*width, *height), track.bitrate)
        }
        Codec::Aac { config, sample_rate, channels } => {
            mp4a(out, config, *sample_rate, *channels, track.bitrate)
        }
    }
}

/// A sample entry of pictures and its box of the decoder configuration.
fn visual(
    out: &mut Vec<u8>,
    (entry, record): (&[u8; 4], &[u8; 4]),
    config: &[u8],
    (width, height): (u16, u16),
    bitrate: u32,
) -> Written {
    out.encode_atom(entry, |out| {
        Visual { data_reference_index: 1, width, height, ..Visual::default() }.encode(out)?;
        // The record goes in as it came: the codec string of manifests is made from the same bytes.
        out.encode_atom(record, |out| {
            out.append_slice(config);
            Ok(())
        })?;
        Pasp { h_spacing: 1, v_spacing: 1 }.encode(out)?;
        btrt(bitrate).encode(out)
    })
}

fn mp4a(out: &mut Vec<u8>, config: &[u8], sample_rate: u32, channels: u16, bitrate: u32) -> Written {
    let decoder = esds::DecoderConfig {
        object_type_indication: MPEG4_AUDIO,
        stream_type: AUDIO_STREAM,
        max_bitrate: bitrate,
        avg_bitrate: bitrate,
        dec_specific: Some(esds::DecoderSpecific { raw: config.to_vec(), ..Default::default() }),
        ..Default::default()
    };
    let es_desc =
        esds::EsDescriptor { es_id: TRACK_ID as u16, dec_config: decoder, ..esds::EsDescriptor::default() };
    // The field has 16 bits; readers take a higher rate from the AudioSpecificConfig.
    let sample_rate = u16::try_from(sample_rate).unwrap_or(0);
    out.encode_atom(b"mp4a", |out| {
        let audio = Audio {
            data_reference_index: 1,
            channel_count: channels,
            sample_size: 16,
            sample_rate: sample_rate.into(),
        };
        audio.encode(out)?;
        Esds { es_desc }.encode(out)?;
        btrt(bitrate).encode(out)
    })
}

fn btrt(bitrate: u32) -> Btrt {
    Btrt { buffer_size_db: 0, max_bitrate: bitrate, avg_bitrate: bitrate }
}

#[cfg(test)]
mod tests;
