//! The boxes of a movie. The chunk offsets are written last, when it is known how long what stands before them is.

use media::{Kind, NANOS};
use mp4_atom::{
    BufMut, Co64, Edts, Elst, ElstEntry, Encode, Ftyp, Mdhd, Mvhd, Stco, Stsc, Stss, Stsz, StszSamples, Stts,
    Tkhd,
};

use super::{
    Movie, Piece,
    builder::{Growing, convert},
};
use crate::{
    Error,
    init::{self, Written},
};

/// Seconds from 1904, where the file format's times begin, to 1970.
const UNIX_EPOCH: u64 = 2_082_844_800;
/// More than a track's boxes take without sample tables and sample entries.
const TRACK_BOXES: u64 = 1024;

/// Seconds since 1904 of an instant in nanoseconds since 1970.
pub(super) fn seconds_since_1904(nanos: u64) -> u64 {
    nanos / NANOS + UNIX_EPOCH
}

/// What the file presents.
#[derive(Clone, Copy, Debug)]
pub(super) struct Presentation {
    /// Ticks per second of `duration` and of the edit lists.
    pub(super) timescale: u32,
    /// At least 1.
    pub(super) duration: u64,
    /// Nanoseconds since the epoch.
    pub(super) from: u64,
    /// Seconds since 1904; 0: not told.
    pub(super) created: u64,
}

/// A track as it stands in `moov`.
struct Numbered {
    id: u32,
    /// To be presented where nobody chooses: the first of its kind.
    enabled: bool,
    /// Of the tracks in one group, one is presented; 0: of no group.
    group: u16,
}

/// The chunk offsets of a track, still to be written.
struct Offsets {
    /// Index of the track.
    track: usize,
    /// Where in the head its next offset stands.
    at: usize,
}

/// The file of these pieces, whose offsets are not known yet, and of tracks whose tables are finished.
pub(super) fn write(
    presentation: Presentation,
    tracks: Vec<Growing>,
    mut pieces: Vec<Piece>,
) -> Result<Movie, Error> {
    let payload = pieces.iter().map(|piece| piece.len).sum::<u64>();
    let bound = |track: &Growing| {
        let strings = track.entries.iter().map(Vec::len).sum::<usize>() + track.track.name.len();
        track.tables.bound() + TRACK_BOXES + strings as u64
    };
    let bound = tracks.iter().map(bound).sum::<u64>() + TRACK_BOXES;
    let wide = payload + bound > u64::from(u32::MAX);
    let mut out = Vec::with_capacity(bound as usize);
    let mut offsets = Vec::with_capacity(tracks.len());
    let name = tracks[0].track.name.clone();
    let refused = |err: mp4_atom::Error| Error::Encode { track: name.clone(), reason: err.to_string() };
    ftyp(&mut out)
        .and_then(|()| moov(&mut out, presentation, tracks, wide, &mut offsets))
        .and_then(|()| mdat(&mut out, payload))
        .map_err(refused)?;
    debug_assert!(out.len() as u64 <= bound, "{} bytes of head, not {bound}", out.len());
    let mut end = out.len() as u64;
    for piece in &mut pieces {
        piece.offset = end;
        end += piece.len;
        if let Some(offsets) = offsets.iter_mut().find(|offsets| offsets.track == usize::from(piece.track)) {
            let bytes = piece.offset.to_be_bytes();
            let bytes = if wide { &bytes[..] } else { &bytes[4..] };
            out.set_slice(offsets.at, bytes);
            offsets.at += bytes.len();
        }
    }
    out.shrink_to_fit();
    Ok(Movie { head: out.into(), pieces, size: end })
}

fn ftyp(out: &mut Vec<u8>) -> Written {
    let brands = [b"isom", b"iso2", b"avc1", b"mp41"];
    let compatible_brands = brands.into_iter().map(|brand| brand.into()).collect();
    Ftyp { major_brand: b"isom".into(), minor_version: 512, compatible_brands }.encode(out)
}

/// The header of an `mdat` with this many bytes in it.
fn mdat(out: &mut Vec<u8>, payload: u64) -> Written {
    match u32::try_from(payload + 8) {
        Ok(size) => {
            size.encode(out)?;
            b"mdat".encode(out)
        }
        Err(_) => {
            1u32.encode(out)?;
            b"mdat".encode(out)?;
            (payload + 16).encode(out)
        }
    }
}

