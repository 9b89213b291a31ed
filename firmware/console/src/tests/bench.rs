//! A console with a small box behind it.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode},
};
use control::{
    Alternative, Answer, BoxState, Command, Door, Gallery, Health, Listen, Loudness, Objects, Operation,
    Operations, Part, Refusal, Rehearsal, Rehearse, Snapshot, StoreState,
};
use serde_json::{Value, json};
use tokio::sync::watch;
use tower::ServiceExt;

use crate::Guard;

/// Where segment 1 000 000 000 of the grid begins, in milliseconds since the epoch.
pub const START: u64 = 1_600_000_000_000;

/// Ten minutes later.
pub const NOW: u64 = START + 600_000;

/// A console, and what has been asked of the box behind it.
pub struct Bench {
    pub router: Router,
    pub asked: Arc<Mutex<Vec<Command>>>,
}

/// An answer, its body as JSON; null where it has none.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Reply {
    pub fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

impl Bench {
    /// A box that answers every command in this way.
    pub fn new(answer: Result<Answer, Refusal>) -> Self {
        Self::guarded(Guard { token: None }, answer)
    }

    pub fn guarded(guard: Guard, answer: Result<Answer, Refusal>) -> Self {
        let gallery = gallery();
        let (door, mut requests) = Door::new(gallery.clone());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let bench = Self {
            router: crate::router(
                snapshot(),
                gallery,
                door,
                rehearse(),
                listen(),
                guard,
                axum::Router::new(),
            ),
            asked: Arc::clone(&asked),
        };
        tokio::spawn(async move {
            while let Some(request) = requests.next().await {
                asked.lock().unwrap().push(request.command.clone());
                request.answer(answer.clone());
            }
        });
        bench
    }

    /// One that says it has done it, about this id.
    pub fn done(id: &str) -> Self {
        Self::new(Ok(Answer::Done(id.to_owned())))
    }

    pub fn commands(&self) -> Vec<Command> {
        self.asked.lock().unwrap().clone()
    }

    pub async fn send(&self, request: Request<Body>) -> Reply {
        send(&self.router, request).await
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send(request("GET", path, None)).await
    }

    pub async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Reply {
        self.send(request(method, path, body)).await
    }
}

pub async fn send(router: &Router, request: Request<Body>) -> Reply {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, 1 << 20).await.unwrap();
    let body = if bytes.is_empty() {
        Value::Null
    } else {
        assert_eq!(parts.headers["content-type"], "application/json", "{bytes:?}");
        serde_json::from_slice(&bytes).unwrap()
    };
    Reply { status: parts.status, headers: parts.headers, body }
}

/// A rehearsal that says yes to one channel and no to more.
pub fn rehearse() -> Rehearse {
    Arc::new(|channels| {
        let part = |_| Part {
            renditions: Vec::new(),
            rate: "25".parse().unwrap(),
            percent: 60,
            notes: vec!["1080p left out".to_owned()],
        };
        let fits = channels.len() == 1;
        let smaller = Alternative { height: 720, halved: true, percent: 80 };
        Rehearsal {
            fits,
            percent: 60 * channels.len() as u64,
            words: format!("{} channels", channels.len()),
            channels: channels.iter().map(part).collect(),
            alternative: (!fits).then_some(smaller),
        }
    })
}

/// Channel `main` is heard, no other.
pub fn listen() -> Listen {
    let levels = media::Levels {
        peak: [-3.0, -4.5],
        rms: [-9.0, -10.0],
        momentary: -20.0,
        short_term: -22.5,
        integrated: -23.0,
    };
    let sounds = vec![control::SoundLevels { name: "audio".to_owned(), levels }];
    let heard = watch::Sender::new(Arc::new(Loudness { at: 1_700_000_000_000, sounds }));
    Arc::new(move |name| (name == "main").then(|| heard.subscribe()))
}

