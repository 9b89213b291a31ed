//! Init segments and segments as others wrote them.

mod boxes;
mod head;
mod init;
mod segment;

pub(crate) use boxes::{Boxes, RawBox};
pub(crate) use head::{find_payload, read_head};
pub use init::{InitCodec, InitInfo, InitTrack, read_init};
pub use segment::{ChunkInfo, ProducerReference, SampleInfo, read_events, read_samples, read_segment};

#[cfg(test)]
mod tests;