fn moov(
    out: &mut Vec<u8>,
    presentation: Presentation,
    tracks: Vec<Growing>,
    wide: bool,
    offsets: &mut Vec<Offsets>,
) -> Written {
    let mut present: Vec<(usize, Growing)> = tracks.into_iter().enumerate().collect();
    present.retain(|(_, track)| track.tables.first().is_some());
    let several = [Kind::Video, Kind::Audio]
        .map(|kind| present.iter().filter(|(_, track)| track.kind == kind).count() > 1);
    let mvhd = Mvhd {
        creation_time: presentation.created,
        modification_time: presentation.created,
        timescale: presentation.timescale,
        duration: presentation.duration,
        rate: 1.into(),
        volume: 1.into(),
        next_track_id: present.len() as u32 + 1,
        ..Mvhd::default()
    };
    out.encode_atom(b"moov", |out| {
        mvhd.encode(out)?;
        let mut seen = [false; 2];
        for (id, (index, track)) in (1..).zip(present) {
            let kind = usize::from(track.kind == Kind::Audio);
            let group = if several[kind] { kind as u16 + 1 } else { 0 };
            let numbered = Numbered { id, enabled: !std::mem::replace(&mut seen[kind], true), group };
            let mut at = 0;
            out.encode_atom(b"trak", |out| {
                at = trak(out, presentation, track, &numbered, wide)?;
                Ok(())
            })?;
            offsets.push(Offsets { track: index, at });
        }
        Ok(())
    })
}

/// The body of `trak`, and where in `out` its chunk offsets stand.
fn trak(
    out: &mut Vec<u8>,
    presentation: Presentation,
    track: Growing,
    numbered: &Numbered,
    wide: bool,
) -> mp4_atom::Result<usize> {
    let timescale = track.track.timescale;
    let first = track.tables.first().unwrap_or_default();
    tkhd(&track, presentation, numbered).encode(out)?;
    Edts { elst: Some(edits(presentation, first, timescale)) }.encode(out)?;
    let mut at = 0;
    out.encode_atom(b"mdia", |out| {
        let times = Mdhd {
            timescale,
            creation_time: presentation.created,
            modification_time: presentation.created,
            duration: track.tables.duration(),
            ..Mdhd::default()
        };
        init::mdhd(out, track.track.language.as_deref(), times)?;
        init::hdlr(&track.track, &track.track.name).encode(out)?;
        out.encode_atom(b"minf", |out| {
            init::media_header(out, &track.track)?;
            out.encode_atom(b"stbl", |out| {
                at = stbl(out, track, wide)?;
                Ok(())
            })
        })
    })?;
    Ok(at)
}

fn tkhd(track: &Growing, presentation: Presentation, numbered: &Numbered) -> Tkhd {
    let volume = if track.kind == Kind::Audio { 1 } else { 0 };
    Tkhd {
        creation_time: presentation.created,
        modification_time: presentation.created,
        track_id: numbered.id,
        duration: presentation.duration,
        alternate_group: numbered.group,
        enabled: numbered.enabled,
        in_movie: true,
        volume: volume.into(),
        width: track.width.into(),
        height: track.height.into(),
        ..Tkhd::default()
    }
}

/// Presents the range: from within the first sample or later ones on, or after a while of nothing.
fn edits(presentation: Presentation, first: u64, timescale: u32) -> Elst {
    let from = media::ticks(presentation.from, timescale);
    let edit =
        |segment_duration, media_time| ElstEntry { segment_duration, media_time, media_rate: 1.into() };
    // Its samples begin before the range ends; rounding shall not take the last tick.
    let nothing =
        convert(first.saturating_sub(from), timescale, presentation.timescale).min(presentation.duration - 1);
    let mut entries = Vec::with_capacity(2);
    if nothing > 0 {
        entries.push(edit(nothing, None));
    }
    entries.push(edit(presentation.duration - nothing, Some(from.saturating_sub(first))));
    Elst { entries }
}

/// The body of `stbl`, and where in `out` its chunk offsets stand.
fn stbl(out: &mut Vec<u8>, track: Growing, wide: bool) -> mp4_atom::Result<usize> {
    out.encode_atom(b"stsd", |out| {
        0u32.encode(out)?;
        (track.entries.len() as u32).encode(out)?;
        track.entries.iter().for_each(|entry| out.append_slice(entry));
        Ok(())
    })?;
    let tables = track.tables;
    Stts { entries: tables.durations }.encode(out)?;
    if track.kind == Kind::Video {
        Stss { entries: tables.syncs }.encode(out)?;
    }
    Stsc { entries: tables.chunks }.encode(out)?;
    Stsz { samples: StszSamples::Different { sizes: tables.sizes } }.encode(out)?;
    let count = tables.chunk_count as usize;
    let width = if wide {
        Co64 { entries: vec![0; count] }.encode(out)?;
        8
    } else {
        Stco { entries: vec![0; count] }.encode(out)?;
        4
    };
    Ok(out.len() - width * count)
}
