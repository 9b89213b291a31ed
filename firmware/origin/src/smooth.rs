//! Smooth Streaming: client manifests, and fragments whose heads are made on request before the samples as they are stored.

use std::sync::Arc;

use axum::{http::HeaderMap, response::Response};
use bytes::Bytes;
use media::{NANOS, Window};
use package::{
    filter::Shown,
    route::{Fragment, Share},
    smooth::{self, LOOK_AHEAD, Options, TIMESCALE},
};
use tokio::time::Instant;
use transmux::smooth::{Entry, Time, head};

use crate::{
    error::Error,
    manifest::{ENDED, FIRST_PART, Filtered},
    media_bytes::crc,
    presentation::{Coming, Presentation},
    respond::{self, Keep},
};

/// Raised when the same samples get another head, so that no cache mixes the two.
const FORMAT: u32 = 1;
const MANIFEST: &str = "application/vnd.ms-sstr+xml";
/// The head of an `mdat`, which ends a fragment's own.
const MDAT: usize = 8;

/// The client manifest.
pub async fn manifest(seen: &Filtered, legacy: bool, request: &HeaderMap) -> Result<Response, Error> {
    seen.presentation.whole().await;
    let has_some = |window: &Window| window.history.len() > LOOK_AHEAD;
    let view = seen.wait(Instant::now() + FIRST_PART, has_some).await?;
    let options = Options { repeats: !legacy, reach: seen.presentation.reach() };
    let name = format!("smooth {legacy} {}", seen.query);
    let text = seen
        .presentation
        .shelf()
        .text(name, &view, || smooth::render(&view.window, &view.shown, &options))?;
    Ok(respond::text(&text, MANIFEST, if view.window.ended { ENDED } else { Keep::Seconds(1) }, request))
}

/// A fragment, or a share of it; one that comes next is waited for.
pub async fn fragment(
    seen: &Presentation,
    wanted: &Fragment,
    request: &HeaderMap,
) -> Result<Response, Error> {
    let (window, number) = there(seen, wanted.time).await?;
    let oldest = window.history.first().map_or(0, |segment| segment.number);
    if number < oldest {
        return Err(Error::NoMedia("fragment"));
    }
    let segment = window.history.get(number).filter(|segment| !segment.gap).ok_or(Error::Missing)?;
    let layout = window.layout_by_id(segment.layout).ok_or(Error::NoInit)?;
    let shown = Shown::all();
    let index = smooth::track(layout, &shown, &wanted.stream, wanted.bitrate)
        .ok_or_else(|| Error::NoTrack(wanted.stream.to_string()))?;
    let track = &layout.tracks[index];
    let span = segment.span(index, &window.grid, track.timescale).ok_or(Error::Missing)?;
    if media::rescale(span.start, track.timescale, TIMESCALE) != wanted.time {
        return Err(Error::Missing);
    }
    let chunks = seen.segment(&window, &track.name, number).await?;
    // What has ended is listed whole.
    let next = if window.ended { Vec::new() } else { smooth::following(&window, track, number) };
    let next: Vec<_> = next.iter().map(|next| Time { start: next.start, duration: next.duration }).collect();
    let etag = format!("\"{number}-{:08x}-{:?}{}-m{FORMAT}\"", crc(&chunks), wanted.share, next.len());
    let pieces = pieces(&chunks, wanted.share, number, track.timescale, &next)?;
    let content_type = if wanted.share == Share::Raw { "application/octet-stream" } else { "video/mp4" };
    Ok(respond::bytes(pieces, content_type, seen.keep(), &etag, request))
}

/// The number of the fragment that begins at `time`, and a window that has it with those that it tells of.
async fn there(seen: &Presentation, time: u64) -> Result<(Arc<Window>, u64), Error> {
    let grid = seen.served().await?.grid;
    // A tick of the fragment may be rounded down to before the line.
    let nanos = time.saturating_add(1).saturating_mul(NANOS / u64::from(TIMESCALE));
    let number = grid.position(nanos, NANOS as u32).segment;
    let told = LOOK_AHEAD as u64;
    match seen.reaching(number + told, 2 * (1 + told)).await? {
        Coming::There(window) => Ok((window, number)),
        Coming::TooFar | Coming::Late => Err(Error::Missing),
    }
}

/// What is sent: nothing of the samples is copied.
fn pieces(
    chunks: &[Bytes],
    share: Share,
    number: u64,
    timescale: u32,
    next: &[Time],
) -> Result<Vec<Bytes>, Error> {
    let (mut entries, mut payload) = (Vec::new(), Vec::new());
    for bytes in chunks {
        for chunk in cmaf::read_segment(bytes).map_err(|error| Error::Multiplex(error.to_string()))? {
            let samples = chunk.samples.iter().filter(|sample| share != Share::KeyFrame || sample.sync);
            let samples: Vec<_> =
                samples.take(if share == Share::KeyFrame { 1 } else { usize::MAX }).collect();
            let (Some(first), Some(last)) = (samples.first(), samples.last()) else { continue };
            payload.push(bytes.slice(first.payload.start..last.payload.end));
            entries.extend(samples.iter().map(|sample| Entry {
                decode_time: sample.decode_time,
                duration: sample.duration,
                composition_offset: sample.composition_offset,
                sync: sample.sync,
                size: u32::try_from(sample.payload.len()).unwrap_or(u32::MAX),
            }));
        }
        if share == Share::KeyFrame && !entries.is_empty() {
            break;
        }
    }
    // Sequence numbers have 32 bits: the low ones tell neighbours apart.
    let mut head = head(number as u32, timescale, &entries, next)
        .map_err(|error| Error::Multiplex(error.to_string()))?;
    Ok(match share {
        Share::Raw => payload,
        Share::Info => {
            head.truncate(head.len() - MDAT);
            vec![head.into()]
        }
        Share::Whole | Share::KeyFrame => std::iter::once(head.into()).chain(payload).collect(),
    })
}
