//! Makes a long recording of real media out of a short one: its chunks again and again, at later times.

use std::{fs, path::Path, sync::Arc};

use bytes::Bytes;
use media::{Kind, Layout, Window};
use riser_store::{NewPart, Recording, Store, Writer};
use serde_json::{Value, json};
use tokio::runtime::Builder;

use crate::{
    Outcome,
    feed::{config, durable, until},
    fill::{compared, filled, newest},
    swift::Swift,
};

/// Extents of the copy beyond what its media take.
const SPARE: u64 = 40;
/// Segments of the original that are repeated, at the most.
const LOOP: usize = 12;
/// Part lines that may wait: the committer takes so many at a time.
const QUEUE: usize = 100;

/// A segment of the original: the chunks of each track.
struct Original {
    number: u64,
    tracks: Vec<Vec<Bytes>>,
}

/// Reads the store in `from` and writes one of `minutes` in `to`, whose last segment is over a minute old.
pub fn repeat(from: &Path, to: &Path, extent: u64, minutes: u64) -> Outcome<Value> {
    let store = filled(from, extent)?;
    compared(&store)?;
    let (channel, grid) = store.known().first().cloned().ok_or("the original is empty")?;
    let (layout, originals) = originals(&store.recording(&channel, grid))?;
    let bytes: usize = originals.iter().flat_map(|original| &original.tracks).flatten().map(Bytes::len).sum();
    let segments = minutes * 60_000_000_000 / grid.segment_nanos();
    let need = (bytes / originals.len()) as u64 * segments;
    let room = need + need / 50 + SPARE * extent;
    let copy = Store::open(config(to, room.div_ceil(extent), extent), Arc::new(Swift::default()))?;
    let (mut writer, _reader) = copy.stream(&channel, grid)?;
    writer.set_layout((*layout).clone());
    let last = newest(&grid)? - 40;
    let first = last + 1 - segments;
    for (number, original) in (first..=last).zip(originals.iter().cycle()) {
        until("room in the queue", || copy.status().queued < QUEUE)?;
        push(&mut writer, &layout, &grid, original, number)?;
    }
    durable(&copy, last)?;
    let extents = copy.status().extents;
    writer.finish();
    copy.close();
    rustix::fs::syncfs(fs::File::open(to)?)?;
    let tracks: Vec<_> = layout.tracks.iter().map(|track| track.name.clone()).collect();
    let shape = serde_json::to_value(grid)?;
    Ok(json!({ "first": first, "last": last, "grid": shape, "tracks": tracks, "bytes": need,
               "extents": extents.total, "looped": originals.len() }))
}

/// Consecutive segments of the newest layout.
fn originals(recording: &Recording) -> Outcome<(Arc<Layout>, Vec<Original>)> {
    let runtime = Builder::new_current_thread().build()?;
    let (first, last) = recording.kept().ok_or("the original is empty")?;
    let window: Window = runtime.block_on(recording.window(first, last))?;
    let layout = Arc::clone(window.layout().ok_or("the original has no layout")?);
    let fit = window.history.iter().rev().skip(1);
    let fit = fit.take_while(|segment| segment.layout == layout.id && !segment.gap && !segment.filler);
    let mut numbers: Vec<u64> = fit.take(LOOP).map(|segment| segment.number).collect();
    numbers.reverse();
    let read = |number: u64| {
        let tracks = layout.tracks.iter();
        let tracks = tracks.map(|track| runtime.block_on(recording.segment(&window, &track.name, number)));
        Ok(Original { number, tracks: tracks.collect::<Result<_, _>>()? })
    };
    let originals: Vec<Original> = numbers.into_iter().map(read).collect::<Outcome<_>>()?;
    match originals.is_empty() {
        true => Err("the original has no whole segment".into()),
        false => Ok((layout, originals)),
    }
}

fn push(
    writer: &mut Writer,
    layout: &Layout,
    grid: &media::Grid,
    original: &Original,
    number: u64,
) -> Outcome<()> {
    let parts = original.tracks.iter().map(Vec::len).max().unwrap_or(0);
    for part in 0..parts {
        for (track, chunks) in original.tracks.iter().enumerate() {
            let Some(chunk) = chunks.get(part) else { continue };
            let described = &layout.tracks[track];
            let line = |number| grid.segment_line(number, described.timescale);
            let shift = line(number) - line(original.number);
            let (start, data) = later(chunk, shift)?;
            let end = match chunks.get(part + 1) {
                Some(next) => decode_time(next)?.1 + shift,
                None => line(number + 1),
            };
            let duration = u32::try_from(end - start)?;
            let independent = part == 0 || described.kind() == Kind::Audio;
            let part = u32::try_from(part)?;
            writer.push_part(NewPart {
                track,
                segment: number,
                part,
                start,
                duration,
                independent,
                filler: false,
                data,
            })?;
        }
    }
    (0..original.tracks.len()).for_each(|track| writer.close_segment(track, number));
    Ok(())
}

/// A chunk whose samples come `shift` ticks later, and its new decode time.
fn later(chunk: &Bytes, shift: u64) -> Outcome<(u64, Bytes)> {
    let (at, time) = decode_time(chunk)?;
    let mut bytes = chunk.to_vec();
    let time = time + shift;
    bytes[at..at + 8].copy_from_slice(&time.to_be_bytes());
    Ok((time, bytes.into()))
}

/// Where the 64-bit decode time of a chunk's `tfdt` lies, and what it says (ISO/IEC 14496-12, 8.8.12).
fn decode_time(chunk: &Bytes) -> Outcome<(usize, u64)> {
    let tag = chunk.windows(4).position(|bytes| bytes == b"tfdt").ok_or("a chunk has no tfdt")?;
    match chunk.get(tag + 4..tag + 16) {
        Some([1, _, _, _, time @ ..]) => Ok((tag + 8, u64::from_be_bytes(time.try_into()?))),
        _ => Err("a tfdt is not of 64 bits".into()),
    }
}
