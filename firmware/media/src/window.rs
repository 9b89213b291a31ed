//! A consistent picture of what a channel holds, from the oldest segment to the part that closed last.
//!
//! ```text
//! history:  [ 100 101 102 103 | gap | 110 111 112 ]        closed on every track, any age
//! edge[t]:                               [ 111 112 113* ]  per track, with parts; * is still open
//! ```
//! A window never changes; the writer makes the next one and readers keep theirs as long as they like.

use std::sync::Arc;

use crate::{Grid, Layout, LayoutId};

/// Everything that can be played of one channel at one instant.
#[derive(Clone, Debug)]
pub struct Window {
    /// The channel's grid.
    pub grid: Grid,
    /// Every layout that a listed segment names, the current one last. Empty before the first sample.
    pub layouts: Arc<[Arc<Layout>]>,
    /// Segments closed on every track, oldest first.
    pub history: History,
    /// Per track of the current layout: its latest segments with their parts, oldest first.
    pub edge: Vec<Arc<[EdgeSegment]>>,
    /// The channel has stopped: nothing will be added to this window.
    pub ended: bool,
}

/// One segment on all tracks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Number since the epoch (see [`Grid`]).
    pub number: u64,
    /// Discontinuity Sequence Number (RFC 8216bis, 4.4.3.3): differs from its predecessor's after a break.
    pub discontinuity: u32,
    /// At least one sample stands in for one that never came.
    pub filler: bool,
    /// Its bytes cannot be served (missing or corrupt); the time is kept.
    pub gap: bool,
    /// The tracks it holds.
    pub layout: LayoutId,
    /// Start and duration on each track of its layout.
    pub spans: Box<[Span]>,
}

/// A stretch of one track, in ticks of its timescale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Decode time of the first sample.
    pub start: u64,
    /// Ticks to the end of the last sample.
    pub duration: u32,
}

/// One of a track's latest segments, with its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeSegment {
    /// Number since the epoch.
    pub number: u64,
    /// Discontinuity Sequence Number.
    pub discontinuity: u32,
    /// The layout it belongs to.
    pub layout: LayoutId,
    /// Decode time of the first sample.
    pub start: u64,
    /// Its parts so far.
    pub parts: Vec<EdgePart>,
    /// No further part will come.
    pub closed: bool,
}

/// What a playlist says of one part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EdgePart {
    /// Ticks it lasts.
    pub duration: u32,
    /// Begins with a sample where decoding can begin.
    pub independent: bool,
    /// Bytes in it.
    pub len: u32,
}

impl EdgeSegment {
    /// Ticks of the parts so far.
    #[must_use]
    pub fn duration(&self) -> u32 {
        self.parts.iter().map(|part| part.duration).sum()
    }
}

/// One line of a track's listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry<'a> {
    /// A closed segment.
    Segment {
        /// Number since the epoch.
        number: u64,
        /// Discontinuity Sequence Number.
        discontinuity: u32,
        /// The layout whose init segment it needs.
        layout: LayoutId,
        /// Start and duration on this track.
        span: Span,
        /// Its parts, where it is recent enough to have them listed.
        parts: &'a [EdgePart],
        /// Its bytes cannot be served.
        gap: bool,
    },
    /// The box was not recording; the number and its time are kept.
    Missing {
        /// Number since the epoch.
        number: u64,
        /// Where it would lie on this track.
        span: Span,
    },
    /// The segment being made; always the last entry.
    Open(&'a EdgeSegment),
}

impl Entry<'_> {
    /// The entry's segment number.
    #[must_use]
    pub fn number(&self) -> u64 {
        match self {
            Entry::Segment { number, .. } | Entry::Missing { number, .. } => *number,
            Entry::Open(segment) => segment.number,
        }
    }
}

impl Window {
    /// A window that holds nothing yet.
    #[must_use]
    pub fn empty(grid: Grid) -> Self {
        Self { grid, layouts: Arc::new([]), history: History::default(), edge: Vec::new(), ended: false }
    }

    /// The layout that is being recorded now.
    #[must_use]
    pub fn layout(&self) -> Option<&Arc<Layout>> {
        self.layouts.last()
    }

    /// A layout by its id.
    #[must_use]
    pub fn layout_by_id(&self, id: LayoutId) -> Option<&Arc<Layout>> {
        self.layouts.iter().rev().find(|layout| layout.id == id)
    }

