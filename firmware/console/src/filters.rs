//! `/filters` and `/assets/{id}/filters`: what viewers see of a presentation, under a name that they put into
//! `?filter=`.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use control::{Command, Objects};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Console,
    answer::{created, gone, granted},
    refuse::Refused,
    request::{Names, Text, parse},
};

pub(crate) fn routes() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(one, put, delete))
        .routes(routes!(list_local))
        .routes(routes!(one_local, put_local, delete_local))
}

/// A filter and its name.
#[derive(Serialize, ToSchema)]
struct Named {
    /// 1 to 64 letters, digits, `-` and `_`.
    name: String,
    /// What it does.
    #[schema(value_type = Filter)]
    filter: Value,
}

/// What viewers see of a presentation. Nothing recorded changes.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used: `control` has the filter itself")]
struct Filter {
    /// Which time.
    #[schema(nullable = false)]
    presentation_time_range: Option<TimeRange>,
    /// Which tracks: those that fulfil every condition of at least one list; none or empty for all.
    #[schema(required = false)]
    tracks: Vec<Vec<Condition>>,
    /// The video rendition nearest to these bits per second is listed first.
    #[schema(nullable = false)]
    first_quality: Option<u64>,
}

/// A range of the timeline; 9223372036854775807 stands for none everywhere.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct TimeRange {
    /// Where it begins, since the epoch; the segment around it is included whole.
    #[schema(nullable = false)]
    start: Option<u64>,
    /// Where it ends, since the epoch; while live only with `force_end`.
    #[schema(nullable = false)]
    end: Option<u64>,
    /// How much of the past is shown; at least 60 seconds.
    #[schema(nullable = false)]
    presentation_window: Option<u64>,
    /// How far viewers stay behind live; at most 300 seconds.
    #[schema(nullable = false)]
    live_backoff: Option<u64>,
    /// In these units per second.
    #[schema(default = 10_000_000, required = false)]
    timescale: u64,
    /// `end` counts while live, too.
    #[schema(default = false, required = false)]
    force_end: bool,
}

/// What a track must be.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct Condition {
    property: Property,
    operator: Operator,
    /// `video`, `audio` or `text`; a track's name; a language of RFC 5646; a codec such as `avc1`; bits per second or a
    /// range of them such as `0-2427000`.
    value: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used")]
enum Property {
    Type,
    Name,
    Language,
    Codec,
    Bitrate,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used")]
enum Operator {
    Equal,
    NotEqual,
}

/// The filters of an asset, or the global ones, in the order of their names.
fn show_all(objects: &Objects, asset: Option<&str>) -> Result<Vec<Named>, Refused> {
    let filters = match asset {
        Some(id) => &objects.assets.get(id).ok_or_else(|| Refused::none("asset", id))?.filters,
        None => &objects.filters,
    };
    Ok(filters.iter().map(|(name, filter)| Named { name: name.clone(), filter: json!(filter) }).collect())
}

fn show(objects: &Objects, asset: Option<&str>, name: &str) -> Result<Json<Value>, Refused> {
    let mut all = show_all(objects, asset)?.into_iter();
    all.find(|named| named.name == name)
        .map(|named| Json(named.filter))
        .ok_or_else(|| Refused::none("filter", name))
}

async fn set(
    console: &Console,
    asset: Option<String>,
    name: String,
    text: &str,
) -> Result<Response, Refused> {
    let place = match &asset {
        Some(asset) => format!("/assets/{asset}/filters/{name}"),
        None => format!("/filters/{name}"),
    };
    let new = show(&console.objects(), asset.as_deref(), &name).is_err();
    let (filter, owner) = (parse(text)?, asset.clone());
    let answer = console.ask(Command::PutFilter { asset: owner, name: name.clone(), filter }).await?;
    granted(answer, |_| {
        let Json(filter) = show(&console.objects(), asset.as_deref(), &name)?;
        Ok(if new { created(&place, filter) } else { Json(filter).into_response() })
    })
}

/// All global filters
#[utoipa::path(get, path = "/filters", tag = "filters", responses((status = 200, body = Vec<Named>)))]
async fn list(State(console): State<Console>) -> Result<Json<Vec<Named>>, Refused> {
    show_all(&console.objects(), None).map(Json)
}

/// One global filter
#[utoipa::path(
    get,
    path = "/filters/{name}",
    tag = "filters",
    params(("name" = String, Path)),
    responses((status = 200, body = Filter)),
)]
async fn one(State(console): State<Console>, Names(name): Names<String>) -> Result<Json<Value>, Refused> {
    show(&console.objects(), None, &name)
}

/// Make or replace a global filter
#[utoipa::path(
    put,
    path = "/filters/{name}",
    tag = "filters",
    params(("name" = String, Path, description = "1 to 64 letters, digits, `-` and `_`")),
    request_body = Filter,
    responses(
        (status = 200, body = Filter),
        (status = 201, body = Filter, headers(("Location" = String, description = "Where it is"))),
    ),
)]
async fn put(
    State(console): State<Console>,
    Names(name): Names<String>,
    Text(text): Text,
) -> Result<Response, Refused> {
    set(&console, None, name, &text).await
}

/// Remove a global filter
#[utoipa::path(
    delete,
    path = "/filters/{name}",
    tag = "filters",
    params(("name" = String, Path)),
    responses((status = 204, description = "It is gone")),
)]
async fn delete(State(console): State<Console>, Names(name): Names<String>) -> Result<Response, Refused> {
    granted(console.ask(Command::DeleteFilter { asset: None, name }).await?, gone)
}

/// An asset's own filters
///
/// Each goes before the global one of the same name.
#[utoipa::path(
    get,
    path = "/assets/{id}/filters",
    tag = "filters",
    params(("id" = String, Path)),
    responses((status = 200, body = Vec<Named>)),
)]
async fn list_local(
    State(console): State<Console>,
    Names(asset): Names<String>,
) -> Result<Json<Vec<Named>>, Refused> {
    show_all(&console.objects(), Some(&asset)).map(Json)
}

/// One of an asset's own filters
#[utoipa::path(
    get,
    path = "/assets/{id}/filters/{name}",
    tag = "filters",
    params(("id" = String, Path), ("name" = String, Path)),
    responses((status = 200, body = Filter)),
)]
async fn one_local(
    State(console): State<Console>,
    Names((asset, name)): Names<(String, String)>,
) -> Result<Json<Value>, Refused> {
    show(&console.objects(), Some(&asset), &name)
}

/// Make or replace one of an asset's own filters
#[utoipa::path(
    put,
    path = "/assets/{id}/filters/{name}",
    tag = "filters",
    params(("id" = String, Path), ("name" = String, Path, description = "1 to 64 letters, digits, `-` and `_`")),
    request_body = Filter,
    responses(
        (status = 200, body = Filter),
        (status = 201, body = Filter, headers(("Location" = String, description = "Where it is"))),
    ),
)]
async fn put_local(
    State(console): State<Console>,
    Names((asset, name)): Names<(String, String)>,
    Text(text): Text,
) -> Result<Response, Refused> {
    set(&console, Some(asset), name, &text).await
}

/// Remove one of an asset's own filters
#[utoipa::path(
    delete,
    path = "/assets/{id}/filters/{name}",
    tag = "filters",
    params(("id" = String, Path), ("name" = String, Path)),
    responses((status = 204, description = "It is gone")),
)]
async fn delete_local(
    State(console): State<Console>,
    Names((asset, name)): Names<(String, String)>,
) -> Result<Response, Refused> {
    granted(console.ask(Command::DeleteFilter { asset: Some(asset), name }).await?, gone)
}
