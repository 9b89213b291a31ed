//! Ad breaks and events for players, from the management interface to every protocol.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use riser_tests::{
    Riserd,
    boxes::{self, Event},
    peers,
    riserd::{PATIENCE, SMALL, TRACKS},
    wait,
};
use roxmltree::{Document, Node};
use serde_json::{Value, json};

const SPLICE: &str = "urn:scte:scte35:2013:bin";
const ID3: &str = "https://aomedia.org/emsg/ID3";
/// Milliseconds of a segment.
const SEGMENT: u64 = 1600;

fn announce(riserd: &Riserd, id: u32, wish: &Value) -> (u64, Option<u64>) {
    let answer = riserd.api("PUT", &format!("/channels/main/advertisements/{id}"), wish);
    assert_eq!(answer.status, 200, "{answer:?}");
    (answer.number("/at"), answer.body["until"].as_u64())
}

/// What a segment says of a kind.
fn events(segment: &[u8], scheme: &str) -> Vec<Event> {
    let events = boxes::chunks(segment).into_iter().flat_map(|chunk| chunk.events);
    events.filter(|event| event.scheme == scheme).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// The first element of this name.
fn element<'a>(document: &'a Document<'_>, name: &str) -> Option<Node<'a, 'a>> {
    document.descendants().find(|node| node.tag_name().name() == name)
}

/// `splice_event_id`, out of the network, `pts_time` and `break_duration` of a `splice_insert` (SCTE-35, 9.7.3).
fn insert(section: &[u8]) -> (u32, bool, u64, Option<u64>) {
    assert_eq!((section[0], section[13]), (0xfc, 5), "a splice_info_section with a splice_insert");
    let crc = section.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 24, |crc, _| {
            crc << 1 ^ if crc >> 31 == 1 { 0x04c1_1db7 } else { 0 }
        })
    });
    assert_eq!(crc, 0, "the checksum");
    let bits33 = |at: usize| {
        let low = u32::from_be_bytes(section[at + 1..at + 5].try_into().unwrap());
        u64::from(section[at] & 1) << 32 | u64::from(low)
    };
    let id = u32::from_be_bytes(section[14..18].try_into().unwrap());
    let flags = section[19];
    (id, flags & 0x80 != 0, bits33(20), (flags & 0x20 != 0).then(|| bits33(25)))
}