    /// The listing of track `index` of the current layout, oldest first, without holes in its numbers.
    ///
    /// A segment of an older layout that has no track of the same name is listed as missing.
    pub fn listing(&self, index: usize) -> impl Iterator<Item = Entry<'_>> {
        let edge: &[EdgeSegment] = self.edge.get(index).map_or(&[], |edge| edge);
        let edge_first = edge.first().map_or(u64::MAX, |segment| segment.number);
        let closed = self.history.iter().take_while(move |segment| segment.number < edge_first);
        let track = self.layout().and_then(|layout| layout.tracks.get(index).map(|track| (layout, track)));
        let from_history = closed.map(move |segment| self.history_entry(segment, index));
        let from_edge = edge.iter().map(|segment| self.edge_entry(segment));
        let timescale = track.map_or(1, |(_, track)| track.timescale);
        let mut next = None;
        from_history.chain(from_edge).flat_map(move |entry| {
            let missing = next.unwrap_or(entry.number())..entry.number();
            next = Some(entry.number() + 1);
            let grid = self.grid;
            missing
                .map(move |number| Entry::Missing { number, span: grid_span(&grid, number, timescale) })
                .chain(std::iter::once(entry))
        })
    }

    /// The last part that track `index` has: its segment's number and its index in it.
    #[must_use]
    pub fn last_part(&self, index: usize) -> Option<(u64, u32)> {
        let segment = self.edge.get(index)?.iter().rfind(|segment| !segment.parts.is_empty())?;
        Some((segment.number, u32::try_from(segment.parts.len()).ok()? - 1))
    }

    /// One of the track's latest segments.
    #[must_use]
    pub fn edge_segment(&self, index: usize, number: u64) -> Option<&EdgeSegment> {
        self.edge.get(index)?.iter().find(|segment| segment.number == number)
    }

    fn history_entry<'a>(&'a self, segment: &'a Segment, index: usize) -> Entry<'a> {
        let number = segment.number;
        let current = self.layout();
        let position = if current.is_some_and(|layout| layout.id == segment.layout) {
            Some(index)
        } else {
            let name = current.and_then(|layout| layout.tracks.get(index)).map(|track| track.name.as_str());
            let old = self.layout_by_id(segment.layout);
            name.and_then(|name| old?.index_of(name))
        };
        match position.and_then(|at| segment.spans.get(at)) {
            Some(&span) => Entry::Segment {
                number,
                discontinuity: segment.discontinuity,
                layout: segment.layout,
                span,
                parts: &[],
                gap: segment.gap,
            },
            None => {
                let timescale =
                    current.and_then(|layout| layout.tracks.get(index)).map_or(1, |track| track.timescale);
                Entry::Missing { number, span: grid_span(&self.grid, number, timescale) }
            }
        }
    }

    fn edge_entry<'a>(&'a self, segment: &'a EdgeSegment) -> Entry<'a> {
        if !segment.closed {
            return Entry::Open(segment);
        }
        let span = Span { start: segment.start, duration: segment.duration() };
        let gap = self.history.get(segment.number).is_some_and(|closed| closed.gap);
        Entry::Segment {
            number: segment.number,
            discontinuity: segment.discontinuity,
            layout: segment.layout,
            span,
            parts: &segment.parts,
            gap,
        }
    }
}

fn grid_span(grid: &Grid, number: u64, timescale: u32) -> Span {
    let start = grid.segment_line(number, timescale);
    let duration = grid.segment_line(number + 1, timescale) - start;
    Span { start, duration: u32::try_from(duration).unwrap_or(u32::MAX) }
}

/// Segments in rising order of number, in blocks that successive windows share.
///
/// Cloning copies one pointer per [`BLOCK`](Self::BLOCK) segments; appending copies at most one block.
#[derive(Clone, Debug, Default)]
pub struct History {
    blocks: Vec<Arc<Vec<Segment>>>,
    /// Segments at the head of the first block that have left the window.
    skipped: usize,
}

impl History {
    /// Segments in one block.
    pub const BLOCK: usize = 128;

    /// Appends a segment whose number is greater than every other's.
    ///
    /// # Panics
    /// If the number does not rise: two segments with one number would tear the timeline.
    pub fn push(&mut self, segment: Segment) {
        assert!(
            self.last().is_none_or(|last| last.number < segment.number),
            "segment numbers rise: {} after {:?}",
            segment.number,
            self.last().map(|last| last.number)
        );
        match self.blocks.last_mut() {
            Some(block) if block.len() < Self::BLOCK => Arc::make_mut(block).push(segment),
            _ => {
                let mut block = Vec::with_capacity(Self::BLOCK);
                block.push(segment);
                self.blocks.push(Arc::new(block));
            }
        }
    }

    /// Drops every segment with a number below `number`.
    pub fn drop_before(&mut self, number: u64) {
        let stale = self.blocks.partition_point(|block| block.last().is_none_or(|last| last.number < number));
        if stale > 0 {
            self.blocks.drain(..stale);
            self.skipped = 0;
        }
        if let Some(block) = self.blocks.first() {
            self.skipped = self.skipped.max(block.partition_point(|segment| segment.number < number));
        }
    }

    /// Marks a segment as a gap: its time is kept, its bytes are not served.
    pub fn mark_gap(&mut self, number: u64) {
        let block = self.blocks.partition_point(|block| block.last().is_none_or(|last| last.number < number));
        let Some(block) = self.blocks.get_mut(block) else { return };
        if let Ok(at) = block.binary_search_by_key(&number, |segment| segment.number) {
            Arc::make_mut(block)[at].gap = true;
        }
    }

