//! Playlists and manifests, rendered from the window on request.

use std::time::Duration;

use axum::{http::HeaderMap, response::Response};
use media::Window;
use package::{
    dash,
    hls::{self, MediaOptions, Reload},
    route::{Awaited, Directives},
};
use store::Reader;
use tokio::time::Instant;

use crate::{
    error::Error,
    respond::{self, Keep},
};

const HLS: &str = "application/vnd.apple.mpegurl";
const DASH: &str = "application/dash+xml";

/// A viewer who comes before the first part waits this long for it.
const FIRST_PART: Duration = Duration::from_secs(3);

/// How long a playlist may be kept, in Target Durations (RFC 8216bis, B.1): blocking answers six, others half of one.
const BLOCKING_LIFE: u64 = 6;
/// An ended playlist changes no more until the channel begins again, under the same address.
const ENDED: Keep = Keep::Seconds(1);

/// The Multivariant Playlist.
pub async fn master(reader: &Reader, request: &HeaderMap) -> Result<Response, Error> {
    let window = reader.wait(Instant::now() + FIRST_PART, |window| window.layout().is_some()).await;
    let keep = Keep::Seconds(hls::target_duration(&window.grid));
    Ok(respond::text(hls::render_master(&window)?, HLS, keep, request))
}

/// A Media Playlist, held back until it has what the directives ask for.
pub async fn media(
    reader: &Reader,
    track: &str,
    directives: Directives,
    request: &HeaderMap,
) -> Result<Response, Error> {
    reader.whole().await;
    let (index, window) = begun(reader, track).await?;
    let target = hls::target_duration(&window.grid);
    let (window, keep) = match directives.reload {
        Some(awaited) => {
            let window = reload(reader, index, awaited, Duration::from_secs(3 * target)).await?;
            (window, Keep::Seconds(BLOCKING_LIFE * target))
        }
        None => (window, Keep::Seconds((target / 2).max(1))),
    };
    let options = MediaOptions { low_latency: true, skip: directives.skip };
    let text = hls::render_media(&window, index, &options)?;
    Ok(respond::text(text, HLS, if window.ended { ENDED } else { keep }, request))
}

/// The DASH manifest.
pub async fn dash(reader: &Reader, now: u64, request: &HeaderMap) -> Result<Response, Error> {
    reader.whole().await;
    let has_parts =
        |window: &Window| window.edge.iter().any(|edge| !edge.is_empty()) || !window.history.is_empty();
    let window = reader.wait(Instant::now() + FIRST_PART, has_parts).await;
    let text = dash::render(&window, now, &dash::Options::low_latency(&window.grid))?;
    Ok(respond::text(text, DASH, if window.ended { ENDED } else { Keep::Seconds(1) }, request))
}

/// The index of a track in the current layout, once the track has a part.
async fn begun(reader: &Reader, track: &str) -> Result<(usize, std::sync::Arc<Window>), Error> {
    let listed = |window: &Window| {
        let index = window.layout().and_then(|layout| layout.index_of(track));
        index.is_some_and(|index| window.last_part(index).is_some()) || !window.history.is_empty()
    };
    let window = reader.wait(Instant::now() + FIRST_PART, listed).await;
    let layout = window.layout().ok_or(package::Error::NoLayout)?;
    let index = layout.index_of(track).ok_or_else(|| Error::NoTrack(track.to_owned()))?;
    Ok((index, window))
}

/// The first window that has what is awaited.
async fn reload(
    reader: &Reader,
    index: usize,
    awaited: Awaited,
    patience: Duration,
) -> Result<std::sync::Arc<Window>, Error> {
    let judge = |window: &Window| hls::validate_reload(window, index, awaited.msn, awaited.part);
    let settled = |window: &Window| !matches!(judge(window), Ok(Reload::Wait { .. }));
    let window = reader.wait(Instant::now() + patience, settled).await;
    match judge(&window)? {
        Reload::Ready => Ok(window),
        Reload::TooFar => Err(Error::TooFar),
        Reload::Wait { .. } => Err(Error::Late),
    }
}
