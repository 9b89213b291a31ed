//! The live window of one stream: what is in RAM, what the playlist says, what goes to disk. Pure.
//!
//! A segment stays in RAM until the disk has acknowledged or refused it and it is older than `live`, or newer ones fill
//! the stream's share of RAM; the newest few stay anyway. None stays beyond 4 x `live` or twice the share: one that the
//! disk has not got by then is a gap, until it gets it. A segment that lacks a track when it closes is not kept: it could be
//! played by nobody.

mod past;

use std::sync::Arc;

use bytes::Bytes;
use media::{EdgeSegment, Grid, History, Layout, Window};

use crate::{
    Error,
    held::{Held, HeldTrack, Line, Part},
    pin::{Reach, segments},
};

/// A segment of which the disk has said nothing leaves RAM at this many times `live`, or this many shares.
const HARD_CAP: u64 = 4;
const MOST_SHARES: u64 = 2;

/// Segments that stay whatever they take: their parts are listed, for three Target Durations, and parts are in RAM only.
const NEWEST: u64 = 5;

/// One CMAF chunk on its way in.
#[derive(Clone, Debug)]
pub struct NewPart {
    /// Index of the track in the layout.
    pub track: usize,
    /// Segment number, rising on each track.
    pub segment: u64,
    /// Part index within the segment, from 0 without holes.
    pub part: u32,
    /// Decode time of its first sample, ticks of the track's timescale since the epoch.
    pub start: u64,
    /// Ticks it lasts.
    pub duration: u32,
    /// Begins with a sample where decoding can begin.
    pub independent: bool,
    /// Holds a sample that stands in for one that never came.
    pub filler: bool,
    /// One CMAF chunk.
    pub data: Bytes,
}

/// Where a stream goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resume {
    /// It has never been.
    New,
    /// After this segment.
    After { last: u64, discontinuity: u32 },
    /// The disk does not say. Discontinuity numbers then begin at the segment number, which is greater than
    /// any that was counted up to.
    Unknown,
}

/// The writer's side of a stream.
pub(crate) struct Live {
    resume: Resume,
    /// In segments.
    live: u64,
    /// In segments.
    window: u64,
    /// Bytes of media.
    share: u64,
    /// Nobody writes: what the disk has need not be in RAM.
    idle: bool,
    /// Rising numbers.
    held: Vec<Arc<Held>>,
    history: History,
    /// Each layout with the last segment that used it; the current one last.
    layouts: Vec<(Arc<Layout>, u64)>,
    edge: Vec<Arc<[EdgeSegment]>>,
    /// Per track of the current layout: closed up to this segment.
    closed: Vec<Option<u64>>,
    /// Nothing can begin at or before this segment any more.
    settled: Option<u64>,
    /// The first segment pushed since the store was opened.
    first: Option<u64>,
    discontinuity: Option<u32>,
    discontinue: bool,
    acknowledged: Option<u64>,
    ended: bool,
    /// What was recorded before this process is in `history`.
    whole: bool,
    grid: Grid,
    /// How far back the stream stays listed beyond `window`.
    reaches: Vec<Reach>,
    /// The layouts, as windows share them.
    listed: Arc<[Arc<Layout>]>,
}

impl Live {
    /// A stream that keeps `live_nanos` in RAM, of at most `share` bytes, and lists `window_nanos`.
    pub(crate) fn new(grid: Grid, resume: Resume, live_nanos: u128, share: u64, window_nanos: u128) -> Self {
        let (settled, discontinuity) = match resume {
            Resume::After { last, discontinuity } => (Some(last), Some(discontinuity)),
            Resume::New | Resume::Unknown => (None, None),
        };
        Self {
            resume,
            live: segments(live_nanos, &grid),
            window: segments(window_nanos, &grid),
            share,
            idle: false,
            held: Vec::new(),
            history: History::default(),
            layouts: Vec::new(),
            edge: Vec::new(),
            closed: Vec::new(),
            settled,
            first: None,
            discontinuity,
            discontinue: true,
            acknowledged: None,
            ended: false,
            whole: resume == Resume::New,
            grid,
            reaches: Vec::new(),
            listed: Arc::new([]),
        }
    }

    /// Where the stream goes on if it is opened again.
    pub(crate) fn end_of(&self) -> Resume {
        match (self.settled, self.discontinuity) {
            (Some(last), Some(discontinuity)) => Resume::After { last, discontinuity },
            _ => self.resume,
        }
    }

    /// A new writer goes on.
    pub(crate) fn reopen(&mut self) {
        (self.ended, self.idle) = (false, false);
        self.discontinue = true;
    }

