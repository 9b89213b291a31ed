//! What pins keep while the ring turns over them, and what is read of it.

use std::{path::Path, sync::Arc, time::Duration};

use super::{
    fixture::{chunks, config, grid, layout, push},
    memory::Memory,
    ring::{acknowledged, until},
};
use crate::{Config, Kind, Pin, Reader, Store, Writer, shared::Limits};

const LEN: usize = 5000;
const LIMITS: Limits = Limits {
    queue: 64,
    queued_bytes: 1 << 20,
    patience: Duration::from_secs(5),
    retry: Duration::from_millis(20),
    lease: Duration::from_millis(100),
};

/// Twelve extents of two segments each, a window of ten segments.
fn small(pins: Vec<Pin>) -> Config {
    Config {
        size: 12 << 16,
        extent: 1 << 16,
        window: Duration::from_secs(4),
        live: Duration::from_millis(400),
        reserve: 4 << 16,
        pins,
        ..config(Path::new("/ring"), 0)
    }
}

fn open(disk: &Memory, pins: Vec<Pin>) -> (Store, Writer, Reader) {
    let store =
        Store::open_with(small(pins), Arc::new(disk.clone()), Box::new(disk.clone()), LIMITS).unwrap();
    let (mut writer, reader) = store.stream("main", grid()).unwrap();
    writer.set_layout((*layout(1)).clone());
    (store, writer, reader)
}

fn pin(id: &str, from: u64, to: Option<u64>) -> Pin {
    Pin { id: id.into(), channel: "main".into(), grid: grid(), from, to, window: None, quota: None }
}

fn record(store: &Store, writer: &mut Writer, numbers: std::ops::Range<u64>) {
    for number in numbers {
        push(writer, number, LEN);
        until("it is on disk", || acknowledged(store) == Some(number));
    }
}

fn numbers(reader: &Reader) -> Vec<u64> {
    reader.window().history.iter().filter(|segment| !segment.gap).map(|segment| segment.number).collect()
}

#[tokio::test]
async fn a_finished_pin_outlives_many_turns_and_its_channel() {
    let disk = Memory::default();
    let (store, mut writer, _) = open(&disk, vec![pin("asset", 103, Some(107))]);
    record(&store, &mut writer, 100..180);
    drop((writer, store));
    let pins = vec![pin("asset", 103, Some(107))];
    let store = Store::open_with(small(pins), Arc::new(disk.clone()), Box::new(disk), LIMITS).unwrap();
    assert_eq!(store.known(), [("main".to_owned(), grid())]);
    let recording = store.recording("main", grid());
    until("the catalogue is open", || store.status().recovery != crate::Recovery::Starting);
    let window = recording.window(103, 107).await.unwrap();
    let listed: Vec<_> = window.history.iter().map(|segment| segment.number).collect();
    assert_eq!((listed, window.ended, window.edge.len()), (vec![103, 104, 105, 106, 107], true, 0));
    assert_eq!(window.layouts.len(), 1);
    for number in 103..=107 {
        assert_eq!(recording.segment(&window, "audio", number).await.unwrap(), chunks(1, number, LEN));
        let heads = recording.heads(&window, "720p", number, 100).await.unwrap();
        let expected = chunks(0, number, LEN).into_iter().map(|chunk| (chunk.slice(..100), LEN as u32));
        assert_eq!(heads, expected.collect::<Vec<_>>());
    }
    let (first, last) = recording.kept().unwrap();
    assert!((102..=103).contains(&first) && last == 179, "{first} {last}");
    let status = &store.status().pins[0];
    assert_eq!((status.lost, status.first), (0, Some(103)));
    let empty = store.recording("nobody", grid());
    assert!(empty.kept().is_none() && empty.window(0, 9).await.unwrap().history.is_empty());
}

