use axum::{body::Body, http::Request};
use serde_json::json;

use super::bench::Bench;

/// Bodies that are refused before the box is asked: method, path, body, field, piece of the error.
const WRONG: &[(&str, &str, &str, Option<&str>, &str)] = &[
    ("POST", "/programs", "", None, "this is not JSON"),
    ("POST", "/programs", "{", None, "this is not JSON"),
    ("POST", "/programs", r#"{"channel": "main", "name": "N"} {}"#, None, "this is not JSON"),
    ("POST", "/programs", "5", None, "found integer `5`"),
    ("POST", "/programs", "null", None, "found null"),
    ("POST", "/programs", " [\"main\", \"N\"]", None, "not a list"),
    ("POST", "/programs", "{}", Some("channel"), "this is missing"),
    ("POST", "/programs", r#"{"channel": "main"}"#, Some("name"), "this is missing"),
    (
        "POST",
        "/programs",
        r#"{"channel": 5, "name": "N"}"#,
        Some("channel"),
        "found integer `5`, expected a string",
    ),
    ("POST", "/programs", r#"{"channel": "main", "name": null}"#, Some("name"), "found null"),
    (
        "POST",
        "/programs",
        r#"{"channel": "main", "name": "N", "asset": "a"}"#,
        Some("asset"),
        "expected one of",
    ),
    (
        "POST",
        "/programs",
        r#"{"channel": "m", "channel": "m", "name": "N"}"#,
        Some("channel"),
        "this is there twice",
    ),
    (
        "POST",
        "/programs",
        r#"{"channel": "main", "name": "N", "archive_window": -1}"#,
        Some("archive_window"),
        "expected whole seconds or a duration",
    ),
    (
        "POST",
        "/programs",
        r#"{"channel": "m", "name": "N", "archive_window": "4y"}"#,
        Some("archive_window"),
        "4y",
    ),
    (
        "POST",
        "/programs",
        r#"{"channel": "m", "name": "N", "archive_window": 1.5}"#,
        Some("archive_window"),
        "1.5",
    ),
    ("POST", "/programs", r#"{"channel": "m", "name": "N", "quota": "big"}"#, Some("quota"), "big"),
    ("PATCH", "/programs/p1", r#"{"channel": "studio"}"#, Some("channel"), "expected one of"),
    ("PATCH", "/programs/p1", r#"{"name": null}"#, Some("name"), "found null"),
    ("POST", "/programs/p1/publish", r#"{"locater": "x"}"#, Some("locater"), "expected `locator`"),
    ("POST", "/programs/p1/publish", r#"{"locator": 7}"#, Some("locator"), "found integer `7`"),
    ("POST", "/programs/p1/publish", "[]", None, "not a list"),
    ("POST", "/assets/a1/clips", r#"{"name": "C", "from": 1}"#, Some("to"), "this is missing"),
    (
        "POST",
        "/assets/a1/clips",
        r#"{"name": "C", "from": "yesterday", "to": 2}"#,
        Some("from"),
        "expected milliseconds since the epoch or a time such as",
    ),
    (
        "POST",
        "/assets/a1/clips",
        r#"{"name": "C", "from": 1, "to": 1e99}"#,
        Some("to"),
        "expected milliseconds",
    ),
    ("POST", "/assets/a1/marks", r#"{"name": "M", "at": "2026-02-30T00:00:00Z"}"#, Some("at"), "2026-02-30"),
    ("POST", "/channels", "{}", Some("name"), "this is missing"),
    ("POST", "/channels", r#"{"name": "a b"}"#, Some("name"), "1 to 32 letters"),
    (
        "POST",
        "/channels",
        r#"{"name": "n", "ladder": [{"height": 91, "bitrate": 9}]}"#,
        Some("ladder[0].bitrate"),
        "9",
    ),
    ("POST", "/channels", r#"{"name": "n", "input": {"kind": "file"}}"#, Some("input.path"), "path"),
    ("PUT", "/channels/studio", r#"{"name": "main"}"#, Some("name"), "a channel keeps its name: `studio`"),
    ("PUT", "/channels/studio", r#"{"name": 5}"#, Some("name"), "a channel keeps its name: `studio`"),
    ("PUT", "/channels/studio", r#"{"segments": 5}"#, Some("segments"), "there is no such setting"),
    ("PUT", "/filters/f", r#"{"first_quality": "best"}"#, Some("first_quality"), "best"),
    ("PUT", "/filters/f", r#"{"quality": 1}"#, Some("quality"), "quality"),
    ("PUT", "/assets/a1/filters/f", "[]", None, "not a list"),
];

fn post(method: &str, path: &str, kind: Option<&str>, body: impl Into<Body>) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(format!("/api/v1{path}"));
    if let Some(kind) = kind {
        request = request.header("content-type", kind);
    }
    request.body(body.into()).unwrap()
}

#[tokio::test]
async fn wrong_bodies_are_refused_and_name_the_field() {
    let bench = Bench::done("p1");
    for &(method, path, body, field, error) in WRONG {
        // No body at all is a wish without any.
        let reply = bench.send(post(method, path, Some("application/json"), body)).await;
        assert_eq!(reply.status, 400, "{method} {path} {body}: {}", reply.body);
        assert_eq!(reply.body.get("field").and_then(|field| field.as_str()), field, "{body}: {}", reply.body);
        let said = reply.body["error"].as_str().unwrap();
        assert!(said.contains(error), "{body}: {said}");
        assert!(field.is_none() || !said.contains(" at line "), "{said}");
    }
    assert_eq!(bench.commands(), [], "the box was not asked");
}

#[tokio::test]
async fn only_json_is_read() {
    let bench = Bench::done("p1");
    let body = json!({ "channel": "main", "name": "N" }).to_string();
    for kind in
        [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("application/jsonp")]
    {
        let reply = bench.send(post("POST", "/programs", kind, body.clone())).await;
        assert_eq!(reply.status, 415, "{kind:?}");
        assert!(reply.body["error"].as_str().unwrap().contains("application/json"));
    }
    let wish = bench.send(post("POST", "/programs/p1/publish", None, r#"{"locator": "x"}"#)).await;
    assert_eq!(wish.status, 415);
    assert_eq!(bench.commands(), []);
    for kind in ["application/json", "Application/JSON; charset=utf-8"] {
        assert_eq!(
            bench.send(post("POST", "/programs", Some(kind), body.clone())).await.status,
            201,
            "{kind}"
        );
    }
}

#[tokio::test]
async fn large_and_garbled_bodies_are_refused() {
    let bench = Bench::done("p1");
    let named = |length: usize| {
        let empty = json!({ "channel": "main", "name": "" }).to_string().len();
        json!({ "channel": "main", "name": "n".repeat(length - empty) }).to_string()
    };
    for (length, status) in [(64 * 1024, 201), (64 * 1024 + 1, 413)] {
        for path in ["/programs", "/programs/p1/publish"] {
            let reply = bench.send(post("POST", path, Some("application/json"), named(length))).await;
            let expected = if path == "/programs" || status == 413 { status } else { 400 };
            assert_eq!(reply.status, expected, "{path}: {}", reply.body);
        }
    }
    let reply = bench.send(post("POST", "/programs", Some("application/json"), vec![b'"', 0xff, b'"'])).await;
    assert_eq!((reply.status.as_u16(), reply.body), (400, json!({ "error": "the body is not UTF-8" })));
    let deep = "{\"a\":".repeat(5000);
    assert_eq!(bench.send(post("PUT", "/filters/f", Some("application/json"), deep)).await.status, 400);
}

#[tokio::test]
async fn a_query_that_is_not_known_is_refused() {
    let bench = Bench::done("");
    for (query, field) in [("chanel=main", "chanel"), ("channel=a&channel=b", "channel")] {
        let reply = bench.get(&format!("/programs?{query}")).await;
        assert_eq!((reply.status.as_u16(), &reply.body["field"]), (400, &field.into()), "{query}");
    }
    assert_eq!(bench.get("/programs?channel=%ff").await.status, 404);
}
