//! Smooth Streaming: client manifests, and fragments whose heads are made on request before the samples as they are stored.

use std::sync::Arc;

use axum::{http::HeaderMap, response::Response};
use bytes::Bytes;
use cmaf::SampleInfo;
use media::{Break, NANOS, Track, Window};
use package::{
    filter::Shown,
    protection::protection_header,
    route::{Fragment, Share},
    smooth::{self, LOOK_AHEAD, Options, TIMESCALE},
};
use protect::Sealed;
use tokio::time::Instant;
use transmux::smooth::{Encrypted, Entry, Time, head};

use crate::{
    error::Error,
    manifest::{ENDED, FIRST_PART, Filtered},
    media_bytes::crc,
    presentation::{Coming, Presentation, Visit},
    respond::{self, Keep},
    seal::Seal,
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
    let text = seen.text(&format!("smooth {legacy}"), &view, || {
        let (reach, protection) = (seen.presentation.reach(), &seen.protection(protection_header));
        smooth::render(&view.window, &view.shown, &Options { repeats: !legacy, reach, protection })
    })?;
    Ok(respond::text(&text, MANIFEST, if view.window.ended { ENDED } else { Keep::Seconds(1) }, request))
}

/// A fragment, or a share of it; one that comes next is waited for.
pub async fn fragment(seen: &Visit, wanted: &Fragment, request: &HeaderMap) -> Result<Response, Error> {
    if *wanted.stream == *smooth::BREAKS {
        return ad_break(seen, wanted, request).await;
    }
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
    let crc = crc(&chunks);
    let seal = seen.seal.as_ref();
    let pieces = pieces(&chunks, wanted.share, number, (track, seal), &next)?;
    let tag = seal.map(Seal::tag).unwrap_or_default();
    let etag = format!("\"{number}-{crc:08x}-{:?}{}-m{FORMAT}{tag}\"", wanted.share, next.len());
    let content_type = if wanted.share == Share::Raw { "application/octet-stream" } else { "video/mp4" };
    Ok(respond::bytes(pieces, content_type, seen.keep(), &etag, request))
}

/// A fragment of the stream of ad breaks: the section of SCTE-35 as its only sample.
async fn ad_break(seen: &Visit, wanted: &Fragment, request: &HeaderMap) -> Result<Response, Error> {
    let window = seen.served().await?;
    let of = |shown: &&Break| smooth::Fragment::of_break(shown).start == wanted.time;
    let shown = window.breaks.iter().find(of).ok_or(Error::NoMedia("fragment"))?;
    let smooth::Fragment { start, duration, .. } = smooth::Fragment::of_break(shown);
    let entry = Entry {
        decode_time: start,
        duration: u32::try_from(duration).unwrap_or(u32::MAX),
        composition_offset: 0,
        sync: true,
        size: u32::try_from(shown.out.len()).unwrap_or(u32::MAX),
    };
    let head = head(shown.number, TIMESCALE, &[entry], &[], &[])
        .map_err(|error| Error::Multiplex(error.to_string()))?;
    let etag = format!("\"{}-{duration}-{:?}-m{FORMAT}\"", shown.number, wanted.share);
    let pieces = shared(head, vec![shown.out.clone()], wanted.share);
    // Its end may still change.
    Ok(respond::bytes(pieces, "video/mp4", Keep::Seconds(1), &etag, request))
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

/// What is sent: nothing of samples in the clear is copied.
fn pieces(
    chunks: &[Bytes],
    share: Share,
    number: u64,
    track: (&Track, Option<&Seal>),
    next: &[Time],
) -> Result<Vec<Bytes>, Error> {
    let (track, sealed) = (track.0, track.1.and_then(|seal| seal.short(track.0)));
    let (mut entries, mut encrypted, mut payload) = (Vec::new(), Vec::new(), Vec::new());
    for bytes in chunks {
        for chunk in cmaf::read_segment(bytes).map_err(|error| Error::Multiplex(error.to_string()))? {
            let samples = chunk.samples.iter().filter(|sample| share != Share::KeyFrame || sample.sync);
            let samples: Vec<_> =
                samples.take(if share == Share::KeyFrame { 1 } else { usize::MAX }).collect();
            let (Some(first), Some(last)) = (samples.first(), samples.last()) else { continue };
            let data = bytes.slice(first.payload.start..last.payload.end);
            payload.push(match &sealed {
                None => data,
                Some(sealed) => seal_samples(sealed, &data, &samples, &mut encrypted)?,
            });
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
    let head = head(number as u32, track.timescale, &entries, next, &encrypted)
        .map_err(|error| Error::Multiplex(error.to_string()))?;
    Ok(shared(head, payload, share))
}

/// The share of a fragment.
fn shared(mut head: Vec<u8>, payload: Vec<Bytes>, share: Share) -> Vec<Bytes> {
    match share {
        Share::Raw => payload,
        Share::Info => {
            head.truncate(head.len() - MDAT);
            vec![head.into()]
        }
        Share::Whole | Share::KeyFrame => std::iter::once(head.into()).chain(payload).collect(),
    }
}

/// Samples that lie behind one another, encrypted.
fn seal_samples(
    sealed: &Sealed<'_>,
    data: &[u8],
    samples: &[&SampleInfo],
    encrypted: &mut Vec<Encrypted>,
) -> Result<Bytes, Error> {
    let mut out = data.to_vec();
    let mut at = 0;
    for sample in samples {
        let own = &mut out[at..at + sample.payload.len()];
        at += own.len();
        let plan = sealed.plan(sample.decode_time, own)?;
        sealed.encrypt(own, &plan);
        let iv = plan.iv.and_then(|iv| iv.first_chunk().copied()).unwrap_or_default();
        encrypted.push(Encrypted { iv, subsamples: plan.subsamples });
    }
    Ok(out.into())
}
