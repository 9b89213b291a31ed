//! `riser-pipeline thumbnails` as whoever starts it sees it: key frames of `x264enc` in, sheets read back by ffmpeg.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::{
    io::{Read, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use gst::prelude::*;

const RED: [u8; 3] = [220, 20, 30];
const GREEN: [u8; 3] = [20, 200, 40];
const BLUE: [u8; 3] = [30, 40, 230];
const YELLOW: [u8; 3] = [230, 220, 20];
const GREY: [u8; 3] = [128, 128, 128];
const BLACK: [u8; 3] = [0, 0, 0];

/// The access units `x264enc` makes of what `source` gives, each an IDR picture.
fn key_frames(source: &str, width: u32, height: u32) -> Vec<Vec<u8>> {
    gst::init().unwrap();
    let pipeline = gst::parse::launch(&format!(
        "{source} ! videoconvert ! video/x-raw,format=I420,colorimetry=bt709,width={width},height={height} ! \
         x264enc tune=zerolatency key-int-max=1 ! video/x-h264,stream-format=byte-stream,alignment=au ! \
         appsink name=sink sync=false"
    ));
    let pipeline = pipeline.unwrap().downcast::<gst::Pipeline>().unwrap();
    let sink = pipeline.by_name("sink").unwrap().downcast::<gst_app::AppSink>().unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let samples = std::iter::from_fn(|| sink.pull_sample().ok());
    let units = samples.map(|sample| sample.buffer().unwrap().map_readable().unwrap().to_vec()).collect();
    pipeline.set_state(gst::State::Null).unwrap();
    units
}

/// A key frame of one colour.
fn plain([r, g, b]: [u8; 3], width: u32, height: u32) -> Vec<u8> {
    let colour = u32::from_be_bytes([255, r, g, b]);
    let source = format!("videotestsrc num-buffers=1 pattern=solid-color foreground-color={colour}");
    key_frames(&source, width, height).remove(0)
}

/// A process that makes thumbnails.
struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: ChildStdout,
}

impl Process {
    fn start(columns: usize, rows: usize, width: usize) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_riser-pipeline"))
            .arg("thumbnails")
            .args(["--columns", &columns.to_string(), "--rows", &rows.to_string()])
            .args(["--width", &width.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take(), child.stdout.take().unwrap());
        Self { child, input, output }
    }

    fn put(&mut self, unit: &[u8]) {
        let input = self.input.as_mut().unwrap();
        input.write_all(&u32::try_from(unit.len()).unwrap().to_be_bytes()).unwrap();
        input.write_all(unit).unwrap();
    }

    /// Width and height of the tiles.
    fn tile(&mut self) -> (usize, usize) {
        let mut sides = [0; 4];
        self.output.read_exact(&mut sides).unwrap();
        let [width, height] = [[sides[0], sides[1]], [sides[2], sides[3]]].map(u16::from_be_bytes);
        (width.into(), height.into())
    }

    fn sheet(&mut self) -> Sheet {
        let mut length = [0; 4];
        self.output.read_exact(&mut length).unwrap();
        let mut jpeg = vec![0; u32::from_be_bytes(length).try_into().unwrap()];
        self.output.read_exact(&mut jpeg).unwrap();
        Sheet::read(&jpeg)
    }

    /// Ends the input; what else comes out, whether it went well, and its words.
    fn end(mut self) -> (Vec<u8>, bool, String) {
        drop(self.input.take());
        let (mut rest, mut words) = (Vec::new(), String::new());
        self.output.read_to_end(&mut rest).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut words).unwrap();
        (rest, self.child.wait().unwrap().success(), words)
    }

    fn ends_well(self) {
        assert_eq!(self.end(), (vec![], true, String::new()));
    }

    fn ends_badly(self, reason: &str) {
        let (rest, well, words) = self.end();
        assert!(!well && rest.is_empty());
        assert!(words.contains(reason) && words.lines().count() == 1, "{words}");
    }
}

/// A sheet's pixels.
struct Sheet {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
}

impl Sheet {
    fn read(jpeg: &[u8]) -> Self {
        let ppm = ffmpeg(&["-f", "mjpeg", "-i", "-", "-f", "image2pipe", "-c:v", "ppm", "-"], jpeg);
        let mut lines = ppm.splitn(4, |&byte| byte == b'\n');
        let mut line = || lines.next().unwrap();
        assert_eq!(line(), b"P6");
        let sides = std::str::from_utf8(line()).unwrap().split_once(' ').unwrap();
        line();
        let rgb = line().to_vec();
        Self { width: sides.0.parse().unwrap(), height: sides.1.parse().unwrap(), rgb }
    }

    /// The pixels of a tile, row by row.
    fn tile(&self, n: usize, (width, height): (usize, usize)) -> Vec<[u8; 3]> {
        let (left, top) = (n % (self.width / width) * width, n / (self.width / width) * height);
        let rows = self.rgb.as_chunks::<3>().0.chunks_exact(self.width).skip(top).take(height);
        rows.flat_map(|row| &row[left..left + width]).copied().collect()
    }

    /// Every pixel of the tile has the colour, but for those that share a block of 16 by 16 with another tile.
    fn assert_plain(&self, n: usize, (width, height): (usize, usize), colour: [u8; 3]) {
        for (at, pixel) in self.tile(n, (width, height)).into_iter().enumerate() {
            let (x, y) = (at % width, at / width);
            if (16..width - 16).contains(&x) && (16..height - 16).contains(&y) {
                let off = pixel.iter().zip(colour).map(|(is, want)| is.abs_diff(want)).max().unwrap();
                assert!(off <= 4, "tile {n} at {x}, {y}: {pixel:?}, not {colour:?}");
            }
        }
    }
}

