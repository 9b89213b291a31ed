//! `/channels`: make, change, start, stop, reset and delete live lines.

use axum::{Json, extract::State, response::Response};
use control::{Command, Objects};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Console,
    answer::{created, gone, granted},
    delivery,
    operations::Operation,
    refuse::Refused,
    request::{Body, Names},
};

pub(crate) fn routes() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(one, change, delete))
        .routes(routes!(tune))
        .routes(routes!(start))
        .routes(routes!(stop))
        .routes(routes!(reset))
}

/// A live line.
#[derive(Serialize, ToSchema)]
pub(crate) struct Channel {
    /// Its name.
    name: String,
    /// Where it is in its life.
    #[schema(value_type = ChannelLife)]
    state: String,
    /// When it came into that state, in milliseconds since the epoch.
    since: u64,
    /// Why, in plain words; empty when all is well.
    reason: String,
    /// It stands in the settings file: it is there at every start and cannot be deleted or changed here.
    declared: bool,
    /// The programs that are recording.
    running_programs: Vec<String>,
    /// Where viewers find it.
    urls: LiveUrls,
    /// What it encodes.
    #[schema(value_type = ChannelSettings)]
    settings: Value,
    /// What of it was changed while it ran.
    #[schema(value_type = ChannelTuning)]
    tuning: control::Tuning,
}

/// Where viewers find a channel, on their own listener.
#[derive(Serialize, ToSchema)]
struct LiveUrls {
    /// HLS.
    hls: String,
    /// DASH.
    dash: String,
}

/// Where a channel is in its life.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is used: the words are those of `control`")]
enum ChannelLife {
    Stopped,
    Starting,
    Running,
    Stopping,
    Deleting,
}

/// What a channel encodes; what is left out has its default.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used: `control` reads the text itself")]
pub(crate) struct ChannelSettings {
    /// The name in every address of the channel: 1 to 32 letters, digits or `-`.
    name: String,
    /// `"auto"` to follow the input, or frames per second such as `25` or `"30000/1001"`.
    #[schema(value_type = Value, default = "auto", required = false)]
    frame_rate: Value,
    /// Wanted duration of a segment in milliseconds; a whole number of parts.
    #[schema(minimum = 1000, maximum = 6000, default = 1600, required = false)]
    segment_ms: u32,
    /// Wanted duration of a part in milliseconds.
    #[schema(minimum = 128, maximum = 1000, default = 200, required = false)]
    part_ms: u32,
    /// Where pictures and sound come from.
    #[schema(required = false)]
    input: InputSettings,
    /// The sound that viewers get.
    #[schema(required = false)]
    audio: AudioSettings,
    /// Captions in the input's pictures that players are told of; all come through, named or not.
    #[schema(required = false)]
    captions: Vec<Captions>,
    /// A ladder of the box's: `default-720p`, `sport`, `low-light` or `audio-only` (no pictures); not beside `ladder`.
    #[schema(nullable = false)]
    preset: Option<String>,
    /// How the encoders spend their bits: `cbr`, or `capped-vbr` for as many as the pictures need.
    #[schema(default = "cbr", required = false)]
    rate_control: String,
    /// Milliseconds from one key frame to the next: whole parts that make up a whole segment; none for a segment.
    #[schema(nullable = false)]
    gop_ms: Option<u32>,
    /// The wanted renditions, highest first; empty for the box's own choice.
    #[schema(required = false, max_items = 12)]
    ladder: Vec<Rung>,
    /// Through which protocols it can be had, and how it is encrypted on the way; its programs' assets begin with the same.
    #[schema(required = false, max_items = 8)]
    delivery: Vec<delivery::Policy>,
    /// Data that HLS players find in the Multivariant Playlist, for the pages around them.
    #[schema(required = false, max_items = 32)]
    session_data: Vec<SessionData>,
    /// Where players ask which of several servers to take: an `https` or `http` URL.
    #[schema(nullable = false)]
    steering: Option<String>,
}

/// A value by its id.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct SessionData {
    /// In reverse domain order, such as `org.example.title`.
    #[schema(max_length = 128)]
    id: String,
    /// On one line, without double quotes.
    #[schema(max_length = 1024)]
    value: String,
    /// The language that it is in: a tag of RFC 5646.
    #[schema(nullable = false)]
    language: Option<String>,
}

/// What may change while a channel runs, without a gap.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct ChannelTuning {
    /// Bits per second by the rendition's name, at most those of the ladder; those that are not named have the ladder's.
    #[schema(required = false)]
    bitrates: std::collections::BTreeMap<String, u32>,
    /// Milliseconds from one key frame to the next, by the rules of the settings; none: as the settings say.
    gop_ms: Option<u32>,
}

