//! Programs and assets through the management interface, seen by a viewer.

use std::time::{Duration, Instant};

use riser_tests::{
    Riserd, peers,
    playlist::Playlist,
    riserd::{PATIENCE, SMALL, TRACKS},
    wait,
};
use serde_json::{Value, json};

/// What a viewer finds at a path below an asset.
fn vod(riserd: &Riserd, locator: &str, path: &str) -> Option<String> {
    let response = riserd.get(&format!("/vod/{locator}/{path}"));
    (response.status == 200).then(|| response.text())
}

fn playlist(riserd: &Riserd, locator: &str, track: &str) -> Playlist {
    let path = format!("{track}/media.m3u8");
    let text = wait::for_some("the playlist", PATIENCE, || vod(riserd, locator, &path));
    Playlist::parse(&text)
}

fn whole(playlist: &Playlist) -> Vec<u64> {
    playlist.segments.iter().filter(|segment| !segment.gap).map(|segment| segment.number).collect()
}

fn wait_for_whole(riserd: &Riserd, locator: &str, count: usize) -> Vec<u64> {
    wait::for_some(&format!("{locator} has {count} segments"), PATIENCE, || {
        let numbers = whole(&playlist(riserd, locator, "360p"));
        (numbers.len() >= count).then_some(numbers)
    })
}

fn decoded(riserd: &Riserd, path: &str) -> usize {
    let url = format!("http://{}{path}", riserd.viewers);
    let arguments = ["-v", "error", "-i", &url, "-map", "0:v:0", "-f", "framemd5", "-"];
    let text = String::from_utf8(peers::ffmpeg(&arguments, PATIENCE)).unwrap();
    text.lines().filter(|line| !line.starts_with('#')).count()
}

#[test]
fn three_programs_on_one_channel_run_over_one_copy_and_a_fourth_is_refused() {
    let riserd = Riserd::live(SMALL, &TRACKS, 2);
    let before = riserd.count("/store/used");
    let begun = Instant::now();
    let programs = [("Short", "short", Some(300)), ("All of it", "all", None), ("Long", "long", Some(3600))];
    let ids: Vec<_> =
        programs.iter().map(|(name, path, window)| riserd.program(name, path, *window)).collect();
    let fourth = riserd.api("POST", "/programs", &json!({ "channel": "main", "name": "Fourth" }));
    let refused = riserd.api("POST", &format!("/programs/{}/start", fourth.text("/id")), &Value::Null);
    assert!(refused.status == 409 && refused.text("/error").contains('3'), "{refused:?}");
    for (_, locator, _) in programs {
        wait_for_whole(&riserd, locator, 6);
    }
    // 800 kbit/s of pictures and 128 of sound: three copies would be three times that.
    let seconds = begun.elapsed().as_secs_f64() + 2.0;
    let (used, once) = (riserd.count("/store/used") - before, seconds * 928_000.0 / 8.0 * 1.6);
    assert!((used as f64) < once, "{used} bytes in {seconds} s");
    for (id, _) in &ids {
        riserd.operate(&format!("/programs/{id}/stop"));
    }
    for (_, locator, _) in programs {
        let ended = playlist(&riserd, locator, "360p");
        assert!(ended.ended && whole(&ended).len() >= 6, "{}", ended.text);
        assert!(decoded(&riserd, &format!("/vod/{locator}/master.m3u8")) >= 6 * 48);
    }
    assert!(!riserd.playlist("360p").unwrap().ended, "the channel goes on");
}