/// A request to `path` behind `/api/v1`.
pub fn request(method: &str, path: &str, body: Option<Value>) -> Request<Body> {
    let request = Request::builder()
        .method(Method::from_bytes(method.as_bytes()).unwrap())
        .uri(format!("/api/v1{path}"))
        .header("host", "localhost:8081");
    match body {
        Some(body) => {
            request.header("content-type", "application/json").body(Body::from(body.to_string())).unwrap()
        }
        None => request.body(Body::empty()).unwrap(),
    }
}

pub fn operation() -> Operation {
    Operations::default().begin("start channel", "studio", NOW, "op1")
}

fn gallery() -> Gallery {
    let gallery = Gallery::new(Arc::new(objects()));
    let mut operations = Operations::default();
    operations.begin("start channel", "studio", NOW, "op1");
    operations.begin("stop program", "p1", NOW, "op2");
    operations.end("op2", NOW + 5, Err("the disk is full".to_owned()));
    gallery.show_operations(operations);
    gallery
}

/// Two channels; `p1` records the last 5 minutes of `main` into `a1`, `c1` is a clip of it, `p2` has not begun.
pub fn objects() -> Objects {
    let grid = json!({ "rate": "25", "frames_per_part": 5, "parts_per_segment": 8 });
    let asset = |name: &str, more: Value| {
        let mut asset = json!({ "name": name, "channel": "main", "created": START });
        asset.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        asset
    };
    let program = |name: &str, state: &str, asset: &str| {
        json!({
            "channel": "main", "name": name, "description": "about", "archive_window": 300, "quota": null,
            "state": state, "since": START, "asset": asset, "created": START,
        })
    };
    let objects = json!({
        "endpoints": { "default": { "stopped": false, "since": START } },
        "channels": {
            "main": {
                "settings": { "name": "main" }, "declared": true, "state": "running", "since": START,
                "reason": "",
            },
            "studio": { "settings": { "name": "studio" }, "state": "stopped", "since": START },
        },
        "programs": { "p1": program("News", "running", "a1"), "p2": program("Late", "stopped", "a2") },
        "assets": {
            "a1": asset("News", json!({
                "program": "p1", "recording": true, "locator": "news",
                "range": { "grid": grid, "first": 1_000_000_000, "last": null },
                "marks": {
                    "m1": { "name": "Goal", "at": NOW - 1000 },
                    "m2": { "name": "Half", "at": NOW - 9000, "until": NOW - 5000 },
                },
                "filters": { "mobile": {} },
            })),
            "a2": asset("Late", json!({ "program": "p2" })),
            "c1": asset("Clip", json!({
                "parent": "a1",
                "range": {
                    "grid": grid, "first": 1_000_000_010, "last": 1_000_000_019,
                    "from": (START + 16_040) * 1_000_000, "to": null,
                },
            })),
        },
        "filters": { "mobile": {}, "slow": { "first_quality": 400_000 } },
    });
    let mut objects: Objects = serde_json::from_value(objects).unwrap();
    let grid = objects.assets["a1"].range.unwrap().grid;
    let wish = cue::Wish { id: 7, from: None, duration: Some(30_000_000_000) };
    let mut journal = cue::Journal::default();
    journal.announce(&grid, wish, NOW * 1_000_000).unwrap();
    objects.breaks.insert("main".to_owned(), journal);
    objects
}

pub fn snapshot() -> Snapshot {
    let health = Health { state: "ok".into(), since: START, reason: String::new() };
    let store = StoreState {
        health,
        size: 1 << 30,
        used: 0,
        written: 0,
        seconds: 600,
        seconds_behind: 0,
        not_recorded: 0,
        seconds_promised: 0,
        seconds_predicted: 0,
        pinned: 0,
        quarantined: 0,
        bad_extents: 0,
        rate: 0,
    };
    Snapshot::new(BoxState {
        name: "box".into(),
        version: "0.1.0",
        board: "generic".into(),
        now: NOW,
        uptime: 1000,
        clock_error: 0,
        channels: Vec::new(),
        programs: Vec::new(),
        store,
        endpoints: Vec::new(),
        authority: None,
        temperature: None,
        processes: Vec::new(),
        alarms: Vec::new(),
    })
}
