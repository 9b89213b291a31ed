//! Our store at full speed: turnovers of a small ring, with two reads of random segments in every tick.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use riser_store::{Disk, Kind, Reader, Store};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use crate::{
    Outcome,
    feed::{self, Feed, TRACKS, config, durable, grid, layout},
    meter,
};

pub const EXTENT: u64 = 64 << 20;
pub const EXTENTS: u64 = 6;
const TURNOVERS: u64 = 20;
/// Part lines under way at the most: what is in RAM beside the window of one segment.
const QUEUE: usize = 24;

pub fn measure(dir: &Path) -> Outcome<Value> {
    let store = Store::open(config(dir, EXTENTS, EXTENT), Arc::new(Disk))?;
    feed::provisioned(&store)?;
    let grid = grid(8)?;
    let (mut writer, reader) = store.stream(feed::CHANNEL, grid)?;
    writer.set_layout(layout(&grid));
    let mut feed = Feed::new(grid);
    let mut reads = Reads::new(reader)?;
    let (extents, mut disk) = (dir.join("extents"), Vec::new());
    let ring = meter::allocated(&extents)?;
    let (before, begun) = (meter::written()?, Instant::now());
    let (mut payload, mut number, mut turned) = (0, 1_000_000_000, 0);
    while payload < TURNOVERS * EXTENTS * EXTENT {
        number += 1;
        let sizes: Vec<usize> = (0..TRACKS).map(|_| feed.size() / 8 * 8).collect();
        feed.segment(&mut writer, number, &sizes)?;
        payload += sizes.iter().sum::<usize>() as u64;
        (0..2).try_for_each(|_| reads.read(&mut feed))?;
        feed::until("room in the queue", || store.status().queued <= QUEUE)?;
        if payload / (EXTENTS * EXTENT) > turned {
            turned += 1;
            disk.push(meter::allocated(dir)?);
        }
    }
    durable(&store, number)?;
    let (seconds, status) = (begun.elapsed().as_secs_f64(), store.status());
    Ok(json!({
        "payload": payload,
        "seconds": seconds,
        "written": meter::written()? - before,
        "disk": disk,
        "ring": { "asked": status.size, "before": ring, "after": meter::allocated(&extents)? },
        "live": status.streams[0].segments,
        "resident": meter::resident()?.1,
        "dropped": status.dropped,
        "read": meter::spread(&mut reads.times),
        "gone": reads.gone,
        "bad": reads.bad,
    }))
}

/// Reads of whole segments.
struct Reads {
    runtime: Runtime,
    reader: Reader,
    times: Vec<Duration>,
    gone: u32,
    bad: u32,
}

impl Reads {
    fn new(reader: Reader) -> Outcome<Self> {
        let runtime = Builder::new_current_thread().enable_time().build()?;
        Ok(Self { runtime, reader, times: Vec::new(), gone: 0, bad: 0 })
    }

    /// Reads a random segment of a random track that lies on the disk.
    fn read(&mut self, feed: &mut Feed) -> Outcome<()> {
        let window = self.reader.window();
        let Some((first, last)) = window.history.first().zip(window.history.last()) else { return Ok(()) };
        let number = first.number + feed.below((last.number - first.number).saturating_sub(15));
        let layout = window.layout().ok_or("no layout")?;
        let track = &layout.tracks[feed.below(TRACKS as u64) as usize].name;
        let begun = Instant::now();
        match self.runtime.block_on(self.reader.segment(track, number)) {
            Ok(_) => self.times.push(begun.elapsed()),
            Err(error) if error.kind() == Kind::Gone => self.gone += 1,
            Err(error) => {
                eprintln!("segment {number}: {error}");
                self.bad += 1;
            }
        }
        Ok(())
    }
}
