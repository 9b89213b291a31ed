use axum::{
    Json,
    body::Body,
    extract::Path,
    http::{Request, StatusCode, Uri},
    response::IntoResponse,
};
use control::Refusal;
use serde_json::{Value, json};

use super::bench::{Bench, request};

fn refusals() -> [(Refusal, u16, Value); 6] {
    let (field, problem) = ("from".to_owned(), "is kept from 5 on".to_owned());
    [
        (
            Refusal::NotFound { what: "channel", id: "x".into() },
            404,
            json!({ "error": "there is no channel `x`" }),
        ),
        (
            Refusal::State {
                what: "channel",
                id: "main".into(),
                state: "running".into(),
                problem: "stop it first".into(),
            },
            409,
            json!({ "error": "channel `main` is running: stop it first", "state": "running" }),
        ),
        (Refusal::Conflict("taken".into()), 409, json!({ "error": "taken" })),
        (
            Refusal::Invalid { field: field.clone(), problem: problem.clone() },
            400,
            json!({ "error": "`from`: is kept from 5 on", "field": "from" }),
        ),
        (
            Refusal::Expired { field, problem },
            410,
            json!({ "error": "`from`: is kept from 5 on", "field": "from" }),
        ),
        (Refusal::Unavailable("busy".into()), 503, json!({ "error": "busy" })),
    ]
}

/// Every request that changes something, with a body that is fine.
pub fn changes() -> Vec<(&'static str, &'static str, Option<Value>)> {
    vec![
        ("POST", "/channels", Some(json!({ "name": "new" }))),
        ("PUT", "/channels/studio", Some(json!({}))),
        ("DELETE", "/channels/studio", None),
        ("PUT", "/channels/main/tuning", Some(json!({}))),
        ("POST", "/channels/studio/start", None),
        ("POST", "/channels/main/stop", None),
        ("POST", "/channels/main/reset", None),
        ("POST", "/programs", Some(json!({ "channel": "main", "name": "N" }))),
        ("PATCH", "/programs/p1", Some(json!({ "name": "N" }))),
        ("DELETE", "/programs/p2", None),
        ("POST", "/programs/p2/start", None),
        ("POST", "/programs/p1/stop", None),
        ("POST", "/programs/p1/publish", None),
        ("POST", "/programs/p1/unpublish", None),
        ("DELETE", "/assets/c1", None),
        ("POST", "/assets/c1/publish", Some(json!({ "locator": "clip" }))),
        ("POST", "/assets/a1/unpublish", None),
        ("POST", "/assets/a1/clips", Some(json!({ "name": "C", "from": 1, "to": 2 }))),
        ("POST", "/assets/a1/thumbnails", None),
        ("POST", "/assets/a1/marks", Some(json!({ "name": "M" }))),
        ("DELETE", "/assets/a1/marks/m1", None),
        ("PUT", "/assets/a1/filters/f", Some(json!({}))),
        ("DELETE", "/assets/a1/filters/mobile", None),
        ("PUT", "/channels/main/advertisements/7", Some(json!({}))),
        ("DELETE", "/channels/main/advertisements/7", None),
        ("POST", "/channels/main/metadata", Some(json!({ "id3": "SUQz" }))),
        ("POST", "/endpoints/default/start", None),
        ("POST", "/endpoints/default/stop", None),
        ("PUT", "/assets/a1/delivery", Some(json!({ "policies": [] }))),
        ("PUT", "/filters/f", Some(json!({}))),
        ("DELETE", "/filters/mobile", None),
    ]
}

#[tokio::test]
async fn every_refusal_of_every_change_has_its_status_and_names_field_and_state() {
    for (refusal, status, body) in refusals() {
        let bench = Bench::new(Err(refusal));
        for (method, path, given) in changes() {
            let reply = bench.ask(method, path, given).await;
            assert_eq!((reply.status.as_u16(), &reply.body), (status, &body), "{method} {path}");
            assert_eq!(reply.headers.contains_key("retry-after"), status == 503);
        }
        assert_eq!(bench.commands().len(), changes().len(), "each was asked once");
    }
}

