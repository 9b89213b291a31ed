//! Real footage played as live: every frame once, at its own time, over the end of the file and on.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use riser_tests::{
    Riserd, footage, peers,
    pictures::{self, LARGE},
    wait,
};
use tempfile::TempDir;

fn input(path: &Path) -> String {
    format!(
        "[channel.input]\nkind = 'file'\npath = '{}'\n[[channel.ladder]]\nheight = 360\nbitrate = 800000\n\
         [[channel.ladder]]\nheight = 180\nbitrate = 250000\n",
        path.display()
    )
}

/// Frames of the clip that is played in a loop.
const FRAMES: u32 = 96;

/// Four seconds of the footage with each frame's number burnt in.
fn numbered_clip(folder: &Path) -> PathBuf {
    let clip = footage::short_clip(folder, 8, 4);
    let mut pictures = pictures::decode(&clip, LARGE);
    assert_eq!(pictures.len(), FRAMES as usize);
    for (number, picture) in (0..).zip(&mut pictures) {
        pictures::burn_in(number, picture, LARGE);
    }
    let (raw, numbered) = (folder.join("numbered.yuv"), folder.join("numbered.mp4"));
    fs::write(&raw, pictures.concat()).unwrap();
    let [raw, clip, out] = [&raw, &clip, &numbered].map(|path| path.to_string_lossy().into_owned());
    // With B-frames and open GOPs, as files come.
    let arguments = [
        "-f",
        "rawvideo",
        "-video_size",
        "640x360",
        "-framerate",
        "24",
        "-i",
        &raw,
        "-i",
        &clip,
        "-map",
        "0:v",
        "-map",
        "1:a",
        "-c:v",
        "libx264",
        "-preset",
        "veryfast",
        "-bf",
        "3",
        "-crf",
        "20",
        "-c:a",
        "copy",
        &out,
    ];
    peers::ffmpeg(&arguments, Duration::from_secs(60));
    numbered
}

/// Every frame that came was shown, and none twice but these.
fn nothing_lost(riserd: &Riserd, repeated: u64) {
    let input = riserd.state("/channels/0/input");
    for count in ["dropped", "slate", "skipped"] {
        assert_eq!(input[count], 0, "{count}: {input}");
    }
    assert_eq!(input["repeated"], repeated, "{input}");
    assert_eq!(riserd.count("/channels/0/samples_refused"), 0);
    assert_eq!(riserd.count("/processes/1/restarts"), 0);
}

#[test]
fn a_published_film_is_live() {
    let clip = footage::big_buck_bunny();
    let riserd = Riserd::live(&input(&clip), &["360p", "180p", "audio"], 2);
    let state = riserd.state("/channels/0");
    assert_eq!(state["frame_rate"], "24", "{state}");
    assert_eq!(state["input"]["format"], "1920x1080 24 H.264");

    // Ten seconds as ffmpeg decodes them: stream, decode time, presentation time, duration, size, checksum.
    let master = format!("http://{}/live/main/master.m3u8", riserd.viewers);
    let arguments = [
        "-i",
        &master,
        "-map",
        "0:v:0",
        "-map",
        "0:a:0",
        "-t",
        "10",
        "-fps_mode",
        "passthrough",
        "-f",
        "framecrc",
        "-",
    ];
    let text = String::from_utf8(peers::play(&arguments, Duration::from_secs(40))).unwrap();
    let rows: Vec<Vec<&str>> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split(',').map(str::trim).collect())
        .collect();
    let times = |stream: &str| -> Vec<i64> {
        rows.iter().filter(|row| row[0] == stream).map(|row| row[2].parse().unwrap()).collect()
    };
    let (pictures, sounds) = (times("0"), times("1"));
    println!("{} pictures, {} blocks of sound in 10 s", pictures.len(), sounds.len());
    // Each playlist is loaded at its own moment, so picture and sound may begin one segment apart.
    for (times, step, rate) in [(&pictures, 1, 24), (&sounds, 1024, 48_000)] {
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] == step), "none missing: {times:?}");
        let (first, last) = (times[0], times[times.len() - 1]);
        assert!(first < 2 * rate && (last - 10 * rate).abs() <= 3 * step, "ten seconds: {first} to {last}");
    }
    nothing_lost(&riserd, 0);
}

#[test]
fn a_film_is_played_frame_by_frame_and_again_from_its_start() {
    let folder = TempDir::new().unwrap();
    let clip = numbered_clip(folder.path());
    let riserd = Riserd::live(&input(&clip), &["360p", "audio"], 7);
    nothing_lost(&riserd, 0);
    let playlist = riserd.playlist("360p").unwrap();
    assert!(playlist.breaks() == 0 && playlist.segments.iter().all(|segment| !segment.gap));

    let film = |track: &str| riserd.film(track, playlist.segments.iter().map(|segment| segment.number));
    let file = film("360p");
    let number = |picture: &Vec<u8>| pictures::frame_number(picture, LARGE).expect("a number");
    let numbers: Vec<u32> = pictures::decode(&file, LARGE).iter().map(number).collect();
    println!("{} frames, {} times round the file", numbers.len(), numbers.len() / FRAMES as usize);
    assert!(numbers.len() > 2 * FRAMES as usize, "twice over the end");
    assert_eq!(numbers[0], 0, "it begins at its beginning");
    for (number, expected) in numbers.iter().zip((0..FRAMES).cycle()) {
        assert_eq!(*number, expected, "every frame once and in order: {numbers:?}");
    }
    let mut times = peers::packets(&file.to_string_lossy(), Duration::from_secs(20)).into_iter();
    let mut last = times.next().unwrap().dts;
    for packet in times {
        assert_eq!(packet.dts, last + 1000, "24 a second in ticks of 24000");
        last = packet.dts;
    }
    // The sound goes on over the end of the file too.
    let sound = peers::packets(&film("audio").to_string_lossy(), Duration::from_secs(20));
    assert!(sound.windows(2).all(|pair| pair[1].dts == pair[0].dts + 1024));
}

#[test]
fn a_screencast_with_a_camera_in_it_is_live() {
    let clip = Path::new("/usr/share/forensics-samples/original-files/movie2/movie-hello.mp4");
    assert!(clip.is_file(), "{} is missing: install forensics-samples-files", clip.display());
    let riserd = Riserd::live(&input(clip), &["360p", "180p", "audio"], 2);
    let input = riserd.state("/channels/0/input");
    println!("{input}");
    assert_eq!(input["state"], "ok");
    // Its first picture is due one frame after its sound: once round, and that frame shows the last picture again.
    wait::until("the file was played once", Duration::from_secs(15), || {
        riserd.count("/channels/0/input/frames_out") > 270
    });
    nothing_lost(&riserd, 1);
}
