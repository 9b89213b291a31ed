//! An asset, or any stretch of it, as one progressive MP4: planned from the heads of its chunks, sent while it is read.
//!
//! The plan says the size and where every byte comes from, so a download that broke off goes on with a range. The same
//! stretch and tracks give the same bytes.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use bytes::Bytes;
use cmaf::movie::{self, Builder, Movie};
use futures_util::{Stream, StreamExt as _, stream};
use media::{Kind, Layout, Window, nanos};
use package::filter::{Filter, Shown, View};
use store::Recording;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::{
    asset::Asset,
    error::Error,
    manifest::Filtered,
    respond::{self, Keep},
};

/// KiB that plans and what is read ahead for them may take.
const ROOM: u32 = 48 << 10;
/// KiB of it for what is read ahead of one download.
const BODY: u32 = 6 << 10;
/// Plans made at a time: each reads the heads of all chunks of its stretch.
const AT_A_TIME: usize = 2;
/// Pieces that are read while earlier ones are sent.
const AHEAD: usize = 4;
/// Plans kept for downloads that go on; an hour of five tracks takes some 2 MB.
const KEPT: usize = 4;
/// How long a download waits for its turn to be planned.
const TURN: Duration = Duration::from_secs(10);
/// Bytes read of a chunk to find the sizes of its samples: more than a second's worth of them.
const HEAD: usize = 4096;
/// Raised when the same samples would give other bytes.
const FORMAT: u32 = 1;

/// Makes downloads.
pub(crate) struct Downloads {
    turns: Semaphore,
    room: Arc<Semaphore>,
    plans: Mutex<VecDeque<(Key, Arc<Plan>)>>,
}

/// What gives the same file: the asset and its share of the stream, and what is wanted of it.
type Key = (String, u64, Option<u64>, Vec<Filter>, Wanted);

/// What a download holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Nanoseconds since the epoch; none for the asset's own beginning.
    pub(crate) from: Option<u64>,
    /// Nanoseconds since the epoch; none for the asset's own end.
    pub(crate) to: Option<u64>,
    /// Names of tracks; empty for all that there are to be seen.
    pub(crate) tracks: Vec<String>,
}

/// A file that has been planned.
struct Plan {
    movie: Movie,
    /// The tracks' names, in the order of the movie's.
    tracks: Vec<String>,
    window: Arc<Window>,
    recording: Recording,
    etag: String,
    /// Its share of the room.
    _room: OwnedSemaphorePermit,
}

impl Default for Downloads {
    fn default() -> Self {
        let room = Arc::new(Semaphore::new(ROOM as usize));
        Self { turns: Semaphore::new(AT_A_TIME), room, plans: Mutex::default() }
    }
}

impl Downloads {
    /// Answers a request for `wanted` of an asset.
    pub(crate) async fn answer(
        &self,
        seen: &Filtered,
        wanted: Wanted,
        request: &HeaderMap,
    ) -> Result<Response, Error> {
        let asset = seen.presentation.asset().ok_or(Error::NoMedia("download"))?;
        let key = (asset.id.clone(), asset.first, asset.last, seen.filters.clone(), wanted);
        let plan = match self.known(&key) {
            Some(plan) => plan,
            None => {
                let turn = timeout(TURN, self.turns.acquire()).await.map_err(|_| Error::Busy)?;
                let plan = Arc::new(Plan::new(seen, &asset, &key.4, |size| self.take(size)).await?);
                drop(turn);
                // What is still being recorded is planned anew, unless its end is said.
                if asset.ended || key.4.to.is_some() {
                    self.keep(key, Arc::clone(&plan));
                }
                plan
            }
        };
        let room = self.take(BODY)?;
        let body = {
            let plan = Arc::clone(&plan);
            move |from: u64, to: u64| {
                // Held until the last byte is sent or nobody wants it any more.
                Body::from_stream(bytes_of(plan, from, to).inspect(move |_| {
                    let _ = &room;
                }))
            }
        };
        let mut response =
            respond::planned(plan.movie.size, "video/mp4", Keep::Ask, &plan.etag, request, body);
        let file = format!("attachment; filename=\"{}.mp4\"", asset.name);
        if let Ok(file) = HeaderValue::try_from(file) {
            response.headers_mut().insert(header::CONTENT_DISPOSITION, file);
        }
        Ok(response)
    }

    fn known(&self, key: &Key) -> Option<Arc<Plan>> {
        let plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        plans.iter().find(|(known, _)| known == key).map(|(_, plan)| Arc::clone(plan))
    }

