//! Closed captions of the input are those of every rendition, whatever its coding and rate.

use std::{ops::RangeInclusive, time::Duration};

use riser_tests::{Riserd, boxes, captions, wait};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(30);

/// Whether they are lines of the film one after the other, over its end and on.
fn are_in_order(lines: &[String], of: usize) -> bool {
    let number = |line: &String| line.strip_prefix("LINE ").and_then(|number| number.parse::<usize>().ok());
    let numbers: Vec<_> = lines.iter().map(number).collect();
    numbers.iter().all(Option::is_some)
        && numbers.windows(2).all(|two| (two[0].unwrap_or(0) + 1) % of == two[1].unwrap_or(0))
}

fn carried(rate: &str) {
    let folder = TempDir::new().unwrap();
    let film = captions::film(folder.path(), 16);
    let original = captions::read(&film);
    assert_eq!(original.first().map(String::as_str), Some("LINE 0"), "the film itself: {original:?}");
    let settings = format!(
        "[channel]\nframe_rate = '{rate}'\n[channel.input]\nkind = 'file'\npath = '{}'\n\
         [[channel.ladder]]\nheight = 180\nbitrate = 300000\n[[channel.ladder]]\nheight = 120\nbitrate = 100000\n\
         codec = 'h265'\n[[channel.captions]]\nservice = 'CC1'\nsubtitles = true\n",
        film.display()
    );
    let riserd = Riserd::live(&settings, &["180p"], 7);
    for track in ["180p", "120p-h265"] {
        let numbers = wait::for_some("seven segments", PATIENCE, || {
            let last = riserd.playlist(track)?.last_whole()?;
            let first = riserd.playlist(track)?.segments.first()?.number;
            (last - first >= 7).then_some(last - 6..=last)
        });
        let told = captions::timed(&riserd.film(track, numbers.clone()));
        let lines: Vec<_> = told.iter().map(|(_, line)| line.clone()).collect();
        println!("{rate} {track}: {lines:?}");
        assert!(lines.len() >= 4 && are_in_order(&lines, 8), "{rate} {track}: {lines:?}");
        let subtitles = subtitles(&riserd, track, numbers);
        // What was loaded before the film begins ffmpeg has not heard, and may say what is told in the last pictures or not.
        let near = |(at, line): &(u64, String)| {
            subtitles.iter().any(|(begin, subtitle)| line == subtitle && at.abs_diff(*begin) < 150)
        };
        let heard = &told[..told.len() - 1];
        assert!(heard.iter().all(near), "{rate} {track}: {told:?}, as subtitles {subtitles:?}");
        let lines: Vec<_> = subtitles.iter().map(|(_, line)| line.clone()).collect();
        assert!(are_in_order(&lines, 8), "{rate} {track}: as subtitles {subtitles:?}");
    }
}

/// The subtitles of these segments, each line once, with the milliseconds after the first segment's begin.
fn subtitles(riserd: &Riserd, track: &str, numbers: RangeInclusive<u64>) -> Vec<(u64, String)> {
    let listed = riserd.get("/live/main/subtitles/CC1/media.m3u8").text();
    let (first, mut lines) = (*numbers.start(), Vec::<(u64, String)>::new());
    let mut zero = 0;
    for number in numbers {
        assert!(listed.contains(&format!("\n{number}.vtt\n")), "{number} in {listed}");
        let answer = riserd.get(&format!("/live/main/subtitles/CC1/{number}.vtt"));
        assert_eq!(answer.header("content-type"), "text/vtt");
        let (begin, cues) = captions::web_vtt(&answer.text());
        let segment = riserd.segment(track, number);
        let timescale = u64::from(boxes::timescale(&riserd.init(track)));
        let start = boxes::chunks(&segment)[0].decode_time * 90_000 / timescale;
        assert_eq!(begin, start % (1 << 33), "on one timeline with the pictures");
        if number == first {
            zero = begin;
        }
        let after = (begin + (1 << 33) - zero) % (1 << 33) / 90;
        for (at, line) in cues {
            if lines.last().is_none_or(|(_, last)| *last != line) {
                lines.push((after + at, line));
            }
        }
    }
    lines
}

#[test]
fn captions_come_through_at_the_films_rate() {
    carried("30000/1001");
}

#[test]
fn captions_that_are_named_are_told_to_players() {
    let settings = "[channel.input]\nkind = 'test'\nwidth = 320\nheight = 180\n[[channel.ladder]]\nheight = 180\n\
                    bitrate = 250000\n[[channel.captions]]\nservice = 'CC1'\nlanguage = 'eng'\n";
    let riserd = Riserd::live(settings, &["180p"], 1);
    let master = riserd.get("/live/main/master.m3u8").text();
    assert!(master.contains("LANGUAGE=\"eng\",DEFAULT=NO,AUTOSELECT=YES,INSTREAM-ID=\"CC1\""), "{master}");
    assert!(master.contains("CLOSED-CAPTIONS=\"captions\""), "{master}");
    let manifest = riserd.get("/live/main/manifest.mpd").text();
    let told = "schemeIdUri=\"urn:scte:dash:cc:cea-608:2015\" value=\"CC1=eng\"";
    assert!(manifest.contains(told), "{manifest}");
}

#[test]
fn captions_come_through_at_other_rates() {
    carried("25");
}
