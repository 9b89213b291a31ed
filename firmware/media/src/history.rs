//! The closed segments of a window, shared by all windows that hold them.
//!
//! ```text
//! blocks  [128 segments][128 segments] ... [128 segments]   one list behind one pointer
//! tail    [up to 127 segments]
//!              ^ from                           to ^        a view sees only these numbers
//! ```
//! A window is made for every part of every track, so cloning, slicing and the ends cost the same whether an hour
//! or a week is held: two pointers and two numbers.

use std::sync::Arc;

use crate::{Grid, LayoutId, Span};

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
    /// Where it lies on each track of its layout.
    pub spans: Spans,
}

/// Where a segment lies on each track, as distance from the grid's line: the same for most segments, which then
/// share it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spans(Arc<[Offset]>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Offset {
    start: i32,
    duration: u32,
}

impl Segment {
    /// Where it lies on track `index` of its layout.
    #[must_use]
    pub fn span(&self, index: usize, grid: &Grid, timescale: u32) -> Option<Span> {
        self.spans.get(index, grid, self.number, timescale)
    }
}

impl Spans {
    /// Of segment `number`, from each track's span and timescale.
    pub fn new(grid: &Grid, number: u64, spans: impl IntoIterator<Item = (Span, u32)>) -> Self {
        let offset = |(span, timescale): (Span, u32)| {
            let line = grid.segment_line(number, timescale);
            let start = i64::try_from(i128::from(span.start) - i128::from(line)).unwrap_or(i64::MAX);
            // No track lies minutes beside its line; what claims to is put at the end of what can be told.
            let start = start.clamp(i32::MIN.into(), i32::MAX.into());
            Offset { start: start as i32, duration: span.duration }
        };
        Self(spans.into_iter().map(offset).collect())
    }

    /// The span on track `index` of segment `number`.
    #[must_use]
    pub fn get(&self, index: usize, grid: &Grid, number: u64, timescale: u32) -> Option<Span> {
        let offset = self.0.get(index)?;
        let line = grid.segment_line(number, timescale);
        Some(Span { start: line.saturating_add_signed(offset.start.into()), duration: offset.duration })
    }

    /// How many tracks it knows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it knows no track.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Segments in rising order of number.
#[derive(Clone, Debug)]
pub struct History {
    /// Full blocks.
    blocks: Arc<Vec<Arc<Vec<Segment>>>>,
    /// The newest, less than a block.
    tail: Arc<Vec<Segment>>,
    /// The first number seen.
    from: u64,
    /// The last number seen.
    to: u64,
}

impl History {
    /// Whether both see the same of the same list: judged by what it is, not by what it holds.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.blocks, &other.blocks)
            && Arc::ptr_eq(&self.tail, &other.tail)
            && (self.from, self.to) == (other.from, other.to)
    }
}

impl Default for History {
    fn default() -> Self {
        Self { blocks: Arc::default(), tail: Arc::default(), from: 0, to: u64::MAX }
    }
}

impl History {
    /// Segments in one block.
    pub const BLOCK: usize = 128;

    /// Appends a segment whose number is greater than every other's.
    ///
    /// # Panics
    /// If the number does not rise: two segments with one number would tear the timeline. If it is a slice.
    pub fn push(&mut self, mut segment: Segment) {
        assert!(self.to == u64::MAX, "a slice does not grow");
        let last = self.newest();
        assert!(
            last.is_none_or(|last| last.number < segment.number),
            "segment numbers rise: {} after {:?}",
            segment.number,
            last.map(|last| last.number)
        );
        if let Some(last) = last.filter(|last| last.spans == segment.spans) {
            segment.spans = last.spans.clone();
        }
        let tail = Arc::make_mut(&mut self.tail);
        tail.reserve_exact(Self::BLOCK - tail.len());
        tail.push(segment);
        if tail.len() == Self::BLOCK {
            Arc::make_mut(&mut self.blocks).push(std::mem::take(&mut self.tail));
        }
    }

