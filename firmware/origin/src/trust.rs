//! `/trust`: how a device on the venue's network comes to trust the box's own certificates, in plain words and with a QR code.

use axum::{
    Router,
    http::{HeaderMap, HeaderValue, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use qrcode::{QrCode, render::svg};

use crate::respond::Keep;

/// The box's own authority.
#[derive(Clone, Debug)]
pub struct Trust {
    /// Its certificate in PEM.
    pub pem: String,
    /// The SHA-256 of it, as people compare it.
    pub fingerprint: String,
}

/// The page, the certificate and the code that leads to the page.
pub fn routes(trust: Trust) -> Router {
    let page = page(&trust.fingerprint);
    Router::new()
        .route("/trust", get(move || async move { fresh(Html(page).into_response()) }))
        .route("/trust/ca.crt", get(move || async move { certificate(trust.pem) }))
        .route("/trust/qr.svg", get(|headers: HeaderMap| async move { code(&headers) }))
}

fn certificate(pem: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/x-x509-ca-cert"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"riser-ca.crt\""),
    ];
    fresh((headers, pem).into_response())
}

/// The page's address as the asker knows the box.
fn code(headers: &HeaderMap) -> Response {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("riser.local");
    let drawn = QrCode::new(format!("http://{host}/trust"));
    let drawn = drawn.map(|code| code.render::<svg::Color<'_>>().min_dimensions(240, 240).build());
    match drawn {
        Ok(drawn) => fresh(([(header::CONTENT_TYPE, "image/svg+xml")], drawn).into_response()),
        Err(_) => axum::http::StatusCode::BAD_REQUEST.into_response(),
    }
}

fn fresh(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, Keep::Ask.header());
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn page(fingerprint: &str) -> String {
    include_str!("trust.html").replace("{fingerprint}", fingerprint)
}
