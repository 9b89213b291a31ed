//! `/keys/{name}`: a content key as its sixteen bytes (RFC 8216bis, 4.4.4.4), or as a licence of Clear Key (W3C EME, 9.1).

use std::net::IpAddr;

use access::clear_key::{Request, licence as licence_of};
use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use package::route::Token;

use crate::{
    error::Error,
    respond::Keep,
    seal::{Keys, ServedKey},
};

/// Bytes of the longest request for a licence.
const LONGEST: usize = 4096;

/// What a request shows of who makes it, and when.
pub struct Claimant<'a> {
    /// The client's address, where one is known.
    pub address: Option<IpAddr>,
    /// The token in the query.
    pub token: Option<&'a Token>,
    /// The request's headers.
    pub headers: &'a HeaderMap,
    /// Seconds since the epoch.
    pub now: u64,
}

/// Gives the key to who may have it: its bytes, or a licence where the body asks for one.
pub async fn answer(
    keys: &Keys,
    name: &str,
    claimant: &Claimant<'_>,
    method: &Method,
    body: Body,
) -> Result<Response, Error> {
    let key = keys.get(name).filter(|key| key.url.is_none()).ok_or_else(|| Error::NoKey(name.to_owned()))?;
    admit(key, claimant)?;
    let body = match *method {
        Method::POST => to_bytes(body, LONGEST).await.map_err(|_| Error::Licence("the body is too long"))?,
        _ => axum::body::Bytes::new(),
    };
    let is_licence = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    let mut response = if is_licence { licence(key, &body)? } else { raw(key) };
    response.headers_mut().insert(header::CACHE_CONTROL, Keep::Not.header());
    Ok(response)
}

fn raw(key: &ServedKey) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/octet-stream")];
    (headers, key.content.key.reveal().to_vec()).into_response()
}

/// The key, where it is among those that are asked for; it is not told whether another one is there.
fn licence(key: &ServedKey, body: &[u8]) -> Result<Response, Error> {
    let request = Request::parse(body).ok_or(Error::Licence("the body is no request for a licence"))?;
    if !request.names(key.content.id) {
        return Err(Error::Licence("`kids` does not name this key"));
    }
    let licence = licence_of(key.content.id, key.content.key.reveal());
    Ok(([(header::CONTENT_TYPE, "application/json")], licence).into_response())
}

fn admit(key: &ServedKey, claimant: &Claimant<'_>) -> Result<(), Error> {
    let allowed = |address: IpAddr| key.allow.include(address);
    if !key.allow.is_empty() && !claimant.address.is_some_and(allowed) {
        return Err(Error::NotYourKey);
    }
    let Some(verifier) = &key.token else { return Ok(()) };
    let bearer = claimant.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = bearer.and_then(|value| {
        let (scheme, token) = value.split_once([' ', '='])?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    let token = bearer.or_else(|| claimant.token.map(Token::reveal)).ok_or(Error::NoToken)?;
    Ok(verifier.verify(token, &key.content.id.to_string(), claimant.now)?)
}

/// What a refused token's answer says beside its status (RFC 6750, 3).
pub fn challenge(status: StatusCode) -> Option<HeaderValue> {
    (status == StatusCode::UNAUTHORIZED).then(|| HeaderValue::from_static("Bearer"))
}
