//! `/assets`: what programs recorded, and clips of it.

use axum::{Json, extract::State, response::Response};
use control::{Command, Objects};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Console,
    answer::{created, gone, granted},
    delivery,
    instant::Instant,
    marks::{self, Mark},
    operations::Operation,
    refuse::Refused,
    request::{Body, Names, Wish},
};

pub(crate) fn routes() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(one, delete))
        .routes(routes!(publish))
        .routes(routes!(unpublish))
        .routes(routes!(clip))
        .routes(routes!(thumbnails))
}

/// Something that can be played after its program, or without one.
#[derive(Serialize, ToSchema)]
pub(crate) struct Asset {
    /// Its id.
    id: String,
    /// Its name.
    name: String,
    /// The channel it was recorded from.
    channel: String,
    /// The id of the program that records into it, or did; none for a clip and after the program was deleted.
    program: Option<String>,
    /// The id of the asset it was clipped from.
    parent: Option<String>,
    /// It is being recorded into.
    recording: bool,
    /// Where it begins, in milliseconds since the epoch; none before its program has run.
    start: Option<u64>,
    /// Where it ends, in milliseconds since the epoch; none while it is recorded.
    end: Option<u64>,
    /// Seconds from where it begins to where it ends, or to now.
    seconds: u64,
    /// The path piece by which viewers find it; none while it is not published.
    locator: Option<String>,
    /// Where viewers find it; none while it is not published.
    urls: Option<Urls>,
    /// Moments and stretches with a name, in order of time.
    marks: Vec<Mark>,
    /// The names of its own filters.
    filters: Vec<String>,
    /// Through which protocols it can be had, and how it is encrypted on the way; empty for all, in the clear.
    #[schema(value_type = Vec<delivery::Policy>)]
    delivery: access::Delivery,
    /// When it was made, in milliseconds since the epoch.
    created: u64,
}

/// Where viewers find something, on their own listener.
#[derive(Serialize, ToSchema)]
pub(crate) struct Urls {
    /// HLS.
    hls: String,
    /// DASH.
    dash: String,
    /// One MP4; `start`, `end`, `tracks` and `filter` in the query take less of it.
    download: String,
}

impl Urls {
    pub(crate) fn new(locator: &str) -> Self {
        let at = |file| format!("/vod/{locator}/{file}");
        Self { hls: at("master.m3u8"), dash: at("manifest.mpd"), download: at("download.mp4") }
    }
}

/// How it is published.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Publication {
    /// The path piece it gets, 1 to 64 letters, digits, `-` and `_`; none for one nobody can guess.
    #[serde(default)]
    pub(crate) locator: Option<String>,
}

/// A clip to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewClip {
    /// 1 to 256 letters, digits, `-` and spaces; a letter or digit at both ends.
    name: String,
    /// Where it begins.
    from: Instant,
    /// Where it ends.
    to: Instant,
}

fn show(objects: &Objects, id: &str, now: u64) -> Result<Asset, Refused> {
    let asset = objects.assets.get(id).ok_or_else(|| Refused::none("asset", id))?;
    let (start, end) = extent(objects, asset, now);
    Ok(Asset {
        id: id.to_owned(),
        name: asset.name.clone(),
        channel: asset.channel.clone(),
        program: asset.program.clone(),
        parent: asset.parent.clone(),
        recording: asset.recording,
        start,
        end,
        seconds: start.map_or(0, |start| end.unwrap_or(now).saturating_sub(start) / 1000),
        locator: asset.locator.clone(),
        urls: asset.locator.as_deref().map(Urls::new),
        marks: marks::show_all(asset),
        filters: asset.filters.keys().cloned().collect(),
        delivery: asset.delivery.clone(),
        created: asset.created,
    })
}