/// Where pictures and sound come from.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct InputSettings {
    /// `auto` (a camera where there is one, otherwise the test signal), `camera`, `decklink`, `file` or `test`.
    #[schema(default = "auto", required = false)]
    kind: String,
    /// The V4L2 device, or the number of a DeckLink card; none for the first one found.
    #[schema(nullable = false)]
    device: Option<String>,
    /// The camera's name, as the status tells it; the driver's name of a DeckLink card.
    #[schema(nullable = false)]
    name: Option<String>,
    /// The port it is plugged into, as the status tells it; of one with a serial number of its own, no more than a hint.
    #[schema(nullable = false)]
    port: Option<String>,
    /// The serial number of the camera or the DeckLink card.
    #[schema(nullable = false)]
    serial: Option<String>,
    /// The plug of a DeckLink card: `auto`, `sdi`, `hdmi`, `optical-sdi`, `component`, `composite` or `svideo`.
    #[schema(nullable = false)]
    connection: Option<String>,
    /// The ALSA device whose sound is taken, such as `hw:1`; none for the card on the camera's own device.
    #[schema(nullable = false)]
    sound: Option<String>,
    /// The media file.
    #[schema(nullable = false)]
    path: Option<String>,
    /// Wanted width in pixels; a wish that a camera may not meet.
    #[schema(minimum = 160, maximum = 3840, nullable = false)]
    width: Option<u32>,
    /// Wanted height in pixels.
    #[schema(minimum = 90, maximum = 2160, nullable = false)]
    height: Option<u32>,
}

/// The sound that viewers get.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct AudioSettings {
    /// AAC, bits per second.
    #[schema(minimum = 32000, maximum = 512000, default = 128000, required = false)]
    bitrate: u32,
    /// What is spoken: a language tag of RFC 5646, such as `en`.
    #[schema(nullable = false)]
    language: Option<String>,
    /// The sounds that viewers choose from, the usual one first; empty for the first pair alone.
    #[schema(required = false, max_items = 8)]
    track: Vec<AudioTrack>,
}

/// Captions that the pictures carry.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct Captions {
    /// `CC1` to `CC4` (CEA-608) or `SERVICE1` to `SERVICE63` (CEA-708).
    service: String,
    /// What they are written in: a language tag of RFC 5646.
    #[schema(nullable = false)]
    language: Option<String>,
    /// Players are given them as subtitles, too: of CEA-608 only.
    #[schema(required = false)]
    subtitles: bool,
}

/// One pair of the input's sound.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct AudioTrack {
    /// Which pair: pair 2 is the third and fourth channel of a camera, or the second sound of a file.
    #[schema(minimum = 1, maximum = 8)]
    pair: u32,
    /// What is spoken there; none for what `audio.language` says.
    #[schema(nullable = false)]
    language: Option<String>,
}

/// One wanted rendition.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct Rung {
    /// Lines, even.
    #[schema(minimum = 90, maximum = 2160)]
    height: u32,
    /// Bits per second.
    #[schema(minimum = 50000, maximum = 50000000)]
    bitrate: u32,
    /// `h264` or `h265`.
    #[schema(default = "h264", required = false)]
    codec: String,
}

/// Bits per second that a rendition has at least.
const LEAST_BITRATE: u32 = 50_000;

fn show(objects: &Objects, name: &str) -> Result<Channel, Refused> {
    let channel = objects.channels.get(name).ok_or_else(|| Refused::none("channel", name))?;
    let recording = |asset: &str| objects.assets.get(asset).is_some_and(|asset| asset.recording);
    Ok(Channel {
        name: name.to_owned(),
        state: channel.state.to_string(),
        since: channel.since,
        reason: channel.reason.clone(),
        declared: channel.declared,
        running_programs: objects
            .programs
            .iter()
            .filter(|(_, program)| program.channel == name && recording(&program.asset))
            .map(|(id, _)| id.clone())
            .collect(),
        urls: LiveUrls {
            hls: format!("/live/{name}/master.m3u8"),
            dash: format!("/live/{name}/manifest.mpd"),
        },
        settings: json!(channel.settings),
        tuning: channel.tuning.clone(),
    })
}

/// All channels
#[utoipa::path(get, path = "/channels", tag = "channels", responses((status = 200, body = Vec<Channel>)))]
async fn list(State(console): State<Console>) -> Result<Json<Vec<Channel>>, Refused> {
    let objects = console.objects();
    objects.channels.keys().map(|name| show(&objects, name)).collect::<Result<_, _>>().map(Json)
}

/// One channel
#[utoipa::path(
    get,
    path = "/channels/{name}",
    tag = "channels",
    params(("name" = String, Path)),
    responses((status = 200, body = Channel)),
)]
async fn one(State(console): State<Console>, Names(name): Names<String>) -> Result<Json<Channel>, Refused> {
    show(&console.objects(), &name).map(Json)
}

