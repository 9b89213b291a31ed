//! What comes in: JSON bodies, pieces of the path, the query. Whatever is wrong with them is refused in JSON and
//! names the field.

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use serde::de::DeserializeOwned;

use crate::refuse::Refused;

/// The most bytes a body may have.
pub(crate) const LARGEST: usize = 64 * 1024;

/// The text of a JSON object.
pub(crate) struct Text(pub(crate) String);

/// A JSON object as a `T`.
pub(crate) struct Body<T>(pub(crate) T);

/// The same; no body or null for the default.
pub(crate) struct Wish<T>(pub(crate) T);

/// Pieces of the path.
pub(crate) struct Names<T>(pub(crate) T);

/// The query.
pub(crate) struct Asked<T>(pub(crate) T);

impl<S: Send + Sync> FromRequest<S> for Text {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        let json = is_json(request.headers());
        let text = read(request, state).await?;
        if !json {
            return Err(Refused::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "the body must be JSON: `Content-Type: application/json`",
            ));
        }
        // serde would take a list's items for the fields of an object.
        if text.trim_start().starts_with('[') {
            return Err(Refused::new(
                StatusCode::BAD_REQUEST,
                "the body must be one JSON object, not a list",
            ));
        }
        Ok(Self(text))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        let Text(text) = Text::from_request(request, state).await?;
        parse(&text).map(Self)
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for Wish<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        let (parts, body) = request.into_parts();
        let text = read(Request::from_parts(parts.clone(), body), state).await?;
        if matches!(text.trim(), "" | "null") {
            return Ok(Self(T::default()));
        }
        let whole = Request::from_parts(parts, text.into());
        Body::from_request(whole, state).await.map(|Body(wish)| Self(wish))
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Names<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(names)) => Ok(Self(names)),
            Err(_) => Err(Refused::new(StatusCode::BAD_REQUEST, "the path is not UTF-8")),
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        match Query::from_request_parts(parts, state).await {
            Ok(Query(asked)) => Ok(Self(asked)),
            Err(rejection) => {
                let text = rejection.body_text();
                let problem =
                    text.rsplit_once("query string: ").map_or(text.as_str(), |(_, problem)| problem);
                let field = quoted(problem).unwrap_or("query");
                Err(Refused::field(field, problem))
            }
        }
    }
}

async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<String, Refused> {
    let bytes = Bytes::from_request(request, state).await.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Refused::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body is too large: at most {LARGEST} bytes"),
        ),
        _ => Refused::new(StatusCode::BAD_REQUEST, "the body broke off"),
    })?;
    String::from_utf8(bytes.into())
        .map_err(|_| Refused::new(StatusCode::BAD_REQUEST, "the body is not UTF-8"))
}

fn is_json(headers: &HeaderMap) -> bool {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split_once(';').map_or(given, |(essence, _)| essence);
    essence.trim().eq_ignore_ascii_case("application/json")
}

/// A JSON object as a `T`.
pub(crate) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Refused> {
    document::parse_json(text).map_err(|error| match error {
        document::Error::Field { path, problem, .. } => at(path, problem),
        error => Refused::new(StatusCode::BAD_REQUEST, error.to_string()),
    })
}

/// A refusal of the field at `path`, or of the one within it that is missing or there twice.
fn at(path: String, problem: String) -> Refused {
    for (begins, said) in [("missing field ", "this is missing"), ("duplicate field ", "this is there twice")]
    {
        let Some(name) = problem.strip_prefix(begins).and_then(quoted) else { continue };
        return Refused::field(
            if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") },
            said,
        );
    }
    if path.is_empty() {
        return Refused::new(StatusCode::BAD_REQUEST, format!("the body: {problem}"));
    }
    Refused::field(path, problem)
}

/// The first text between back quotes.
fn quoted(text: &str) -> Option<&str> {
    text.split('`').nth(1)
}
