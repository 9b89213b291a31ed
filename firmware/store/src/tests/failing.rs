use std::{path::Path, sync::Arc, time::Duration};

use super::{
    fixture::{chunks, config, grid, layout, push},
    memory::{Faults, Memory},
    ring::{acknowledged, until},
};
use crate::{Config, Error, Kind, Reader, Store, Writer, shared::Limits};

const LIMITS: Limits = Limits {
    queue: 16,
    queued_bytes: 1 << 20,
    patience: Duration::from_millis(200),
    retry: Duration::from_millis(20),
    lease: Duration::from_millis(100),
};
const FAILING: Faults = Faults { failing: true, ..FINE };
const BLOCKED: Faults = Faults { blocked: true, ..FINE };
const FINE: Faults = Faults {
    room: None,
    failing: false,
    blocked: false,
    power: None,
    lying: false,
    index: false,
    forgetful: false,
};

fn small() -> Config {
    Config { size: 8 << 16, extent: 1 << 16, ..config(Path::new("/ring"), 0) }
}

fn open(disk: &Memory) -> (Store, Writer, Reader) {
    let store = Store::open_with(small(), Arc::new(disk.clone()), Box::new(disk.clone()), LIMITS).unwrap();
    let (mut writer, reader) = store.stream("main", grid()).unwrap();
    writer.set_layout((*layout(1)).clone());
    (store, writer, reader)
}

#[test]
fn a_disk_too_small_is_told_in_plain_words_and_used_once_there_is_room() {
    let disk = Memory::default();
    disk.set(Faults { room: Some(100_000), ..FINE });
    let (store, mut writer, reader) = open(&disk);
    push(&mut writer, 100, 100);
    until("it is told", || store.status().failure.is_some());
    assert_eq!(
        store.status().last_failure.unwrap().reason,
        "the recording in /ring/extents needs 524288 bytes more, but its disk has 100000 bytes free; \
         make room or choose a smaller `size`"
    );
    assert_eq!(reader.window().history.len(), 1, "live does not need it");
    disk.set(FINE);
    let mut number = 100;
    until("it is used", || {
        number += 1;
        push(&mut writer, number, 100);
        acknowledged(&store).is_some()
    });
}

#[test]
fn a_failing_disk_costs_the_recording_and_not_the_picture() {
    let disk = Memory::default();
    let (store, mut writer, reader) = open(&disk);
    push(&mut writer, 100, 100);
    until("100 is on disk", || acknowledged(&store) == Some(100));
    disk.set(FAILING);
    for number in 101..104 {
        push(&mut writer, number, 100);
        until("the committer has seen it", || store.status().queued == 0);
    }
    let status = store.status();
    let failure = status.failure.unwrap();
    assert_eq!((status.dropped, acknowledged(&store)), (3, Some(100)));
    assert!(failure.reason.contains("the disk fails"), "{}", failure.reason);
    assert_eq!(reader.window().history.len(), 4);
    assert_eq!(reader.live_part(0, 103, 1).unwrap(), chunks(0, 103, 100)[1]);
    disk.set(FINE);
    push(&mut writer, 104, 100);
    until("the disk is used again", || acknowledged(&store) == Some(104));
    let status = store.status();
    assert_eq!((status.failure, status.last_failure.unwrap().since), (None, failure.since));
}

#[tokio::test]
async fn what_was_not_recorded_becomes_a_gap_when_it_leaves_the_ram() {
    let disk = Memory::default();
    let (store, mut writer, reader) = open(&disk);
    disk.set(FAILING);
    push(&mut writer, 100, 100);
    until("100 is refused", || store.status().dropped == 1);
    disk.set(FINE);
    // 2 s of RAM are 5 segments, the cap is 20.
    for number in 101..122 {
        push(&mut writer, number, 100);
        until("it is on disk", || acknowledged(&store) == Some(number));
    }
    assert!(reader.window().history.get(100).unwrap().gap);
    assert_eq!(reader.segment("720p", 100).await.unwrap_err().kind(), Kind::Corrupt);
    assert_eq!(reader.segment("720p", 101).await.unwrap(), chunks(0, 101, 100));
}

