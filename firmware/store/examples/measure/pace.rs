//! The price of one segment tick at live pace: its last part line pushed until it is acknowledged.

use std::{path::Path, sync::Arc, time::Instant};

use riser_store::{Disk, Store};
use serde_json::{Value, json};

use crate::{
    Outcome,
    feed::{self, CHANNEL, Feed, TRACKS, config, durable, grid, layout, provisioned},
    meter,
    ring::{EXTENT, EXTENTS},
};

const TICKS: u64 = 300;
/// Bytes of a segment on all tracks at 12 Mbit/s, and where only the catalogue costs.
const SIZES: [(&str, usize); 2] = [("2.4 MB", 2_400_000), ("320 B", 320)];

pub fn measure(dir: &Path) -> Outcome<Value> {
    let store = Store::open(config(dir, EXTENTS, EXTENT), Arc::new(Disk))?;
    provisioned(&store)?;
    let grid = grid(8)?;
    let (mut writer, _reader) = store.stream(CHANNEL, grid)?;
    writer.set_layout(layout(&grid));
    let (mut feed, mut number, last) = (Feed::new(grid), 1_000_000_000, grid.parts_per_segment - 1);
    let mut measured = serde_json::Map::new();
    for (name, size) in SIZES {
        let sizes = [size / TRACKS; TRACKS];
        let (before, mut ticks) = (meter::written()?, Vec::new());
        for _ in 0..TICKS {
            number += 1;
            feed.push(&mut writer, number, &sizes, 0, last)?;
            feed::until("durable part lines", || {
                let status = store.status();
                status.queued == 0 && status.unsynced == 0
            })?;
            let tick = Instant::now();
            feed.push(&mut writer, number, &sizes, last, last + 1)?;
            durable(&store, number)?;
            ticks.push(tick.elapsed());
        }
        let written = (meter::written()? - before) / TICKS;
        measured.insert(name.into(), json!({ "tick": meter::spread(&mut ticks), "written": written }));
    }
    Ok(measured.into())
}
