//! What a measurement reads of its own process and of the disk.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::fs::{Advice, fadvise};
use serde_json::{Value, json};

use crate::Outcome;

/// Bytes that this process made the disk write so far: pages dirtied, less those that were dropped before (proc(5)).
pub fn written() -> Outcome<u64> {
    let text = fs::read_to_string("/proc/self/io")?;
    let field = |name: &str| line(&text, name).ok_or("no write counts in /proc/self/io");
    Ok(field("write_bytes:")? - field("cancelled_write_bytes:")?)
}

/// Resident bytes of this process: now and at the most.
pub fn resident() -> Outcome<(u64, u64)> {
    let text = fs::read_to_string("/proc/self/status")?;
    let field = |name: &str| line(&text, name).map(|kib| kib << 10).ok_or("no VmRSS in /proc/self/status");
    Ok((field("VmRSS:")?, field("VmHWM:")?))
}

fn line(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

/// Bytes allocated on the disk below `dir`.
pub fn allocated(dir: &Path) -> Outcome<u64> {
    Ok(files(dir)?.iter().filter_map(|path| fs::metadata(path).ok()).map(|meta| meta.blocks() * 512).sum())
}

/// Drops the files below `dir` from the page cache, as far as they are on the disk.
pub fn cool(dir: &Path) -> Outcome<()> {
    for path in files(dir)? {
        fadvise(fs::File::open(path)?, 0, None, Advice::DontNeed)?;
    }
    Ok(())
}

fn files(dir: &Path) -> Outcome<Vec<PathBuf>> {
    let mut files = Vec::new();
    // A file may go while this looks: sled renames its snapshots.
    for entry in fs::read_dir(dir)?.flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => files.extend(self::files(&entry.path())?),
            Ok(_) => files.push(entry.path()),
            Err(_) => {}
        }
    }
    Ok(files)
}

/// Durations in microseconds: median, 99th percentile, longest.
pub fn spread(times: &mut [Duration]) -> Value {
    times.sort_unstable();
    let at = |share: usize| {
        let rank = (times.len() * share).div_ceil(100).max(1) - 1;
        times.get(rank).map(|time| micros(*time))
    };
    json!({ "p50": at(50), "p99": at(99), "max": at(100), "count": times.len() })
}

/// Microseconds with a fraction.
pub fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
