use access::{Delivery, Policy, Protection, Protocol};
use control::{Answer, Command, NewProgram, ProgramChange};
use serde_json::json;

use super::{
    bench::{Bench, NOW, START, operation},
    refusals::changes,
};

#[tokio::test]
async fn channels_show_their_life_and_where_they_are() {
    let bench = Bench::done("");
    let all = bench.get("/channels").await;
    assert_eq!((all.status.as_u16(), all.body.as_array().unwrap().len()), (200, 2));
    let main = bench.get("/channels/main").await.body;
    assert_eq!(main, all.body[0]);
    assert_eq!((&main["state"], &main["declared"]), (&json!("running"), &json!(true)));
    assert_eq!(main["running_programs"], json!(["p1"]));
    let urls = json!({ "hls": "/live/main/master.m3u8", "dash": "/live/main/manifest.mpd" });
    assert_eq!(main["urls"], urls);
    assert_eq!(main["settings"]["segment_ms"], 1600);
    assert_eq!(bench.commands(), []);
}

#[tokio::test]
async fn programs_can_be_asked_for_by_channel() {
    let bench = Bench::done("");
    let names = async |path| {
        let body = bench.get(path).await.body;
        body.as_array().unwrap().iter().map(|program| program["id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(names("/programs").await, ["p1", "p2"]);
    assert_eq!(names("/programs?channel=main").await, ["p1", "p2"]);
    assert_eq!(names("/programs?channel=studio").await, [""; 0]);
    let program = bench.get("/programs/p1").await.body;
    assert_eq!((&program["archive_window"], &program["quota"]), (&json!(300), &json!(null)));
    assert_eq!(program["urls"]["hls"], "/vod/news/master.m3u8");
    assert_eq!(bench.get("/programs/p2").await.body["urls"], json!(null));
}

#[tokio::test]
async fn assets_show_what_viewers_can_see() {
    let bench = Bench::done("");
    let recording = bench.get("/assets/a1").await.body;
    assert_eq!(
        (&recording["start"], &recording["end"]),
        (&json!(NOW - 300_800), &json!(null)),
        "its window, in whole segments"
    );
    assert_eq!((&recording["seconds"], &recording["recording"]), (&json!(300), &json!(true)));
    let urls = json!({
        "hls": "/vod/news/master.m3u8", "dash": "/vod/news/manifest.mpd", "download": "/vod/news/download.mp4",
    });
    assert_eq!((&recording["locator"], &recording["urls"]), (&json!("news"), &urls));
    let marks = json!([
        { "id": "m2", "name": "Half", "at": NOW - 9000, "until": NOW - 5000 },
        { "id": "m1", "name": "Goal", "at": NOW - 1000, "until": null },
    ]);
    assert_eq!(recording["marks"], marks);
    assert_eq!(bench.get("/assets/a1/marks").await.body, marks);
    assert_eq!(bench.get("/assets/a1/marks/m1").await.body, marks[1]);

    let clip = bench.get("/assets/c1").await.body;
    assert_eq!((&clip["start"], &clip["end"]), (&json!(START + 16_040), &json!(START + 20 * 1600)));
    assert_eq!((&clip["seconds"], &clip["parent"], &clip["urls"]), (&json!(15), &json!("a1"), &json!(null)));

    let empty = bench.get("/assets/a2").await.body;
    assert_eq!((&empty["start"], &empty["end"], &empty["seconds"]), (&json!(null), &json!(null), &json!(0)));
    assert_eq!(bench.get("/assets").await.body, json!([recording, empty, clip]));
}

#[tokio::test]
async fn filters_are_shown_as_they_are_put() {
    let bench = Bench::done("slow");
    let slow = bench.get("/filters/slow").await.body;
    assert_eq!(slow["first_quality"], 400_000);
    assert_eq!(bench.get("/filters").await.body[1], json!({ "name": "slow", "filter": slow }));
    assert_eq!(bench.get("/assets/a1/filters").await.body[0]["name"], "mobile");
    let put = bench.ask("PUT", "/filters/slow", Some(slow.clone())).await;
    assert_eq!((put.status.as_u16(), put.body), (200, slow));
    assert_eq!(bench.ask("PUT", "/assets/a1/filters/mobile", Some(json!({}))).await.status, 200);
}

#[tokio::test]
async fn operations_are_listed_and_found() {
    let bench = Bench::done("");
    let failed = json!({
        "id": "op2", "kind": "stop program", "target": "p1", "state": "Failed", "reason": "the disk is full",
        "begun": NOW, "ended": NOW + 5,
    });
    assert_eq!(bench.get("/operations/op2").await.body, failed);
    let all = bench.get("/operations").await.body;
    assert_eq!((&all[0]["state"], &all[1]), (&json!("InProgress"), &failed));
}

#[tokio::test]
async fn what_takes_its_time_is_answered_with_its_operation() {
    let bench = Bench::new(Ok(Answer::Begun(operation())));
    for (method, path, body) in changes() {
        let reply = bench.ask(method, path, body).await;
        assert_eq!((reply.status.as_u16(), &reply.body["id"]), (202, &json!("op1")), "{method} {path}");
        assert_eq!(reply.headers["operation-id"], "op1");
        assert_eq!(reply.headers["location"], "/api/v1/operations/op1");
    }
    assert_eq!(bench.get("/operations/op1").await.status, 200);
}

#[tokio::test]
async fn what_is_made_is_shown_and_its_place_named() {
    for (path, body, id, location) in [
        ("/channels", json!({ "name": "studio" }), "studio", "/api/v1/channels/studio"),
        ("/programs", json!({ "channel": "main", "name": "News" }), "p1", "/api/v1/programs/p1"),
        ("/assets/a1/clips", json!({ "name": "Clip", "from": 1, "to": 2 }), "c1", "/api/v1/assets/c1"),
        ("/assets/a1/marks", json!({ "name": "Goal" }), "m1", "/api/v1/assets/a1/marks/m1"),
    ] {
        let bench = Bench::done(id);
        let made = bench.ask("POST", path, Some(body)).await;
        assert_eq!((made.status.as_u16(), made.header("location")), (201, location), "{path}");
        assert_eq!(bench.get(location.strip_prefix("/api/v1").unwrap()).await.body, made.body);
    }
}

#[tokio::test]
async fn what_is_done_at_once_shows_the_object_and_what_is_gone_nothing() {
    for (method, path, body) in changes() {
        let id = path.split('/').nth(2).unwrap_or_default();
        let bench = Bench::done(id);
        let reply = bench.ask(method, path, body).await;
        match method {
            "DELETE" => assert_eq!((reply.status.as_u16(), reply.body), (204, json!(null)), "{path}"),
            "PATCH" | "PUT" if !path.contains("filters") => assert_eq!(reply.status, 200, "{path}"),
            "POST" if path.ends_with("metadata") => assert_eq!(reply.status, 204, "{path}"),
            "POST"
                if path.split('/').count() == 4 && !path.ends_with("clips") && !path.ends_with("marks") =>
            {
                let shown = [&reply.body["id"], &reply.body["name"]];
                assert!(reply.status == 200 && shown.contains(&&json!(id)), "{path}: {reply:?}");
            }
            _ => {}
        }
        assert_eq!(bench.commands().len(), 1, "{method} {path}");
    }
}

#[tokio::test]
async fn wishes_arrive_as_they_were_meant() {
    let bench = Bench::done("p1");
    let text = |text: &str| text.to_owned();
    let new =
        json!({ "channel": "main", "name": "N", "description": "d", "archive_window": "4h", "quota": 9 });
    let change = json!({ "description": "d", "archive_window": null, "quota": 5 });
    let clip = json!({ "name": "C", "from": "1970-01-01T00:00:01.5Z", "to": 2000 });
    let mark = json!({ "name": "M", "until": 7 });
    for (method, path, body) in [
        ("POST", "/programs", new),
        ("PATCH", "/programs/p1", change),
        ("PATCH", "/programs/p1", json!({})),
        ("POST", "/assets/a1/clips", clip),
        ("POST", "/assets/a1/marks", mark),
        ("POST", "/programs/p1/publish", json!({ "locator": "l" })),
        ("POST", "/assets/c1/publish", json!({})),
        ("POST", "/assets/c1/publish", json!(null)),
        (
            "PUT",
            "/assets/c1/delivery",
            json!({ "policies": [{ "protection": "clear", "protocols": ["hls"] }] }),
        ),
    ] {
        bench.ask(method, path, Some(body)).await;
    }
    bench.ask("DELETE", "/assets/a1/filters/mobile", None).await;
    let new = NewProgram {
        channel: text("main"),
        name: text("N"),
        description: text("d"),
        archive_window: Some(14_400),
        quota: Some(9),
    };
    let change = ProgramChange {
        name: None,
        description: Some(text("d")),
        archive_window: Some(None),
        quota: Some(Some(5)),
    };
    let expected = [
        Command::CreateProgram(new),
        Command::ChangeProgram { id: text("p1"), change },
        Command::ChangeProgram { id: text("p1"), change: ProgramChange::default() },
        Command::Clip { asset: text("a1"), name: text("C"), from: 1500, to: 2000 },
        Command::Mark { asset: text("a1"), name: text("M"), at: None, until: Some(7) },
        Command::Publish { asset: text("a1"), locator: Some(text("l")) },
        Command::Publish { asset: text("c1"), locator: None },
        Command::Publish { asset: text("c1"), locator: None },
        Command::Deliver {
            asset: text("c1"),
            delivery: Delivery(vec![Policy {
                protocols: vec![Protocol::Hls],
                protection: Protection::Clear,
                key: None,
            }]),
        },
        Command::DeleteFilter { asset: Some(text("a1")), name: text("mobile") },
    ];
    assert_eq!(bench.commands(), expected);
}

#[tokio::test]
async fn a_channel_keeps_its_name_when_it_changes() {
    let bench = Bench::done("studio");
    for body in [json!({ "segment_ms": 2000 }), json!({ "name": "studio", "segment_ms": 2000 })] {
        assert_eq!(bench.ask("PUT", "/channels/studio", Some(body)).await.status, 200);
    }
    for command in bench.commands() {
        let Command::ChangeChannel(settings) = command else { panic!("{command:?}") };
        assert_eq!((&*settings.name, settings.segment_ms), ("studio", 2000));
    }
}

#[tokio::test]
async fn levels_are_told_once_or_as_they_come() {
    let bench = Bench::done("");
    let reply = bench.ask("GET", "/channels/main/levels", None).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.body["at"], 1_700_000_000_000_u64);
    let sound = &reply.body["sounds"][0];
    assert_eq!((sound["name"].as_str(), sound["peak"][1].as_f64()), (Some("audio"), Some(-4.5)));
    assert_eq!((sound["momentary"].as_f64(), sound["integrated"].as_f64()), (Some(-20.0), Some(-23.0)));
    assert_eq!(bench.ask("GET", "/channels/other/levels", None).await.status, 404);
}

#[tokio::test]
async fn channels_are_rehearsed_without_asking_the_box_for_anything() {
    let bench = Bench::done("");
    let one = bench.ask("POST", "/rehearsal", Some(json!({ "channels": [{ "name": "hall" }] }))).await;
    let hall = json!({ "name": "hall", "frame_rate": "25", "percent": 60, "renditions": [], "notes": ["1080p left out"] });
    let expected = json!({ "fits": true, "percent": 60, "words": "1 channels", "channels": [hall], "alternative": null });
    assert_eq!((one.status.as_u16(), one.body), (200, expected));
    let two = bench.ask("POST", "/rehearsal", Some(json!({ "channels": [{}, {}] }))).await.body;
    assert_eq!(two["alternative"], json!({ "height": 720, "halved_rate": true, "percent": 80 }));
    for (channels, field) in [
        (json!([]), "channels"),
        (json!([{}, { "ladder": [{ "height": 3, "bitrate": 1 }] }]), "channels[1].ladder"),
    ] {
        let refused = bench.ask("POST", "/rehearsal", Some(json!({ "channels": channels }))).await;
        assert_eq!(refused.status, 400);
        assert!(refused.body["field"].as_str().unwrap().starts_with(field), "{}", refused.body);
    }
    assert_eq!(bench.commands(), []);
}