#[test]
fn a_break_is_told_by_segments_and_by_every_manifest() {
    let riserd = Riserd::live(SMALL, &TRACKS, 2);
    let (at, until) = announce(&riserd, 7, &json!({ "duration": "5s" }));
    let until = until.unwrap();
    assert!(at.is_multiple_of(SEGMENT) && until - at == 4 * SEGMENT, "{at} {until}: whole segments");
    let number = at / SEGMENT;
    riserd.wait_for("audio", number + 4);

    // Every track's segments say so until the break, and nothing of it afterwards.
    for track in TRACKS {
        let timescale = boxes::timescale(&riserd.init(track));
        let ticks = |ms: u64| ms * u64::from(timescale) / 1000;
        let said: Vec<_> =
            (number - 2..number + 3).map(|number| events(&riserd.segment(track, number), SPLICE)).collect();
        let Event { time, duration, id, ref message, .. } = said[2][0];
        assert_eq!((time, u64::from(duration), id), (ticks(at), ticks(until - at), 1), "{track}");
        assert_eq!(insert(message), (7, true, at * 90 % (1 << 33), Some((until - at) * 90)), "{track}");
        assert_eq!(said.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 1, 0, 0], "{track}");
        // Its first part does, too.
        let part = riserd.bytes(&format!("/live/main/{track}/{number}.0.m4s"));
        assert_eq!(events(&part, SPLICE), said[2], "{track}");
        let film = riserd.film(track, number - 1..number + 3);
        let said = peers::ffmpeg(
            &["-v", "error", "-xerror", "-i", film.to_str().unwrap(), "-f", "null", "-"],
            PATIENCE,
        );
        assert!(said.is_empty(), "{track}: {}", String::from_utf8_lossy(&said));
    }

    let out = &events(&riserd.segment("audio", number), SPLICE)[0].message;
    let playlist = riserd.get("/live/main/360p/media.m3u8").text();
    let begins = format!("#EXT-OATCLS-SCTE35:{}\n#EXT-X-CUE-OUT:6.400000\n", BASE64_STANDARD.encode(out));
    // What stands before a segment's own line, behind that of the one before it.
    let before = |number: u64| {
        let (_, rest) = playlist.split_once(&format!(",\n{}.m4s\n", number - 1)).unwrap();
        rest.split(&format!(",\n{number}.m4s\n")).next().unwrap().to_owned()
    };
    assert!(before(number).contains(&begins), "{playlist}");
    assert!(before(number + 4).contains("#EXT-X-CUE-IN\n"), "{playlist}");
    let range = format!("PLANNED-DURATION=6.400000,SCTE35-OUT=0x{}", hex(out));
    assert!(
        playlist.contains(&range) && playlist.contains(",DURATION=6.400000,SCTE35-IN=0xFC30"),
        "{playlist}"
    );
    let plain = riserd.get("/live/main/ts/360p/media.m3u8").text();
    assert!(plain.contains(&range), "{plain}");
    let delta = riserd.get("/live/main/360p/media.m3u8?_HLS_skip=YES").text();
    assert!(delta.contains(&range), "{delta}");

    let text = riserd.get("/live/main/manifest.mpd").text();
    let mpd = Document::parse(&text).unwrap();
    let event = element(&mpd, "Event").unwrap();
    assert_eq!(event.attribute("presentationTime"), Some(&*(at * 90).to_string()));
    assert_eq!(event.attribute("duration"), Some(&*((until - at) * 90).to_string()));
    assert_eq!(element(&mpd, "Binary").unwrap().text(), Some(&*BASE64_STANDARD.encode(out)));

    let text = riserd.get("/live/main/smooth.ism/Manifest").text();
    let manifest = Document::parse(&text).unwrap();
    let ads = manifest.descendants().find(|node| node.attribute("Name") == Some("ads")).unwrap();
    let c = ads.children().find(|node| node.has_tag_name("c")).unwrap();
    assert_eq!((c.attribute("t"), c.attribute("d")), (Some(&*(at * 10_000).to_string()), Some("64000000")));
    let address = format!("/live/main/smooth.ism/QualityLevels(0)/Fragments(ads={})", at * 10_000);
    assert!(riserd.bytes(&address).ends_with(out));
    assert_eq!(riserd.bytes(&address.replace("Fragments", "RawFragments")), *out);
    assert_eq!(riserd.get(&address.replace("ads=", "ads=1")).status, 404);
}

#[test]
fn a_break_is_moved_cancelled_ended_and_remembered() {
    let mut riserd = Riserd::live(SMALL, &TRACKS, 2);
    let path = |id: u32| format!("/channels/main/advertisements/{id}");
    let (program, _) = riserd.program("Evening show", "show", None);
    let (first, _) = announce(&riserd, 1, &json!({ "duration": 60 }));
    let (ahead, _) = announce(&riserd, 2, &json!({ "at": first + 90_000, "duration": 10 }));
    let (moved, _) = announce(&riserd, 2, &json!({ "at": first + 120_000, "duration": 10 }));
    assert!(first + 90_000 <= ahead && ahead < moved);
    assert_eq!(riserd.api("DELETE", &path(2), &Value::Null).status, 204);
    assert_eq!(riserd.api("GET", &path(2), &Value::Null).status, 404);
    for (id, wish, status) in [
        (3, json!({ "at": first + 1600 }), 409),
        (3, json!({ "at": first - 20_000 }), 400),
        (3, json!({ "duration": 0 }), 400),
        (3, json!({ "length": 1 }), 400),
        (0, json!({}), 400),
    ] {
        assert_eq!(riserd.api("PUT", &path(id), &wish).status, status, "{wish}");
    }
    let all = riserd.api("GET", "/channels/main/advertisements", &Value::Null);
    assert_eq!(all.body.as_array().unwrap().len(), 1, "{all:?}");

    // What was answered as granted is known after a power cut.
    riserd.kill();
    riserd.start_again();
    wait::until("the break has begun", PATIENCE, || {
        riserd.api("GET", &path(1), &Value::Null).text("/state") == "running"
    });
    // The channel may still be starting.
    wait::until("the break is ended", PATIENCE, || {
        riserd.api("DELETE", &path(1), &Value::Null).status == 204
    });
    let ended = riserd.api("GET", &path(1), &Value::Null).number("/until");
    assert!(ended < first + 60_000 && ended.is_multiple_of(SEGMENT), "{ended}");
    riserd.wait_for("audio", ended / SEGMENT);
    let back = events(&riserd.segment("360p", ended / SEGMENT), SPLICE);
    assert_eq!(back.len(), 1);
    assert_eq!(insert(&back[0].message), (1, false, ended * 90 % (1 << 33), None));
    let playlist = riserd.get("/live/main/360p/media.m3u8").text();
    assert!(playlist.contains(&format!(",SCTE35-IN=0x{}\n", hex(&back[0].message))), "{playlist}");
    assert_eq!(riserd.api("DELETE", &path(1), &Value::Null).status, 404);

    // What was recorded has it, too.
    riserd.operate(&format!("/programs/{program}/stop"));
    wait::until("it is on demand", PATIENCE, || {
        riserd.get("/vod/show/360p/media.m3u8").text().contains("#EXT-X-ENDLIST")
    });
    let playlist = riserd.get("/vod/show/360p/media.m3u8").text();
    assert!(playlist.contains("#EXT-X-CUE-OUT:") && playlist.contains("#EXT-X-CUE-IN\n"), "{playlist}");
    assert!(riserd.get("/vod/show/manifest.mpd").text().contains("<EventStream "));
}

