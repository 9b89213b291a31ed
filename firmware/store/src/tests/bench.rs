//! Numbers that comments name. Run with `--ignored --nocapture`.

use std::{sync::Arc, time::Instant};

use super::{
    fixture::{config, grid, layout, part, push},
    ring::{acknowledged, until},
};
use crate::{Config, Disk, Store};

const EXTENTS: u32 = 14_000;

/// The price of a durable part line: a line of 300 KB with nothing behind it, until fdatasync has returned.
#[test]
#[ignore = "measures the disk"]
fn a_durable_part_line() {
    let dir = tempfile::tempdir_in(".").unwrap();
    let config = Config { size: 8 << 26, extent: 1 << 26, ..config(dir.path(), 0) };
    let store = Store::open(config, Arc::new(Disk)).unwrap();
    until("the ring is provisioned", || store.status().extents.provisioned == 8);
    let (mut writer, _) = store.stream("main", grid()).unwrap();
    writer.set_layout((*layout(1)).clone());
    let mut times = Vec::new();
    for number in 100..300 {
        let begin = Instant::now();
        (0..2).for_each(|track| writer.push_part(part(track, number, 0, 150_000)).unwrap());
        until("it is durable", || store.status().queued == 0 && store.unsynced() == 0);
        times.push(begin.elapsed());
        (0..2).for_each(|track| writer.close_segment(track, number));
        until("it is on disk", || acknowledged(&store) == Some(number));
    }
    times.sort();
    println!("durable part line of 300 KB: p50 {:?}, p99 {:?}", times[100], times[198]);
}

/// Opening a ring of 14,000 extents, all written (small ones here: their number counts).
#[test]
#[ignore = "writes 1 GB"]
fn opening_a_week() {
    let dir = tempfile::tempdir_in(".").unwrap();
    let config = Config { size: u64::from(EXTENTS) << 16, extent: 1 << 16, ..config(dir.path(), 0) };
    let store = Store::open(config.clone(), Arc::new(Disk)).unwrap();
    let (mut writer, _) = store.stream("main", grid()).unwrap();
    writer.set_layout((*layout(1)).clone());
    let mut last = 0;
    for number in 1..=EXTENTS as u64 * 2 {
        push(&mut writer, number, 5000);
        if number % 64 == 0 {
            while acknowledged(&store) != Some(number) {
                std::thread::yield_now();
            }
        }
        last = number;
    }
    while acknowledged(&store) != Some(last) {
        std::thread::yield_now();
    }
    drop((writer, store));
    let begin = Instant::now();
    let store = Store::open(config, Arc::new(Disk)).unwrap();
    let (_writer, reader) = store.stream("main", grid()).unwrap();
    let opened = begin.elapsed();
    until("the history is there", || reader.loaded());
    println!(
        "{EXTENTS} extents: open in {opened:?}, history of {} after {:?}",
        reader.window().history.len(),
        begin.elapsed()
    );
}
