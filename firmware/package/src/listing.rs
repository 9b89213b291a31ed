//! A track's listing with what every playlist line needs resolved: timescale, discontinuity, layout.

use media::{EdgePart, Entry, LayoutId, Span, Window};

/// One segment of a listing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a> {
    pub(crate) number: u64,
    pub(crate) discontinuity: u32,
    /// `None` where nothing was recorded.
    pub(crate) layout: Option<LayoutId>,
    /// Ticks per second of `span`: a track of the same name may have had another timescale before.
    pub(crate) timescale: u32,
    pub(crate) span: Span,
    pub(crate) body: Body<'a>,
}

/// What there is of a segment.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Body<'a> {
    /// All of it, with its parts where they are still listed.
    Whole(&'a [EdgePart]),
    /// Its time only.
    Gap,
    /// Parts so far.
    Open(&'a [EdgePart]),
}

impl Line<'_> {
    /// Microseconds since the epoch where it ends.
    pub(crate) fn end_micros(&self) -> u64 {
        crate::text::micros(self.end(), self.timescale)
    }

    /// Whether it ends before an instant in microseconds since the epoch; asked of every line, hence no division.
    pub(crate) fn ends_before(&self, micros: u64) -> bool {
        u128::from(self.end()) * 1_000_000 < u128::from(micros) * u128::from(self.timescale)
    }

    fn end(&self) -> u64 {
        self.span.start + u64::from(self.span.duration)
    }
}

/// The lines of track `index` of the current layout, oldest first, without holes in their numbers.
pub(crate) fn lines(window: &Window, index: usize) -> impl Iterator<Item = Line<'_>> {
    let track = window.layout().and_then(|layout| layout.tracks.get(index));
    let current = track.map_or(1, |track| track.timescale);
    let name = track.map_or("", |track| track.name.as_str());
    let mut known = window.layout().map(|layout| (layout.id, current));
    let mut timescale = move |id: LayoutId| match known {
        Some((layout, timescale)) if layout == id => timescale,
        _ => {
            let layout = window.layout_by_id(id);
            let track = layout.and_then(|layout| layout.tracks.get(layout.index_of(name)?));
            let timescale = track.map_or(current, |track| track.timescale);
            known = Some((id, timescale));
            timescale
        }
    };
    let mut before = None;
    window.listing(index).map(move |entry| {
        let line = match entry {
            Entry::Segment { number, discontinuity, layout, span, parts, gap } => Line {
                number,
                discontinuity,
                layout: Some(layout),
                timescale: timescale(layout),
                span,
                body: if gap { Body::Gap } else { Body::Whole(parts) },
            },
            Entry::Missing { number, span } => {
                let recorded = window.history.get(number).map(|segment| segment.discontinuity);
                let discontinuity = recorded.or(before).unwrap_or(0);
                Line { number, discontinuity, layout: None, timescale: current, span, body: Body::Gap }
            }
            Entry::Open(segment) => Line {
                number: segment.number,
                discontinuity: segment.discontinuity,
                layout: Some(segment.layout),
                timescale: timescale(segment.layout),
                span: Span { start: segment.start, duration: segment.duration() },
                // Nothing is added to a channel that has stopped: what is there is the whole segment.
                body: match window.ended && !segment.parts.is_empty() {
                    true => Body::Whole(&segment.parts),
                    false => Body::Open(&segment.parts),
                },
            },
        };
        before = Some(line.discontinuity);
        line
    })
}