#[test]
fn a_program_turns_to_on_demand_and_stays_until_its_asset_is_deleted() {
    let riserd = Riserd::live(SMALL, &TRACKS, 1);
    let (program, asset) = riserd.program("Evening show", "show", None);
    let numbers = wait_for_whole(&riserd, "show", 3);
    let live = playlist(&riserd, "show", "360p");
    assert!(!live.text.contains("#EXT-X-PLAYLIST-TYPE") && !live.ended);
    assert!(vod(&riserd, "show", "manifest.mpd").unwrap().contains("type=\"dynamic\""));
    // A viewer who waits for the next part when the program ends learns of the end.
    let (msn, part) = live.next();
    riserd.operate(&format!("/programs/{program}/stop"));
    let waited = vod(&riserd, "show", &format!("360p/media.m3u8?_HLS_msn={}&_HLS_part={part}", msn + 2));
    assert!(waited.unwrap().contains("#EXT-X-ENDLIST"));
    let ended = playlist(&riserd, "show", "360p");
    assert!(ended.ended && whole(&ended).starts_with(&numbers[..3]));
    assert!(ended.text.contains("#EXT-X-PLAYLIST-TYPE:VOD"));
    let mpd = vod(&riserd, "show", "manifest.mpd").unwrap();
    assert!(mpd.contains("type=\"static\"") && mpd.contains("start=\"PT0S\""), "{mpd}");
    let last = *whole(&ended).last().unwrap();
    riserd.wait_for("360p", last + 2);
    assert_eq!(
        whole(&playlist(&riserd, "show", "360p")),
        whole(&ended),
        "what follows on the channel is not in it"
    );

    let refused = riserd.api("DELETE", &format!("/assets/{asset}"), &Value::Null);
    assert_eq!(refused.status, 409, "a program refers to it: {refused:?}");
    assert_eq!(riserd.api("DELETE", &format!("/programs/{program}"), &Value::Null).status, 204);
    assert!(decoded(&riserd, "/vod/show/master.m3u8") >= 3 * 48, "it outlives its program");
    assert_eq!(riserd.api("POST", &format!("/assets/{asset}/unpublish"), &Value::Null).status, 200);
    assert!(vod(&riserd, "show", "master.m3u8").is_none());
    assert_eq!(riserd.api("DELETE", &format!("/assets/{asset}"), &Value::Null).status, 204);
    assert_eq!(riserd.api("GET", &format!("/assets/{asset}"), &Value::Null).status, 404);
}

#[test]
fn a_program_goes_on_after_the_box_was_killed() {
    let mut riserd = Riserd::live(SMALL, &TRACKS, 1);
    let (program, _) = riserd.program("Night", "night", None);
    let before = wait_for_whole(&riserd, "night", 3);
    riserd.kill();
    riserd.start_again();
    let more = wait::for_some("it records on", PATIENCE, || {
        let numbers = whole(&playlist(&riserd, "night", "360p"));
        (numbers.last() > before.last() && numbers.len() > before.len() + 1).then_some(numbers)
    });
    assert!(before[..before.len() - 1].iter().all(|number| more.contains(number)), "{before:?} {more:?}");
    riserd.operate(&format!("/programs/{program}/stop"));
    riserd.kill();
    riserd.start_again();
    let ended = playlist(&riserd, "night", "360p");
    assert!(ended.ended && ended.text.contains("#EXT-X-DISCONTINUITY"), "{}", ended.text);
    assert!(decoded(&riserd, "/vod/night/master.m3u8") > 3 * 48);
}

#[test]
fn channels_are_made_started_stopped_and_deleted() {
    let riserd = Riserd::live(SMALL, &TRACKS, 1);
    let hall = json!({
        "name": "hall",
        "input": { "kind": "test", "width": 320, "height": 180 },
        "ladder": [{ "height": 180, "bitrate": 200_000 }],
    });
    let made = riserd.api("POST", "/channels", &hall);
    assert_eq!((made.status, made.text("/state")), (201, "stopped".to_owned()), "{made:?}");
    assert_eq!(riserd.api("POST", "/channels", &hall).status, 409);
    riserd.operate("/channels/hall/start");
    let running = riserd.api("POST", "/channels/hall/start", &Value::Null);
    assert!(running.status == 409 && running.text("/error").contains("running"), "{running:?}");
    wait::until("viewers see both", PATIENCE, || {
        riserd.get("/live/hall/180p/media.m3u8").text().matches("#EXTINF").count() > 1
    });
    assert_eq!(riserd.api("DELETE", "/channels/hall", &Value::Null).status, 409);
    riserd.operate("/channels/hall/reset");
    wait::until("it comes back", PATIENCE, || {
        riserd.get("/live/hall/180p/media.m3u8").text().contains("#EXT-X-DISCONTINUITY\n")
    });
    riserd.operate("/channels/hall/stop");
    assert!(riserd.get("/live/hall/180p/media.m3u8").text().contains("#EXT-X-ENDLIST"));
    assert_eq!(riserd.api("DELETE", "/channels/hall", &Value::Null).status, 204);
    assert_eq!(riserd.get("/live/hall/master.m3u8").status, 404);
    assert_eq!(riserd.api("DELETE", "/channels/main", &Value::Null).status, 409);
    for nth in 0..4 {
        let name = format!("more-{nth}");
        let made = riserd.api("POST", "/channels", &json!({ "name": name, "input": { "kind": "test" } }));
        assert_eq!(made.status, 201, "{made:?}");
    }
    let sixth = riserd.api("POST", "/channels", &json!({ "name": "sixth" }));
    assert!(sixth.status == 409 && sixth.text("/error").contains('5'), "{sixth:?}");
}

