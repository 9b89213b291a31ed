//! Sound and pictures of an input stay together on their whole way: a flash is seen when its beep is heard.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use riser_tests::{Riserd, boxes, peers, pictures, wait};
use tempfile::TempDir;

/// The promise, in seconds.
const TOGETHER: f64 = 0.010;
/// Segments that are looked at together: four flashes or five.
const SEGMENTS: u64 = 3;

/// A film that flashes and beeps 400 ms after every whole second, and is not a whole number of segments long.
fn film(folder: &Path) -> PathBuf {
    let film = folder.join("flash.mkv");
    let name = film.to_string_lossy().into_owned();
    let flash = "color=black:size=320x180:rate=25:duration=5,\
                 drawbox=color=white:t=fill:enable='between(mod(t,1),0.399,0.479)'";
    let beep = "aevalsrc='0.5*sin(2*PI*1000*t)*between(mod(t,1),0.4,0.5)':sample_rate=48000:duration=5";
    let sources = ["-f", "lavfi", "-i", flash, "-f", "lavfi", "-i", beep];
    let coding = ["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "pcm_s16le", "-ac", "2", &name];
    peers::ffmpeg(&[&sources[..], &coding].concat(), Duration::from_secs(60));
    film
}

/// Seconds by which each beep in these segments is later than its flash.
fn lateness(riserd: &Riserd, first: u64) -> Vec<f64> {
    let numbers = first..first + SEGMENTS;
    riserd.wait_for("180p", first + SEGMENTS - 1);
    riserd.wait_for("audio", first + SEGMENTS - 1);
    let begins = |track: &str, timescale: f64| {
        boxes::chunks(&riserd.segment(track, first))[0].decode_time as f64 / timescale
    };
    let size = pictures::SMALL;
    let shown = pictures::decode(&riserd.film("180p", numbers.clone()), size);
    let white = |picture: &Vec<u8>| picture[size.width * size.height / 2] > 128;
    let flashes = (1..shown.len()).filter(|&nth| white(&shown[nth]) && !white(&shown[nth - 1]));
    let flashes: Vec<_> = flashes.map(|nth| begins("180p", 25_000.0) + nth as f64 / 25.0).collect();

    let heard = peers::left_channel(&riserd.film("audio", numbers));
    let loud = |nth: &usize| heard[*nth].unsigned_abs() > 4000;
    let quiet_before =
        |nth: &usize| heard[nth.saturating_sub(9600)..*nth].iter().all(|s| s.unsigned_abs() <= 4000);
    let beeps = (9600..heard.len()).filter(loud).filter(quiet_before);
    let beeps: Vec<_> = beeps.map(|nth| begins("audio", 48_000.0) + nth as f64 / 48_000.0).collect();

    let nearest =
        |flash: &f64| beeps.iter().map(|beep| beep - flash).min_by(|a, b| a.abs().total_cmp(&b.abs()));
    flashes.iter().filter_map(nearest).filter(|late| late.abs() < 0.3).collect()
}

#[test]
fn a_beep_is_heard_when_its_flash_is_seen_however_often_the_film_begins_anew() {
    let folder = TempDir::new().unwrap();
    let settings = format!(
        "[channel.input]\nkind = 'file'\npath = '{}'\n[[channel.ladder]]\nheight = 180\nbitrate = 250000\n",
        film(folder.path()).display()
    );
    let riserd = Riserd::live(&settings, &["180p", "audio"], 2);
    let first = riserd.playlist("180p").unwrap().segments[0].number + 1;
    // At the start and after the film has begun anew four times more; or after as many seconds as are asked for.
    let later = std::env::var("RISER_SYNC_SECONDS").ok().and_then(|seconds| seconds.parse::<u64>().ok());
    for from in [first, first + later.unwrap_or(20) * 10 / 16] {
        wait::until("the time has gone by", Duration::from_secs(later.unwrap_or(20) + 20), || {
            riserd.playlist("180p").is_some_and(|playlist| playlist.last_whole() >= Some(from))
        });
        let late = lateness(&riserd, from);
        println!("beeps later than their flashes, in seconds: {late:.4?}");
        assert!(late.len() >= 3 && late.iter().all(|late| late.abs() < TOGETHER), "{late:?}");
    }
}
