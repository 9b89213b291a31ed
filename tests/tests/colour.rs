//! Colours: what goes in comes out on every rendition, and every rendition says how to read it.

use std::{path::Path, time::Duration};

use riser_tests::{Riserd, peers};
use tempfile::TempDir;

/// A quarter of a minute of one colour as small cameras give it: levels of BT.601, full range.
fn clip(folder: &Path, colour: &str) -> String {
    let clip = folder.join("colour.mp4").to_string_lossy().into_owned();
    let source = format!("color={colour}:size=640x360:rate=25:duration=15");
    let levels = "scale=out_color_matrix=bt601:out_range=pc,format=yuvj420p";
    let arguments = [
        "-f",
        "lavfi",
        "-i",
        &source,
        "-vf",
        levels,
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-colorspace",
        "smpte170m",
        "-color_range",
        "pc",
        &clip,
    ];
    peers::ffmpeg(&arguments, Duration::from_secs(30));
    clip
}

#[test]
fn an_orange_of_a_small_camera_is_the_same_orange_on_every_rendition() {
    let orange = [0xe0, 0x70, 0x20];
    let folder = TempDir::new().unwrap();
    let settings = format!(
        "[channel.input]\nkind = 'file'\npath = '{}'\n[[channel.ladder]]\nheight = 360\nbitrate = 800000\n\
         [[channel.ladder]]\nheight = 180\nbitrate = 250000\n",
        clip(folder.path(), "0xe07020")
    );
    let riserd = Riserd::live(&settings, &["360p", "180p"], 2);
    for track in ["360p", "180p"] {
        let number = riserd.playlist(track).unwrap().last_whole().unwrap();
        let film = riserd.film(track, [number]).to_string_lossy().into_owned();
        let shown = "stream=color_space,color_range,color_transfer,color_primaries";
        let probe = peers::run(
            "ffprobe",
            &["-v", "error", "-show_entries", shown, "-of", "default=nokey=1:noprint_wrappers=1", &film],
            Duration::from_secs(10),
        );
        let told = String::from_utf8_lossy(&probe.out).into_owned();
        assert_eq!(told.split_whitespace().collect::<Vec<_>>(), ["tv", "bt709", "bt709", "bt709"], "{track}");

        let middle =
            ["-i", &film, "-frames:v", "1", "-vf", "crop=2:2", "-pix_fmt", "rgb24", "-f", "rawvideo", "-"];
        let pixels = peers::ffmpeg(&middle, Duration::from_secs(10));
        for (is, was) in pixels[..3].iter().zip(orange) {
            assert!(is.abs_diff(was) <= 4, "{track}: {:?} is not {orange:?}", &pixels[..3]);
        }
    }
}