    /// The segment with this number.
    #[must_use]
    pub fn get(&self, number: u64) -> Option<&Segment> {
        if self.first()?.number > number {
            return None;
        }
        let block = self.blocks.partition_point(|block| block.last().is_none_or(|last| last.number < number));
        let block = self.blocks.get(block)?;
        block.binary_search_by_key(&number, |segment| segment.number).ok().map(|at| &block[at])
    }

    /// The oldest segment.
    #[must_use]
    pub fn first(&self) -> Option<&Segment> {
        self.blocks.first()?.get(self.skipped)
    }

    /// The newest segment.
    #[must_use]
    pub fn last(&self) -> Option<&Segment> {
        self.blocks.last()?.last()
    }

    /// Segments held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.blocks.iter().map(|block| block.len()).sum::<usize>() - self.skipped
    }

    /// Whether nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Oldest to newest.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Segment> {
        let skipped = self.skipped;
        self.blocks
            .iter()
            .enumerate()
            .flat_map(move |(nth, block)| &block[if nth == 0 { skipped } else { 0 }..])
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::{Codec, FrameRate, Track};

    const LAYOUT: LayoutId = LayoutId(7);

    fn grid() -> Grid {
        Grid::new(FrameRate::new(25, 1).unwrap(), 1600, 200)
    }

    fn segment(number: u64) -> Segment {
        let span = grid_span(&grid(), number, 25_000);
        Segment { number, discontinuity: 0, filler: false, gap: false, layout: LAYOUT, spans: [span].into() }
    }

    fn history(numbers: impl IntoIterator<Item = u64>) -> History {
        let mut history = History::default();
        numbers.into_iter().for_each(|number| history.push(segment(number)));
        history
    }

    fn numbers(history: &History) -> Vec<u64> {
        history.iter().map(|segment| segment.number).collect()
    }

    #[test]
    fn history_keeps_order_over_blocks_and_drops_from_the_front() {
        let mut history = history(0..300);
        assert_eq!(history.len(), 300);
        history.drop_before(5);
        assert_eq!((history.len(), history.first().unwrap().number), (295, 5));
        history.drop_before(130);
        assert_eq!((history.len(), history.first().unwrap().number), (170, 130));
        assert!(history.get(129).is_none());
        assert_eq!(history.get(256).unwrap().number, 256);
        history.drop_before(1000);
        assert!(history.is_empty() && history.first().is_none());
    }

    #[test]
    fn a_kept_window_does_not_see_later_changes() {
        let mut next = history(0..130);
        let kept = next.clone();
        next.push(segment(130));
        next.mark_gap(129);
        next.drop_before(100);
        assert_eq!(numbers(&kept), (0..130).collect::<Vec<_>>());
        assert!(!kept.get(129).unwrap().gap && next.get(129).unwrap().gap);
    }

    fn window() -> Window {
        let track = Track {
            name: "720p".into(),
            timescale: 25_000,
            bitrate: 1,
            language: None,
            codec: Codec::H264 {
                config: Bytes::from_static(&[1, 0x64, 0, 0x1f]),
                width: 2,
                height: 2,
                rate: grid().rate,
            },
        };
        let layout = Layout { id: LAYOUT, tracks: vec![track], init: vec![Bytes::new()] };
        let part = EdgePart { duration: 5000, independent: true, len: 1 };
        let edge = |number, parts, closed| EdgeSegment {
            number,
            discontinuity: 0,
            layout: LAYOUT,
            start: grid().segment_line(number, 25_000),
            parts: vec![part; parts],
            closed,
        };
        Window {
            layouts: Arc::new([Arc::new(layout)]),
            history: history([10, 11, 14, 15]),
            edge: vec![Arc::from([edge(15, 8, true), edge(16, 8, true), edge(17, 3, false)])],
            ..Window::empty(grid())
        }
    }

    #[test]
    fn listing_has_no_holes_and_ends_with_the_open_segment() {
        let window = window();
        let entries: Vec<_> = window.listing(0).collect();
        assert_eq!(entries.iter().map(Entry::number).collect::<Vec<_>>(), [10, 11, 12, 13, 14, 15, 16, 17]);
        assert!(matches!(entries[2], Entry::Missing { span: Span { duration: 40_000, .. }, .. }));
        assert!(matches!(entries[5], Entry::Segment { parts, .. } if parts.len() == 8));
        assert!(matches!(entries[6], Entry::Segment { span: Span { duration: 40_000, .. }, .. }));
        assert!(matches!(entries[7], Entry::Open(open) if open.duration() == 15_000));
        assert_eq!(window.last_part(0), Some((17, 2)));
    }

    #[test]
    fn codecs_are_named_as_players_expect() {
        assert_eq!(window().layout().unwrap().tracks[0].rfc6381(), "avc1.64001f");
    }
}
