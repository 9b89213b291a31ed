//! HTTP for viewers: every playlist, manifest, segment and part is rendered or cut from one window on request.
//!
//! | request | answer | module |
//! |---|---|---|
//! | playlists and manifests | text, gzip, ETag, blocking reload | [`manifest`] |
//! | `download.mp4` of an asset | planned, then sent while it is read; ranges | [`download`](mod@download) |
//! | thumbnails of an asset | WebVTT and sheets | [`thumbnails`] |
//! | init segments, segments, parts | bytes, ranges, immutable; what is being made comes as it is made | [`media_bytes`] |
//! | HLS version 3 | playlists, segments that are multiplexed on request | [`muxed`] |
//! | Smooth Streaming | client manifests, fragments with heads of their own | [`smooth`] |
//! | `/time` | UTC of the box | here |
//! | anything else | the viewer page's files | here |
//!
//! A viewer can change nothing: this crate knows the store's readers and nothing that steers the box.

mod asset;
mod download;
mod endpoint;
mod error;
mod hall;
mod hds;
mod hot;
mod manifest;
mod media_bytes;
mod muxed;
mod presentation;
mod respond;
mod samples;
mod shelf;
mod smooth;
mod thumbnails;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Path, Query, State},
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use clock::Clock;
use package::{
    filter::Filter,
    route::{Filters, Route, Source},
};
use store::Reader;
use tower_http::services::ServeDir;

pub use crate::{
    asset::Asset,
    endpoint::{Endpoint, Peer, Policy, Traffic},
    presentation::LINGER,
};
use crate::{
    download::{Downloads, Wanted},
    error::Error,
    hall::Hall,
    hot::Hot,
    manifest::Filtered,
    presentation::Presentation,
};

/// What the origin needs.
#[derive(Clone, Debug)]
pub struct Config {
    /// The folder of the viewer page.
    pub web: PathBuf,
    /// How far back a channel's own window reaches; its programs may reach further.
    pub window: Duration,
}

/// The origin. Clones share it.
#[derive(Clone)]
pub struct Origin {
    shared: Arc<Shared>,
}

struct Shared {
    hall: Hall,
    hot: Hot,
    downloads: Downloads,
    /// Apart from the viewers', who cannot crowd them out.
    managers_downloads: Downloads,
    clock: Clock,
    web: PathBuf,
}

impl Origin {
    /// An origin whose channels have not begun.
    #[must_use]
    pub fn new(config: Config, clock: Clock) -> Self {
        let (downloads, managers_downloads) = (Downloads::default(), Downloads::default());
        let hall = Hall::new(config.window);
        Self {
            shared: Arc::new(Shared {
                hall,
                hot: Hot::default(),
                downloads,
                managers_downloads,
                clock,
                web: config.web,
            }),
        }
    }

    /// The channels that may be asked for from now on, whether they have begun or not.
    pub fn set_channels(&self, names: impl IntoIterator<Item = String>) {
        self.shared.hall.set_channels(names);
    }

    /// The assets, by id, and the filters for all that there are from now on. Who looks at one that was live and has ended
    /// goes on with it as video on demand.
    pub fn set_assets(&self, assets: Vec<(String, Asset)>, filters: BTreeMap<String, Filter>) {
        self.shared.hall.set_assets(assets, filters);
    }

    /// A channel has begun: it is read through `reader` from now on.
    pub fn begin(&self, channel: &str, reader: Reader) {
        self.shared.hall.begin(channel, reader);
    }

    /// The HTTP interface for viewers, behind an endpoint. Every request needs its [`Peer`].
    pub fn router(&self, endpoint: Endpoint) -> Router {
        let page = Router::new()
            .fallback_service(ServeDir::new(&self.shared.web).precompressed_gzip())
            .layer(axum::middleware::map_response(page_headers));
        let router = Router::new()
            .route("/time", axum::routing::any(answer))
            .route("/live/{*rest}", axum::routing::any(answer))
            .route("/vod/{*rest}", axum::routing::any(answer))
            // The classic service's addresses: /{locator}/{name}.ism/Manifest.
            .route("/{locator}/{presentation}/{*rest}", axum::routing::any(answer))
            .with_state(self.clone())
            .fallback_service(page);
        endpoint.guard(router)
    }

    /// Downloads of every asset, published or not, for the management interface: `/assets/{id}/download.mp4`.
    pub fn downloads(&self) -> Router {
        Router::new()
            .route("/assets/{id}/download.mp4", axum::routing::get(download))
            .with_state(self.clone())
    }
}

/// What a download's query says.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Stretch {
    start: Option<u64>,
    end: Option<u64>,
    tracks: Option<String>,
    filter: Option<String>,
}

async fn download(
    State(origin): State<Origin>,
    Path(id): Path<String>,
    query: Result<Query<Stretch>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let answer = async {
        let Query(Stretch { start, end, tracks, filter }) =
            query.map_err(|error| Error::Query(error.body_text()))?;
        let filters = filter.map_or(Ok(Filters::default()), |names| Filters::named(&names))?;
        let seen = origin.through(origin.shared.hall.asset(&id)?, &filters)?;
        let tracks = tracks.iter().flat_map(|tracks| tracks.split(';')).map(str::to_owned).collect();
        let wanted = Wanted { from: start.map(nanos), to: end.map(nanos), tracks };
        origin.shared.managers_downloads.answer(&seen, wanted, &headers).await
    };
    answer.await.unwrap_or_else(IntoResponse::into_response)
}