/// The data stream of the segments of HLS version 3 that has one, as ffmpeg copies it.
fn tagged(riserd: &Riserd) -> Vec<u8> {
    let folder = "/live/main/ts/360p";
    let listed = || -> Vec<String> {
        let text = riserd.get(&format!("{folder}/media.m3u8")).text();
        text.lines().filter(|line| line.ends_with(".ts")).map(str::to_owned).collect()
    };
    wait::for_some("a segment of MPEG-TS has a tag", PATIENCE, || {
        let found = listed().into_iter().map(|name| riserd.bytes(&format!("{folder}/{name}")));
        let with_tag = |segment: &Vec<u8>| segment.windows(4).any(|bytes| bytes == [0x15, 0xe1, 0x02, 0xf0]);
        let segment = found.into_iter().find(with_tag)?;
        let file = riserd.state_dir().join("tagged.ts");
        std::fs::write(&file, segment).unwrap();
        let arguments =
            ["-v", "error", "-i", file.to_str()?, "-map", "0:d:0", "-c", "copy", "-f", "data", "-"];
        Some(peers::ffmpeg(&arguments, PATIENCE))
    })
}

#[test]
fn players_are_told_of_events() {
    let riserd = Riserd::live(SMALL, &TRACKS, 2);
    let tell = |body: &Value| riserd.api("POST", "/channels/main/metadata", body);
    // An empty tag: players look into it, not the box.
    let tag = b"ID3\x04\x00\x00\x00\x00\x00\x00";
    assert_eq!(tell(&json!({ "id3": BASE64_STANDARD.encode(tag) })).status, 204);
    let own = json!({ "scheme": "urn:venue:score", "value": "1", "data": "Mi0x", "duration": 3 });
    assert_eq!(tell(&own).status, 204);
    let heard = |track: &str, scheme: &str| {
        let playlist = riserd.playlist(track).unwrap();
        let segments = playlist.segments.iter();
        segments
            .flat_map(|segment| events(&riserd.segment(track, segment.number), scheme))
            .collect::<Vec<_>>()
    };
    wait::until("both are in a segment", PATIENCE, || heard("360p", "urn:venue:score").len() == 1);
    let score = &heard("360p", "urn:venue:score")[0];
    assert_eq!((&*score.value, &*score.message, score.duration), ("1", &b"2-1"[..], 3 * score.timescale));
    assert_eq!(heard("180p", ID3)[0].message, tag);
    assert_eq!(heard("audio", ID3), [], "once is enough");
    let stamped = tagged(&riserd);
    assert!(stamped.windows(tag.len()).any(|bytes| bytes == tag), "as ffmpeg copies it: {stamped:?}");
    for (body, field) in [
        (json!({ "id3": "?" }), "id3"),
        (json!({ "id3": "AAAA" }), "id3"),
        (json!({ "id3": "SUQz", "scheme": "a:b" }), "id3"),
        (json!({ "scheme": "a:b" }), "data"),
        (json!({}), "scheme"),
        (json!({ "scheme": "no uri", "data": "AAAA" }), "scheme"),
    ] {
        let answer = tell(&body);
        assert_eq!((answer.status, &answer.body["field"]), (400, &json!(field)), "{body}");
    }
}
