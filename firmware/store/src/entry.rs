//! The catalogue's value for one segment: where its records lie and what a playlist says of it. Pure.
//!
//! ```text
//! version:u8 flags:u8 discontinuity:u32 layout:u64 tracks:u16 records:u16
//! tracks x [ start:u64 duration:u32 ]   records x [ part:u32 extent:u32 generation:u64 offset:u32 ]
//! ```
//! Chunk lengths and checksums are not repeated here: a reader takes them from the record's own head, so the
//! two cannot disagree and an entry stays near 250 bytes.

use media::{Grid, Layout, LayoutId, Segment, Span, Spans};

use crate::{Error, record::Record};

const VERSION: u8 = 1;
const HEAD: usize = 18;
const SPAN: usize = 12;
const PLACE: usize = 20;
const LAST: u8 = 1;
const FILLER: u8 = 2;
const QUARANTINED: u8 = 4;
const TORN: u8 = 8;

/// One segment in the catalogue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) discontinuity: u32,
    pub(crate) layout: u64,
    /// Its last part line is among `places`.
    pub(crate) last: bool,
    pub(crate) filler: bool,
    /// A chunk failed its checksum.
    pub(crate) quarantined: bool,
    /// Some of its records are gone: it is not listed.
    pub(crate) torn: bool,
    /// Per track; duration 0 where the track has no chunk.
    pub(crate) spans: Vec<Span>,
    /// In order of `part`.
    pub(crate) places: Vec<Place>,
}

/// Where one part line lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) part: u32,
    pub(crate) extent: u32,
    pub(crate) generation: u64,
    pub(crate) offset: u32,
}

impl Entry {
    /// The entry of a single record.
    pub(crate) fn of(record: &Record, place: Place) -> Self {
        let mut entry = Self {
            discontinuity: record.discontinuity,
            layout: record.layout,
            last: record.last,
            filler: record.filler,
            quarantined: false,
            torn: false,
            spans: Vec::new(),
            places: vec![place],
        };
        for chunk in &record.chunks {
            entry.add_span(usize::from(chunk.track), Span { start: chunk.start, duration: chunk.duration });
        }
        entry
    }

    /// Adds what another entry of the same segment knows; where both have a part, the later generation's.
    pub(crate) fn merge(&mut self, other: &Self) {
        for place in &other.places {
            match self.places.binary_search_by_key(&place.part, |known| known.part) {
                Ok(at) if self.places[at].generation < place.generation => self.places[at] = *place,
                Ok(_) => {}
                Err(at) => self.places.insert(at, *place),
            }
        }
        other.spans.iter().enumerate().for_each(|(track, &span)| self.add_span(track, span));
        self.last |= other.last;
        self.filler |= other.filler;
        self.quarantined |= other.quarantined;
        self.torn |= other.torn;
    }

    /// Keeps some of its records; false where that is not all. It is not listed any more then.
    pub(crate) fn keep_places(&mut self, keep: impl Fn(&Place) -> bool) -> bool {
        let before = self.places.len();
        self.places.retain(keep);
        let all = self.places.len() == before;
        self.torn |= !all;
        all
    }

    /// Whether every part line so far and every one of `tracks` is here.
    pub(crate) fn is_whole(&self, tracks: usize) -> bool {
        !self.torn
            && self.spans.len() == tracks
            && self.spans.iter().all(|span| span.duration > 0)
            && self.places.iter().zip(0..).all(|(place, part)| place.part == part)
    }

    /// The segment as a window lists it.
    pub(crate) fn segment(&self, number: u64, grid: &Grid, layout: &Layout) -> Segment {
        let timescales = layout.tracks.iter().map(|track| track.timescale);
        Segment {
            number,
            discontinuity: self.discontinuity,
            filler: self.filler,
            gap: self.quarantined,
            layout: LayoutId(self.layout),
            spans: Spans::new(grid, number, self.spans.iter().copied().zip(timescales)),
        }
    }

