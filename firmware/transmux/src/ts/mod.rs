//! MPEG-TS segments for HLS (ISO/IEC 13818-1; RFC 8216, 3.2).
//!
//! A segment stands alone: it begins with PAT and PMT and with continuity counters at 0, and every PID has a multiple of
//! 16 packets with payload in it. So segments continue each other in whatever order they are played, though none knows what
//! came before, and two boxes write the same bytes.
//!
//! Times are those of the timeline: ticks of 90 kHz since the Unix epoch, modulo 2^33.

mod access_unit;
mod packet;
mod psi;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use media::Sample;

use self::{
    access_unit::Wrapper,
    packet::{Carried, Pes, Pid, Times},
    psi::{Streams, Tables},
};
use crate::{Error, Piece, Stream, Tag};

/// Ticks per second of PTS, DTS and PCR.
const CLOCK: u32 = 90_000;
/// The clock reference runs behind decoding by so much: the time that data has to arrive in.
const BEHIND: u64 = 45_000;
/// Sound frames in one PES packet: 85 ms at 48 kHz, so that a segment of sound alone has a clock reference in each 100 ms
/// (ISO/IEC 13818-1, 2.7.2).
const FRAMES: usize = 4;
/// After so many packets a counter of 4 bits is where it began.
const ROUND: usize = 16;

const VIDEO: u16 = 0x100;
const AUDIO: u16 = 0x101;
const METADATA: u16 = 0x102;

/// One segment of all the pieces, one behind the other, and of ID3 tags; empty where the pieces have no samples. Where there are no
/// tags, nothing is said of any.
///
/// # Errors
/// Where a codec cannot be carried, or its parameters or a sample are cut short.
pub fn segment(pieces: &[Piece<'_>], tags: &[Tag]) -> Result<Vec<u8>, Error> {
    let units = units(pieces, tags)?;
    let last = |kind: Carried| units.iter().rposition(|unit| unit.kind == kind);
    let [last_video, last_audio, last_tag] = [Carried::Video, Carried::Audio, Carried::Tag].map(last);
    let (Some(first), Some(_)) = (units.first(), last_video.or(last_audio)) else { return Ok(Vec::new()) };
    let language = pieces.iter().find_map(|piece| piece.audio?.track.language.as_deref());
    let clock = if last_video.is_some() { Carried::Video } else { Carried::Audio };
    let streams = Streams {
        video: last_video.map(|_| VIDEO),
        audio: last_audio.map(|_| AUDIO),
        metadata: last_tag.map(|_| METADATA),
    };
    let mut tables = Tables::new(streams, language);
    let (mut video, mut audio, mut metadata) = (Pid::new(VIDEO), Pid::new(AUDIO), Pid::new(METADATA));

    let bytes: usize = units.iter().map(Unit::len).sum();
    let mut out = Vec::with_capacity(bytes + bytes / 32 + units.len() * 128 + 32 * 1024);
    let mut sent = 0;
    for (nth, unit) in units.iter().enumerate() {
        let due = if nth + 1 == units.len() { ROUND } else { nth * ROUND / units.len() + 1 };
        (sent..due).for_each(|_| tables.write(&mut out));
        sent = due;
        let reference = unit.times.decode.saturating_sub(BEHIND);
        if nth == 0 && first.kind != clock {
            let of = if clock == Carried::Video { &video } else { &audio };
            of.write_clock(&mut out, reference);
        }
        let pid = match unit.kind {
            Carried::Video => &mut video,
            Carried::Audio => &mut audio,
            Carried::Tag => &mut metadata,
        };
        let pes = Pes {
            kind: unit.kind,
            times: unit.times,
            random_access: unit.sync,
            clock: (unit.kind == clock).then_some(reference),
            payload: &unit.payload,
        };
        let is_last = [last_video, last_audio, last_tag].contains(&Some(nth));
        pid.write(&mut out, &pes, if is_last { ROUND } else { 1 });
    }
    Ok(out)
}

/// Groups of `most` samples, where there are as many; none is left alone behind others: spread over 16 packets, a PES packet of
/// one frame of silence would have its header in two of them, which simple readers do not expect.
fn groups(samples: &[Sample], most: usize) -> impl Iterator<Item = &[Sample]> {
    let alone = most > 2 && samples.len() > most && samples.len() % most == 1;
    let (usual, last) = samples.split_at(if alone { samples.len() - most - 1 } else { samples.len() });
    let (before, behind) = last.split_at(last.len().saturating_sub(2));
    usual.chunks(most).chain([before, behind].into_iter().filter(|group| !group.is_empty()))
}

/// What one PES packet carries.
struct Unit<'a> {
    kind: Carried,
    times: Times,
    sync: bool,
    payload: Vec<Cow<'a, [u8]>>,
}

impl Unit<'_> {
    fn len(&self) -> usize {
        self.payload.iter().map(|slice| slice.len()).sum()
    }
}

/// All that is to be sent, in order of decode times; of two at once the picture first.
fn units<'a>(pieces: &[Piece<'a>], tags: &'a [Tag]) -> Result<Vec<Unit<'a>>, Error> {
    let tag = |tag: &'a Tag| {
        let at = media::ticks(tag.at, CLOCK);
        let times = Times { decode: at, presentation: at };
        Unit { kind: Carried::Tag, times, sync: false, payload: vec![Cow::Borrowed(&tag.data[..])] }
    };
    let mut units: Vec<_> = tags.iter().map(tag).collect();
    for piece in pieces {
        for (stream, kind, most) in [(piece.video, Carried::Video, 1), (piece.audio, Carried::Audio, FRAMES)]
        {
            let Some(Stream { track, samples }) = stream else { continue };
            let wrapper = Wrapper::of(track)?;
            for samples in groups(samples, most) {
                let first = &samples[0];
                let mut payload = Vec::new();
                samples.iter().try_for_each(|sample| wrapper.wrap(sample, &mut payload))?;
                let times = Times::of(first, track.timescale);
                units.push(Unit { kind, times, sync: first.sync, payload });
            }
        }
    }
    units.sort_by_key(|unit| (unit.times.decode, unit.kind));
    Ok(units)
}
