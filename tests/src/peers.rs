//! Other people's programs: ffmpeg, ffprobe and GStreamer.

use std::{
    ffi::OsStr,
    io::Read,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use serde_json::Value;

use crate::wait;

/// What a program left behind.
#[derive(Clone, Debug)]
pub struct Left {
    /// It ended with 0.
    pub success: bool,
    /// Its standard output.
    pub out: Vec<u8>,
    /// Its standard error.
    pub err: String,
}

/// Runs a program to its end.
///
/// # Panics
/// If it is not installed or does not end within `patience`.
pub fn run(program: &str, arguments: &[impl AsRef<OsStr>], patience: Duration) -> Left {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{program}: {error}"));
    let mut out = child.stdout.take().expect("piped");
    let mut err = child.stderr.take().expect("piped");
    let out = thread::spawn(move || {
        let mut bytes = Vec::new();
        out.read_to_end(&mut bytes).map(|_| bytes)
    });
    let err = thread::spawn(move || {
        let mut bytes = Vec::new();
        err.read_to_end(&mut bytes).map(|_| bytes)
    });
    let mut killed = false;
    let begun = std::time::Instant::now();
    let status = wait::for_some(program, patience + Duration::from_secs(5), || {
        if begun.elapsed() > patience && !killed {
            killed = true;
            let _ = child.kill();
        }
        child.try_wait().expect("it is ours")
    });
    let read = |reader: thread::JoinHandle<std::io::Result<Vec<u8>>>| {
        reader.join().expect("reading does not panic").expect("a pipe can be read")
    };
    let (out, err) = (read(out), String::from_utf8_lossy(&read(err)).into_owned());
    assert!(!killed, "{program} did not end within {patience:?}: {err}");
    Left { success: status.success(), out, err }
}

/// Runs ffmpeg and gives its standard output.
///
/// # Panics
/// If it fails or has anything to say at level `error`.
pub fn ffmpeg(arguments: &[impl AsRef<OsStr>], patience: Duration) -> Vec<u8> {
    run_ffmpeg("error", arguments, patience)
}

/// Has ffmpeg play something live and gives its standard output.
///
/// # Panics
/// If it fails or has anything to say at level `warning`.
pub fn play(arguments: &[impl AsRef<OsStr>], patience: Duration) -> Vec<u8> {
    run_ffmpeg("warning", arguments, patience)
}

fn run_ffmpeg(level: &str, arguments: &[impl AsRef<OsStr>], patience: Duration) -> Vec<u8> {
    let mut all = vec![OsStr::new("-nostdin"), OsStr::new("-v"), OsStr::new(level)];
    all.extend(arguments.iter().map(AsRef::as_ref));
    let left = run("ffmpeg", &all, patience);
    let said = objections(&left.err);
    assert!(left.success && said.is_empty(), "ffmpeg {all:?}: {said:?}");
    left.out
}

/// What ffmpeg has against an input. It reads the init segment anew with every reload of a live playlist and
/// remarks on it, with playlists of its own making too.
fn objections(said: &str) -> Vec<&str> {
    said.lines().filter(|line| !line.ends_with("Found duplicated MOOV Atom. Skipped it")).collect()
}

/// A packet as ffprobe sees it.
#[derive(Clone, Debug)]
pub struct Packet {
    /// `video` or `audio`.
    pub kind: String,
    /// Presentation time in ticks.
    pub pts: u64,
    /// Decode time in ticks.
    pub dts: u64,
    /// A key frame.
    pub key: bool,
}

/// The packets of an input, read to its end.
///
/// # Panics
/// If ffprobe fails or has anything to say at level `warning`.
pub fn packets(input: &str, patience: Duration) -> Vec<Packet> {
    let arguments = ["-v", "warning", "-show_packets", "-of", "json", input];
    let left = run("ffprobe", &arguments, patience);
    let said = objections(&left.err);
    assert!(left.success && said.is_empty(), "ffprobe {input}: {said:?}");
    let json: Value = serde_json::from_slice(&left.out).expect("ffprobe writes JSON");
    let packets = json["packets"].as_array().expect("a list of packets");
    let packet = |packet: &Value| {
        let ticks =
            |field: &str| packet[field].as_u64().unwrap_or_else(|| panic!("{field} of a packet: {packet}"));
        Packet {
            kind: packet["codec_type"].as_str().unwrap_or_default().to_owned(),
            pts: ticks("pts"),
            dts: ticks("dts"),
            key: packet["flags"].as_str().unwrap_or_default().contains('K'),
        }
    };
    packets.iter().map(packet).collect()
}

/// The left channel of the sound in a file of init segment and segments, 48 kHz.
#[must_use]
pub fn left_channel(file: &Path) -> Vec<i16> {
    let name = file.to_string_lossy();
    let raw = ffmpeg(&["-i", &name, "-f", "s16le", "-"], Duration::from_secs(30));
    raw.chunks_exact(4).map(|frame| i16::from_le_bytes([frame[0], frame[1]])).collect()
}
