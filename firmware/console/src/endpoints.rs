//! `/endpoints`: the ways in for viewers, which the settings declare.

use axum::{Json, extract::State, response::Response};
use control::{Command, Objects};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Console, answer::granted, refuse::Refused, request::Names};

pub(crate) fn routes() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(one))
        .routes(routes!(start))
        .routes(routes!(stop))
}

/// A way in for viewers; what comes through it is told by the status.
#[derive(Serialize, ToSchema)]
struct Endpoint {
    /// Its name.
    name: String,
    /// `running`, or `stopped`: it serves nobody.
    state: &'static str,
    /// Since when, in milliseconds since the epoch.
    since: u64,
}

fn show(objects: &Objects, name: &str) -> Result<Endpoint, Refused> {
    let endpoint = objects.endpoints.get(name).ok_or_else(|| Refused::none("endpoint", name))?;
    let state = if endpoint.stopped { "stopped" } else { "running" };
    Ok(Endpoint { name: name.to_owned(), state, since: endpoint.since })
}

/// All endpoints
#[utoipa::path(get, path = "/endpoints", tag = "endpoints", responses((status = 200, body = Vec<Endpoint>)))]
async fn list(State(console): State<Console>) -> Result<Json<Vec<Endpoint>>, Refused> {
    let objects = console.objects();
    objects.endpoints.keys().map(|name| show(&objects, name)).collect::<Result<_, _>>().map(Json)
}

/// One endpoint
#[utoipa::path(
    get,
    path = "/endpoints/{name}",
    tag = "endpoints",
    params(("name" = String, Path)),
    responses((status = 200, body = Endpoint)),
)]
async fn one(State(console): State<Console>, Names(name): Names<String>) -> Result<Json<Endpoint>, Refused> {
    show(&console.objects(), &name).map(Json)
}

/// Let viewers in again
#[utoipa::path(
    post,
    path = "/endpoints/{name}/start",
    tag = "endpoints",
    params(("name" = String, Path)),
    responses((status = 200, body = Endpoint)),
)]
async fn start(State(console): State<Console>, Names(name): Names<String>) -> Result<Response, Refused> {
    steer(&console, Command::StartEndpoint(name)).await
}

/// Serve nobody
///
/// Its address stays taken; every request is answered with 503. It stays stopped when the box starts again.
#[utoipa::path(
    post,
    path = "/endpoints/{name}/stop",
    tag = "endpoints",
    params(("name" = String, Path)),
    responses((status = 200, body = Endpoint)),
)]
async fn stop(State(console): State<Console>, Names(name): Names<String>) -> Result<Response, Refused> {
    steer(&console, Command::StopEndpoint(name)).await
}

async fn steer(console: &Console, command: Command) -> Result<Response, Refused> {
    granted(console.ask(command).await?, |name| show(&console.objects(), name).map(Json))
}
