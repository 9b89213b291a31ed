//! `/openapi.json`: the document that the handlers have made, completed by what is true of all of them.

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Components, Content, HeaderBuilder, InfoBuilder, OpenApi, PathItem, Ref, RefOr, ResponseBuilder,
        path::Operation,
        schema::{ObjectBuilder, Type},
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
        tag::TagBuilder,
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Console, refuse::Refused};

pub(crate) fn routes() -> OpenApiRouter<Console> {
    OpenApiRouter::new().routes(routes!(document))
}

const BEARER: &str = "token";

const ABOUT: &str = "Times are milliseconds since the epoch, durations whole seconds, sizes bytes. Bodies may say \
                     times as RFC 3339 text and durations as `4h`. What takes its time is answered 202 with the \
                     header `operation-id`; how it goes is told by `/api/v1/operations/{id}`.";

const TAGS: [(&str, &str); 8] = [
    ("channels", "Live lines from their input to their renditions"),
    ("programs", "Windows of a channel that are kept and may be published"),
    ("assets", "What programs recorded, and clips of it"),
    ("marks", "Moments and stretches of an asset, with a name"),
    ("endpoints", "The ways in for viewers"),
    ("filters", "What viewers see of a presentation: global, or of one asset"),
    ("operations", "What takes its time"),
    ("status", "How the box is"),
];

/// This document
#[utoipa::path(get, path = "/openapi.json", tag = "status", responses((status = 200, body = Value)))]
async fn document(State(console): State<Console>) -> Response {
    let json = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, json)], console.document).into_response()
}

/// The whole document as JSON; `guarded`: a token is needed.
pub(crate) fn render(mut document: OpenApi, guarded: bool) -> Bytes {
    document.info = InfoBuilder::new()
        .title("Riser management")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .build();
    document.tags = Some(
        TAGS.iter()
            .map(|&(name, about)| TagBuilder::new().name(name).description(Some(about)).build())
            .collect(),
    );
    // A wildcard is axum's word; a path template of OpenAPI has none.
    let paths = std::mem::take(&mut document.paths.paths);
    document.paths.paths = paths.into_iter().map(|(path, item)| (path.replace("{*", "{"), item)).collect();
    for (path, item) in &mut document.paths.paths {
        let placed = path.contains('{');
        for (changes, operation) in operations(item) {
            complete(operation, Asks { guarded, changes, placed });
        }
    }
    let components = document.components.get_or_insert_with(Components::new);
    components.schemas.insert(Refused::name().into_owned(), Refused::schema());
    if guarded {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        components.security_schemes.insert(BEARER.to_owned(), SecurityScheme::Http(scheme).into());
        document.security = Some(vec![SecurityRequirement::new(BEARER, [""; 0])]);
    }
    serde_json::to_vec(&document).unwrap_or_default().into()
}

/// The operations of a path, and whether each changes something.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (bool, &mut Operation)> {
    let PathItem { get, put, post, patch, delete, .. } = item;
    let all = [(false, get), (true, put), (true, post), (true, patch), (true, delete)];
    all.into_iter().filter_map(|(changes, operation)| Some((changes, operation.as_mut()?)))
}

/// What an operation is, as far as it decides how it can be refused.
struct Asks {
    guarded: bool,
    changes: bool,
    placed: bool,
}

fn complete(operation: &mut Operation, asks: Asks) {
    // Handlers have short names that only their modules tell apart.
    let tag = operation.tags.iter().flatten().next().cloned().unwrap_or_default();
    operation.operation_id = operation.operation_id.take().map(|name| format!("{tag}_{name}"));
    let body = operation.request_body.is_some();
    let input = body || operation.parameters.is_some();
    let refusals = [
        (400, "A field is not allowed, or the request is none", input),
        (401, "The token is missing or wrong", asks.guarded),
        (403, "Not from this site", asks.changes || !asks.guarded),
        (404, "There is no such thing", asks.placed),
        (409, "Not in this state, or in conflict with something else", asks.changes),
        (413, "The body is too large", body),
        (415, "The body is not `application/json`", body),
        (503, "Not now: try again after `Retry-After` seconds", asks.changes),
    ];
    let responses = &mut operation.responses.responses;
    for (status, why, _) in refusals.into_iter().filter(|(_, _, possible)| *possible) {
        responses.entry(status.to_string()).or_insert_with(|| refusal(why));
    }
    for (status, response) in responses {
        let RefOr::T(response) = response else { continue };
        if status == "202" {
            for (name, about) in [("operation-id", "Its id"), ("Location", "Where to ask how it goes")] {
                response.headers.insert(name.to_owned(), text(about).into());
            }
        }
        if response.description.is_empty() {
            response.description = meaning(status).to_owned();
        }
    }
}

fn meaning(status: &str) -> &'static str {
    match status {
        "201" => "It is made",
        "202" => "It has begun",
        _ => "As it is now",
    }
}

fn refusal(why: &str) -> RefOr<utoipa::openapi::Response> {
    let schema = Ref::from_schema_name(Refused::name());
    let content = Content::new(Some(RefOr::<utoipa::openapi::Schema>::Ref(schema)));
    ResponseBuilder::new().description(why).content("application/json", content).build().into()
}

fn text(about: &str) -> utoipa::openapi::Header {
    HeaderBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).build()))
        .description(Some(about))
        .build()
}
