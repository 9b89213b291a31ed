//! A consistent picture of what a channel holds, from the oldest segment to the part that closed last.
//!
//! ```text
//! history:  [ 100 101 102 103 | gap | 110 111 112 ]        closed on every track, any age
//! edge[t]:                               [ 111 112 113* ]  per track, with parts; * is still open
//! ```
//! A window never changes; the writer makes the next one and readers keep theirs as long as they like.

use std::sync::Arc;

use crate::{Break, Grid, History, Layout, LayoutId, Position, Segment};

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
    /// The ad breaks that viewers are told of, oldest first.
    pub breaks: Arc<[Break]>,
    /// The channel has stopped: nothing will be added to this window.
    pub ended: bool,
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
        Self {
            grid,
            layouts: Arc::new([]),
            history: History::default(),
            edge: Vec::new(),
            breaks: Arc::new([]),
            ended: false,
        }
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

    /// Whether nothing that is listed differs. It costs the same whatever the window's length; windows that were made apart
    /// from each other differ, also where they hold the same.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        let layouts = |window: &Self| window.layouts.iter().map(|layout| layout.id).collect::<Vec<_>>();
        self.history.is(&other.history)
            && (self.grid, self.ended, &self.edge) == (other.grid, other.ended, &other.edge)
            && self.breaks == other.breaks
            && (Arc::ptr_eq(&self.layouts, &other.layouts) || layouts(self) == layouts(other))
    }

    /// What is seen of it from segment `from` to segment `to`, both included; `ended` where nothing will follow `to`.
    ///
    /// Costs the same whatever the window's length, but where its layout has changed.
    #[must_use]
    pub fn clip(&self, from: u64, to: u64, ended: bool) -> Self {
        let history = self.history.slice(from, to);
        let newest = self.edge.iter().filter_map(|edge| edge.first()).map(|first| first.number).min();
        // The edge is of the current layout, which a window that ends before it does not have.
        let has_edge = newest.is_some_and(|number| number <= to);
        let layouts = match &*self.layouts {
            [_] => Arc::clone(&self.layouts),
            _ => self.layouts_of(&history, has_edge),
        };
        let same_layout = layouts.last().map(|layout| layout.id) == self.layout().map(|layout| layout.id);
        let clipped = |edge: &Arc<[EdgeSegment]>| match edge.iter().all(|s| (from..=to).contains(&s.number)) {
            true => Arc::clone(edge),
            false => edge.iter().filter(|s| (from..=to).contains(&s.number)).cloned().collect(),
        };
        let edge = match same_layout {
            true => self.edge.iter().map(clipped).collect(),
            false => Vec::new(),
        };
        let breaks = Arc::clone(&self.breaks);
        Self { grid: self.grid, layouts, history, edge, breaks, ended: self.ended || ended }
    }

    /// The window with those of all ad breaks that take place in it or begin within `ahead` nanoseconds behind it.
    #[must_use]
    pub fn with_breaks(self, all: &[Break], ahead: u64) -> Self {
        let edge = self.edge.iter().filter_map(|edge| edge.last()).map(|segment| segment.number).max();
        let last = edge.max(self.history.last().map(|segment| segment.number));
        let line = |segment| self.grid.rate.nanos_of(self.grid.first_frame(Position { segment, part: 0 }));
        let Some(last) = last else { return self };
        let from = line(self.history.first().map_or(last, |first| first.number));
        let to = line(last + 1).saturating_add(if self.ended { 0 } else { ahead });
        let seen = |shown: &&Break| shown.from < to && shown.to.is_none_or(|end| from < end);
        Self { breaks: all.iter().filter(seen).cloned().collect(), ..self }
    }

    /// The layouts that the history names, and the current one where its edge is seen.
    fn layouts_of(&self, history: &History, has_edge: bool) -> Arc<[Arc<Layout>]> {
        let mut named = history.layouts();
        if let Some(current) = self.layout().filter(|_| has_edge) {
            named.retain(|id| *id != current.id);
            named.push(current.id);
        }
        named.into_iter().filter_map(|id| self.layout_by_id(id).map(Arc::clone)).collect()
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
        let timescale = |at: usize| Some(self.layout_by_id(segment.layout)?.tracks.get(at)?.timescale);
        let span = position.and_then(|at| segment.span(at, &self.grid, timescale(at)?));
        match span {
            Some(span) => Entry::Segment {
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

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::{Codec, FrameRate, Spans, Track};

    const LAYOUT: LayoutId = LayoutId(7);

    fn grid() -> Grid {
        Grid::new(FrameRate::new(25, 1).unwrap(), 1600, 200)
    }

    fn segment(number: u64) -> Segment {
        let spans = Spans::new(&grid(), number, [(grid_span(&grid(), number, 25_000), 25_000)]);
        Segment { number, discontinuity: 0, filler: false, gap: false, layout: LAYOUT, spans }
    }

    fn history(numbers: impl IntoIterator<Item = u64>) -> History {
        let mut history = History::default();
        numbers.into_iter().for_each(|number| history.push(segment(number)));
        history
    }

    fn window() -> Window {
        let track = Track {
            name: "720p".into(),
            timescale: 25_000,
            bitrate: 1,
            language: None,
            captions: Vec::new(),
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
    fn breaks_are_seen_in_their_time_and_a_while_before() {
        let line = |number: u64| number * 1_600_000_000;
        let breaks = [(1, 8, Some(9)), (2, 9, Some(10)), (3, 15, Some(20)), (4, 22, None), (5, 40, None)];
        let breaks = breaks.map(|(id, from, to): (u32, u64, Option<u64>)| Break {
            id,
            number: id,
            from: line(from),
            to: to.map(line),
            duration: None,
            out: Bytes::new(),
            back: None,
        });
        let seen = |window: Window| {
            let window = window.with_breaks(&breaks, 15_000_000_000);
            window.breaks.iter().map(|shown| shown.id).collect::<Vec<_>>()
        };
        assert_eq!(seen(window()), [3, 4], "of segments 10 to 17");
        assert_eq!(seen(Window { ended: true, ..window() }), [3]);
        assert_eq!(seen(window().clip(16, u64::MAX, false)), [3, 4]);
        assert_eq!(seen(Window::empty(grid())), []);
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

    #[test]
    fn a_clip_shows_what_lies_between_its_ends() {
        let window = window();
        let seen = |from, to| {
            let clip = window.clip(from, to, false);
            clip.listing(0).map(|entry| entry.number()).collect::<Vec<_>>()
        };
        assert_eq!(seen(11, u64::MAX), [11, 12, 13, 14, 15, 16, 17]);
        assert_eq!(seen(12, 16), [14, 15, 16]);
        assert_eq!(seen(10, 14), [10, 11, 12, 13, 14]);
        assert_eq!(seen(17, u64::MAX), [17]);
        assert!(window.clip(10, 14, true).ended && !window.clip(10, 14, false).ended);
    }

    #[test]
    fn a_clip_has_the_layout_of_its_last_segment() {
        let mut window = window();
        let old = Arc::clone(&window.layouts[0]);
        let new = Layout { id: LayoutId(8), ..(*old).clone() };
        window.layouts = Arc::new([old, Arc::new(new)]);
        window.edge = vec![Arc::from([EdgeSegment { layout: LayoutId(8), ..window.edge[0][2].clone() }])];
        assert_eq!(window.clip(10, u64::MAX, false).layout().unwrap().id, LayoutId(8));
        let past = window.clip(10, 14, true);
        assert_eq!(past.layout().unwrap().id, LAYOUT);
        assert!(past.edge.is_empty() && past.layouts.len() == 1);
        assert_eq!(past.listing(0).map(|entry| entry.number()).collect::<Vec<_>>(), [10, 11, 12, 13, 14]);
    }
}