/// Nanoseconds of milliseconds.
fn nanos(millis: u64) -> u64 {
    millis.saturating_mul(1_000_000)
}

/// The page's files have hashed names below `/assets/`, except their licences; the page itself is asked for each time.
async fn page_headers(uri: Uri, mut response: Response) -> Response {
    let hashed = uri.path().starts_with("/assets/") && !uri.path().ends_with(".txt");
    let keep =
        if hashed && response.status().is_success() { respond::Keep::Forever } else { respond::Keep::Ask };
    response.headers_mut().insert(header::CACHE_CONTROL, keep.header());
    response
}

async fn answer(State(origin): State<Origin>, method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let mut response = match method {
        Method::GET | Method::HEAD => {
            origin.get(&uri, &headers).await.unwrap_or_else(IntoResponse::into_response)
        }
        Method::OPTIONS => (
            StatusCode::NO_CONTENT,
            [
                (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, OPTIONS"),
                (header::ACCESS_CONTROL_ALLOW_HEADERS, "range, if-none-match, if-range"),
                (header::ACCESS_CONTROL_MAX_AGE, "86400"),
            ],
        )
            .into_response(),
        _ => (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, HEAD, OPTIONS")]).into_response(),
    };
    respond::allow_other_sites(response.headers_mut());
    response
}

impl Origin {
    async fn get(&self, uri: &Uri, headers: &HeaderMap) -> Result<Response, Error> {
        let route = Route::parse(uri.path(), uri.query())?;
        let shared = &*self.shared;
        let find = |source: &Source| shared.hall.find(source);
        match &route {
            Route::Time => Ok(respond::time(shared.clock.now())),
            Route::Master { source, filters } => {
                manifest::master(&self.through(find(source)?, filters)?, headers).await
            }
            Route::Media { source, track, directives, filters } => {
                manifest::media(&self.through(find(source)?, filters)?, track, *directives, headers).await
            }
            Route::Manifest { source, filters, timeline } => {
                let seen = self.through(find(source)?, filters)?;
                manifest::dash(&seen, *timeline, shared.clock.now(), headers).await
            }
            Route::SmoothManifest { source, filters, legacy } => {
                smooth::manifest(&self.through(find(source)?, filters)?, *legacy, headers).await
            }
            Route::SmoothFragment { source, fragment } => {
                smooth::fragment(&find(source)?, fragment, headers).await
            }
            Route::MuxedMaster { source, filters, audio_only, place } => {
                let seen = self.through(find(source)?, filters)?;
                muxed::master(&seen, *audio_only, *place, headers).await
            }
            Route::MuxedMedia { source, track, filters } => {
                muxed::media(&self.through(find(source)?, filters)?, track, headers).await
            }
            Route::MuxedSegment { source, track, number, filters } => {
                muxed::segment(&self.through(find(source)?, filters)?, track, *number, headers).await
            }
            Route::HdsManifest { source, filters, place } => {
                hds::manifest(&self.through(find(source)?, filters)?, *place, headers).await
            }
            Route::HdsBootstrap { source, track, filters } => {
                hds::bootstrap(&self.through(find(source)?, filters)?, track, headers).await
            }
            Route::HdsFragment { source, track, number, filters } => {
                hds::fragment(&self.through(find(source)?, filters)?, track, *number, headers).await
            }
            Route::KeyFrames { source, track, filters } => {
                manifest::key_frames(&self.through(find(source)?, filters)?, track, headers).await
            }
            Route::KeyFrame { source, track, number } => {
                media_bytes::key_frame(&find(source)?, track, *number, headers).await
            }
            Route::Init { source, track, layout } => {
                media_bytes::init(&find(source)?, track, *layout, headers).await
            }
            Route::Segment { source, track, number } => {
                media_bytes::segment(&find(source)?, track, *number, &shared.hot, headers).await
            }
            Route::Part { source, track, number, part } => {
                media_bytes::part(&find(source)?, track, *number, *part, headers).await
            }
            Route::Start { source, track, decode_time } => {
                media_bytes::at_time(&find(source)?, track, *decode_time, &shared.hot, headers).await
            }
            Route::Download { source, from, to, tracks, filters } => {
                let tracks = tracks.iter().map(ToString::to_string).collect();
                let (from, to) = (from.map(nanos), to.map(nanos));
                let wanted = Wanted { from, to, tracks };
                shared.downloads.answer(&self.through(find(source)?, filters)?, wanted, headers).await
            }
            Route::Thumbnails { source } => thumbnails::index(&find(source)?, headers).await,
            Route::Sheet { source, number } => thumbnails::sheet(&find(source)?, *number, headers).await,
        }
    }

    fn through(&self, presentation: Presentation, filters: &Filters) -> Result<Filtered, Error> {
        let named = self.shared.hall.filters(&presentation, filters)?;
        Ok(Filtered { presentation, filters: named, query: filters.to_string() })
    }
}