    pub(crate) fn set_layout(&mut self, layout: Arc<Layout>) -> Vec<Line> {
        let lines = self.close_all();
        self.discontinue |= !self.closed.is_empty();
        self.closed = vec![None; layout.tracks.len()];
        let used = match self.layouts.iter().position(|(known, _)| known.id == layout.id) {
            Some(at) => self.layouts.remove(at).1,
            None => 0,
        };
        self.layouts.push((layout, used));
        self.list_layouts();
        self.refresh();
        lines
    }

    pub(crate) fn discontinue(&mut self) {
        self.discontinue = true;
    }

    pub(crate) fn push(&mut self, part: NewPart) -> Result<Vec<Line>, Error> {
        let (track, number) = (part.track, part.segment);
        self.check(&part)?;
        let at = self.begin(number)?;
        // What the track skipped, it will not have.
        if let Some(before) = number.checked_sub(1) {
            self.closed[track] = self.closed[track].max(Some(before));
        }
        let held = Arc::make_mut(&mut self.held[at]);
        held.bytes += part.data.len() as u64;
        held.tracks[track].parts.push(Part {
            start: part.start,
            duration: part.duration,
            independent: part.independent,
            filler: part.filler,
            data: part.data,
        });
        self.first.get_or_insert(number);
        let mut lines = self.settle(Some(number));
        if let Ok(at) = self.find(number) {
            lines.extend(Arc::make_mut(&mut self.held[at]).lines(self.grid.parts_per_segment));
        }
        self.refresh_track(track);
        Ok(lines)
    }

    pub(crate) fn close(&mut self, track: usize, number: u64) -> Vec<Line> {
        let Some(closed) = self.closed.get_mut(track) else { return Vec::new() };
        *closed = (*closed).max(Some(number));
        let lines = self.settle(None);
        self.refresh();
        lines
    }

    /// Closes what is open; with `ended`, nothing will follow.
    pub(crate) fn end(&mut self, ended: bool) -> Vec<Line> {
        let lines = self.close_all();
        (self.ended, self.idle) = (ended, true);
        self.trim();
        self.refresh();
        lines
    }

    /// The disk has it.
    pub(crate) fn acknowledge(&mut self, number: u64) {
        self.acknowledged = self.acknowledged.max(Some(number));
        if let Ok(at) = self.find(number) {
            Arc::make_mut(&mut self.held[at]).acknowledged = true;
            self.trim();
        } else {
            self.history.close_gap(number);
        }
    }

    /// The disk will not have it. False where that was known.
    pub(crate) fn refuse(&mut self, number: u64) -> bool {
        let Ok(at) = self.find(number) else { return true };
        let new = !std::mem::replace(&mut Arc::make_mut(&mut self.held[at]).unrecorded, true);
        self.trim();
        new
    }

    /// Whether lines of this segment are still worth sending.
    pub(crate) fn is_refused(&self, number: u64) -> bool {
        self.find(number).is_ok_and(|at| self.held[at].unrecorded)
    }

    /// Whether what was recorded before this process is in the window.
    pub(crate) fn is_whole(&self) -> bool {
        self.whole
    }

    pub(crate) fn window(&self) -> Window {
        Window {
            grid: self.grid,
            layouts: Arc::clone(&self.listed),
            history: self.history.clone(),
            edge: self.edge.clone(),
            breaks: Arc::new([]),
            ended: self.ended,
        }
    }

    /// The last segment that the disk has acknowledged.
    pub(crate) fn acknowledged(&self) -> Option<u64> {
        self.acknowledged
    }

    /// Whether the disk has a segment, as far as that is for this process to say.
    pub(crate) fn is_recorded(&self, number: u64) -> bool {
        self.acknowledged.is_some_and(|last| number <= last) || self.first.is_none_or(|first| number < first)
    }

    /// The last segment before which nothing can begin any more.
    pub(crate) fn settled(&self) -> Option<u64> {
        self.settled
    }

    pub(crate) fn held(&self) -> Vec<Arc<Held>> {
        self.held.clone()
    }

    fn find(&self, number: u64) -> Result<usize, usize> {
        self.held.binary_search_by_key(&number, |held| held.number)
    }

    fn check(&self, part: &NewPart) -> Result<(), Error> {
        let (track, number) = (part.track, part.segment);
        if self.layouts.is_empty() || self.closed.is_empty() {
            return Err(Error::NoLayout);
        }
        let tracks = self.closed.len();
        let closed = *self.closed.get(track).ok_or(Error::NoTrack { track, tracks })?;
        if let Some(last) = closed.max(self.settled)
            && number <= last
        {
            return Err(Error::Stale { number, last });
        }
        let open = self.held.iter().rfind(|held| {
            held.tracks.get(track).is_some_and(|track| !track.closed && !track.parts.is_empty())
        });
        let (open, expected) = match open {
            Some(held) => (held.number, held.tracks[track].parts.len() as u32),
            None => (number, 0),
        };
        if (number, part.part) != (open, expected) {
            return Err(Error::Order { track, number, part: part.part, open, expected });
        }
        Ok(())
    }

