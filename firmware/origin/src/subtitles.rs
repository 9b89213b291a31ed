//! Captions of the pictures as subtitles, made on request of a segment's pictures and of those shortly before it.

use std::sync::Arc;

use axum::{http::HeaderMap, response::Response};
use bytes::Bytes;
use cmaf::text;
use media::{Captions, Codec, Coding, Kind, Layout, Track, Window};
use package::route::Subtitles;
use subtitle::{Channel, Cue, MEMORY, read::Picture, sei, webvtt};
use tokio::task::spawn_blocking;

use crate::{
    error::Error,
    hot::{Found, Given, Hot},
    media_bytes,
    presentation::{Coming, Visit},
    respond, samples,
};

const VTT: &str = "text/vtt";
const MP4: &str = "application/mp4";

/// A request for more segments ahead than this is not held: players ask for the one that is being made.
const AHEAD: u64 = 2;

/// Raised when the same pictures would give other bytes.
const FORMAT: u32 = 1;

/// The captions of this name that are given as subtitles, and the first pictures that carry them.
pub fn named<'a>(window: &'a Window, service: &str) -> Result<(&'a Captions, &'a Track), Error> {
    let layout = window.layout().ok_or(package::Error::NoLayout)?;
    let pictures = first_pictures(layout).map(|index| &layout.tracks[index]);
    let captions = pictures.and_then(|pictures| {
        let captions = pictures.captions.iter().find(|captions| captions.service == service);
        Some((captions.filter(|captions| captions.subtitles)?, pictures))
    });
    captions.ok_or_else(|| Error::NoTrack(format!("subtitles/{service}")))
}

/// Anything but the playlist.
pub async fn answer(
    seen: &Visit,
    service: &str,
    file: &Subtitles,
    hot: &Hot,
    request: &HeaderMap,
) -> Result<Response, Error> {
    let window = seen.served().await?;
    let (captions, pictures) = named(&window, service)?;
    let (form, number, part) = match file {
        Subtitles::Playlist(..) | Subtitles::Init => {
            let init = text::init(captions.language.as_deref(), pictures.timescale)?;
            return Ok(respond_with(seen, vec![init], MP4, "init", request));
        }
        Subtitles::WebVtt(number) => (Form::WebVtt, *number, None),
        Subtitles::WebVttPart(number, part) => (Form::WebVtt, *number, Some(*part)),
        Subtitles::Start(time) => {
            (Form::Fragment, window.grid.position(*time, pictures.timescale).segment, None)
        }
    };
    let found = match part {
        None => of_segment(seen, number).await?,
        Some(part) => of_part(seen, number, part).await?,
    };
    let content_type = match form {
        Form::WebVtt => VTT,
        Form::Fragment => MP4,
    };
    let what = format!("{number}{}", part.map_or_else(String::new, |part| format!(".{part}")));
    let key = (seen.id(), format!("subtitles/{service}/{content_type}{part:?}"), number, None);
    let made = hot.segment(key, async { Ok(Found::Ram(vec![make(seen, found, service, form).await?])) });
    let Given::Bytes(made) = made.await?.given() else { return Err(Error::NoMedia("segment")) };
    Ok(respond_with(seen, made, content_type, &what, request))
}

fn respond_with(
    seen: &Visit,
    bytes: Vec<Bytes>,
    content_type: &'static str,
    what: &str,
    request: &HeaderMap,
) -> Response {
    let etag = format!("\"{what}-{:08x}-v{FORMAT}\"", media_bytes::crc(&bytes));
    respond::bytes(bytes, content_type, seen.keep(), &etag, request)
}

#[derive(Clone, Copy)]
enum Form {
    WebVtt,
    /// WebVTT in fragmented MP4.
    Fragment,
}

/// What subtitles are made of.
struct Wanted {
    window: Arc<Window>,
    number: u64,
    /// From where to where, in ticks of pictures.
    ticks: (u64, u64),
    timescale: u32,
    /// The pictures themselves, where they do not make up a segment that is whole.
    open: Option<Pictures>,
}

/// A segment that is whole, or comes next and is waited for.
async fn of_segment(seen: &Visit, number: u64) -> Result<Wanted, Error> {
    let none = || Error::NoMedia("segment");
    let Coming::There(window) = seen.reaching(number, AHEAD).await? else { return Err(none()) };
    let segment = window.history.get(number).filter(|segment| !segment.gap).ok_or_else(none)?;
    let layout = window.layout_by_id(segment.layout).ok_or(Error::NoInit)?;
    let index = first_pictures(layout).ok_or_else(none)?;
    let timescale = layout.tracks[index].timescale;
    let span = segment.span(index, &window.grid, timescale).ok_or_else(none)?;
    let ticks = (span.start, span.start + u64::from(span.duration));
    Ok(Wanted { window, number, ticks, timescale, open: None })
}

