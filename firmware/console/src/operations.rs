//! `/operations`: what takes its time.

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Console, refuse::Refused, request::Names};

pub(crate) fn routes() -> OpenApiRouter<Console> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(one))
}

/// Something that takes its time.
#[derive(Serialize, ToSchema)]
pub(crate) struct Operation {
    /// Its id.
    id: String,
    /// What it does: `start channel` ...
    kind: String,
    /// The id or name of what it is about.
    target: String,
    /// How it goes.
    state: Phase,
    /// Why it failed, in plain words; empty otherwise.
    reason: String,
    /// When it began, in milliseconds since the epoch.
    begun: u64,
    /// When it ended, in milliseconds since the epoch.
    ended: Option<u64>,
}

#[derive(Serialize, ToSchema)]
enum Phase {
    InProgress,
    Succeeded,
    Failed,
}

impl From<control::Operation> for Operation {
    fn from(operation: control::Operation) -> Self {
        let control::Operation { id, kind, target, state, reason, begun, ended } = operation;
        let state = match state {
            control::Progress::InProgress => Phase::InProgress,
            control::Progress::Succeeded => Phase::Succeeded,
            control::Progress::Failed => Phase::Failed,
        };
        Self { id, kind, target, state, reason, begun, ended }
    }
}

/// The operations that go on and the last ones that ended
#[utoipa::path(get, path = "/operations", tag = "operations", responses((status = 200, body = Vec<Operation>)))]
async fn list(State(console): State<Console>) -> Json<Vec<Operation>> {
    Json(console.gallery.operations().iter().cloned().map(Operation::from).collect())
}

/// One operation
#[utoipa::path(
    get,
    path = "/operations/{id}",
    tag = "operations",
    params(("id" = String, Path)),
    responses((status = 200, body = Operation)),
)]
async fn one(State(console): State<Console>, Names(id): Names<String>) -> Result<Json<Operation>, Refused> {
    let operation = console.gallery.operation(&id).ok_or_else(|| Refused::none("operation", &id))?;
    Ok(Json(operation.into()))
}
