//! Init segments, segments and parts; what is still being made is sent as it is made.

use std::{sync::Arc, time::Duration};

use axum::{body::Body, http::HeaderMap, response::Response};
use bytes::Bytes;
use futures_util::stream;
use media::{Kind, Layout, LayoutId, Track, Window};
use store::{Places, Reader};
use tokio::{
    task::spawn_blocking,
    time::{Instant, timeout},
};

use crate::{
    error::Error,
    hot::{Found, Given, Hot, Segment},
    on_disk,
    presentation::Visit,
    respond, samples,
    seal::Seal,
    source::Source,
};

/// Raised when the muxer writes other bytes for the same samples, so that no cache mixes the two.
const FORMAT: u32 = 1;

/// How long a request for what comes next is held, beyond the time the next segment takes.
const HELD: Duration = Duration::from_secs(2);

/// How long one viewer of a segment in RAM waits to learn where it lies on the disk: so long it takes to read it.
const SOON: Duration = Duration::from_millis(50);

/// Bytes of a piece, on an average, from which on it is worth having the kernel send it.
const LEAST: u64 = 16 << 10;

/// A track's init segment.
pub async fn init(
    seen: &Visit,
    track: &str,
    layout: LayoutId,
    request: &HeaderMap,
) -> Result<Response, Error> {
    let window = seen.served().await?;
    let described = window.layout_by_id(layout).ok_or(Error::NoInit)?;
    let index = described.index_of(track).ok_or(Error::NoInit)?;
    let init = described.init.get(index).cloned().ok_or(Error::NoInit)?;
    let init = match &seen.seal {
        None => vec![init],
        Some(seal) => seal.init(&described.tracks[index], init)?,
    };
    let etag = format!("\"{layout}-{index}-{:08x}-i{FORMAT}\"", crc(&init));
    Ok(respond::bytes(init, content_type(known(&window, track)?), seen.keep(), &etag, request))
}

/// A segment by number.
pub async fn segment(
    seen: &Visit,
    track: &str,
    number: u64,
    hot: &Hot,
    request: &HeaderMap,
) -> Result<Response, Error> {
    let window = seen.served().await?;
    let known = known(&window, track)?;
    // A segment that is being made, or comes next, is sent part by part.
    if let Some(index) = window.layout().and_then(|layout| layout.index_of(track))
        && is_ahead(&window, index, number)
    {
        return match &seen.seal {
            Some(seal) if seal.is_of_whole_segments() => Err(Error::NoMedia("segment")),
            _ => follow(seen, &window, track, index, number).await,
        };
    }
    // What was to be had lately is so only while the window lists it; what it does not list has its own reason.
    let listed = window.history.get(number).is_some_and(|segment| !segment.gap);
    let source = seen.source(&window, number)?;
    let Some(seal) = &seen.seal else {
        return clear(seen, &source, (known, number), listed.then_some(hot), request).await;
    };
    let read = async {
        let chunks = source.segment(track, number).await?;
        let sealed = sealed(seal.clone(), of(&window, track, number)?.clone(), chunks).await?;
        Ok(Found::Ram(sealed))
    };
    let sealed = (seal.encryption, seal.key.content.id);
    let segment = match listed {
        true => hot.segment((seen.id(), track.to_owned(), number, Some(sealed)), read).await?,
        false => Segment::new(read.await?).into(),
    };
    answer(seen, known, number, &segment, request)
}

/// A segment as it is stored.
async fn clear(
    seen: &Visit,
    source: &Source<'_>,
    (track, number): (&Track, u64),
    hot: Option<&Hot>,
    request: &HeaderMap,
) -> Result<Response, Error> {
    // Live never waits for the disk.
    let read = async {
        if let Some(chunks) = source.held(&track.name, number)? {
            return Ok(Found::Ram(chunks));
        }
        match source.places(&track.name, number).await?.filter(is_worth_sending) {
            Some(places) => Ok(Found::Disk(places)),
            None => Ok(Found::Ram(source.segment(&track.name, number).await?)),
        }
    };
    let Some(hot) = hot else {
        return answer(seen, track, number, &Segment::new(read.await?), request);
    };
    let segment = hot.segment((seen.id(), track.name.clone(), number, None), read).await?;
    if segment.should_move()
        && let Ok(Ok(Some(places))) = timeout(SOON, source.places(&track.name, number)).await
        && is_worth_sending(&places)
    {
        segment.moved(places);
    }
    answer(seen, track, number, &segment, request)
}

