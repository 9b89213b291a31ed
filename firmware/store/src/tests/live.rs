use std::sync::Arc;

use media::{Entry, Window};

use super::fixture::{grid, layout, part};
use crate::{
    Error,
    held::Line,
    live::{Live, Resume},
};

const SECOND: u128 = 1_000_000_000;

/// Keeps 2 segments in RAM (8 at most) and lists 100.
fn live(resume: Resume) -> Live {
    let mut live = Live::new(grid(), resume, SECOND * 8 / 10, 1 << 20, SECOND * 40);
    assert!(live.set_layout(layout(1)).is_empty());
    live
}

fn push(live: &mut Live, segment: u64) -> Vec<Line> {
    let mut lines = Vec::new();
    for index in 0..2 {
        for track in 0..2 {
            lines.extend(live.push(part(track, segment, index, 10)).unwrap());
        }
    }
    (0..2).for_each(|track| lines.extend(live.close(track, segment)));
    lines
}

fn listed(window: &Window) -> Vec<(u64, u32, bool)> {
    window.history.iter().map(|segment| (segment.number, segment.discontinuity, segment.gap)).collect()
}

fn marks(lines: &[Line]) -> Vec<(u64, u32, bool, usize)> {
    lines.iter().map(|line| (line.number, line.part, line.last, line.chunks.len())).collect()
}

#[test]
fn lines_go_out_when_all_tracks_have_them_and_the_last_is_marked() {
    let mut live = live(Resume::New);
    assert!(live.push(part(0, 7, 0, 10)).unwrap().is_empty());
    assert_eq!(marks(&live.push(part(1, 7, 0, 10)).unwrap()), [(7, 0, false, 2)]);
    live.push(part(0, 7, 1, 10)).unwrap();
    assert!(live.close(0, 7).is_empty());
    assert!(live.push(part(1, 7, 1, 10)).unwrap().is_empty());
    assert!(live.window().history.is_empty());
    assert_eq!(marks(&live.close(1, 7)), [(7, 1, true, 2)]);
    assert_eq!(listed(&live.window()), [(7, 0, false)]);
}

#[test]
fn a_segment_that_ends_early_is_marked_by_an_empty_line() {
    let mut live = live(Resume::New);
    live.push(part(0, 7, 0, 10)).unwrap();
    live.push(part(1, 7, 0, 10)).unwrap();
    assert_eq!(marks(&live.end(true)), [(7, 1, true, 0)]);
    assert!(
        live.window().ended
            && live.window().history.last().unwrap().span(0, &grid(), 25_000).unwrap().duration == 5000
    );
}

#[test]
fn a_segment_that_lacks_a_track_is_not_kept() {
    let mut live = live(Resume::New);
    push(&mut live, 6);
    live.push(part(0, 7, 0, 10)).unwrap();
    assert_eq!(live.window().edge[0].len(), 2);
    assert!(live.end(false).is_empty());
    assert_eq!((listed(&live.window()), live.window().edge[0].len()), (vec![(6, 0, false)], 1));
    assert!(matches!(live.push(part(0, 7, 0, 10)), Err(Error::Stale { number: 7, last: 7 })));
}

#[test]
fn tracks_may_be_in_different_segments_and_may_skip_one() {
    let mut live = live(Resume::New);
    for index in 0..2 {
        live.push(part(0, 7, index, 10)).unwrap();
    }
    live.close(0, 7);
    live.push(part(0, 8, 0, 10)).unwrap();
    live.push(part(1, 7, 0, 10)).unwrap();
    assert_eq!(live.window().edge.iter().map(|edge| edge.len()).collect::<Vec<_>>(), [2, 1]);
    // The first track skips 9: what the second has of it cannot be played.
    live.close(0, 8);
    live.close(1, 8);
    assert!(live.window().history.last().is_some_and(|last| last.number == 7));
    live.push(part(1, 9, 0, 10)).unwrap();
    live.close(1, 9);
    live.push(part(0, 10, 0, 10)).unwrap();
    push_rest(&mut live, 10);
    assert_eq!(listed(&live.window()), [(7, 0, false), (10, 0, false)]);
}

fn push_rest(live: &mut Live, segment: u64) {
    live.push(part(0, segment, 1, 10)).unwrap();
    (0..2).for_each(|index| drop(live.push(part(1, segment, index, 10)).unwrap()));
    (0..2).for_each(|track| drop(live.close(track, segment)));
}