    /// Drops every segment with a number below `number`.
    pub fn drop_before(&mut self, number: u64) {
        // What is pushed later is seen, whatever its number.
        let end = self.newest().map_or(0, |newest| newest.number.saturating_add(1));
        self.from = self.from.max(number.min(end));
        let stale = self.blocks.partition_point(|block| ends_before(block, number));
        if stale > 0 {
            Arc::make_mut(&mut self.blocks).drain(..stale);
        }
        if ends_before(&self.tail, number) && !self.tail.is_empty() {
            self.tail = Arc::default();
        }
    }

    /// Marks a segment as a gap: its time is kept, its bytes are not served.
    pub fn mark_gap(&mut self, number: u64) {
        self.set_gap(number, true);
    }

    /// A gap has its bytes after all.
    pub fn close_gap(&mut self, number: u64) {
        self.set_gap(number, false);
    }

    fn set_gap(&mut self, number: u64, gap: bool) {
        if self.get(number).is_none_or(|segment| segment.gap == gap) {
            return;
        }
        let at = self.blocks.partition_point(|block| ends_before(block, number));
        let block = match at < self.blocks.len() {
            true => &mut Arc::make_mut(&mut self.blocks)[at],
            false => &mut self.tail,
        };
        if let Ok(at) = block.binary_search_by_key(&number, |segment| segment.number) {
            Arc::make_mut(block)[at].gap = gap;
        }
    }

    /// What is seen from `from` to `to`, both included.
    #[must_use]
    pub fn slice(&self, from: u64, to: u64) -> Self {
        Self { from: self.from.max(from), to: self.to.min(to), ..self.clone() }
    }

    /// The segment with this number.
    #[must_use]
    pub fn get(&self, number: u64) -> Option<&Segment> {
        if !(self.from..=self.to).contains(&number) {
            return None;
        }
        let at = self.blocks.partition_point(|block| ends_before(block, number));
        let block = self.blocks.get(at).unwrap_or(&self.tail);
        block.binary_search_by_key(&number, |segment| segment.number).ok().map(|at| &block[at])
    }

    /// The oldest segment.
    #[must_use]
    pub fn first(&self) -> Option<&Segment> {
        let first = self.at(self.position(self.from))?;
        (first.number <= self.to).then_some(first)
    }

    /// The newest segment.
    #[must_use]
    pub fn last(&self) -> Option<&Segment> {
        let last = self.at(self.end().checked_sub(1)?)?;
        (last.number >= self.from).then_some(last)
    }

    /// Segments held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.end().saturating_sub(self.position(self.from))
    }

    /// Whether nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Oldest to newest.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Segment> {
        let first = self.blocks.partition_point(|block| ends_before(block, self.from));
        let last =
            self.blocks.partition_point(|block| block.first().is_some_and(|first| first.number <= self.to));
        let blocks = self.blocks.get(first..last).unwrap_or(&[]);
        blocks.iter().chain(std::iter::once(&self.tail)).flat_map(|block| self.seen(block))
    }

    /// The newest segment, seen or not.
    fn newest(&self) -> Option<&Segment> {
        self.tail.last().or_else(|| self.blocks.last()?.last())
    }

    /// The layouts that its segments name, each where it is named last, in order.
    ///
    /// Looks at one segment of a block that has one layout throughout, as all but a few have.
    pub(crate) fn layouts(&self) -> Vec<LayoutId> {
        let mut named: Vec<LayoutId> = Vec::new();
        let mut name = |layout: LayoutId| {
            if named.last() != Some(&layout) {
                named.retain(|id| *id != layout);
                named.push(layout);
            }
        };
        let first = self.blocks.partition_point(|block| ends_before(block, self.from));
        let last =
            self.blocks.partition_point(|block| block.first().is_some_and(|first| first.number <= self.to));
        let blocks = self.blocks.get(first..last).unwrap_or(&[]);
        for block in blocks.iter().chain(std::iter::once(&self.tail)).map(|block| self.seen(block)) {
            match (block.first(), block.last()) {
                // Another layout begins a discontinuity: without one, there is one layout.
                (Some(first), Some(last)) if first.discontinuity == last.discontinuity => name(last.layout),
                _ => block.iter().for_each(|segment| name(segment.layout)),
            }
        }
        named
    }

    /// What is seen of a block.
    fn seen<'a>(&self, block: &'a [Segment]) -> &'a [Segment] {
        let from = block.partition_point(|segment| segment.number < self.from);
        let to = block.partition_point(|segment| segment.number <= self.to);
        block.get(from..to).unwrap_or(&[])
    }

    /// How many segments, seen or not, have a number below `number`.
    fn position(&self, number: u64) -> usize {
        let at = self.blocks.partition_point(|block| ends_before(block, number));
        let block = self.blocks.get(at).unwrap_or(&self.tail);
        at * Self::BLOCK + block.partition_point(|segment| segment.number < number)
    }

    /// How many segments, seen or not, there are up to the last one seen.
    fn end(&self) -> usize {
        self.to
            .checked_add(1)
            .map_or(self.blocks.len() * Self::BLOCK + self.tail.len(), |end| self.position(end))
    }

    fn at(&self, position: usize) -> Option<&Segment> {
        self.blocks.get(position / Self::BLOCK).unwrap_or(&self.tail).get(position % Self::BLOCK)
    }
}

