//! Segments that were asked for lately, in a bounded part of RAM: what many viewers want is read once, and its checksum is
//! reckoned once.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use access::{Encryption, KeyId};
use bytes::Bytes;
use tokio::sync::OnceCell;

use crate::{
    error::Error,
    media_bytes::crc,
    twins::{Known, LEAST, Twins},
};

/// So many viewers are sent a segment's bytes before it gets a twin, which costs as much as sending it twice.
const FIRST: u32 = 2;

/// Bytes that are kept at the most, but for the segment that came last.
const MOST: usize = 96 << 20;

/// A segment as it is sent.
pub(crate) struct Segment {
    chunks: Vec<Bytes>,
    /// Of all of them.
    pub(crate) crc: u32,
    /// How often it was asked for.
    asked: AtomicU32,
    twin: OnceLock<Option<Known>>,
}

impl Segment {
    fn new(chunks: Vec<Bytes>) -> Self {
        let crc = crc(&chunks);
        Self { chunks, crc, asked: AtomicU32::new(0), twin: OnceLock::new() }
    }

    /// Bytes of RAM that it takes, with its twin and the file of that where it gets one.
    fn holds(&self) -> usize {
        let bytes = self.chunks.iter().map(Bytes::len).sum();
        if bytes < LEAST { bytes } else { 3 * bytes }
    }

    /// It as somebody is sent it; what others have asked for before gets a twin.
    pub(crate) fn given(&self, twins: &Twins) -> Vec<Bytes> {
        let large = self.holds() >= 3 * LEAST;
        if !large || self.asked.fetch_add(1, Ordering::Relaxed) < FIRST {
            return self.chunks.clone();
        }
        let twin = self.twin.get_or_init(|| match twins.make(&self.chunks) {
            Ok(known) => Some(known),
            Err(error) => {
                tracing::debug!(%error, "a segment has no file");
                None
            }
        });
        twin.as_ref().map_or_else(|| self.chunks.clone(), |known| vec![known.bytes().clone()])
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
    segment: Arc<OnceCell<Segment>>,
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
        read: impl Future<Output = Result<Vec<Bytes>, Error>>,
    ) -> Result<Arc<OnceCell<Segment>>, Error> {
        let cell = self.held().cell(&key);
        if cell.initialized() {
            return Ok(cell);
        }
        let reading = cell.get_or_try_init(|| async {
            let chunks = read.await?;
            Ok(Segment::new(chunks))
        });
        match reading.await {
            Ok(segment) => {
                let bytes = segment.holds();
                self.held().came(&key, bytes);
                Ok(cell)
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
    fn cell(&mut self, key: &Key) -> Arc<OnceCell<Segment>> {
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
                Ok(vec![Bytes::from_static(b"abc")])
            })
        };
        let (one, other) = tokio::join!(ask(), ask());
        for cell in [one, other, ask().await] {
            assert_eq!(cell.unwrap().get().unwrap().chunks, [Bytes::from_static(b"abc")]);
        }
        assert_eq!(reads.load(Ordering::Relaxed), 1);
        assert!(hot.segment(key(2), async { Err(Error::Late) }).await.is_err());
        let again = hot.segment(key(2), async { Ok(vec![Bytes::from_static(b"d")]) }).await;
        assert_eq!(again.unwrap().get().unwrap().chunks.len(), 1, "a failure is not kept");
    }

    #[tokio::test]
    async fn what_was_not_asked_for_longest_goes() {
        let hot = Hot::default();
        // Each takes three times as much with its twin.
        let large = Bytes::from(vec![0; MOST / 6]);
        for number in [1, 2, 1, 3] {
            hot.segment(key(number), async { Ok(vec![large.clone()]) }).await.unwrap();
        }
        let kept = |number| hot.held().entries.contains_key(&key(number));
        assert!(kept(1) && !kept(2) && kept(3) && hot.held().bytes <= MOST);
        let huge = Bytes::from(vec![0; MOST]);
        hot.segment(key(4), async { Ok(vec![huge]) }).await.unwrap();
        assert!(kept(4) && !kept(1) && !kept(3));
        hot.segment(key(5), async { Ok(vec![large]) }).await.unwrap();
        assert!(!kept(4) && kept(5) && hot.held().bytes == MOST / 2);
    }
}
