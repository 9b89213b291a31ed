//! `/trust`: how a device on the venue's network comes to trust the box's own certificates, in plain words and with a QR code.

use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
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

/// The page, the certificate and the code that leads to the page, on a listener that speaks TLS or not.
pub fn routes(trust: Trust, tls: bool) -> Router {
    let page = page(&trust.fingerprint);
    Router::new()
        .route("/trust", get(move || async move { fresh(Html(page).into_response()) }))
        .route("/trust/ca.crt", get(move || async move { certificate(trust.pem) }))
        .route("/trust/qr.svg", get(move |request: Request| async move { code(&address(&request, tls)) }))
}

fn certificate(pem: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/x-x509-ca-cert"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"riser-ca.crt\""),
    ];
    fresh((headers, pem).into_response())
}

/// The page's address as the asker knows the box: HTTP/2 has the host in the address.
fn address(request: &Request, tls: bool) -> String {
    let named = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let host = named.or_else(|| request.uri().authority().map(|authority| authority.as_str()));
    format!("{}://{}/trust", if tls { "https" } else { "http" }, host.unwrap_or("riser.local"))
}

fn code(address: &str) -> Response {
    let drawn = QrCode::new(address);
    let drawn = drawn.map(|code| code.render::<svg::Color<'_>>().min_dimensions(240, 240).build());
    match drawn {
        Ok(drawn) => fresh(([(header::CONTENT_TYPE, "image/svg+xml")], drawn).into_response()),
        // A host that no code has room for.
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
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

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn the_code_leads_to_where_the_asker_is() {
        let request = |uri: &str, host: Option<&str>| {
            let request = Request::builder().uri(uri);
            let request = match host {
                Some(host) => request.header(header::HOST, host),
                None => request,
            };
            request.body(Body::empty()).unwrap()
        };
        let plain = request("/trust/qr.svg", Some("10.0.0.9:8080"));
        assert_eq!(address(&plain, false), "http://10.0.0.9:8080/trust");
        assert_eq!(address(&plain, true), "https://10.0.0.9:8080/trust");
        let http2 = request("https://box.local:8443/trust/qr.svg", None);
        assert_eq!(address(&http2, true), "https://box.local:8443/trust");
    }
}
