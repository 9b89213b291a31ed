//! One encoded access unit or audio frame.

use bytes::Bytes;

/// One encoded access unit or audio frame, in decode order on its track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Ticks of the track's timescale since the epoch.
    pub decode_time: u64,
    /// Ticks it lasts.
    pub duration: u32,
    /// Presentation time less decode time, in ticks.
    pub composition_offset: i32,
    /// Decoding can begin here (H.264: an IDR picture).
    pub sync: bool,
    /// It stands in for a sample that never came: a slate picture, silence.
    pub filler: bool,
    /// When it was captured: nanoseconds since the epoch.
    pub captured: u64,
    /// The payload, as [`Codec`](crate::Codec) describes it.
    pub data: Bytes,
}

impl Sample {
    /// The decode time of the sample that follows without a hole.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.decode_time + u64::from(self.duration)
    }
}
