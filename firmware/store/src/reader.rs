//! The reading end of a stream.

use std::{path::Path, pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use media::{LayoutId, Window};
use tokio::{
    task,
    time::{Instant, timeout_at},
};

use crate::{
    Error, Io,
    catalogue::{Catalogue, seg},
    entry::{Entry, Place},
    extent::{read_chunk, read_record},
    io::File,
    lease::{Lease, Leases},
    ring::open_extent,
    shared::{Message, Shared},
    stream::Stream,
};

/// The catalogue of a day's rewind is read in a fraction of this.
const HISTORY: Duration = Duration::from_secs(3);

/// Sees a stream. Cheap to clone; as many as there are viewers.
#[derive(Clone)]
pub struct Reader {
    stream: Arc<Stream>,
    shared: Arc<Shared>,
}

impl Reader {
    pub(crate) fn new(stream: Arc<Stream>, shared: Arc<Shared>) -> Self {
        Self { stream, shared }
    }

    /// What can be played now. Never waits.
    #[must_use]
    pub fn window(&self) -> Arc<Window> {
        Arc::clone(&self.stream.picture().window)
    }

    /// Waits until what was recorded before this process is in the window: a playlist may grow at its end only. Not longer
    /// than 3 s from the opening of the stream: a disk that fails does not keep viewers from live.
    pub async fn whole(&self) {
        let deadline = self.stream.born + HISTORY;
        let mut changed = pin!(self.stream.changed().notified());
        loop {
            changed.as_mut().enable();
            if self.stream.picture().whole || timeout_at(deadline, changed.as_mut()).await.is_err() {
                return;
            }
            changed.set(self.stream.changed().notified());
        }
    }

    /// The first window that satisfies `until`, or the last one at the deadline.
    pub async fn wait(&self, deadline: Instant, until: impl Fn(&Window) -> bool) -> Arc<Window> {
        let mut changed = pin!(self.stream.changed().notified());
        loop {
            // Enlisted before looking: a change in between is not missed.
            changed.as_mut().enable();
            let window = self.window();
            if until(&window) || timeout_at(deadline, changed.as_mut()).await.is_err() {
                return window;
            }
            changed.set(self.stream.changed().notified());
        }
    }

    /// The init segment of a track, by its index in that layout.
    #[must_use]
    pub fn init(&self, layout: LayoutId, track: usize) -> Option<Bytes> {
        self.stream.picture().window.layout_by_id(layout)?.init.get(track).cloned()
    }

    /// A part in RAM, also of the open segment; `track` is the index in the current layout.
    #[must_use]
    pub fn live_part(&self, track: usize, number: u64, part: u32) -> Option<Bytes> {
        let picture = self.stream.picture();
        let held = picture.held(number)?;
        let track = held.track(picture.window.layout()?, track)?;
        Some(held.tracks.get(track)?.parts.get(part as usize)?.data.clone())
    }

    /// The chunks of a closed segment, from RAM, else from disk; `track` is the track's name.
    ///
    /// # Errors
    /// By [`kind`](Error::kind): not-found where it never was or is still open, gone where it is no longer kept,
    /// corrupt where it is a gap, unavailable while the disk fails.
    pub async fn segment(&self, track: &str, number: u64) -> Result<Vec<Bytes>, Error> {
        let no_track = || Error::NoSuchTrack { track: track.to_owned(), number };
        let index = {
            let picture = self.stream.picture();
            if let Some(held) = picture.held(number) {
                let index = held.layout.index_of(track).ok_or_else(no_track)?;
                let track = held.tracks.get(index).filter(|track| track.closed && !track.parts.is_empty());
                let track = track.ok_or(Error::NotFound(number))?;
                return Ok(track.parts.iter().map(|part| part.data.clone()).collect());
            }
            let window = &picture.window;
            let Some(segment) = window.history.get(number) else {
                let expired = window.history.first().is_some_and(|first| number < first.number);
                return Err(if expired { Error::Gone(number) } else { Error::NotFound(number) });
            };
            if segment.gap {
                return Err(Error::Corrupt(number));
            }
            let layout = window.layout_by_id(segment.layout).ok_or(Error::NotFound(number))?;
            layout.index_of(track).ok_or_else(no_track)?
        };
        let this = self.clone();
        let read = task::spawn_blocking(move || this.read(index, number)).await;
        read.map_err(|error| Error::Thread { name: "segment reader", reason: error.to_string() })?
    }

    #[cfg(test)]
    pub(crate) fn loaded(&self) -> bool {
        self.stream.loaded.load(std::sync::atomic::Ordering::Acquire)
    }

    fn read(&self, track: usize, number: u64) -> Result<Vec<Bytes>, Error> {
        let catalogue = self.shared.catalogue().ok_or(Error::NotOpen)?;
        let stream = *self.stream.id.get().ok_or(Error::NotOpen)?;
        let source = Source {
            io: &*self.shared.io,
            dir: &self.shared.extents_dir(),
            size: self.shared.config.extent,
            leases: &self.shared.leases,
        };
        let result = source.segment(&*catalogue, stream, track, number);
        if let Err(Error::Corrupt(_)) = result {
            tracing::error!(channel = self.stream.channel, number, "segment fails its checksum");
            self.stream.change(|live| live.mark_gap(number));
            self.shared.hint(Message::Quarantine { stream, number });
        }
        result
    }
}

/// The disk as a reader sees it.
struct Source<'a> {
    io: &'a dyn Io,
    dir: &'a Path,
    size: u64,
    leases: &'a Arc<Leases>,
}

