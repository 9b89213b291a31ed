//! What the box says of its disk, and what it does with damage on it.

use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
    time::Duration,
};

use riser_tests::{
    Riserd, peers,
    playlist::Playlist,
    riserd::{PATIENCE, SMALL, TRACKS},
    wait,
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Milliseconds.
const SEGMENT: u64 = 1600;
/// Turns one byte of `bytes` around, wherever it lies in the ring.
fn damage(riserd: &Riserd, bytes: &[u8]) {
    let extents = riserd.state_dir().join("store/extents");
    for entry in fs::read_dir(extents).unwrap().flatten() {
        let content = fs::read(entry.path()).unwrap();
        if let Some(at) = content.windows(bytes.len()).position(|window| window == bytes) {
            let file = File::options().write(true).open(entry.path()).unwrap();
            let middle = at + bytes.len() / 2;
            file.write_all_at(&[!content[middle]], middle as u64).unwrap();
            return;
        }
    }
    panic!("the bytes are not in the ring");
}

#[test]
fn damaged_media_is_never_served_and_its_time_is_kept() {
    let mut riserd = Riserd::live(SMALL, &TRACKS, 1);
    let (program, _) = riserd.program("Night", "night", None);
    let listed = |riserd: &Riserd| Playlist::parse(&riserd.get("/vod/night/360p/media.m3u8").text());
    wait::until("four segments", PATIENCE, || {
        listed(&riserd).segments.iter().filter(|segment| !segment.gap).count() >= 4
    });
    riserd.operate(&format!("/programs/{program}/stop"));
    let before = listed(&riserd);
    let victim = before.segments[1].number;
    let path = format!("/vod/night/360p/{victim}.m4s");
    let part = riserd.bytes(&path);
    riserd.kill();
    damage(&riserd, &part[200..1200]);
    riserd.start_again();
    wait::until("the damage is noticed", PATIENCE, || riserd.get(&path).status == 404);
    wait::until("the playlist has a gap", PATIENCE, || {
        listed(&riserd).segments.iter().any(|segment| segment.number == victim && segment.gap)
    });
    let after = listed(&riserd);
    assert_eq!(after.segments.len(), before.segments.len(), "its time is kept");
    assert_eq!(after.segments.iter().filter(|segment| segment.gap).count(), 1);
    let mpd = riserd.get("/vod/night/manifest.mpd").text();
    assert!(mpd.contains("<S t=") && riserd.count("/store/quarantined") == 1, "{mpd}");
    for segment in after.segments.iter().filter(|segment| !segment.gap) {
        assert!(!riserd.bytes(&format!("/vod/night/360p/{}.m4s", segment.number)).is_empty());
    }
    let alarms = riserd.state("/alarms");
    assert!(alarms.as_array().unwrap().iter().any(|alarm| alarm["id"] == "dvr-quarantine"), "{alarms}");
    // Live has not noticed.
    assert!(!riserd.playlist("360p").unwrap().ended);
}

#[test]
fn a_rewind_that_the_disk_cannot_hold_is_told_before_it_is_missed() {
    let riserd =
        Riserd::start_edited(SMALL, |document| document.replace("window = '1min'", "window = '24h'"));
    let alarm = wait::for_some("the alarm", PATIENCE, || {
        let alarms = riserd.state("/alarms");
        alarms.as_array()?.iter().find(|alarm| alarm["id"] == "dvr-promise").cloned()
    });
    assert_eq!(alarm["severity"], "warning");
    assert!(alarm["reason"].as_str().unwrap().starts_with("24.0 h of rewind are promised"), "{alarm}");
    assert_eq!(riserd.count("/store/seconds_promised"), 86_400);
    let predicted = riserd.count("/store/seconds_predicted");
    assert!((100..3600).contains(&predicted), "64 MiB at some 100 kB a second: {predicted} s");
    assert_ne!(riserd.state("/store/rate"), Value::from(0));
}

#[test]
fn clips_leave_the_reserve_to_live() {
    // Noise at 6 Mbit/s; recordings and clips may have two extents of 4 MiB, each of five seconds.
    let folder = TempDir::new().unwrap();
    let film = folder.path().join("noise.mp4").to_string_lossy().into_owned();
    let noise = "testsrc2=size=320x180:rate=30:duration=3,noise=alls=100:allf=t";
    let arguments =
        ["-f", "lavfi", "-i", noise, "-c:v", "libx264", "-preset", "ultrafast", "-qp", "10", &film];
    peers::ffmpeg(&arguments, Duration::from_secs(30));
    let settings = format!(
        "[channel.input]\nkind = 'file'\npath = '{film}'\n[[channel.ladder]]\nheight = 180\nbitrate = 6000000\n"
    );
    let riserd = Riserd::start_edited(&settings, |document| {
        document.replace("size = '64MiB'", "size = '64MiB'\nreserve = '56MiB'")
    });
    riserd.wait_for_segments(&["180p", "audio"], 1);
    let (_, asset) = riserd.program("Night", "night", None);
    let newest = || {
        let playlist = Playlist::parse(&riserd.get("/live/main/180p/media.m3u8").text());
        playlist.last_whole().unwrap_or(0)
    };
    let clips = format!("/assets/{asset}/clips");
    let mut clipped = newest();
    // Two segments at a time, until what clips hold reaches into the reserve.
    let refused = wait::for_some("a clip is refused", 4 * PATIENCE, || {
        let last = newest();
        if last < clipped + 2 {
            return None;
        }
        let (from, to) = ((clipped + 1) * SEGMENT, (last + 1) * SEGMENT - 200);
        clipped = last;
        let answer = riserd.api("POST", &clips, &json!({ "name": "Part", "from": from, "to": to }));
        (answer.status != 201).then_some(answer)
    });
    assert_eq!(refused.status, 409, "{refused:?}");
    assert!(refused.text("/error").contains("no room"), "{refused:?}");
    let goes_on = newest() + 4;
    riserd.wait_for("180p", goes_on);
    assert_eq!(riserd.state("/store/state"), "ok", "what is recorded still finds room");
    let live = Playlist::parse(&riserd.get("/live/main/180p/media.m3u8").text());
    assert!(live.segments.iter().rev().take(4).all(|segment| !segment.gap));
}
