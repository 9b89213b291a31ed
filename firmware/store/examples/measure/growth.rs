//! What a store of some length costs: the start, a playlist, a seek, an expiry.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use package::hls::{MediaOptions, render_media};
use riser_store::{Reader, Store, Writer};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use crate::{
    Outcome,
    feed::{self, CHANNEL, Feed, TRACKS, acknowledged, durable, grid, layout},
    fill::{HOUR, compared, filled},
    meter,
};

const PLAYLISTS: usize = 300;
/// Seeks in an empty page cache; with more of them an hour would be read as a whole.
const COLD: usize = 20;
const ROUNDS: usize = 30;
const EXPIRIES: usize = 16;
/// No history takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

pub fn measure(dir: &Path, extent: u64) -> Outcome<Value> {
    let grid = grid(8)?;
    let runtime = Builder::new_current_thread().enable_time().build()?;
    meter::cool(dir)?;
    let begun = Instant::now();
    let store = filled(dir, extent)?;
    let opened = begun.elapsed();
    let (mut writer, reader) = store.stream(CHANNEL, grid)?;
    writer.set_layout(layout(&grid));
    let mut feed = Feed::new(grid);
    let number = writer.last().ok_or("the stream is new")? + 1;
    (0..TRACKS).try_for_each(|track| writer.push_part(feed.part(track, number, 0, 16)))?;
    let first_part = begun.elapsed();
    let whole = whole(&runtime, &reader, begun)?;
    compared(&store)?;
    let checked = begun.elapsed();
    let resident = meter::resident()?;
    let segments = reader.window().history.len();
    feed.push(&mut writer, number, &[128; TRACKS], 1, grid.parts_per_segment)?;
    durable(&store, number)?;
    let mut lists = playlists(&reader, &mut feed)?;
    let (mut seeks, mut again) = seeks(dir, &runtime, &reader, &mut feed)?;
    let (mut plain, mut turning) = expiries(&store, &mut writer, &reader, &mut feed, number)?;
    Ok(json!({
        "segments": segments,
        "extents": store.status().extents.total,
        "opened": meter::micros(opened),
        "first_part": meter::micros(first_part),
        "whole": meter::micros(whole),
        "checked": meter::micros(checked),
        "resident": resident,
        "playlist": meter::spread(&mut lists),
        "seek": meter::spread(&mut seeks),
        "seek_warm": meter::spread(&mut again),
        "segment": meter::spread(&mut plain),
        "expiry": meter::spread(&mut turning),
        "index": meter::allocated(&dir.join("index"))?,
        "resident_at_end": meter::resident()?,
    }))
}

/// Waits for all of the past, also where that takes longer than a viewer is let wait.
fn whole(runtime: &Runtime, reader: &Reader, begun: Instant) -> Outcome<Duration> {
    runtime.block_on(reader.whole());
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let window = runtime.block_on(reader.wait(deadline, |window| !window.history.is_empty()));
    match window.history.is_empty() {
        true => Err("the history did not come".into()),
        false => Ok(begun.elapsed()),
    }
}

/// Renders the playlist of an hour at random points.
fn playlists(reader: &Reader, feed: &mut Feed) -> Outcome<Vec<Duration>> {
    let mut times = Vec::new();
    for nth in 0..PLAYLISTS {
        let window = reader.window();
        let (first, last) = window.history.first().zip(window.history.last()).ok_or("an empty history")?;
        let from = first.number + feed.below((last.number - first.number).saturating_sub(HOUR));
        let begun = Instant::now();
        let clip = window.clip(from, from + HOUR - 1, false);
        let text = render_media(&clip, nth % TRACKS, &MediaOptions::default())?;
        times.push(begun.elapsed());
        if (text.matches("#EXTINF").count() as u64) < HOUR - 10 {
            return Err(format!("{} lines for an hour", text.lines().count()).into());
        }
    }
    Ok(times)
}

/// Reads segments at random points, from the disk and again.
fn seeks(
    dir: &Path,
    runtime: &Runtime,
    reader: &Reader,
    feed: &mut Feed,
) -> Outcome<(Vec<Duration>, Vec<Duration>)> {
    let window = reader.window();
    let (first, last) = window.history.first().zip(window.history.last()).ok_or("an empty history")?;
    let layout = window.layout().ok_or("no layout")?;
    let (mut cold, mut warm) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        meter::cool(dir)?;
        for nth in 0..COLD {
            let number = first.number + feed.below(last.number - first.number - 10);
            for times in [&mut cold, &mut warm] {
                let begun = Instant::now();
                runtime.block_on(reader.segment(&layout.tracks[nth % TRACKS].name, number))?;
                times.push(begun.elapsed());
            }
        }
    }
    Ok((cold, warm))
}

/// Pushes segments one by one: how long until each is acknowledged, and, where the oldest extent left, until it is free.
fn expiries(
    store: &Store,
    writer: &mut Writer,
    reader: &Reader,
    feed: &mut Feed,
    after: u64,
) -> Outcome<(Vec<Duration>, Vec<Duration>)> {
    let oldest = || reader.window().history.first().map(|segment| segment.number);
    let (mut plain, mut turning, mut number) = (Vec::new(), Vec::new(), after);
    while turning.len() < EXPIRIES {
        number += 1;
        let before = oldest();
        let begun = Instant::now();
        feed.segment(writer, number, &[128; TRACKS])?;
        feed::until("an acknowledgement", || acknowledged(store) >= Some(number))?;
        if oldest() == before {
            plain.push(begun.elapsed());
            continue;
        }
        feed::until("a free extent", || store.status().extents.free > 0)?;
        turning.push(begun.elapsed());
    }
    Ok((plain, turning))
}