#[test]
fn what_comes_out_of_order_is_refused_by_name() {
    let mut live = Live::new(grid(), Resume::New, 1, 1, 1);
    assert!(matches!(live.push(part(0, 7, 0, 10)), Err(Error::NoLayout)));
    live.set_layout(layout(1));
    let third = crate::NewPart { track: 2, ..part(0, 7, 0, 10) };
    assert!(matches!(live.push(third), Err(Error::NoTrack { track: 2, tracks: 2 })));
    live.push(part(0, 7, 0, 10)).unwrap();
    for (segment, index) in [(7, 0), (7, 2), (8, 0)] {
        let error = live.push(part(0, segment, index, 10)).unwrap_err();
        assert!(matches!(error, Error::Order { open: 7, expected: 1, .. }), "{error}");
    }
    assert!(matches!(live.push(part(0, 6, 0, 10)), Err(Error::Stale { number: 6, last: 6 })));
    live.close(0, 7);
    assert!(matches!(live.push(part(0, 7, 1, 10)), Err(Error::Stale { number: 7, last: 7 })));
}

#[test]
fn discontinuity_numbers_rise_by_one_and_go_on_after_a_restart() {
    let mut live = live(Resume::After { last: 6, discontinuity: 4 });
    assert!(matches!(live.push(part(0, 6, 0, 10)), Err(Error::Stale { number: 6, last: 6 })));
    push(&mut live, 7);
    push(&mut live, 8);
    live.discontinue();
    live.discontinue();
    push(&mut live, 9);
    live.set_layout(layout(2));
    push(&mut live, 10);
    live.end(true);
    live.reopen();
    live.set_layout(layout(2));
    push(&mut live, 11);
    let numbers: Vec<_> = live.window().history.iter().map(|segment| segment.discontinuity).collect();
    assert_eq!(numbers, [5, 5, 6, 7, 8]);
    assert_eq!(live.window().layouts.iter().map(|layout| layout.id.0).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn without_the_disk_the_discontinuity_number_is_greater_than_any_before() {
    let mut live = live(Resume::Unknown);
    push(&mut live, 1_122_100_367);
    live.discontinue();
    push(&mut live, 1_122_100_368);
    let numbers: Vec<_> = live.window().history.iter().map(|segment| segment.discontinuity).collect();
    assert_eq!(numbers, [1_122_100_367, 1_122_100_368]);
}

#[test]
fn ram_keeps_what_is_young_or_not_acknowledged_up_to_the_cap() {
    let mut live = live(Resume::New);
    (1..=8).for_each(|number| drop(push(&mut live, number)));
    assert_eq!(live.held().len(), 8);
    (1..=8).for_each(|number| live.acknowledge(number));
    assert_eq!(live.held().iter().map(|held| held.number).collect::<Vec<_>>(), [6, 7, 8]);
    (9..=20).for_each(|number| drop(push(&mut live, number)));
    let held: Vec<_> = live.held().iter().map(|held| held.number).collect();
    assert_eq!(held, (12..=20).collect::<Vec<_>>());
    let gaps: Vec<_> =
        listed(&live.window()).into_iter().filter(|(.., gap)| *gap).map(|(number, ..)| number).collect();
    assert_eq!(gaps, [9, 10, 11]);
    assert_eq!(live.window().edge[1].first().unwrap().number, 12);
}

#[test]
fn a_track_that_never_comes_does_not_fill_the_ram() {
    let mut live = live(Resume::New);
    for number in 1..100 {
        (0..2).for_each(|index| drop(live.push(part(0, number, index, 10)).unwrap()));
        live.close(0, number);
    }
    assert_eq!(live.held().len(), 9);
    assert!(matches!(live.push(part(1, 90, 0, 10)), Err(Error::Stale { number: 90, last: 90 })));
    live.push(part(1, 99, 0, 10)).unwrap();
    live.push(part(1, 99, 1, 10)).unwrap();
    live.close(1, 99);
    assert_eq!(listed(&live.window()), [(99, 0, false)]);
}

#[test]
fn the_edge_of_a_new_layout_keeps_the_segments_of_a_track_with_the_same_name() {
    let mut live = live(Resume::New);
    push(&mut live, 1);
    let mut second = (*layout(2)).clone();
    second.tracks.reverse();
    live.set_layout(Arc::new(second));
    let window = live.window();
    assert_eq!((window.edge[0].len(), window.edge[1].len()), (1, 1));
    assert_eq!(window.edge[0][0].start, grid().segment_line(1, 48_000));
    assert!(matches!(window.listing(0).next(), Some(Entry::Segment { number: 1, .. })));
}

#[test]
fn the_window_drops_what_is_older_and_a_kept_one_does_not_change() {
    let mut live = live(Resume::New);
    (1..=50).for_each(|number| drop(push(&mut live, number)));
    let kept = live.window();
    (51..=120).for_each(|number| drop(push(&mut live, number)));
    assert_eq!(live.window().history.first().unwrap().number, 20);
    assert_eq!((kept.history.first().unwrap().number, kept.history.last().unwrap().number), (1, 50));
}
