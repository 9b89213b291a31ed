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
    let track = Track { name: "v".into(), timescale: 25_000, bitrate: 1, language: None, codec };
    Arc::new(Layout { id: LayoutId(id), tracks: vec![track], init: vec![Bytes::new()] })
}

/// Segments from 100 on, each of the layout given.
fn window(ids: &[u64]) -> Window {
    let mut history = History::default();
    for (number, &id) in (100..).zip(ids) {
        let spans =
            Spans::new(&grid(), number, [(Span { start: number * 40_000, duration: 40_000 }, 25_000)]);
        history.push(Segment {
            number,
            discontinuity: 0,
            filler: false,
            gap: false,
            layout: LayoutId(id),
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
    assert!(mpd.contains("<Period id=\"0000000000000001\" start=\"PT0S\">"));
    assert!(mpd.contains("<Period id=\"0000000000000002\" start=\"PT163.2S\">"));
    assert!(mpd.contains("presentationTimeOffset=\"4120000\""));
}

#[test]
fn a_layout_that_came_back_names_its_latest_stretch_only() {
    let mpd = render(&window(&[1, 1, 2, 1]), &Shown::all(), 0, &Options::low_latency(&grid())).unwrap();
    assert_eq!(
        timelines(&mpd),
        [
            "<S t=\"4080000\" d=\"40000\"/></SegmentTimeline>",
            "<S t=\"4120000\" d=\"40000\"/></SegmentTimeline>"
        ]
    );
    assert_eq!(mpd.matches("<Period id=\"0000000000000001\"").count(), 1);
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
