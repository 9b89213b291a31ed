//! The on-demand profile of DASH: files with an index, as they are described and as other people's players take them.

use std::{process::Command, time::Duration};

use riser_tests::{
    Riserd, boxes, peers,
    playlist::Playlist,
    riserd::{PATIENCE, SMALL, TRACKS},
    wait,
};
use roxmltree::{Document, Node};

const FOR: Duration = Duration::from_secs(60);

fn all<'a>(document: &'a Document<'_>, name: &str) -> Vec<Node<'a, 'a>> {
    document.descendants().filter(|node| node.tag_name().name() == name).collect()
}

/// Both ends of a range as MPDs write it.
fn range(text: &str) -> (usize, usize) {
    let (from, to) = text.split_once('-').unwrap();
    (from.parse().unwrap(), to.parse().unwrap())
}

fn u32_at(data: &[u8], at: usize) -> usize {
    u32::from_be_bytes(data[at..at + 4].try_into().unwrap()) as usize
}

/// The sizes and durations that a `sidx` of version 1 names (ISO/IEC 14496-12, 8.16.3).
fn index(sidx: &[u8]) -> Vec<(usize, usize)> {
    assert_eq!((u32_at(sidx, 0), &sidx[4..8], sidx[8]), (sidx.len(), &b"sidx"[..], 1));
    assert_eq!(sidx[28..36], [0; 8], "the segments follow at once");
    let count = u32_at(sidx, 36);
    let at = |nth: usize| 40 + 12 * nth;
    (0..count).map(|nth| (u32_at(sidx, at(nth)), u32_at(sidx, at(nth) + 4))).collect()
}

/// A box with an asset of some segments under the locator `show`.
fn recorded() -> Riserd {
    let riserd = Riserd::live(SMALL, &TRACKS, 1);
    let (program, _) = riserd.program("Evening show", "show", None);
    wait::until("some segments are recorded", PATIENCE, || {
        let playlist = riserd.get("/vod/show/audio/media.m3u8");
        playlist.status == 200 && Playlist::parse(&playlist.text()).segments.len() >= 5
    });
    assert_eq!(riserd.get("/vod/show/on-demand.mpd").status, 404, "it is still recorded");
    riserd.operate(&format!("/programs/{program}/stop"));
    wait::until("it is on demand", PATIENCE, || riserd.get("/vod/show/on-demand.mpd").status == 200);
    riserd
}

#[test]
fn files_are_what_their_index_says() {
    let riserd = recorded();
    let text = riserd.get("/vod/show/on-demand.mpd").text();
    let mpd = Document::parse(&text).unwrap();
    assert!(mpd.root_element().attribute("profiles").unwrap().contains("isoff-on-demand:2011"));
    let representations = all(&mpd, "Representation");
    assert_eq!(representations.len(), TRACKS.len());
    for representation in representations {
        let track = representation.attribute("id").unwrap();
        let child = |name: &str| representation.descendants().find(|node| node.has_tag_name(name)).unwrap();
        let address = format!("/vod/show/{}", child("BaseURL").text().unwrap());
        let file = riserd.bytes(&address);
        let (_, last) = range(child("Initialization").attribute("range").unwrap());
        let playlist = Playlist::parse(&riserd.get(&format!("/vod/show/{track}/media.m3u8")).text());
        let init = riserd.bytes(&format!("/vod/show/{track}/{}", playlist.segments[0].map));
        assert_eq!(file[..=last], init, "{track}");
        let (from, to) = range(child("SegmentBase").attribute("indexRange").unwrap());
        let segments = index(&file[from..=to]);
        assert_eq!(segments.len(), playlist.segments.len(), "{track}");
        let mut at = to + 1;
        for ((len, duration), segment) in segments.into_iter().zip(&playlist.segments) {
            assert_eq!(
                file[at..at + len],
                riserd.bytes(&format!("/vod/show/{track}/{}", segment.uri)),
                "{track}"
            );
            let chunks = boxes::chunks(&file[at..at + len]);
            let lasts = chunks.last().unwrap().end() - chunks[0].decode_time;
            assert_eq!(lasts, duration as u64, "{track}");
            at += len;
        }
        assert_eq!(at, file.len(), "{track}");

        for (wanted, bytes) in [
            (format!("bytes={from}-{to}"), &file[from..=to]),
            ("bytes=1-3000".to_owned(), &file[1..=3000]),
            ("bytes=-5".to_owned(), &file[file.len() - 5..]),
        ] {
            let answer = riserd.ask("GET", &address, &[("range", &wanted)]);
            assert_eq!((answer.status, &answer.body[..]), (206, bytes), "{track} {wanted}");
        }
    }
    for address in ["360p/1-2.mp4", "360p/3-2.mp4", "nothing/1-1.mp4", "360p/x-2.mp4"] {
        let status = riserd.get(&format!("/vod/show/{address}")).status;
        assert!((400..500).contains(&status), "{address}: {status}");
    }
    assert_eq!(riserd.get("/live/main/on-demand.mpd").status, 404);
}

