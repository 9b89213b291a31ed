//! HLS version 3: playlists, and segments of MPEG-TS that are multiplexed on request.

use std::{ops::Range, sync::Arc, time::Duration};

use axum::{http::HeaderMap, response::Response};
use bytes::Bytes;
use media::{Layout, Sample, Track, Window};
use package::{
    filter::{Shown, View},
    hls::{MediaOptions, muxed},
};
use tokio::{task::spawn_blocking, time::Instant};
use transmux::ts::{self, Piece, Stream};

use crate::{
    error::Error,
    manifest::{ENDED, FIRST_PART, Filtered, HLS, begun},
    media_bytes::crc,
    respond::{self, Keep},
};

/// Raised when the same samples become other bytes, so that no cache mixes the two.
const FORMAT: u32 = 1;
const MPEG_TS: &str = "video/mp2t";
/// How long a request for a segment at the live edge is held, beyond the time that it takes.
const HELD: Duration = Duration::from_secs(2);

/// The Multivariant Playlist.
pub async fn master(seen: &Filtered, request: &HeaderMap) -> Result<Response, Error> {
    let View { window, shown } =
        seen.wait(Instant::now() + FIRST_PART, |window| window.layout().is_some()).await?;
    let text = muxed::render_master(&window, &shown, &seen.query)?;
    Ok(respond::text(text, HLS, Keep::Seconds(1), request))
}

/// A Media Playlist.
pub async fn media(seen: &Filtered, track: &str, request: &HeaderMap) -> Result<Response, Error> {
    seen.presentation.whole().await;
    let (index, _) = begun(seen, track).await?;
    let takes = Duration::from_secs(2 * muxed::target_duration(&seen.presentation.served().await?.grid));
    let listed = |window: &Window| muxed::is_listed(window, index);
    let view = seen.wait(Instant::now() + takes, listed).await?;
    let options = MediaOptions {
        low_latency: false,
        skip: None,
        lasting: seen.presentation.lasts(),
        shown: &view.shown,
        query: &seen.query,
    };
    let text = muxed::render_media(&view.window, index, &options)?;
    Ok(respond::text(text, HLS, if view.window.ended { ENDED } else { Keep::Seconds(1) }, request))
}

/// A segment; one that is being made is waited for.
pub async fn segment(
    seen: &Filtered,
    track: &str,
    number: u64,
    request: &HeaderMap,
) -> Result<Response, Error> {
    let window = whole(seen, number).await?;
    let shown = seen.view(&window)?.shown;
    let parts = parts(seen, &window, &shown, track, of(&window, number)).await?;
    if parts.is_empty() {
        return Err(Error::NoMedia("segment"));
    }
    // Multiplexing takes milliseconds, which nobody else is to wait for.
    let made = spawn_blocking(move || multiplex(&parts)).await;
    let made = made.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))?;
    let data = vec![Bytes::from(made)];
    let etag = format!("\"{number}-{:08x}-t{FORMAT}\"", crc(&data));
    Ok(respond::bytes(data, MPEG_TS, seen.presentation.keep(), &etag, request))
}

/// The timeline's segments that a segment is made of.
fn of(window: &Window, number: u64) -> Range<u64> {
    let together = muxed::fragments(&window.grid);
    number.saturating_mul(together)..number.saturating_add(1).saturating_mul(together)
}

/// A window that has all there will be of a segment.
async fn whole(seen: &Filtered, number: u64) -> Result<Arc<Window>, Error> {
    let presentation = &seen.presentation;
    let window = presentation.served().await?;
    let newest = |window: &Window| window.history.last().map(|segment| segment.number);
    let is_whole = |window: &Window| {
        window.ended || newest(window).is_some_and(|newest| newest + 1 >= of(window, number).end)
    };
    let range = of(&window, number);
    if is_whole(&window) {
        // Of a live window whose beginning was in it, the rest is another segment than it was.
        let oldest = window.history.first().map_or(0, |segment| segment.number);
        let cut = if window.ended { range.end <= oldest } else { range.start < oldest };
        return if cut { Err(Error::Gone(number)) } else { Ok(window) };
    }
    let together = range.end - range.start;
    if newest(&window).is_none_or(|newest| range.start > newest + 2 * together) {
        return Err(Error::NoMedia("segment"));
    }
    let takes = Duration::from_nanos((2 * together).saturating_mul(window.grid.segment_nanos()));
    presentation.wait(Instant::now() + takes + HELD, is_whole).await?;
    let window = presentation.served().await?;
    if is_whole(&window) { Ok(window) } else { Err(Error::Late) }
}

/// What is stored of one segment of the timeline.
struct Part {
    layout: Arc<Layout>,
    /// Index of the track, its chunks.
    track: (usize, Vec<Bytes>),
    sound: Option<(usize, Vec<Bytes>)>,
}

async fn parts(
    seen: &Filtered,
    window: &Window,
    shown: &Shown,
    track: &str,
    numbers: Range<u64>,
) -> Result<Vec<Part>, Error> {
    let mut parts = Vec::new();
    for number in numbers {
        let Some(segment) = window.history.get(number).filter(|segment| !segment.gap) else { continue };
        let layout = window.layout_by_id(segment.layout).ok_or(Error::NoInit)?;
        let listed = |index: &usize| shown.shows(layout, *index) && muxed::carries(&layout.tracks[*index]);
        let Some(index) = layout.index_of(track).filter(listed) else { continue };
        let read = async |index: usize| -> Result<_, Error> {
            Ok((index, seen.presentation.segment(window, &layout.tracks[index].name, number).await?))
        };
        let sound = match muxed::sound(shown, layout, index) {
            Some(sound) => Some(read(sound).await?),
            None => None,
        };
        parts.push(Part { layout: Arc::clone(layout), track: read(index).await?, sound });
    }
    Ok(parts)
}

fn multiplex(parts: &[Part]) -> Result<Vec<u8>, Error> {
    let read = parts
        .iter()
        .map(|Part { layout, track, sound }| {
            let sound = sound.as_ref().map(|sound| samples(layout, sound)).transpose()?;
            Ok((samples(layout, track)?, sound))
        })
        .collect::<Result<Vec<_>, Error>>()?;
    let pieces: Vec<_> = read.iter().map(|(track, sound)| piece(track, sound.as_ref())).collect();
    ts::segment(&pieces).map_err(|error| Error::Multiplex(error.to_string()))
}

/// A track and its samples.
type Read<'a> = (&'a Track, Vec<Sample>);

fn piece<'a>(track: &'a Read<'a>, sound: Option<&'a Read<'a>>) -> Piece<'a> {
    fn stream<'a>((track, samples): &'a Read<'a>) -> Stream<'a> {
        Stream { track, samples }
    }
    match (track.0.kind(), sound) {
        (media::Kind::Audio, _) => Piece { video: None, audio: Some(stream(track)) },
        (media::Kind::Video, sound) => Piece { video: Some(stream(track)), audio: sound.map(stream) },
    }
}

fn samples<'a>(layout: &'a Layout, (index, chunks): &(usize, Vec<Bytes>)) -> Result<Read<'a>, Error> {
    let broken = |error: cmaf::Error| Error::Multiplex(error.to_string());
    let init = cmaf::read_init(&layout.init[*index]).map_err(broken)?;
    let mut samples = Vec::new();
    for chunk in chunks {
        samples.extend(cmaf::read_samples(&init.tracks[0], chunk).map_err(broken)?);
    }
    Ok((&layout.tracks[*index], samples))
}
