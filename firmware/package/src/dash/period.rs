//! Which segments a Period lists.

use std::fmt;

use media::{Codec, Entry, Layout, LayoutId, Position, Span, Window};

use crate::hls::AAC_FRAME;

/// Segments of one layout without a discontinuity between them; once the window has ended, without a hole either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) layout: LayoutId,
    discontinuity: u32,
    /// Its first listed segment.
    pub(super) first: u64,
    /// It begins behind a hole.
    resumed: bool,
    /// The first segment after it; `None` for the current one.
    end: Option<u64>,
}

/// The stretches of a window, oldest first.
pub(super) fn stretches(window: &Window) -> Vec<Stretch> {
    let mut found: Vec<Stretch> = Vec::new();
    let edge = window.edge.iter().filter_map(|edge| edge.first()).min_by_key(|segment| segment.number);
    let edge = edge.map(|segment| (segment.number, segment.layout, segment.discontinuity));
    let history = window.history.iter().filter(|segment| !segment.gap);
    let history = history.map(|segment| (segment.number, segment.layout, segment.discontinuity));
    let mut next = None;
    for (number, layout, discontinuity) in history.chain(edge) {
        let resumed = window.ended && next.is_some_and(|next| number > next);
        next = Some(number + 1);
        match found.last_mut() {
            Some(last) if (last.layout, last.discontinuity) == (layout, discontinuity) && !resumed => {}
            last => {
                let resumed =
                    last.as_ref().is_some_and(|last| last.discontinuity == discontinuity) && resumed;
                if let Some(last) = last {
                    last.end = Some(number);
                }
                found.push(Stretch { layout, discontinuity, first: number, resumed, end: None });
            }
        }
    }
    if let (false, Some(oldest)) = (window.ended, found.first_mut())
        && begins_short(window, oldest).unwrap_or(false)
    {
        oldest.first += 1;
    }
    found
}

/// Whether a stretch goes on behind a first segment of less than a second, as of a channel that began within one.
///
/// While live that one is not listed: ffmpeg (5.1, `refresh_manifest` in dashdec.c) finds the place where it reads by
/// whole seconds and would ask for it again and again.
fn begins_short(window: &Window, stretch: &Stretch) -> Option<bool> {
    let second = window.history.get(stretch.first + 1)?;
    let first = window.history.get(stretch.first)?;
    let timescale = window.layout_by_id(stretch.layout)?.tracks.first()?.timescale;
    let goes_on = stretch.end != Some(second.number) && !second.gap;
    Some(goes_on && first.span(0, &window.grid, timescale)?.duration < timescale)
}

/// The name of its Period: the same as long as it is listed, live and ended.
impl fmt::Display for Stretch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.layout, self.discontinuity)?;
        if self.resumed { write!(f, "-{}", self.first) } else { Ok(()) }
    }
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
        if let Some(end) = self.end {
            let Some(track) = layout.tracks.get(index) else { return Ok(()) };
            let recorded = window.history.slice(self.first, end.saturating_sub(1));
            let spans = recorded.iter().filter(|segment| !segment.gap);
            let mut spans = spans.filter_map(|segment| segment.span(index, &window.grid, track.timescale));
            return spans.try_for_each(list);
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

    /// Nothing follows it.
    pub(super) fn is_current(&self) -> bool {
        self.end.is_none()
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
        Codec::H264 { .. } | Codec::H265 { .. } => line,
        Codec::Aac { .. } => start + (line - start).div_ceil(AAC_FRAME) * AAC_FRAME,
    }
}