/// What ffmpeg makes of `input`.
fn ffmpeg(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error"]).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = ffmpeg.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input).unwrap());
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        output.stdout
    })
}

#[test]
fn every_tile_shows_its_picture_through_a_change_of_rendition() {
    let colours = [RED, GREEN, BLUE, YELLOW, GREY, RED, BLUE, GREEN];
    let sizes = [(640, 360), (1280, 720), (320, 180), (854, 480)];
    let mut process = Process::start(3, 2, 160);
    for (n, colour) in colours.into_iter().enumerate() {
        let (width, height) = sizes[n / 2];
        process.put(&plain(colour, width, height));
    }
    let tile = process.tile();
    assert_eq!(tile, (160, 90));
    let first = process.sheet();
    drop(process.input.take());
    let last = process.sheet();
    assert_eq!([(first.width, first.height), (last.width, last.height)], [(480, 180), (480, 90)]);
    for (n, colour) in colours.into_iter().enumerate() {
        if n < 6 { first.assert_plain(n, tile, colour) } else { last.assert_plain(n - 6, tile, colour) }
    }
    last.assert_plain(2, tile, BLACK);
    process.ends_well();
}

#[test]
fn a_picture_that_is_missing_or_broken_repeats_the_tile_before() {
    let mut damaged = plain(BLUE, 640, 360);
    let middle = damaged.len() / 2;
    damaged[middle..].fill(0xA5);
    let mut process = Process::start(4, 2, 64);
    for unit in
        [&[][..], b"no picture", &plain(RED, 640, 360), &damaged, &[], &[0, 0, 0, 1], &plain(GREEN, 640, 360)]
    {
        process.put(unit);
    }
    let tile = process.tile();
    drop(process.input.take());
    let sheet = process.sheet();
    for (n, colour) in [BLACK, BLACK, RED, RED, RED, RED, GREEN, BLACK].into_iter().enumerate() {
        sheet.assert_plain(n, tile, colour);
    }
    process.ends_well();
}

#[test]
fn a_tile_looks_as_another_decoder_and_scaler_show_the_picture() {
    let units = key_frames("videotestsrc num-buffers=2 pattern=smpte75", 1280, 720);
    let mut process = Process::start(2, 1, 320);
    units.iter().for_each(|unit| process.put(unit));
    let tile = process.tile();
    let sheet = process.sheet();
    process.ends_well();
    for (n, unit) in units.iter().enumerate() {
        let scale = "scale=320:180:in_color_matrix=bt709:in_range=tv,format=rgb24";
        let want = ffmpeg(&["-f", "h264", "-i", "-", "-vf", scale, "-f", "rawvideo", "-"], unit);
        let pairs = sheet.tile(n, tile).into_flattened().into_iter().zip(want);
        let square = pairs.map(|(is, want)| u64::from(is.abs_diff(want)).pow(2)).sum::<u64>();
        let mean = square as f64 / (320.0 * 180.0 * 3.0);
        // 28 dB: the bars' sharp chroma edges are all that differs.
        assert!(mean < 100.0, "tile {n}: {mean}");
    }
}

#[test]
fn a_full_sheet_is_there_before_the_input_ends_and_every_thread_is_nice() {
    let mut process = Process::start(2, 1, 64);
    let red = plain(RED, 320, 240);
    process.put(&red);
    process.put(&red);
    let tile = process.tile();
    assert_eq!(tile, (64, 48));
    process.sheet().assert_plain(1, tile, RED);
    for task in std::fs::read_dir(format!("/proc/{}/task", process.child.id())).unwrap() {
        let Ok(stat) = std::fs::read_to_string(task.unwrap().path().join("stat")) else { continue };
        // The fields behind the name, which may hold anything: the niceness is the 19th of all.
        let behind = stat.rsplit_once(')').unwrap().1;
        assert_eq!(behind.split_whitespace().nth(16), Some("19"), "{stat}");
    }
    process.ends_well();
}

#[test]
fn pictures_of_another_shape_are_bordered() {
    let mut process = Process::start(2, 1, 160);
    process.put(&plain(RED, 640, 360));
    process.put(&plain(GREEN, 360, 640));
    let tile = process.tile();
    let sheet = process.sheet();
    process.ends_well();
    sheet.assert_plain(0, tile, RED);
    let row = &sheet.tile(1, tile)[45 * 160..][..160];
    let near =
        |pixel: [u8; 3], colour: [u8; 3]| pixel.iter().zip(colour).all(|(is, want)| is.abs_diff(want) < 12);
    assert!(near(row[30], BLACK) && near(row[80], GREEN) && near(row[130], BLACK), "{row:?}");
}

#[test]
fn no_input_is_no_thumbnails() {
    Process::start(2, 2, 64).ends_well();
}

#[test]
fn what_goes_wrong_is_said_in_one_line() {
    let mut process = Process::start(2, 2, 64);
    process.put(&[]);
    process.put(b"nothing that is a picture");
    process.ends_badly("none of 2 pictures could be decoded");

    let mut process = Process::start(2, 2, 64);
    process.input.as_mut().unwrap().write_all(&(9u32 << 20).to_be_bytes()).unwrap();
    process.ends_badly("is longer than 8388608");

    let mut process = Process::start(2, 2, 64);
    process.input.as_mut().unwrap().write_all(&[0, 0, 1, 0, 1, 2, 3]).unwrap();
    process.ends_badly("pictures cannot be read");

    Process::start(0, 2, 64).ends_badly("usage: riser-pipeline thumbnails");
    Process::start(2000, 2000, 64).ends_badly("too much for one sheet");
}
