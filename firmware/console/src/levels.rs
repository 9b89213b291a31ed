//! `/channels/{name}/levels`: how loud a channel's sounds are, once or as a stream.

use std::{convert::Infallible, sync::Arc};

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, header},
    response::{
        IntoResponse, Response,
        sse::{Event, Sse},
    },
};
use control::Loudness;
use futures_util::stream;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Console, refuse::Refused, request::Names};

pub(crate) fn routes() -> OpenApiRouter<Console> {
    OpenApiRouter::new().routes(routes!(levels))
}

/// How loud a channel's sounds are; -100 stands for nothing to be heard.
#[derive(Serialize, ToSchema)]
struct Levels {
    /// When they were measured, in milliseconds since the epoch; 0 before the first time.
    at: u64,
    /// In the order of the channel's tracks; empty while it does not run.
    sounds: Vec<SoundLevels>,
}

/// How loud one sound is.
#[derive(Serialize, ToSchema)]
struct SoundLevels {
    /// Its track's name.
    name: String,
    /// True peak of the last 100 ms, left and right, dBTP.
    peak: [f32; 2],
    /// Root of the mean square of the last 100 ms, left and right, dBFS: a full-scale sine is -3.
    rms: [f32; 2],
    /// Loudness of the last 400 ms, LUFS (EBU R 128).
    momentary: f32,
    /// Loudness of the last 3 s, LUFS.
    short_term: f32,
    /// Loudness since the channel's encoders began, gated, LUFS.
    integrated: f32,
}

impl From<&Loudness> for Levels {
    fn from(loudness: &Loudness) -> Self {
        let sound = |sound: &control::SoundLevels| {
            let media::Levels { peak, rms, momentary, short_term, integrated } = sound.levels;
            SoundLevels { name: sound.name.clone(), peak, rms, momentary, short_term, integrated }
        };
        Self { at: loudness.at, sounds: loudness.sounds.iter().map(sound).collect() }
    }
}

/// How loud a channel's sounds are
///
/// Measured ten times a second, on the sound that is encoded. With `Accept: text/event-stream` each measure is an event, until
/// the channel stops.
#[utoipa::path(
    get,
    path = "/channels/{name}/levels",
    tag = "channels",
    params(("name" = String, Path, description = "The channel's name")),
    responses(
        (status = 200, content((Levels = "application/json"), (Levels = "text/event-stream"))),
    ),
)]
async fn levels(
    State(console): State<Console>,
    Names(name): Names<String>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let heard = (console.listen)(&name).ok_or_else(|| Refused::none("channel that has run", &name))?;
    if !wants_events(&headers) {
        let now = Arc::clone(&heard.borrow());
        return Ok(Json(Levels::from(&*now)).into_response());
    }
    let events = stream::unfold(heard, async |mut heard| {
        heard.changed().await.ok()?;
        let now = Arc::clone(&heard.borrow_and_update());
        if now.sounds.is_empty() {
            return None;
        }
        let text = serde_json::to_string(&Levels::from(&*now)).ok()?;
        Some((Ok::<_, Infallible>(Event::default().data(text)), heard))
    });
    Ok(Sse::new(events).into_response())
}

fn wants_events(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT);
    accepted.iter().filter_map(|value| value.to_str().ok()).any(|text| text.contains("text/event-stream"))
}
