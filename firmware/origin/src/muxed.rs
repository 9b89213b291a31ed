//! HLS version 3: playlists, and segments of MPEG-TS that are multiplexed on request.

use std::{ops::Range, sync::Arc, time::Duration};

use axum::{http::HeaderMap, response::Response};
use bytes::Bytes;
use media::{Grid, Window};
use package::{
    filter::View,
    hls::{
        MediaOptions,
        muxed::{self, MasterOptions},
    },
    protection,
    route::Place,
};
use tokio::time::Instant;
use transmux::ts;

use crate::{
    error::Error,
    manifest::{ENDED, FIRST_PART, Filtered, HLS, begun},
    media_bytes::crc,
    presentation::{Coming, Presentation},
    respond::{self, Keep, Text},
    samples,
};

/// Raised when the same samples become other bytes, so that no cache mixes the two.
const FORMAT: u32 = 1;
const MPEG_TS: &str = "video/mp2t";

/// The Multivariant Playlist.
pub async fn master(
    seen: &Filtered,
    audio_only: bool,
    place: Place,
    request: &HeaderMap,
) -> Result<Response, Error> {
    let View { window, shown } =
        seen.wait(Instant::now() + FIRST_PART, |window| window.layout().is_some()).await?;
    let folder = if place == Place::Folder { "ts/" } else { "" };
    let options = MasterOptions { audio_only, folder, query: &seen.query };
    let text = Text::new(muxed::render_master(&window, &shown, &options)?);
    Ok(respond::text(&text, HLS, Keep::Seconds(1), request))
}

/// A Media Playlist.
pub async fn media(seen: &Filtered, track: &str, request: &HeaderMap) -> Result<Response, Error> {
    seen.presentation.whole().await;
    let (index, _) = begun(seen, track).await?;
    let takes = Duration::from_secs(2 * muxed::target_duration(&seen.presentation.served().await?.grid));
    let listed = |window: &Window| muxed::is_listed(window, index);
    let view = seen.wait(Instant::now() + takes, listed).await?;
    let (lasting, query) = (seen.presentation.lasts(), &seen.media_query);
    let text = seen.text(&format!("{index} ts/media.m3u8"), &view, || {
        let (keys, shown) = (&seen.protection(protection::media_keys), &view.shown);
        let options = MediaOptions { low_latency: false, skip: None, lasting, shown, query, keys };
        muxed::render_media(&view.window, index, &options)
    })?;
    Ok(respond::text(&text, HLS, if view.window.ended { ENDED } else { Keep::Seconds(1) }, request))
}

/// A segment; one that is being made is waited for.
pub async fn segment(
    seen: &Filtered,
    track: &str,
    number: u64,
    request: &HeaderMap,
) -> Result<Response, Error> {
    let window = whole(&seen.presentation, number).await?;
    let shown = seen.view(&window)?.shown;
    let stored = samples::stored(seen, &window, &shown, track, of(&window.grid, number)).await?;
    if stored.is_empty() {
        return Err(Error::NoMedia("segment"));
    }
    let tags = samples::tags(&stored)?;
    let made = samples::multiplex(stored, move |pieces| ts::segment(pieces, &tags)).await?;
    let data = match &seen.presentation.seal {
        None => vec![Bytes::from(made)],
        Some(seal) => seal.whole(vec![made.into()]),
    };
    let etag = format!("\"{number}-{:08x}-t{FORMAT}\"", crc(&data));
    Ok(respond::bytes(data, MPEG_TS, seen.presentation.keep(), &etag, request))
}

/// The timeline's segments that a segment is made of.
fn of(grid: &Grid, number: u64) -> Range<u64> {
    let together = muxed::fragments(grid);
    number.saturating_mul(together)..number.saturating_add(1).saturating_mul(together)
}

/// A window that has all there will be of a segment.
async fn whole(seen: &Presentation, number: u64) -> Result<Arc<Window>, Error> {
    let grid = seen.served().await?.grid;
    let range = of(&grid, number);
    let together = range.end - range.start;
    let window = match seen.reaching(range.end.saturating_sub(1), 3 * together).await? {
        Coming::There(window) => window,
        Coming::TooFar => return Err(Error::NoMedia("segment")),
        Coming::Late => return Err(Error::Late),
    };
    // Of a live window whose beginning was in it, the rest is another segment than it was.
    let oldest = window.history.first().map_or(0, |segment| segment.number);
    let cut = if window.ended { range.end <= oldest } else { range.start < oldest };
    if cut { Err(Error::Gone(number)) } else { Ok(window) }
}
