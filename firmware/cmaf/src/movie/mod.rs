//! One progressive MP4 file (ISO/IEC 14496-12, 14496-14, 14496-15) of stored chunks: `ftyp moov mdat`.
//!
//! Nothing is encoded again and no payload is looked at: [`head`] reads what each chunk says of its samples, the
//! [`Builder`] makes the file's first bytes of that, and what follows is the chunks' payload as it lies in the
//! store. So the file's size is known before any of it is read, and every byte of it has one place: in
//! [`Movie::head`], or in the [`Piece`] that [`Movie::piece_at`] finds.
//!
//! ```text
//! ftyp moov mdat-header | segment 7: video, sound | segment 8: video, sound | ...
//! `------ head -------'   `- piece 0 -' `- 1 --'    `- piece 2 -' ...
//! ```
//! The ends are exact to the frame by edit list: the file holds whole segments' beginnings, its presentation is
//! the range that was asked for. Samples are presented in the order in which they are decoded.
//!
//! The sample tables cost 4 bytes a sample, a piece 40. An hour of one video track at 25 frames/s takes 0.5 MB, one of
//! AAC at 48 kHz 0.8 MB, in the builder and again in [`Movie::head`]; while the builder finishes, a track's are given
//! back as soon as they are written. Whoever calls bounds the hours.

mod boxes;
mod builder;
mod head;
mod tables;

use bytes::Bytes;

pub use builder::Builder;
pub use head::{Head, HeadSample, head, payload};

/// One track of the file: a channel's track of one name over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// What it was, one after the other or in turn: all of one kind, at least one. The first one's name, language
    /// and timescale are the file's; decode times of others are converted to that timescale.
    pub tracks: Vec<media::Track>,
}

/// A file that is not written yet, but whose every byte is settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movie {
    /// The file's first bytes: `ftyp`, `moov` and the header of `mdat`.
    pub head: Bytes,
    /// What follows, in the order of the file and without a hole.
    pub pieces: Vec<Piece>,
    /// Bytes of the file.
    pub size: u64,
}

/// One segment's samples on one track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Index of the track as the [`Builder`] was given it.
    pub track: u16,
    /// Number of the segment.
    pub segment: u64,
    /// Bytes, at least 1: the [payload](payload()) of the segment's chunks one after the other, cut here where
    /// samples at its end were left out.
    pub len: u64,
    /// Byte of the file where it begins.
    pub offset: u64,
}

impl Movie {
    /// The index of the piece in which a byte of the file lies; `None` for the head and beyond the end.
    #[must_use]
    pub fn piece_at(&self, byte: u64) -> Option<usize> {
        if byte >= self.size {
            return None;
        }
        self.pieces.partition_point(|piece| piece.offset <= byte).checked_sub(1)
    }
}

#[cfg(test)]
mod tests;
