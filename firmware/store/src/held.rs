//! A segment in RAM: its parts, what the playlist says of it and the lines it sends to disk. Pure.

use std::sync::Arc;

use bytes::Bytes;
use media::{EdgePart, EdgeSegment, Grid, Layout, Segment, Span, Spans, Track};

/// All tracks' chunks of one part index: what one record on disk holds.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) layout: Arc<Layout>,
    pub(crate) number: u64,
    pub(crate) part: u32,
    pub(crate) discontinuity: u32,
    pub(crate) filler: bool,
    /// The segment's last.
    pub(crate) last: bool,
    pub(crate) chunks: Vec<(u16, Part)>,
}

impl Line {
    /// Bytes of media.
    pub(crate) fn bytes(&self) -> u64 {
        self.chunks.iter().map(|(_, part)| part.data.len() as u64).sum()
    }
}

/// A part in RAM.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) start: u64,
    pub(crate) duration: u32,
    pub(crate) independent: bool,
    pub(crate) filler: bool,
    pub(crate) data: Bytes,
}

/// A segment in RAM.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) number: u64,
    pub(crate) layout: Arc<Layout>,
    pub(crate) discontinuity: u32,
    pub(crate) tracks: Vec<HeldTrack>,
    /// Of all parts.
    pub(crate) bytes: u64,
    pub(crate) acknowledged: bool,
    /// The committer has refused a line of it: the rest need not be sent.
    pub(crate) unrecorded: bool,
    /// Part lines sent to the committer.
    pub(crate) sent: usize,
    /// Closed on every track and in the history.
    pub(crate) ended: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct HeldTrack {
    pub(crate) parts: Vec<Part>,
    pub(crate) closed: bool,
}

impl Held {
    /// The index of a track of `current` in this segment's own layout.
    pub(crate) fn track(&self, current: &Layout, track: usize) -> Option<usize> {
        if self.layout.id == current.id {
            return Some(track);
        }
        self.layout.index_of(&current.tracks.get(track)?.name)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.tracks.iter().all(|track| track.closed)
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.tracks.iter().all(|track| track.parts.iter().any(|part| part.duration > 0))
    }

    /// Part lines that every track has closed and that were not sent. The last waits for the segment's end,
    /// which it marks; where it was sent before, an empty line does.
    pub(crate) fn lines(&mut self, parts_per_segment: u32) -> Vec<Line> {
        let mut lines = Vec::new();
        if self.ended {
            return lines;
        }
        let closed = self.is_closed();
        if closed && !self.is_whole() {
            return lines;
        }
        let total = self.tracks.iter().map(|track| track.parts.len()).max().unwrap_or(0);
        let ready = |part: usize| self.tracks.iter().all(|track| track.closed || track.parts.len() > part);
        let held_back = |part: usize| !closed && part + 1 >= parts_per_segment as usize;
        let mut part = self.sent;
        while part < total && ready(part) && !held_back(part) {
            lines.push(self.line(part, closed && part + 1 == total));
            part += 1;
        }
        if closed && lines.is_empty() {
            lines.push(self.line(part, true));
        }
        self.sent = part;
        lines
    }

    fn line(&self, part: usize, last: bool) -> Line {
        let chunk = |(track, held): (usize, &HeldTrack)| Some((track as u16, held.parts.get(part)?.clone()));
        let chunks: Vec<_> = self.tracks.iter().enumerate().filter_map(chunk).collect();
        Line {
            layout: Arc::clone(&self.layout),
            number: self.number,
            part: part as u32,
            discontinuity: self.discontinuity,
            filler: chunks.iter().any(|(_, part)| part.filler),
            last,
            chunks,
        }
    }

    pub(crate) fn segment(&self, grid: &Grid) -> Segment {
        let span = |(held, track): (&HeldTrack, &Track)| {
            let start = held.parts.first().map_or(0, |part| part.start);
            let end = held.parts.last().map_or(0, |part| part.start + u64::from(part.duration));
            let duration = u32::try_from(end.saturating_sub(start)).unwrap_or(u32::MAX);
            (Span { start, duration }, track.timescale)
        };
        Segment {
            number: self.number,
            discontinuity: self.discontinuity,
            filler: self.tracks.iter().flat_map(|track| &track.parts).any(|part| part.filler),
            gap: false,
            layout: self.layout.id,
            spans: Spans::new(grid, self.number, self.tracks.iter().zip(&self.layout.tracks).map(span)),
        }
    }

    pub(crate) fn edge(&self, current: &Layout, track: usize) -> Option<EdgeSegment> {
        let track = self.tracks.get(self.track(current, track)?)?;
        let first = track.parts.first()?;
        let part = |part: &Part| EdgePart {
            duration: part.duration,
            independent: part.independent,
            len: u32::try_from(part.data.len()).unwrap_or(u32::MAX),
        };
        Some(EdgeSegment {
            number: self.number,
            discontinuity: self.discontinuity,
            layout: self.layout.id,
            start: first.start,
            parts: track.parts.iter().map(part).collect(),
            closed: track.closed,
        })
    }
}
