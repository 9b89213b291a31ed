//! Closed captions of the input are those of every rendition, whatever its coding and rate.

use std::time::Duration;

use riser_tests::{Riserd, captions, wait};
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
         codec = 'h265'\n",
        film.display()
    );
    let riserd = Riserd::live(&settings, &["180p"], 7);
    for track in ["180p", "120p-h265"] {
        let numbers = wait::for_some("seven segments", PATIENCE, || {
            let last = riserd.playlist(track)?.last_whole()?;
            let first = riserd.playlist(track)?.segments.first()?.number;
            (last - first >= 7).then_some(last - 6..=last)
        });
        let lines = captions::read(&riserd.film(track, numbers));
        println!("{rate} {track}: {lines:?}");
        assert!(lines.len() >= 4 && are_in_order(&lines, 8), "{rate} {track}: {lines:?}");
    }
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
