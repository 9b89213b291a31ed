use axum::{
    body::Body,
    http::{HeaderValue, Request, StatusCode},
};
use control::{Answer, Secret};

use super::bench::Bench;
use crate::Guard;

const TOKEN: &str = "kR4fZq0wZl";

fn guarded() -> Bench {
    Bench::guarded(Guard { token: Some(Secret::new(TOKEN)) }, Ok(Answer::Done("main".into())))
}

async fn status(bench: &Bench, method: &str, uri: &str, headers: &[(&'static str, &str)]) -> StatusCode {
    let mut request = Request::builder().method(method).uri(uri).body(Body::empty()).unwrap();
    for (name, value) in headers {
        request.headers_mut().append(*name, HeaderValue::from_str(value).unwrap());
    }
    let reply = bench.send(request).await;
    assert!(!format!("{reply:?}").contains(TOKEN), "the token is in the answer");
    let challenge = reply.headers.get("www-authenticate").map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(challenge.is_some(), reply.status == StatusCode::UNAUTHORIZED);
    assert_eq!(reply.body["error"].is_string(), reply.status.is_client_error(), "{reply:?}");
    reply.status
}

#[tokio::test]
async fn with_a_token_nothing_is_told_without_it() {
    let bench = guarded();
    let bearer = |token: &str| format!("Bearer {token}");
    for uri in ["/", "/api/v1/status", "/api/v1/openapi.json", "/api/v1/nothing"] {
        assert_eq!(status(&bench, "GET", uri, &[]).await, 401, "{uri}");
        let right = status(&bench, "GET", uri, &[("authorization", &bearer(TOKEN))]).await;
        assert!(right != 401 && right != 403, "{uri}: {right}");
    }
    for wrong in ["", "x", "kR4fZq0wZ", "kR4fZq0wZl0", "KR4FZQ0WZL", "kR4fZq0wZm"] {
        let uri = "/api/v1/status";
        assert_eq!(status(&bench, "GET", uri, &[("authorization", &bearer(wrong))]).await, 401, "{wrong}");
    }
    for wrong in [TOKEN.to_owned(), format!("Basic {TOKEN}"), format!("Bearer{TOKEN}"), "Bearer".to_owned()] {
        assert_eq!(
            status(&bench, "GET", "/api/v1/status", &[("authorization", &wrong)]).await,
            401,
            "{wrong}"
        );
    }
    let twice = [("authorization", &*bearer(TOKEN)), ("authorization", &*bearer("x"))];
    assert_eq!(status(&bench, "GET", "/api/v1/status", &twice).await, 401);
    assert_eq!(
        status(&bench, "GET", "/api/v1/status", &[("authorization", &format!("bearer  {TOKEN}"))]).await,
        200
    );
    assert_eq!(bench.commands(), []);
}

#[tokio::test]
async fn with_a_token_any_name_will_do_but_another_site_changes_nothing() {
    let bench = guarded();
    let token = format!("Bearer {TOKEN}");
    let start = "/api/v1/channels/main/start";
    for (origin, host, expected) in [
        (None, "box.example", 200),
        (Some("https://box.example"), "box.example", 200),
        (Some("https://BOX.example:8443"), "box.example:8443", 200),
        (Some("https://evil.example"), "box.example", 403),
        (Some("https://box.example:8443"), "box.example", 403),
        (Some("https://box.example.evil.example"), "box.example", 403),
        (Some("null"), "box.example", 403),
    ] {
        let mut headers = vec![("authorization", token.as_str()), ("host", host)];
        headers.extend(origin.map(|origin| ("origin", origin)));
        let before = bench.commands().len();
        assert_eq!(status(&bench, "POST", start, &headers).await, expected, "{origin:?} {host}");
        assert_eq!(bench.commands().len() - before, usize::from(expected == 200));
        assert_eq!(
            status(&bench, "GET", "/api/v1/status", &headers).await,
            200,
            "reading is the token's business"
        );
    }
}

#[tokio::test]
async fn without_a_token_only_this_machine_is_answered() {
    let bench = Bench::done("main");
    for (uri, headers, expected) in [
        ("/api/v1/status", &[][..], 200),
        ("/api/v1/status", &[("host", "localhost")], 200),
        ("/api/v1/status", &[("host", "LOCALHOST:8081")], 200),
        ("/api/v1/status", &[("host", "127.0.0.1:8081")], 200),
        ("/api/v1/status", &[("host", "127.9.9.9")], 200),
        ("/api/v1/status", &[("host", "[::1]:8081")], 200),
        ("http://localhost/api/v1/status", &[("host", "localhost")], 200),
        ("/api/v1/status", &[("host", "localhost"), ("origin", "http://127.0.0.1:3000")], 200),
        ("/api/v1/status", &[("host", "evil.example:8081")], 403),
        ("/api/v1/status", &[("host", "localhost.evil.example")], 403),
        ("/api/v1/status", &[("host", "192.168.1.5")], 403),
        ("/api/v1/status", &[("host", "[::2]")], 403),
        ("/api/v1/status", &[("host", "a b")], 403),
        ("/api/v1/status", &[("host", "")], 403),
        ("/api/v1/status", &[("host", "localhost"), ("host", "evil.example")], 403),
        ("http://evil.example/api/v1/status", &[("host", "localhost")], 403),
        ("/api/v1/status", &[("host", "localhost"), ("origin", "http://evil.example")], 403),
        ("/api/v1/status", &[("host", "localhost"), ("origin", "null")], 403),
        ("/", &[("host", "evil.example")], 403),
    ] {
        let found = status(&bench, "GET", uri, headers).await.as_u16();
        assert_eq!(found, if uri == "/" && expected == 200 { 307 } else { expected }, "{uri} {headers:?}");
    }
}

#[tokio::test]
async fn without_a_token_a_change_must_come_from_this_very_address() {
    let bench = Bench::done("main");
    let start = "/api/v1/channels/main/start";
    for (origin, expected) in [
        (None, 200),
        (Some("http://localhost:8081"), 200),
        (Some("http://localhost:3000"), 403),
        (Some("http://127.0.0.1:8081"), 403),
        (Some("http://evil.example"), 403),
    ] {
        let mut headers = vec![("host", "localhost:8081")];
        headers.extend(origin.map(|origin| ("origin", origin)));
        assert_eq!(status(&bench, "POST", start, &headers).await, expected, "{origin:?}");
    }
    assert_eq!(
        status(&bench, "POST", start, &[("origin", "http://localhost:8081")]).await,
        403,
        "no host at all"
    );
    assert_eq!(bench.commands().len(), 2);
}

#[test]
fn the_guard_does_not_show_its_token() {
    let guard = Guard { token: Some(Secret::new(TOKEN)) };
    assert_eq!(format!("{guard:?}"), "Guard { token: Some(***) }");
}
