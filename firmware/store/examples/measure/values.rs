//! The baseline: segments as values of sled 0.34.7, the oldest deleted, one flush per tick. Its flush does not fsync: what
//! it acknowledges, a power cut can take, unless its log and the files it puts large values in are synced here.

use std::{
    collections::{HashSet, VecDeque},
    ffi::OsString,
    fs,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    Outcome,
    feed::{Feed, TRACKS, grid},
    meter,
    ring::{EXTENT, EXTENTS},
};

/// What is kept: the same window as the ring's, less the extent that is being freed.
const KEPT: u64 = (EXTENTS - 1) * EXTENT;
const TURNOVERS: u64 = 20;

pub fn measure(dir: &Path, seconds: u64, durable: bool) -> Outcome<Value> {
    let db = sled::Config::new()
        .path(dir)
        .cache_capacity(32 << 20)
        .flush_every_ms(None)
        .mode(sled::Mode::HighThroughput)
        .open()?;
    let mut feed = Feed::new(grid(8)?);
    let (mut payload, mut next, mut oldest, mut kept) = (0, 0_u64, 0_u64, VecDeque::new());
    let (mut live, mut turned, mut disk, mut reads) = (0, 0, Vec::new(), Vec::new());
    let mut files = Files::default();
    let (before, begun) = (meter::written()?, Instant::now());
    while payload < TURNOVERS * KEPT && begun.elapsed() < Duration::from_secs(seconds) {
        for _ in 0..TRACKS {
            let segment = feed.any();
            let size = segment.len() as u64;
            db.insert(next.to_be_bytes(), &*segment)?;
            (next, live, payload) = (next + 1, live + size, payload + size);
            kept.push_back(size);
        }
        while live > KEPT
            && let Some(size) = kept.pop_front()
        {
            db.remove(oldest.to_be_bytes())?;
            (oldest, live) = (oldest + 1, live - size);
        }
        db.flush()?;
        if durable {
            files.sync(dir)?;
        }
        for _ in 0..2 {
            let key = oldest + feed.below(next - oldest);
            let read = Instant::now();
            db.get(key.to_be_bytes())?.ok_or("a value is missing")?;
            reads.push(read.elapsed());
        }
        if payload / KEPT > turned {
            turned += 1;
            disk.push(meter::allocated(dir)?);
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    disk.push(meter::allocated(dir)?);
    Ok(json!({
        "payload": payload,
        "turnovers": payload as f64 / KEPT as f64,
        "seconds": seconds,
        "written": meter::written()? - before,
        "disk": disk,
        "live": live,
        "resident": meter::resident()?.1,
        "read": meter::spread(&mut reads),
    }))
}

/// sled's files of large values: each is written once.
#[derive(Default)]
struct Files {
    synced: HashSet<OsString>,
}

impl Files {
    /// Syncs the log and every file that is new.
    fn sync(&mut self, dir: &Path) -> Outcome<()> {
        let mut found = HashSet::new();
        for entry in fs::read_dir(dir.join("blobs"))?.flatten() {
            // One that is gone by now held what was deleted.
            if !self.synced.contains(&entry.file_name())
                && let Ok(file) = fs::File::open(entry.path())
            {
                file.sync_data()?;
            }
            found.insert(entry.file_name());
        }
        self.synced = found;
        fs::File::open(dir.join("blobs"))?.sync_all()?;
        Ok(fs::File::open(dir.join("db"))?.sync_data()?)
    }
}
