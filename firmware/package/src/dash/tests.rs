use std::sync::Arc;

use ::media::{Codec, FrameRate, History, Layout, LayoutId, Segment, Span, Spans, Track, Window};
use bytes::Bytes;

use super::*;
use crate::Error;

fn grid() -> Grid {
    Grid::new(FrameRate::new(25, 1).unwrap(), 1600, 200)
}

fn layout(id: u64) -> Arc<Layout> {
    let codec = Codec::H264 { config: Bytes::new(), width: 2, height: 2, rate: grid().rate };
    let track = Track {
        name: "v".into(),
        timescale: 25_000,
        bitrate: 1,
        language: None,
        captions: Vec::new(),
        codec,
    };
    Arc::new(Layout { id: LayoutId(id), tracks: vec![track], init: vec![Bytes::new()] })
}

/// Segments from 100 on, each of the layout given; a change of it is a discontinuity.
fn window(ids: &[u64]) -> Window {
    let (mut history, mut discontinuity, mut last) = (History::default(), 0, ids.first());
    for (number, id) in (100..).zip(ids) {
        discontinuity += u32::from(last != Some(id));
        last = Some(id);
        let spans =
            Spans::new(&grid(), number, [(Span { start: number * 40_000, duration: 40_000 }, 25_000)]);
        history.push(Segment {
            number,
            discontinuity,
            filler: false,
            gap: false,
            layout: LayoutId(*id),
            spans,
        });
    }
    let mut layouts: Vec<_> = ids.iter().copied().filter(|id| Some(id) != ids.last()).collect();
    layouts.sort_unstable();
    layouts.dedup();
    layouts.extend(ids.last());
    let layouts = layouts.into_iter().map(layout).collect();
    Window { layouts, history, edge: vec![Arc::from([])], ..Window::empty(grid()) }
}

fn timelines(mpd: &str) -> Vec<&str> {
    mpd.lines().filter_map(|line| line.trim().strip_prefix("<SegmentTimeline>")).collect()
}

#[test]
fn each_layout_has_a_period() {
    let mpd = render(&window(&[1, 1, 2, 3, 3]), &Shown::all(), 0, &Options::low_latency(&grid())).unwrap();
    assert_eq!(
        timelines(&mpd),
        [
            "<S t=\"4000000\" d=\"40000\" r=\"1\"/></SegmentTimeline>",
            "<S t=\"4080000\" d=\"40000\"/></SegmentTimeline>",
            "<S t=\"4120000\" d=\"40000\" r=\"1\"/></SegmentTimeline>"
        ]
    );
    assert!(mpd.contains("<Period id=\"0000000000000001-0\" start=\"PT0S\">"));
    assert!(mpd.contains("<Period id=\"0000000000000002-1\" start=\"PT163.2S\">"));
    assert!(mpd.contains("presentationTimeOffset=\"4120000\""));
}

#[test]
fn a_layout_that_came_back_has_a_period_each_time() {
    let mpd = render(&window(&[1, 1, 2, 1]), &Shown::all(), 0, &Options::low_latency(&grid())).unwrap();
    assert_eq!(periods(&mpd), ["0000000000000001-0", "0000000000000002-1", "0000000000000001-2"]);
    assert_eq!(timelines(&mpd)[2], "<S t=\"4120000\" d=\"40000\"/></SegmentTimeline>");
}

#[test]
fn a_short_first_segment_is_listed_once_ended() {
    let mut window = window(&[1; 3]);
    let first = Span { start: 4_020_000, duration: 20_000 };
    let mut short = window.history.get(100).unwrap().clone();
    short.spans = Spans::new(&grid(), 100, [(first, 25_000)]);
    let mut history = History::default();
    history.push(short);
    window.history.iter().skip(1).for_each(|segment| history.push(segment.clone()));
    window.history = history;
    let render = |window: &Window| render(window, &Shown::all(), 0, &Options::low_latency(&grid())).unwrap();
    let mpd = render(&window);
    assert_eq!(timelines(&mpd), ["<S t=\"4040000\" d=\"40000\" r=\"1\"/></SegmentTimeline>"]);
    window.ended = true;
    let mpd = render(&window);
    let whole = "<S t=\"4020000\" d=\"20000\"/><S d=\"40000\" r=\"1\"/></SegmentTimeline>";
    assert_eq!(timelines(&mpd), [whole]);
    window.ended = false;
    window.history = window.history.slice(100, 100);
    assert_eq!(timelines(&render(&window)), ["<S t=\"4020000\" d=\"20000\"/></SegmentTimeline>"], "alone");
}

#[test]
fn a_hole_is_a_jump_while_live_and_a_period_of_its_own_once_ended() {
    let mut window = window(&[1; 8]);
    window.history.mark_gap(102);
    window.history.mark_gap(106);
    let options = Options::low_latency(&grid());
    let live = render(&window, &Shown::all(), 0, &options).unwrap();
    assert_eq!(periods(&live), ["0000000000000001-0"]);
    assert_eq!(live.matches(" t=\"").count(), 3);

    window.ended = true;
    let ended = render(&window, &Shown::all(), 0, &Options { zero: Zero::Media, ..options }).unwrap();
    assert_eq!(periods(&ended), ["0000000000000001-0", "0000000000000001-0-103", "0000000000000001-0-107"]);
    assert_eq!(
        timelines(&ended),
        [
            "<S t=\"4000000\" d=\"40000\" r=\"1\"/></SegmentTimeline>",
            "<S t=\"4120000\" d=\"40000\" r=\"2\"/></SegmentTimeline>",
            "<S t=\"4280000\" d=\"40000\"/></SegmentTimeline>"
        ]
    );
    assert!(ended.contains("start=\"PT4.8S\"") && ended.contains("start=\"PT11.2S\""), "{ended}");
}

/// The names of the Periods.
fn periods(mpd: &str) -> Vec<&str> {
    let names = mpd.lines().filter_map(|line| line.trim().strip_prefix("<Period id=\""));
    names.filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn nothing_is_foretold_of_a_channel_that_is_not_recording() {
    let mpd = render(&window(&[1]), &Shown::all(), 0, &Options::low_latency(&grid())).unwrap();
    assert_eq!(timelines(&mpd), ["<S t=\"4000000\" d=\"40000\"/></SegmentTimeline>"]);
    assert_eq!(
        render(&Window::empty(grid()), &Shown::all(), 0, &Options::plain(&grid())),
        Err(Error::NoLayout)
    );
    assert_eq!(
        render(
            &Window { history: History::default(), ..window(&[1]) },
            &Shown::all(),
            0,
            &Options::plain(&grid())
        ),
        Err(Error::NoSegments(0))
    );
}
