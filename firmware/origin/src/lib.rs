//! HTTP for viewers: every playlist, manifest, segment and part is rendered or cut from one window on request.
//!
//! | request | answer | module |
//! |---|---|---|
//! | playlists and manifests | text, gzip, ETag, blocking reload | [`manifest`] |
//! | init segments, segments, parts | bytes, ranges, immutable; what is being made comes as it is made | [`media_bytes`] |
//! | `/time` | UTC of the box | here |
//! | anything else | the viewer page's files | here |
//!
//! A viewer can change nothing: this crate knows the store's readers and nothing that steers the box.

mod error;
mod manifest;
mod media_bytes;
mod respond;

use std::{collections::HashMap, path::PathBuf, sync::Arc};

use arc_swap::ArcSwapOption;
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use clock::Clock;
use package::route::Route;
use store::Reader;
use tower_http::services::ServeDir;

use crate::error::Error;

/// What the origin needs.
#[derive(Clone, Debug)]
pub struct Config {
    /// The channels that may be asked for, whether they have begun or not.
    pub channels: Vec<String>,
    /// The folder of the viewer page.
    pub web: PathBuf,
}

/// The origin. Clones share it.
#[derive(Clone)]
pub struct Origin {
    shared: Arc<Shared>,
}

struct Shared {
    channels: HashMap<String, ArcSwapOption<Reader>>,
    clock: Clock,
    web: PathBuf,
}

impl Origin {
    /// An origin whose channels have not begun.
    #[must_use]
    pub fn new(config: Config, clock: Clock) -> Self {
        let channels = config.channels.into_iter().map(|name| (name, ArcSwapOption::empty())).collect();
        Self { shared: Arc::new(Shared { channels, clock, web: config.web }) }
    }

    /// A channel has begun: it is read through `reader` from now on.
    pub fn begin(&self, channel: &str, reader: Reader) {
        if let Some(slot) = self.shared.channels.get(channel) {
            slot.store(Some(Arc::new(reader)));
        }
    }

    /// The HTTP interface for viewers.
    pub fn router(&self) -> Router {
        let page = Router::new()
            .fallback_service(ServeDir::new(&self.shared.web).precompressed_gzip())
            .layer(axum::middleware::map_response(page_headers));
        Router::new()
            .route("/time", axum::routing::any(answer))
            .route("/live/{*rest}", axum::routing::any(answer))
            .with_state(self.clone())
            .fallback_service(page)
    }

    fn reader(&self, channel: &str) -> Result<Arc<Reader>, Error> {
        let slot = self.shared.channels.get(channel).ok_or_else(|| Error::NoChannel(channel.to_owned()))?;
        slot.load_full().ok_or_else(|| Error::NotYet(channel.to_owned()))
    }
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
        match &route {
            Route::Time => Ok(respond::time(self.shared.clock.now())),
            Route::Master { channel } => manifest::master(&*self.reader(channel)?, headers).await,
            Route::Media { channel, track, directives } => {
                manifest::media(&*self.reader(channel)?, track, *directives, headers).await
            }
            Route::Manifest { channel } => {
                manifest::dash(&*self.reader(channel)?, self.shared.clock.now(), headers).await
            }
            Route::Init { channel, track, layout } => {
                media_bytes::init(&*self.reader(channel)?, track, *layout, headers)
            }
            Route::Segment { channel, track, number } => {
                media_bytes::segment(&*self.reader(channel)?, track, *number, headers).await
            }
            Route::Part { channel, track, number, part } => {
                media_bytes::part(&*self.reader(channel)?, track, *number, *part, headers).await
            }
            Route::Start { channel, track, decode_time } => {
                media_bytes::at_time(&*self.reader(channel)?, track, *decode_time, headers).await
            }
        }
    }
}
