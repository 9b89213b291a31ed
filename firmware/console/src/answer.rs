//! What goes out when a wish is granted.

use axum::{
    Json,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use control::Answer;
use serde::Serialize;

use crate::{BASE, operations, refuse::Refused};

const OPERATION_ID: HeaderName = HeaderName::from_static("operation-id");

/// 202 with the operation where it takes its time, otherwise what `done` makes of the id that was answered.
pub(crate) fn granted<R: IntoResponse>(
    answer: Answer,
    done: impl FnOnce(&str) -> Result<R, Refused>,
) -> Result<Response, Refused> {
    match answer {
        Answer::Done(id) => done(&id).map(IntoResponse::into_response),
        Answer::Begun(operation) => Ok(begun(operation)),
    }
}

/// 201 with the object and where it is from now on: `path` begins behind `/api/v1`.
pub(crate) fn created(path: &str, object: impl Serialize) -> Response {
    let mut response = (StatusCode::CREATED, Json(object)).into_response();
    set(&mut response, header::LOCATION, &format!("{BASE}{path}"));
    response
}

/// 204.
pub(crate) fn gone(_id: &str) -> Result<StatusCode, Refused> {
    Ok(StatusCode::NO_CONTENT)
}

fn begun(operation: control::Operation) -> Response {
    let id = operation.id.clone();
    let mut response = (StatusCode::ACCEPTED, Json(operations::Operation::from(operation))).into_response();
    set(&mut response, OPERATION_ID, &id);
    set(&mut response, header::LOCATION, &format!("{BASE}/operations/{id}"));
    response
}

/// Ids have only characters that a header may have; one that had others would be left out.
fn set(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
