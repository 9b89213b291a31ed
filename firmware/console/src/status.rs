//! `/status`: the state of the box as one document, and each part of it under its own path.

use axum::{Json, extract::State, http::StatusCode};
use serde_json::{Value, json};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Console, refuse::Refused, request::Names};

pub(crate) fn routes() -> OpenApiRouter<Console> {
    OpenApiRouter::new().routes(routes!(whole)).routes(routes!(part))
}

/// The state of the whole box
///
/// Every state that can be wrong has `since` (milliseconds since the epoch) and `reason` (empty when all is well).
#[utoipa::path(get, path = "/status", tag = "status", responses((status = 200, body = Value)))]
async fn whole(State(console): State<Console>) -> Json<Value> {
    Json(json!(*console.snapshot.read()))
}

/// A part of the state, such as `store` or `channels/main/input`
///
/// Of a list, an item is named by its `name` or `id`, or by its position, counted from 0.
#[utoipa::path(
    get,
    path = "/status/{*part}",
    tag = "status",
    params(("part" = String, Path, description = "Names on the way, with `/` between them")),
    responses((status = 200, body = Value)),
)]
async fn part(State(console): State<Console>, Names(part): Names<String>) -> Result<Json<Value>, Refused> {
    let mut here = json!(*console.snapshot.read());
    for name in part.split('/') {
        let inside = match &mut here {
            Value::Array(items) => position(items, name).and_then(|at| items.get_mut(at)),
            here => here.get_mut(name),
        };
        match inside.map(Value::take) {
            Some(value) => here = value,
            None => return Err(Refused::new(StatusCode::NOT_FOUND, no_part(name, &part, &here))),
        }
    }
    Ok(Json(here))
}

fn position(items: &[Value], name: &str) -> Option<usize> {
    let named = |item: &Value| ["name", "id"].iter().any(|field| item[field].as_str() == Some(name));
    items.iter().position(named).or_else(|| name.parse().ok())
}

fn no_part(name: &str, part: &str, here: &Value) -> String {
    let known = match here {
        Value::Object(fields) => fields.keys().cloned().collect::<Vec<_>>().join(", "),
        Value::Array(items) => format!("a list of {}", items.len()),
        _ => "nothing in it".to_owned(),
    };
    format!("there is no `{name}` on the way to `{part}`, but {known}")
}
