//! Every refusal, and the one place where it becomes an HTTP status.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use control::Refusal;
use serde::Serialize;
use utoipa::ToSchema;

/// Seconds after which it is worth asking again.
const RETRY: HeaderValue = HeaderValue::from_static("1");

const CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer realm=\"riser\"");

/// Why a request is not granted; nothing has changed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct Refused {
    #[serde(skip)]
    #[schema(ignore)]
    status: StatusCode,
    /// What is wrong and what is allowed, in plain words.
    error: String,
    /// The field of the body or query that is wrong, such as `ladder[1].height`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    field: Option<String>,
    /// The state that does not allow it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    state: Option<String>,
}

impl Refused {
    pub(crate) fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self { status, error: error.into(), field: None, state: None }
    }

    /// A refusal of another interface, in one line: `problem`, or `field: problem`.
    pub(crate) fn told(status: StatusCode, text: &str) -> Self {
        let field = text.split_once(": ").map(|(field, _)| field);
        let field = field.filter(|field| field.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
        Self { field: field.map(str::to_owned), ..Self::new(status, text) }
    }

    /// A field of the body or query is wrong.
    pub(crate) fn field(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Refusal::Invalid { field: field.into(), problem: problem.into() }.into()
    }

    /// There is no such thing.
    pub(crate) fn none(what: &'static str, id: &str) -> Self {
        Refusal::NotFound { what, id: id.to_owned() }.into()
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        let status = match &refusal {
            Refusal::NotFound { .. } => StatusCode::NOT_FOUND,
            Refusal::State { .. } | Refusal::Conflict(_) => StatusCode::CONFLICT,
            Refusal::Invalid { .. } => StatusCode::BAD_REQUEST,
            Refusal::Expired { .. } => StatusCode::GONE,
            Refusal::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        let refused = Self::new(status, refusal.to_string());
        match refusal {
            Refusal::State { state, .. } => Self { state: Some(state), ..refused },
            Refusal::Invalid { field, .. } | Refusal::Expired { field, .. } => {
                Self { field: Some(field), ..refused }
            }
            _ => refused,
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(&self)).into_response();
        match self.status {
            StatusCode::UNAUTHORIZED => {
                response.headers_mut().insert(header::WWW_AUTHENTICATE, CHALLENGE);
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                response.headers_mut().insert(header::RETRY_AFTER, RETRY);
            }
            _ => {}
        }
        response
    }
}
