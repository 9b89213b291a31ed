//! HTTP for the technician and the operator's programs, on its own listener that viewers never reach.
//!
//! | request | answer |
//! |---|---|
//! | `GET /api/v1/status` | the whole [`control::BoxState`] |
//! | `GET /api/v1/status/{part}` | one of its fields: `channel`, `store`, `processes` ... |
//! | `GET /` | leads to the status |
//!
//! Errors are JSON too: `{"error": "..."}`.

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use control::Snapshot;
use serde_json::{Value, json};

/// The management interface over this snapshot.
pub fn router(snapshot: Snapshot) -> Router {
    Router::new()
        .route("/", get(async || Redirect::temporary("/api/v1/status")))
        .route("/api/v1/status", get(status))
        .route("/api/v1/status/{part}", get(part))
        .fallback(async |request: axum::extract::Request| {
            refuse(
                StatusCode::NOT_FOUND,
                &format!("there is no {}; see /api/v1/status", request.uri().path()),
            )
        })
        .method_not_allowed_fallback(async || {
            refuse(StatusCode::METHOD_NOT_ALLOWED, "this can only be read: GET")
        })
        .with_state(snapshot)
}

async fn status(State(snapshot): State<Snapshot>) -> Response {
    fresh(json!(*snapshot.read()))
}

async fn part(State(snapshot): State<Snapshot>, Path(part): Path<String>) -> Response {
    let mut state = json!(*snapshot.read());
    match state.get_mut(&part).map(Value::take) {
        Some(value) => fresh(value),
        None => {
            let parts: Vec<_> =
                state.as_object().into_iter().flat_map(|fields| fields.keys()).cloned().collect();
            let known = parts.join(", ");
            refuse(StatusCode::NOT_FOUND, &format!("the status has no part `{part}`; it has {known}"))
        }
    }
}

/// A state is true only now.
fn fresh(value: Value) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(value)).into_response()
}

fn refuse(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({ "error": error }))).into_response()
}
