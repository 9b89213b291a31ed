//! What a program waits for: its first segment, and its last one on the disk.

use std::time::Duration;

use media::{Grid, Window};
use store::{Reader, Recording};
use tokio::time::Instant;

/// A running channel has something to show within this.
const FIRST: Duration = Duration::from_secs(30);
/// The disk has this long to take the last segment.
const LAST: Duration = Duration::from_secs(15);

/// What came of a wait.
pub enum Note {
    /// A program's first segment is there.
    Began { program: String, grid: Grid, first: u64 },
    /// It does not come.
    NotBegun { program: String, reason: String },
    /// A program's last segment is recorded, as far as the disk takes anything.
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

/// Waits until segment `last` is closed and on the disk.
pub async fn end(program: String, first: u64, last: u64, reader: Reader, recording: Recording) -> Note {
    let recorded = || recording.kept().map(|(_, newest)| newest);
    let done = |window: &Window| {
        let closed = window.history.last().is_some_and(|segment| segment.number >= last) || window.ended;
        closed && recorded().is_some_and(|newest| newest >= last)
    };
    let window = reader.wait(Instant::now() + LAST, done).await;
    let newest = window.history.slice(first, last).last().map(|segment| segment.number);
    Note::Ended { program, last: newest }
}

/// Waits for the first segment of another stream.
pub async fn changed(channel: String, grid: Grid, reader: Reader) -> Note {
    let window = reader.wait(Instant::now() + FIRST, |window| open(window).is_some()).await;
    // Where nothing comes in time, what comes later is the program's all the same.
    let first = open(&window).unwrap_or(0);
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