#[tokio::test]
async fn what_there_is_not_is_404_everywhere() {
    let bench = Bench::done("");
    for (path, what) in [
        ("/channels/x", "channel `x`"),
        ("/channels/%20", "channel ` `"),
        ("/channels/..%2F..", "channel `../..`"),
        ("/programs/x", "program `x`"),
        ("/programs?channel=x", "channel `x`"),
        ("/assets/x", "asset `x`"),
        ("/assets/x/marks", "asset `x`"),
        ("/assets/x/marks/m1", "asset `x`"),
        ("/assets/a1/marks/x", "mark `x`"),
        ("/assets/c1/marks/m1", "mark `m1`"),
        ("/assets/x/filters", "asset `x`"),
        ("/assets/a1/filters/slow", "filter `slow`"),
        ("/filters/x", "filter `x`"),
        ("/operations/x", "operation `x`"),
    ] {
        let reply = bench.get(path).await;
        assert_eq!(reply.status, 404, "{path}");
        assert_eq!(reply.body, json!({ "error": format!("there is no {what}") }), "{path}");
    }
    for (method, path) in [("POST", "/programs/x/publish"), ("POST", "/programs/x/unpublish")] {
        assert_eq!(bench.ask(method, path, None).await.status, 404, "{path}");
    }
    assert_eq!(bench.ask("PUT", "/channels/x", Some(json!({}))).await.status, 404);
    assert_eq!(bench.commands(), []);
}

#[tokio::test]
async fn a_wrong_method_names_the_right_ones() {
    let bench = Bench::done("");
    let reply = bench.ask("DELETE", "/channels", None).await;
    assert_eq!((reply.status.as_u16(), reply.header("allow")), (405, "GET,HEAD,POST"));
    assert_eq!(reply.body["error"], "not with this method; there is GET, HEAD, POST");
    let reply = bench.get("/channels/main/start").await;
    assert_eq!((reply.status.as_u16(), reply.header("allow")), (405, "POST"));
    let unknown = bench.ask("PURGE", "/status", None).await;
    assert_eq!(unknown.status, 405);
    let preflight = bench.ask("OPTIONS", "/channels", None).await;
    assert_eq!(preflight.status, 405);
    assert!(!preflight.headers.contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn a_path_that_is_not_utf_8_is_refused() {
    let reply = Bench::done("").send(request("GET", "/channels/%ff", None)).await;
    assert_eq!((reply.status.as_u16(), reply.body), (400, json!({ "error": "the path is not UTF-8" })));
}

#[tokio::test]
async fn a_box_that_goes_down_is_unavailable() {
    let (snapshot, gallery) = (super::bench::snapshot(), control::Gallery::default());
    let (door, requests) = control::Door::new(gallery.clone());
    drop(requests);
    let router = crate::router(
        snapshot,
        gallery,
        door,
        super::bench::rehearse(),
        super::bench::listen(),
        crate::Guard { token: None },
        axum::Router::new(),
    );
    let reply = super::bench::send(&router, request("POST", "/channels/main/start", None)).await;
    assert_eq!((reply.status.as_u16(), reply.header("retry-after")), (503, "1"));
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let request = Request::head("/api/v1/channels").body(Body::empty()).unwrap();
    let reply = Bench::done("").send(request).await;
    assert_eq!((reply.status.as_u16(), reply.body), (200, Value::Null));
}

#[tokio::test]
async fn refusals_of_downloads_are_in_the_words_of_this_interface() {
    let media = async |Path(_): Path<String>, uri: Uri| match uri.query() {
        Some("filter=x") => (StatusCode::NOT_FOUND, "filter: there is no filter `x`").into_response(),
        Some(_) => (StatusCode::SERVICE_UNAVAILABLE, "too many downloads are being prepared").into_response(),
        None => Json("media").into_response(),
    };
    let downloads = axum::Router::new().route("/assets/{id}/download.mp4", axum::routing::get(media));
    let (snapshot, gallery) = (super::bench::snapshot(), control::Gallery::default());
    let (door, _requests) = control::Door::new(gallery.clone());
    let router = crate::router(
        snapshot,
        gallery,
        door,
        super::bench::rehearse(),
        super::bench::listen(),
        crate::Guard { token: None },
        downloads,
    );
    let ask = async |query: &str| {
        let path = format!("/assets/a1/download.mp4{query}");
        super::bench::send(&router, request("GET", &path, None)).await
    };
    let refused = ask("?filter=x").await;
    assert_eq!(refused.status.as_u16(), 404);
    assert_eq!(refused.body, json!({ "error": "filter: there is no filter `x`", "field": "filter" }));
    assert_eq!(ask("").await.status.as_u16(), 200);
    let busy = ask("?start=1").await;
    assert_eq!((busy.status.as_u16(), busy.header("retry-after")), (503, "1"));
    assert_eq!(busy.body, json!({ "error": "too many downloads are being prepared" }));
}
