//! Tracks of subtitles: WebVTT in ISO-BMFF (ISO/IEC 14496-30; ISO/IEC 23000-19, 11).
//!
//! What the cues are is not looked at: their settings and text come as WebVTT has them.

use bytes::Bytes;
use media::Sample;
use mp4_atom::{BufMut, Encode, Ftyp, Hdlr, Mdhd, Mvex, Mvhd, Nmhd, PlainText, Tkhd, Trex, VttC, Wvtt};

use crate::{
    Error, TRACK_ID,
    chunk::{self, MDAT_HEADER},
    init::{self, Written},
};

/// The name of the track in errors.
const NAME: &str = "text";

/// A WebVTT cue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cue {
    /// Ticks of the track since the epoch.
    pub begin: u64,
    /// Where it ends.
    pub end: u64,
    /// Cue settings: `line:79.33% align:start`; may be empty.
    pub settings: String,
    /// Cue payload, escaped.
    pub text: String,
}

/// The init segment of a `wvtt` track.
///
/// # Errors
/// A timescale of 0, or a language that is no tag of RFC 5646.
pub fn init(language: Option<&str>, timescale: u32) -> Result<Bytes, Error> {
    if timescale == 0 {
        return Err(Error::Track { track: NAME.into(), field: "timescale", reason: "is 0" });
    }
    if !language.is_none_or(init::is_language) {
        let reason = "is not a tag of RFC 5646";
        return Err(Error::Track { track: NAME.into(), field: "language", reason });
    }
    let mut out = Vec::with_capacity(512);
    ftyp(&mut out).and_then(|()| moov(&mut out, language, timescale)).map_err(|error| refused(&error))?;
    Ok(out.into())
}

/// The segment `begin..end`, in ticks of the track: one `moof` and `mdat`, without a hole. Where no cue stands, an empty one
/// does.
///
/// Cues are cut to the segment. Those that begin and end at the same times share their samples; one that stands while another
/// begins or ends is in several samples.
///
/// # Errors
/// A segment without length, one that has a sample of more than 32 bits of ticks, or more than 4 GiB.
pub fn segment(sequence: u32, begin: u64, end: u64, cues: &[Cue]) -> Result<Bytes, Error> {
    let samples = samples(begin, end, cues)?;
    if samples.is_empty() {
        return Err(Error::NoSamples { track: NAME.into() });
    }
    let payload: usize = samples.iter().map(|sample| sample.data.len()).sum();
    let mdat = u32::try_from(payload + MDAT_HEADER)
        .map_err(|_| bad(samples.len() - 1, "makes the segment larger than 4 GiB"))?;
    let mut out = Vec::with_capacity(payload + 256 + 16 * samples.len());
    chunk::styp(&mut out, true, false)
        .and_then(|()| chunk::moof(&mut out, sequence, &samples))
        .map_err(|error| refused(&error))?;
    out.extend_from_slice(&mdat.to_be_bytes());
    out.extend_from_slice(b"mdat");
    samples.iter().for_each(|sample| out.extend_from_slice(&sample.data));
    Ok(out.into())
}

/// A sample from each time at which a cue begins or ends to the next.
fn samples(begin: u64, end: u64, cues: &[Cue]) -> Result<Vec<Sample>, Error> {
    let seen = |cue: &&Cue| cue.begin.max(begin) < cue.end.min(end);
    let cues: Vec<&Cue> = cues.iter().filter(seen).collect();
    let mut lines: Vec<u64> = cues.iter().flat_map(|cue| [cue.begin, cue.end]).chain([begin, end]).collect();
    lines.retain(|line| (begin..=end).contains(line));
    lines.sort_unstable();
    lines.dedup();
    let sample = |(index, stretch): (usize, &[u64])| {
        let (from, to) = (stretch[0], stretch[1]);
        let standing = cues.iter().filter(|cue| cue.begin <= from && to <= cue.end);
        let data = payload(standing.copied()).map_err(|error| refused(&error))?;
        let duration =
            u32::try_from(to - from).map_err(|_| bad(index, "lasts more than 32 bits of ticks"))?;
        Ok(Sample {
            decode_time: from,
            duration,
            composition_offset: 0,
            sync: true,
            filler: false,
            captured: 0,
            data: data.into(),
        })
    };
    lines.windows(2).enumerate().map(sample).collect()
}

/// `vttc` of each cue, `vtte` where there is none.
fn payload<'a>(cues: impl Iterator<Item = &'a Cue>) -> mp4_atom::Result<Vec<u8>> {
    let mut out = Vec::new();
    for cue in cues {
        out.encode_atom(b"vttc", |out| {
            if !cue.settings.is_empty() {
                out.encode_atom(b"sttg", |out| cue.settings.as_bytes().encode(out))?;
            }
            out.encode_atom(b"payl", |out| cue.text.as_bytes().encode(out))
        })?;
    }
    if out.is_empty() {
        out.encode_atom(b"vtte", |_| Ok(()))?;
    }
    Ok(out)
}

fn ftyp(out: &mut Vec<u8>) -> Written {
    Ftyp {
        major_brand: b"cmfc".into(),
        minor_version: 0,
        compatible_brands: vec![b"cmfc".into(), b"cmf2".into(), b"cwvt".into(), b"iso6".into()],
    }
    .encode(out)
}

fn moov(out: &mut Vec<u8>, language: Option<&str>, timescale: u32) -> Written {
    let mvhd =
        Mvhd { timescale, rate: 1.into(), volume: 1.into(), next_track_id: TRACK_ID + 1, ..Mvhd::default() };
    let tkhd = Tkhd { track_id: TRACK_ID, enabled: true, in_movie: true, ..Tkhd::default() };
    let trex = Trex { track_id: TRACK_ID, default_sample_description_index: 1, ..Trex::default() };
    out.encode_atom(b"moov", |out| {
        mvhd.encode(out)?;
        out.encode_atom(b"trak", |out| {
            tkhd.encode(out)?;
            out.encode_atom(b"mdia", |out| mdia(out, language, timescale))
        })?;
        Mvex { mehd: None, trex: vec![trex] }.encode(out)
    })
}

fn mdia(out: &mut Vec<u8>, language: Option<&str>, timescale: u32) -> Written {
    init::mdhd(out, language, Mdhd { timescale, ..Mdhd::default() })?;
    Hdlr { handler: b"text".into(), name: "Text".into() }.encode(out)?;
    out.encode_atom(b"minf", |out| {
        Nmhd::default().encode(out)?;
        init::data_here(out)?;
        out.encode_atom(b"stbl", |out| init::stbl(out, sample_entry))
    })
}

/// The head of the WebVTT file stands in `vttC`: here nothing but its signature.
fn sample_entry(out: &mut Vec<u8>) -> Written {
    Wvtt {
        plaintext: PlainText { data_reference_index: 1 },
        config: VttC { config: "WEBVTT".into() },
        label: None,
        btrt: None,
    }
    .encode(out)
}

fn refused(error: &mp4_atom::Error) -> Error {
    Error::Encode { track: NAME.into(), reason: error.to_string() }
}

fn bad(sample: usize, reason: &'static str) -> Error {
    Error::Sample { track: NAME.into(), sample, reason }
}

#[cfg(test)]
mod tests;
