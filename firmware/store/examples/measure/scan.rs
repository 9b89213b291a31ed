//! Reading four hours of the catalogue of a long recording, from the disk and again from RAM.

use std::{path::Path, time::Instant};

use riser_store::Recording;
use serde_json::{Value, json};
use tokio::runtime::Builder;

use crate::{
    Outcome,
    feed::{CHANNEL, Feed, grid},
    fill::{HOUR, compared, filled},
    meter,
};

const HOURS: u64 = 4 * HOUR;
const SCANS: usize = 9;

pub fn measure(dir: &Path, extent: u64) -> Outcome<Value> {
    meter::cool(dir)?;
    let begun = Instant::now();
    let store = filled(dir, extent)?;
    let opened = begun.elapsed();
    compared(&store)?;
    let checked = begun.elapsed();
    let grid = grid(8)?;
    let recording = store.recording(CHANNEL, grid);
    let (first, last) = recording.kept().ok_or("nothing is kept")?;
    let mut feed = Feed::new(grid);
    let (mut cold, mut warm) = (Vec::new(), Vec::new());
    for _ in 0..SCANS {
        let from = first + feed.below(last - first - HOURS);
        // sled's own cache holds the end of the last scan, the page cache nothing.
        meter::cool(&dir.join("index"))?;
        cold.push(window(&recording, from)?);
        warm.push(window(&recording, from)?);
    }
    Ok(json!({
        "segments": last - first + 1,
        "opened": meter::micros(opened),
        "checked": meter::micros(checked),
        "cold": meter::spread(&mut cold),
        "warm": meter::spread(&mut warm),
        "resident": meter::resident()?.1,
        "index": meter::allocated(&dir.join("index"))?,
    }))
}

fn window(recording: &Recording, from: u64) -> Outcome<std::time::Duration> {
    let runtime = Builder::new_current_thread().build()?;
    let begun = Instant::now();
    let window = runtime.block_on(recording.window(from, from + HOURS - 1))?;
    let elapsed = begun.elapsed();
    match window.history.len() as u64 {
        HOURS => Ok(elapsed),
        other => Err(format!("{other} segments were listed instead of {HOURS}").into()),
    }
}
