//! What holds for the manifests of any recording, read back by independent parsers.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod fixture;
#[path = "fixture/strategy.rs"]
mod strategy;

use std::collections::BTreeMap;

use m3u8_rs::{MediaPlaylist, Playlist};
use media::{Kind, Window, nanos};
use proptest::prelude::*;
use riser_package::{
    dash,
    filter::Shown,
    hls::{self, MediaOptions, Reload},
    route::Skip,
};
use strategy::{back_from, recordings, windows};

static ALL: Shown = Shown::all();
const LOW_LATENCY: MediaOptions<'_> =
    MediaOptions { low_latency: true, skip: None, lasting: false, shown: &ALL, query: "", keys: "" };

fn parse(text: &str) -> MediaPlaylist {
    match m3u8_rs::parse_playlist_res(text.as_bytes()) {
        Ok(Playlist::MediaPlaylist(playlist)) => playlist,
        other => panic!("{other:?}\n{text}"),
    }
}

/// `1.601600` as microseconds.
fn micros(text: &str) -> u64 {
    let (seconds, fraction) = text.split_once('.').unwrap();
    assert_eq!(fraction.len(), 6, "{text}");
    seconds.parse::<u64>().unwrap() * 1_000_000 + fraction.parse::<u64>().unwrap()
}

/// The values of an attribute that ends with a comma or the line, wherever it stands.
fn values<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(name).skip(1).map(|rest| rest.split([',', '\n']).next().unwrap())
}

/// A segment as a client understands it, whatever tags say so.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Understood {
    duration: String,
    uri: String,
    gap: bool,
    map: Option<String>,
    discontinuity: u64,
}

/// Reads a playlist as a client does; `before` is its older version, for delta updates.
fn understand(text: &str, before: &BTreeMap<u64, Understood>) -> BTreeMap<u64, Understood> {
    let mut segments = BTreeMap::new();
    let (mut number, mut discontinuity, mut map, mut gap, mut duration) = (0, 0, None, false, String::new());
    for line in text.lines() {
        if let Some(value) = line.strip_prefix("#EXT-X-MEDIA-SEQUENCE:") {
            number = value.parse().unwrap();
        } else if let Some(value) = line.strip_prefix("#EXT-X-DISCONTINUITY-SEQUENCE:") {
            discontinuity = value.parse().unwrap();
        } else if let Some(value) = line.strip_prefix("#EXT-X-SKIP:SKIPPED-SEGMENTS=") {
            for _ in 0..value.parse::<u64>().unwrap() {
                let skipped = before[&number].clone();
                (discontinuity, map) = (skipped.discontinuity, skipped.map.clone());
                segments.insert(number, skipped);
                number += 1;
            }
        } else if line == "#EXT-X-DISCONTINUITY" {
            discontinuity += 1;
        } else if line == "#EXT-X-GAP" {
            gap = true;
        } else if let Some(value) = line.strip_prefix("#EXT-X-MAP:") {
            map = Some(value.to_owned());
        } else if let Some(value) = line.strip_prefix("#EXTINF:") {
            value.clone_into(&mut duration);
        } else if !line.starts_with('#') {
            let (duration, uri, map) = (std::mem::take(&mut duration), line.to_owned(), map.clone());
            segments.insert(number, Understood { duration, uri, gap, map, discontinuity });
            (number, gap) = (number + 1, false);
        }
    }
    segments
}

/// Start and duration of every segment that a track of the window's name has, in ticks, by layout.
fn recorded(window: &Window, track: &str) -> Vec<(u64, u64)> {
    let segments = window.history.iter().filter(|segment| !segment.gap).filter_map(|segment| {
        let layout = window.layout_by_id(segment.layout)?;
        let index = layout.index_of(track)?;
        let span = segment.span(index, &window.grid, layout.tracks[index].timescale)?;
        Some((span.start, u64::from(span.duration)))
    });
    segments.collect()
}

