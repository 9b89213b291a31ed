//! What a program waits for: its first segment, and its last one on the disk.

use std::time::Duration;

use media::{Grid, Window};
use store::{Reader, Recording};
use tokio::time::Instant;

/// A running channel has something to show within this.
const FIRST: Duration = Duration::from_secs(30);
/// The disk has this long to take the last segment.
const LAST: Duration = Duration::from_secs(15);

/// Ticks per second in which an instant in nanoseconds is a decode time.
const NANOSECONDS: u32 = 1_000_000_000;

/// What came of a wait.
pub enum Note {
    /// A program's first segment is there.
    Began { program: String, grid: Grid, first: u64 },
    /// It does not come.
    NotBegun { program: String, reason: String },
    /// A program's last segment is recorded, as far as the disk takes anything; none where nobody knows what it has.
    Ended { program: String, last: Option<u64> },
    /// A channel's new stream has its first segment.
    Changed { channel: String, grid: Grid, first: u64 },
}

/// Waits for the segment that is being made.
pub async fn begin(program: String, grid: Grid, reader: Reader) -> Note {
    let window = reader.wait(Instant::now() + FIRST, |window| open(window).is_some()).await;
    match open(&window) {
        Some(first) => Note::Began { program, grid, first },
        None => Note::NotBegun { program, reason: "the channel has given nothing to record".to_owned() },
    }
}

/// Waits until segment `last` is closed and acknowledged by the disk.
pub async fn end(program: String, first: u64, last: u64, reader: Reader, recording: Recording) -> Note {
    let done = |window: &Window| {
        let begun =
            window.edge.iter().flat_map(|edge| edge.iter()).any(|open| open.number <= last && !open.closed);
        (!begun || window.ended) && recording.is_recorded(last)
    };
    let window = reader.wait(Instant::now() + LAST, done).await;
    let shown = window.history.slice(first, last).last().map(|segment| segment.number);
    let kept = recording.kept().map(|(_, newest)| newest.min(last)).filter(|newest| *newest >= first);
    Note::Ended { program, last: shown.max(kept) }
}

/// Waits for the first segment of another stream; it is `now`, in nanoseconds since the epoch.
pub async fn changed(channel: String, grid: Grid, reader: Reader, now: u64) -> Note {
    let window = reader.wait(Instant::now() + FIRST, |window| open(window).is_some()).await;
    // Where nothing comes in time, what comes later is the program's all the same.
    let first = open(&window).unwrap_or_else(|| grid.position(now, NANOSECONDS).segment);
    Note::Changed { channel, grid, first }
}

/// The segment that is being made on the track that is furthest behind.
fn open(window: &Window) -> Option<u64> {
    let last = window.edge.iter().map(|edge| edge.last());
    last.map(|last| last.map(|last| last.number + u64::from(last.closed))).min().flatten()
}

/// The newest segment of which anything is there.
pub fn newest(window: &Window) -> Option<u64> {
    let edge = window.edge.iter().filter_map(|edge| edge.last()).map(|last| last.number);
    edge.max().or_else(|| window.history.last().map(|segment| segment.number))
}