impl Source<'_> {
    fn segment(
        &self,
        catalogue: &dyn Catalogue,
        stream: u16,
        track: usize,
        number: u64,
    ) -> Result<Vec<Bytes>, Error> {
        let value = catalogue.get(&seg(stream, number))?.ok_or(Error::Gone(number))?;
        let entry = Entry::decode(&value)?;
        if entry.quarantined {
            return Err(Error::Corrupt(number));
        }
        let mut chunks = Vec::with_capacity(entry.places.len());
        let mut open: Option<(u32, Lease, Arc<dyn File>)> = None;
        for place in entry.places {
            if open.as_ref().is_none_or(|(extent, ..)| *extent != place.extent) {
                let lease = self.leases.take(place.extent, place.generation).ok_or(Error::Gone(number))?;
                open = Some((place.extent, lease, open_extent(self.io, self.dir, place.extent)?));
            }
            let Some((_, lease, file)) = &open else { continue };
            let chunk = self.chunk(&**file, place, track);
            // Overwritten while it was read: whatever that gave is not the segment.
            if !lease.holds() {
                return Err(Error::Gone(number));
            }
            match chunk? {
                Found::Chunk(data) => chunks.push(data.into()),
                Found::Nothing => {}
                Found::Damage => return Err(Error::Corrupt(number)),
            }
        }
        Ok(chunks)
    }

    fn chunk(&self, file: &dyn File, place: Place, track: usize) -> Result<Found, Error> {
        let failed = |error| Error::disk("read", crate::extent::path(self.dir, place.extent))(error);
        let placed =
            read_record(file, place.generation, u64::from(place.offset), self.size).map_err(failed)?;
        let Some(placed) = placed else { return Ok(Found::Damage) };
        let index = placed.record.chunks.iter().position(|chunk| usize::from(chunk.track) == track);
        let Some(index) = index else { return Ok(Found::Nothing) };
        let data = read_chunk(file, &placed, index).map_err(failed)?;
        Ok(data.map_or(Found::Damage, Found::Chunk))
    }
}

/// A track's share of one part line.
enum Found {
    Chunk(Vec<u8>),
    /// The track has no chunk in this line.
    Nothing,
    Damage,
}
