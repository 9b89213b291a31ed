//! `kill -9` of the whole box, fifty times during one recording: what was recorded stays, and every entry has its bytes.

use std::collections::BTreeSet;

use riser_tests::{
    Riserd,
    playlist::Playlist,
    riserd::{PATIENCE, SMALL, TRACKS},
    wait,
};

const KILLS: u64 = 50;
/// Milliseconds of a part.
const PART: i64 = 200;
/// The part that was being written, and the one that a viewer may have seen before the disk had it.
const BOUND: i64 = 2 * PART;

fn playlist(riserd: &Riserd, track: &str) -> Option<Playlist> {
    let response = riserd.get(&format!("/vod/night/{track}/media.m3u8"));
    (response.status == 200).then(|| Playlist::parse(&response.text()))
}

fn numbers(playlist: &Playlist) -> BTreeSet<u64> {
    playlist.segments.iter().filter(|segment| !segment.gap).map(|segment| segment.number).collect()
}

#[test]
fn fifty_kills_lose_the_part_under_way_and_one_seen_early_at_most() {
    let mut riserd = Riserd::live(SMALL, &TRACKS, 1);
    let _ = riserd.program("Night", "night", None);
    let (mut worst, mut sum) = (0, 0);
    let (mut whole, mut last) = (BTreeSet::new(), 0);
    for kill in 0..KILLS {
        // Anywhere in a segment, from its first part to its last.
        let (seen, segment, part) = wait::for_some("parts come", PATIENCE, || {
            let seen = playlist(&riserd, "360p")?;
            let (segment, part) = seen.next();
            (segment > last + 1 && part > 0 && part >= kill % 8).then_some((seen, segment, part))
        });
        riserd.kill();
        whole.extend(numbers(&seen));
        last = segment;
        riserd.start_again();
        let kept = wait::for_some("what was recorded is listed", PATIENCE, || {
            let playlist = playlist(&riserd, "360p")?;
            (playlist.last_whole()? > segment).then_some(playlist)
        });
        let kept = kept.segments.iter().find(|kept| kept.number == segment && !kept.gap);
        let kept: f64 = kept.map_or(0.0, |kept| kept.duration.trim_end_matches(',').parse().unwrap());
        let lost = part as i64 * PART - (kept * 1000.0).round() as i64;
        (worst, sum) = (worst.max(lost), sum + lost.max(0));
        assert!(
            lost <= BOUND,
            "kill {kill}: {lost} ms of segment {segment} are lost, {part} parts were there"
        );
    }
    println!(
        "{KILLS} kills: {worst} ms lost at worst (bound {BOUND} ms), {} ms on average",
        sum / KILLS as i64
    );
    let listed = numbers(&playlist(&riserd, "360p").unwrap());
    let lost: Vec<_> = whole.difference(&listed).collect();
    assert!(lost.is_empty(), "{lost:?} were whole before a kill");
    for track in TRACKS {
        for number in &listed {
            assert!(!riserd.bytes(&format!("/vod/night/{track}/{number}.m4s")).is_empty());
        }
    }
    println!("{} segments of {} tracks have their bytes", listed.len(), TRACKS.len());
}
