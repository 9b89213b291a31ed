//! What can go wrong, with the track and sample, or the box and byte, where it did.

use std::fmt;

/// Why writing or reading failed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// [`layout`](crate::layout) was given no track.
    #[error("a layout needs at least one track")]
    NoTracks,
    /// A track's parameter cannot be written into an init segment.
    #[error("track {track}: {field} {reason}")]
    Track {
        /// The track's name.
        track: String,
        /// The field of [`media::Track`] or [`media::Codec`].
        field: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A track's decoder configuration is malformed or contradicts the track.
    #[error("track {track}: byte {byte} of the {record}: {reason}")]
    Config {
        /// The track's name.
        track: String,
        /// `AVCDecoderConfigurationRecord` or `AudioSpecificConfig`.
        record: &'static str,
        /// Byte of the record.
        byte: usize,
        /// What is wrong there.
        reason: &'static str,
    },
    /// The box library refused to write a box.
    #[error("track {track}: {reason}")]
    Encode {
        /// The track's name.
        track: String,
        /// Its words.
        reason: String,
    },
    /// A chunk without samples was asked for.
    #[error("track {track}: a chunk needs at least one sample")]
    NoSamples {
        /// The track's name.
        track: String,
    },
    /// A sample does not begin where the one before it ends.
    #[error("track {track}: sample {sample} of the chunk has decode time {found}, not {expected}")]
    NotContiguous {
        /// The track's name.
        track: String,
        /// Index of the sample within the chunk.
        sample: usize,
        /// End of the sample before it.
        expected: u64,
        /// Its own decode time.
        found: u64,
    },
    /// A sample cannot be written.
    #[error("track {track}: sample {sample} of the chunk {reason}")]
    Sample {
        /// The track's name.
        track: String,
        /// Index of the sample within the chunk.
        sample: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A chunk's head does not end within the bytes given.
    #[error("the head of the chunk needs at least its first {needed} bytes")]
    ReadHead {
        /// Bytes from the chunk's beginning to try again with; no more than the chunk has.
        needed: usize,
    },
    /// A movie of this range or of these tracks cannot be begun.
    #[error("a movie {reason}")]
    BeginMovie {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A segment cannot be put into a movie.
    #[error("track {track}: segment {segment} {reason}")]
    AddSegment {
        /// The track's name.
        track: String,
        /// The segment's number.
        segment: u64,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// No sample of a movie's tracks was in its range.
    #[error("the movie has no samples")]
    EmptyMovie,
    /// What was read is not a box where one must begin.
    #[error("byte {offset}: {reason}")]
    ReadHeader {
        /// Offset of the box header in the bytes given.
        offset: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A box that was read is malformed, missing or not supported.
    #[error("box `{kind}` at byte {offset}: {reason}")]
    ReadBox {
        /// Offset of the box in the bytes given.
        offset: usize,
        /// The box's type.
        kind: BoxType,
        /// What is wrong with it.
        reason: String,
    },
}

/// A box type (ISO/IEC 14496-12, 4.2): four characters such as `moof`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct BoxType(pub [u8; 4]);

impl fmt::Display for BoxType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

impl fmt::Debug for BoxType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
