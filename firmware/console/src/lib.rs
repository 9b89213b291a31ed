//! HTTP for the technician and the operator's programs, on its own listener that viewers never reach.
//!
//! | request | answer |
//! |---|---|
//! | `GET /api/v1/status` | the whole [`control::BoxState`] |
//! | `GET /api/v1/status/{part}` | a part of it: `channel`, `channel/input`, `channel/renditions/0`, `store` ... |
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
        .route("/api/v1/status/{*part}", get(part))
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
    let state = json!(*snapshot.read());
    let mut here = &state;
    for name in part.split('/') {
        let inside = match here {
            Value::Array(items) => name.parse::<usize>().ok().and_then(|at| items.get(at)),
            here => here.get(name),
        };
        match inside {
            Some(value) => here = value,
            None => return refuse(StatusCode::NOT_FOUND, &no_part(name, &part, here)),
        }
    }
    fresh(here.clone())
}

fn no_part(name: &str, part: &str, here: &Value) -> String {
    let known = match here {
        Value::Object(fields) => fields.keys().cloned().collect::<Vec<_>>().join(", "),
        Value::Array(items) => format!("{} items, counted from 0", items.len()),
        _ => "no parts".to_owned(),
    };
    format!("there is no `{name}` on the way to `{part}`; there is {known}")
}

/// A state is true only now.
fn fresh(value: Value) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(value)).into_response()
}

fn refuse(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({ "error": error }))).into_response()
}
