//! Segments that were asked for lately, in a bounded part of RAM: what many viewers want is read once, and its checksum is
//! reckoned once. Of those on the disk only the places are kept: the kernel has the bytes, and sends them from there.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use access::{Encryption, KeyId};
use bytes::Bytes;
use store::{Places, Stored};
use tokio::sync::OnceCell;

use crate::{error::Error, media_bytes::crc};

/// So many viewers are sent a segment's bytes from RAM before the disk is asked for it. Where it has not got it yet it is asked
/// again when twice as many have come.
const FIRST: u32 = 2;

/// Bytes that are kept at the most, but for the segment that came last.
const MOST: usize = 48 << 20;

/// What a segment on the disk counts for: it takes no RAM, but keeps a file open, of which there may be some 250.
const PLACES: usize = 192 << 10;

/// What the smallest segment counts for, with what is noted of it.
const SMALLEST: usize = 4 << 10;

/// What was found of a segment.
pub(crate) enum Found {
    Ram(Vec<Bytes>),
    Disk(Places),
}

/// What somebody is sent of a segment.
pub(crate) enum Given {
    Bytes(Vec<Bytes>),
    Stored(Vec<Stored>),
    /// It is being overwritten.
    Nothing,
}

/// A segment as it is sent.
pub(crate) struct Segment {
    found: Found,
    /// Of all its bytes.
    pub(crate) crc: u32,
    /// How often it was asked for while it was in RAM.
    asked: AtomicU32,
    /// Where the disk has it, too.
    moved: OnceLock<Places>,
}

impl Segment {
    pub(crate) fn new(found: Found) -> Self {
        let crc = match &found {
            Found::Ram(chunks) => crc(chunks),
            Found::Disk(places) => places.crc(),
        };
        Self { found, crc, asked: AtomicU32::new(0), moved: OnceLock::new() }
    }

    /// What it counts for.
    fn holds(&self) -> usize {
        match &self.found {
            Found::Ram(chunks) => chunks.iter().map(Bytes::len).sum::<usize>().max(SMALLEST),
            Found::Disk(_) => PLACES,
        }
    }

    /// Whether whoever asks now is to look whether the disk has it, too: one of many who want what is in RAM.
    pub(crate) fn should_move(&self) -> bool {
        if matches!(self.found, Found::Disk(_)) || self.moved.get().is_some() {
            return false;
        }
        let before = self.asked.fetch_add(1, Ordering::Relaxed);
        before >= FIRST && before.is_power_of_two()
    }

    /// The disk has it, too.
    pub(crate) fn moved(&self, places: Places) {
        // It may lack a part that it did not take.
        if places.crc() == self.crc {
            self.moved.get_or_init(|| places);
        }
    }

    /// It as somebody is sent it.
    pub(crate) fn given(&self) -> Given {
        match (&self.found, self.moved.get().and_then(Places::open)) {
            (_, Some(stored)) => Given::Stored(stored),
            (Found::Ram(chunks), None) => Given::Bytes(chunks.clone()),
            (Found::Disk(places), None) => places.open().map_or(Given::Nothing, Given::Stored),
        }
    }
}

/// Which segment: of which presentation, of which track, its number, and how it is encrypted with which key.
pub(crate) type Key = (String, String, u64, Option<(Encryption, KeyId)>);

#[derive(Default)]
pub(crate) struct Hot(Mutex<Held>);

#[derive(Default)]
struct Held {
    entries: HashMap<Key, Entry>,
    bytes: usize,
    /// Rises with every request.
    turn: u64,
}

struct Entry {
    segment: Arc<OnceCell<Arc<Segment>>>,
    /// None while it is read.
    bytes: usize,
    /// When it was asked for last.
    turn: u64,
}