/// Make a channel, stopped
#[utoipa::path(
    post,
    path = "/channels",
    tag = "channels",
    request_body = ChannelSettings,
    responses((status = 201, body = Channel, headers(("Location" = String, description = "Where it is")))),
)]
async fn create(
    State(console): State<Console>,
    Body(settings): Body<Map<String, Value>>,
) -> Result<Response, Refused> {
    if !settings.contains_key("name") {
        return Err(Refused::field("name", "this is missing"));
    }
    let channel = control::channel_from_json(&Value::Object(settings).to_string())?;
    let answer = console.ask(Command::CreateChannel(channel)).await?;
    granted(answer, |name| Ok(created(&format!("/channels/{name}"), show(&console.objects(), name)?)))
}

/// Replace what a stopped channel encodes
///
/// The name stays: it may be left out.
#[utoipa::path(
    put,
    path = "/channels/{name}",
    tag = "channels",
    params(("name" = String, Path)),
    request_body = ChannelSettings,
    responses((status = 200, body = Channel)),
)]
async fn change(
    State(console): State<Console>,
    Names(name): Names<String>,
    Body(mut settings): Body<Map<String, Value>>,
) -> Result<Response, Refused> {
    // Unknown first: its name may not even be one.
    if !console.objects().channels.contains_key(&name) {
        return Err(Refused::none("channel", &name));
    }
    let named = settings.entry("name").or_insert_with(|| name.clone().into());
    if *named != name {
        return Err(Refused::field("name", format!("a channel keeps its name: `{name}`")));
    }
    let channel = control::channel_from_json(&Value::Object(settings).to_string())?;
    let answer = console.ask(Command::ChangeChannel(channel)).await?;
    granted(answer, |name| show(&console.objects(), name).map(Json))
}

/// Delete a stopped channel that has no programs
///
/// Its assets stay.
#[utoipa::path(
    delete,
    path = "/channels/{name}",
    tag = "channels",
    params(("name" = String, Path)),
    responses((status = 202, body = Operation), (status = 204, description = "It is gone")),
)]
async fn delete(State(console): State<Console>, Names(name): Names<String>) -> Result<Response, Refused> {
    granted(console.ask(Command::DeleteChannel(name)).await?, gone)
}

/// Tune a running channel without a gap
///
/// From the next segment on. What is left out is as the settings say again; the settings stay.
#[utoipa::path(
    put,
    path = "/channels/{name}/tuning",
    tag = "channels",
    params(("name" = String, Path)),
    request_body = ChannelTuning,
    responses((status = 200, body = Channel)),
)]
async fn tune(
    State(console): State<Console>,
    Names(name): Names<String>,
    Body(tuning): Body<control::Tuning>,
) -> Result<Response, Refused> {
    let state = console.snapshot.read();
    let encodes = state.channels.iter().find(|channel| channel.name == name);
    for (rendition, bitrate) in &tuning.bitrates {
        let known = encodes.and_then(|channel| channel.renditions.iter().find(|of| of.name == *rendition));
        let field = format!("bitrates.{rendition}");
        match known {
            Some(known) if (LEAST_BITRATE..=known.bitrate).contains(bitrate) => {}
            Some(known) => {
                let most = known.bitrate;
                return Err(Refused::field(
                    field,
                    format!("found {bitrate}, expected {LEAST_BITRATE} to {most}, what the ladder says"),
                ));
            }
            // Whether the channel can be tuned at all is said first.
            None if encodes.is_none_or(|channel| channel.renditions.is_empty()) => {}
            None => return Err(Refused::field(field, format!("`{name}` has no such rendition"))),
        }
    }
    steer(&console, Command::TuneChannel { name, tuning }).await
}

/// Start a stopped channel
#[utoipa::path(
    post,
    path = "/channels/{name}/start",
    tag = "channels",
    params(("name" = String, Path)),
    responses((status = 200, body = Channel), (status = 202, body = Operation)),
)]
async fn start(State(console): State<Console>, Names(name): Names<String>) -> Result<Response, Refused> {
    steer(&console, Command::StartChannel(name)).await
}

/// Stop a running channel whose programs have all stopped
#[utoipa::path(
    post,
    path = "/channels/{name}/stop",
    tag = "channels",
    params(("name" = String, Path)),
    responses((status = 200, body = Channel), (status = 202, body = Operation)),
)]
async fn stop(State(console): State<Console>, Names(name): Names<String>) -> Result<Response, Refused> {
    steer(&console, Command::StopChannel(name)).await
}

/// End and begin a running channel's encoding anew
///
/// Its programs must have stopped.
#[utoipa::path(
    post,
    path = "/channels/{name}/reset",
    tag = "channels",
    params(("name" = String, Path)),
    responses((status = 200, body = Channel), (status = 202, body = Operation)),
)]
async fn reset(State(console): State<Console>, Names(name): Names<String>) -> Result<Response, Refused> {
    steer(&console, Command::ResetChannel(name)).await
}

async fn steer(console: &Console, command: Command) -> Result<Response, Refused> {
    granted(console.ask(command).await?, |name| show(&console.objects(), name).map(Json))
}