    fn add_span(&mut self, track: usize, span: Span) {
        if track >= self.spans.len() {
            self.spans.resize(track + 1, Span::default());
        }
        let known = &mut self.spans[track];
        *known = if known.duration == 0 { span } else { union(*known, span) };
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let flag = |on: bool, bit: u8| if on { bit } else { 0 };
        let flags = flag(self.last, LAST)
            | flag(self.filler, FILLER)
            | flag(self.quarantined, QUARANTINED)
            | flag(self.torn, TORN);
        let mut out = vec![VERSION, flags];
        out.extend_from_slice(&self.discontinuity.to_be_bytes());
        out.extend_from_slice(&self.layout.to_be_bytes());
        out.extend_from_slice(&(self.spans.len() as u16).to_be_bytes());
        out.extend_from_slice(&(self.places.len() as u16).to_be_bytes());
        for span in &self.spans {
            out.extend_from_slice(&span.start.to_be_bytes());
            out.extend_from_slice(&span.duration.to_be_bytes());
        }
        for place in &self.places {
            out.extend_from_slice(&place.part.to_be_bytes());
            out.extend_from_slice(&place.extent.to_be_bytes());
            out.extend_from_slice(&place.generation.to_be_bytes());
            out.extend_from_slice(&place.offset.to_be_bytes());
        }
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let malformed =
            |reason: &str| Error::Malformed { what: "catalogue entry", reason: reason.to_owned() };
        let (head, body) = bytes.split_at_checked(HEAD).ok_or_else(|| malformed("shorter than its head"))?;
        if head[0] != VERSION {
            return Err(malformed("unknown version at byte 0"));
        }
        let tracks = number(&head[14..16]) as usize;
        let records = number(&head[16..18]) as usize;
        if body.len() != tracks * SPAN + records * PLACE {
            return Err(malformed("length does not match the counts at byte 14"));
        }
        let (spans, places) = body.split_at(tracks * SPAN);
        Ok(Self {
            discontinuity: number(&head[2..6]) as u32,
            layout: number(&head[6..14]),
            last: head[1] & LAST != 0,
            filler: head[1] & FILLER != 0,
            quarantined: head[1] & QUARANTINED != 0,
            torn: head[1] & TORN != 0,
            spans: spans
                .chunks_exact(SPAN)
                .map(|span| Span { start: number(&span[..8]), duration: number(&span[8..]) as u32 })
                .collect(),
            places: places
                .chunks_exact(PLACE)
                .map(|place| Place {
                    part: number(&place[..4]) as u32,
                    extent: number(&place[4..8]) as u32,
                    generation: number(&place[8..16]),
                    offset: number(&place[16..]) as u32,
                })
                .collect(),
        })
    }
}

/// From the earlier start to the later end.
fn union(a: Span, b: Span) -> Span {
    let end = |span: Span| span.start.saturating_add(u64::from(span.duration));
    let start = a.start.min(b.start);
    let duration = end(a).max(end(b)) - start;
    Span { start, duration: u32::try_from(duration).unwrap_or(u32::MAX) }
}

/// A big-endian number of up to 8 bytes.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    prop_compose! {
        fn entry()(
            (discontinuity, layout, flags) in any::<(u32, u64, [bool; 4])>(),
            spans in prop::collection::vec(any::<(u64, u32)>(), 0..6),
            places in prop::collection::vec(any::<(u32, u32, u64, u32)>(), 0..12),
        ) -> Entry {
            let [last, filler, quarantined, torn] = flags;
            let spans = spans.into_iter().map(|(start, duration)| Span { start, duration }).collect();
            let places = places.into_iter().map(|(part, extent, generation, offset)| Place { part, extent, generation, offset });
            Entry { discontinuity, layout, last, filler, quarantined, torn, spans, places: places.collect() }
        }
    }

    proptest! {
        #[test]
        fn reads_back_what_it_wrote(entry in entry()) {
            prop_assert_eq!(Entry::decode(&entry.encode()).unwrap(), entry);
        }

        #[test]
        fn a_cut_entry_is_refused(entry in entry(), cut in any::<prop::sample::Index>()) {
            let bytes = entry.encode();
            prop_assert!(Entry::decode(&bytes[..cut.index(bytes.len())]).is_err());
        }
    }

    #[test]
    fn halves_from_two_extents_make_one_segment() {
        let half = |part, start, last| Entry {
            last,
            spans: vec![Span { start, duration: 10 }],
            places: vec![Place { part, extent: part, generation: 5, offset: 8192 }],
            ..Entry::default()
        };
        let (first, second) = (half(0, 100, false), half(1, 110, true));
        assert!(!second.is_whole(1));
        let mut whole = second.clone();
        whole.merge(&first);
        whole.merge(&first);
        assert!(whole.is_whole(1) && whole.last && !whole.is_whole(2));
        assert_eq!(whole.spans, [Span { start: 100, duration: 20 }]);
    }
}
