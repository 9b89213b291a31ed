//! Thumbnails of assets: made one asset at a time by a process of the lowest priority, from key frames alone.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use media::{Codec, Layout, Pictures, Window};
use package::thumbnails::{Album, Sheets, vtt};
use store::Recording;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::mpsc,
    time::{sleep, timeout},
};

use crate::{crew::Roster, facts::Facts};

/// Pixels across one thumbnail.
const WIDTH: u32 = 160;
/// Thumbnails across and down one sheet.
const SIDE: u32 = 10;
/// Thumbnails of one asset, at most: the box's cost does not grow with the length of a recording.
const MOST: u64 = 300;
/// A sheet is never larger.
const SHEET: usize = 8 << 20;
/// All pictures of an asset must be made within this.
const PATIENCE: Duration = Duration::from_secs(600);
/// How often it is looked whether there is room for thumbnails again.
const AGAIN: Duration = Duration::from_secs(1);

/// An asset whose thumbnails are to be made.
pub struct Job {
    /// The asset's id.
    pub asset: String,
    /// What it was recorded into.
    pub recording: Recording,
    /// Its first and last segment.
    pub range: (u64, u64),
    /// Where its thumbnails go.
    pub folder: PathBuf,
}

/// An asset's id and what became of its thumbnails.
pub type Done = (String, Result<(), String>);

/// Does the jobs one after the other until nobody can send more. They wait while a channel's encoders do not keep up.
pub async fn work(program: PathBuf, roster: Roster, mut jobs: mpsc::Receiver<Job>, done: mpsc::Sender<Done>) {
    while let Some(job) = jobs.recv().await {
        room(&roster).await;
        let result = match timeout(PATIENCE, make(&program, &roster, &job)).await {
            Ok(result) => result,
            Err(_) => Err(format!("not done within {} s", PATIENCE.as_secs())),
        };
        if let Err(reason) = &result {
            tracing::warn!(asset = job.asset, %reason, "thumbnails were not made");
        }
        if done.send((job.asset, result)).await.is_err() {
            return;
        }
    }
}

async fn room(roster: &Roster) {
    while roster.read().iter().any(Facts::sheds) {
        sleep(AGAIN).await;
    }
}

async fn make(program: &Path, roster: &Roster, job: &Job) -> Result<(), String> {
    let (first, last) = job.range;
    let window = job.recording.window(first, last).await.map_err(|error| error.to_string())?;
    let (beginning, end) = ends(&window).ok_or("nothing is recorded")?;
    if window.layouts.iter().all(|layout| smallest(layout).is_none()) {
        return Err("it has no pictures".to_owned());
    }
    let step = (last.saturating_sub(first) + 1).div_ceil(MOST).max(1);
    let numbers: Vec<u64> = (first..=last).step_by(usize::try_from(step).unwrap_or(1)).collect();
    let mut child = spawn(program).map_err(|error| format!("{}: {error}", program.display()))?;
    let (Some(pictures), Some(sheets)) = (child.stdin.take(), child.stdout.take()) else {
        return Err("its process has no ends".to_owned());
    };
    // Sheets are taken while pictures are given: neither side waits for the other for ever.
    let (given, taken) =
        tokio::join!(give(roster, &window, &job.recording, &numbers, pictures), take(sheets));
    let status = child.wait().await.map_err(|error| error.to_string())?;
    let (width, height, sheets) = taken.map_err(|error| format!("{error} ({status})"))?;
    given.map_err(|error| error.to_string())?;
    if !status.success() {
        return Err(format!("its process ended with {status}"));
    }
    let millis = |number: u64| start_of(&window, number).saturating_sub(beginning) / 1_000_000;
    let starts: Vec<u64> = numbers.iter().map(|&number| millis(number)).collect();
    let shape = Sheets { tile_width: width.into(), tile_height: height.into(), columns: SIDE, rows: SIDE };
    let index = vtt(&shape, &starts, (end - beginning) / 1_000_000);
    let album = Album {
        sheets: shape,
        from: beginning,
        interval: step.saturating_mul(window.grid.segment_nanos()),
        largest: sheets.iter().map(|sheet| sheet.len() as u64).max().unwrap_or(0),
    };
    keep(&job.folder, &index, &album, &sheets).map_err(|error| format!("{}: {error}", job.folder.display()))
}