    /// The position of the segment in `held`, where it is put if it is new.
    fn begin(&mut self, number: u64) -> Result<usize, Error> {
        let at = match self.find(number) {
            Ok(at) => return Ok(at),
            Err(at) => at,
        };
        let layout = Arc::clone(&self.layouts.last().ok_or(Error::NoLayout)?.0);
        let discontinuity = if at < self.held.len() {
            // A track that lags behind: the number is its successor's, which was counted on.
            self.held[at].discontinuity
        } else {
            self.next_discontinuity(number)
        };
        let tracks = self.closed.iter().map(|closed| HeldTrack {
            parts: Vec::new(),
            closed: closed.is_some_and(|closed| closed >= number),
        });
        let held = Held {
            number,
            discontinuity,
            tracks: tracks.collect(),
            bytes: 0,
            layout,
            acknowledged: false,
            unrecorded: false,
            sent: 0,
            ended: false,
        };
        self.held.insert(at, Arc::new(held));
        Ok(at)
    }

    fn next_discontinuity(&mut self, number: u64) -> u32 {
        let next = match (self.discontinuity, self.resume) {
            (Some(last), _) => last.wrapping_add(u32::from(self.discontinue)),
            (None, Resume::Unknown) => number as u32,
            (None, _) => 0,
        };
        self.discontinue = false;
        self.discontinuity = Some(next);
        next
    }

    fn close_all(&mut self) -> Vec<Line> {
        let Some(newest) = self.held.last().map(|held| held.number) else { return Vec::new() };
        self.closed.iter_mut().for_each(|closed| *closed = (*closed).max(Some(newest)));
        self.settle(None)
    }

    /// Moves what is now closed on all tracks to the history; the lines that became ready by it.
    fn settle(&mut self, pushed: Option<u64>) -> Vec<Line> {
        let parts = self.grid.parts_per_segment;
        let closed = self.closed.clone();
        let mut lines = Vec::new();
        for held in self.held.iter_mut().filter(|held| !held.ended && Some(held.number) != pushed) {
            if held.tracks.len() != closed.len() {
                continue;
            }
            let held = Arc::make_mut(held);
            for (track, closed) in held.tracks.iter_mut().zip(&closed) {
                track.closed = closed.is_some_and(|closed| closed >= held.number);
            }
            lines.extend(held.lines(parts));
        }
        let complete: Vec<_> =
            self.held.iter().filter(|held| !held.ended && held.is_closed()).map(Arc::clone).collect();
        for held in &complete {
            self.complete(held);
        }
        if !complete.is_empty() {
            self.refresh();
        }
        self.trim();
        lines
    }

    fn complete(&mut self, held: &Held) {
        self.settled = self.settled.max(Some(held.number));
        let Ok(at) = self.find(held.number) else { return };
        if !held.is_whole() {
            self.held.remove(at);
            return;
        }
        Arc::make_mut(&mut self.held[at]).ended = true;
        if let Some((_, used)) = self.layouts.iter_mut().find(|(layout, _)| layout.id == held.layout.id) {
            *used = held.number;
        }
        self.history.push(held.segment(&self.grid));
        self.history.drop_before(self.floor(held.number));
        self.prune_layouts();
    }

    /// Lets go of what is old enough, oldest first and without holes.
    fn trim(&mut self) {
        let Some(newest) = self.held.last().map(|held| held.number) else { return };
        let share = if self.idle { 0 } else { self.share };
        let (mut gone, mut bytes) = (0, self.held.iter().map(|held| held.bytes).sum::<u64>());
        for held in &self.held {
            let age = newest - held.number;
            let enough = age > self.live || (bytes > share && age >= NEWEST);
            let settled = held.acknowledged || (held.unrecorded && held.ended);
            let over = age > self.live.saturating_mul(HARD_CAP)
                || (bytes > self.share.saturating_mul(MOST_SHARES) && age >= NEWEST);
            if !(over || (settled && enough)) {
                break;
            }
            bytes -= held.bytes;
            self.settled = self.settled.max(Some(held.number));
            if held.ended && !held.acknowledged {
                self.history.mark_gap(held.number);
            }
            gone += 1;
        }
        if gone > 0 {
            self.held.drain(..gone);
            self.refresh();
        }
    }

    fn refresh(&mut self) {
        let tracks = self.closed.len();
        self.edge.resize_with(tracks, || Arc::new([]));
        (0..tracks).for_each(|track| self.refresh_track(track));
    }

    fn refresh_track(&mut self, track: usize) {
        let Some((current, _)) = self.layouts.last() else { return };
        let edge = self.held.iter().filter_map(|held| held.edge(current, track)).collect();
        self.edge[track] = edge;
    }
}
