//! A small channel for tests: two tracks, two parts in a segment, bytes that tell where they belong.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use media::{Codec, FrameRate, Grid, Layout, LayoutId, Track};

use crate::{Config, NewPart, Writer};

pub(crate) fn grid() -> Grid {
    Grid::new(FrameRate::new(25, 1).unwrap(), 400, 200)
}

pub(crate) fn layout(id: u64) -> Arc<Layout> {
    let video = Codec::H264 {
        config: Bytes::from_static(&[1, 0x64, 0, 0x1f]),
        width: 1280,
        height: 720,
        rate: grid().rate,
    };
    let audio = Codec::Aac { config: Bytes::from_static(&[0x11, 0x90]), sample_rate: 48_000, channels: 2 };
    let track = |name: &str, timescale, codec| Track {
        name: name.into(),
        timescale,
        bitrate: 1,
        language: None,
        captions: Vec::new(),
        codec,
    };
    Arc::new(Layout {
        id: LayoutId(id),
        tracks: vec![track("720p", 25_000, video), track("audio", 48_000, audio)],
        init: vec![Bytes::from(format!("video init {id}")), Bytes::from(format!("audio init {id}"))],
    })
}

/// The bytes of a part: different for each, `len` long.
pub(crate) fn bytes(track: usize, segment: u64, part: u32, len: usize) -> Bytes {
    let seed = crc32c::crc32c(format!("{track}/{segment}/{part}").as_bytes());
    (0..len as u32).map(|at| (seed.wrapping_add(at.wrapping_mul(2_654_435_761)) >> 11) as u8).collect()
}

pub(crate) fn part(track: usize, segment: u64, part: u32, len: usize) -> NewPart {
    let timescale = [25_000, 48_000][track];
    let line = |part| grid().line(media::Position { segment, part }, timescale);
    NewPart {
        track,
        segment,
        part,
        start: line(part),
        duration: (line(part + 1) - line(part)) as u32,
        independent: part == 0,
        filler: false,
        data: bytes(track, segment, part, len),
    }
}

/// Pushes a whole segment and closes it.
pub(crate) fn push(writer: &mut Writer, segment: u64, len: usize) {
    for index in 0..2 {
        for track in 0..2 {
            writer.push_part(part(track, segment, index, len)).unwrap();
        }
    }
    for track in 0..2 {
        writer.close_segment(track, segment);
    }
}

/// The chunks that [`push`] made for a track.
pub(crate) fn chunks(track: usize, segment: u64, len: usize) -> Vec<Bytes> {
    (0..2).map(|part| bytes(track, segment, part, len)).collect()
}

pub(crate) fn config(dir: &std::path::Path, extents: u64) -> Config {
    Config {
        dir: dir.to_owned(),
        size: extents << 20,
        extent: 1 << 20,
        window: Duration::from_secs(3600),
        live: Duration::from_secs(2),
        share: 1 << 20,
        reserve: 0,
        pins: Vec::new(),
    }
}
