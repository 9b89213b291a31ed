use super::bench::{Bench, NOW};

#[tokio::test]
async fn a_part_is_found_under_its_path() {
    let bench = Bench::done("");
    let whole = bench.get("/status").await;
    assert_eq!((whole.status.as_u16(), &whole.body["now"]), (200, &NOW.into()));
    assert_eq!(whole.headers["cache-control"], "no-store");
    assert_eq!(bench.get("/status/store/seconds").await.body, 600);
    assert_eq!(bench.get("/status/channels").await.body, serde_json::json!([]));
}

#[tokio::test]
async fn a_part_that_is_not_there_names_those_that_are() {
    let bench = Bench::done("");
    for (path, known) in [
        ("/status/story", "alarms, authority, board, channels"),
        ("/status/channels/0", "a list of 0"),
        ("/status/store/seconds/1", "nothing in it"),
        ("/status/store/", "there is no ``"),
    ] {
        let reply = bench.get(path).await;
        assert_eq!(reply.status, 404, "{path}");
        assert!(reply.body["error"].as_str().unwrap().contains(known), "{path}: {}", reply.body);
    }
}

#[tokio::test]
async fn the_root_leads_to_the_status_and_nothing_else_is_there() {
    let bench = Bench::done("");
    let root = axum::http::Request::get("/").body(axum::body::Body::empty()).unwrap();
    assert_eq!(bench.send(root).await.headers["location"], "/api/v1/status");
    let reply = bench.get("/nothing").await;
    assert_eq!(reply.status, 404);
    assert_eq!(reply.body["error"], "there is no /api/v1/nothing; see /api/v1/openapi.json");
}
