//! Smooth Streaming: the client manifest as a client reads it, and the fragments it leads to.

use std::{fs, time::Duration};

use riser_tests::{
    Riserd,
    http::Response,
    peers,
    pictures::{self, LARGE},
    riserd::{PATIENCE, SMALL, TRACKS},
    wait,
};
use roxmltree::{Document, Node};

const MANIFEST: &str = "/live/main/smooth.ism/Manifest";
/// Ticks of a segment.
const SEGMENT: u64 = 16_000_000;

fn children<'a>(node: Node<'a, 'a>, name: &'a str) -> Vec<Node<'a, 'a>> {
    node.children().filter(|node| node.has_tag_name(name)).collect()
}

fn number(node: Node<'_, '_>, name: &str) -> u64 {
    node.attribute(name).and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{name} of {node:?}"))
}

/// The starts of a stream's fragments.
fn starts(stream: Node<'_, '_>) -> Vec<u64> {
    let (mut starts, mut next) = (Vec::new(), 0);
    for c in children(stream, "c") {
        let begin = c.attribute("t").map_or(next, |t| t.parse().unwrap());
        let count = c.attribute("r").map_or(1, |r| r.parse().unwrap());
        starts.extend((0..count).map(|nth| begin + nth * number(c, "d")));
        next = begin + count * number(c, "d");
    }
    assert_eq!(starts.len() as u64, number(stream, "Chunks"));
    starts
}

/// A box whose manifest lists something, and the manifest.
fn live() -> (Riserd, String) {
    let riserd = Riserd::live(SMALL, &TRACKS, 4);
    wait::until("fragments are listed", PATIENCE, || riserd.get(MANIFEST).status == 200);
    let answer = riserd.get(MANIFEST);
    assert_eq!(answer.header("content-type"), "application/vnd.ms-sstr+xml");
    let text = answer.text();
    (riserd, text)
}

#[test]
fn the_manifest_leads_to_fragments_with_the_samples_of_the_segments() {
    let (riserd, text) = live();
    let document = Document::parse(&text).unwrap();
    let root = document.root_element();
    assert_eq!((root.attribute("IsLive"), number(root, "DVRWindowLength")), (Some("TRUE"), 600_000_000));
    let streams = children(root, "StreamIndex");
    let names: Vec<_> = streams.iter().map(|stream| stream.attribute("Name").unwrap()).collect();
    assert_eq!(names, ["video", "audio"]);
    let levels: Vec<_> = streams.iter().flat_map(|stream| children(*stream, "QualityLevel")).collect();
    assert_eq!(
        levels.iter().map(|level| number(*level, "Bitrate")).collect::<Vec<_>>(),
        [600_000, 200_000, 128_000]
    );

    for (level, track) in levels.iter().zip(TRACKS) {
        let stream = level.parent().unwrap();
        let start = *starts(stream).last().unwrap();
        let url = stream.attribute("Url").unwrap().replace("{start time}", &start.to_string());
        let url = url.replace("{bitrate}", level.attribute("Bitrate").unwrap());
        let get = |noun: &str| {
            let answer = riserd.get(&format!("/live/main/smooth.ism/{}", url.replace("Fragments", noun)));
            assert_eq!(answer.status, 200, "{noun} {url}: {}", answer.text());
            answer.body
        };
        let [whole, info, raw, key] = ["Fragments", "FragmentInfo", "RawFragments", "KeyFrames"].map(get);
        let mdat = [&(raw.len() as u32 + 8).to_be_bytes(), &b"mdat"[..]].concat();
        assert!([&info[..], &mdat, &raw].concat() == whole, "{url}");
        assert_eq!(whole[4..8], *b"moof");

        // As a file with the init segment of fragmented MP4, which differs in the timescale only.
        let film = |fragment: &[u8]| {
            let film = riserd.state_dir().join("smooth.mp4");
            fs::write(&film, [&riserd.init(track)[..], fragment].concat()).unwrap();
            film
        };
        let segment = riserd.film(track, [start / SEGMENT]);
        match track {
            "360p" => {
                let own = pictures::decode(&film(&whole), LARGE);
                assert!(own.len() == 48 && own == pictures::decode(&segment, LARGE), "{}", own.len());
                assert!(pictures::decode(&film(&key), LARGE) == own[..1]);
            }
            "audio" => {
                assert!(peers::left_channel(&film(&whole)) == peers::left_channel(&segment));
                // The first of as many frames.
                assert!(key.len() < whole.len() / 10);
            }
            _ => assert!(key.len() < whole.len()),
        }
    }
}

