//! Adobe HTTP Dynamic Streaming: manifest, bootstraps, and fragments that are made on request.

use axum::{http::HeaderMap, response::Response};
use bytes::Bytes;
use media::{Window, rescale};
use package::{
    filter::View,
    hds::{self, Clock, Options},
    route::Place,
};
use tokio::time::Instant;
use transmux::f4f;

use crate::{
    error::Error,
    manifest::{ENDED, FIRST_PART, Filtered, begun},
    media_bytes::crc,
    presentation::{Coming, Presentation},
    respond::{self, Keep, Text},
    samples,
};

/// Raised when the same samples become other bytes, so that no cache mixes the two.
const FORMAT: u32 = 1;
const MANIFEST: &str = "application/f4m+xml";
const BOOTSTRAP: &str = "video/abst";
const FRAGMENT: &str = "video/f4f";
/// Fragments so far ahead of the live edge are waited for.
const AHEAD: u64 = 2;

/// The manifest.
pub async fn manifest(seen: &Filtered, place: Place, request: &HeaderMap) -> Result<Response, Error> {
    seen.presentation.whole().await;
    let has_some = |window: &Window| !window.history.is_empty();
    let View { window, shown } = seen.wait(Instant::now() + FIRST_PART, has_some).await?;
    let folder = if place == Place::Folder { "hds/" } else { "" };
    let (clock, reach) = (clock(&seen.presentation), seen.presentation.reach());
    let options = Options { clock, reach, folder, query: &seen.query };
    let text = Text::new(hds::render(&window, &shown, &options)?);
    Ok(respond::text(&text, MANIFEST, if window.ended { ENDED } else { Keep::Seconds(1) }, request))
}

/// The bootstrap of a track.
pub async fn bootstrap(seen: &Filtered, track: &str, request: &HeaderMap) -> Result<Response, Error> {
    seen.presentation.whole().await;
    let (index, View { window, shown }) = begun(seen, track).await?;
    let data = hds::bootstrap(&window, index, &shown, clock(&seen.presentation))?;
    let keep = if window.ended { ENDED } else { Keep::Seconds(1) };
    let data = vec![Bytes::from(data)];
    let etag = format!("\"{:08x}\"", crc(&data));
    Ok(respond::bytes(data, BOOTSTRAP, keep, &etag, request))
}

/// A fragment; one that comes next is waited for.
pub async fn fragment(
    seen: &Filtered,
    track: &str,
    fragment: u32,
    request: &HeaderMap,
) -> Result<Response, Error> {
    let clock = clock(&seen.presentation);
    let number = clock.segment(fragment);
    let Coming::There(window) = seen.presentation.reaching(number, AHEAD).await? else {
        return Err(Error::Hole);
    };
    let oldest = window.history.first().map_or(0, |segment| segment.number);
    if number < oldest {
        return Err(Error::NoMedia("fragment"));
    }
    let shown = seen.view(&window)?.shown;
    let layout = window.layout().ok_or(package::Error::NoLayout)?;
    layout.index_of(track).ok_or_else(|| Error::NoTrack(track.to_owned()))?;
    let zero = zero(&window, track, number, clock).ok_or(Error::Hole)?;
    let stored = samples::stored(seen, &window, &shown, track, number..number + 1).await?;
    if stored.is_empty() {
        return Err(Error::Hole);
    }
    let made = samples::multiplex(stored, move |pieces| f4f::fragment(pieces, zero)).await?;
    let data = vec![Bytes::from(made)];
    let etag = format!("\"{number}-{:08x}-f{FORMAT}\"", crc(&data));
    Ok(respond::bytes(data, FRAGMENT, seen.presentation.keep(), &etag, request))
}

fn clock(seen: &Presentation) -> Clock {
    match (seen.asset(), seen.zero()) {
        (Some(asset), Some(zero)) => Clock::since(asset.begun, zero),
        _ => Clock::EPOCH,
    }
}

/// What the times of a segment's fragment are counted from, in milliseconds since the epoch; none where there is no such one.
fn zero(window: &Window, track: &str, number: u64, clock: Clock) -> Option<u64> {
    let segment = window.history.get(number).filter(|segment| !segment.gap)?;
    let layout = window.layout_by_id(segment.layout)?;
    let index = layout.index_of(track)?;
    let timescale = layout.tracks[index].timescale;
    let span = segment.span(index, &window.grid, timescale)?;
    Some(clock.origin(rescale(span.start, timescale, hds::TIMESCALE)))
}
