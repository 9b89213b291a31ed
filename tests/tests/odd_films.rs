//! Films as people have them: cut out of a broadcast, filmed upright, anamorphic, with more sound than pictures.

use std::{fs, path::Path, time::Duration};

use riser_tests::{Riserd, peers, wait};
use tempfile::TempDir;

/// A film of four seconds, 25 frames/s, made by ffmpeg with these filters and arguments.
fn film(folder: &Path, name: &str, source: &str, arguments: &[&str]) -> String {
    let film = folder.join(name).to_string_lossy().into_owned();
    let picture = format!("{source}:rate=25:duration=4");
    let mut all = vec!["-f", "lavfi", "-i", &picture];
    all.extend(arguments);
    all.extend(["-c:v", "libx264", "-preset", "ultrafast", &film]);
    peers::ffmpeg(&all, Duration::from_secs(30));
    film
}

fn play(film: &str) -> Riserd {
    let riserd = Riserd::start(&format!("[channel.input]\nkind = 'file'\npath = '{film}'\n"));
    wait::until("pictures come", Duration::from_secs(20), || {
        riserd.count("/channels/0/input/frames_out") > 25
    });
    riserd
}

/// Width and height of the best rendition.
fn top(riserd: &Riserd) -> (u64, u64) {
    wait::until("it is encoded", Duration::from_secs(20), || {
        riserd.status().pointer("/channels/0/renditions/0/width").is_some()
    });
    let best = riserd.state("/channels/0/renditions/0");
    (best["width"].as_u64().unwrap(), best["height"].as_u64().unwrap())
}

#[test]
fn a_film_whose_clock_does_not_begin_at_zero_is_played_whole() {
    let folder = TempDir::new().unwrap();
    let riserd = play(&film(folder.path(), "cut.ts", "testsrc2=size=640x360", &["-muxdelay", "1.5"]));
    wait::until("it has begun a third time", Duration::from_secs(20), || {
        riserd.count("/channels/0/input/frames_out") > 225
    });
    let input = riserd.state("/channels/0/input");
    for count in ["repeated", "dropped", "slate", "skipped"] {
        assert_eq!(input[count], 0, "{count}: {input}");
    }
}

#[test]
fn a_film_from_a_telephone_stands_upright() {
    let folder = TempDir::new().unwrap();
    let lying = film(folder.path(), "lying.mp4", "testsrc2=size=640x360", &[]);
    let upright = folder.path().join("upright.mp4").to_string_lossy().into_owned();
    let turn = ["-i", &lying, "-c", "copy", "-metadata:s:v:0", "rotate=90", &upright];
    peers::ffmpeg(&turn, Duration::from_secs(10));
    let riserd = play(&upright);
    assert_eq!(riserd.state("/channels/0/input/format"), "360x640 25 H.264");
    let (width, height) = top(&riserd);
    assert!(width < height, "{width}x{height}");
}

#[test]
fn an_anamorphic_film_keeps_its_shape() {
    let folder = TempDir::new().unwrap();
    let wide = film(folder.path(), "wide.mp4", "testsrc2=size=720x576", &["-vf", "setsar=64/45"]);
    let riserd = play(&wide);
    assert_eq!(top(&riserd), (960, 540));
}

#[test]
fn the_last_picture_stays_while_there_is_sound() {
    let folder = TempDir::new().unwrap();
    let sound = ["-f", "lavfi", "-i", "sine=frequency=300:duration=8"];
    let riserd = play(&film(folder.path(), "sound.mp4", "testsrc2=size=640x360", &sound));
    wait::until("it has begun again", Duration::from_secs(20), || {
        riserd.count("/channels/0/input/frames_out") > 210
    });
    let input = riserd.state("/channels/0/input");
    assert_eq!((&input["slate"], &input["state"]), (&0.into(), &"ok".into()), "{input}");
    assert!(input["repeated"].as_u64().unwrap() >= 95, "{input}");
}

#[test]
fn a_film_that_is_replaced_is_followed_by_the_new_one() {
    let folder = TempDir::new().unwrap();
    let riserd = play(&film(folder.path(), "film.mp4", "testsrc2=size=640x360", &[]));
    let next = film(folder.path(), "next.mp4", "testsrc2=size=320x180", &[]);
    fs::rename(next, folder.path().join("film.mp4")).unwrap();
    wait::until("the new one plays", Duration::from_secs(20), || {
        riserd.state("/channels/0/input/format") == "320x180 25 H.264"
    });
    fs::remove_file(folder.path().join("film.mp4")).unwrap();
    wait::until("it is missed", Duration::from_secs(20), || {
        riserd.state("/channels/0/input/state") == "no_device"
    });
    assert_eq!(riserd.count("/processes/1/restarts"), 0);
    assert_eq!(riserd.count("/channels/0/samples_refused"), 0);
}

/// How many pictures of a film ffmpeg takes for interlaced, and for whole ones.
fn scan(film: &str) -> (u32, u32) {
    let arguments = ["-hide_banner", "-nostats", "-i", film, "-vf", "idet", "-an", "-f", "null", "-"];
    let told = peers::run("ffmpeg", &arguments, Duration::from_secs(60)).err;
    let (_, counts) = told.rsplit_once("Multi frame detection:").expect("ffmpeg sums up");
    let count = |kind: &str| {
        let (_, count) = counts.split_once(kind).expect("ffmpeg counts it");
        count.split_whitespace().next().unwrap().parse::<u32>().unwrap()
    };
    (count("TFF:") + count("BFF:"), count("Progressive:"))
}

#[test]
fn an_interlaced_film_is_shown_in_whole_pictures_one_for_each_field() {
    let folder = TempDir::new().unwrap();
    let film = folder.path().join("fields.mkv").to_string_lossy().into_owned();
    let fields = "testsrc2=size=720x576:rate=50:duration=4,scroll=horizontal=0.01,tinterlace=interleave_top";
    let coding = ["-c:v", "libx264", "-preset", "ultrafast", "-flags", "+ildct+ilme", "-top", "1", &film];
    peers::ffmpeg(&[&["-f", "lavfi", "-i", fields][..], &coding].concat(), Duration::from_secs(60));
    let (interlaced, whole) = scan(&film);
    assert!(interlaced > 90 && whole < 5, "the film itself: {interlaced} interlaced, {whole} whole");

    let riserd = play(&film);
    assert_eq!(riserd.state("/channels/0/input/format"), "720x576 50 H.264");
    assert_eq!(riserd.state("/channels/0/frame_rate"), "50");
    let best = wait::for_some("a rendition", Duration::from_secs(20), || {
        Some(riserd.state("/channels/0/renditions/0/name").as_str()?.to_owned())
    });
    riserd.wait_for_segments(&[&best], 2);
    let number = riserd.playlist(&best).unwrap().last_whole().unwrap();
    let (interlaced, whole) = scan(&riserd.film(&best, [number]).to_string_lossy());
    assert!(interlaced < 5 && whole > 50, "{best}: {interlaced} interlaced, {whole} whole");
}
