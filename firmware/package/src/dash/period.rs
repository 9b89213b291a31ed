//! Which segments a Period lists.

use media::{Codec, Entry, Layout, LayoutId, Position, Segment, Span, Window};

use crate::hls::AAC_FRAME;

/// A stretch of segments with one layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) layout: LayoutId,
    /// Its first listed segment.
    pub(super) first: u64,
    /// The first segment after it; `None` for the current one.
    end: Option<u64>,
}

/// The stretches of a window, oldest first. Where a layout came back, only its latest stretch is among them:
/// the layout names the Period, and a name stands for one.
pub(super) fn stretches(window: &Window) -> Vec<Stretch> {
    let mut found: Vec<Stretch> = Vec::new();
    let edge = window.edge.iter().filter_map(|edge| edge.first());
    let edge = edge.min_by_key(|segment| segment.number).map(|segment| (segment.number, segment.layout));
    let history = window.history.iter().map(|segment| (segment.number, segment.layout));
    for (number, layout) in history.chain(edge) {
        match found.last_mut() {
            Some(last) if last.layout == layout => {}
            last => {
                if let Some(last) = last {
                    last.end = Some(number);
                }
                found.retain(|stretch| stretch.layout != layout);
                found.push(Stretch { layout, first: number, end: None });
            }
        }
    }
    found
}

impl Stretch {
    /// Calls `list` with the span of every segment of track `index` of `layout`, in order.
    ///
    /// `through` is the last segment to list before it is complete or even begun.
    pub(super) fn spans<E>(
        &self,
        window: &Window,
        layout: &Layout,
        index: usize,
        through: Option<u64>,
        mut list: impl FnMut(Span) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.end.is_some() {
            let Some(track) = layout.tracks.get(index) else { return Ok(()) };
            let span = |segment: &Segment| segment.span(index, &window.grid, track.timescale);
            return self.recorded(window).filter_map(span).try_for_each(list);
        }
        let mut next = None;
        for entry in window.listing(index) {
            match entry {
                Entry::Segment { number, layout, span, gap, .. }
                    if number >= self.first && layout == self.layout =>
                {
                    if !gap {
                        list(span)?;
                    }
                    next = Some((number + 1, span.start + u64::from(span.duration)));
                }
                Entry::Open(segment) if segment.layout == self.layout => {
                    let so_far = Span { start: segment.start, duration: segment.duration() };
                    if through.is_some() {
                        next = Some((segment.number, segment.start));
                    } else if window.ended && so_far.duration > 0 {
                        list(so_far)?;
                    }
                }
                _ => {}
            }
        }
        // Where the track has no edge, nobody knows yet that it goes on.
        let live = window.edge.get(index).is_some_and(|edge| !edge.is_empty());
        let (Some((mut number, mut start)), Some(through), true) = (next, through, live) else {
            return Ok(());
        };
        while number <= through {
            let end = predicted_end(window, layout, index, number, start);
            list(Span { start, duration: u32::try_from(end - start).unwrap_or(u32::MAX) })?;
            (number, start) = (number + 1, end);
        }
        Ok(())
    }

    /// Its segments whose bytes can be served.
    fn recorded<'a>(&self, window: &'a Window) -> impl Iterator<Item = &'a Segment> {
        let Self { layout, first, end } = *self;
        let segments = window.history.iter().skip_while(move |segment| segment.number < first);
        let segments = segments.take_while(move |segment| end.is_none_or(|end| segment.number < end));
        segments.filter(move |segment| segment.layout == layout && !segment.gap)
    }

    /// Nanoseconds since the epoch of the grid line where its first segment begins.
    pub(super) fn line_nanos(&self, window: &Window) -> u64 {
        window.grid.rate.nanos_of(window.grid.first_frame(Position { segment: self.first, part: 0 }))
    }
}

/// Where a segment that begins at `start` will end: with the first sample at or after the next line.
fn predicted_end(window: &Window, layout: &Layout, index: usize, number: u64, start: u64) -> u64 {
    let track = &layout.tracks[index];
    let line = window.grid.segment_line(number + 1, track.timescale).max(start + 1);
    match track.codec {
        Codec::H264 { .. } => line,
        Codec::Aac { .. } => start + (line - start).div_ceil(AAC_FRAME) * AAC_FRAME,
    }
}
