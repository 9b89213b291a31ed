//! Fills a store with a long recording of tiny parts: the same keys, records and history as a real one has, without its
//! bytes. Its index lies in RAM meanwhile.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant, SystemTime},
};

use riser_store::{Disk, Recovery, Store};
use serde_json::{Value, json};

use crate::{
    Outcome,
    feed::{self, CHANNEL, Feed, TRACKS, config, durable, grid, layout},
    meter,
    swift::Swift,
};

/// Segments of an hour.
pub const HOUR: u64 = 2250;
/// Part lines that may wait: the committer's queue takes some more.
const QUEUE: usize = 400;
/// How long to leave the committer alone when so many wait.
const REST: Duration = Duration::from_millis(1);
/// Bytes of one part line of tiny parts on the disk.
const LINE: u64 = 4096;
/// Bytes of an extent that hold no part line: its two pages and the layout.
const OVERHEAD: u64 = 8192 + 16384;

/// The index of a store while it is filled: in RAM, where sled's flush waits for nothing.
struct Index {
    ram: tempfile::TempDir,
    link: PathBuf,
}

impl Index {
    fn new(dir: &Path) -> Outcome<Self> {
        let index = Self { ram: tempfile::tempdir_in("/dev/shm")?, link: dir.join("index") };
        fs::create_dir_all(dir)?;
        std::os::unix::fs::symlink(index.ram.path(), &index.link)?;
        Ok(index)
    }

    /// Takes it to the disk, as it would be found after `kill -9`.
    fn keep(self) -> Outcome<()> {
        fs::remove_file(&self.link)?;
        copy(self.ram.path(), &self.link)
    }
}

fn copy(from: &Path, to: &Path) -> Outcome<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let (entry, to) = entry.map(|entry| (entry.path(), to.join(entry.file_name())))?;
        if entry.is_dir() { copy(&entry, &to)? } else { _ = fs::copy(&entry, &to)? }
    }
    Ok(())
}

/// Fills a ring of just the room for so many segments until it begins to turn. The last is two hours old: there is time for
/// what is measured with it, so that a box that goes on with it is not behind it. The process ends without closing it, as
/// by `kill -9`.
pub fn fill(dir: &Path, extent: u64, segments: u64, parts: u32) -> Outcome<Value> {
    let begun = Instant::now();
    let per_extent = (extent - OVERHEAD) / LINE;
    let extents = (segments * u64::from(parts)).div_ceil(per_extent) + 1;
    let grid = grid(parts)?;
    let index = Index::new(dir)?;
    let disk = Swift::default();
    let store = Store::open(config(dir, extents, extent), Arc::new(disk.clone()))?;
    let (mut writer, reader) = store.stream(CHANNEL, grid)?;
    writer.set_layout(layout(&grid));
    let mut feed = Feed::new(grid);
    let newest = newest(&grid)? - 2 * HOUR;
    let first = newest - segments;
    let sizes = [parts as usize * 16; TRACKS];
    for number in first..=newest {
        feed.segment(&mut writer, number, &sizes)?;
        while store.status().queued > QUEUE {
            thread::sleep(REST);
        }
    }
    durable(&store, newest)?;
    let history = reader.window().history.len();
    disk.flush()?;
    index.keep()?;
    rustix::fs::syncfs(fs::File::open(dir)?)?;
    let measured = json!({
        "segments": history,
        "extents": store.status().extents.total,
        "free": store.status().extents.free,
        "seconds": begun.elapsed().as_secs_f64(),
        "resident": meter::resident()?.1,
        "index": meter::allocated(&dir.join("index"))?,
        "first": first,
        "last": newest,
    });
    std::mem::forget((writer, store));
    Ok(measured)
}

/// Gives a filled ring so many extents, the new ones without room on the disk: for a start all of them count.
pub fn widen(dir: &Path, extent: u64, extents: u64) -> Outcome<Value> {
    let store = Store::open(config(dir, extents, extent), Arc::new(Swift::default()))?;
    feed::provisioned(&store)?;
    compared(&store)?;
    let total = store.status().extents.total;
    store.close();
    rustix::fs::syncfs(fs::File::open(dir)?)?;
    Ok(json!({ "extents": total }))
}

/// The last segment that is over.
pub fn newest(grid: &media::Grid) -> Outcome<u64> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_nanos();
    Ok(grid.next_part(u64::try_from(now)?).segment - 2)
}

/// A store as `fill` left it: its number of extents is told by its files.
pub fn filled(dir: &Path, extent: u64) -> Outcome<Store> {
    let extents = fs::read_dir(dir.join("extents"))?.count() as u64;
    Ok(Store::open(config(dir, extents, extent), Arc::new(Disk))?)
}

/// Waits until the catalogue was compared with the extents, which agree.
pub fn compared(store: &Store) -> Outcome<()> {
    feed::until("a compared catalogue", || {
        matches!(store.status().recovery, Recovery::Clean | Recovery::Rebuilt { .. })
    })?;
    match store.status().recovery {
        Recovery::Clean => Ok(()),
        other => Err(format!("the catalogue lacked something: {other:?}").into()),
    }
}