#[test]
fn a_blocked_disk_does_not_block_the_writer() {
    let disk = Memory::default();
    let (store, mut writer, reader) = open(&disk);
    push(&mut writer, 100, 100);
    until("100 is on disk", || acknowledged(&store) == Some(100));
    disk.set(BLOCKED);
    // The queue holds 16 lines, that is 8 segments.
    (101..120).for_each(|number| push(&mut writer, number, 100));
    let status = store.status();
    assert!(status.dropped >= 10 && status.failure.unwrap().reason.contains("does not keep up"));
    assert_eq!(reader.window().last_part(0), Some((119, 1)));
    disk.set(FINE);
    until("the queue is empty", || store.status().queued == 0);
    push(&mut writer, 120, 100);
    until("the disk is used again", || acknowledged(&store) == Some(120));
    assert_eq!(store.status().failure, None);
}

#[tokio::test]
async fn live_begins_without_a_disk_that_does_not_answer_and_takes_it_up_later() {
    let disk = Memory::default();
    let (store, mut writer, _) = open(&disk);
    push(&mut writer, 100, 100);
    drop((writer, store));
    disk.set(BLOCKED);
    let (store, mut writer, reader) = open(&disk);
    // A ring that exists is read without a write, up to the name of its directory.
    push(&mut writer, 200, 100);
    assert_eq!(reader.live_part(1, 200, 0).unwrap(), chunks(1, 200, 100)[0]);
    disk.set(FINE);
    until("200 is on disk", || acknowledged(&store) == Some(200));
    until("the history is there", || reader.window().history.len() == 2);
    let window = reader.window();
    let [first, second] = [100, 200].map(|number| window.history.get(number).unwrap().discontinuity);
    assert!(first < second);
    assert_eq!(reader.segment("audio", 100).await.unwrap(), chunks(1, 100, 100));
}

#[test]
fn a_part_line_larger_than_an_extent_is_refused_alone() {
    let disk = Memory::default();
    let (store, mut writer, _) = open(&disk);
    push(&mut writer, 100, 40_000);
    until("100 is refused", || store.status().dropped == 1);
    assert!(store.status().last_failure.unwrap().reason.contains("over the limit"));
    push(&mut writer, 101, 100);
    until("101 is on disk", || acknowledged(&store) == Some(101));
}

#[test]
fn a_slow_reader_has_its_time_and_then_loses_its_extent() {
    let disk = Memory::default();
    let limits = Limits { lease: Duration::from_secs(3600), ..LIMITS };
    let store = Store::open_with(small(), Arc::new(disk.clone()), Box::new(disk), limits).unwrap();
    let (mut writer, reader) = store.stream("main", grid()).unwrap();
    writer.set_layout((*layout(1)).clone());
    push(&mut writer, 100, 10_000);
    until("100 is on disk", || acknowledged(&store) == Some(100));
    let lease = (0..8).find_map(|id| store.lease(id, 1)).unwrap();
    let mut number = 100;
    while reader.window().history.first().unwrap().number == 100 {
        number += 1;
        push(&mut writer, number, 10_000);
        until("it is on disk", || acknowledged(&store) == Some(number));
    }
    assert!(lease.holds() && store.status().extents.free == 0);
    // The writer needs the extent before the hour is over.
    while lease.holds() {
        number += 1;
        push(&mut writer, number, 10_000);
        until("it is on disk", || acknowledged(&store) == Some(number));
    }
    assert!(number < 120 && store.status().dropped == 0);
}

#[test]
fn a_catalogue_that_fails_is_opened_again_while_segments_keep_coming() {
    let disk = Memory::default();
    let (store, mut writer, _) = open(&disk);
    disk.set(Faults { index: true, ..FINE });
    push(&mut writer, 100, 100);
    until("100 is refused", || store.status().dropped == 1);
    push(&mut writer, 101, 100);
    until("101 is refused", || store.status().dropped == 2);
    assert!(store.status().failure.unwrap().reason.contains("no room"));
    disk.set(FINE);
    let mut number = 101;
    until("the catalogue is used again", || {
        acknowledged(&store) > Some(101) || {
            number += 1;
            push(&mut writer, number, 100);
            until("the committer has seen it", || store.status().queued == 0);
            false
        }
    });
    assert_eq!(store.status().failure, None);
}

#[test]
fn errors_say_how_to_take_them() {
    assert_eq!(Error::NotOpen.kind(), Kind::Unavailable);
    assert_eq!(Error::Gone(1).kind(), Kind::Gone);
    assert_eq!(Error::Stale { number: 1, last: 2 }.kind(), Kind::Invalid);
}
