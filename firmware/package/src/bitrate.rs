//! What a track costs on the wire.

use media::{Grid, NANOS, Track, Window};

/// The encoders' rate control has a buffer of so many nanoseconds: a segment may hold that much more than its own time.
const BUFFER: u64 = NANOS;

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
        let edge = window.edge.get(index).map_or(&[][..], |edge| edge);
        let measured =
            edge.iter().filter(|segment| segment.closed && segment.duration() > 0).map(|segment| {
                let bits: u64 = segment.parts.iter().map(|part| u64::from(part.len) * 8).sum();
                bits * u64::from(track.timescale) / u64::from(segment.duration())
            });
        Self { peak: measured.fold(asked.peak, u64::max), ..asked }
    }

    /// Of one track as the encoder was asked for it.
    pub(crate) fn asked(track: &Track, grid: &Grid) -> Self {
        let average = u64::from(track.bitrate);
        Self { average, peak: average + average * BUFFER / grid.segment_nanos().max(1) }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self { average: self.average + other.average, peak: self.peak + other.peak }
    }
}
