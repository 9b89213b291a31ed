//! Power cuts at random points of a ring that turns over several times, with two controls that must fail.

use std::{path::Path, sync::Arc, time::Duration};

use super::{
    fixture::{chunks, config, grid, layout, push},
    memory::{Faults, Memory, Random},
    ring::{settled, until},
};
use crate::{Config, Store, shared::Limits};

const LIMITS: Limits = Limits {
    queue: 1024,
    patience: Duration::from_secs(5),
    retry: Duration::from_secs(3600),
    lease: Duration::from_secs(10),
};
const SEGMENTS: u64 = 24;
const LEN: usize = 5000;

/// Five extents; a segment takes 24 KiB of their 56.
fn small() -> Config {
    Config {
        size: 5 << 16,
        extent: 1 << 16,
        live: Duration::from_millis(400),
        ..config(Path::new("/ring"), 0)
    }
}

fn open(disk: &Memory) -> Store {
    Store::open_with(small(), Arc::new(disk.clone()), Box::new(disk.clone()), LIMITS).unwrap()
}

/// Records until the power goes; the segments that were acknowledged and not expired by then.
fn record(disk: &Memory) -> std::ops::RangeInclusive<u64> {
    let store = open(disk);
    let (mut writer, reader) = store.stream("main", grid()).unwrap();
    writer.set_layout((*layout(1)).clone());
    for number in 100..100 + SEGMENTS {
        push(&mut writer, number, LEN);
        if number % 8 == 0 {
            writer.discontinue();
        }
    }
    drop(writer);
    until("the committer is through", || store.status().queued == 0);
    let acknowledged = store.status().streams[0].acknowledged.unwrap_or(99);
    let oldest = reader.window().history.first().map_or(100, |segment| segment.number);
    store.close();
    oldest..=acknowledged
}

/// Segments of `kept` that the store does not give back, or gives back wrong.
fn lost(disk: &Memory, kept: std::ops::RangeInclusive<u64>, runtime: &tokio::runtime::Runtime) -> Vec<u64> {
    let store = open(disk);
    let (mut writer, reader) = store.stream("main", grid()).unwrap();
    settled(&store);
    until("the history is loaded", || reader.loaded());
    let window = reader.window();
    let mut lost: Vec<u64> = kept.filter(|&number| window.history.get(number).is_none()).collect();
    for segment in window.history.iter() {
        for (index, track) in ["720p", "audio"].into_iter().enumerate() {
            // What was not acknowledged may be there as far as it came, but never with wrong bytes.
            match runtime.block_on(reader.segment(track, segment.number)) {
                Ok(read) if chunks(index, segment.number, LEN).starts_with(&read) => {}
                _ => lost.push(segment.number),
            }
        }
    }
    // And it goes on.
    writer.set_layout((*layout(1)).clone());
    push(&mut writer, 200, LEN);
    until("it records again", || store.status().streams[0].acknowledged == Some(200));
    lost
}

fn cuts(count: u64, faults: Faults) -> Vec<(u64, Vec<u64>)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let whole = Memory::default();
    let kept = record(&whole);
    assert!(*kept.start() > 105 && *kept.end() == 99 + SEGMENTS, "the ring turns over: {kept:?}");
    let operations = whole.operations();
    let mut random = Random(7);
    let mut failed = Vec::new();
    for seed in 0..count {
        let disk = Memory::default();
        let power = Some(1 + random.below(operations));
        disk.set(Faults { power, ..faults });
        let kept = record(&disk);
        let lost = lost(&disk.after_power_cut(seed), kept, &runtime);
        if !lost.is_empty() {
            failed.push((seed, lost));
        }
    }
    failed
}

#[test]
fn nothing_acknowledged_is_lost_in_three_hundred_power_cuts() {
    assert_eq!(cuts(300, Faults::default()), []);
}

#[test]
fn the_control_without_fdatasync_of_the_payload_fails() {
    let failed = cuts(60, Faults { lying: true, ..Faults::default() });
    assert!(failed.len() > 10, "{}", failed.len());
}

#[test]
fn the_control_without_the_delete_barrier_fails() {
    let failed = cuts(200, Faults { forgetful: true, ..Faults::default() });
    assert!(failed.len() > 3, "{}", failed.len());
}
