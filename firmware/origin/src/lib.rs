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
//! | `/keys/{name}` | a content key, for who may have it | [`keys`] |
//! | `/time` | UTC of the box | here |
//! | `/trust` | how to trust the box's own certificates | [`trust`](mod@trust) |
//! | anything else | the viewer page's files | here |
//!
//! Delivery policies are applied here, before any of these: what they encrypt lies in a folder of its own, whose manifests
//! and media are sealed on the way out ([`seal`]).
//!
//! A viewer can change nothing: this crate knows the store's readers and nothing that steers the box.

mod asset;
mod download;
mod egress;
mod endpoint;
mod error;
mod hall;
mod hds;
mod hot;
mod keys;
mod manifest;
mod media_bytes;
mod muxed;
mod on_demand;
mod on_disk;
mod pace;
mod presentation;
mod respond;
mod samples;
mod seal;
mod shelf;
mod smooth;
mod source;
mod subtitles;
mod thumbnails;
mod trust;

use std::{collections::BTreeMap, net::IpAddr, path::PathBuf, sync::Arc, time::Duration};

use access::Plain;
use axum::{
    Extension, Router,
    body::Body,
    extract::{Path, Query, Request, State},
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use clock::Clock;
use package::{
    dash::File,
    filter::Filter,
    route::{Carried, Filters, Route, Subtitles},
};
use store::Reader;
use tokio::time::Instant;
use tower_http::services::ServeDir;

pub use crate::{
    asset::Asset,
    endpoint::{Endpoint, Peer, Policy, Traffic},
    hall::Channel,
    on_disk::OnDisk,
    presentation::LINGER,
    seal::{Licence, ServedKey},
    trust::Trust,
};
use crate::{
    download::{Downloads, Wanted},
    endpoint::Client,
    error::Error,
    hall::Hall,
    hot::Hot,
    keys::Claimant,
    manifest::Filtered,
    on_demand::Files,
    pace::Pace,
    presentation::Visit,
    seal::{Keys, Seal},
};

/// What can be done here, and with keys.
const METHODS: &str = "GET, HEAD, OPTIONS";
const KEY_METHODS: &str = "GET, HEAD, POST, OPTIONS";

/// What the origin needs.
#[derive(Clone, Debug)]
pub struct Config {
    /// The folder of the viewer page.
    pub web: PathBuf,
    /// How far back a channel's own window reaches; its programs may reach further.
    pub window: Duration,
    /// The content keys there are.
    pub keys: Vec<ServedKey>,
    /// The box's own authority, where it shows certificates of it.
    pub trust: Option<Trust>,
}

/// The origin. Clones share it.
#[derive(Clone)]
pub struct Origin {
    shared: Arc<Shared>,
}

struct Shared {
    hall: Hall,
    keys: Keys,
    /// How often each address asks for keys.
    pace: Pace,
    hot: Hot,
    files: Files,
    downloads: Downloads,
    /// Apart from the viewers', who cannot crowd them out.
    managers_downloads: Downloads,
    clock: Clock,
    web: PathBuf,
    trust: Option<Trust>,
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
                keys: Keys::new(config.keys),
                pace: Pace::default(),
                hot: Hot::default(),
                files: Files::default(),
                downloads,
                managers_downloads,
                clock,
                web: config.web,
                trust: config.trust,
            }),
        }
    }

    /// The channels that may be asked for from now on, whether they have begun or not.
    pub fn set_channels(&self, channels: impl IntoIterator<Item = (String, Channel)>) {
        self.shared.hall.set_channels(channels);
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
            .route("/keys/{name}", axum::routing::any(answer))
            .route("/live/{*rest}", axum::routing::any(answer))
            .route("/vod/{*rest}", axum::routing::any(answer))
            // The classic service's addresses: /{locator}/{name}.ism/Manifest.
            .route("/{locator}/{presentation}/{*rest}", axum::routing::any(answer))
            .with_state(self.clone());
        let router = match self.shared.trust.clone() {
            Some(trust) => router.merge(trust::routes(trust, endpoint.is_tls())),
            None => router,
        };
        let router = router.fallback_service(page);
        endpoint.guard(router, self.shared.clock.clone())
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
        let seen = origin.through(Visit::new(origin.shared.hall.asset(&id)?, None), &filters)?;
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

async fn answer(
    State(origin): State<Origin>,
    client: Option<Extension<Client>>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let (uri, headers) = (&parts.uri, &parts.headers);
    let gives_key = uri.path().starts_with("/keys/");
    let mut response = match parts.method {
        Method::OPTIONS => (
            StatusCode::NO_CONTENT,
            [
                (header::ACCESS_CONTROL_ALLOW_METHODS, if gives_key { KEY_METHODS } else { METHODS }),
                (
                    header::ACCESS_CONTROL_ALLOW_HEADERS,
                    "authorization, content-type, range, if-none-match, if-range",
                ),
                (header::ACCESS_CONTROL_MAX_AGE, "86400"),
            ],
        )
            .into_response(),
        Method::GET | Method::HEAD | Method::POST if gives_key => {
            let address = client.map(|Extension(Client(address))| address);
            let given = origin.key(uri, address, headers, &parts.method, body).await;
            given.unwrap_or_else(IntoResponse::into_response)
        }
        Method::GET | Method::HEAD => {
            origin.get(uri, headers).await.unwrap_or_else(IntoResponse::into_response)
        }
        _ => {
            let allowed = if gives_key { KEY_METHODS } else { METHODS };
            (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, allowed)]).into_response()
        }
    };
    respond::allow_other_sites(response.headers_mut());
    response
}

