//! `/channels/{name}/advertisements`: ad breaks; `/channels/{name}/metadata`: events for players.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use control::{Command, Message, Objects};
use cue::Journal;
use media::{Break, signal::ID3};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Console,
    answer::{gone, granted},
    instant::{Instant, Seconds},
    refuse::Refused,
    request::{Body, Names, Wish},
};

pub(crate) fn routes() -> OpenApiRouter<Console> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(one, announce, end)).routes(routes!(tell))
}

/// An ad break.
#[derive(Serialize, ToSchema)]
pub(crate) struct Advertisement {
    /// By which ad systems know it: SCTE-35's `splice_event_id`.
    cue_id: u32,
    /// Where it begins, in milliseconds since the epoch: on a segment's line.
    at: u64,
    /// Where it ends, as far as that is known.
    until: Option<u64>,
    /// `announced`, `running` or `over`.
    state: &'static str,
}

/// An ad break to be announced or moved.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Announcement {
    /// Where it begins, at least 4 s from now; none for as soon as may be. It is moved to where the next segment begins.
    #[serde(default)]
    at: Option<Instant>,
    /// How long it lasts, up to 26 hours, rounded up to whole segments; none for until it is ended.
    #[serde(default)]
    duration: Option<Seconds>,
}

/// An event that players are told of: an ID3 tag, or a message of any other scheme.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Metadata {
    /// A whole ID3v2 tag, in Base64; not beside `scheme` and `data`.
    #[serde(default)]
    id3: Option<String>,
    /// What kind of message: a URI.
    #[serde(default)]
    scheme: Option<String>,
    /// Which of that kind.
    #[serde(default)]
    value: String,
    /// The message, in Base64, at most 8 KiB.
    #[serde(default)]
    data: Option<String>,
    /// When, within a minute of now; none: now.
    #[serde(default)]
    at: Option<Instant>,
    /// How long it lasts.
    #[serde(default)]
    duration: Option<Seconds>,
}

impl Metadata {
    fn message(self) -> Result<Message, Refused> {
        let bytes = |field: &str, text: String| {
            BASE64_STANDARD
                .decode(text)
                .map_err(|error| Refused::field(field, format!("is no Base64: {error}")))
        };
        let (scheme, data) = match (self.id3, self.scheme, self.data) {
            (Some(tag), None, None) => {
                let tag = bytes("id3", tag)?;
                if !tag.starts_with(b"ID3") {
                    return Err(Refused::field("id3", "is no ID3v2 tag: it does not begin with `ID3`"));
                }
                (ID3.to_owned(), tag)
            }
            (None, Some(scheme), Some(data)) => (scheme, bytes("data", data)?),
            (Some(_), ..) => return Err(Refused::field("id3", "is not allowed beside `scheme` and `data`")),
            (None, None, _) => return Err(Refused::field("scheme", "this is missing, or `id3`")),
            (None, Some(_), None) => return Err(Refused::field("data", "this is missing")),
        };
        let millis = |Seconds(seconds)| seconds.saturating_mul(1000);
        let (at, duration) = (self.at.map(|Instant(millis)| millis), self.duration.map(millis));
        Ok(Message { scheme, value: self.value, data, at, duration })
    }
}

fn breaks(objects: &Objects, channel: &str) -> Result<Vec<Break>, Refused> {
    if !objects.channels.contains_key(channel) {
        return Err(Refused::none("channel", channel));
    }
    Ok(objects.breaks.get(channel).map(Journal::breaks).unwrap_or_default())
}

fn show(shown: &Break, now: u64) -> Advertisement {
    let millis = |nanos: u64| nanos / 1_000_000;
    let (at, until) = (millis(shown.from), shown.to.map(millis));
    let state = match () {
        () if now < at => "announced",
        () if until.is_some_and(|until| until <= now) => "over",
        () => "running",
    };
    Advertisement { cue_id: shown.id, at, until, state }
}