#[test]
fn what_cannot_be_is_refused_with_its_field_and_changes_nothing() {
    let riserd = Riserd::live(SMALL, &TRACKS, 1);
    let (program, asset) = riserd.program("Show", "show", Some(300));
    wait_for_whole(&riserd, "show", 2);
    let before = riserd.api("GET", "/assets", &Value::Null).body;
    let now = riserd.count("/now");
    let clips = format!("/assets/{asset}/clips");
    let marks = format!("/assets/{asset}/marks");
    let programs = |name: &str, window: Value| {
        (
            "POST".to_owned(),
            "/programs".to_owned(),
            json!({ "channel": "main", "name": name, "archive_window": window }),
        )
    };
    let post = |path: &str, body: Value| ("POST".to_owned(), path.to_owned(), body);
    let cases = [
        (programs("", json!(300)), 400, "name"),
        (programs("-x", json!(300)), 400, "name"),
        (programs("Café", json!(300)), 400, "name"),
        (programs(&"x".repeat(257), json!(300)), 400, "name"),
        (programs("Short", json!(299)), 400, "archive_window"),
        (programs("Long", json!(90_001)), 400, "archive_window"),
        (programs("Words", json!("soon")), 400, "archive_window"),
        (post("/programs", json!({ "channel": "nowhere", "name": "X" })), 400, "channel"),
        (post("/programs", json!({ "channel": "main" })), 400, "name"),
        (post("/programs", json!({ "channel": "main", "name": "X", "colour": 1 })), 400, "colour"),
        (post("/programs/nothing/start", Value::Null), 404, ""),
        (post(&format!("/programs/{program}/start"), Value::Null), 409, ""),
        (post("/channels/main/stop", Value::Null), 409, ""),
        (("DELETE".to_owned(), format!("/programs/{program}"), Value::Null), 409, ""),
        (("DELETE".to_owned(), format!("/assets/{asset}"), Value::Null), 409, ""),
        (("PATCH".to_owned(), format!("/programs/{program}"), json!({ "archive_window": 600 })), 409, ""),
        (post(&clips, json!({ "name": "C", "from": now - 3_600_000, "to": now - 3_000_000 })), 400, "from"),
        (post(&clips, json!({ "name": "C", "from": now - 1000, "to": now + 60_000 })), 400, "to"),
        (post(&clips, json!({ "name": "C", "from": now - 1000, "to": now - 2000 })), 400, "to"),
        (post(&marks, json!({ "name": "M", "at": now + 60_000 })), 400, "at"),
        (
            (
                "PUT".to_owned(),
                "/filters/late".to_owned(),
                json!({ "presentation_time_range": { "live_backoff": 4_000_000_000u64 } }),
            ),
            400,
            "live_backoff",
        ),
        (("PUT".to_owned(), "/filters/a%20b".to_owned(), json!({})), 400, "name"),
        (post("/channels", json!({ "name": "x y" })), 400, "name"),
    ];
    for ((method, path, body), status, field) in cases {
        let refused = riserd.api(&method, &path, &body);
        assert_eq!(refused.status, status, "{method} {path} {body}: {refused:?}");
        let named = refused.body.get("field").and_then(Value::as_str).unwrap_or("");
        assert!(field.is_empty() || named.contains(field), "{method} {path} {body}: {refused:?}");
    }
    let after = riserd.api("GET", "/assets", &Value::Null).body;
    let ids = |list: &Value| -> Vec<String> {
        let list = list.as_array().or_else(|| list.get("assets")?.as_array()).unwrap();
        list.iter().map(|asset| asset["id"].to_string()).collect()
    };
    assert_eq!(ids(&before), ids(&after));
    // Only the one request that was granted on the way did anything.
    let programs = riserd.api("GET", "/programs", &Value::Null).body;
    let programs = programs.as_array().or_else(|| programs.get("programs")?.as_array()).unwrap().len();
    assert_eq!(programs, 1);
    assert_eq!(riserd.state("/channels/0/state"), "running");
    let patience = Duration::from_secs(5);
    wait::until("it records on", patience, || whole(&playlist(&riserd, "show", "360p")).len() > 2);
}
