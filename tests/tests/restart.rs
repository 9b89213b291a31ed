//! A daemon that dies or is told to end: what was recorded stays, the timeline goes on.

use std::{
    collections::BTreeMap,
    fs,
    time::{Duration, Instant},
};

use riser_tests::{
    Riserd, boxes,
    riserd::{self, SMALL, TRACKS},
    wait,
};
use sha2::{Digest, Sha256};

fn hash(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Hashes of every whole segment up to `last`.
fn hashes(riserd: &Riserd, track: &str, last: u64) -> BTreeMap<u64, [u8; 32]> {
    let playlist = riserd.playlist(track).unwrap();
    let numbers = playlist.segments.iter().map(|segment| segment.number).filter(|number| *number <= last);
    numbers.map(|number| (number, hash(&riserd.segment(track, number)))).collect()
}

/// The newest segment that the store says is on the disk.
fn recorded(riserd: &Riserd, oldest: u64) -> u64 {
    oldest + riserd.count("/store/seconds") * 1000 / 1600
}

#[test]
fn after_a_power_cut_everything_recorded_is_served_again() {
    let mut riserd = Riserd::live(SMALL, &TRACKS, 4);
    let oldest = riserd.playlist("360p").unwrap().segments[0].number;
    wait::until("three segments are recorded", Duration::from_secs(15), || {
        recorded(&riserd, oldest) >= oldest + 3
    });
    let last = recorded(&riserd, oldest) - 1;
    let before = TRACKS.map(|track| hashes(&riserd, track, last));
    let inits = TRACKS.map(|track| riserd.init(track));
    let old_worker = riserd.worker().unwrap();

    riserd.kill();
    let killed = Instant::now();
    wait::until("the worker ends with its daemon", Duration::from_secs(5), || !riserd::runs(old_worker));
    println!("orphaned worker gone after {} ms", killed.elapsed().as_millis());
    // Long enough for whole segments to be missing.
    wait::until("two segments of time go by", Duration::from_secs(10), || {
        killed.elapsed() > Duration::from_millis(3200)
    });
    let begun = Instant::now();
    riserd.start_again();
    let first_new = wait::for_some("new segments", Duration::from_secs(15), || {
        let playlist = riserd.playlist("360p")?;
        let at = playlist.segments.iter().position(|segment| segment.discontinuities > 0)?;
        Some(playlist.segments[at].number)
    });
    println!("first whole segment {} ms after the second start", begun.elapsed().as_millis());
    assert_eq!(riserd.workers_of_this_state().len(), 1, "one worker, no orphan");

    for ((track, before), init) in TRACKS.iter().zip(&before).zip(&inits) {
        riserd.wait_for(track, first_new + 1);
        let playlist = riserd.playlist(track).unwrap();
        assert_eq!(playlist.media_sequence, oldest, "{track}: the past is still listed");
        assert_eq!(playlist.breaks(), 1, "{track}: one discontinuity more: {}", playlist.text);
        assert_eq!(&hashes(&riserd, track, last), before, "{track}: the same bytes");
        assert!(&riserd.init(track) == init, "{track}: the same encoder, the same init segment");
        let timescale = u64::from(boxes::timescale(init));
        for number in [*before.keys().nth(1).unwrap(), first_new + 1] {
            let start = boxes::chunks(&riserd.segment(track, number))[0].decode_time;
            assert_eq!(start, number * 1600 * timescale / 1000, "{track} {number}: the same timeline");
        }
    }
    let playlist = riserd.playlist("360p").unwrap();
    let gaps: Vec<_> = playlist.segments.iter().filter(|segment| segment.gap).collect();
    println!("{} segments are gaps: the box was not there", gaps.len());
    assert!((1..5).contains(&gaps.len()), "{}", playlist.text);
    assert!(gaps.iter().all(|gap| gap.number > last && gap.number < first_new), "{}", playlist.text);
    assert_eq!(riserd.get(&format!("/live/main/360p/{}", gaps[0].uri)).status, 404);
}

#[test]
fn a_box_that_is_told_to_end_ends_in_order() {
    let mut riserd = Riserd::live(SMALL, &TRACKS, 2);
    let path = riserd::media_playlist("360p");
    riserd.terminate();
    // A viewer who reloads as the standard says learns of the end before the door closes.
    let (mut playlist, begun) = (riserd.playlist("360p").unwrap(), Instant::now());
    while !playlist.ended && begun.elapsed() < Duration::from_secs(10) {
        let (msn, part) = playlist.next();
        let answer = riserd.get(&format!("{path}?_HLS_msn={msn}&_HLS_part={part}"));
        assert_eq!(answer.status, 200, "{}", answer.text());
        playlist = riser_tests::playlist::Playlist::parse(&answer.text());
        if playlist.ended {
            // The channel may begin again under the same address.
            assert_eq!(answer.header("cache-control"), "public, max-age=1");
            let manifest = riserd.get("/live/main/manifest.mpd");
            assert_eq!(manifest.header("cache-control"), "public, max-age=1");
        }
    }
    assert!(playlist.ended, "{}", playlist.text);
    println!("ENDLIST after {} ms", begun.elapsed().as_millis());
    assert!(playlist.hint.is_none() && playlist.open.is_empty(), "{}", playlist.text);
    for track in TRACKS {
        let playlist = riserd.playlist(track).unwrap();
        assert!(playlist.ended, "{track}");
        let last = playlist.segments.last().unwrap();
        let chunks = boxes::chunks(&riserd.segment(track, last.number));
        let marked = |brands: &[String]| brands.iter().any(|brand| brand == "lmsg");
        let marks: Vec<bool> = chunks.iter().map(|chunk| marked(&chunk.brands)).collect();
        assert!(marks.ends_with(&[true]), "{track}: lmsg on the last part: {marks:?}");
        assert_eq!(marks.iter().filter(|mark| **mark).count(), 1, "{track}: and on no other");
    }
    let status = riserd.wait();
    println!("ended after {} ms", begun.elapsed().as_millis());
    assert_eq!(status.code(), Some(0), "{}", riserd.log());
    assert!(riserd.workers_of_this_state().is_empty(), "no orphan");
    assert!(!riserd.log().contains("ERROR"), "{}", riserd.log());
}

#[test]
fn an_ended_channel_begins_anew_on_the_same_timeline() {
    let mut riserd = Riserd::live(SMALL, &TRACKS, 2);
    riserd.terminate();
    riserd.wait();
    riserd.start_again();
    wait::until("it goes on", Duration::from_secs(15), || {
        riserd.playlist("360p").is_some_and(|playlist| {
            !playlist.ended
                && playlist.segments.iter().map(|segment| segment.discontinuities).sum::<usize>() == 1
        })
    });
}

#[test]
fn a_quick_restart_keeps_the_time_true() {
    let mut riserd = Riserd::live(SMALL, &TRACKS, 2);
    wait::until("a segment is recorded", Duration::from_secs(15), || riserd.count("/store/seconds") > 1);
    let last = riserd.playlist("360p").unwrap().last_whole().unwrap();
    riserd.kill();
    riserd.start_again();
    riserd.wait_for("360p", last + 3);
    let ahead = riserd.state("/clock_error").as_i64().unwrap();
    println!("the timeline is {} us ahead of the clock", ahead / 1000);
    assert!(ahead.abs() < 20_000_000, "{ahead} ns: the segment that was open is not waited out by a step");
    assert_eq!(riserd.playlist("360p").unwrap().breaks(), 1);
    assert!(!riserd.log().contains("part lost"), "{}", riserd.log());
}

#[test]
fn a_rung_that_is_gone_can_still_be_shown_from_the_past() {
    let mut riserd = Riserd::live(SMALL, &TRACKS, 3);
    let past = riserd.playlist("360p").unwrap().segments[1].number;
    let before = riserd.segment("360p", past);
    riserd.terminate();
    riserd.wait();
    let settings = riserd.state_dir().join("settings.toml");
    let document = fs::read_to_string(&settings).unwrap();
    let without = document.replace("[[channel.ladder]]\nheight = 360\nbitrate = 600000\n", "");
    assert_ne!(document, without);
    fs::write(&settings, without).unwrap();
    riserd.start_again();
    wait::until("it goes on", Duration::from_secs(15), || {
        riserd.playlist("180p").is_some_and(|playlist| !playlist.ended && playlist.breaks() == 1)
    });
    let manifest = riserd.get("/live/main/manifest.mpd").text();
    assert!(manifest.contains("360p"), "{manifest}");
    assert_eq!(riserd.segment("360p", past), before);
    let ticks = boxes::chunks(&before)[0].decode_time;
    assert_eq!(riserd.bytes(&format!("/live/main/360p/t{ticks}.m4s")), before, "as DASH asks for it");
}
