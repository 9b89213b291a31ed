//! GStreamer's player on the live stream.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use riser_tests::{
    Riserd,
    riserd::{SMALL, TRACKS},
};

/// A player that ends with the test.
struct Player(Child);

impl Drop for Player {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A line of checksumsink, which writes one for every buffer: `498715:13:48.970666666 f27969cf...`. Its nanoseconds, and
/// the length of the checksum, by which two sinks are told apart.
fn buffer(line: &str) -> Option<(u64, usize)> {
    let (time, checksum) = line.split_once(' ')?;
    let (clock, nanos) = time.split_once('.')?;
    let seconds = clock.split(':').try_fold(0, |sum, piece| Some(sum * 60 + piece.parse::<u64>().ok()?))?;
    Some((seconds * 1_000_000_000 + nanos.parse::<u64>().ok()?, checksum.len()))
}

/// Hexadecimal digits of the checksums: MD5 of pictures, SHA-1 of sound.
const MD5: usize = 32;
const SHA1: usize = 40;

/// What one player showed.
#[derive(Debug, Default)]
struct Shown {
    pictures: Vec<u64>,
    sounds: Vec<u64>,
}

/// A player: its element, the demuxer that it is to use, and one that it is not to.
struct By {
    bin: &'static str,
    demuxer: &'static str,
    without: &'static str,
    /// So many pictures and blocks at the beginning may be uneven: it drops late ones while it fills its buffer.
    settles: usize,
}

const HLS: By = By { bin: "playbin3", demuxer: "GstHLSDemux2", without: "", settles: 0 };
/// Of a live stream `mssdemux2` (1.22) never asks for a fragment: it waits for a second before each, again and again. What plays
/// it instead may drop blocks within the first two fragments of 75.
const SMOOTH: By = By { bin: "playbin", demuxer: "GstMssDemux:", without: "mssdemux2:NONE", settles: 160 };

/// Plays a playlist or manifest until there were so many pictures and blocks of sound.
fn play(uri: &str, by: &By, pictures: usize, sounds: usize) -> Shown {
    let mut command = Command::new("gst-launch-1.0");
    command.env("GST_PLUGIN_FEATURE_RANK", by.without);
    command.arg("-v").arg(by.bin).arg(format!("uri={uri}"));
    command.arg("video-sink=checksumsink hash=md5 sync=true");
    command.arg("audio-sink=checksumsink hash=sha1 sync=true");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut player = Player(command.spawn().expect("gst-launch-1.0 is installed"));
    let (lines, said) = mpsc::sync_channel(64);
    let out: Box<dyn std::io::Read + Send> = Box::new(player.0.stdout.take().unwrap());
    let err: Box<dyn std::io::Read + Send> = Box::new(player.0.stderr.take().unwrap());
    for stream in [out, err] {
        let lines = lines.clone();
        // They end when the player or the test does.
        thread::spawn(move || {
            BufReader::new(stream).lines().map_while(Result::ok).all(|line| lines.send(line).is_ok())
        });
    }
    drop(lines);

    let (mut shown, mut demuxer) = (Shown::default(), false);
    let deadline = Instant::now() + Duration::from_secs(30);
    while shown.pictures.len() < pictures || shown.sounds.len() < sounds {
        let left = deadline.saturating_duration_since(Instant::now());
        let line = said.recv_timeout(left).unwrap_or_else(|error| {
            panic!("{error}: {} pictures, {} blocks of sound", shown.pictures.len(), shown.sounds.len())
        });
        assert!(!line.starts_with("ERROR") && !line.starts_with("WARNING"), "{line}");
        demuxer |= line.contains(by.demuxer);
        match buffer(&line) {
            Some((time, MD5)) => shown.pictures.push(time),
            Some((time, SHA1)) => shown.sounds.push(time),
            _ => {}
        }
    }
    assert!(demuxer, "{} is what plays it", by.demuxer);
    shown
}

#[test]
fn gstreamer_plays_the_low_latency_playlist() {
    let riserd = Riserd::live(SMALL, &TRACKS, 4);
    // Ten seconds: longer than what was there when it began.
    let shown = play(&format!("http://{}/live/main/master.m3u8", riserd.viewers), &HLS, 300, 470);
    println!("{} pictures and {} blocks of sound", shown.pictures.len(), shown.sounds.len());
    for (times, step) in [(&shown.pictures, 33_333_333), (&shown.sounds, 21_333_333)] {
        let uneven = |pair: &&[u64]| pair[1].saturating_sub(pair[0]).abs_diff(step) > 1_000_000;
        let uneven: Vec<_> = times.windows(2).filter(uneven).collect();
        assert!(uneven.is_empty(), "not one step after the last: {uneven:?}");
    }
    // Picture and sound of one instant have one time: both begin on a segment's line, if not the same one.
    let apart = shown.pictures[0].abs_diff(shown.sounds[0]);
    assert!(apart.min(apart.abs_diff(1_600_000_000)) < 70_000_000, "{apart} ns apart");
}

#[test]
fn gstreamer_plays_hls_version_3_and_smooth_streaming() {
    let riserd = Riserd::live(SMALL, &TRACKS, 7);
    for (path, by) in [("ts/master.m3u8", &HLS), ("smooth.ism/Manifest", &SMOOTH)] {
        let shown = play(&format!("http://{}/live/main/{path}", riserd.viewers), by, 240, 380);
        // At times of 90 kHz and of 10 MHz.
        for (times, step) in [(&shown.pictures, 33_333_333), (&shown.sounds, 21_333_333)] {
            let uneven = |pair: &&[u64]| pair[1].saturating_sub(pair[0]).abs_diff(step) > 1_000_000;
            let uneven: Vec<_> = times[by.settles..].windows(2).filter(uneven).collect();
            assert!(uneven.is_empty(), "{path}: not one step after the last: {uneven:?}");
        }
    }
}