    fn keep(&self, key: Key, plan: Arc<Plan>) {
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        plans.retain(|(known, _)| *known != key);
        plans.push_back((key, plan));
        if plans.len() > KEPT {
            plans.pop_front();
        }
    }

    /// Takes so many KiB of the room, if need be from the plans that nobody uses.
    fn take(&self, size: u32) -> Result<OwnedSemaphorePermit, Error> {
        if size > ROOM - BODY {
            return Err(Error::Bounds {
                field: "end",
                problem: "is too far from the start for one file of so many tracks",
            });
        }
        let take = || Arc::clone(&self.room).try_acquire_many_owned(size);
        take().or_else(|_| {
            self.plans.lock().unwrap_or_else(PoisonError::into_inner).clear();
            take().map_err(|_| Error::Busy)
        })
    }
}

impl Plan {
    async fn new(
        seen: &Filtered,
        asset: &Asset,
        wanted: &Wanted,
        take: impl Fn(u32) -> Result<OwnedSemaphorePermit, Error>,
    ) -> Result<Self, Error> {
        let View { window, shown } = seen.view(&*seen.presentation.window().await?)?;
        let window = Arc::new(window);
        let layout = window.layout().ok_or(Error::Empty)?;
        let tracks = chosen(layout, &shown, &wanted.tracks)?;
        let (from, to) = stretch(&window, layout, asset, wanted)?;
        let outputs: Vec<_> = tracks.iter().map(|name| configs(&window, name)).collect();
        let movies = outputs
            .iter()
            .map(|configs| movie::Track { tracks: configs.iter().map(|(_, track)| track.clone()).collect() });
        let mut builder = Builder::new(movies.collect(), from, to)?.created(from);
        let first = window.grid.position(media::ticks(from, NANOSECONDS), NANOSECONDS).segment;
        let last = window.grid.position(media::ticks(to.saturating_sub(1), NANOSECONDS), NANOSECONDS).segment;
        // Sound frames do not begin on every line: the one before the first reaches into it.
        let segments = window.history.slice(first.saturating_sub(1), last);
        for segment in segments.iter().filter(|segment| !segment.gap) {
            for (index, name) in tracks.iter().enumerate() {
                if segment.number < first
                    && outputs[index].iter().all(|(_, track)| track.kind() == Kind::Video)
                {
                    continue;
                }
                let config = outputs[index].iter().position(|(layouts, _)| layouts.contains(&segment.layout));
                let Some(config) = config else { continue };
                if let Some(heads) = heads(asset, &window, name, segment.number).await? {
                    builder.add(index, config, segment.number, &heads)?;
                }
            }
        }
        let movie = builder.finish()?;
        let size = (movie.head.len() + movie.pieces.len() * size_of::<movie::Piece>()) >> 10;
        let room = take(u32::try_from(size).unwrap_or(u32::MAX).max(1))?;
        let crc = crc32c::crc32c(&movie.head);
        let etag = format!("\"{:x}-{crc:08x}-d{FORMAT}\"", movie.size);
        Ok(Self { movie, tracks, window, recording: asset.recording.clone(), etag, _room: room })
    }

    /// The media bytes of a piece.
    async fn piece(&self, nth: usize) -> Result<Bytes, Error> {
        let piece = &self.movie.pieces[nth];
        let name = &self.tracks[usize::from(piece.track)];
        let chunks = self.recording.segment(&self.window, name, piece.segment).await?;
        let mut bytes = Vec::with_capacity(usize::try_from(piece.len).unwrap_or(0));
        for chunk in &chunks {
            bytes.extend_from_slice(&movie::payload(chunk)?);
        }
        if (bytes.len() as u64) < piece.len {
            return Err(Error::NoMedia("piece of the download"));
        }
        bytes.truncate(usize::try_from(piece.len).unwrap_or(usize::MAX));
        Ok(bytes.into())
    }
}

/// The heads of a segment's chunks; none where it fails now, which makes it a hole like one that was never recorded.
async fn heads(
    asset: &Asset,
    window: &Window,
    track: &str,
    number: u64,
) -> Result<Option<Vec<movie::Head>>, Error> {
    let mut len = HEAD;
    loop {
        let Ok(chunks) = asset.recording.heads(window, track, number, len).await else { return Ok(None) };
        let head = |(head, len): &(Bytes, u32)| movie::head(head, *len as usize);
        match chunks.iter().map(head).collect() {
            Err(cmaf::Error::ReadHead { needed }) if needed > len => len = needed,
            heads => return Ok(Some(heads?)),
        }
    }
}

