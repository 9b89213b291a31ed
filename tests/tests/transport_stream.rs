//! HLS version 3: the same samples as in the stored segments, read by ffmpeg from both.

use std::{fs, path::Path, time::Duration};

use riser_tests::{
    Riserd, peers,
    riserd::{PATIENCE, SMALL, TRACKS},
    wait,
};

/// Segments of the timeline in one of MPEG-TS.
const TOGETHER: u64 = 3;

/// The numbers that a playlist of version 3 lists; none before it lists any.
fn listed(riserd: &Riserd, track: &str) -> Vec<u64> {
    let answer = riserd.get(&format!("/live/main/ts/{track}/media.m3u8"));
    let text = answer.text();
    text.lines().filter_map(|line| line.strip_suffix(".ts")?.parse().ok()).collect()
}

fn wait_for_two(riserd: &Riserd, track: &str) -> Vec<u64> {
    wait::until("two segments are listed", PATIENCE, || listed(riserd, track).len() >= 2);
    listed(riserd, track)
}

/// What ffmpeg copies out of a file.
fn copied(film: &Path, arguments: &[&str]) -> Vec<u8> {
    let name = film.to_string_lossy();
    peers::ffmpeg(&[&["-i", &name, "-c", "copy"][..], arguments, &["-"]].concat(), PATIENCE)
}

#[test]
fn segments_have_the_samples_of_the_timeline_continue_each_other_and_are_waited_for() {
    let riserd = Riserd::live(SMALL, &TRACKS, 4);
    check_samples(&riserd);
    check_continuity(&riserd);
    check_edge(&riserd);
}

/// The samples of three segments of the timeline, and their times.
fn check_samples(riserd: &Riserd) {
    let number = wait_for_two(riserd, "360p")[0];
    let muxed = riserd.state_dir().join("muxed.ts");
    let answer = riserd.get(&format!("/live/main/ts/360p/{number}.ts"));
    assert_eq!((answer.status, answer.header("content-type")), (200, "video/mp2t"));
    fs::write(&muxed, &answer.body).unwrap();
    let numbers = number * TOGETHER..(number + 1) * TOGETHER;

    let elementary = ["-map", "0:v", "-bsf:v", "h264_mp4toannexb,filter_units=remove_types=9", "-f", "h264"];
    let film = riserd.film("360p", numbers.clone());
    assert!(copied(&muxed, &elementary) == copied(&film, &elementary), "pictures");
    let pictures = peers::packets(&film.to_string_lossy(), PATIENCE);
    let sound = riserd.film("audio", numbers);
    let adts = ["-map", "0:a", "-f", "adts"];
    assert!(copied(&muxed, &adts) == copied(&sound, &adts), "sound");
    let sounds = peers::packets(&sound.to_string_lossy(), PATIENCE);

    let all = peers::packets(&muxed.to_string_lossy(), PATIENCE);
    for (kind, own, timescale) in [("video", pictures, 30_000), ("audio", sounds, 48_000)] {
        let wrapped = |ticks: u64| ticks * 90_000 / timescale % (1 << 33);
        let expected: Vec<_> = own.iter().map(|packet| (wrapped(packet.pts), packet.key)).collect();
        let found: Vec<_> = all.iter().filter(|packet| packet.kind == kind).collect();
        assert_eq!(found.len(), expected.len(), "{kind}");
        for (packet, (pts, key)) in found.iter().zip(expected) {
            // ffmpeg works out the times of frames that share a PES packet.
            assert!(packet.pts.abs_diff(pts) <= 1 && packet.key == key, "{kind}: {packet:?}, not {pts}");
        }
    }
}

/// What ffprobe has to say of lost packets.
fn lost(film: &Path) -> usize {
    let name = film.to_string_lossy().into_owned();
    let told = peers::run("ffprobe", &["-v", "debug", "-show_packets", &name], PATIENCE);
    assert!(told.success, "{}", told.err);
    told.err.lines().filter(|line| line.contains("Continuity check failed")).count()
}

fn check_continuity(riserd: &Riserd) {
    let film = riserd.state_dir().join("two.ts");
    for track in ["360p", "audio"] {
        let numbers = wait_for_two(riserd, track);
        let segment = |number: &u64| riserd.bytes(&format!("/live/main/ts/{track}/{number}.ts"));
        let two: Vec<_> = numbers[..2].iter().map(segment).collect();
        fs::write(&film, two.concat()).unwrap();
        assert_eq!(lost(&film), 0, "{track}");
        // The last packet with pictures or sound is lost.
        let without = [&two[0][..two[0].len() - 188], &two[1]].concat();
        fs::write(&film, without).unwrap();
        assert!(lost(&film) > 0, "{track}: ffprobe would tell");
    }
}

/// What comes next is waited for, what is far away is not.
fn check_edge(riserd: &Riserd) {
    let next = riserd.playlist("360p").unwrap().next().0 / TOGETHER + 1;
    let answer = riserd.get(&format!("/live/main/ts/360p/{next}.ts"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(listed(riserd, "360p").contains(&next));
    for (number, status) in [(next + 10, 404), (next - 100, 410)] {
        assert_eq!(riserd.get(&format!("/live/main/ts/360p/{number}.ts")).status, status);
    }
    assert_eq!(riserd.get(&format!("/live/main/ts/4k/{next}.ts")).status, 404);
}

#[test]
fn ffmpeg_plays_it_without_a_gap() {
    let riserd = Riserd::live(SMALL, &TRACKS, 4);
    wait_for_two(&riserd, "360p");
    wait_for_two(&riserd, "180p");
    let url = format!("http://{}/live/main/ts/master.m3u8", riserd.viewers);
    let map = ["-i", &url, "-map", "0:v:0", "-map", "0:a:0", "-t", "9"];
    let out = ["-fps_mode", "passthrough", "-f", "framecrc", "-"];
    let text =
        String::from_utf8(peers::play(&[map.as_slice(), &out].concat(), Duration::from_secs(40))).unwrap();
    for (stream, rate) in [("0,", 30), ("1,", 48_000)] {
        let rows = text.lines().filter(|line| line.starts_with(stream));
        let times: Vec<i64> =
            rows.map(|row| row.split(',').nth(2).unwrap().trim().parse().unwrap()).collect();
        let step = if rate == 30 { 1 } else { 1024 };
        // Of sound, 90 kHz leave a tick of 48 kHz open.
        assert!(times.windows(2).all(|two| (two[1] - two[0] - step).abs() <= 1), "{stream} {times:?}");
        assert!(times[times.len() - 1] - times[0] > 8 * rate, "{times:?}");
    }
}
