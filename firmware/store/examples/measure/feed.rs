//! A channel of five tracks whose bytes are noise: what a box writes, without encoding anything.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use bytes::Bytes;
use media::{Codec, FrameRate, Grid, Layout, LayoutId, Position, Track};
use riser_store::{Config, NewPart, Store, Writer};

use crate::Outcome;

pub const CHANNEL: &str = "main";
pub const TRACKS: usize = 5;
/// The disk has this long for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// The grid of a box with a 30 frames/s input and its default settings, or with `parts` longer parts in a segment.
pub fn grid(parts: u32) -> Outcome<Grid> {
    let rate = FrameRate::new(30, 1).map_err(|error| format!("{error:?}"))?;
    Ok(Grid::new(rate, 1600, 1600 / parts))
}

/// Four renditions and sound, with init segments of the usual length.
pub fn layout(grid: &Grid) -> Layout {
    let video = |height: u16| Track {
        name: format!("{height}p"),
        timescale: 30_000,
        bitrate: u32::from(height) * 5000,
        language: None,
        captions: Vec::new(),
        codec: Codec::H264 {
            config: Bytes::from_static(&[1, 0x64, 0, 0x1f]),
            width: height / 9 * 16,
            height,
            rate: grid.rate,
        },
    };
    let config = Bytes::from_static(&[0x11, 0x90]);
    let audio = Track {
        name: "audio".into(),
        timescale: 48_000,
        bitrate: 128_000,
        language: None,
        captions: Vec::new(),
        codec: Codec::Aac { config, sample_rate: 48_000, channels: 2 },
    };
    let tracks = [1080, 720, 540, 360].map(video).into_iter().chain([audio]).collect();
    Layout { id: LayoutId(0x5e9), tracks, init: vec![Bytes::from_static(&[7; 700]); TRACKS] }
}

/// A store of whole extents, with next to no window in RAM.
pub fn config(dir: &Path, extents: u64, extent: u64) -> Config {
    Config {
        dir: dir.to_owned(),
        size: extents * extent,
        extent,
        window: Duration::from_secs(8 * 24 * 3600),
        live: Duration::from_millis(1600),
        share: 1 << 20,
        reserve: 0,
        pins: Vec::new(),
    }
}

/// Waits until something of the store is so, as closely as can be: what is measured takes tenths of milliseconds.
pub fn until(what: &str, condition: impl Fn() -> bool) -> Outcome<()> {
    let begun = Instant::now();
    while !condition() {
        if begun.elapsed() > PATIENCE {
            return Err(format!("{what} did not happen within {PATIENCE:?}").into());
        }
        std::thread::yield_now();
    }
    Ok(())
}

pub fn acknowledged(store: &Store) -> Option<u64> {
    store.status().streams.first().and_then(|stream| stream.acknowledged)
}

/// Waits until segment `number` is on the disk.
pub fn durable(store: &Store, number: u64) -> Outcome<()> {
    until("an acknowledgement", || acknowledged(store) >= Some(number))
}

/// Waits until every extent has been written once.
pub fn provisioned(store: &Store) -> Outcome<()> {
    until("a provisioned ring", || {
        let extents = store.status().extents;
        extents.total > 0 && extents.provisioned == extents.total
    })
}

/// Makes segments.
pub struct Feed {
    grid: Grid,
    timescales: Vec<u32>,
    noise: Vec<u8>,
    state: u64,
}

impl Feed {
    pub fn new(grid: Grid) -> Self {
        let timescales = layout(&grid).tracks.iter().map(|track| track.timescale).collect();
        let mut feed = Self { grid, timescales, noise: Vec::new(), state: 0x9e37_79b9_7f4a_7c15 };
        feed.noise = (0..(4 << 20) / 8).flat_map(|_| feed.next().to_le_bytes()).collect();
        feed
    }

    /// A random number (xorshift64*).
    pub fn next(&mut self) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A random number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// The bytes of a segment of one track: 100 KB to 1.2 MB.
    pub fn size(&mut self) -> usize {
        100_000 + self.below(1_100_001) as usize
    }

    /// Noise that compresses to nothing, in memory of its own.
    pub fn bytes(&mut self, len: usize) -> Bytes {
        let from = self.below((self.noise.len() - len) as u64) as usize;
        Bytes::copy_from_slice(&self.noise[from..from + len])
    }

    /// A whole segment of one track.
    pub fn any(&mut self) -> Bytes {
        let size = self.size();
        self.bytes(size)
    }

    /// A part of `len` bytes.
    pub fn part(&mut self, track: usize, segment: u64, part: u32, len: usize) -> NewPart {
        let line = |part| self.grid.line(Position { segment, part }, self.timescales[track]);
        let (start, end) = (line(part), line(part + 1));
        let data = self.bytes(len);
        let duration = u32::try_from(end - start).unwrap_or(u32::MAX);
        NewPart { track, segment, part, start, duration, independent: part == 0, filler: false, data }
    }

    /// Pushes the parts `from..to` of a segment whose tracks have these sizes.
    pub fn push(
        &mut self,
        writer: &mut Writer,
        segment: u64,
        sizes: &[usize],
        from: u32,
        to: u32,
    ) -> Outcome<()> {
        let parts = self.grid.parts_per_segment;
        for part in from..to {
            for (track, size) in sizes.iter().enumerate() {
                let new = self.part(track, segment, part, size / parts as usize);
                writer.push_part(new)?;
            }
        }
        if to == parts {
            (0..sizes.len()).for_each(|track| writer.close_segment(track, segment));
        }
        Ok(())
    }

    /// Pushes a whole segment.
    pub fn segment(&mut self, writer: &mut Writer, number: u64, sizes: &[usize]) -> Outcome<()> {
        self.push(writer, number, sizes, 0, self.grid.parts_per_segment)
    }
}
