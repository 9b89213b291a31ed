//! The writing end of a stream.

use std::sync::{Arc, atomic::Ordering};

use media::Layout;

use crate::{Error, NewPart, held::Line, live::Live, shared::Shared, stream::Stream};

/// Puts parts into a stream. There is one at a time; no call waits for the disk.
pub struct Writer {
    stream: Arc<Stream>,
    shared: Arc<Shared>,
    ended: bool,
}

impl Writer {
    /// The stream's writer, whose place has been claimed.
    pub(crate) fn new(stream: Arc<Stream>, shared: Arc<Shared>) -> Self {
        stream.change(Live::reopen);
        Self { stream, shared, ended: false }
    }

    /// The last segment of which anything was recorded: what is pushed comes after it. None for a new stream, and
    /// where the disk has not said yet.
    #[must_use]
    pub fn last(&self) -> Option<u64> {
        self.stream.look(Live::settled)
    }

    /// The tracks from here on. Closes what is open and begins a discontinuity if there was a layout before.
    pub fn set_layout(&mut self, layout: Layout) {
        self.change(|live| live.set_layout(Arc::new(layout)));
    }

    /// The next segment is not the continuation of the one before. The first after a restart is not, anyway.
    pub fn discontinue(&mut self) {
        self.change(|live| {
            live.discontinue();
            Vec::new()
        });
    }

    /// Adds a part; readers see it on return.
    ///
    /// # Errors
    /// [`Error::NoLayout`] before the first layout, [`Error::NoTrack`], [`Error::Stale`] for a segment that is
    /// not after everything recorded, [`Error::Order`] for a part that does not follow its track's last.
    pub fn push_part(&mut self, part: NewPart) -> Result<(), Error> {
        let lines = self.stream.change(|live| live.push(part))?;
        self.send(lines);
        Ok(())
    }

    /// No part of this segment (or an earlier one) will follow on this track. Closed on every track, the segment
    /// is listed and goes on the disk; one that lacks a track altogether is dropped.
    pub fn close_segment(&mut self, track: usize, number: u64) {
        self.change(|live| live.close(track, number));
    }

    /// A clean end: open segments are closed, the window is marked as ended.
    pub fn finish(mut self) {
        self.ended = true;
    }

    fn change(&self, change: impl FnOnce(&mut Live) -> Vec<Line>) {
        self.send(self.stream.change(change));
    }

    fn send(&self, lines: Vec<Line>) {
        lines.into_iter().for_each(|line| self.shared.record(&self.stream, line));
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.change(|live| live.end(self.ended));
        self.stream.writing.store(false, Ordering::Release);
    }
}