impl Origin {
    async fn key(
        &self,
        uri: &Uri,
        address: Option<IpAddr>,
        headers: &HeaderMap,
        method: &Method,
        body: Body,
    ) -> Result<Response, Error> {
        let Route::Key { name, token } = Route::parse(uri.path(), uri.query())? else {
            return Err(package::Error::NotFound.into());
        };
        if address.is_some_and(|address| !self.shared.pace.allows(address, Instant::now())) {
            return Err(Error::TooOften);
        }
        let now = self.shared.clock.now() / media::NANOS;
        let claimant = Claimant { address, token: token.as_ref(), headers, now };
        keys::answer(&self.shared.keys, &name, &claimant, method, body).await
    }

    async fn get(&self, uri: &Uri, headers: &HeaderMap) -> Result<Response, Error> {
        let mut route = Route::parse(uri.path(), uri.query())?;
        let shared = &*self.shared;
        let visit = match self.admit(&mut route, uri.path())? {
            Admission::Own => return Ok(respond::time(shared.clock.now())),
            Admission::There(visit) => visit,
            Admission::Elsewhere(address) => return Ok(respond::elsewhere(&address)),
        };
        match &route {
            Route::Time | Route::Key { .. } => Err(package::Error::NotFound.into()),
            Route::Master { carried, .. } => manifest::master(&self.carrying(visit, carried)?, headers).await,
            Route::Media { track, directives, carried, .. } => {
                manifest::media(&self.carrying(visit, carried)?, track, *directives, headers).await
            }
            Route::Manifest { carried, timeline, .. } => {
                let seen = self.carrying(visit, carried)?;
                manifest::dash(&seen, *timeline, shared.clock.now(), headers).await
            }
            Route::SmoothManifest { filters, legacy, .. } => {
                smooth::manifest(&self.through(visit, filters)?, *legacy, headers).await
            }
            Route::Level { source, level, carried } => {
                manifest::level(&self.carrying(visit, carried)?, source, level).await
            }
            Route::SmoothFragment { fragment, .. } => smooth::fragment(&visit, fragment, headers).await,
            Route::MuxedMaster { carried, audio_only, place, .. } => {
                muxed::master(&self.carrying(visit, carried)?, *audio_only, *place, headers).await
            }
            Route::MuxedMedia { track, carried, .. } => {
                muxed::media(&self.carrying(visit, carried)?, track, headers).await
            }
            Route::MuxedSegment { track, number, filters, .. } => {
                muxed::segment(&self.through(visit, filters)?, track, *number, headers).await
            }
            Route::HdsManifest { filters, place, .. } => {
                hds::manifest(&self.through(visit, filters)?, *place, headers).await
            }
            Route::HdsBootstrap { track, filters, .. } => {
                hds::bootstrap(&self.through(visit, filters)?, track, headers).await
            }
            Route::HdsFragment { track, number, filters, .. } => {
                hds::fragment(&self.through(visit, filters)?, track, *number, headers).await
            }
            Route::KeyFrames { track, carried, .. } => {
                manifest::key_frames(&self.carrying(visit, carried)?, track, headers).await
            }
            Route::KeyFrame { track, number, .. } => {
                media_bytes::key_frame(&visit, track, *number, headers).await
            }
            Route::Subtitles { service, file: Subtitles::Playlist(directives, carried), .. } => {
                let seen = self.carrying(visit, carried)?;
                manifest::subtitles(&seen, service, *directives, headers).await
            }
            Route::Subtitles { service, file, .. } => {
                subtitles::answer(&visit, service, file, &shared.hot, headers).await
            }
            Route::Init { track, layout, .. } => media_bytes::init(&visit, track, *layout, headers).await,
            Route::Segment { track, number, .. } => {
                media_bytes::segment(&visit, track, *number, &shared.hot, headers).await
            }
            Route::Part { track, number, part, .. } => {
                media_bytes::part(&visit, track, *number, *part, headers).await
            }
            Route::Start { track, decode_time, .. } => {
                media_bytes::at_time(&visit, track, *decode_time, &shared.hot, headers).await
            }
            Route::Download { from, to, tracks, filters, .. } => {
                let tracks = tracks.iter().map(ToString::to_string).collect();
                let (from, to) = (from.map(nanos), to.map(nanos));
                let wanted = Wanted { from, to, tracks };
                shared.downloads.answer(&self.through(visit, filters)?, wanted, headers).await
            }
            Route::OnDemand { filters, .. } => {
                manifest::on_demand(&self.through(visit, filters)?, shared.clock.now(), headers).await
            }
            Route::File { track, first, last, .. } => {
                shared.files.answer(&visit, &File { track, first: *first, last: *last }, headers).await
            }
            Route::Thumbnails { .. } => thumbnails::index(&visit, headers).await,
            Route::Sheet { number, .. } => thumbnails::sheet(&visit, *number, headers).await,
        }
    }

