//! DASH: the manifest as a client reads it, and segments that arrive while they are made.

use std::time::Duration;

use riser_tests::{
    Riserd, boxes, peers,
    riserd::{SMALL, TRACKS},
};
use roxmltree::{Document, Node};

fn find<'a>(node: Node<'a, 'a>, name: &'a str) -> Vec<Node<'a, 'a>> {
    node.descendants().filter(|node| node.has_tag_name(("urn:mpeg:dash:schema:mpd:2011", name))).collect()
}

fn number(node: Node<'_, '_>, name: &str) -> u64 {
    node.attribute(name).and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{name} of {node:?}"))
}

#[test]
fn the_manifest_leads_to_the_segments_it_lists() {
    let riserd = Riserd::live(SMALL, &TRACKS, 3);
    let text = riserd.get("/live/main/manifest.mpd").text();
    let document = Document::parse(&text).unwrap();
    let mpd = document.root_element();
    assert_eq!(mpd.attribute("type"), Some("dynamic"));
    assert_eq!(mpd.attribute("availabilityStartTime"), Some("1970-01-01T00:00:00Z"));
    assert_eq!(find(mpd, "Period").len(), 1);
    let sets = find(mpd, "AdaptationSet");
    let kinds: Vec<_> = sets.iter().map(|set| set.attribute("contentType")).collect();
    assert_eq!(kinds, [Some("video"), Some("audio")]);
    let timing = find(mpd, "UTCTiming");
    assert!(timing.iter().all(|timing| riserd.get(timing.attribute("value").unwrap()).status == 200));

    let mut starts = Vec::new();
    for (representation, track) in find(mpd, "Representation").into_iter().zip(TRACKS) {
        assert_eq!(representation.attribute("id"), Some(track));
        let template = find(representation, "SegmentTemplate")[0];
        let init = riserd.bytes(&format!("/live/main/{}", template.attribute("initialization").unwrap()));
        let timescale = number(template, "timescale");
        assert_eq!(timescale, u64::from(boxes::timescale(&init)));
        let (mut time, mut listed) = (0, Vec::new());
        for s in find(template, "S") {
            time = s.attribute("t").map_or(time, |t| t.parse().unwrap());
            for _ in 0..=s.attribute("r").map_or(0, |r| r.parse().unwrap()) {
                listed.push((time, number(s, "d")));
                time += number(s, "d");
            }
        }
        // Whole ones; the last two listed are being made or come next.
        for (start, duration) in &listed[..listed.len() - 2] {
            let uri = template.attribute("media").unwrap().replace("$Time$", &start.to_string());
            let chunks = boxes::chunks(&riserd.bytes(&format!("/live/main/{uri}")));
            assert_eq!(chunks[0].decode_time, *start, "{uri}");
            assert_eq!(chunks.last().unwrap().end(), start + duration, "{uri}");
        }
        starts.push(listed[1].0 * 1000 / timescale);
    }
    assert!(starts.iter().all(|start| *start == starts[0]), "all begin at one instant: {starts:?}");
}

#[test]
fn ffmpeg_plays_the_manifest() {
    let riserd = Riserd::live(SMALL, &TRACKS, 4);
    let url = format!("http://{}/live/main/manifest.mpd", riserd.viewers);
    let arguments = [
        "-i",
        &url,
        "-map",
        "0:v:0",
        "-map",
        "0:a:0",
        "-t",
        "8",
        "-fps_mode",
        "passthrough",
        "-f",
        "framecrc",
        "-",
    ];
    let text = String::from_utf8(peers::play(&arguments, Duration::from_secs(40))).unwrap();
    for (stream, step, rate) in [("0,", 1, 30), ("1,", 1024, 48_000)] {
        let rows = text.lines().filter(|line| line.starts_with(stream));
        let times: Vec<i64> =
            rows.map(|row| row.split(',').nth(2).unwrap().trim().parse().unwrap()).collect();
        println!("stream {stream} {} frames, {} to {}", times.len(), times[0], times[times.len() - 1]);
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] == step), "none missing: {times:?}");
        assert!(times[0] < 2 * rate && (times[times.len() - 1] - 8 * rate).abs() <= 3 * step);
    }
}

#[test]
fn a_segment_in_the_making_arrives_part_by_part() {
    let riserd = Riserd::live(SMALL, &TRACKS, 1);
    // The one that comes next: all of its parts are still to be made.
    let number = riserd.playlist("360p").unwrap().next().0 + 1;
    let by_time = format!("/live/main/360p/t{}.m4s", number * 48_000);
    let answer = riserd.get(&by_time);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("transfer-encoding"), "chunked");
    assert_eq!(answer.header("cache-control"), "no-store", "what is not whole is not kept");
    assert_eq!(answer.chunks.len(), 8, "one chunk for each part");
    let first = answer.chunks[0].0;
    let arrivals: Vec<u128> =
        answer.chunks.iter().map(|(at, _)| at.duration_since(first).as_millis()).collect();
    println!("parts arrived after {arrivals:?} ms");
    for (nth, arrival) in (0u128..).zip(&arrivals) {
        assert!(arrival.abs_diff(nth * 200) < 300, "a part every 200 ms: {arrivals:?}");
    }
    assert!(answer.body == riserd.segment("360p", number), "the same bytes as when it is whole");
    let parts = boxes::chunks(&answer.body);
    assert_eq!(parts.len(), 8);
    let sizes: Vec<usize> = parts.iter().map(|part| part.bytes.len()).collect();
    assert_eq!(sizes, answer.chunks.iter().map(|(_, size)| *size).collect::<Vec<_>>());
}