/// A part of a segment that has just been made, or comes next and is waited for.
async fn of_part(seen: &Visit, number: u64, part: u32) -> Result<Wanted, Error> {
    let none = || Error::NoMedia("part");
    // Renditions come one after the other.
    media_bytes::with_part(seen, number, part, least_pictures).await?;
    let window = media_bytes::with_part(seen, number, part, first_pictures).await?;
    let layout = window.layout().ok_or_else(none)?;
    let (Some(index), Some(least)) = (first_pictures(layout), least_pictures(layout)) else {
        return Err(none());
    };
    let edge = window.edge_segment(index, number).ok_or_else(none)?;
    let count = part as usize + 1;
    let parts = edge.parts.get(..count).ok_or_else(none)?;
    let end = edge.start + parts.iter().map(|part| u64::from(part.duration)).sum::<u64>();
    let ticks = (end - u64::from(parts[count - 1].duration), end);
    let chunks = (0..=part).map(|part| seen.live_part(least, number, part)).collect::<Option<_>>();
    let open = Pictures { layout: Arc::clone(layout), index: least, chunks: chunks.ok_or_else(none)? };
    let timescale = layout.tracks[index].timescale;
    Ok(Wanted { window, number, ticks, timescale, open: Some(open) })
}

async fn make(seen: &Visit, wanted: Wanted, service: &str, form: Form) -> Result<Bytes, Error> {
    let channel = Channel::of(service).ok_or(Error::NoMedia("subtitle"))?;
    let Wanted { window, number, ticks, timescale, open } = wanted;
    let mut stored = stored(seen, &window, number, open.is_none()).await?;
    stored.extend(open);
    let made = spawn_blocking(move || {
        let pictures = stored.iter().map(Pictures::read).collect::<Result<Vec<_>, Error>>()?;
        let (from, to) = (media::nanos(ticks.0, timescale), media::nanos(ticks.1, timescale));
        let cues = subtitle::read::cues(channel, pictures.into_iter().flatten(), from, to);
        match form {
            Form::WebVtt => Ok(webvtt::segment(&cues, from).into()),
            Form::Fragment => {
                let cues: Vec<_> = cues.iter().flat_map(|cue| in_ticks(cue, timescale)).collect();
                // The low bits of the number tell neighbours apart.
                Ok(text::segment(number as u32, ticks.0, ticks.1, &cues)?)
            }
        }
    });
    made.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
}

fn in_ticks(cue: &Cue, timescale: u32) -> Vec<text::Cue> {
    let (begin, end) = (media::ticks(cue.begin, timescale), media::ticks(cue.end, timescale));
    let payloads = webvtt::payloads(cue).into_iter();
    payloads.map(|(settings, text)| text::Cue { begin, end, settings, text }).collect()
}

/// The pictures of a segment, of the rendition that costs least to read.
struct Pictures {
    layout: Arc<Layout>,
    index: usize,
    chunks: Vec<Bytes>,
}

/// Those of the segments before one that may still stand on its screen, as far as they can be had, and its own where it is whole.
async fn stored(seen: &Visit, window: &Window, number: u64, whole: bool) -> Result<Vec<Pictures>, Error> {
    let before = MEMORY.div_ceil(window.grid.segment_nanos());
    let through = if whole { number } else { number.saturating_sub(1) };
    let mut stored = Vec::new();
    for segment in window.history.slice(number.saturating_sub(before), through).iter() {
        let Some(layout) = window.layout_by_id(segment.layout).filter(|_| !segment.gap) else { continue };
        let Some(index) = least_pictures(layout) else { continue };
        match seen.segment(window, &layout.tracks[index].name, segment.number).await {
            Ok(chunks) => stored.push(Pictures { layout: Arc::clone(layout), index, chunks }),
            Err(error) if segment.number == number => return Err(error),
            Err(_) => {}
        }
    }
    Ok(stored)
}

impl Pictures {
    fn read(&self) -> Result<Vec<Picture>, Error> {
        let track = &self.layout.tracks[self.index];
        let coding = match track.codec {
            Codec::H265 { .. } => Coding::H265,
            Codec::H264 { .. } | Codec::Aac { .. } => Coding::H264,
        };
        let samples = samples::read(&self.layout, self.index, &self.chunks)?;
        let picture = |sample: &media::Sample| Picture {
            at: media::nanos(
                sample.decode_time.saturating_add_signed(sample.composition_offset.into()),
                track.timescale,
            ),
            units: sei::units(coding, &sample.data),
        };
        Ok(samples.iter().map(picture).collect())
    }
}

fn pictures(layout: &Layout) -> impl Iterator<Item = usize> {
    (0..layout.tracks.len()).filter(|&index| layout.tracks[index].kind() == Kind::Video)
}

fn first_pictures(layout: &Layout) -> Option<usize> {
    pictures(layout).next()
}

fn least_pictures(layout: &Layout) -> Option<usize> {
    pictures(layout).min_by_key(|&index| layout.tracks[index].bitrate)
}