    /// What a request may see by the delivery policies of what it asks for.
    fn admit(&self, route: &mut Route, path: &str) -> Result<Admission, Error> {
        let (protocols, is_entrance) = (route.protocols(), route.is_entrance());
        let fits = route.encryptions();
        let Some(source) = route.source_mut() else { return Ok(Admission::Own) };
        let presentation = self.shared.hall.find(&source.presentation)?;
        let delivery = presentation.delivery();
        let encryption = match source.encryption {
            Some(encryption) => encryption,
            None => match delivery.plain(protocols, fits) {
                Plain::Clear => return Ok(Admission::There(Visit::new(presentation, None))),
                Plain::Instead(encryption) if is_entrance => encryption,
                Plain::Instead(_) | Plain::Blocked => return Err(Error::Blocked),
            },
        };
        let key = delivery.key(protocols, encryption).filter(|_| fits.contains(&encryption));
        let key = key.ok_or(Error::Blocked)?;
        let key = self.shared.keys.get(key).ok_or_else(|| Error::LostKey(key.to_owned()))?;
        source.encryption = Some(encryption);
        // What a manifest leads to lies beside it: each has its own place.
        if !path.starts_with(&format!("{source}/")) {
            return Ok(Admission::Elsewhere(route.to_string()));
        }
        let seal = Seal { encryption, key: Arc::clone(key) };
        Ok(Admission::There(Visit::new(presentation, Some(seal))))
    }

    fn carrying(&self, visit: Visit, carried: &Carried) -> Result<Filtered, Error> {
        let seen = self.through(visit, &carried.filters)?;
        Ok(Filtered { query: carried.to_string(), token: carried.token.clone(), ..seen })
    }

    fn through(&self, visit: Visit, filters: &Filters) -> Result<Filtered, Error> {
        let named = self.shared.hall.filters(&visit, filters)?;
        let query = filters.to_string();
        Ok(Filtered { presentation: visit, filters: named, media_query: query.clone(), query, token: None })
    }
}

/// What becomes of a request.
enum Admission {
    /// It is for the box itself.
    Own,
    /// It sees this.
    There(Visit),
    /// What it asks for is to be had at this path.
    Elsewhere(String),
}
