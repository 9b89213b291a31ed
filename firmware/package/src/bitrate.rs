//! What a track costs on the wire.

use media::{Codec, Grid, NANOS, Track, Window};

use crate::hls::AAC_FRAME;

/// The encoders' rate control has a buffer of so many nanoseconds: a segment may hold that much more than its own time.
const BUFFER: u64 = NANOS;

/// Bytes of boxes before the payload of a chunk (`prft moof mdat`), for each sample in it, and before the first of a
/// segment (`styp`), as the segments are written.
const CHUNK_BOXES: u64 = 140;
const SAMPLE_ENTRY: u64 = 4;
const SEGMENT_TYPE: u64 = 32;

/// Bits per second on average and in the costliest segment (RFC 8216bis, 4.4.6.2).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bitrate {
    pub(crate) average: u64,
    pub(crate) peak: u64,
}

impl Bitrate {
    /// Of one track of the current layout: as asked of the encoder, the peak raised to what its latest closed segments measure.
    pub(crate) fn of(window: &Window, index: usize) -> Self {
        let Some(track) = window.layout().and_then(|layout| layout.tracks.get(index)) else {
            return Self::default();
        };
        let asked = Self::asked(track, &window.grid);
        let measured = measured(window, index, track, usize::MAX);
        Self { peak: measured.fold(asked.peak, u64::max), ..asked }
    }

    /// Bits per second of the key frames alone, in the costliest segment: what the part is that has each; before there is one,
    /// as many as of all.
    pub(crate) fn of_key_frames(window: &Window, index: usize) -> u64 {
        let Some(track) = window.layout().and_then(|layout| layout.tracks.get(index)) else { return 0 };
        measured(window, index, track, 1).max().unwrap_or(Self::asked(track, &window.grid).peak)
    }

    /// Of one track as the encoder was asked for it, with the boxes that its samples are wrapped in.
    pub(crate) fn asked(track: &Track, grid: &Grid) -> Self {
        let (asked, segment) = (u64::from(track.bitrate), grid.segment_nanos().max(1));
        let average = asked + boxes(track, grid) * 8 * NANOS / segment;
        Self { average, peak: average + asked * BUFFER / segment }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self { average: self.average + other.average, peak: self.peak + other.peak }
    }
}

/// Bits per second of each of a track's latest closed segments, counting their first `parts` only.
fn measured(window: &Window, index: usize, track: &Track, parts: usize) -> impl Iterator<Item = u64> {
    let edge = window.edge.get(index).map_or(&[][..], |edge| edge);
    edge.iter().filter(|segment| segment.closed && segment.duration() > 0).map(move |segment| {
        let bits: u64 = segment.parts.iter().take(parts).map(|part| u64::from(part.len) * 8).sum();
        bits * u64::from(track.timescale) / u64::from(segment.duration())
    })
}

/// Bytes of a segment that are not samples.
fn boxes(track: &Track, grid: &Grid) -> u64 {
    let samples = match track.codec {
        Codec::H264 { .. } | Codec::H265 { .. } => u64::from(grid.frames_per_segment()),
        Codec::Aac { .. } => grid.segment_line(1, track.timescale).div_ceil(AAC_FRAME),
    };
    SEGMENT_TYPE + u64::from(grid.parts_per_segment) * CHUNK_BOXES + samples * SAMPLE_ENTRY
}
