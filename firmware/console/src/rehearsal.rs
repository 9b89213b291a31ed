//! `/rehearsal`: whether channels would fit into the box's encoders.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Console, channels::ChannelSettings, refuse::Refused, request::Body};

pub(crate) fn routes() -> OpenApiRouter<Console> {
    OpenApiRouter::new().routes(routes!(rehearse))
}

/// The most channels of one rehearsal.
const MOST: usize = 16;

/// Channels to be rehearsed together.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wished {
    /// As they would be made, 1 to 16; names may be left out or repeated. Where `input.width`, `input.height` or `frame_rate` is left out, it is what the input of
    /// the channel of that name gave last time.
    #[schema(value_type = Vec<ChannelSettings>, min_items = 1, max_items = 16)]
    channels: Vec<Map<String, Value>>,
}

/// How it would go.
#[derive(Serialize, ToSchema)]
pub(crate) struct Rehearsal {
    /// Whether every rendition would be encoded. Where not, a channel that is started goes without its highest ones.
    fits: bool,
    /// What would be taken of the encoders, in percent, with what running channels that are not named take.
    percent: u64,
    /// The answer in plain words.
    words: String,
    /// What each channel would encode were there room.
    channels: Vec<Rehearsed>,
    /// The most that would fit where this does not; null where nothing would.
    alternative: Option<Alternative>,
}

/// One channel.
#[derive(Serialize, ToSchema)]
struct Rehearsed {
    /// Its name.
    name: String,
    /// Frames per second.
    frame_rate: String,
    /// What it would take of the encoders, in percent.
    percent: u64,
    /// Best quality first.
    renditions: Vec<Rendition>,
    /// What is left out because the input does not have it, and what was assumed of an input that was never seen.
    notes: Vec<String>,
}

/// One quality.
#[derive(Serialize, ToSchema)]
struct Rendition {
    /// Its name.
    name: String,
    /// `h264` or `h265`.
    #[schema(value_type = String)]
    codec: media::Coding,
    /// Pixels.
    width: u16,
    /// Pixels.
    height: u16,
    /// Bits per second.
    bitrate: u32,
}

/// Something smaller.
#[derive(Serialize, ToSchema)]
struct Alternative {
    /// Lines of the highest rendition.
    height: u16,
    /// Channels of more than 31 frames a second are shown at half their rate.
    halved_rate: bool,
    /// What it would take of the encoders, in percent.
    percent: u64,
}

/// Ask whether channels would fit, without changing anything
///
/// Channels that run and are not named here are counted as they are.
#[utoipa::path(
    post,
    path = "/rehearsal",
    tag = "channels",
    request_body = Wished,
    responses((status = 200, body = Rehearsal)),
)]
async fn rehearse(
    State(console): State<Console>,
    Body(Wished { channels }): Body<Wished>,
) -> Result<Json<Rehearsal>, Refused> {
    if !(1..=MOST).contains(&channels.len()) {
        return Err(Refused::field("channels", format!("1 to {MOST} channels can be rehearsed together")));
    }
    let read = |(nth, settings): (usize, Map<String, Value>)| {
        let channel = control::channel_from_json(&Value::Object(settings).to_string());
        channel.map(|channel| *channel).map_err(|refusal| match refusal {
            control::Refusal::Invalid { field, problem } => {
                Refused::field(format!("channels[{nth}].{field}"), problem)
            }
            other => other.into(),
        })
    };
    let channels = channels.into_iter().enumerate().map(read).collect::<Result<Vec<_>, _>>()?;
    let rehearsal = (console.rehearse)(&channels);
    let names = channels.iter().map(|channel| channel.name.clone());
    let rehearsed = |(name, part): (String, control::Part)| Rehearsed {
        name,
        frame_rate: part.rate.to_string(),
        percent: part.percent,
        renditions: part
            .renditions
            .into_iter()
            .map(|rendition| Rendition {
                name: rendition.name,
                codec: rendition.coding,
                width: rendition.width,
                height: rendition.height,
                bitrate: rendition.bitrate,
            })
            .collect(),
        notes: part.notes,
    };
    Ok(Json(Rehearsal {
        fits: rehearsal.fits,
        percent: rehearsal.percent,
        words: rehearsal.words,
        channels: names.zip(rehearsal.channels).map(rehearsed).collect(),
        alternative: rehearsal.alternative.map(|smaller| Alternative {
            height: smaller.height,
            halved_rate: smaller.halved,
            percent: smaller.percent,
        }),
    }))
}