impl Hot {
    /// A segment, `read` unless it is here. Who asks meanwhile waits for the same reading.
    pub(crate) async fn segment(
        &self,
        key: Key,
        read: impl Future<Output = Result<Found, Error>>,
    ) -> Result<Arc<Segment>, Error> {
        let cell = self.held().cell(&key);
        if let Some(segment) = cell.get() {
            return Ok(Arc::clone(segment));
        }
        let reading = cell.get_or_try_init(|| async { Ok(Arc::new(Segment::new(read.await?))) });
        match reading.await {
            Ok(segment) => {
                self.held().came(&key, segment.holds());
                Ok(Arc::clone(segment))
            }
            Err(error) => {
                self.held().failed(&key);
                Err(error)
            }
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn cell(&mut self, key: &Key) -> Arc<OnceCell<Arc<Segment>>> {
        self.turn += 1;
        if let Some(entry) = self.entries.get_mut(key) {
            entry.turn = self.turn;
            return Arc::clone(&entry.segment);
        }
        let segment = Arc::default();
        let entry = Entry { segment: Arc::clone(&segment), bytes: 0, turn: self.turn };
        self.entries.insert(key.clone(), entry);
        segment
    }

    /// A segment has been read; those that nobody has asked for the longest go for it.
    fn came(&mut self, key: &Key, bytes: usize) {
        if let Some(entry) = self.entries.get_mut(key) {
            self.bytes += bytes - entry.bytes;
            entry.bytes = bytes;
        }
        while self.bytes > MOST {
            let read = self.entries.iter().filter(|(other, entry)| entry.bytes > 0 && *other != key);
            let Some(oldest) = read.min_by_key(|(_, entry)| entry.turn).map(|(key, _)| key.clone()) else {
                return;
            };
            self.bytes -= self.entries.remove(&oldest).map_or(0, |entry| entry.bytes);
        }
    }

    /// It is tried again by who asks next.
    fn failed(&mut self, key: &Key) {
        if self.entries.get(key).is_some_and(|entry| !entry.segment.initialized()) {
            self.entries.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    fn key(number: u64) -> Key {
        ("main".to_owned(), "720p".to_owned(), number, None)
    }

    #[tokio::test]
    async fn what_is_asked_for_at_once_is_read_once() {
        let (hot, reads) = (Hot::default(), AtomicUsize::new(0));
        let ask = || {
            hot.segment(key(1), async {
                reads.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
                Ok(Found::Ram(vec![Bytes::from_static(b"abc")]))
            })
        };
        let (one, other) = tokio::join!(ask(), ask());
        for segment in [one, other, ask().await] {
            let Given::Bytes(chunks) = segment.unwrap().given() else { panic!("it is in RAM") };
            assert_eq!(chunks, [Bytes::from_static(b"abc")]);
        }
        assert_eq!(reads.load(Ordering::Relaxed), 1);
        assert!(hot.segment(key(2), async { Err(Error::Late) }).await.is_err());
        let again = hot.segment(key(2), async { Ok(Found::Ram(Vec::new())) }).await;
        assert!(again.is_ok(), "a failure is not kept");
    }

    #[tokio::test]
    async fn what_was_not_asked_for_longest_goes() {
        let hot = Hot::default();
        let large = Bytes::from(vec![0; MOST / 2]);
        for number in [1, 2, 1, 3] {
            hot.segment(key(number), async { Ok(Found::Ram(vec![large.clone()])) }).await.unwrap();
        }
        let kept = |number| hot.held().entries.contains_key(&key(number));
        assert!(kept(1) && !kept(2) && kept(3) && hot.held().bytes <= MOST);
        let huge = Bytes::from(vec![0; MOST]);
        hot.segment(key(4), async { Ok(Found::Ram(vec![huge])) }).await.unwrap();
        assert!(kept(4) && !kept(1) && !kept(3));
        hot.segment(key(5), async { Ok(Found::Ram(vec![large])) }).await.unwrap();
        assert!(!kept(4) && kept(5) && hot.held().bytes == MOST / 2);
    }
}
