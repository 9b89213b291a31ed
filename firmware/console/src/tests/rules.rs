//! Against the real rules: a day with the box, and wishes that must change nothing.

use std::sync::{Arc, Mutex};

use axum::Router;
use control::{Answer, Context, Door, Effect, Event, Gallery, Limits, Registry};
use serde_json::{Value, json};

use super::bench::{NOW, Reply, objects, request, send, snapshot};
use crate::Guard;

/// A box that does at once what it is asked.
struct Obedient {
    router: Router,
    registry: Arc<Mutex<Registry>>,
}

impl Obedient {
    fn new() -> Self {
        let registry = Arc::new(Mutex::new(Registry::new(Limits::default())));
        let gallery = Gallery::default();
        let (door, mut requests) = Door::new(gallery.clone());
        let engine = Arc::clone(&registry);
        let hung = gallery.clone();
        tokio::spawn(async move {
            let mut made = 0;
            while let Some(request) = requests.next().await {
                let mut registry = engine.lock().unwrap();
                let answer = obey(&mut registry, request.command.clone(), &mut made);
                hung.show(Arc::clone(registry.objects()));
                request.answer(answer);
            }
        });
        Self {
            router: crate::router(
                snapshot(),
                gallery,
                door,
                super::bench::rehearse(),
                super::bench::listen(),
                Guard { token: None },
                axum::Router::new(),
            ),
            registry,
        }
    }

    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Reply {
        send(&self.router, request(method, path, body)).await
    }

    /// Asks for what must be granted; the id of what is answered.
    async fn get(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let reply = self.ask(method, path, body).await;
        assert!(reply.status.is_success(), "{method} {path}: {reply:?}");
        reply.body
    }
}

fn obey(
    registry: &mut Registry,
    command: control::Command,
    made: &mut u32,
) -> Result<Answer, control::Refusal> {
    let recorded = objects().assets["a1"].range.unwrap();
    let kept = |_: &str, _: &_| Some((recorded.first + 100, recorded.first + 374));
    let mut new_id = || {
        *made += 1;
        format!("id{made}")
    };
    let grid = |_: &str| Some(recorded.grid);
    let has_key = |name: &str| name == "house";
    let mut context =
        Context { now_ms: NOW, new_id: &mut new_id, kept: &kept, has_key: &has_key, grid: &grid };
    let granted = registry.apply(command, &mut context)?;
    let mut effects = granted.effects;
    while let Some(effect) = effects.pop() {
        let event = match effect {
            Effect::StartChannel(name) | Effect::ResetChannel(name) => Event::ChannelStarted(name),
            Effect::StopChannel(name) => Event::ChannelStopped(name, String::new()),
            Effect::DeleteChannel(name) => Event::ChannelDeleted(name),
            Effect::BeginProgram { program, .. } => {
                Event::ProgramBegan { program, grid: recorded.grid, first: recorded.first }
            }
            Effect::EndProgram { program, .. } => {
                Event::ProgramEnded { program, last: Some(recorded.first + 374) }
            }
            Effect::TuneChannel(_)
            | Effect::Tell { .. }
            | Effect::MakeThumbnails(_)
            | Effect::DropAsset(_) => continue,
        };
        effects.extend(registry.event(event, &mut context));
    }
    Ok(Answer::Done(granted.id))
}

