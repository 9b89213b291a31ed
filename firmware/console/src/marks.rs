//! `/assets/{id}/marks`: moments and stretches with a name.

use axum::{Json, extract::State, response::Response};
use control::Command;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Console,
    answer::{created, gone, granted},
    instant::Instant,
    refuse::Refused,
    request::{Body, Names},
};

pub(crate) fn routes() -> OpenApiRouter<Console> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(one, delete))
}

/// A moment or stretch with a name.
#[derive(Serialize, ToSchema)]
pub(crate) struct Mark {
    /// Its id.
    id: String,
    /// Its name.
    name: String,
    /// When, in milliseconds since the epoch.
    at: u64,
    /// Until when, for a stretch.
    until: Option<u64>,
}

/// A mark to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewMark {
    /// 1 to 256 letters, digits, `-` and spaces; a letter or digit at both ends.
    name: String,
    /// When; none: now.
    #[serde(default)]
    at: Option<Instant>,
    /// Until when, for a stretch.
    #[serde(default)]
    until: Option<Instant>,
}

/// An asset's marks in order of time.
pub(crate) fn show_all(asset: &control::Asset) -> Vec<Mark> {
    let mut marks: Vec<_> = asset.marks.iter().map(|(id, mark)| show(id, mark)).collect();
    marks.sort_by_key(|mark| mark.at);
    marks
}

fn show(id: &str, mark: &control::Mark) -> Mark {
    Mark { id: id.to_owned(), name: mark.name.clone(), at: mark.at, until: mark.until }
}

fn find(console: &Console, asset: &str, id: &str) -> Result<Mark, Refused> {
    let objects = console.objects();
    let asset = objects.assets.get(asset).ok_or_else(|| Refused::none("asset", asset))?;
    asset.marks.get(id).map(|mark| show(id, mark)).ok_or_else(|| Refused::none("mark", id))
}

/// An asset's marks, in order of time
#[utoipa::path(
    get,
    path = "/assets/{id}/marks",
    tag = "marks",
    params(("id" = String, Path)),
    responses((status = 200, body = Vec<Mark>)),
)]
async fn list(State(console): State<Console>, Names(id): Names<String>) -> Result<Json<Vec<Mark>>, Refused> {
    let objects = console.objects();
    objects.assets.get(&id).map(|asset| Json(show_all(asset))).ok_or_else(|| Refused::none("asset", &id))
}

/// One mark
#[utoipa::path(
    get,
    path = "/assets/{id}/marks/{mark}",
    tag = "marks",
    params(("id" = String, Path), ("mark" = String, Path)),
    responses((status = 200, body = Mark)),
)]
async fn one(
    State(console): State<Console>,
    Names((asset, mark)): Names<(String, String)>,
) -> Result<Json<Mark>, Refused> {
    find(&console, &asset, &mark).map(Json)
}

/// Name a moment or stretch of an asset
#[utoipa::path(
    post,
    path = "/assets/{id}/marks",
    tag = "marks",
    params(("id" = String, Path)),
    request_body = NewMark,
    responses(
        (status = 201, body = Mark, headers(("Location" = String, description = "Where it is"))),
        (status = 410, body = Refused, description = "That time has expired"),
    ),
)]
async fn create(
    State(console): State<Console>,
    Names(asset): Names<String>,
    Body(NewMark { name, at, until }): Body<NewMark>,
) -> Result<Response, Refused> {
    let millis = |instant: Option<Instant>| instant.map(|Instant(millis)| millis);
    let command = Command::Mark { asset: asset.clone(), name, at: millis(at), until: millis(until) };
    let answer = console.ask(command).await?;
    granted(answer, |mark| {
        Ok(created(&format!("/assets/{asset}/marks/{mark}"), find(&console, &asset, mark)?))
    })
}

/// Remove a mark
#[utoipa::path(
    delete,
    path = "/assets/{id}/marks/{mark}",
    tag = "marks",
    params(("id" = String, Path), ("mark" = String, Path)),
    responses((status = 204, description = "It is gone")),
)]
async fn delete(
    State(console): State<Console>,
    Names((asset, mark)): Names<(String, String)>,
) -> Result<Response, Refused> {
    granted(console.ask(Command::Unmark { asset, mark }).await?, gone)
}
