//! The reading end of a stream.

use std::{pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use media::{LayoutId, Window};
use tokio::{
    task,
    time::{Instant, timeout_at},
};

use crate::{
    Error, Places, places,
    shared::Shared,
    source::{self, Located, locate},
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
        // Nearly always, and without the lock of those who wait.
        if self.stream.picture().whole {
            return;
        }
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
        let window = self.window();
        if until(&window) {
            return window;
        }
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
        let index = {
            let picture = self.stream.picture();
            match locate(&picture.window, picture.held(number), track, number)? {
                Located::Ram(_, chunks) => return Ok(chunks),
                Located::Disk(index) => index,
            }
        };
        let stream = *self.stream.id.get().ok_or(Error::NotOpen)?;
        let shared = Arc::clone(&self.shared);
        on_thread(move || source::read(&shared, stream, number, source::chunk(index))).await
    }

    /// The chunks of a closed segment, where it is in RAM; none where it is not.
    ///
    /// # Errors
    /// As [`segment`](Self::segment).
    pub fn held(&self, track: &str, number: u64) -> Result<Option<Vec<Bytes>>, Error> {
        let picture = self.stream.picture();
        Ok(match locate(&picture.window, picture.held(number), track, number)? {
            Located::Ram(_, chunks) => Some(chunks),
            Located::Disk(_) => None,
        })
    }

    /// Where a closed segment lies on the disk, whether it is in RAM, too, or not; none where the disk does not have it (yet).
    ///
    /// # Errors
    /// As [`segment`](Self::segment).
    pub async fn places(&self, track: &str, number: u64) -> Result<Option<Places>, Error> {
        let index = {
            let picture = self.stream.picture();
            locate(&picture.window, picture.held(number), track, number)?.index()
        };
        let stream = *self.stream.id.get().ok_or(Error::NotOpen)?;
        places::find(&self.shared, stream, number, index).await
    }

    #[cfg(test)]
    pub(crate) fn held_bytes(&self) -> u64 {
        self.stream.look(|live| live.held().iter().map(|held| held.bytes).sum())
    }

    #[cfg(test)]
    pub(crate) fn loaded(&self) -> bool {
        self.stream.loaded.load(std::sync::atomic::Ordering::Acquire)
    }
}

/// Runs what waits for the disk where it holds up nobody.
pub(crate) async fn on_thread<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = task::spawn_blocking(read).await;
    done.map_err(|error| Error::Thread { name: "segment reader", reason: error.to_string() })?
}
