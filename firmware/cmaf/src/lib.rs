//! ISO-BMFF init segments and CMAF chunks, written and read.
//!
//! A track's init segment is `ftyp moov`; a segment is a row of chunks, each `[styp] prft [emsg ...] moof mdat`
//! with one track in it (ISO/IEC 14496-12, ISO/IEC 23000-19). Times are ticks of the track's timescale, exact: `tfdt`
//! of a chunk is the previous chunk's `tfdt` plus its durations.
//!
//! ```text
//! init_segment(track) -> ftyp moov          read_init(bytes)     -> InitInfo
//! ChunkWriter::write(samples) -> chunk      read_segment(bytes)  -> [ChunkInfo]
//! ChunkWriter::tell(event)                  read_samples(track, bytes) -> [media::Sample]
//!                                           read_events(bytes)   -> [media::Event]
//! encryption::encrypted_init, encrypted_head -> the same with the boxes of common encryption
//! text::init, text::segment               -> a track of subtitles
//! movie::Builder::add(movie::head(chunk)) -> one MP4 file of what is stored: its head, and what follows where
//! ```
//! The box library underneath is an implementation detail: none of its types is visible here. Readers take
//! bytes from strangers: they never panic, recurse by the input's wish or allocate by its counts.

mod annexb;
mod chunk;
mod config;
pub mod encryption;
mod error;
#[cfg(test)]
mod fixture;
pub mod index;
mod init;
pub mod movie;
mod ntp;
mod read;
pub mod text;

pub use annexb::annex_b;
pub use chunk::ChunkWriter;
pub use error::{BoxType, Error};
pub use init::{init_segment, layout};
pub use read::{
    ChunkInfo, InitCodec, InitInfo, InitTrack, ProducerReference, SampleInfo, read_events, read_init,
    read_samples, read_segment,
};

/// The `track_ID` in everything written here: an init segment holds one track.
pub const TRACK_ID: u32 = 1;
