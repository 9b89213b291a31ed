//! `/assets/{id}/delivery`: through which protocols viewers have an asset, and how it is encrypted on the way.

use access::Delivery;
use axum::{Json, extract::State, response::Response};
use control::Command;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Console,
    answer::granted,
    refuse::Refused,
    request::{Body, Names},
};

pub(crate) fn routes() -> OpenApiRouter<Console> {
    OpenApiRouter::new().routes(routes!(delivery, deliver))
}

/// All delivery policies of an asset.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Policies {
    /// Each says something of some protocols.
    #[schema(value_type = Vec<Policy>, max_items = 8)]
    policies: Delivery,
}

/// A delivery policy. Where there is none, everything can be had in the clear; where there is any, what none names is blocked.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used: `access` has the policy itself")]
pub(crate) struct Policy {
    /// The protocols that it is about; none for all that its protection goes with.
    #[schema(required = false)]
    protocols: Vec<Protocol>,
    protection: Protection,
    /// The name of a content key of the settings, where it encrypts.
    #[schema(nullable = false)]
    key: Option<String>,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used")]
enum Protocol {
    Hls,
    Dash,
    Smooth,
    Hds,
    Download,
}

/// `aes-128` encrypts whole segments and is of HLS; `cenc` and `cbcs` are common encryption.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
#[expect(dead_code, reason = "only its schema is used")]
enum Protection {
    Blocked,
    Clear,
    #[schema(rename = "aes-128")]
    Envelope,
    Cenc,
    Cbcs,
}

/// An asset's delivery policies
#[utoipa::path(
    get,
    path = "/assets/{id}/delivery",
    tag = "assets",
    params(("id" = String, Path)),
    responses((status = 200, body = Policies)),
)]
async fn delivery(
    State(console): State<Console>,
    Names(id): Names<String>,
) -> Result<Json<Policies>, Refused> {
    let objects = console.objects();
    let asset = objects.assets.get(&id).ok_or_else(|| Refused::none("asset", &id))?;
    Ok(Json(Policies { policies: asset.delivery.clone() }))
}

/// Replace an asset's delivery policies
///
/// Who looks at it goes on as long as the new policies let him.
#[utoipa::path(
    put,
    path = "/assets/{id}/delivery",
    tag = "assets",
    params(("id" = String, Path)),
    request_body = Policies,
    responses((status = 200, body = Policies)),
)]
async fn deliver(
    State(console): State<Console>,
    Names(asset): Names<String>,
    Body(Policies { policies }): Body<Policies>,
) -> Result<Response, Refused> {
    let answer = console.ask(Command::Deliver { asset, delivery: policies.clone() }).await?;
    granted(answer, |_| Ok(Json(Policies { policies })))
}
