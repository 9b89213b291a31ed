use std::collections::{BTreeMap, BTreeSet};

use axum::http::StatusCode;
use control::{Answer, Secret};
use serde_json::{Map, Value, json};

use super::{bench::Bench, refusals::changes};
use crate::Guard;

const METHODS: [&str; 5] = ["get", "put", "post", "patch", "delete"];

async fn document() -> Value {
    Bench::done("").get("/openapi.json").await.body
}

/// Every path with its operations.
fn operations(document: &Value) -> impl Iterator<Item = (&String, &String, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(path, item)| item.as_object().unwrap().iter().map(move |(method, at)| (path, method, at)))
}

/// A path of the document with things that exist.
fn fill(path: &str) -> String {
    let id = match path.split('/').nth(3) {
        Some("programs") => "p1",
        Some("operations") => "op1",
        _ => "a1",
    };
    let name = if path.contains("filters") { "mobile" } else { "main" };
    let filled = path
        .replace("{id}", id)
        .replace("{name}", name)
        .replace("{mark}", "m1")
        .replace("{cue_id}", "7")
        .replace("{part}", "store");
    filled.strip_prefix("/api/v1").unwrap().to_owned()
}

#[tokio::test]
async fn it_is_openapi_3_1_and_all_its_references_lead_somewhere() {
    let document = document().await;
    assert_eq!(document["openapi"], "3.1.0");
    let mut found = 0;
    visit(&document, &mut |object| {
        if let Some(to) = object.get("$ref") {
            let pointer = to.as_str().unwrap().strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{to}");
            found += 1;
        }
    });
    assert!(found > 50, "{found}");
}

fn visit(value: &Value, look: &mut impl FnMut(&Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            look(object);
            object.values().for_each(|value| visit(value, look));
        }
        Value::Array(items) => items.iter().for_each(|value| visit(value, look)),
        _ => {}
    }
}

#[tokio::test]
async fn every_path_is_routed_with_exactly_its_methods() {
    let (bench, document) = (Bench::done(""), document().await);
    let paths = document["paths"].as_object().unwrap();
    assert_eq!(paths.len(), 40);
    for (path, item) in paths {
        assert!(!path.contains('*'), "{path}");
        let reply = bench.ask("TRACE", &fill(path), None).await;
        assert_eq!(reply.status, 405, "{path}");
        let allowed = reply.headers["allow"].to_str().unwrap();
        let allowed: BTreeSet<_> = allowed.split(',').filter(|method| *method != "HEAD").collect();
        let said: BTreeSet<_> =
            item.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect();
        assert_eq!(allowed, said.iter().map(String::as_str).collect(), "{path}");
    }
}

#[tokio::test]
async fn every_operation_says_what_it_is_and_every_change_is_in_it() {
    let document = document().await;
    let mut ids = BTreeSet::new();
    for (path, method, operation) in operations(&document) {
        assert!(METHODS.contains(&&**method), "{path}: {method}");
        assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{path}: its id is taken");
        assert!(operation["summary"].is_string() && operation["tags"].is_array(), "{path}");
        let named: BTreeSet<_> =
            path.split('{').skip(1).filter_map(|piece| piece.split('}').next()).collect();
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let told: BTreeSet<_> = parameters
            .filter(|parameter| parameter["in"] == "path")
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        assert_eq!(named, told, "{path}");
        for (status, response) in operation["responses"].as_object().unwrap() {
            assert!(!response["description"].as_str().unwrap().is_empty(), "{path}: {status}");
            let bare = ["204", "416"].contains(&&**status);
            assert_eq!(response.get("content").is_none(), bare, "{path}: {status}");
        }
    }
    // A rehearsal is asked for with a body, but changes nothing.
    let change =
        |(path, method, _): &(&String, &String, _)| *method != "get" && !path.ends_with("/rehearsal");
    assert_eq!(operations(&document).filter(change).count(), changes().len());
}

/// What really comes is what the document says may come.
#[tokio::test]
async fn every_answer_is_one_of_those_that_are_said() {
    let document = document().await;
    let begun = Answer::Begun(super::bench::operation());
    for answer in [Ok(begun), Ok(Answer::Done("p1".into())), Err(control::Refusal::Conflict("no".into()))] {
        let bench = Bench::new(answer);
        for (path, method, operation) in operations(&document) {
            let reply = bench.ask(&method.to_uppercase(), &fill(path), Some(json!({}))).await;
            let said = operation["responses"].as_object().unwrap();
            // What is quick is never answered in this way by a real box.
            let known = said.contains_key(reply.status.as_str()) || reply.status == StatusCode::ACCEPTED;
            assert!(known, "{method} {path}: {}", reply.status);
        }
    }
}

