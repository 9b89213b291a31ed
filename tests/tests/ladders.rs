//! What a channel encodes: both codings, ladders by name, and what the box's encoders have room for.

use std::{thread::available_parallelism, time::Duration};

use riser_tests::{
    Riserd, peers,
    pictures::{self, LARGE},
    riserd::{self, SMALL, TRACKS},
    tuning, wait,
};
use serde_json::{Value, json};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(20);

/// The variants of the Multivariant Playlist, as it lists them.
fn variants(riserd: &Riserd) -> String {
    let master = riserd.get("/live/main/master.m3u8").text();
    let lines = master.lines().filter(|line| line.starts_with("#EXT-X-STREAM-INF:"));
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn hevc_and_h264_stand_side_by_side_on_the_same_slots() {
    let settings = "
[channel.input]
kind = 'test'
width = 640
height = 360
[[channel.ladder]]
height = 360
bitrate = 600000
[[channel.ladder]]
height = 360
bitrate = 400000
codec = 'h265'
[[channel.ladder]]
height = 180
bitrate = 150000
codec = 'h265'
";
    let tracks = ["360p", "360p-h265", "180p-h265", "audio"];
    let riserd = Riserd::live(settings, &tracks, 3);
    let last = riserd.playlist("360p").unwrap().last_whole().unwrap();
    riserd.wait_for("360p-h265", last);
    for track in &tracks[..2] {
        let film = pictures::decode(&riserd.film(track, [last]), LARGE);
        let slots = film.iter().map(|picture| pictures::frame_number(picture, LARGE).map(u64::from));
        let expected = (last * 48..(last + 1) * 48).map(|slot| Some(slot & u64::from(u32::MAX)));
        assert!(slots.eq(expected), "{track}");
    }
    let film = riserd.film("360p-h265", [last]);
    let probe =
        ["-v", "error", "-select_streams", "v", "-show_entries", "stream=codec_name,codec_tag_string"];
    let film = film.to_string_lossy().into_owned();
    let told = peers::run("ffprobe", &[&probe[..], &["-of", "csv=p=0", &film]].concat(), PATIENCE);
    assert_eq!(String::from_utf8_lossy(&told.out).trim(), "hevc,hvc1");
    let master = variants(&riserd);
    assert_eq!(master.matches("CODECS=\"hvc1.1.6.L").count(), 2, "{master}");
    let manifest = riserd.get("/live/main/manifest.mpd").text();
    assert_eq!(manifest.matches("contentType=\"video\"").count(), 2, "a set for each coding: {manifest}");
    let url = format!("http://{}/live/main/manifest.mpd", riserd.viewers);
    let arguments = ["-v", "error", "-i", &url, "-map", "0:v", "-t", "3", "-f", "null", "-"];
    let played = peers::run("ffmpeg", &arguments, Duration::from_secs(30));
    assert!(played.success, "{}", played.err);
}

#[test]
fn a_ladder_by_name_halves_a_fast_input() {
    let settings = "
[channel]
frame_rate = 50
preset = 'default-720p'
[channel.input]
kind = 'test'
width = 1280
height = 720
";
    let tracks = ["720p", "540p", "396p", "288p", "216p", "192p", "192p-200k", "audio"];
    let riserd = Riserd::live(settings, &tracks, 2);
    assert_eq!(riserd.state("/channels/0/frame_rate"), "25");
    assert_eq!(riserd.state("/channels/0/notes"), json!([]));
    let master = variants(&riserd);
    assert_eq!((master.matches("RESOLUTION=").count(), master.matches("RESOLUTION=342x192").count()), (7, 2));
    // Constrained Baseline, whatever the others make use of.
    let smallest = master.lines().filter(|line| line.contains("RESOLUTION=342x192"));
    smallest.for_each(|line| assert!(line.contains("CODECS=\"avc1.42c0"), "{master}"));
}

/// A board whose encoders have room for `SMALL` once and a half.
fn narrow() -> (TempDir, Riserd) {
    let boards = TempDir::new().unwrap();
    let cores = u32::try_from(available_parallelism().unwrap().get()).unwrap();
    // 640x360 and 320x180 at 30 a second.
    let load: u32 = (640 * 360 + 320 * 180) * 30;
    let software = format!("pixels_per_second_per_core = {}", load * 3 / 2 / cores);
    let differences = format!("encoder.families = ['software']\nencoder.software.{software}");
    riserd::make_board(boards.path(), "narrow", &differences);
    let arguments = vec!["--board-configs".into(), boards.path().into()];
    let riserd = Riserd::start_with(arguments, &format!("{SMALL}[board]\nid = 'narrow'\n"));
    (boards, riserd)
}

#[test]
fn channels_share_the_encoders_and_a_rehearsal_tells_it_before() {
    let (_boards, riserd) = narrow();
    riserd.wait_for_segments(&TRACKS, 1);
    let state = |channel: &str| riserd.api("GET", &format!("/status/channels/{channel}"), &Value::Null);
    assert_eq!(state("main").number("/encoder_percent"), 67);
    let hall = json!({
        "name": "hall",
        "frame_rate": 30,
        "input": { "kind": "test", "width": 640, "height": 360 },
        "ladder": [{ "height": 360, "bitrate": 600_000 }, { "height": 180, "bitrate": 200_000 }],
    });
    let rehearse = |channels: &Value| {
        let answer = riserd.api("POST", "/rehearsal", &json!({ "channels": channels }));
        assert_eq!(answer.status, 200, "{answer:?}");
        answer
    };
    let both = rehearse(&json!([hall]));
    assert_eq!(both.body["fits"], false);
    assert_eq!(
        both.text("/words"),
        "360p30 does not fit beside what runs: 134 % of the encoders; 80 % as 180p30"
    );
    // What runs already is not counted twice.
    let mut again = hall.clone();
    again["name"] = json!("main");
    assert_eq!(rehearse(&json!([again])).text("/words"), "360p30 fits: 67 % of the encoders");

    assert_eq!(riserd.api("POST", "/channels", &hall).status, 201);
    riserd.operate("/channels/hall/start");
    let shortened =
        json!(["360p left out: the board's encoder budget does not hold it beside the other channels"]);
    wait::until("the status tells it", PATIENCE, || state("hall").body["notes"] == shortened);
    assert_eq!(state("hall").number("/encoder_percent"), 14);
    // Once there is room, it has all.
    riserd.operate("/channels/hall/stop");
    let mut smaller = hall.clone();
    smaller["ladder"] = json!([{ "height": 180, "bitrate": 200_000 }]);
    assert_eq!(riserd.api("PUT", "/channels/hall", &smaller).status, 200);
    assert_eq!(rehearse(&json!([smaller])).body["fits"], true);
    riserd.operate("/channels/hall/start");
    wait::until("nothing is left out", PATIENCE, || state("hall").body["notes"] == json!([]));

    let film = rehearse(&json!([{ "name": "film", "input": { "kind": "file", "path": "/film.mp4" } }]));
    assert_eq!(film.text("/channels/0/notes/0"), "its input was never seen: 1280x720 at 30/s is assumed");
    assert_eq!(film.text("/channels/0/renditions/0/codec"), "h264");
    let refused = riserd.api("POST", "/rehearsal", &json!({ "channels": [{}, { "preset": "grand" }] }));
    assert_eq!((refused.status, refused.text("/field")), (400, "channels[1].preset".to_owned()));
}

#[test]
fn a_running_channel_is_tuned_without_a_gap() {
    let noisy = SMALL.replace("bitrate = 600000", "bitrate = 1600000");
    let riserd = Riserd::live(&noisy, &TRACKS, 2);
    tuning::tune(&riserd);
}

#[test]
fn a_capped_rate_is_spent_where_pictures_need_it() {
    let capped = format!("[channel]\nrate_control = 'capped-vbr'\ngop_ms = 800\n{SMALL}")
        .replace("bitrate = 600000", "bitrate = 6000000");
    let riserd = Riserd::live(&capped, &TRACKS, 4);
    let encoder = riserd.state("/channels/0/encoder");
    assert!(encoder.as_str().unwrap().contains("capped variable bitrate"), "{encoder}");
    let measured = riserd.count("/channels/0/renditions/0/measured");
    assert!((50_000..3_000_000).contains(&measured), "{measured} of 6 Mbit/s: the test signal is simple");
    let last = riserd.playlist("360p").unwrap().last_whole().unwrap();
    assert_eq!(tuning::key_frames(&riserd, "360p", last), [0, 24]);
}