fn find(console: &Console, channel: &str, cue_id: &str) -> Result<Advertisement, Refused> {
    let breaks = breaks(&console.objects(), channel)?;
    // Of an id that was used again the last one counts.
    let found = breaks.iter().rfind(|shown| shown.id.to_string() == cue_id);
    found.map(|shown| show(shown, console.now())).ok_or_else(|| Refused::none("ad break", cue_id))
}

fn id(cue_id: &str) -> Result<u32, Refused> {
    let id = cue_id.parse().ok().filter(|id| *id > 0 && cue_id.bytes().all(|byte| byte.is_ascii_digit()));
    id.ok_or_else(|| Refused::field("cue_id", format!("found `{cue_id}`, expected 1 to {}", u32::MAX)))
}

/// The ad breaks of a channel, in order of time
#[utoipa::path(
    get,
    path = "/channels/{name}/advertisements",
    tag = "advertisements",
    params(("name" = String, Path)),
    responses((status = 200, body = Vec<Advertisement>)),
)]
async fn list(
    State(console): State<Console>,
    Names(name): Names<String>,
) -> Result<Json<Vec<Advertisement>>, Refused> {
    let now = console.now();
    Ok(Json(breaks(&console.objects(), &name)?.iter().map(|shown| show(shown, now)).collect()))
}

/// One ad break
#[utoipa::path(
    get,
    path = "/channels/{name}/advertisements/{cue_id}",
    tag = "advertisements",
    params(("name" = String, Path), ("cue_id" = u32, Path)),
    responses((status = 200, body = Advertisement)),
)]
async fn one(
    State(console): State<Console>,
    Names((name, cue_id)): Names<(String, String)>,
) -> Result<Json<Advertisement>, Refused> {
    find(&console, &name, &cue_id).map(Json)
}

/// Announce an ad break of a running channel, or move one that begins in 4 s or later
///
/// Viewers, and who puts ads in for them, are told by every protocol; pictures and sound go on. The last word counts.
#[utoipa::path(
    put,
    path = "/channels/{name}/advertisements/{cue_id}",
    tag = "advertisements",
    params(("name" = String, Path), ("cue_id" = u32, Path)),
    request_body = Announcement,
    responses((status = 200, body = Advertisement)),
)]
async fn announce(
    State(console): State<Console>,
    Names((channel, cue_id)): Names<(String, String)>,
    Wish(Announcement { at, duration }): Wish<Announcement>,
) -> Result<Response, Refused> {
    let (id, name) = (id(&cue_id)?, channel.clone());
    let at = at.map(|Instant(millis)| millis);
    let duration = duration.map(|Seconds(seconds)| seconds.saturating_mul(1000));
    let answer = console.ask(Command::AnnounceBreak { channel, id, at, duration }).await?;
    granted(answer, |_| find(&console, &name, &cue_id).map(Json))
}

/// End an ad break that is under way with the segment that is being made, or cancel one that begins in 4 s or later
#[utoipa::path(
    delete,
    path = "/channels/{name}/advertisements/{cue_id}",
    tag = "advertisements",
    params(("name" = String, Path), ("cue_id" = u32, Path)),
    responses((status = 204, description = "It ends, or does not take place")),
)]
async fn end(
    State(console): State<Console>,
    Names((channel, cue_id)): Names<(String, String)>,
) -> Result<Response, Refused> {
    granted(console.ask(Command::EndBreak { channel, id: id(&cue_id)? }).await?, gone)
}

/// Tell players of a running channel of an event, as an `emsg` in the next part
#[utoipa::path(
    post,
    path = "/channels/{name}/metadata",
    tag = "advertisements",
    params(("name" = String, Path)),
    request_body = Metadata,
    responses((status = 204, description = "It is told")),
)]
async fn tell(
    State(console): State<Console>,
    Names(channel): Names<String>,
    Body(metadata): Body<Metadata>,
) -> Result<Response, Refused> {
    let command = Command::Tell { channel, message: metadata.message()? };
    granted(console.ask(command).await?, |_| Ok(StatusCode::NO_CONTENT.into_response()))
}
