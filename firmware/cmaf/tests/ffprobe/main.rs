//! Real H.264 and AAC, made by ffmpeg, muxed here and read back by ffprobe and ffmpeg.
#![allow(clippy::unwrap_used, reason = "a step that fails fails the test")]

mod encoded;
mod movie;
mod segments;
mod text;

use std::{path::Path, process::Command};

/// Runs a program of the ffmpeg suite; its standard output and error.
fn run(program: &str, arguments: &[&str]) -> (String, String) {
    let output = Command::new(program).args(arguments).output().unwrap_or_else(|err| {
        panic!("cannot run {program}: {err}; this test needs the ffmpeg suite (Debian package ffmpeg)")
    });
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{program} {arguments:?}: {err}");
    (out, err)
}

/// What ffprobe shows, a line each; it has nothing to say about the file.
fn probe(path: &Path, arguments: &[&str]) -> Vec<String> {
    let path = path.to_str().unwrap();
    let (out, err) = run("ffprobe", &[&["-v", "error", "-of", "default=nw=1"], arguments, &[path]].concat());
    assert_eq!(err, "", "ffprobe complains about {path}");
    out.lines().map(str::to_owned).collect()
}
