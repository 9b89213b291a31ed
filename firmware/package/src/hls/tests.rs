use std::sync::Arc;

use ::media::{EdgePart, EdgeSegment, FrameRate, History, LayoutId, Segment, Span, Spans, Window};
use bytes::Bytes;

use super::*;
use crate::{Error, filter::Shown};

fn grid(rate: (u32, u32), segment: u32, part: u32) -> Grid {
    Grid::new(FrameRate::new(rate.0, rate.1).unwrap(), segment, part)
}

fn video(grid: &Grid) -> Track {
    let codec = Codec::H264 {
        config: Bytes::from_static(&[1, 0x4d, 0x40, 0x1f]),
        width: 2,
        height: 2,
        rate: grid.rate,
    };
    Track {
        name: "v".into(),
        timescale: grid.rate.timescale(),
        bitrate: 1000,
        language: None,
        captions: Vec::new(),
        codec,
    }
}

fn audio(name: &str, sample_rate: u32, object: u8) -> Track {
    let config = Bytes::copy_from_slice(&[object << 3]);
    let codec = Codec::Aac { config, sample_rate, channels: 6 };
    Track {
        name: name.into(),
        timescale: sample_rate,
        bitrate: 100,
        language: Some("x\"y".into()),
        captions: Vec::new(),
        codec,
    }
}

fn layout(tracks: Vec<Track>) -> Arc<[Arc<Layout>]> {
    let init = vec![Bytes::new(); tracks.len()];
    [Arc::new(Layout { id: LayoutId(1), tracks, init })].into()
}

/// One video track: segments 8 and 9 in the history, 10 closed with `closed` parts, 11 open with `open` parts.
fn window(grid: Grid, closed: usize, open: usize) -> Window {
    let track = video(&grid);
    let ticks = |segment, part| grid.line(::media::Position { segment, part }, track.timescale);
    let mut history = History::default();
    for number in [8, 9] {
        let duration = u32::try_from(ticks(number + 1, 0) - ticks(number, 0)).unwrap();
        let spans =
            Spans::new(&grid, number, [(Span { start: ticks(number, 0), duration }, track.timescale)]);
        history.push(Segment {
            number,
            discontinuity: 0,
            filler: false,
            gap: false,
            layout: LayoutId(1),
            spans,
        });
    }
    let part = EdgePart { duration: u32::try_from(ticks(0, 1)).unwrap(), independent: true, len: 1000 };
    let edge = |number, parts: usize, closed| EdgeSegment {
        number,
        discontinuity: 0,
        layout: LayoutId(1),
        start: ticks(number, 0),
        parts: vec![part; parts],
        closed,
    };
    let edge = vec![Arc::from([edge(10, closed, true), edge(11, open, false)])];
    Window { layouts: layout(vec![track]), history, edge, ..Window::empty(grid) }
}

#[test]
fn targets_follow_the_grid() {
    for (rate, segment, part, target, part_target) in [
        ((25, 1), 1600, 200, 2, 200_000),
        ((30_000, 1001), 1600, 200, 2, 200_200),
        ((24_000, 1001), 2000, 200, 2, 208_542),
        ((25, 1), 1000, 200, 1, 200_000),
        ((25, 1), 6000, 1000, 6, 1_000_000),
        ((25, 1), 200, 200, 1, 200_000),
    ] {
        let grid = grid(rate, segment, part);
        assert_eq!(
            (target_duration(&grid), part_target_of(&grid)),
            (target, part_target),
            "{rate:?} {segment}"
        );
    }
    // 200 ms hold nine or ten frames of 1024 samples at 48 kHz.
    assert_eq!(part_target(&grid((25, 1), 1600, 200), &audio("a", 48_000, 2)), 213_334);
    // 640 ms hold thirty, always.
    assert_eq!(part_target(&grid((25, 1), 1920, 640), &audio("a", 48_000, 2)), 640_000);
}

fn part_target_of(grid: &Grid) -> u64 {
    part_target(grid, &video(grid))
}

