//! `/assets/{id}/download.mp4`: media come from the part of the box that serves them, under this interface's rules.

use axum::{
    body::to_bytes,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use tower::ServiceExt;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Console, refuse::Refused};

/// No refusal is longer.
const LONGEST: usize = 4096;

pub(crate) fn routes() -> OpenApiRouter<Console> {
    OpenApiRouter::new().routes(routes!(download))
}

/// Downloads an asset, published or not, or a stretch of it, as one MP4
///
/// Exact to the frame at both ends. The size is known up front, and the same request gives the same bytes: a download that
/// broke off goes on with `Range` and `If-Range`. What is being recorded ends with the newest whole segment.
#[utoipa::path(
    get,
    path = "/assets/{id}/download.mp4",
    tag = "assets",
    params(
        ("id" = String, Path, description = "The asset's id"),
        ("start" = Option<u64>, Query, description = "Milliseconds since the epoch where it begins"),
        ("end" = Option<u64>, Query, description = "Milliseconds since the epoch where it ends"),
        ("tracks" = Option<String>, Query, description = "Names of tracks with `;` between them; all without it"),
        ("filter" = Option<String>, Query, description = "Names of up to three filters with `;` between them"),
    ),
    responses(
        (status = 200, description = "All of it", content_type = "video/mp4", body = [u8]),
        (status = 206, description = "The range that was asked for", content_type = "video/mp4", body = [u8]),
        (status = 416, description = "It has no such range"),
    ),
)]
async fn download(State(console): State<Console>, mut request: Request) -> Response {
    // The path's parameters are found anew: those of this router would count twice.
    request.extensions_mut().clear();
    let Ok(response) = console.downloads.oneshot(request).await;
    let status = response.status();
    if status.is_success() || status.is_redirection() || status == StatusCode::RANGE_NOT_SATISFIABLE {
        return response;
    }
    match to_bytes(response.into_body(), LONGEST).await {
        Ok(text) => Refused::told(status, &String::from_utf8_lossy(&text)).into_response(),
        Err(_) => status.into_response(),
    }
}
