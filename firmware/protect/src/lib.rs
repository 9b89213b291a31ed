//! Encryption on the way out: what is stored stays in the clear, and nothing here keeps more than one segment.
//!
//! ```text
//! envelope(key, pieces)                 a whole segment, AES-128 in CBC (RFC 8216bis, 4.4.4.4)
//! Sealed::new(scheme, key, track)       common encryption (ISO/IEC 23001-7) of a track
//!   .init(init, systems)                its init segment
//!   .segment(bytes)                     its chunks
//! system::pssh, system::playready       what players of the named systems are told
//! ```
//! Two boxes that have the same samples and key send the same bytes. An initialisation vector depends on the key, the track, the
//! sample's time and its content: no two samples that differ have the same one, whichever box they come from.

mod envelope;
mod key;
mod pattern;
mod sealed;
mod slices;
pub mod system;

pub use envelope::envelope;
pub use key::{ContentKey, Key};
pub use sealed::Sealed;

/// Why something cannot be encrypted.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// What is stored is no init segment, or not made of chunks.
    #[error("{0}")]
    Read(#[from] cmaf::Error),
    /// A sample is not made of NAL units.
    #[error("track {track}: a picture at {decode_time} is not made of NAL units")]
    NalUnits {
        /// The track's name.
        track: String,
        /// The sample's, in ticks.
        decode_time: u64,
    },
    /// A sample has more pieces to be named than there is room for.
    #[error("track {track}: a picture at {decode_time} has more than {most} slices")]
    Slices {
        /// The track's name.
        track: String,
        /// The sample's, in ticks.
        decode_time: u64,
        /// As many as one may have.
        most: usize,
    },
}
