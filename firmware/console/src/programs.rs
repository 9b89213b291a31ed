//! `/programs`: windows of a channel that are kept and may be published.

use axum::{Json, extract::State, response::Response};
use control::{Command, Objects};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Console,
    answer::{created, gone, granted},
    assets::{Publication, Urls},
    instant::Seconds,
    operations::Operation,
    refuse::Refused,
    request::{Asked, Body, Names, Wish},
};

pub(crate) fn routes() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(one, change, delete))
        .routes(routes!(start))
        .routes(routes!(stop))
        .routes(routes!(publish))
        .routes(routes!(unpublish))
}

/// A window of a channel that is kept and may be published.
#[derive(Serialize, ToSchema)]
pub(crate) struct Program {
    /// Its id.
    id: String,
    /// Its channel's name.
    channel: String,
    /// Its name.
    name: String,
    /// What it is for.
    description: String,
    /// Seconds of the past that it keeps and shows; none: a recording, which keeps all.
    archive_window: Option<u64>,
    /// The most bytes it may hold on the disk; none: no limit of its own.
    quota: Option<u64>,
    /// Where it is in its life.
    #[schema(value_type = ProgramLife)]
    state: String,
    /// When it came into that state, in milliseconds since the epoch.
    since: u64,
    /// Why, in plain words; empty when all is well.
    reason: String,
    /// The id of the asset that it records into, or recorded into last.
    asset: String,
    /// When it was made, in milliseconds since the epoch.
    created: u64,
    /// Where viewers find it; none while its asset is not published.
    urls: Option<Urls>,
}

/// Where a program is in its life.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is used: the words are those of `control`")]
enum ProgramLife {
    Stopped,
    Starting,
    Running,
    Stopping,
}

/// A program to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewProgram {
    /// The channel.
    channel: String,
    /// 1 to 256 letters, digits, `-` and spaces; a letter or digit at both ends.
    name: String,
    /// What it is for; up to 256 characters.
    #[serde(default)]
    description: String,
    /// How much of the past it keeps and shows; none: a recording, which keeps all.
    #[serde(default)]
    archive_window: Option<Seconds>,
    /// The most bytes on the disk; none: no limit of its own.
    #[serde(default)]
    quota: Option<u64>,
}

/// What becomes different; what is left out stays. Name and description may change at any time, the rest while the
/// program is stopped.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ProgramChange {
    /// 1 to 256 letters, digits, `-` and spaces; a letter or digit at both ends.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    name: Option<String>,
    /// What it is for; up to 256 characters.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    description: Option<String>,
    /// How much of the past it keeps and shows; null: a recording, which keeps all.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Seconds>)]
    archive_window: Option<Option<Seconds>>,
    /// The most bytes on the disk; null: no limit of its own.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<u64>)]
    quota: Option<Option<u64>>,
}

/// A field that is there: null only where its type has it.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Which programs.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Those of this channel only.
    channel: Option<String>,
}

fn show(objects: &Objects, id: &str) -> Result<Program, Refused> {
    let program = objects.programs.get(id).ok_or_else(|| Refused::none("program", id))?;
    let locator = objects.assets.get(&program.asset).and_then(|asset| asset.locator.as_deref());
    Ok(Program {
        id: id.to_owned(),
        channel: program.channel.clone(),
        name: program.name.clone(),
        description: program.description.clone(),
        archive_window: program.archive_window,
        quota: program.quota,
        state: program.state.to_string(),
        since: program.since,
        reason: program.reason.clone(),
        asset: program.asset.clone(),
        created: program.created,
        urls: locator.map(Urls::new),
    })
}

/// The asset that a program records into, or recorded into last.
fn asset(objects: &Objects, id: &str) -> Result<String, Refused> {
    objects.programs.get(id).map(|program| program.asset.clone()).ok_or_else(|| Refused::none("program", id))
}

/// All programs, or those of one channel
#[utoipa::path(
    get,
    path = "/programs",
    tag = "programs",
    params(Which),
    responses(
        (status = 200, body = Vec<Program>),
        (status = 404, body = Refused, description = "There is no such channel"),
    ),
)]
async fn list(
    State(console): State<Console>,
    Asked(which): Asked<Which>,
) -> Result<Json<Vec<Program>>, Refused> {
    let objects = console.objects();
    if let Some(name) = which.channel.as_ref().filter(|name| !objects.channels.contains_key(*name)) {
        return Err(Refused::none("channel", name));
    }
    let wanted = objects
        .programs
        .iter()
        .filter(|(_, program)| which.channel.as_ref().is_none_or(|channel| *channel == program.channel));
    wanted.map(|(id, _)| show(&objects, id)).collect::<Result<_, _>>().map(Json)
}

