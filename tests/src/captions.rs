//! Closed captions by hand: a film that carries CEA-608, and what ffmpeg reads of a film.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::peers;

/// Pictures between two captions of the film, at 30000/1001 a second.
const APART: usize = 60;

/// A film of `seconds` whose pictures say `LINE 0`, `LINE 1` ... one every two seconds, each until the next. It has two
/// sounds: 440 Hz and 880 Hz.
///
/// # Panics
/// If it cannot be made.
#[must_use]
pub fn film(folder: &Path, seconds: u32) -> PathBuf {
    let [plain, captioned, film] =
        ["plain.h264", "captioned.h264", "captioned.mp4"].map(|name| folder.join(name));
    let name = |path: &Path| path.to_string_lossy().into_owned();
    let source = format!("testsrc2=size=320x180:rate=30000/1001:duration={seconds}");
    let arguments = ["-f", "lavfi", "-i", &source, "-c:v", "libx264", "-preset", "ultrafast", "-bf", "0"];
    let byte_stream = ["-bsf:v", "h264_metadata=aud=insert", "-f", "h264", &name(&plain)];
    peers::ffmpeg(&[&arguments[..], &byte_stream].concat(), Duration::from_secs(60));
    let stream = fs::read(&plain).expect("ffmpeg has written it");
    fs::write(&captioned, with_captions(&stream)).expect("it can be written");
    let tone = |hertz: u32| format!("sine=frequency={hertz}:sample_rate=48000:duration={seconds}");
    let (low, high) = (tone(440), tone(880));
    let sources = ["-f", "h264", "-r", "30000/1001", "-i", &name(&captioned), "-f", "lavfi", "-i", &low];
    let second =
        ["-f", "lavfi", "-i", &high, "-map", "0", "-map", "1", "-map", "2", "-c:v", "copy", "-c:a", "aac"];
    peers::ffmpeg(&[&sources[..], &second, &[&name(&film)]].concat(), Duration::from_secs(60));
    film
}

/// The captions that ffmpeg finds in a film, in order.
#[must_use]
pub fn read(film: &Path) -> Vec<String> {
    timed(film).into_iter().map(|(_, line)| line).collect()
}

/// The captions that ffmpeg finds in a film, each with the milliseconds from the film's beginning to its own.
#[must_use]
pub fn timed(film: &Path) -> Vec<(u64, String)> {
    let source = format!("movie={}[out0+subcc]", film.to_string_lossy());
    let arguments = ["-v", "error", "-f", "lavfi", "-i", &source, "-map", "0:s", "-f", "srt", "-"];
    let srt = peers::run("ffmpeg", &arguments, Duration::from_secs(60));
    let text = String::from_utf8_lossy(&srt.out).into_owned();
    // A cue is its number, its time and its text, which may carry fonts and places.
    let cue = |cue: &str| {
        let mut lines = cue.trim().lines().skip(1);
        let begin = millis(lines.next()?.split(" --> ").next()?)?;
        lines.next().map(|line| (begin, plain(line)))
    };
    text.split("\n\n").filter_map(cue).collect()
}

/// A segment of WebVTT: its begin in ticks of 90 kHz, and each cue's begin in milliseconds after it and first line.
///
/// # Panics
/// If it is none.
#[must_use]
pub fn web_vtt(text: &str) -> (u64, Vec<(u64, String)>) {
    let mut blocks = text.split("\n\n");
    let head = blocks.next().unwrap_or("");
    let map = head.strip_prefix("WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:").and_then(|map| map.split_once(','));
    let begin = map.and_then(|(ticks, _)| ticks.parse().ok()).expect("a segment of WebVTT has its time");
    let cue = |cue: &str| {
        let mut lines = cue.lines();
        let begin = millis(lines.next()?.split(" --> ").next()?)?;
        lines.next().map(|line| (begin, line.to_owned()))
    };
    (begin, blocks.filter_map(cue).collect())
}

/// `00:01:02,003`, as SRT and WebVTT have it.
fn millis(time: &str) -> Option<u64> {
    let numbers: Option<Vec<u64>> = time.split([':', ',', '.']).map(|number| number.parse().ok()).collect();
    let [hours, minutes, seconds, millis] = numbers?[..] else { return None };
    Some(((hours * 60 + minutes) * 60 + seconds) * 1000 + millis)
}

/// A line of SRT without its marks.
fn plain(line: &str) -> String {
    let mut text = String::new();
    let mut depth = 0;
    for letter in line.chars() {
        match letter {
            '<' | '{' => depth += 1,
            '>' | '}' => depth -= 1,
            letter if depth == 0 => text.push(letter),
            _ => {}
        }
    }
    text.trim().to_owned()
}

/// The stream with one pair of CEA-608 in each picture.
fn with_captions(stream: &[u8]) -> Vec<u8> {
    let mut pictures = 0;
    let mut out = Vec::with_capacity(stream.len() * 2);
    for nal in nals(stream) {
        // The first slice of a picture begins with the macroblock 0: a one bit.
        if matches!(nal[0] & 0x1f, 1 | 5) && nal[1] & 0x80 != 0 {
            let said = said(pictures / APART);
            let pair = said.get(pictures % APART).copied().unwrap_or([0x80, 0x80]);
            out.extend([0, 0, 0, 1, 0x06, 4, 14, 0xb5, 0, 0x31]);
            out.extend(b"GA94");
            out.extend([3, 0xc1, 0xff, 0xfc, pair[0], pair[1], 0xff, 0x80]);
            pictures += 1;
        }
        out.extend([0, 0, 0, 1]);
        out.extend(nal);
    }
    out
}

/// A pop-on caption: load, wipe what was loaded, bottom row, text, show.
fn said(number: usize) -> Vec<[u8; 2]> {
    let text = format!("LINE {number}");
    let letters = text.as_bytes().chunks(2).map(|two| [two[0], two.get(1).copied().unwrap_or(0)]);
    let control = [[0x14, 0x20], [0x14, 0x2e], [0x14, 0x70]].into_iter().flat_map(|code| [code; 2]);
    control.chain(letters).chain([[0x14, 0x2f]; 2]).map(|pair| pair.map(odd)).collect()
}

/// With the parity bit that makes its ones odd.
fn odd(byte: u8) -> u8 {
    if byte.count_ones().is_multiple_of(2) { byte | 0x80 } else { byte }
}

/// The NAL units of a byte stream.
fn nals(stream: &[u8]) -> Vec<&[u8]> {
    let starts: Vec<_> =
        stream.windows(3).enumerate().filter(|(_, three)| *three == [0, 0, 1]).map(|(at, _)| at).collect();
    let ends = starts.iter().skip(1).copied().chain([stream.len()]);
    starts.iter().zip(ends).map(|(start, end)| without_zeros(&stream[start + 3..end])).collect()
}

/// A four-byte start code belongs to the unit behind it.
fn without_zeros(nal: &[u8]) -> &[u8] {
    let end = nal.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
    &nal[..end]
}
