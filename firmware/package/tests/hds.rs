//! HDS bootstraps of any recording, read back by a reader written from the specification.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod fixture;
#[path = "fixture/strategy.rs"]
mod strategy;

use fixture::{Recording, Take, at, audio, layout, video};
use media::{Grid, rescale};
use proptest::prelude::*;
use riser_package::{
    Error,
    filter::Shown,
    hds::{self, Clock},
};
use strategy::windows;

/// What is left to be read.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count);
        self.0 = rest;
        taken
    }

    fn number(&mut self, count: usize) -> u64 {
        self.take(count).iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    fn text(&mut self) -> String {
        let end = self.0.iter().position(|byte| *byte == 0).unwrap();
        let text = String::from_utf8(self.take(end).to_vec()).unwrap();
        self.number(1);
        text
    }

    /// The body of a box behind version and flags.
    fn inside(&mut self, kind: &str) -> Bytes<'a> {
        let size = self.number(4) as usize;
        assert_eq!(self.take(4), kind.as_bytes());
        let mut body = Bytes(self.take(size - 8));
        assert_eq!(body.number(4), 0);
        body
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Bootstrap {
    live: bool,
    now: u64,
    /// First segment and its fragments.
    segment: (u64, u64),
    /// Number, time, duration and discontinuity.
    runs: Vec<(u64, u64, u64, Option<u64>)>,
}

fn read(bytes: &[u8]) -> Bootstrap {
    let mut whole = Bytes(bytes);
    let mut abst = whole.inside("abst");
    assert!(whole.0.is_empty());
    abst.number(4);
    let live = abst.number(1) == 0x20;
    assert_eq!(abst.number(4), 1000);
    let (now, _smpte) = (abst.number(8), abst.number(8));
    assert_eq!((abst.text(), abst.number(1), abst.number(1)), (String::new(), 0, 0));
    assert_eq!((abst.text(), abst.text(), abst.number(1)), (String::new(), String::new(), 1));
    let mut asrt = abst.inside("asrt");
    assert_eq!((asrt.number(1), asrt.number(4)), (0, 1));
    let segment = (asrt.number(4), asrt.number(4));
    assert_eq!(abst.number(1), 1);
    let mut afrt = abst.inside("afrt");
    assert_eq!((afrt.number(4), afrt.number(1)), (1000, 0));
    let runs = (0..afrt.number(4)).map(|_| {
        let (number, time, duration) = (afrt.number(4), afrt.number(8), afrt.number(4));
        (number, time, duration, (duration == 0).then(|| afrt.number(1)))
    });
    let runs = runs.collect();
    assert!(afrt.0.is_empty() && asrt.0.is_empty() && abst.0.is_empty());
    Bootstrap { live, now, segment, runs }
}

/// Number, begin and end of every fragment that a client finds.
fn fragments(bootstrap: &Bootstrap, newest: u64) -> Vec<(u64, u64, u64)> {
    let mut found = Vec::new();
    for (nth, (number, time, duration, discontinuity)) in bootstrap.runs.iter().enumerate() {
        if discontinuity.is_some() {
            continue;
        }
        let next =
            bootstrap.runs.get(nth + 1).filter(|next| next.3 != Some(0)).map_or(newest + 1, |next| next.0);
        found.extend((*number..next).map(|at| {
            let begin = time + (at - number) * duration;
            (at, begin, begin + duration)
        }));
    }
    found
}

const FIRST: u64 = 1_104_516_000;

fn recording(gaps: Vec<u64>) -> Recording {
    let grid = Grid::new("25".parse().unwrap(), 1600, 200);
    let layout = layout(7, vec![video("720p", &grid, (1280, 720), 3_000_000), audio("audio", 48_000, None)]);
    let take = Take { layout: 0, discontinuity: 0, from: at(FIRST, 0), to: at(FIRST + 5, 2) };
    Recording { grid, layouts: vec![layout], takes: vec![take], gaps }
}

#[test]
fn holes_and_ends_are_told() {
    let clock = Clock::since(FIRST, 1_767_225_600_000_000_000);
    let window = recording(vec![FIRST + 2, FIRST + 3]).ended(FIRST);
    let bootstrap = read(&hds::bootstrap(&window, 0, &Shown::all(), clock).unwrap());
    let runs = vec![
        (1, 0, 1600, None),
        (3, 3200, 0, Some(3)),
        (5, 6400, 1600, None),
        (6, 8000, 400, None),
        (0, 0, 0, Some(0)),
    ];
    assert_eq!(bootstrap, Bootstrap { live: false, now: 8400, segment: (1, 6), runs });
    let live = recording(vec![]).window(FIRST + 1, at(FIRST + 4, 1));
    let bootstrap = read(&hds::bootstrap(&live, 0, &Shown::all(), clock).unwrap());
    let runs = vec![(2, 1600, 1600, None)];
    assert_eq!(bootstrap, Bootstrap { live: true, now: 6400, segment: (1, 0xffff_ffff), runs });
    let begun = recording(vec![]).window(FIRST, at(FIRST, 3));
    assert_eq!(hds::bootstrap(&begun, 0, &Shown::all(), clock), Err(Error::NoSegments(0)));
    assert_eq!(hds::bootstrap(&begun, 2, &Shown::all(), clock), Err(Error::NoTrack(2)));
}

#[test]
fn times_begin_anew_before_they_are_too_great() {
    let clock = Clock::since(10, 5_000_000_000);
    assert_eq!((clock.segment(1), clock.segment(3)), (10, 12));
    let wrap = 1 << 31;
    for (start, origin) in [
        (5000, 5000),
        (5000 + wrap - 1, 5000 + wrap - 1 - (wrap - 1)),
        (5000 + wrap, 5000 + wrap),
        (5000 + 3 * wrap + 9, 5000 + 3 * wrap),
        (0, 5000),
    ] {
        assert_eq!(clock.origin(start), origin);
    }
}

#[test]
fn a_manifest_leads_to_every_bootstrap() {
    let window = recording(vec![]).ended(FIRST);
    let clock = Clock::since(FIRST, 1_767_225_600_000_000_000);
    let options = hds::Options { clock, reach: None, folder: "hds/", query: "filter=A&x=\"" };
    let text = hds::render(&window, &Shown::all(), &options).unwrap();
    let read = roxmltree::Document::parse(&text).unwrap();
    let of = |name: &str| read.descendants().find(|node| node.tag_name().name() == name).unwrap();
    assert_eq!((of("streamType").text(), of("duration").text()), (Some("recorded"), Some("8.400")));
    let (media, bootstrap) = (of("media"), of("bootstrapInfo"));
    assert_eq!(media.attribute("bootstrapInfoId"), bootstrap.attribute("id"));
    assert_eq!(bootstrap.attribute("url"), Some("hds/720p.abst?filter=A&x=%22"));
    assert_eq!(media.attribute("url"), Some("hds/720p/?filter=A&x=%22"));
    assert_eq!((media.attribute("width"), media.attribute("height")), (Some("1280"), Some("720")));
}

proptest! {
    #[test]
    fn a_bootstrap_lists_what_is_recorded(window in windows(), own: bool) {
        let grid = &window.grid;
        let zero = grid.rate.nanos_of(grid.first_frame(at(FIRST, 0)));
        let clock = if own { Clock::since(FIRST, zero) } else { Clock::EPOCH };
        let layout = window.layout().unwrap();
        for (index, track) in layout.tracks.iter().enumerate() {
            let recorded = window.history.iter().filter_map(|segment| {
                let index = window.layout_by_id(segment.layout)?.index_of(&track.name)?;
                let timescale = window.layout_by_id(segment.layout)?.tracks[index].timescale;
                let span = segment.span(index, grid, timescale).filter(|_| !segment.gap)?;
                let millis = |ticks| rescale(ticks, timescale, 1000) - clock.origin(rescale(ticks, timescale, 1000));
                Some((segment.number - clock.base, millis(span.start), millis(span.start + u64::from(span.duration))))
            });
            let recorded: Vec<_> = recorded.collect();
            let Some(newest) = recorded.last() else {
                prop_assert_eq!(hds::bootstrap(&window, index, &Shown::all(), clock), Err(Error::NoSegments(index)));
                continue;
            };
            let bootstrap = read(&hds::bootstrap(&window, index, &Shown::all(), clock).unwrap());
            prop_assert_eq!(fragments(&bootstrap, newest.0), recorded);
            prop_assert_eq!(bootstrap.live, !window.ended);
        }
    }
}