/// Ticks per second in which an instant in nanoseconds is a decode time.
const NANOSECONDS: u32 = 1_000_000_000;

/// The names of the tracks in the file: all that are shown, or the ones asked for.
fn chosen(layout: &Layout, shown: &Shown, wanted: &[String]) -> Result<Vec<String>, Error> {
    if wanted.iter().enumerate().any(|(nth, name)| wanted[..nth].contains(name)) {
        return Err(Error::Bounds { field: "tracks", problem: "names a track twice" });
    }
    let shown: Vec<String> =
        shown.tracks(layout).into_iter().map(|index| layout.tracks[index].name.clone()).collect();
    if wanted.is_empty() {
        return Ok(shown);
    }
    let unknown = wanted.iter().find(|name| !shown.contains(name));
    match unknown {
        Some(name) => Err(Error::NoTrack(name.clone())),
        None => Ok(wanted.to_vec()),
    }
}

/// Where the file begins and ends, in nanoseconds since the epoch.
fn stretch(window: &Window, layout: &Layout, asset: &Asset, wanted: &Wanted) -> Result<(u64, u64), Error> {
    let picture = layout.tracks.iter().position(|track| track.kind() == Kind::Video).unwrap_or(0);
    let timescale = layout.tracks.get(picture).map_or(1, |track| track.timescale);
    let (first, last) = window.history.first().zip(window.history.last()).ok_or(Error::Empty)?;
    let start = first.span(picture, &window.grid, timescale).map_or(0, |span| span.start);
    let end = last.span(picture, &window.grid, timescale);
    let end = end.map_or(0, |span| span.start + u64::from(span.duration));
    let (start, end) = (nanos(start, timescale), nanos(end, timescale));
    let (start, end) = (asset.from.unwrap_or(start).max(start), asset.to.unwrap_or(end).min(end));
    let (from, to) = (wanted.from.unwrap_or(start), wanted.to.unwrap_or(end));
    if from < start {
        return Err(Error::Bounds { field: "start", problem: "is before what is kept" });
    }
    if to > end {
        return Err(Error::Bounds { field: "end", problem: "is after what is recorded" });
    }
    if from >= to {
        return Err(Error::Bounds { field: "end", problem: "is not after the start" });
    }
    Ok((from, to))
}

/// The forms that a track of this name has in the window, with the layouts in which it has them.
fn configs(window: &Window, name: &str) -> Vec<(Vec<media::LayoutId>, media::Track)> {
    let mut configs: Vec<(Vec<media::LayoutId>, media::Track)> = Vec::new();
    for layout in window.layouts.iter() {
        let Some(track) = layout.index_of(name).and_then(|at| layout.tracks.get(at)) else { continue };
        match configs.iter_mut().find(|(_, known)| known == track) {
            Some((layouts, _)) => layouts.push(layout.id),
            None => configs.push((vec![layout.id], track.clone())),
        }
    }
    configs
}

/// The bytes from `from` to before `to`.
fn bytes_of(plan: Arc<Plan>, from: u64, to: u64) -> impl Stream<Item = Result<Bytes, Error>> {
    let head = plan.movie.head.len() as u64;
    let first = plan.movie.piece_at(from.max(head)).unwrap_or(plan.movie.pieces.len());
    let pieces = plan.movie.pieces[first..].iter().take_while(|piece| piece.offset < to).count();
    let start = (from < head).then(|| cut(plan.movie.head.clone(), 0, from, to));
    let read = move |nth: usize| {
        let plan = Arc::clone(&plan);
        async move {
            let bytes = plan.piece(nth).await?;
            Ok(cut(bytes, plan.movie.pieces[nth].offset, from, to))
        }
    };
    // After an error the connection is broken off: nobody takes what there is for the whole file.
    let pieces = stream::iter(first..first + pieces).map(read).buffered(AHEAD);
    stream::iter(start.map(Ok)).chain(pieces)
}

/// What of `bytes`, which begin at byte `at` of the file, lies from `from` to before `to`.
fn cut(bytes: Bytes, at: u64, from: u64, to: u64) -> Bytes {
    let within = |byte: u64| usize::try_from(byte.saturating_sub(at)).unwrap_or(usize::MAX).min(bytes.len());
    bytes.slice(within(from)..within(to))
}
