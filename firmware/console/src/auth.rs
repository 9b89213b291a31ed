//! Who may ask: the holder of the token, or where there is none whoever sits at the box itself.
//!
//! Without a token the listener is on loopback, but a browser on the same machine runs other people's pages. Two
//! ways lead from such a page here, and both are closed: a name of its own that resolves to 127.0.0.1 (the `Host` is
//! then not a loopback one), and a form or `fetch` that posts across sites (the `Origin` is then not the `Host`).

use std::net::IpAddr;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, Method, StatusCode, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};
use control::Secret;

use crate::refuse::Refused;

/// What a request must prove.
#[derive(Clone, Debug)]
pub struct Guard {
    /// The bearer token; none: a listener on loopback, where requests must be meant for it.
    pub token: Option<Secret>,
}

/// Lets a request through or refuses it.
pub(crate) async fn guard(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    match guard.check(&request) {
        Ok(()) => next.run(request).await,
        Err(refused) => refused.into_response(),
    }
}

impl Guard {
    fn check(&self, request: &Request) -> Result<(), Refused> {
        let headers = request.headers();
        match &self.token {
            Some(token) => authorize(token, headers)?,
            None => stay_local(request)?,
        }
        let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
        if reads { Ok(()) } else { same_site(request) }
    }
}

fn authorize(token: &Secret, headers: &HeaderMap) -> Result<(), Refused> {
    let given = single(headers, header::AUTHORIZATION)
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, given)| given.trim());
    let problem = match given {
        Some(given) if token.matches(given) => return Ok(()),
        Some(_) => "this is not the token of this box",
        None => "a token is needed: `Authorization: Bearer ...`",
    };
    Err(Refused::new(StatusCode::UNAUTHORIZED, problem))
}

/// Whom the request addresses, and the page it comes from, are on this machine.
fn stay_local(request: &Request) -> Result<(), Refused> {
    let host = host(request)?;
    if !host.as_ref().is_none_or(is_loopback) || !request.uri().authority().is_none_or(is_loopback) {
        return Err(forbidden("this interface answers to localhost only: `Host` names something else"));
    }
    match origin(request.headers())? {
        Some(origin) if !is_loopback(&origin) => {
            Err(forbidden("this interface answers to localhost only: `Origin` names something else"))
        }
        _ => Ok(()),
    }
}

/// A change that a browser sends must come from a page of this very address.
fn same_site(request: &Request) -> Result<(), Refused> {
    let Some(origin) = origin(request.headers())? else { return Ok(()) };
    let host = host(request)?;
    if host.is_some_and(|host| host.as_str().eq_ignore_ascii_case(origin.as_str())) {
        return Ok(());
    }
    Err(forbidden("a page of another site must not change this box: `Origin` is not this address"))
}

fn host(request: &Request) -> Result<Option<Authority>, Refused> {
    let headers = request.headers();
    if !headers.contains_key(header::HOST) {
        return Ok(None);
    }
    let host = single(headers, header::HOST).and_then(|host| host.parse::<Authority>().ok());
    host.map(Some).ok_or_else(|| forbidden("`Host` is not an address"))
}

/// The address of the page that asks; none where no browser page does.
fn origin(headers: &HeaderMap) -> Result<Option<Authority>, Refused> {
    if !headers.contains_key(header::ORIGIN) {
        return Ok(None);
    }
    // `null` comes from sandboxed frames and local files: nobody one could trust.
    let origin = single(headers, header::ORIGIN)
        .and_then(|origin| origin.split_once("://"))
        .and_then(|(_, authority)| authority.parse::<Authority>().ok());
    origin.map(Some).ok_or_else(|| forbidden("`Origin` is not the address of a site"))
}

/// The value of a header that came exactly once.
fn single(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() { None } else { value.to_str().ok() }
}

fn is_loopback(authority: &Authority) -> bool {
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn forbidden(problem: &str) -> Refused {
    Refused::new(StatusCode::FORBIDDEN, problem)
}
