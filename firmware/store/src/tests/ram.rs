//! What stays in RAM: a bounded share of each stream, and nothing of what nobody uses.

use std::{path::Path, sync::Arc, time::Duration};

use super::{
    fixture::{chunks, config, grid, layout, push},
    memory::{Faults, Memory},
    ring::{acknowledged, until},
};
use crate::{
    Config, Reader, Store, Writer,
    live::{Live, Resume},
    shared::Limits,
};

const LEN: usize = 10_000;
/// Of [`LEN`] in four chunks.
const SEGMENT: u64 = 4 * LEN as u64;

/// Six segments in RAM, where time alone would let 50 stay.
fn open(disk: &Memory, queued_bytes: u64) -> (Store, Writer, Reader) {
    let config = Config {
        size: 200 << 16,
        extent: 1 << 16,
        live: Duration::from_secs(20),
        share: 6 * SEGMENT,
        ..config(Path::new("/ring"), 0)
    };
    let limits = Limits {
        queued_bytes,
        patience: Duration::from_secs(5),
        retry: Duration::from_millis(20),
        ..Limits::default()
    };
    let store = Store::open_with(config, Arc::new(disk.clone()), Box::new(disk.clone()), limits).unwrap();
    let (mut writer, reader) = store.stream("main", grid()).unwrap();
    writer.set_layout((*layout(1)).clone());
    (store, writer, reader)
}

/// Bytes of media in RAM.
fn held(reader: &Reader) -> u64 {
    reader.held_bytes()
}

#[tokio::test]
async fn what_is_beyond_a_streams_share_is_read_from_the_disk() {
    let disk = Memory::default();
    let (store, mut writer, reader) = open(&disk, 1 << 30);
    for number in 100..130 {
        push(&mut writer, number, LEN);
        until("it is on disk", || acknowledged(&store) == Some(number));
        assert!(held(&reader) <= 6 * SEGMENT, "{} bytes", held(&reader));
    }
    assert!(held(&reader) >= 5 * SEGMENT, "{} bytes", held(&reader));
    for number in 100..130 {
        assert_eq!(reader.segment("720p", number).await.unwrap(), chunks(0, number, LEN));
    }
    assert!(reader.window().history.iter().all(|segment| !segment.gap));
}

#[test]
fn the_newest_segments_stay_whatever_they_take() {
    let mut live = Live::new(grid(), Resume::New, 20_000_000_000, 1, 1 << 40);
    live.set_layout(layout(1));
    for number in 100..120 {
        for (part, track) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            live.push(super::fixture::part(track, number, part, 100)).unwrap();
        }
        (0..2).for_each(|track| drop(live.close(track, number)));
        live.acknowledge(number);
    }
    let held: Vec<u64> = live.held().iter().map(|held| held.number).collect();
    assert_eq!(held, [115, 116, 117, 118, 119]);
}

#[tokio::test]
async fn a_disk_that_hangs_does_not_fill_the_ram_and_what_it_takes_late_is_no_gap() {
    let disk = Memory::default();
    let (store, mut writer, reader) = open(&disk, 30 * SEGMENT);
    push(&mut writer, 100, LEN);
    until("100 is on disk", || acknowledged(&store) == Some(100));
    disk.set(Faults { blocked: true, ..Faults::default() });
    (101..150).for_each(|number| push(&mut writer, number, LEN));
    let (most, last, early) =
        (held(&reader), reader.window().last_part(0), reader.segment("720p", 110).await);
    disk.set(Faults::default());
    assert!(most <= 12 * SEGMENT, "{most} bytes: twice the share");
    assert_eq!(last, Some((149, 1)), "live goes on");
    assert!(early.is_err(), "neither in RAM nor on the disk");
    until("the disk has taken what waited", || store.status().queued == 0);
    assert_eq!(reader.segment("720p", 110).await.unwrap(), chunks(0, 110, LEN));
    assert!(!reader.window().history.get(110).unwrap().gap);
    // Nothing had room to wait for the disk beyond 30 segments.
    assert!(reader.window().history.get(135).unwrap().gap);
    assert!(store.status().dropped > 0);
}

#[test]
fn a_disk_that_refuses_does_not_fill_the_ram() {
    let disk = Memory::default();
    let (store, mut writer, reader) = open(&disk, 1 << 30);
    push(&mut writer, 100, LEN);
    until("100 is on disk", || acknowledged(&store) == Some(100));
    disk.set(Faults { failing: true, ..Faults::default() });
    for number in 101..150 {
        push(&mut writer, number, LEN);
        until("nothing waits", || store.status().queued == 0);
    }
    disk.set(Faults::default());
    assert!(held(&reader) <= 6 * SEGMENT, "{} bytes", held(&reader));
    assert_eq!(reader.window().last_part(0), Some((149, 1)));
}

#[tokio::test]
async fn a_stream_that_has_ended_gives_its_ram_back_and_is_read_on() {
    let disk = Memory::default();
    let (store, mut writer, reader) = open(&disk, 1 << 30);
    (100..120).for_each(|number| push(&mut writer, number, LEN));
    writer.finish();
    until("all of it is on disk", || acknowledged(&store) == Some(119));
    until("the RAM is given back", || held(&reader) <= 5 * SEGMENT);
    assert_eq!(reader.segment("audio", 101).await.unwrap(), chunks(1, 101, LEN));
}

#[tokio::test]
async fn a_stream_that_nobody_uses_is_let_go_and_goes_on_where_it_ended() {
    let disk = Memory::default();
    let (store, mut writer, reader) = open(&disk, 1 << 30);
    (100..110).for_each(|number| push(&mut writer, number, LEN));
    until("all of it is on disk", || acknowledged(&store) == Some(109));
    drop((writer, reader));
    store.set_pins(Vec::new());
    until("it is let go", || store.status().streams.is_empty());
    assert_eq!(store.recording("main", grid()).kept(), Some((100, 109)), "the recording is there");

    let (mut writer, reader) = store.stream("main", grid()).unwrap();
    assert_eq!(writer.last(), Some(109));
    writer.set_layout((*layout(1)).clone());
    push(&mut writer, 110, LEN);
    reader.whole().await;
    let listed: Vec<_> =
        reader.window().history.iter().map(|segment| (segment.number, segment.discontinuity)).collect();
    let expected: Vec<_> = (100..=110).map(|number| (number, u32::from(number == 110))).collect();
    assert_eq!(listed, expected, "a discontinuity where it was interrupted");
    assert_eq!(reader.segment("720p", 100).await.unwrap(), chunks(0, 100, LEN));
}