/// One program
#[utoipa::path(
    get,
    path = "/programs/{id}",
    tag = "programs",
    params(("id" = String, Path)),
    responses((status = 200, body = Program)),
)]
async fn one(State(console): State<Console>, Names(id): Names<String>) -> Result<Json<Program>, Refused> {
    show(&console.objects(), &id).map(Json)
}

/// Make a program, stopped, with an empty asset
#[utoipa::path(
    post,
    path = "/programs",
    tag = "programs",
    request_body = NewProgram,
    responses((status = 201, body = Program, headers(("Location" = String, description = "Where it is")))),
)]
async fn create(State(console): State<Console>, Body(new): Body<NewProgram>) -> Result<Response, Refused> {
    let NewProgram { channel, name, description, archive_window, quota } = new;
    let archive_window = archive_window.map(|Seconds(seconds)| seconds);
    let new = control::NewProgram { channel, name, description, archive_window, quota };
    let answer = console.ask(Command::CreateProgram(new)).await?;
    granted(answer, |id| Ok(created(&format!("/programs/{id}"), show(&console.objects(), id)?)))
}

/// Change a program
#[utoipa::path(
    patch,
    path = "/programs/{id}",
    tag = "programs",
    params(("id" = String, Path)),
    request_body = ProgramChange,
    responses((status = 200, body = Program)),
)]
async fn change(
    State(console): State<Console>,
    Names(id): Names<String>,
    Body(change): Body<ProgramChange>,
) -> Result<Response, Refused> {
    let ProgramChange { name, description, archive_window, quota } = change;
    let archive_window = archive_window.map(|window| window.map(|Seconds(seconds)| seconds));
    let change = control::ProgramChange { name, description, archive_window, quota };
    steer(&console, Command::ChangeProgram { id, change }).await
}

/// Delete a stopped program
///
/// Its assets stay.
#[utoipa::path(
    delete,
    path = "/programs/{id}",
    tag = "programs",
    params(("id" = String, Path)),
    responses((status = 202, body = Operation), (status = 204, description = "It is gone")),
)]
async fn delete(State(console): State<Console>, Names(id): Names<String>) -> Result<Response, Refused> {
    granted(console.ask(Command::DeleteProgram(id)).await?, gone)
}

/// Start recording
///
/// Goes into a new asset where the last one holds something.
#[utoipa::path(
    post,
    path = "/programs/{id}/start",
    tag = "programs",
    params(("id" = String, Path)),
    responses((status = 200, body = Program), (status = 202, body = Operation)),
)]
async fn start(State(console): State<Console>, Names(id): Names<String>) -> Result<Response, Refused> {
    steer(&console, Command::StartProgram(id)).await
}

/// End recording: what it recorded becomes video on demand
#[utoipa::path(
    post,
    path = "/programs/{id}/stop",
    tag = "programs",
    params(("id" = String, Path)),
    responses((status = 200, body = Program), (status = 202, body = Operation)),
)]
async fn stop(State(console): State<Console>, Names(id): Names<String>) -> Result<Response, Refused> {
    steer(&console, Command::StopProgram(id)).await
}

/// Let viewers in: publish the program's asset
#[utoipa::path(
    post,
    path = "/programs/{id}/publish",
    tag = "programs",
    params(("id" = String, Path)),
    request_body = Option<Publication>,
    responses((status = 200, body = Program)),
)]
async fn publish(
    State(console): State<Console>,
    Names(id): Names<String>,
    Wish(Publication { locator }): Wish<Publication>,
) -> Result<Response, Refused> {
    let asset = asset(&console.objects(), &id)?;
    let answer = console.ask(Command::Publish { asset, locator }).await?;
    granted(answer, |_| show(&console.objects(), &id).map(Json))
}

/// Keep viewers out: unpublish the program's asset
///
/// What is recorded stays.
#[utoipa::path(
    post,
    path = "/programs/{id}/unpublish",
    tag = "programs",
    params(("id" = String, Path)),
    responses((status = 200, body = Program)),
)]
async fn unpublish(State(console): State<Console>, Names(id): Names<String>) -> Result<Response, Refused> {
    let asset = asset(&console.objects(), &id)?;
    let answer = console.ask(Command::Unpublish(asset)).await?;
    granted(answer, |_| show(&console.objects(), &id).map(Json))
}

async fn steer(console: &Console, command: Command) -> Result<Response, Refused> {
    granted(console.ask(command).await?, |id| show(&console.objects(), id).map(Json))
}