#[test]
fn ffmpeg_and_gstreamer_play_it_to_the_end() {
    let riserd = recorded();
    let frames = |name: &str| {
        let url = format!("http://{}/vod/show/{name}", riserd.viewers);
        let mut packets = peers::packets(&url, FOR);
        packets.retain(|packet| packet.kind == "video");
        packets.len()
    };
    assert_eq!(frames("on-demand.mpd"), frames("manifest.mpd"), "pictures of both renditions");

    let playlist = Playlist::parse(&riserd.get("/vod/show/360p/media.m3u8").text());
    let seconds: f64 = playlist.segments.iter().map(|segment| segment.duration.parse::<f64>().unwrap()).sum();
    let wanted = ((seconds * 30.0).round() as usize, (seconds * 48_000.0 / 1024.0).round() as usize);
    // dashdemux2 (1.22) leaves out the last segment of a file with an index; what came before it does not.
    for (manifest, bin, demuxer, without) in [
        ("manifest.mpd", "playbin3", "GstDashDemux2", ""),
        ("on-demand.mpd", "playbin", "GstDashDemux:", "dashdemux2:NONE"),
    ] {
        let uri = format!("uri=http://{}/vod/show/{manifest}", riserd.viewers);
        let mut player = Command::new("timeout");
        player.env("GST_PLUGIN_FEATURE_RANK", without).args(["60", "gst-launch-1.0", "-v", bin, &uri]);
        player.args([
            "video-sink=checksumsink hash=md5 sync=false",
            "audio-sink=checksumsink hash=sha1 sync=false",
        ]);
        let played = player.output().expect("gst-launch-1.0 is installed");
        let said = String::from_utf8_lossy(&played.stdout);
        assert!(played.status.success(), "{said} {}", String::from_utf8_lossy(&played.stderr));
        assert!(said.contains(demuxer), "{demuxer} is what plays it: {said}");
        let (pictures, sounds) = (lines(&said, MD5), lines(&said, SHA1));
        assert!(pictures.abs_diff(wanted.0) <= 1, "{manifest}: {pictures} pictures of {}", wanted.0);
        assert!(sounds.abs_diff(wanted.1) <= 2, "{manifest}: {sounds} blocks of sound of {}", wanted.1);
    }
}

/// Hexadecimal digits of the checksums that checksumsink writes, one a line: of pictures and of blocks of sound.
const MD5: usize = 32;
const SHA1: usize = 40;

/// Lines that end with a checksum of so many digits.
fn lines(said: &str, digits: usize) -> usize {
    let hash = |line: &&str| {
        let last = line.rsplit(' ').next().unwrap_or_default();
        last.len() == digits && last.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    said.lines().filter(hash).count()
}
