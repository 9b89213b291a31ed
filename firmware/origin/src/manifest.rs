//! Playlists and manifests, rendered from the window on request.

use std::{sync::Arc, time::Duration};

use axum::{http::HeaderMap, response::Response};
use media::Window;
use package::{
    dash::{self, Zero},
    filter::{self, Filter, View},
    hls::{self, MediaOptions, Reload},
    route::{Awaited, Directives, Timeline},
};
use tokio::time::Instant;

use crate::{
    error::Error,
    presentation::Presentation,
    respond::{self, Keep, Text},
};

pub const HLS: &str = "application/vnd.apple.mpegurl";
const DASH: &str = "application/dash+xml";

/// A viewer who comes before the first part waits this long for it.
pub const FIRST_PART: Duration = Duration::from_secs(3);

/// How long a playlist may be kept, in Target Durations (RFC 8216bis, B.1): blocking answers six, others half of one.
const BLOCKING_LIFE: u64 = 6;
/// An ended playlist changes no more until the channel begins again, under the same address.
pub const ENDED: Keep = Keep::Seconds(1);

/// A presentation as one request sees it: through the filters that it names.
pub struct Filtered {
    pub presentation: Presentation,
    pub filters: Vec<Filter>,
    /// The query that carries the filters on to what a playlist leads to.
    pub query: String,
}

impl Filtered {
    /// What they leave of a window.
    pub fn view(&self, window: &Window) -> Result<View, Error> {
        let filters: Vec<&Filter> = self.filters.iter().collect();
        Ok(filter::combine(window, &filters)?)
    }

    /// Where a live viewer of the manifest finds the next one: on the same timeline, also when it has ended.
    fn location(&self) -> String {
        match &*self.query {
            "" => "manifest.mpd?timeline=live".to_owned(),
            query => format!("manifest.mpd?{query}&timeline=live"),
        }
    }

    /// The first view that satisfies `until`, or the last one at the deadline.
    pub async fn wait(&self, deadline: Instant, until: impl Fn(&Window) -> bool) -> Result<View, Error> {
        let fits = |window: &Window| self.view(window).is_ok_and(|view| until(&view.window));
        let window: Arc<Window> = self.presentation.wait(deadline, fits).await?;
        self.view(&window)
    }
}

/// The Multivariant Playlist.
pub async fn master(seen: &Filtered, request: &HeaderMap) -> Result<Response, Error> {
    let View { window, shown } =
        seen.wait(Instant::now() + FIRST_PART, |window| window.layout().is_some()).await?;
    let keep = Keep::Seconds(hls::target_duration(&window.grid));
    let text = Text::new(hls::render_master(&window, &shown, &seen.query)?);
    Ok(respond::text(&text, HLS, keep, request))
}

/// A Media Playlist, held back until it has what the directives ask for.
pub async fn media(
    seen: &Filtered,
    track: &str,
    directives: Directives,
    request: &HeaderMap,
) -> Result<Response, Error> {
    seen.presentation.whole().await;
    let (index, mut view) = begun(seen, track).await?;
    let target = hls::target_duration(&view.window.grid);
    let mut keep = Keep::Seconds((target / 2).max(1));
    if let Some(awaited) = directives.reload {
        view = reload(seen, index, awaited, Duration::from_secs(3 * target)).await?;
        keep = Keep::Seconds(BLOCKING_LIFE * target);
    }
    let (skip, lasting, query) = (directives.skip, seen.presentation.lasts(), &seen.query);
    let name = format!("{index} media.m3u8 {skip:?} {lasting} {query}");
    let text = seen.presentation.shelf().text(name, &view, || {
        let options = MediaOptions { low_latency: true, skip, lasting, shown: &view.shown, query };
        hls::render_media(&view.window, index, &options)
    })?;
    Ok(respond::text(&text, HLS, if view.window.ended { ENDED } else { keep }, request))
}

/// The I-frame Media Playlist of a track of pictures.
pub async fn key_frames(seen: &Filtered, track: &str, request: &HeaderMap) -> Result<Response, Error> {
    seen.presentation.whole().await;
    let (index, view) = begun(seen, track).await?;
    let target = hls::target_duration(&view.window.grid);
    let (lasting, query) = (seen.presentation.lasts(), &seen.query);
    let name = format!("{index} iframes.m3u8 {lasting} {query}");
    let text = seen.presentation.shelf().text(name, &view, || {
        let options = MediaOptions { low_latency: false, skip: None, lasting, shown: &view.shown, query };
        hls::render_key_frames(&view.window, index, &options)
    })?;
    let keep = if view.window.ended { ENDED } else { Keep::Seconds((target / 2).max(1)) };
    Ok(respond::text(&text, HLS, keep, request))
}

/// The DASH manifest.
pub async fn dash(
    seen: &Filtered,
    timeline: Timeline,
    now: u64,
    request: &HeaderMap,
) -> Result<Response, Error> {
    seen.presentation.whole().await;
    let has_parts =
        |window: &Window| window.edge.iter().any(|edge| !edge.is_empty()) || !window.history.is_empty();
    let View { window, shown } = seen.wait(Instant::now() + FIRST_PART, has_parts).await?;
    let (zero, location) = match seen.presentation.zero() {
        None => (Zero::Epoch, None),
        Some(_) if window.ended && timeline == Timeline::OfItsOwn => (Zero::Media, None),
        Some(zero) => (Zero::At(zero), Some(seen.location())),
    };
    let options =
        dash::Options { zero, location: location.as_deref(), ..dash::Options::low_latency(&window.grid) };
    let text = Text::new(dash::render(&window, &shown, now, &options)?);
    Ok(respond::text(&text, DASH, if window.ended { ENDED } else { Keep::Seconds(1) }, request))
}

/// The index of a track in the current layout, once the track has a part.
pub async fn begun(seen: &Filtered, track: &str) -> Result<(usize, View), Error> {
    // A program begins with a segment that is being made: players want one that is whole.
    let wants_whole = seen.presentation.asset().is_some();
    let listed = |window: &Window| {
        let index = window.layout().and_then(|layout| layout.index_of(track));
        let begun = index.is_some_and(|index| window.last_part(index).is_some()) && !wants_whole;
        begun || !window.history.is_empty()
    };
    let view = seen.wait(Instant::now() + FIRST_PART, listed).await?;
    let layout = view.window.layout().ok_or(package::Error::NoLayout)?;
    let index = layout.index_of(track).ok_or_else(|| Error::NoTrack(track.to_owned()))?;
    Ok((index, view))
}

/// The first view that has what is awaited.
async fn reload(seen: &Filtered, index: usize, awaited: Awaited, patience: Duration) -> Result<View, Error> {
    let judge = |window: &Window| hls::validate_reload(window, index, awaited.msn, awaited.part);
    let settled = |window: &Window| !matches!(judge(window), Ok(Reload::Wait { .. }));
    let view = seen.wait(Instant::now() + patience, settled).await?;
    match judge(&view.window)? {
        Reload::Ready => Ok(view),
        Reload::TooFar => Err(Error::TooFar),
        Reload::Wait { .. } => Err(Error::Late),
    }
}
