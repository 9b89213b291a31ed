//! The disk's own limit: the same bytes into the same files, written once before, with one fdatasync per tick.

use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
    path::Path,
    time::Instant,
};

use serde_json::{Value, json};

use crate::{
    Outcome,
    feed::{Feed, TRACKS, grid},
    meter,
    ring::{EXTENT, EXTENTS},
};

const TURNOVERS: u64 = 8;

pub fn measure(dir: &Path) -> Outcome<Value> {
    let files = prepared(dir)?;
    let mut feed = Feed::new(grid(8)?);
    let (mut payload, mut at, mut nth) = (0, 0, 0);
    let (before, mut ticks, begun) = (meter::written()?, Vec::new(), Instant::now());
    while payload < TURNOVERS * EXTENTS * EXTENT {
        let segments: Vec<_> = (0..TRACKS).map(|_| feed.any()).collect();
        let tick = Instant::now();
        let len: u64 = segments.iter().map(|segment| segment.len() as u64).sum();
        if at + len > EXTENT {
            (at, nth) = (0, (nth + 1) % files.len());
        }
        for segment in &segments {
            files[nth].write_all_at(segment, at)?;
            at += segment.len() as u64;
        }
        files[nth].sync_data()?;
        ticks.push(tick.elapsed());
        payload += len;
    }
    let seconds = begun.elapsed().as_secs_f64();
    Ok(json!({
        "payload": payload,
        "seconds": seconds,
        "written": meter::written()? - before,
        "disk": [meter::allocated(dir)?],
        "resident": meter::resident()?.1,
        "tick": meter::spread(&mut ticks),
    }))
}

fn prepared(dir: &Path) -> Outcome<Vec<File>> {
    fs::create_dir_all(dir)?;
    let zeros = vec![0; 1 << 20];
    let file = |nth: u64| {
        let file = File::create(dir.join(format!("{nth}")))?;
        for at in (0..EXTENT).step_by(zeros.len()) {
            file.write_all_at(&zeros, at)?;
        }
        file.sync_all()?;
        Ok(file)
    };
    (0..EXTENTS).map(file).collect()
}
