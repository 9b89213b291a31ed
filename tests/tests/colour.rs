//! Colours: what goes in comes out on every rendition, and every rendition says how to read it.

use std::{path::Path, time::Duration};

use riser_tests::{Riserd, gpu::Gpu, peers};
use tempfile::TempDir;

/// A quarter of a minute of one colour as small cameras give it: levels of BT.601, full range.
fn clip(folder: &Path, colour: &str, size: &str) -> String {
    let clip = folder.join("colour.mp4").to_string_lossy().into_owned();
    let source = format!("color={colour}:size={size}:rate=25:duration=15");
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

const ORANGE: &str = "0xe07020";
const LADDER: &str = "[[channel.ladder]]\nheight = 360\nbitrate = 800000\n\
                      [[channel.ladder]]\nheight = 180\nbitrate = 250000\n";

/// The middle of a film's first picture in a format of ffmpeg's.
fn middle(film: &str, format: &str) -> Vec<u8> {
    let arguments =
        ["-i", film, "-frames:v", "1", "-vf", "crop=2:2", "-pix_fmt", format, "-f", "rawvideo", "-"];
    peers::ffmpeg(&arguments, Duration::from_secs(10))
}

#[test]
fn an_orange_of_a_small_camera_is_the_same_orange_on_every_rendition() {
    let orange = [0xe0, 0x70, 0x20];
    let folder = TempDir::new().unwrap();
    let settings = format!(
        "[channel.input]\nkind = 'file'\npath = '{}'\n{LADDER}",
        clip(folder.path(), ORANGE, "640x360")
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

        let pixels = middle(&film, "rgb24");
        for (is, was) in pixels[..3].iter().zip(orange) {
            assert!(is.abs_diff(was) <= 4, "{track}: {:?} is not {orange:?}", &pixels[..3]);
        }
    }
}

#[test]
fn a_gpu_keeps_its_levels_from_rung_to_rung() {
    // Y, Cb and Cr of that orange in BT.709; in BT.601 its luma would be 133.
    let levels = [128u8, 82, 180];
    let folder = TempDir::new().unwrap();
    let clip = clip(folder.path(), ORANGE, "1280x720");
    for family in ["vaapi", "va"] {
        let gpu = Gpu::new(&[family], &[]);
        let settings = format!(
            "[channel.input]\nkind = 'file'\npath = '{clip}'\n[[channel.ladder]]\nheight = 720\nbitrate = 2000000\n{LADDER}[board]\nid = 'gpu'\n"
        );
        let riserd = Riserd::start_with(gpu.arguments(), &settings);
        riserd.wait_for_segments(&["720p", "360p", "180p"], 2);
        for track in ["720p", "360p", "180p"] {
            let number = riserd.playlist(track).unwrap().last_whole().unwrap();
            let film = riserd.film(track, [number]).to_string_lossy().into_owned();
            let samples = middle(&film, "yuv444p");
            let shown = [samples[0], samples[4], samples[8]];
            for (is, was) in shown.iter().zip(levels) {
                assert!(is.abs_diff(was) <= 2, "{family} {track}: {shown:?} is not {levels:?}");
            }
        }
    }
}