fn answer(
    seen: &Visit,
    track: &Track,
    number: u64,
    segment: &Segment,
    request: &HeaderMap,
) -> Result<Response, Error> {
    let etag = format!("\"{number}-{:08x}-s{FORMAT}\"", segment.crc);
    let (kind, keep) = (content_type(track), seen.keep());
    match segment.given() {
        Given::Bytes(chunks) => Ok(respond::bytes(chunks, kind, keep, &etag, request)),
        Given::Stored(pieces) => Ok(on_disk::answer(pieces, kind, keep, &etag, request)),
        Given::Nothing => Err(Error::Gone(number)),
    }
}

/// Small pieces are copied as quickly as the kernel sends them.
fn is_worth_sending(places: &Places) -> bool {
    places.bytes() >= LEAST * places.count() as u64
}

/// The first key frame of a segment that is whole, as a segment of its own that lasts as long.
pub async fn key_frame(
    seen: &Visit,
    track: &str,
    number: u64,
    request: &HeaderMap,
) -> Result<Response, Error> {
    let window = seen.served().await?;
    let segment = window.history.get(number).ok_or(Error::NoMedia("segment"))?;
    let layout = window.layout_by_id(segment.layout).ok_or(Error::NoInit)?;
    let index = layout.index_of(track).ok_or_else(|| Error::NoTrack(track.to_owned()))?;
    let described = &layout.tracks[index];
    if described.kind() != Kind::Video {
        return Err(Error::NoMedia("key frame"));
    }
    let samples = samples::read(layout, index, &seen.segment(&window, track, number).await?)?;
    let end = samples.last().map_or(0, media::Sample::end);
    let mut key = samples.into_iter().find(|sample| sample.sync).ok_or(Error::NoMedia("key frame"))?;
    key.duration = u32::try_from(end - key.decode_time).unwrap_or(key.duration);
    // The low bits of the number tell neighbours apart.
    let mut writer = cmaf::ChunkWriter::new(described, number as u32);
    let data = writer.write(&[key], true, false).map_err(|error| Error::Multiplex(error.to_string()))?;
    let data = match &seen.seal {
        None => vec![data],
        Some(seal) => seal.media(described, vec![data])?,
    };
    let etag = format!("\"{number}-{:08x}-k{FORMAT}\"", crc(&data));
    Ok(respond::bytes(data, content_type(described), seen.keep(), &etag, request))
}

/// A segment by the decode time of its first sample.
pub async fn at_time(
    seen: &Visit,
    track: &str,
    decode_time: u64,
    hot: &Hot,
    request: &HeaderMap,
) -> Result<Response, Error> {
    let window = seen.served().await?;
    let number = window.grid.position(decode_time, known(&window, track)?.timescale).segment;
    segment(seen, track, number, hot, request).await
}

/// One part; one that comes next is waited for.
pub async fn part(
    seen: &Visit,
    track: &str,
    number: u64,
    part: u32,
    request: &HeaderMap,
) -> Result<Response, Error> {
    let window = with_part(seen, number, part, |layout| layout.index_of(track)).await?;
    let position = index(&window, track)?;
    let data = seen.live_part(position, number, part).ok_or(Error::NoMedia("part"))?;
    let data = match &seen.seal {
        None => vec![data],
        Some(seal) => seal.media(of(&window, track, number)?, vec![data])?,
    };
    let etag = format!("\"{number}.{part}-{:08x}-p{FORMAT}\"", crc(&data));
    Ok(respond::bytes(data, content_type(known(&window, track)?), seen.keep(), &etag, request))
}

/// A window that has a part of a track of the current layout, waited for where it comes next; else it never will.
pub async fn with_part(
    seen: &Visit,
    number: u64,
    part: u32,
    track: impl Fn(&Layout) -> Option<usize>,
) -> Result<Arc<Window>, Error> {
    let window = seen.served().await?;
    let Some(position) = window.layout().and_then(|layout| track(layout)) else { return Ok(window) };
    let there = |window: &Window| {
        let edge = window.edge_segment(position, number);
        edge.is_some_and(|edge| edge.closed || edge.parts.len() > part as usize) || window.ended
    };
    let possible = part < window.grid.parts_per_segment && is_ahead(&window, position, number);
    match possible && !there(&window) {
        true => seen.wait(deadline(&window), there).await,
        false => Ok(window),
    }
}

/// What tells these bytes from others of the same address: another asset may have its locator now.
pub fn crc(pieces: &[Bytes]) -> u32 {
    pieces.iter().fold(0, |crc, piece| crc32c::crc32c_append(crc, piece))
}

