//! Damaged blocks of the disk: some extents cannot be read or written, the others can.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use super::{
    fixture::{chunks, config, grid, layout, push},
    memory::{Bad, Memory},
    ring::{acknowledged, settled, until},
};
use crate::{Config, Kind, Reader, Store, Writer, extent, shared::Limits};

const LEN: usize = 5000;
const LIMITS: Limits = Limits {
    queue: 64,
    queued_bytes: 1 << 20,
    patience: Duration::from_secs(5),
    retry: Duration::from_millis(20),
    lease: Duration::from_millis(100),
};

/// Eight extents of two segments each.
fn small() -> Config {
    Config {
        size: 8 << 16,
        extent: 1 << 16,
        live: Duration::from_millis(400),
        ..config(Path::new("/ring"), 0)
    }
}

fn open(disk: &Memory) -> (Store, Writer, Reader) {
    let store = Store::open_with(small(), Arc::new(disk.clone()), Box::new(disk.clone()), LIMITS).unwrap();
    let (mut writer, reader) = store.stream("main", grid()).unwrap();
    writer.set_layout((*layout(1)).clone());
    (store, writer, reader)
}

fn record(store: &Store, writer: &mut Writer, numbers: std::ops::Range<u64>) {
    for number in numbers {
        push(writer, number, LEN);
        until("it is on disk", || acknowledged(store) == Some(number));
    }
}

fn file(id: u32) -> PathBuf {
    extent::path(Path::new("/ring/extents"), id)
}

const DEAD: Bad = Bad { range: 0..u64::MAX, reads: true, writes: true };

#[tokio::test]
async fn an_extent_that_cannot_be_read_is_set_aside_and_the_rest_goes_on() {
    let disk = Memory::default();
    let (store, mut writer, _) = open(&disk);
    record(&store, &mut writer, 100..107);
    drop((writer, store));
    let (path, _) = disk.find(&chunks(0, 102, LEN)[0]).unwrap();
    disk.set_bad(&path, Some(DEAD));
    let (store, mut writer, reader) = open(&disk);
    settled(&store);
    until("the history is there", || reader.loaded());
    assert_eq!(store.status().extents.bad, 1);
    let listed: Vec<_> = reader.window().history.iter().map(|segment| segment.number).collect();
    assert!(
        listed.starts_with(&[100, 101]) && listed.ends_with(&[106]) && !listed.contains(&102),
        "{listed:?}"
    );
    record(&store, &mut writer, 110..140);
    assert_eq!((store.status().dropped, store.status().extents.bad), (0, 1));
    drop((writer, store));
    disk.set_bad(&path, None);
    let (store, mut writer, _) = open(&disk);
    record(&store, &mut writer, 140..150);
    assert_eq!(store.status().extents.bad, 0);
}

#[tokio::test]
async fn an_extent_that_cannot_be_written_costs_one_segment_and_not_the_recording() {
    let disk = Memory::default();
    let (store, mut writer, reader) = open(&disk);
    until("the ring is provisioned", || store.status().extents.provisioned == 8);
    record(&store, &mut writer, 100..101);
    let (path, _) = disk.find(&chunks(0, 100, LEN)[0]).unwrap();
    disk.set_bad(&path, Some(Bad { range: 0..u64::MAX, reads: false, writes: true }));
    push(&mut writer, 101, LEN);
    until("101 is refused", || store.status().dropped == 1);
    record(&store, &mut writer, 102..106);
    assert_eq!((store.status().dropped, store.status().failure), (1, None));
    assert_eq!(reader.segment("720p", 100).await.unwrap(), chunks(0, 100, LEN));
    record(&store, &mut writer, 106..140);
    assert_eq!((store.status().dropped, store.status().extents.bad), (1, 1));
}

#[test]
fn extents_that_fail_one_after_another_are_the_disk_and_none_is_blamed() {
    let disk = Memory::default();
    let (store, mut writer, _) = open(&disk);
    until("the ring is provisioned", || store.status().extents.provisioned == 8);
    record(&store, &mut writer, 100..101);
    let bad = Bad { range: 0..u64::MAX, reads: false, writes: true };
    (0..8).for_each(|id| disk.set_bad(&file(id), Some(bad.clone())));
    for number in 101..112 {
        push(&mut writer, number, LEN);
        until("it has been seen", || store.status().queued == 0);
    }
    assert_eq!(store.status().dropped, 11);
    (0..8).for_each(|id| disk.set_bad(&file(id), None));
    record(&store, &mut writer, 112..140);
    assert_eq!((store.status().dropped, store.status().extents.bad, store.status().failure), (11, 0, None));
}

#[tokio::test]
async fn the_slow_check_finds_what_rots_and_what_cannot_be_read() {
    let disk = Memory::default();
    let (store, mut writer, reader) = open(&disk);
    record(&store, &mut writer, 100..108);
    let (path, at) = disk.find(&chunks(1, 101, LEN)[1]).unwrap();
    disk.rot(&path, at + 100);
    let (path, at) = disk.find(&chunks(0, 104, LEN)[0]).unwrap();
    disk.set_bad(&path, Some(Bad { range: at as u64..at as u64 + 1, reads: true, writes: false }));
    until("both are found", || store.status().quarantined == 2);
    let gaps: Vec<_> = reader.window().history.iter().filter(|s| s.gap).map(|s| s.number).collect();
    assert_eq!(gaps, [101, 104]);
    assert_eq!(reader.segment("720p", 101).await.unwrap_err().kind(), Kind::Corrupt);
    until("a round is done", || store.status().scrubbed.finished.is_some());
    drop((writer, store));
    let (store, _writer, reader) = open(&disk);
    settled(&store);
    until("the history is there", || reader.loaded());
    let gaps: Vec<_> = reader.window().history.iter().filter(|s| s.gap).map(|s| s.number).collect();
    assert_eq!((gaps, store.status().quarantined), (vec![101, 104], 2));
}
