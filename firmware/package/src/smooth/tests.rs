use std::sync::Arc;

use ::media::{FrameRate, Grid, History, LayoutId, Segment, Span, Spans};
use bytes::Bytes;

use super::*;
use crate::Error;

const OPTIONS: Options<'_> = Options { repeats: true, reach: Some(60_000_000_000), protection: "" };

fn grid() -> Grid {
    Grid::new(FrameRate::new(25, 1).unwrap(), 1600, 200)
}

fn track(name: &str, bitrate: u32, codec: Codec) -> Track {
    let timescale = if matches!(codec, Codec::Aac { .. }) { 48_000 } else { 25_000 };
    Track { name: name.to_owned(), timescale, bitrate, language: None, captions: Vec::new(), codec }
}

fn h264(level: u8) -> Codec {
    let config = [&[1, 0x64, 0, level, 0xff, 0xe1, 0, 4, 0x67, 0x64, 0, level][..], &[1, 0, 2, 0x68, 0xeb]];
    Codec::H264 { config: config.concat().into(), width: 640, height: 360, rate: grid().rate }
}

fn layout(id: u64, tracks: Vec<Track>) -> Arc<Layout> {
    let init = vec![Bytes::new(); tracks.len()];
    Arc::new(Layout { id: LayoutId(id), tracks, init })
}

fn tracks(level: u8) -> Vec<Track> {
    let aac = Codec::Aac { config: Bytes::from_static(&[0x11, 0x90]), sample_rate: 48_000, channels: 2 };
    vec![
        track("360p", 600_000, h264(level)),
        track("180p", 200_000, h264(level)),
        track("audio", 128_000, aac),
    ]
}

/// Segments from 100 on, each of the layout given; none where it is a gap.
fn window(layouts: Vec<Arc<Layout>>, segments: &[Option<u64>]) -> Window {
    let mut history = History::default();
    for (number, id) in (100..).zip(segments) {
        let video = Span { start: number * 40_000, duration: 40_000 };
        let audio = Span { start: number * 76_800, duration: 76_800 };
        let spans = Spans::new(&grid(), number, [(video, 25_000), (video, 25_000), (audio, 48_000)]);
        let (layout, gap) = (LayoutId(id.unwrap_or(1)), id.is_none());
        history.push(Segment { number, discontinuity: 0, filler: false, gap, layout, spans });
    }
    let edge = vec![Arc::from([]); 3];
    Window { layouts: layouts.into(), history, edge, ..Window::empty(grid()) }
}

fn chunks(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.trim().strip_prefix("<c ")).collect()
}

#[test]
fn a_live_manifest_lists_what_two_more_follow() {
    let window = window(vec![layout(1, tracks(30))], &[Some(1); 5]);
    let text = render(&window, &Shown::all(), &OPTIONS).unwrap();
    assert!(roxmltree::Document::parse(&text).is_ok(), "{text}");
    assert!(
        text.contains(" MinorVersion=\"2\" TimeScale=\"10000000\" Duration=\"0\" IsLive=\"TRUE\""),
        "{text}"
    );
    assert!(
        text.contains(" LookAheadFragmentCount=\"2\" LookaheadCount=\"2\" DVRWindowLength=\"600000000\"")
    );
    assert_eq!(chunks(&text), ["t=\"1600000000\" d=\"16000000\" r=\"3\"/>"; 2]);
    assert!(text.contains("CodecPrivateData=\"000000016764001E0000000168EB\""), "{text}");
    assert!(
        text.contains("<StreamIndex Type=\"audio\" Name=\"audio\" QualityLevels=\"1\" Chunks=\"3\""),
        "{text}"
    );
    let plain =
        render(&window, &Shown::all(), &Options { repeats: false, reach: None, protection: "" }).unwrap();
    assert!(plain.contains("MinorVersion=\"0\"") && plain.contains("DVRWindowLength=\"0\""));
    assert_eq!(
        chunks(&plain)[..3],
        ["t=\"1600000000\" d=\"16000000\"/>", "d=\"16000000\"/>", "d=\"16000000\"/>"]
    );
}

#[test]
fn on_demand_all_is_listed_and_the_last_before_a_hole_lasts_over_it() {
    let segments = [Some(1), None, Some(1), Some(1)];
    let window = Window { ended: true, ..window(vec![layout(1, tracks(30))], &segments) };
    let text = render(&window, &Shown::all(), &OPTIONS).unwrap();
    assert!(text.contains(" Duration=\"64000000\">") && !text.contains("IsLive"), "{text}");
    assert_eq!(chunks(&text)[..2], ["t=\"1600000000\" d=\"32000000\"/>", "d=\"16000000\" r=\"2\"/>"]);
}

#[test]
fn what_other_parameters_were_before_is_left_out() {
    let layouts = vec![layout(1, tracks(30)), layout(2, tracks(31))];
    let window = window(layouts, &[Some(1), Some(2), Some(2)]);
    let numbers =
        |index| fragments(&window, index).iter().map(|fragment| fragment.number).collect::<Vec<_>>();
    assert_eq!(numbers(0), [101, 102]);
    assert_eq!(numbers(2), [100, 101, 102], "the sound is the same");
    let behind = |track: &Track| -> Vec<_> {
        following(&window, track, 100).iter().map(|fragment| (fragment.number, fragment.start)).collect()
    };
    assert_eq!(behind(&window.layouts[0].tracks[0]), []);
    assert_eq!(behind(&window.layouts[0].tracks[2]), [(101, 1_616_000_000), (102, 1_632_000_000)]);
    assert_eq!(render(&window, &Shown::all(), &OPTIONS), Err(Error::NoSegments(0)));
}

#[test]
fn levels_are_told_apart_and_hevc_is_left_out() {
    let Codec::H264 { config, width, height, rate } = h264(30) else { unreachable!() };
    let hevc = Codec::H265 { config, width, height, rate };
    let alike = layout(
        1,
        vec![
            track("360p", 600_000, h264(30)),
            track("360p-2", 600_000, h264(30)),
            track("360p-h265", 400_000, hevc),
        ],
    );
    let shown = Shown::all();
    assert_eq!(streams(&alike, &shown)[0].levels, [(600_000, 0), (600_001, 1)]);
    assert_eq!(track_of(&alike, "video", 600_001), Some(1));
    assert_eq!(track_of(&alike, "video", 400_000), None);
    assert_eq!(track_of(&alike, "audio", 600_000), None);
}

fn track_of(layout: &Layout, stream: &str, bitrate: u32) -> Option<usize> {
    super::track(layout, &Shown::all(), stream, bitrate)
}