fn ends_before(block: &[Segment], number: u64) -> bool {
    block.last().is_none_or(|last| last.number < number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FrameRate;

    fn segment(number: u64) -> Segment {
        let grid = Grid::new(FrameRate::new(25, 1).unwrap(), 1600, 200);
        let span = Span { start: grid.segment_line(number, 25_000), duration: 40_000 };
        let spans = Spans::new(&grid, number, [(span, 25_000)]);
        Segment { number, discontinuity: 0, filler: false, gap: false, layout: LayoutId(7), spans }
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
        next.mark_gap(128);
        next.mark_gap(129);
        next.close_gap(128);
        next.drop_before(100);
        assert_eq!(numbers(&kept), (0..130).collect::<Vec<_>>());
        assert!(!kept.get(129).unwrap().gap && next.get(129).unwrap().gap);
        assert!(!next.get(128).unwrap().gap);
    }

    #[test]
    fn a_slice_sees_what_lies_between_its_ends() {
        for count in [0, 1, 127, 128, 129, 300] {
            let whole = history((0..count).map(|nth| 10 + 3 * nth));
            for from in 0..12 {
                for to in [0, 9, 10, 11, 13, 390, 394, 397, 2000] {
                    let slice = whole.slice(from * 40, to);
                    let expected: Vec<u64> =
                        numbers(&whole).into_iter().filter(|n| (from * 40..=to).contains(n)).collect();
                    assert_eq!(numbers(&slice), expected, "{count} {from} {to}");
                    assert_eq!(slice.len(), expected.len(), "{count} {from} {to}");
                    assert_eq!(slice.first().map(|s| s.number), expected.first().copied());
                    assert_eq!(slice.last().map(|s| s.number), expected.last().copied());
                    assert!(slice.iter().rev().map(|s| s.number).eq(expected.iter().rev().copied()));
                    assert!(expected.iter().all(|&number| slice.get(number).is_some()));
                    assert!(slice.get(from * 40 + 1).is_none_or(|s| expected.contains(&s.number)));
                }
            }
        }
    }

    #[test]
    fn what_is_pushed_after_everything_was_dropped_is_seen() {
        let mut history = history(0..130);
        history.drop_before(u64::MAX);
        history.push(segment(200));
        assert_eq!((numbers(&history), history.len()), (vec![200], 1));
    }

    #[test]
    fn equal_spans_are_held_once() {
        let history = history(0..300);
        let first = Arc::as_ptr(&history.first().unwrap().spans.0);
        assert!(history.iter().all(|segment| std::ptr::eq(Arc::as_ptr(&segment.spans.0), first)));
    }
}
