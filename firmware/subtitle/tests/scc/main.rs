//! Caption streams, written as Scenarist SCC for ffmpeg and as pictures for us: what ffmpeg reads of them is what is read here.
//!
//! ffmpeg carries out a line of an SCC file at once, at the line's time; here its pairs come with a frame each, as they are sent.
//! So what stands at the end of an ffmpeg cue must stand here too, and must have come at most the line's own length later, and a
//! second more where it was painted.
#![allow(clippy::unwrap_used, reason = "a step that fails fails the test")]

mod stream;

use std::{fs, process::Command};

use riser_subtitle::{Channel, Cue, read::cues, webvtt};

use stream::{Line, SECOND, frames, pictures, scc};

/// What one reader says stands on the screen from one time to another.
#[derive(Debug, PartialEq)]
struct Seen {
    begin: u64,
    end: u64,
    text: String,
}

/// What ffmpeg makes of a file, as SRT.
fn ffmpeg(name: &str, content: &str, input: &[&str]) -> Vec<Seen> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    fs::write(&path, content).unwrap();
    let arguments =
        [&["-v", "error"], input, &["-i", path.to_str().unwrap(), "-c:s", "srt", "-f", "srt", "-"]].concat();
    let output = Command::new("ffmpeg").args(arguments).output().unwrap_or_else(|error| {
        panic!("cannot run ffmpeg: {error}; this test needs the ffmpeg suite (Debian package ffmpeg)")
    });
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.split("\n\n").filter(|cue| cue.contains("-->")).map(read_srt).collect()
}

/// A number, the times, the text in a frame of its font and place.
fn read_srt(cue: &str) -> Seen {
    let (times, text) = cue.trim_start().split_once('\n').unwrap().1.split_once('\n').unwrap_or((cue, ""));
    let time = |text: &str| {
        let number = |range: std::ops::Range<usize>| text.get(range).unwrap().parse::<u64>().unwrap();
        let seconds = number(0..2) * 3600 + number(3..5) * 60 + number(6..8);
        seconds * SECOND + number(9..12) * SECOND / 1000
    };
    let (begin, end) = times.split_once(" --> ").unwrap();
    let text = text.replace("</font>", "").replace('\r', "");
    let text = text.split_once("{\\an7}").map_or(text.as_str(), |(_, text)| text);
    Seen { begin: time(begin), end: time(end), text: text.to_owned() }
}

/// The rows with slanted text marked as SRT does.
fn text(cue: &Cue) -> String {
    let rows = cue.rows.iter().map(|row| {
        let span = |span: &riser_subtitle::Span| match span.italic {
            true => format!("<i>{}</i>", span.text),
            false => span.text.clone(),
        };
        row.spans.iter().map(span).collect::<String>()
    });
    rows.collect::<Vec<_>>().join("\n")
}

/// The characters of each row, slanted or not. What is around a row and how a space is marked is not looked at: ffmpeg indents some
/// rows by its own rule, and begins a style before the space of its code or behind it.
fn characters(text: &str) -> Vec<(String, String)> {
    let text = text.replace("\\h", " ");
    let mut slanted = false;
    let row = |row: &str| {
        let (mut all, mut marked) = (String::new(), String::new());
        for piece in row.split_inclusive('>') {
            let (piece, after) = match (piece.strip_suffix("<i>"), piece.strip_suffix("</i>")) {
                (Some(piece), _) => (piece, true),
                (_, Some(piece)) => (piece, false),
                _ => (piece, slanted),
            };
            all += piece;
            marked.extend(piece.chars().filter(|character| slanted && *character != ' '));
            slanted = after;
        }
        (all.trim().to_owned(), marked)
    };
    text.split('\n').map(row).collect()
}