/// The segments of a track in an MPD.
fn listed(mpd: &str, track: &str) -> Vec<(u64, u64)> {
    let document = roxmltree::Document::parse(mpd).unwrap();
    let representations = document.descendants().filter(|node| node.attribute("id") == Some(track));
    let mut listed = Vec::new();
    for node in representations
        .flat_map(|node| node.descendants())
        .filter(|node| node.has_tag_name("SegmentTimeline"))
    {
        let mut time = None;
        for s in node.children().filter(roxmltree::Node::is_element) {
            let value = |name| s.attribute(name).map(|value| value.parse::<u64>().unwrap());
            let mut start = value("t").or(time).unwrap();
            let duration = value("d").unwrap();
            for _ in 0..=value("r").unwrap_or(0) {
                listed.push((start, duration));
                start += duration;
            }
            time = Some(start);
        }
    }
    listed
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn playlists_are_what_the_window_holds(window in windows(), low_latency: bool) {
        let target = hls::target_duration(&window.grid);
        for index in 0..window.layout().unwrap().tracks.len() {
            let options = MediaOptions { low_latency, ..LOW_LATENCY };
            let Ok(text) = hls::render_media(&window, index, &options) else {
                let whole = window.history.is_empty();
                prop_assert!(whole && !low_latency);
                continue;
            };
            let playlist = parse(&text);
            let next = window.edge[index].last().map(|last| last.number + u64::from(last.closed));
            let next = next.unwrap_or_else(|| window.history.last().unwrap().number + 1);
            prop_assert_eq!(playlist.media_sequence + u64::try_from(playlist.segments.len()).unwrap(), next);
            prop_assert_eq!(playlist.target_duration, target);
            prop_assert_eq!(playlist.end_list, window.ended);
            for (number, segment) in (playlist.media_sequence..).zip(&playlist.segments) {
                prop_assert_eq!(&segment.uri, &format!("{number}.m4s"));
            }
            for duration in values(&text, "#EXTINF:") {
                prop_assert!((micros(duration) + 500_000) / 1_000_000 <= target, "{}", duration);
            }
            let part_target = values(&text, "PART-TARGET=").next().map(micros);
            for duration in values(&text, "#EXT-X-PART:DURATION=") {
                prop_assert!(Some(micros(duration)) <= part_target, "{} of {:?}", duration, part_target);
            }
            prop_assert_eq!(part_target.is_some(), low_latency && !window.ended);
            prop_assert_eq!(text.contains("#EXT-X-PRELOAD-HINT"), low_latency && !window.ended);
        }
    }

    #[test]
    fn parts_make_up_their_segment(window in windows()) {
        let text = hls::render_media(&window, 0, &LOW_LATENCY).unwrap();
        let (mut sum, mut parts) = (0, 0);
        for line in text.lines() {
            if let Some(part) = line.strip_prefix("#EXT-X-PART:DURATION=") {
                sum += micros(part.split(',').next().unwrap());
                parts += 1;
            } else if let Some(duration) = line.strip_prefix("#EXTINF:") {
                let whole = micros(duration.trim_end_matches(','));
                prop_assert!(parts == 0 || whole.abs_diff(sum) <= parts, "{} of {}", sum, whole);
                (sum, parts) = (0, 0);
            }
        }
    }

    #[test]
    fn a_delta_update_of_an_older_playlist_gives_the_full_one(
        (recording, oldest, now) in recordings(),
        age in 0_u64..=100,
    ) {
        // A client asks for updates of a playlist no older than half the Skip Boundary (RFC 8216bis, 6.3.7).
        let half = 3 * hls::target_duration(&recording.grid) * media::NANOS / recording.grid.part_nanos();
        let parts = u32::try_from(half * age / 100).unwrap();
        let earlier = back_from(&recording.grid, now, parts);
        // The older playlist is one of the same layout, and begins where this one does or before.
        prop_assume!(recording.takes.last().unwrap().from < earlier);
        let oldest = oldest.min(back_from(&recording.grid, earlier, 1).segment);
        let (older, newer) = (recording.window(oldest.saturating_sub(1), earlier), recording.window(oldest, now));
        for index in 0..newer.layout().unwrap().tracks.len() {
            let full = hls::render_media(&newer, index, &LOW_LATENCY).unwrap();
            let delta = hls::render_media(&newer, index, &MediaOptions { skip: Some(Skip::Yes), ..LOW_LATENCY }).unwrap();
            let known = understand(&hls::render_media(&older, index, &LOW_LATENCY).unwrap(), &BTreeMap::new());
            prop_assert_eq!(understand(&delta, &known), understand(&full, &BTreeMap::new()));
            parse(&delta);
            if let Some((_, rest)) = delta.split_once("#EXT-X-SKIP:") {
                prop_assert!(full.ends_with(rest.split_once('\n').unwrap().1));
                let kept: u64 = values(rest, "#EXTINF:").map(micros).sum();
                prop_assert!(recording.takes.len() > 1 || kept >= 5 * 1_000_000 * hls::target_duration(&newer.grid));
                prop_assert!(rest.contains("#EXT-X-PROGRAM-DATE-TIME:"));
            }
        }
    }

    #[test]
    fn muxed_segments_stay_what_they_are((recording, oldest, now) in recordings(), age in 0_u32..60) {
        let earlier = back_from(&recording.grid, now, age);
        prop_assume!(recording.takes.last().unwrap().from < earlier);
        let (older, newer) = (recording.window(oldest.saturating_sub(2), earlier), recording.window(oldest, now));
        for track in 0..newer.layout().unwrap().tracks.len() {
            let render = |window: &Window| hls::muxed::render_media(window, track, &MediaOptions::default());
            let (Ok(older), Ok(text)) = (render(&older), render(&newer)) else { continue };
            let playlist = parse(&text);
            prop_assert!(playlist.segments.iter().all(|segment| segment.duration.round() <= playlist.target_duration as f32));
            let (older, listed) = (understand(&older, &BTreeMap::new()), understand(&text, &BTreeMap::new()));
            prop_assert!(listed.len() >= 2 || newer.ended);
            for (number, segment) in &listed {
                prop_assert_eq!(&segment.uri, &format!("{number}.ts"));
                prop_assert!(older.get(number).is_none_or(|before| before == segment), "{:?} {:?}", older.get(number), segment);
            }
            let together = hls::muxed::fragments(&newer.grid);
            let name = &newer.layout().unwrap().tracks[track].name;
            let has = |id| newer.layout_by_id(id).is_some_and(|layout| layout.index_of(name).is_some());
            let recorded = newer.history.iter().filter(|segment| !segment.gap && has(segment.layout));
            let recorded: Vec<_> = recorded.map(|segment| segment.number / together).collect();
            for (number, segment) in &listed {
                prop_assert_eq!(segment.gap, !recorded.contains(number));
            }
        }
    }

    #[test]
    fn the_hinted_part_is_what_a_client_waits_for((recording, oldest, now) in recordings()) {
        let window = recording.window(oldest, now);
        for index in 0..window.layout().unwrap().tracks.len() {
            let text = hls::render_media(&window, index, &LOW_LATENCY).unwrap();
            let (number, part) = window.last_part(index).unwrap();
            let reload = |msn, part| hls::validate_reload(&window, index, msn, part).unwrap();
            prop_assert_eq!(reload(number, Some(part)), Reload::Ready);
            let whole = text.contains("#EXTINF:");
            prop_assert_eq!(reload(number - 1, None) == Reload::Ready, whole);
            prop_assert_eq!(reload(number + 3, Some(0)), Reload::TooFar);
            let Reload::Wait { msn, part: Some(part) } = reload(number, Some(part + 1)) else {
                return Err(TestCaseError::fail("the next part is there already"));
            };
            let hint = format!("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"{msn}.{part}.m4s\"");
            prop_assert!(text.contains(&hint), "{} in\n{}", hint, text);
        }
    }

    #[test]
    fn an_mpd_lists_what_the_window_holds(window in windows(), plain: bool) {
        let options = if plain { dash::Options::plain(&window.grid) } else { dash::Options::low_latency(&window.grid) };
        let current = window.layout().unwrap();
        let now = window.edge[0].last().map_or(0, |last| nanos(last.start, current.tracks[0].timescale));
        let Ok(mpd) = dash::render(&window, &Shown::all(), now, &options) else {
            prop_assert!(plain || window.ended);
            prop_assert!(window.history.iter().all(|segment| segment.gap));
            return Ok(());
        };
        for (index, track) in current.tracks.iter().enumerate() {
            let (listed, mut recorded) = (listed(&mpd, &track.name), recorded(&window, &track.name));
            // A short one at the beginning is left out while another follows.
            if recorded.first().is_some_and(|first| listed.first() != Some(first)) {
                recorded.remove(0);
                prop_assert!(!window.ended);
                prop_assert_eq!(listed.first(), recorded.first());
            }
            prop_assert_eq!(&listed[..recorded.len()], &recorded[..]);
            let ahead = &listed[recorded.len()..];
            prop_assert_eq!(ahead.is_empty(), plain || window.ended);
            if let Some(&(start, duration)) = ahead.last() {
                let open = window.edge[index].last().unwrap();
                let open = open.number + u64::from(open.closed);
                let last = window.grid.position(start, track.timescale).segment;
                let reach = nanos(start + duration, track.timescale) - nanos(window.grid.segment_line(open + 1, track.timescale), track.timescale);
                prop_assert_eq!(last - open, u64::try_from(ahead.len()).unwrap() - 1);
                prop_assert!(reach >= 1_500_000_000 - 30_000_000, "{}", reach);
                let next = window.grid.segment_line(last + 1, track.timescale);
                let longest = if track.kind() == Kind::Audio { 1023 } else { 0 };
                prop_assert!((next..=next + longest).contains(&(start + duration)));
            }
        }
    }
}