#[tokio::test]
async fn an_open_pin_keeps_the_stream_listed_beyond_its_window_also_after_a_restart() {
    let disk = Memory::default();
    let (store, mut writer, reader) = open(&disk, Vec::new());
    record(&store, &mut writer, 100..102);
    store.set_pins(vec![pin("program", 101, None)]);
    record(&store, &mut writer, 102..114);
    assert_eq!(numbers(&reader), (101..114).collect::<Vec<_>>());
    drop((writer, store));
    let (store, mut writer, reader) = open(&disk, vec![pin("program", 101, None)]);
    record(&store, &mut writer, 114..116);
    reader.whole().await;
    assert_eq!(numbers(&reader), (101..116).collect::<Vec<_>>());
    store.set_pins(Vec::new());
    record(&store, &mut writer, 116..117);
    assert_eq!(numbers(&reader), (106..117).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_pin_with_a_window_moves_with_the_edge() {
    let disk = Memory::default();
    // 2 s are 5 segments.
    let moving = Pin { window: Some(Duration::from_secs(2)), ..pin("program", 100, None) };
    let (store, mut writer, _) = open(&disk, vec![moving]);
    record(&store, &mut writer, 100..160);
    let status = store.status();
    assert_eq!((status.pins[0].from, status.pins[0].first, status.pins[0].lost), (154, Some(154), 0));
    assert!(status.pinned <= 5 << 16, "{}", status.pinned);
    assert_eq!(status.dropped, 0);
}

#[tokio::test]
async fn short_of_room_the_largest_recording_gives_up_its_oldest_and_the_reserve_stays() {
    let disk = Memory::default();
    let (store, mut writer, reader) = open(&disk, Vec::new());
    store.set_pins(vec![pin("asset", 100, Some(103)), pin("long", 100, None), pin("short", 108, None)]);
    record(&store, &mut writer, 100..150);
    let status = store.status();
    assert_eq!((status.dropped, status.failure.clone()), (0, None));
    // What is not the reserve: 8 extents.
    assert!(status.pinned <= 8 << 16, "{}", status.pinned);
    let by = |id: &str| status.pins.iter().find(|pin| pin.id == id).unwrap().clone();
    assert_eq!((by("asset").lost, by("asset").first), (0, Some(100)));
    // What others keep stays its own.
    assert!(by("long").lost > 10 && by("long").from == 100, "{:?}", by("long"));
    let recording = store.recording("main", grid());
    let window = recording.window(0, u64::MAX).await.unwrap();
    let kept: Vec<_> = window.history.iter().filter(|s| !s.gap).map(|s| s.number).collect();
    assert!(kept.starts_with(&[100, 101, 102, 103]) && kept.ends_with(&[148, 149]), "{kept:?}");
    assert!(kept.len() > 16, "surrendered extents go only when their turn comes: {kept:?}");
    for number in kept {
        assert_eq!(recording.segment(&window, "720p", number).await.unwrap(), chunks(0, number, LEN));
    }
    let gone = reader.segment("720p", 110).await.unwrap_err().kind();
    assert!(matches!(gone, Kind::Gone | Kind::Corrupt), "{gone:?}");
}

#[test]
fn who_is_over_quota_gives_up_first() {
    let disk = Memory::default();
    let (store, mut writer, _) = open(&disk, Vec::new());
    let (mut back, _) = store.stream("back", grid()).unwrap();
    back.set_layout((*layout(1)).clone());
    record(&store, &mut writer, 100..104);
    let small = Pin { quota: Some(60_000), ..pin("small", 100, None) };
    let large = Pin { channel: "back".into(), ..pin("large", 100, None) };
    store.set_pins(vec![small, large]);
    let second = |store: &Store| store.status().streams[1].acknowledged;
    for number in 100..120 {
        push(&mut back, number, LEN);
        until("it is on disk", || second(&store) == Some(number));
    }
    record(&store, &mut writer, 104..108);
    let status = store.status();
    assert!(status.pins[0].from > 103 && status.pins[0].from < 108, "{:?}", status.pins);
    assert_eq!(status.dropped, 0);
}

#[test]
fn where_all_is_kept_the_recording_is_refused_and_goes_on_once_there_is_room() {
    let disk = Memory::default();
    let (store, mut writer, reader) = open(&disk, Vec::new());
    let mut number = 100;
    // Finished pins over everything, whatever the reserve says.
    until("there is no room", || {
        store.set_pins(vec![pin("all", 100, Some(number))]);
        push(&mut writer, number, LEN);
        until("it has been seen", || store.status().queued == 0);
        number += 1;
        store.status().dropped > 0
    });
    assert!(store.status().failure.unwrap().reason.contains("no room for new segments"));
    assert_eq!(reader.window().history.last().unwrap().number, number - 1, "live goes on");
    assert_eq!(store.status().pins[0].lost, 0);
    store.set_pins(Vec::new());
    record(&store, &mut writer, number..number + 30);
    assert_eq!(store.status().failure, None);
}

#[tokio::test]
async fn what_goes_in_the_midst_of_a_window_is_a_gap_there_and_no_more() {
    let disk = Memory::default();
    let config = Config { window: Duration::from_secs(3600), ..small(vec![pin("asset", 100, Some(101))]) };
    let store = Store::open_with(config, Arc::new(disk.clone()), Box::new(disk), LIMITS).unwrap();
    let (mut writer, reader) = store.stream("main", grid()).unwrap();
    writer.set_layout((*layout(1)).clone());
    record(&store, &mut writer, 100..140);
    let listed = numbers(&reader);
    assert!(listed.starts_with(&[100, 101]) && listed.ends_with(&[138, 139]), "{listed:?}");
    for number in &listed {
        assert_eq!(reader.segment("audio", *number).await.unwrap(), chunks(1, *number, LEN), "{number}");
    }
    assert!(reader.window().history.get(110).unwrap().gap && listed.len() > 14, "{listed:?}");
    store.set_pins(Vec::new());
    record(&store, &mut writer, 140..160);
    assert!(
        reader.window().history.first().unwrap().number > 130,
        "leading gaps go with what was before them"
    );
}
