//! HTTP for the technician and the operator's programs, on its own listener that viewers never reach: the state of the
//! box, and its channels, programs, assets and filters to steer. What there is in full is said by the OpenAPI
//! document, which is made from the handlers and types that serve it.
//!
//! | request | answer |
//! |---|---|
//! | `GET /api/v1/status`, `.../{part}` | the [`control::BoxState`], or a part of it: `channels/0/input`, `store` ... |
//! | `GET /api/v1/openapi.json` | OpenAPI 3.1 |
//! | `/api/v1/channels`, `/programs`, `/assets`, `/filters`, `/endpoints` | the objects, and what can be done with them |
//! | `GET /api/v1/channels/{name}/levels` | how loud it is, ten times a second |
//! | `POST /api/v1/rehearsal` | whether channels would fit |
//! | `GET /api/v1/operations` | what takes its time; begun with 202 and the header `operation-id` |
//! | `GET /` | leads to the status |
//!
//! Times are milliseconds since the epoch, durations whole seconds, sizes bytes; bodies may also say times as RFC 3339
//! text and durations as `4h`. Errors are JSON too: `{"error": "...", "field": "..."?, "state": "..."?}`.

mod advertisements;
mod answer;
mod assets;
mod auth;
mod channels;
mod delivery;
mod downloads;
mod endpoints;
mod filters;
mod instant;
mod levels;
mod marks;
mod openapi;
mod operations;
mod programs;
mod refuse;
mod rehearsal;
mod request;
mod status;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Request},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use control::{Answer, Command, Door, Gallery, Listen, Objects, Rehearse, Snapshot};
use utoipa_axum::router::OpenApiRouter;

pub use auth::Guard;

use crate::refuse::Refused;

/// The address of everything but the way to it.
const BASE: &str = "/api/v1";

/// The management interface: reads the snapshot and the gallery, changes through the door, and lets in whom the guard
/// lets in. `downloads` answers `/assets/{id}/download.mp4`, refusals as one line of text.
pub fn router(
    snapshot: Snapshot,
    gallery: Gallery,
    door: Door,
    rehearse: Rehearse,
    listen: Listen,
    guard: Guard,
    downloads: Router,
) -> Router {
    let (router, document) = OpenApiRouter::new().nest(BASE, routes()).split_for_parts();
    let document = openapi::render(document, guard.token.is_some());
    let console = Console { snapshot, gallery, door, rehearse, listen, document, downloads };
    let router = router
        .route("/", get(async || Redirect::temporary("/api/v1/status")))
        .fallback(nowhere)
        .layer(DefaultBodyLimit::max(request::LARGEST))
        .with_state(console);
    // Around the whole: a layer of the router itself would not see which methods it allows.
    Router::new()
        .fallback_service(router)
        .layer(from_fn_with_state(guard, auth::guard))
        .layer(from_fn(finish))
}

fn routes() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .merge(channels::routes())
        .merge(advertisements::routes())
        .merge(levels::routes())
        .merge(rehearsal::routes())
        .merge(programs::routes())
        .merge(assets::routes())
        .merge(delivery::routes())
        .merge(endpoints::routes())
        .merge(downloads::routes())
        .merge(marks::routes())
        .merge(filters::routes())
        .merge(operations::routes())
        .merge(status::routes())
        .merge(openapi::routes())
}

/// What handlers work with.
#[derive(Clone)]
struct Console {
    snapshot: Snapshot,
    gallery: Gallery,
    door: Door,
    rehearse: Rehearse,
    listen: Listen,
    document: Bytes,
    downloads: Router,
}

impl Console {
    /// The objects as they are now: after a command was granted, as it has left them.
    fn objects(&self) -> Arc<Objects> {
        self.gallery.objects()
    }

    /// Milliseconds since the epoch.
    fn now(&self) -> u64 {
        self.snapshot.read().now
    }

    async fn ask(&self, command: Command) -> Result<Answer, Refused> {
        Ok(self.door.ask(command).await?)
    }
}

async fn nowhere(request: Request) -> Refused {
    let problem = format!("there is no {}; see {BASE}/openapi.json", request.uri().path());
    Refused::new(StatusCode::NOT_FOUND, problem)
}

/// What every answer needs: it is true only now, it is what it says it is, and a wrong method is explained.
async fn finish(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        response = wrong_method(response.headers());
    }
    let headers: &mut HeaderMap = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn wrong_method(headers: &HeaderMap) -> Response {
    let allowed = headers.get(header::ALLOW).cloned();
    let named = allowed.as_ref().and_then(|allowed| allowed.to_str().ok()).unwrap_or_default();
    let problem = format!("not with this method; there is {}", named.replace(',', ", "));
    let mut response = Refused::new(StatusCode::METHOD_NOT_ALLOWED, problem).into_response();
    if let Some(allowed) = allowed {
        response.headers_mut().insert(header::ALLOW, allowed);
    }
    response
}
