//! Playlists and manifests, rendered from the window on request.

use std::{sync::Arc, time::Duration};

use axum::{http::HeaderMap, response::Response};
use media::Window;
use package::{
    dash::{self, Zero},
    filter::{self, Filter, View},
    hls::{self, MediaOptions, Reload},
    protection::{self, Protection},
    route::{Awaited, Directives, Level, Source, Timeline, Token},
    smooth,
};
use tokio::time::Instant;

use crate::{
    error::Error,
    presentation::Visit,
    respond::{self, Keep, Text},
    seal::Seal,
    subtitles, thumbnails,
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
    pub presentation: Visit,
    pub filters: Vec<Filter>,
    /// The query that carries the filters and the token on to other playlists and manifests.
    pub query: String,
    /// The query that carries the filters on to media.
    pub media_query: String,
    pub token: Option<Token>,
}

impl Filtered {
    /// What they leave of a window.
    pub fn view(&self, window: &Window) -> Result<View, Error> {
        let filters: Vec<&Filter> = self.filters.iter().collect();
        Ok(filter::combine(window, &filters)?)
    }

    /// What its manifests say of encryption, as `write` puts it; nothing of what is in the clear.
    pub fn protection(&self, write: impl FnOnce(&Protection) -> String) -> String {
        let seal = self.presentation.seal.as_ref();
        seal.map_or_else(String::new, |seal| write(&seal.protection(self.token.as_ref())))
    }

    /// A text of a view: rendered once for all who ask for the same. Who has a token has texts of his own.
    pub fn text(
        &self,
        name: &str,
        view: &View,
        render: impl FnOnce() -> Result<String, package::Error>,
    ) -> Result<Arc<Text>, Error> {
        if self.token.is_some() {
            return Ok(Arc::new(Text::new(render()?)));
        }
        let seal = self.presentation.seal.as_ref().map(Seal::tag).unwrap_or_default();
        let lasting = self.presentation.lasts();
        self.presentation.shelf().text(format!("{name} {lasting} {seal} {}", self.query), view, render)
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
    let keys = seen.protection(protection::session_keys);
    let lines = seen.presentation.hints().lines() + &keys;
    let subtitles = seen.presentation.seal.is_none();
    let options = hls::MasterOptions { query: &seen.query, lines: &lines, subtitles };
    let text = Text::new(hls::render_master(&window, &shown, &options)?);
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
    let begun = begun(seen, track).await?;
    reloading(seen, "media.m3u8", begun, (directives, hls::render_media), request).await
}

/// The Media Playlist of captions that are given as subtitles, too, held back like that of the pictures.
pub async fn subtitles(
    seen: &Filtered,
    service: &str,
    directives: Directives,
    request: &HeaderMap,
) -> Result<Response, Error> {
    seen.presentation.whole().await;
    let view = seen.wait(Instant::now() + FIRST_PART, |window| window.layout().is_some()).await?;
    let (_, pictures) = subtitles::named(&view.window, service)?;
    let begun = begun(seen, &pictures.name).await?;
    reloading(seen, "subtitles.m3u8", begun, (directives, hls::render_subtitles), request).await
}

/// Where the Media Playlist of a quality level is.
pub async fn level(seen: &Filtered, source: &Source, level: &Level) -> Result<Response, Error> {
    let View { window, shown } =
        seen.wait(Instant::now() + FIRST_PART, |window| window.layout().is_some()).await?;
    let layout = window.layout().ok_or(package::Error::NoLayout)?;
    let track = smooth::track(layout, &shown, &level.stream, level.bitrate);
    let track = track.ok_or_else(|| Error::NoTrack(level.stream.to_string()))?;
    let path = level.path(source, &layout.tracks[track].name);
    Ok(respond::elsewhere(&match &*seen.query {
        "" => path,
        query => format!("{path}?{query}"),
    }))
}

/// How a playlist of a track is rendered.
type Render = fn(&Window, usize, &MediaOptions<'_>) -> Result<String, package::Error>;

/// A playlist of a track that has begun, once it has what the directives ask for.
async fn reloading(
    seen: &Filtered,
    name: &str,
    (index, mut view): (usize, View),
    (directives, render): (Directives, Render),
    request: &HeaderMap,
) -> Result<Response, Error> {
    let target = hls::target_duration(&view.window.grid);
    let mut keep = Keep::Seconds((target / 2).max(1));
    if let Some(awaited) = directives.reload {
        view = reload(seen, index, awaited, Duration::from_secs(3 * target)).await?;
        keep = Keep::Seconds(BLOCKING_LIFE * target);
    }
    let (skip, lasting, query) = (directives.skip, seen.presentation.lasts(), &seen.query);
    let low_latency = !seen.presentation.seal.as_ref().is_some_and(Seal::is_of_whole_segments);
    let text = seen.text(&format!("{index} {name} {skip:?}"), &view, || {
        let keys = &seen.protection(protection::media_keys);
        let options = MediaOptions { low_latency, skip, lasting, shown: &view.shown, query, keys };
        render(&view.window, index, &options)
    })?;
    Ok(respond::text(&text, HLS, if view.window.ended { ENDED } else { keep }, request))
}

/// The I-frame Media Playlist of a track of pictures.
pub async fn key_frames(seen: &Filtered, track: &str, request: &HeaderMap) -> Result<Response, Error> {
    seen.presentation.whole().await;
    let (index, view) = begun(seen, track).await?;
    let target = hls::target_duration(&view.window.grid);
    let (lasting, query) = (seen.presentation.lasts(), &seen.query);
    let text = seen.text(&format!("{index} iframes.m3u8"), &view, || {
        let (keys, shown) = (&seen.protection(protection::media_keys), &view.shown);
        let options = MediaOptions { low_latency: false, skip: None, lasting, shown, query, keys };
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
        // By its address, who watches is told from who begins.
        None => (Zero::Epoch, Some(seen.location())),
        Some(_) if window.ended && timeline == Timeline::OfItsOwn => (Zero::Media, None),
        Some(zero) => (Zero::At(zero), Some(seen.location())),
    };
    let (location, protection) = (location.as_deref(), &seen.protection(protection::content_protection));
    let hints = seen.presentation.hints();
    let steering = hints.steering.as_deref();
    let thumbnails = if window.ended { thumbnails::album(&seen.presentation).await } else { None };
    let options = dash::Options {
        zero,
        location,
        steering,
        protection,
        thumbnails,
        ..dash::Options::low_latency(&window.grid)
    };
    let text = Text::new(dash::render(&window, &shown, now, &options)?);
    Ok(respond::text(&text, DASH, if window.ended { ENDED } else { Keep::Seconds(1) }, request))
}

/// The DASH manifest of an asset that has ended, with a file for each stretch of a track.
pub async fn on_demand(seen: &Filtered, now: u64, request: &HeaderMap) -> Result<Response, Error> {
    let View { window, shown } = seen.view(&*seen.presentation.window().await?)?;
    if !window.ended || !seen.presentation.lasts() {
        return Err(Error::NoMedia("manifest"));
    }
    let thumbnails = thumbnails::album(&seen.presentation).await;
    let options = dash::Options {
        zero: Zero::Media,
        on_demand: true,
        thumbnails,
        ..dash::Options::plain(&window.grid)
    };
    let text = Text::new(dash::render(&window, &shown, now, &options)?);
    Ok(respond::text(&text, DASH, ENDED, request))
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