#[tokio::test]
async fn the_token_is_asked_for_where_there_is_one() {
    let open = document().await;
    assert_eq!(open.get("security"), None);
    let bench = Bench::guarded(Guard { token: Some(Secret::new("t")) }, Ok(Answer::Done(String::new())));
    let mut request = super::bench::request("GET", "/openapi.json", None);
    request.headers_mut().insert("authorization", "Bearer t".parse().unwrap());
    let guarded = bench.send(request).await.body;
    assert_eq!(guarded["security"], json!([{ "token": [] }]));
    assert_eq!(guarded["components"]["securitySchemes"]["token"]["scheme"], "bearer");
    for (path, _, operation) in operations(&guarded) {
        assert!(operation["responses"]["401"].is_object(), "{path}");
    }
    assert!(operations(&open).all(|(_, _, operation)| operation["responses"].get("401").is_none()));
}

/// The schemas of what other rooms read are written down here by hand.
#[tokio::test]
async fn schemas_by_hand_have_the_fields_that_there_are() {
    let document = document().await;
    let fields = |schema: &str| -> BTreeSet<String> {
        let properties = &document["components"]["schemas"][schema]["properties"];
        properties.as_object().unwrap_or_else(|| panic!("{schema}")).keys().cloned().collect()
    };
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    let settings = json!({
        "name": "n", "audio": { "language": "en", "track": [{ "pair": 2, "language": "fr" }] },
        "captions": [{ "service": "CC1", "language": "en", "subtitles": true }], "ladder": [{ "height": 360, "bitrate": 400_000 }],
        "input": { "kind": "camera", "device": "/dev/video0", "width": 640, "height": 360 },
        "delivery": [{ "protocols": ["hls"], "protection": "cbcs", "key": "house" }],
        "session_data": [{ "id": "example.title", "value": "Hall", "language": "en" }],
        "steering": "https://steer.example/",
    });
    let channel = json!(*control::channel_from_json(&settings.to_string()).unwrap());
    let mut of_channel = keys(&channel);
    of_channel.extend(["preset", "gop_ms"].map(str::to_owned));
    assert_eq!(fields("ChannelSettings"), of_channel);
    assert_eq!(fields("Rung"), keys(&channel["ladder"][0]));
    assert_eq!(fields("AudioSettings"), keys(&channel["audio"]));
    assert_eq!(fields("AudioTrack"), keys(&channel["audio"]["track"][0]));
    assert_eq!(fields("Captions"), keys(&channel["captions"][0]));
    assert_eq!(fields("SessionData"), keys(&channel["session_data"][0]));
    assert_eq!(fields("Policy"), keys(&channel["delivery"][0]));
    for (schema, field, names) in [
        ("Protocol", "protocols", ["hls", "dash", "smooth", "hds", "download"]),
        ("Protection", "protection", ["blocked", "clear", "aes-128", "cenc", "cbcs"]),
    ] {
        assert_eq!(document["components"]["schemas"][schema]["enum"], json!(names));
        for name in names {
            let mut policy = json!({ "protection": "clear" });
            policy[field] = if field == "protocols" { json!([name]) } else { json!(name) };
            assert!(serde_json::from_value::<access::Policy>(policy).is_ok(), "{name}");
        }
    }
    let mut input = keys(&channel["input"]);
    input.extend(["path", "name", "port", "serial", "connection", "sound"].map(str::to_owned));
    assert_eq!(fields("InputSettings"), input);

    let filter = json!({
        "presentation_time_range": {
            "start": 1, "end": 9_000_000_000_u64, "presentation_window": 900_000_000_u64, "live_backoff": 2,
            "timescale": 10_000_000, "force_end": true,
        },
        "tracks": [[{ "property": "language", "operator": "not_equal", "value": "de" }]],
        "first_quality": 2_200_000,
    });
    let objects = json!({ "channels": {}, "programs": {}, "assets": {}, "filters": { "f": filter } });
    let objects: control::Objects = serde_json::from_value(objects).unwrap();
    let filter = json!(objects.filters["f"]);
    assert_eq!(fields("Filter"), keys(&filter));
    assert_eq!(fields("TimeRange"), keys(&filter["presentation_time_range"]));
    assert_eq!(fields("Condition"), keys(&filter["tracks"][0][0]));
}

#[tokio::test]
async fn the_states_that_are_said_are_those_of_the_objects() {
    let document = document().await;
    for (schema, holder) in [("ChannelLife", "channels"), ("ProgramLife", "programs")] {
        let words = document["components"]["schemas"][schema]["enum"].as_array().unwrap().clone();
        let mut objects = json!(super::bench::objects());
        let states: BTreeMap<_, _> = words
            .iter()
            .map(|word| {
                let object = objects[holder].as_object_mut().unwrap().values_mut().next().unwrap();
                object["state"] = word.clone();
                (
                    word.clone().to_string(),
                    serde_json::from_value::<control::Objects>(objects.clone()).is_ok(),
                )
            })
            .collect();
        assert!(states.values().all(|known| *known), "{states:?}");
    }
}