/// The parts of a segment that is being made or comes next, each as soon as it is there.
async fn follow(
    seen: &Visit,
    window: &Window,
    track: &str,
    index: usize,
    number: u64,
) -> Result<Response, Error> {
    let begun = |window: &Window| {
        window.edge_segment(index, number).is_some_and(|edge| !edge.parts.is_empty()) || window.ended
    };
    let first = seen.wait(deadline(window), begun).await?;
    if first.edge_segment(index, number).is_none_or(|edge| edge.parts.is_empty()) {
        return Err(Error::NoMedia("segment"));
    }
    // The stream itself from here on: an asset that ends meanwhile still has this segment whole.
    let (Some(layout), Some(reader)) = (first.layout().map(|layout| layout.id), seen.live()) else {
        return Err(Error::NoMedia("segment"));
    };
    let growing = Growing { reader, layout, index, number };
    let described = known(&first, track)?.clone();
    let content_type = content_type(&described);
    let seal = seen.seal.clone().map(|seal| (seal, described));
    let parts = stream::unfold((growing, seal, 0u32), |(growing, seal, part)| async move {
        let data = growing.part(part).await.transpose()?;
        let data = data.and_then(|data| match &seal {
            None => Ok(data),
            Some((seal, track)) => {
                let sealed = seal.media(track, vec![data]).map_err(|_| BrokenOff)?;
                Ok(sealed.concat().into())
            }
        });
        Some((data, (growing, seal, part + 1)))
    });
    Ok(respond::growing(Body::from_stream(parts), content_type))
}

/// A segment that is encrypted apart from everything else: it takes milliseconds, which nobody is to wait for.
async fn sealed(seal: Seal, track: Track, chunks: Vec<Bytes>) -> Result<Vec<Bytes>, Error> {
    let made = spawn_blocking(move || seal.media(&track, chunks));
    made.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
}

/// A segment that is being made on one track of one layout.
struct Growing {
    reader: Reader,
    layout: LayoutId,
    index: usize,
    number: u64,
}

/// The rest of a segment will not come; the connection is broken off, so that nobody takes what there is for all of it.
#[derive(Debug, thiserror::Error)]
#[error("the rest of the segment does not come")]
struct BrokenOff;

impl Growing {
    /// A part, waited for; none behind the last one.
    async fn part(&self, part: u32) -> Result<Option<Bytes>, BrokenOff> {
        let Self { index, number, .. } = *self;
        let there = |window: &Window| {
            let edge = window.edge_segment(index, number);
            edge.is_none_or(|edge| edge.closed || edge.parts.len() > part as usize)
                || window.ended
                || !self.is_in(window)
        };
        let window = self.reader.wait(deadline(&self.reader.window()), there).await;
        let data = self.reader.live_part(index, number, part);
        // Asked after the part was taken: the index means this track only in this layout.
        if !self.is_in(&window) || !self.is_in(&self.reader.window()) {
            return Err(BrokenOff);
        }
        match (data, window.edge_segment(index, number)) {
            (Some(data), _) => Ok(Some(data)),
            (None, Some(edge)) if edge.closed && edge.parts.len() == part as usize => Ok(None),
            _ => Err(BrokenOff),
        }
    }

    fn is_in(&self, window: &Window) -> bool {
        window.layout().is_some_and(|layout| layout.id == self.layout)
    }
}

/// Whether a segment is open on this track or is one of the next two.
fn is_ahead(window: &Window, index: usize, number: u64) -> bool {
    let Some(newest) = window.edge.get(index).and_then(|edge| edge.last()) else { return false };
    let open = if newest.closed { newest.number + 1 } else { newest.number };
    !window.ended && (open..=open + 2).contains(&number)
}

fn deadline(window: &Window) -> Instant {
    Instant::now() + Duration::from_nanos(2 * window.grid.segment_nanos()) + HELD
}

fn index(window: &Window, track: &str) -> Result<usize, Error> {
    let layout = window.layout().ok_or(package::Error::NoLayout)?;
    layout.index_of(track).ok_or_else(|| Error::NoTrack(track.to_owned()))
}

/// A track of this name, of the newest layout that has one.
fn known<'a>(window: &'a Window, name: &str) -> Result<&'a Track, Error> {
    window.layout().ok_or(package::Error::NoLayout)?;
    let tracks = window.layouts.iter().rev().flat_map(|layout| &layout.tracks);
    tracks.into_iter().find(|track| track.name == name).ok_or_else(|| Error::NoTrack(name.to_owned()))
}

/// The track of this name as a segment has it; of one that is being made, or comes next, the current one.
fn of<'a>(window: &'a Window, name: &str, number: u64) -> Result<&'a Track, Error> {
    let layout = match window.history.get(number) {
        Some(segment) => window.layout_by_id(segment.layout),
        None => window.layout(),
    };
    let layout = layout.ok_or(Error::NoInit)?;
    let index = layout.index_of(name).ok_or_else(|| Error::NoTrack(name.to_owned()))?;
    Ok(&layout.tracks[index])
}

fn content_type(track: &Track) -> &'static str {
    match track.kind() {
        Kind::Audio => "audio/mp4",
        Kind::Video => "video/mp4",
    }
}
