//! Init segments and segments as others wrote them.

mod boxes;
mod init;
mod segment;

pub use init::{InitCodec, InitInfo, InitTrack, read_init};
pub use segment::{ChunkInfo, ProducerReference, SampleInfo, read_samples, read_segment};

#[cfg(test)]
mod tests;
