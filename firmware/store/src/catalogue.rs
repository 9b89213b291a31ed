//! The catalogue: an ordered map from short keys to short values, durable when a commit returns.
//!
//! | key | value |
//! |---|---|
//! | `seg/` stream:u16 number:u64 | [`Entry`](crate::entry::Entry). The segment number is the tick: epoch x grid, exact for 30000/1001, where a time in another unit is not |
//! | `ext/` id:u32 | [`Indexed`]: how far an extent is durable, or that it is free |
//! | `init/` layout:u64 | [`Described`](crate::layouts::Described) |
//! | `meta/store` | the store's name, as in every extent head |
//! | `meta/scrubbed` | generation:u64 of the extent whose bytes were verified last |
//!
//! Stream ids are not here but with the media (layout records and seals): they survive the catalogue.

use std::sync::Arc;

use crate::Error;

/// No value may be larger: sled 0.34 keeps a page over 128 KiB in a file of its own that nobody syncs.
pub(crate) const VALUE_LIMIT: usize = 64 << 10;

pub(crate) const STORE: &[u8] = b"meta/store";

/// Generation of the extent whose bytes were verified last.
pub(crate) const SCRUBBED: &[u8] = b"meta/scrubbed";

/// A durable ordered map.
pub(crate) trait Catalogue: Send + Sync {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;
    /// Up to `limit` pairs from `from` on (inclusive) up to `to` (exclusive), in order.
    fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Pair>, Error>;
    /// All of the batch or nothing, durable on return.
    fn commit(&self, batch: &Batch) -> Result<(), Error>;
}

/// A key and its value.
pub(crate) type Pair = (Vec<u8>, Vec<u8>);

/// Opens the catalogue of a store, a new one where the old is damaged or another store's.
pub(crate) trait Opener: Send + Sync {
    /// Begins with what takes its time while the extents are looked at; the next [`open`](Self::open) waits for it.
    fn begin(&self) {}

    /// `damage` says why the old one cannot be used, where that was found out after it was opened.
    fn open(&self, store: &str, damage: Option<String>) -> Result<Opened, Error>;
}

/// An open catalogue.
pub(crate) struct Opened {
    pub(crate) catalogue: Arc<dyn Catalogue>,
    /// Why it had to begin empty, where it had been used before.
    pub(crate) damage: Option<String>,
}

/// Changes that become durable together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Batch {
    pub(crate) changes: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

impl Batch {
    pub(crate) fn insert(&mut self, key: Vec<u8>, value: Vec<u8>) -> Result<(), Error> {
        if value.len() > VALUE_LIMIT {
            let (len, limit) = (value.len() as u64, VALUE_LIMIT as u64);
            return Err(Error::TooLarge { what: "catalogue value", len, limit });
        }
        self.changes.push((key, Some(value)));
        Ok(())
    }

    pub(crate) fn remove(&mut self, key: Vec<u8>) {
        self.changes.push((key, None));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

/// What `ext/` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Indexed {
    pub(crate) generation: u64,
    /// Records before this offset are durable.
    pub(crate) end: u64,
    /// Its keys are deleted; it may be overwritten.
    pub(crate) free: bool,
}

impl Indexed {
    pub(crate) fn encode(self) -> Vec<u8> {
        [self.generation.to_be_bytes(), self.end.to_be_bytes(), u64::from(self.free).to_be_bytes()].concat()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let number = |at: usize| Some(u64::from_be_bytes(*bytes.get(at..)?.first_chunk()?));
        Some(Self { generation: number(0)?, end: number(8)?, free: number(16)? != 0 })
    }
}

pub(crate) fn seg(stream: u16, number: u64) -> Vec<u8> {
    [b"seg/".as_slice(), &stream.to_be_bytes(), &number.to_be_bytes()].concat()
}

/// The stream and number of a `seg/` key.
pub(crate) fn seg_of(key: &[u8]) -> Option<(u16, u64)> {
    let (stream, number) = key.strip_prefix(b"seg/")?.split_first_chunk()?;
    Some((u16::from_be_bytes(*stream), u64::from_be_bytes(number.try_into().ok()?)))
}

/// The key after every `seg/` key.
pub(crate) fn seg_end() -> Vec<u8> {
    b"seg0".to_vec()
}

pub(crate) fn ext(id: u32) -> Vec<u8> {
    [b"ext/".as_slice(), &id.to_be_bytes()].concat()
}

/// The id of an `ext/` key.
pub(crate) fn ext_of(key: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(key.strip_prefix(b"ext/")?.try_into().ok()?))
}

/// The key after every `ext/` key.
pub(crate) fn ext_end() -> Vec<u8> {
    b"ext0".to_vec()
}

pub(crate) fn init(layout: u64) -> Vec<u8> {
    [b"init/".as_slice(), &layout.to_be_bytes()].concat()
}