/// A channel that runs, a program that records and is published, and what they are called.
async fn recording() -> (Obedient, String, String) {
    let it = Obedient::new();
    it.get("POST", "/channels", Some(json!({ "name": "main" }))).await;
    it.get("POST", "/channels/main/start", None).await;
    let program = json!({ "channel": "main", "name": "News" });
    let program = it.get("POST", "/programs", Some(program)).await;
    let id = program["id"].as_str().unwrap().to_owned();
    it.get("POST", &format!("/programs/{id}/start"), None).await;
    it.get("POST", &format!("/programs/{id}/publish"), Some(json!({ "locator": "news" }))).await;
    (it, id, program["asset"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_day_with_the_box() {
    let (it, program, asset) = recording().await;
    let shown = it.get("GET", &format!("/programs/{program}"), None).await;
    assert_eq!(
        (&shown["state"], &shown["urls"]["dash"]),
        (&json!("running"), &json!("/vod/news/manifest.mpd"))
    );
    let mark = json!({ "name": "Goal", "at": NOW - 60_000 });
    let mark = it.get("POST", &format!("/assets/{asset}/marks"), Some(mark)).await;
    let clip = json!({ "name": "Clip", "from": NOW - 120_000, "to": NOW - 60_000 });
    let clip = it.get("POST", &format!("/assets/{asset}/clips"), Some(clip)).await;
    assert_eq!((&clip["seconds"], &clip["start"]), (&json!(60), &json!(NOW - 120_000)));
    it.get("PUT", &format!("/assets/{asset}/filters/low"), Some(json!({ "first_quality": 1 }))).await;

    it.get("POST", &format!("/programs/{program}/stop"), None).await;
    it.get("DELETE", &format!("/programs/{program}"), None).await;
    let kept = it.get("GET", &format!("/assets/{asset}"), None).await;
    assert_eq!(
        (&kept["recording"], &kept["marks"], &kept["filters"]),
        (&json!(false), &json!([mark]), &json!(["low"]))
    );
    assert_eq!(kept["urls"]["hls"], "/vod/news/master.m3u8", "it outlives its program");
    it.get("DELETE", &format!("/assets/{asset}"), None).await;
    it.get("POST", "/channels/main/stop", None).await;
    it.get("DELETE", "/channels/main", None).await;
    assert_eq!(it.get("GET", "/channels", None).await, json!([]));
    assert_eq!(it.get("GET", "/assets", None).await[0]["id"], clip["id"], "so does the clip");
}

#[tokio::test]
async fn bad_wishes_change_nothing() {
    let (it, program, asset) = recording().await;
    let program_with = |field: &str, value: Value| {
        let mut new = json!({ "channel": "main", "name": "N" });
        new[field] = value;
        new
    };
    let clip = |from: u64, to: u64| json!({ "name": "C", "from": from, "to": to });
    let (clips, marks) = (format!("/assets/{asset}/clips"), format!("/assets/{asset}/marks"));
    let table = [
        ("POST", "/channels".to_owned(), json!({ "name": "main" }), 409, None),
        ("POST", "/channels".to_owned(), json!({ "name": "../etc" }), 400, Some("name")),
        ("PUT", "/channels/main".to_owned(), json!({}), 409, None),
        ("POST", "/channels/main/start".to_owned(), json!(null), 409, None),
        ("POST", "/channels/main/stop".to_owned(), json!(null), 409, None),
        ("POST", "/channels/main/reset".to_owned(), json!(null), 409, None),
        ("DELETE", "/channels/main".to_owned(), json!(null), 409, None),
        ("POST", "/channels/x/start".to_owned(), json!(null), 404, None),
        ("POST", "/programs".to_owned(), program_with("channel", json!("x")), 400, Some("channel")),
        ("POST", "/programs".to_owned(), program_with("name", json!("-N")), 400, Some("name")),
        ("POST", "/programs".to_owned(), program_with("name", json!("a/b\u{0}")), 400, Some("name")),
        ("POST", "/programs".to_owned(), program_with("name", json!("")), 400, Some("name")),
        ("POST", "/programs".to_owned(), program_with("name", json!("n".repeat(257))), 400, Some("name")),
        (
            "POST",
            "/programs".to_owned(),
            program_with("archive_window", json!(299)),
            400,
            Some("archive_window"),
        ),
        (
            "POST",
            "/programs".to_owned(),
            program_with("archive_window", json!("26h")),
            400,
            Some("archive_window"),
        ),
        ("PATCH", format!("/programs/{program}"), json!({ "archive_window": 600 }), 409, None),
        ("POST", format!("/programs/{program}/start"), json!(null), 409, None),
        ("DELETE", format!("/programs/{program}"), json!(null), 409, None),
        ("POST", format!("/programs/{program}/publish"), json!({ "locator": "a/b" }), 400, Some("locator")),
        ("DELETE", format!("/assets/{asset}"), json!(null), 409, None),
        ("POST", clips.clone(), clip(NOW, NOW - 1000), 400, Some("to")),
        ("POST", clips.clone(), clip(NOW - 590_000, NOW - 1000), 410, Some("from")),
        ("POST", clips.clone(), clip(NOW - 60_000, NOW + 3_600_000), 400, Some("to")),
        ("POST", clips, json!({ "name": "C?", "from": NOW - 60_000, "to": NOW - 30_000 }), 400, Some("name")),
        ("POST", marks.clone(), json!({ "name": "M", "at": NOW - 590_000 }), 410, Some("at")),
        ("POST", marks, json!({ "name": "M", "at": NOW + 3_600_000 }), 400, Some("at")),
        ("DELETE", format!("/assets/{asset}/marks/x"), json!(null), 404, None),
        ("PUT", "/filters/a%20b".to_owned(), json!({}), 400, Some("name")),
        ("PUT", format!("/assets/{asset}x/filters/f"), json!({}), 404, None),
        (
            "PUT",
            "/filters/f".to_owned(),
            json!({ "presentation_time_range": { "live_backoff": 301, "timescale": 1 } }),
            400,
            Some("presentation_time_range.live_backoff"),
        ),
        ("DELETE", "/filters/f".to_owned(), json!(null), 404, None),
    ];
    let before = it.registry.lock().unwrap().clone();
    for (method, path, body, status, field) in table {
        let body = Some(body).filter(|body| !body.is_null());
        let said = format!("{method} {path} {body:?}");
        let reply = it.ask(method, &path, body).await;
        assert_eq!(reply.status, status, "{said}: {}", reply.body);
        assert_eq!(reply.body.get("field").and_then(Value::as_str), field, "{said}: {}", reply.body);
        assert!(*it.registry.lock().unwrap() == before, "{said} has changed something");
    }
}
