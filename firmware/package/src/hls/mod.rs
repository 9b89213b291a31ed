//! HLS and Low-Latency HLS playlists (draft-pantos-hls-rfc8216bis, "RFC 8216bis" below).
//!
//! Media Sequence Numbers are segment numbers since the epoch, so they and every URI are the same on every box.
//! A missing segment keeps its number and its time as an `EXT-X-GAP`.

mod breaks;
mod master;
mod media;
pub mod muxed;
mod reload;

use ::media::{Codec, Grid, Layout, Track};

pub use self::{
    master::{MasterOptions, render_master},
    media::{MediaOptions, render_key_frames, render_media, render_subtitles},
    reload::{Reload, validate_reload},
};
use crate::text::micros_up;

/// Samples in one AAC-LC frame (ISO/IEC 14496-3, 4.5.2.1.1).
pub(crate) const AAC_FRAME: u64 = 1024;

/// The longest an audio frame can be, in nanoseconds: 1024 samples at 8 kHz.
const LONGEST_FRAME: u64 = 128_000_000;

/// Target Duration in seconds (RFC 8216bis, 4.4.3.1): of the grid, so it never changes and suits every track.
///
/// An audio segment may run one frame past the grid's line.
#[must_use]
pub fn target_duration(grid: &Grid) -> u64 {
    ((grid.segment_nanos() + LONGEST_FRAME + ::media::NANOS / 2) / ::media::NANOS).max(1)
}

/// Part Target Duration of a track in microseconds (RFC 8216bis, 4.4.3.7).
///
/// Audio that does not fall on the grid has parts of n or n+1 frames; the longer is the target.
fn part_target(grid: &Grid, track: &Track) -> u64 {
    let ticks = grid.line(::media::Position { segment: 0, part: 1 }, track.timescale);
    let ticks = match track.codec {
        Codec::Aac { .. } => ticks.div_ceil(AAC_FRAME) * AAC_FRAME,
        Codec::H264 { .. } | Codec::H265 { .. } => ticks,
    };
    micros_up(ticks, track.timescale)
}

/// The greatest Part Target Duration of a layout, in microseconds: what PART-HOLD-BACK is counted from.
fn greatest_part_target(grid: &Grid, layout: &Layout) -> u64 {
    layout.tracks.iter().map(|track| part_target(grid, track)).max().unwrap_or(0)
}

#[cfg(test)]
mod tests;
