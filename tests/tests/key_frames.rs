//! The I-frame playlist: of each segment its first picture, as ffmpeg reads both.

use std::fs;

use riser_tests::{
    Riserd, peers,
    pictures::{self, LARGE},
    riserd::{PATIENCE, SMALL, TRACKS},
};

#[test]
fn each_segment_has_its_first_picture_to_be_looked_for() {
    let riserd = Riserd::live(SMALL, &TRACKS, 4);
    let master = riserd.get("/live/main/master.m3u8").text();
    let listed: Vec<_> = master
        .lines()
        .filter(|line| line.starts_with("#EXT-X-I-FRAME-STREAM-INF:"))
        .filter_map(|line| line.split("URI=\"").nth(1)?.strip_suffix('"'))
        .collect();
    assert_eq!(listed, ["360p/iframes.m3u8", "180p/iframes.m3u8"]);

    let text = riserd.get("/live/main/360p/iframes.m3u8").text();
    assert!(text.contains("#EXT-X-I-FRAMES-ONLY\n") && !text.contains("#EXT-X-PART"), "{text}");
    let numbers: Vec<u64> =
        text.lines().filter_map(|line| line.strip_prefix('i')?.strip_suffix(".m4s")?.parse().ok()).collect();
    assert!(numbers.len() >= 4, "{text}");
    let mut ends = None;
    for number in &numbers[1..4] {
        let answer = riserd.get(&format!("/live/main/360p/i{number}.m4s"));
        assert_eq!((answer.status, answer.header("content-type")), (200, "video/mp4"));
        let film = riserd.state_dir().join("key.mp4");
        fs::write(&film, [&riserd.init("360p")[..], &answer.body].concat()).unwrap();
        let segment = riserd.film("360p", [*number]);
        assert!(pictures::decode(&film, LARGE) == pictures::decode(&segment, LARGE)[..1]);
        let packets = peers::packets(&film.to_string_lossy(), PATIENCE);
        let whole = peers::packets(&segment.to_string_lossy(), PATIENCE);
        assert_eq!((packets.len(), packets[0].pts), (1, whole[0].pts));
        assert!(ends.is_none_or(|ends| ends == packets[0].pts), "one lasts until the next");
        ends = Some(packets[0].pts + 48_000);
    }
    let playlist = format!("http://{}/live/main/360p/iframes.m3u8", riserd.viewers);
    // Without waiting for as many pictures as tell a rate.
    let hasty = ["-analyzeduration", "1000000", "-fpsprobesize", "0", "-live_start_index", "-3"];
    let three = ["-i", &playlist, "-frames:v", "3", "-f", "framemd5", "-"];
    let first = [&hasty[..], &three].concat();
    let shown = String::from_utf8(peers::ffmpeg(&first, PATIENCE)).unwrap();
    assert_eq!(shown.lines().filter(|line| !line.starts_with('#')).count(), 3, "{shown}");
    for (path, status) in [("audio/iframes.m3u8", 404), ("audio/i1.m4s", 404), ("360p/i1.m4s", 404)] {
        assert_eq!(riserd.get(&format!("/live/main/{path}")).status, status, "{path}");
    }
}