#[test]
fn reload_follows_the_rules_of_the_standard() {
    use Reload::{Ready, TooFar};
    let wait = |msn, part| Reload::Wait { msn, part };
    // Parts 0 to 2 of segment 11 are there; a segment has 8 parts, the Advance Part Limit is 15.
    let window = window(grid((25, 1), 1600, 200), 8, 3);
    for (msn, part, want) in [
        (0, None, Ready),
        (5, Some(99), Ready),
        (10, None, Ready),
        (10, Some(7), Ready),
        (10, Some(8), Ready),
        (11, None, wait(11, None)),
        (13, None, wait(13, None)),
        (14, None, TooFar),
        (14, Some(0), TooFar),
        (u64::MAX, Some(0), TooFar),
        (11, Some(2), Ready),
        (11, Some(3), wait(11, Some(3))),
        (11, Some(7), wait(11, Some(7))),
        (11, Some(8), wait(12, Some(0))),
        (11, Some(u32::MAX), wait(12, Some(0))),
        (12, Some(0), wait(12, Some(0))),
        (13, Some(1), wait(13, Some(1))),
        (13, Some(2), TooFar),
    ] {
        assert_eq!(validate_reload(&window, 0, msn, part), Ok(want), "{msn} {part:?}");
    }
    let ended = Window { ended: true, ..window };
    assert_eq!(validate_reload(&ended, 0, u64::MAX, Some(0)), Ok(Ready));
    assert_eq!(validate_reload(&ended, 1, 0, None), Err(Error::NoTrack(1)));
    assert_eq!(validate_reload(&Window::empty(ended.grid), 0, 0, None), Err(Error::NoLayout));
}

#[test]
fn a_segment_that_was_cut_short_ends_with_its_last_part() {
    let wait = |msn, part| Reload::Wait { msn, part };
    // Of one-second parts the Advance Part Limit is three.
    let mut window = window(grid((25, 1), 6000, 1000), 2, 0);
    assert_eq!(validate_reload(&window, 0, 10, Some(1)), Ok(Reload::Ready));
    assert_eq!(validate_reload(&window, 0, 10, Some(2)), Ok(wait(11, Some(0))));
    assert_eq!(validate_reload(&window, 0, 11, Some(2)), Ok(wait(11, Some(2))));
    assert_eq!(validate_reload(&window, 0, 11, Some(3)), Ok(Reload::TooFar));
    window.edge = vec![Arc::from([])];
    assert_eq!(validate_reload(&window, 0, 9, Some(0)), Ok(Reload::Ready));
    assert_eq!(validate_reload(&window, 0, 10, Some(0)), Ok(wait(10, Some(0))));
    window.history = History::default();
    assert_eq!(validate_reload(&window, 0, 99, Some(0)), Ok(wait(99, Some(0))));
}

#[test]
fn variants_without_video_and_with_several_sounds() {
    let grid = grid((25, 1), 1600, 200);
    let only = Window { layouts: layout(vec![audio("a", 48_000, 2)]), ..Window::empty(grid) };
    assert_eq!(
        render_master(&only, &Shown::all(), &MasterOptions::default())
            .unwrap()
            .lines()
            .skip(3)
            .collect::<Vec<_>>(),
        ["#EXT-X-STREAM-INF:BANDWIDTH=7422,AVERAGE-BANDWIDTH=7360,CODECS=\"mp4a.40.2\"", "a/media.m3u8"]
    );
    let tracks = vec![video(&grid), audio("a", 48_000, 2), audio("b", 48_000, 5)];
    let several = render_master(
        &Window { layouts: layout(tracks), ..Window::empty(grid) },
        &Shown::all(),
        &MasterOptions::default(),
    )
    .unwrap();
    assert!(several.contains("NAME=\"a\",LANGUAGE=\"xy\",DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"6\""));
    assert!(several.contains("NAME=\"b\",LANGUAGE=\"xy\",DEFAULT=NO,AUTOSELECT=YES"));
    assert!(
        several
            .contains("BANDWIDTH=15607,AVERAGE-BANDWIDTH=14920,CODECS=\"avc1.4d401f,mp4a.40.2,mp4a.40.5\"")
    );
    assert_eq!(
        render_master(&Window::empty(grid), &Shown::all(), &MasterOptions::default()),
        Err(Error::NoLayout)
    );
}

#[test]
fn the_peak_is_what_the_costliest_segment_measures() {
    let master =
        render_master(&window(grid((25, 1), 1600, 200), 8, 0), &Shown::all(), &MasterOptions::default())
            .unwrap();
    // 1000 bytes in each 200 ms.
    assert!(master.contains("BANDWIDTH=40000,AVERAGE-BANDWIDTH=7560,"), "{master}");
}

#[test]
fn discontinuity_sequence_numbers_may_jump() {
    let mut window = window(grid((25, 1), 1600, 200), 8, 1);
    let mut edge = window.edge[0].to_vec();
    edge.iter_mut().for_each(|segment| segment.discontinuity = 3);
    window.edge[0] = edge.into();
    let text = render_media(&window, 0, &MediaOptions::default()).unwrap();
    assert!(text.contains("#EXT-X-DISCONTINUITY-SEQUENCE:0\n"));
    assert_eq!(text.matches("#EXT-X-DISCONTINUITY\n").count(), 3);
}