/// Where it begins and ends for viewers, in milliseconds since the epoch.
fn extent(objects: &Objects, asset: &control::Asset, now: u64) -> (Option<u64>, Option<u64>) {
    let Some(range) = asset.range else { return (None, None) };
    let millis = |nanos: u64| nanos / 1_000_000;
    let (begin, end) = (millis(range.begin()), range.end().map(millis));
    let recorder = asset.program.as_ref().filter(|_| asset.recording);
    let program = recorder.and_then(|program| objects.programs.get(program));
    let Some(window) = program.and_then(|program| program.archive_window) else {
        return (Some(begin), end);
    };
    let edge = range.grid.position(now, 1000).segment.saturating_sub(1);
    let oldest = range.grid.segment_line(range.first_shown(edge, Some(window)), 1000);
    (Some(begin.max(oldest)), end)
}

/// All assets
#[utoipa::path(get, path = "/assets", tag = "assets", responses((status = 200, body = Vec<Asset>)))]
async fn list(State(console): State<Console>) -> Result<Json<Vec<Asset>>, Refused> {
    let (objects, now) = (console.objects(), console.now());
    objects.assets.keys().map(|id| show(&objects, id, now)).collect::<Result<_, _>>().map(Json)
}

/// One asset
#[utoipa::path(
    get,
    path = "/assets/{id}",
    tag = "assets",
    params(("id" = String, Path)),
    responses((status = 200, body = Asset)),
)]
async fn one(State(console): State<Console>, Names(id): Names<String>) -> Result<Json<Asset>, Refused> {
    show(&console.objects(), &id, console.now()).map(Json)
}

/// Delete an asset to which no program refers
///
/// Frees what only it has protected.
#[utoipa::path(
    delete,
    path = "/assets/{id}",
    tag = "assets",
    params(("id" = String, Path)),
    responses((status = 202, body = Operation), (status = 204, description = "It is gone")),
)]
async fn delete(State(console): State<Console>, Names(id): Names<String>) -> Result<Response, Refused> {
    granted(console.ask(Command::DeleteAsset(id)).await?, gone)
}

/// Let viewers in
#[utoipa::path(
    post,
    path = "/assets/{id}/publish",
    tag = "assets",
    params(("id" = String, Path)),
    request_body = Option<Publication>,
    responses((status = 200, body = Asset)),
)]
async fn publish(
    State(console): State<Console>,
    Names(asset): Names<String>,
    Wish(Publication { locator }): Wish<Publication>,
) -> Result<Response, Refused> {
    steer(&console, Command::Publish { asset, locator }).await
}

/// Keep viewers out; what is recorded stays
#[utoipa::path(
    post,
    path = "/assets/{id}/unpublish",
    tag = "assets",
    params(("id" = String, Path)),
    responses((status = 200, body = Asset)),
)]
async fn unpublish(State(console): State<Console>, Names(id): Names<String>) -> Result<Response, Refused> {
    steer(&console, Command::Unpublish(id)).await
}

/// Make an asset of a range of this one, without copying
#[utoipa::path(
    post,
    path = "/assets/{id}/clips",
    tag = "assets",
    params(("id" = String, Path)),
    request_body = NewClip,
    responses(
        (status = 201, body = Asset, headers(("Location" = String, description = "Where the clip is"))),
        (status = 410, body = Refused, description = "The range has expired"),
    ),
)]
async fn clip(
    State(console): State<Console>,
    Names(asset): Names<String>,
    Body(NewClip { name, from: Instant(from), to: Instant(to) }): Body<NewClip>,
) -> Result<Response, Refused> {
    let answer = console.ask(Command::Clip { asset, name, from, to }).await?;
    granted(answer, |id| Ok(created(&format!("/assets/{id}"), show(&console.objects(), id, console.now())?)))
}

/// Make the asset's thumbnails
#[utoipa::path(
    post,
    path = "/assets/{id}/thumbnails",
    tag = "assets",
    params(("id" = String, Path)),
    responses((status = 200, body = Asset), (status = 202, body = Operation)),
)]
async fn thumbnails(State(console): State<Console>, Names(id): Names<String>) -> Result<Response, Refused> {
    steer(&console, Command::MakeThumbnails(id)).await
}

async fn steer(console: &Console, command: Command) -> Result<Response, Refused> {
    granted(console.ask(command).await?, |id| show(&console.objects(), id, console.now()).map(Json))
}
