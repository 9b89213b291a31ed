//! One channel's media: live window in RAM, extent ring on disk, sled catalogue.
//!
//! ```text
//! Writer --part--> live (RAM, one lock) --picture (arc-swap)--> Reader ...
//!                    | part line, bounded queue                   | older than RAM
//!                    v                                            v
//!                committer (one thread) --records--> ring     catalogue --place--> pread
//!                    '--------------------entries--> catalogue
//! ```
//! Bytes are never parsed here. [`Writer`] and [`Reader`] never wait for the disk: one that is full, slow, dead
//! or still being searched costs the recording, not the picture, and [`Status`] says since when and why.
//!
//! # A segment on its way to the disk
//! Each step waits for the one before:
//! 1. A part line (all tracks' chunks of one part index) becomes one record of the active extent, and is durable as
//!    soon as no other line waits: a power cut costs the part that was under way.
//! 2. With the segment's last line: fdatasync of the extent, one catalogue batch, flush, fdatasync of the
//!    catalogue's log. Only then it is acknowledged.
//! 3. When no free extent is left ahead of the writer, the oldest that no pin needs leaves (see `retention`): its segments leave every window, its
//!    last readers get ten seconds (whoever is slower gets [`Error::Gone`]), its keys are deleted and it is
//!    marked free in one durable batch. Only then its generation is raised and it is overwritten.
//!
//! # What is where, and why
//! - Media lie in extents: a fixed set of preallocated files, so the size is exact and the disk cannot fill up
//!   later. Inside sled the same bytes would be lost in a power cut or written several times over.
//! - The catalogue is an index that can be built again: records name stream, segment, part, discontinuity,
//!   layout and times, and each extent that uses a layout holds it. Losing the catalogue is the same work as
//!   finding that it lacks something (see `reconcile`): an extent is read where its record count differs.
//! - Stream ids and where each stream ends are told by seals and layout records alone, so a channel goes on
//!   without waiting for the catalogue to be opened, checked or built again.
//! - Checksums are verified at every read from disk: CRC32C costs less than the copy. Who has the kernel send from the disk
//!   ([`Places`]) has them verified when he looks where the bytes lie. A mismatch marks the
//!   segment as a gap, here and in the catalogue. What nobody reads is read slowly in idle time (see `scrub`).
//! - Pins are the caller's: given when the store is opened and whenever they change, never written here.

mod catalogue;
mod commit;
mod committer;
mod entry;
mod error;
mod expiry;
mod extent;
pub mod file;
mod held;
mod index;
pub mod io;
mod layouts;
mod lease;
mod listing;
mod live;
mod load;
mod pin;
mod places;
mod rate;
mod reader;
mod reconcile;
mod record;
mod recording;
mod retention;
mod ring;
mod scrub;
mod shared;
mod source;
mod status;
mod store;
mod stream;
#[cfg(test)]
mod tests;
mod writer;

pub use error::{Error, Kind};
pub use io::{Disk, Io};
pub use live::NewPart;
pub use pin::{Pin, PinStatus};
pub use places::{Places, Stored};
pub use reader::Reader;
pub use recording::Recording;
pub use status::{Extents, Failure, Recovery, Scrub as ScrubStatus, Status, StreamStatus};
pub use store::{Config, Opening, Store};
pub use writer::Writer;