/// The fragment of the large pictures that begins then.
fn fragment(riserd: &Riserd, time: u64) -> Response {
    riserd.get(&format!("/live/main/smooth.ism/QualityLevels(600000)/Fragments(video={time})"))
}

/// The times that a fragment tells of (`tfrf`).
fn told(fragment: &[u8]) -> Vec<u64> {
    let name = b"\xd4\x80\x7e\xf2\xca\x39\x46\x95\x8e\x54\x26\xcb\x9e\x46\xa7\x9f";
    let at = fragment.windows(16).position(|window| window == name).expect("it tells of those that follow");
    let times = &fragment[at + 21..at + 21 + usize::from(fragment[at + 20]) * 16];
    times.chunks(16).map(|time| u64::from_be_bytes(time[..8].try_into().unwrap())).collect()
}

#[test]
fn a_live_fragment_tells_of_two_that_follow_and_is_waited_for() {
    let (riserd, text) = live();
    let document = Document::parse(&text).unwrap();
    let last = *starts(children(document.root_element(), "StreamIndex")[0]).last().unwrap();
    assert_eq!(told(&fragment(&riserd, last).body), [last + SEGMENT, last + 2 * SEGMENT]);
    // Three further on: as a client goes on by what it was told, without asking for the manifest again.
    for nth in 1..=3 {
        let next = last + nth * SEGMENT;
        assert_eq!(told(&fragment(&riserd, next).body), [next + SEGMENT, next + 2 * SEGMENT]);
    }
    for (time, status) in [(last + 1, 412), (last + 20 * SEGMENT, 412), (last - 100 * SEGMENT, 404)] {
        assert_eq!(fragment(&riserd, time).status, status, "{time}");
    }
    let unknown = "/live/main/smooth.ism/QualityLevels(1)/Fragments(video=";
    assert_eq!(riserd.get(&format!("{unknown}{last})")).status, 404);
    let legacy = riserd.get(&format!("{MANIFEST}(format=fmp4-v20)")).text();
    assert!(legacy.contains("MinorVersion=\"0\"") && !legacy.contains(" r=\""), "{legacy}");
}

#[test]
fn an_asset_is_on_demand() {
    let riserd = Riserd::live(SMALL, &TRACKS, 1);
    let program = riserd.api("POST", "/programs", &serde_json::json!({ "channel": "main", "name": "show" }));
    let id = program.text("/id");
    let published =
        riserd.api("POST", &format!("/programs/{id}/publish"), &serde_json::json!({ "locator": "show" }));
    assert_eq!(published.status, 200, "{published:?}");
    riserd.operate(&format!("/programs/{id}/start"));
    wait::until("it has some", Duration::from_secs(30), || {
        riserd.get("/vod/show/smooth.ism/Manifest").text().contains("IsLive")
    });
    riserd.operate(&format!("/programs/{id}/stop"));
    let text = riserd.get("/vod/show/smooth.ism/Manifest").text();
    let document = Document::parse(&text).unwrap();
    let root = document.root_element();
    let stream = children(root, "StreamIndex")[0];
    let (starts, duration) = (starts(stream), number(root, "Duration"));
    assert!(root.attribute("IsLive").is_none() && duration >= 3 * SEGMENT, "{text}");
    for start in [starts[0], starts[starts.len() - 1]] {
        let url = format!("/vod/show/smooth.ism/QualityLevels(200000)/Fragments(video={start})");
        assert_eq!(riserd.get(&url).status, 200, "{url}");
    }
}