fn spawn(program: &Path) -> io::Result<Child> {
    let side = SIDE.to_string();
    let mut command = Command::new(program);
    command.args(["thumbnails", "--columns", &side, "--rows", &side, "--width", &WIDTH.to_string()]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0).kill_on_drop(true).spawn()
}

/// Gives the process one key frame for each of these segments; an empty one where there is none.
async fn give(
    roster: &Roster,
    window: &Window,
    recording: &Recording,
    numbers: &[u64],
    mut to: ChildStdin,
) -> io::Result<()> {
    for &number in numbers {
        room(roster).await;
        let picture = picture(window, recording, number).await.unwrap_or_default();
        to.write_u32(u32::try_from(picture.len()).unwrap_or(0)).await?;
        to.write_all(&picture).await?;
    }
    to.shutdown().await
}

/// The first picture of a segment in its smallest rendition.
async fn picture(window: &Window, recording: &Recording, number: u64) -> Option<Vec<u8>> {
    let segment = window.history.get(number).filter(|segment| !segment.gap)?;
    let layout = window.layout_by_id(segment.layout)?;
    let index = smallest(layout)?;
    let (name, init) = (&layout.tracks[index].name, layout.init.get(index)?);
    let chunks = recording.segment(window, name, number).await.ok()?;
    let chunk = chunks.first()?;
    let init = cmaf::read_init(init).ok()?;
    let samples = cmaf::read_samples(init.tracks.first()?, chunk).ok()?;
    let first = samples.first().filter(|sample| sample.sync)?;
    cmaf::annex_b(&layout.tracks[index].codec, &first.data)
}

/// H.264 before HEVC, which costs more to decode.
fn smallest(layout: &Layout) -> Option<usize> {
    let video = layout.tracks.iter().enumerate().filter_map(|(index, track)| {
        let Pictures { width, height, .. } = track.codec.pictures()?;
        let costly = matches!(track.codec, Codec::H265 { .. });
        Some((costly, u32::from(width) * u32::from(height), index))
    });
    video.min().map(|(_, _, index)| index)
}

/// The tile's width and height, and the sheets.
async fn take(mut from: ChildStdout) -> io::Result<(u16, u16, Vec<Vec<u8>>)> {
    let (width, height) = (from.read_u16().await?, from.read_u16().await?);
    let mut sheets = Vec::new();
    loop {
        let len = match from.read_u32().await {
            Ok(len) => len as usize,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok((width, height, sheets)),
            Err(error) => return Err(error),
        };
        if len > SHEET {
            return Err(io::Error::other("a sheet is too large"));
        }
        let mut sheet = vec![0; len];
        from.read_exact(&mut sheet).await?;
        sheets.push(sheet);
    }
}

/// Where the window begins and ends, in nanoseconds since the epoch.
fn ends(window: &Window) -> Option<(u64, u64)> {
    let (first, last) = (window.history.first()?.number, window.history.last()?.number);
    Some((start_of(window, first), start_of(window, last + 1)))
}

fn start_of(window: &Window, number: u64) -> u64 {
    crate::plan::start_of(&window.grid, number)
}

/// All files or none: they are written beside and put in place at once.
fn keep(folder: &Path, index: &str, album: &Album, sheets: &[Vec<u8>]) -> io::Result<()> {
    let new = folder.with_extension("new");
    if new.exists() {
        fs::remove_dir_all(&new)?;
    }
    fs::create_dir_all(&new)?;
    fs::write(new.join("thumbnails.vtt"), index)?;
    fs::write(new.join("thumbnails.json"), serde_json::to_vec(album)?)?;
    for (nth, sheet) in sheets.iter().enumerate() {
        fs::write(new.join(format!("thumbnails-{nth}.jpg")), sheet)?;
    }
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::rename(&new, folder)
}
