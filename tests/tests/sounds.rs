//! The sounds of a channel: pairs as tracks of their own, and how loud they are.

use std::{
    f64::consts::TAU,
    path::{Path, PathBuf},
    time::Duration,
};

use riser_tests::{Riserd, http, peers, wait};
use serde_json::{Value, json};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(20);

/// A film of three sounds: tones of 440, 880 and 1760 Hz, each quieter than the one before it.
fn film(folder: &Path) -> PathBuf {
    let film = folder.join("three.mkv");
    let tone = |hertz: u32| format!("sine=frequency={hertz}:sample_rate=48000:duration=24");
    let tones = [440, 880, 1760].map(tone);
    let mut arguments = vec!["-f", "lavfi", "-i", "testsrc=size=320x180:rate=25:duration=24"];
    tones.iter().for_each(|tone| arguments.extend(["-f", "lavfi", "-i", tone]));
    arguments.extend(["-map", "0", "-map", "1", "-map", "2", "-map", "3"]);
    arguments.extend(["-filter:a:1", "volume=-6dB", "-filter:a:2", "volume=-12dB"]);
    arguments.extend(["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "pcm_s16le", "-ac", "2"]);
    let out = film.to_string_lossy().into_owned();
    arguments.push(&out);
    peers::ffmpeg(&arguments, Duration::from_secs(60));
    film
}

fn settings(film: &Path) -> String {
    format!(
        "[channel.input]\nkind = 'file'\npath = '{}'\n[[channel.ladder]]\nheight = 180\nbitrate = 250000\n\
         [channel.audio]\nbitrate = 64000\n[[channel.audio.track]]\npair = 2\nlanguage = 'fr'\n\
         [[channel.audio.track]]\npair = 1\nlanguage = 'de-AT'\n",
        film.display()
    )
}

/// How much of a tone there is in samples at 48 kHz, 1.0 for nothing else.
fn share(samples: &[i16], hertz: f64) -> f64 {
    let (mut sine, mut cosine, mut all) = (0.0, 0.0, 0.0);
    for (nth, &sample) in samples.iter().enumerate() {
        let (angle, sample) = (TAU * hertz * nth as f64 / 48_000.0, f64::from(sample));
        sine += sample * angle.sin();
        cosine += sample * angle.cos();
        all += sample * sample;
    }
    (sine * sine + cosine * cosine) * 2.0 / (all * samples.len() as f64).max(1.0)
}

/// What ffmpeg says of a sound of the film: its integrated loudness.
fn loudness(film: &Path, sound: u32) -> f64 {
    let (film, map) = (film.to_string_lossy().into_owned(), format!("0:a:{sound}"));
    let arguments =
        ["-hide_banner", "-nostats", "-i", &film, "-map", &map, "-af", "ebur128", "-f", "null", "-"];
    let told = peers::run("ffmpeg", &arguments, PATIENCE).err;
    let (_, summary) = told.rsplit_once("Integrated loudness:").expect("ffmpeg sums up");
    summary.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn every_pair_is_a_track_of_its_own_and_outlives_its_worker() {
    let folder = TempDir::new().unwrap();
    let film = film(folder.path());
    let riserd = Riserd::live(&settings(&film), &["180p", "audio", "audio-2"], 3);
    let master = riserd.get("/live/main/master.m3u8").text();
    let listed = |attributes: &str| master.lines().filter(|line| line.contains(attributes)).count();
    assert_eq!(listed("NAME=\"audio\",LANGUAGE=\"fr\",DEFAULT=YES"), 1, "{master}");
    assert_eq!(listed("NAME=\"audio-2\",LANGUAGE=\"de-AT\",DEFAULT=NO"), 1, "{master}");
    let manifest = riserd.get("/live/main/manifest.mpd").text();
    assert_eq!(manifest.matches("contentType=\"audio\"").count(), 2, "{manifest}");
    assert!(manifest.contains("lang=\"fr\"") && manifest.contains("lang=\"de-AT\""), "{manifest}");

    let has_its_tone = |segment: u64| {
        for (track, tone, other) in [("audio", 880.0, 440.0), ("audio-2", 440.0, 880.0)] {
            riserd.wait_for(track, segment);
            let samples = peers::left_channel(&riserd.film(track, [segment]));
            let (own, others) = (share(&samples, tone), share(&samples, other));
            assert!(own > 0.95 && others < 0.01, "{track}: {own} of {tone} Hz, {others} of {other} Hz");
        }
    };
    let segment = riserd.playlist("audio").unwrap().last_whole().unwrap();
    has_its_tone(segment);
    riserd.kill_worker();
    // The one after next is the new worker's from its beginning.
    let again = riserd.playlist("audio").unwrap().last_whole().unwrap() + 4;
    has_its_tone(again);
    for track in ["180p", "audio", "audio-2"] {
        assert_eq!(riserd.playlist(track).unwrap().breaks(), 0, "{track}");
    }
}

#[test]
fn a_channel_of_sound_alone_is_live_on_demand_and_outlives_its_worker() {
    let mut riserd =
        Riserd::live("[channel]\npreset = 'audio-only'\n[channel.input]\nkind = 'test'\n", &["audio"], 3);
    let master = riserd.get("/live/main/master.m3u8").text();
    assert!(
        master.contains("CODECS=\"mp4a.40.2\"\naudio/media.m3u8") && !master.contains("RESOLUTION"),
        "{master}"
    );
    let channel = riserd.state("/channels/0");
    assert_eq!(
        (channel["encoder_family"].as_str(), channel["encoder_percent"].as_u64()),
        (Some("none"), Some(0))
    );
    assert_eq!(channel["renditions"].as_array().unwrap().len(), 1);
    riserd.kill_worker();
    let next = riserd.playlist("audio").unwrap().last_whole().unwrap() + 4;
    riserd.wait_for("audio", next);
    assert_eq!(riserd.playlist("audio").unwrap().breaks(), 0);
    for playlist in ["master.m3u8", "manifest.mpd"] {
        let url = format!("http://{}/live/main/{playlist}", riserd.viewers);
        let arguments = ["-v", "error", "-i", &url, "-t", "3", "-f", "null", "-"];
        let played = peers::run("ffmpeg", &arguments, Duration::from_secs(30));
        assert!(played.success, "{playlist}: {}", played.err);
    }
    // Over a start of the whole box, too.
    riserd.kill();
    riserd.start_again();
    let last = riserd.playlist("audio").map_or(next, |playlist| playlist.last_whole().unwrap_or(next));
    riserd.wait_for("audio", last + 2);
}

#[test]
fn levels_are_told_ten_times_a_second_and_are_ffmpegs() {
    let folder = TempDir::new().unwrap();
    let film = film(folder.path());
    let riserd = Riserd::live(&settings(&film), &["audio"], 3);
    let levels = || {
        let answer = http::get(riserd.management, "/api/v1/channels/main/levels").unwrap();
        serde_json::from_str::<Value>(&answer.text()).unwrap()
    };
    let near = |value: &Value, wanted: f64| (value.as_f64().unwrap() - wanted).abs() <= 0.3;
    // In the order of the tracks: pair 2, then pair 1.
    let wanted = [loudness(&film, 1), loudness(&film, 0)];
    let told = wait::for_some("the tones are measured", PATIENCE, || {
        let told = levels();
        let sounds = told["sounds"].as_array()?.clone();
        let settled = |(sound, wanted): (&Value, &f64)| near(&sound["momentary"], *wanted);
        sounds.iter().zip(&wanted).all(settled).then_some(sounds)
    });
    let names: Vec<_> = told.iter().map(|sound| sound["name"].clone()).collect();
    assert_eq!(names, [json!("audio"), json!("audio-2")]);
    for (sound, wanted) in told.iter().zip(wanted) {
        // Both sides are the same.
        assert!(near(&sound["integrated"], wanted) && near(&sound["short_term"], wanted), "{sound} {wanted}");
        assert_eq!(sound["rms"][0], sound["rms"][1], "{sound}");
    }
    // A sine of 1/8 of full scale, 3 dB of which ffmpeg takes off where it makes two channels of one.
    let loudest = &told[1];
    assert!(near(&loudest["peak"][0], -21.1) && near(&loudest["rms"][0], -24.1), "{loudest}");

    let url = format!("http://{}/api/v1/channels/main/levels", riserd.management);
    let arguments = ["-sN", "--max-time", "3", "-H", "Accept: text/event-stream", &url];
    let events = String::from_utf8(peers::run("curl", &arguments, PATIENCE).out).unwrap();
    let times: Vec<_> = events
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|event| serde_json::from_str::<Value>(event).unwrap()["at"].as_u64().unwrap())
        .collect();
    let (count, span) = (times.len() as u64, times[times.len() - 1] - times[0]);
    assert!((count - 1) * 1000 / span.max(1) >= 9 && count <= 33, "{count} in {span} ms");
    assert!(times.is_sorted());
    let none = http::get(riserd.management, "/api/v1/channels/nothing/levels").unwrap();
    assert_eq!(none.status, 404, "{}", none.text());
}