/// Both readers see the same, `late` after the pairs of a line at most.
fn assert_same(lines: &[Line], late: u64) {
    let theirs = ffmpeg("captions.scc", &scc(lines), &["-f", "scc"]);
    let end = lines.last().unwrap().at + 5 * SECOND;
    let ours = cues(Channel::Cc1, pictures(lines).into_iter(), 0, end);
    assert!(!theirs.is_empty());
    for seen in &theirs {
        let last = seen.end - SECOND / 10;
        let found = ours.iter().find(|cue| (cue.begin..cue.end).contains(&last));
        let found = found.unwrap_or_else(|| panic!("nothing stands at {last} of {seen:?}: {ours:#?}"));
        assert_eq!(characters(&text(found)), characters(&seen.text));
        let line = lines.iter().rfind(|line| line.at <= seen.begin).unwrap();
        let tolerance = frames(line.pairs.len()) + late;
        // SRT counts milliseconds.
        let delay = found.begin + SECOND / 1000 - seen.begin;
        assert!(delay <= tolerance, "{seen:?} comes {delay} ns late, not {tolerance}");
    }
    // Nor is anything seen here that ffmpeg does not see.
    for cue in &ours {
        let known = |seen: &Seen| seen.begin <= cue.begin + SECOND / 1000 && cue.begin < seen.end;
        assert!(theirs.iter().any(known), "{cue:?} is not among {theirs:#?}");
    }
}

#[test]
fn pop_on_captions_are_those_of_ffmpeg() {
    let captions = [
        (2, Line::new().pop_on(&[(15, 0, "Hello World")])),
        (5, Line::new().wipe()),
        (6, Line::new().pop_on(&[(14, 4, "{i}Bonjour,{/i} monsieur."), (15, 8, "á é í ó ú ç ñ Ñ")])),
        (9, Line::new().wipe().pop_on(&[(1, 0, "up {i}here"), (2, 28, "top"), (15, 12, "...and low")])),
        (12, Line::new().wipe()),
    ];
    assert_same(&captions.map(|(second, line)| line.at(second)), 0);
}

#[test]
fn every_special_and_extended_character_is_that_of_ffmpeg() {
    let mut lines = Vec::new();
    for (nth, characters) in (0..).zip(stream::CHARACTERS) {
        lines.push(Line::new().pop_on(&[(15, 0, characters)]).at(2 + 4 * nth));
        lines.push(Line::new().wipe().at(5 + 4 * nth));
    }
    assert_same(&lines, 0);
}

#[test]
fn roll_up_captions_are_those_of_ffmpeg() {
    for rows in 2..=4 {
        let texts = ["one", "twenty two letters here", "{i}three{/i} ♪", "4", "ÄÖÜ", "the last"];
        let row = |(nth, text): (u64, &&str)| Line::new().roll_up(rows, 15, text).at(2 + 3 * nth);
        let mut lines: Vec<_> = (0..).zip(&texts).map(row).collect();
        lines.push(Line::new().wipe().at(21));
        assert_same(&lines, SECOND);
    }
}

#[test]
fn paint_on_captions_are_those_of_ffmpeg() {
    let captions = [
        (2, Line::new().wipe().paint_on(&[(13, 0, "Painted"), (14, 4, "as it comes: ½ ¿")])),
        (5, Line::new().wipe().paint_on(&[(15, 20, "{i}slanted")])),
        (8, Line::new().wipe()),
    ];
    assert_same(&captions.map(|(second, line)| line.at(second)), SECOND);
}

/// The other way out: ffmpeg reads the cues of our WebVTT.
#[test]
fn ffmpeg_reads_the_webvtt_that_is_written() {
    let lines = [
        Line::new().pop_on(&[(14, 4, "a {i}b{/i} c"), (15, 8, "Ñ ♪")]).at(2),
        Line::new().wipe().at(5),
        Line::new().roll_up(2, 15, "rolls").at(6),
        Line::new().wipe().at(9),
    ];
    let ours = cues(Channel::Cc1, pictures(&lines).into_iter(), SECOND, 11 * SECOND);
    let theirs = ffmpeg("segment.vtt", &webvtt::segment(&ours, SECOND), &["-f", "webvtt"]);
    assert_eq!(theirs.len(), ours.len());
    for (seen, cue) in theirs.iter().zip(&ours) {
        assert_eq!(seen.text, text(cue));
        let milli = |at: u64| (at + SECOND / 2000) / (SECOND / 1000);
        let times = (milli(seen.begin), milli(seen.end));
        assert_eq!(times, (milli(cue.begin - SECOND), milli(cue.end - SECOND)));
    }
}
