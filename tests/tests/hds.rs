//! HDS: manifest, bootstrap and fragments read as the specifications tell it, by a reader that knows nothing of the box, and the
//! tags in them by ffmpeg.

use std::{fs, path::PathBuf, time::Duration};

use riser_tests::{
    Riserd, peers,
    riserd::{PATIENCE, SMALL, TRACKS},
    wait,
};
use roxmltree::Document;

/// Of FLV: with pictures and sound, and no tag before the first.
const HEADER: &[u8] = b"FLV\x01\x05\0\0\0\x09\0\0\0\0";

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Where the runs of fragments begin in a bootstrap without names, servers and qualities, as here.
const RUNS: usize = 12 + 4 + 1 + 4 + 8 + 8 + 5 + 1 + 25 + 1 + 12;

/// First and last number of the fragments that a bootstrap lists, whether it is live, and milliseconds where the first begins.
struct Listed {
    live: bool,
    first: u64,
    last: u64,
    begins: u64,
}

fn bootstrap(riserd: &Riserd, url: &str) -> Listed {
    let answer = riserd.get(url);
    assert_eq!((answer.status, answer.header("content-type")), (200, "video/abst"), "{url}");
    let body = &answer.body;
    assert_eq!((number(&body[..4]) as usize, &body[4..8]), (body.len(), &b"abst"[..]));
    assert_eq!(&body[RUNS - 8..RUNS - 4], b"afrt");
    let live = body[16] == 0x20;
    let now = number(&body[21..29]);
    let count = number(&body[RUNS + 5..RUNS + 9]);
    let (mut rest, mut runs) = (&body[RUNS + 9..], Vec::new());
    for _ in 0..count {
        let (fields, behind) = rest.split_at(16);
        let run = (number(&fields[..4]), number(&fields[4..12]), number(&fields[12..]));
        // A run that is none says why.
        rest = if run.2 == 0 { &behind[1..] } else { behind };
        runs.extend(Some(run).filter(|run| run.2 > 0));
    }
    assert!(rest.is_empty() && !runs.is_empty(), "{} bytes behind {} runs", rest.len(), runs.len());
    let ((first, begins, _), (number, time, lasts)) = (runs[0], runs[runs.len() - 1]);
    Listed { live, first, last: number + (now - time) / lasts - 1, begins }
}

/// The tags of fragments as a film.
fn film(riserd: &Riserd, fragments: &[Vec<u8>]) -> PathBuf {
    let mut film = HEADER.to_vec();
    for fragment in fragments {
        assert_eq!((number(&fragment[..4]) as usize, &fragment[4..8]), (fragment.len(), &b"mdat"[..]));
        film.extend(&fragment[8..]);
    }
    let path = riserd.state_dir().join("hds.flv");
    fs::write(&path, film).unwrap();
    path
}

fn copied(film: &str, arguments: &[&str]) -> Vec<u8> {
    peers::ffmpeg(&[&["-i", film, "-c", "copy"][..], arguments, &["-"]].concat(), PATIENCE)
}

#[test]
fn a_live_manifest_leads_to_fragments_with_the_samples_of_the_segments() {
    let riserd = Riserd::live(SMALL, &TRACKS, 4);
    let folder = "/live/main/hds";
    let answer = riserd.get(&format!("{folder}/manifest.f4m"));
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/f4m+xml"));
    let text = answer.text();
    let document = Document::parse(&text).unwrap();
    let named = |name: &str| -> Vec<_> {
        let fits = document.descendants().filter(|node| node.tag_name().name() == name);
        fits.map(|node| node.attribute("url").or(node.text()).unwrap_or("")).collect()
    };
    assert_eq!(named("streamType"), ["live"]);
    assert_eq!(named("media"), ["360p/", "180p/"]);
    assert_eq!(named("bootstrapInfo"), ["360p.abst", "180p.abst"]);

    let listed = bootstrap(&riserd, &format!("{folder}/360p.abst"));
    assert!(listed.live);
    let get = |fragment: u64| riserd.get(&format!("{folder}/360p/Seg1-Frag{fragment}"));
    let answer = get(listed.last);
    assert_eq!((answer.status, answer.header("content-type")), (200, "video/f4f"));
    let film = film(&riserd, &[answer.body]).to_string_lossy().into_owned();
    // A channel's fragments have the numbers of its segments.
    let elementary = ["-map", "0:v", "-bsf:v", "h264_mp4toannexb", "-f", "h264"];
    let own = riserd.film("360p", [listed.last]).to_string_lossy().into_owned();
    assert!(copied(&film, &elementary) == copied(&own, &elementary), "pictures");
    let pictures = peers::packets(&own, PATIENCE);
    let own = riserd.film("audio", [listed.last]).to_string_lossy().into_owned();
    let adts = ["-map", "0:a", "-f", "adts"];
    assert!(copied(&film, &adts) == copied(&own, &adts), "sound");
    let sounds = peers::packets(&own, PATIENCE);
    let all = peers::packets(&film, PATIENCE);
    for (kind, own, timescale) in [("video", pictures, 30_000), ("audio", sounds, 48_000)] {
        let expected = own.iter().map(|packet| (packet.pts * 1000 / timescale % (1 << 31), packet.key));
        let found = all.iter().filter(|packet| packet.kind == kind);
        let found: Vec<_> = found.map(|packet| (packet.pts, packet.key)).collect();
        assert_eq!(found, expected.collect::<Vec<_>>(), "{kind}");
    }

    // What comes next is waited for, what is far ahead or long gone is refused as HDS players know it.
    for next in 1..=2 {
        assert_eq!(get(listed.last + next).status, 200);
    }
    for (fragment, status) in [(listed.last + 20, 503), (1, 404)] {
        assert_eq!(get(fragment).status, status, "{fragment}");
    }
    assert_eq!(riserd.get(&format!("{folder}/none/Seg1-Frag{}", listed.last)).status, 404);
    assert_eq!(riserd.get(&format!("{folder}/360p/Seg1-Frag{}", 1_u64 << 32)).status, 400);
}

#[test]
fn an_asset_is_recorded_from_its_first_fragment_on() {
    let riserd = Riserd::live(SMALL, &TRACKS, 1);
    let program = riserd.api("POST", "/programs", &serde_json::json!({ "channel": "main", "name": "show" }));
    let id = program.text("/id");
    let locator = serde_json::json!({ "locator": "show" });
    assert_eq!(riserd.api("POST", &format!("/programs/{id}/publish"), &locator).status, 200);
    riserd.operate(&format!("/programs/{id}/start"));
    // By the address of the classic service, which leads elsewhere.
    let manifest = "/show/My%20show.ism/Manifest(format=f4m-f4f)";
    wait::until("it has some", Duration::from_secs(30), || riserd.get(manifest).status == 200);
    let third = "/show/My%20show.ism/hds/180p/Seg1-Frag3";
    wait::until("it has three", Duration::from_secs(30), || riserd.get(third).status == 200);
    riserd.operate(&format!("/programs/{id}/stop"));
    let text = riserd.get(manifest).text();
    let document = Document::parse(&text).unwrap();
    let of = |name: &str| document.descendants().find(|node| node.tag_name().name() == name).unwrap();
    assert_eq!(of("streamType").text(), Some("recorded"));
    let duration: f64 = of("duration").text().unwrap().parse().unwrap();
    let path = |node: &str| format!("/show/My%20show.ism/{}", of(node).attribute("url").unwrap());
    let listed = bootstrap(&riserd, &path("bootstrapInfo"));
    assert_eq!((listed.live, listed.first), (false, 1));
    assert!(listed.last >= 3 && listed.begins < 1600, "{} {}", listed.last, listed.begins);
    let fragments: Vec<_> = (listed.first..=listed.last)
        .map(|fragment| riserd.get(&format!("{}Seg1-Frag{fragment}", path("media"))))
        .inspect(|answer| assert_eq!(answer.status, 200))
        .map(|answer| answer.body)
        .collect();
    let film = film(&riserd, &fragments);
    let packets = peers::packets(&film.to_string_lossy(), PATIENCE);
    let pictures = packets.iter().filter(|packet| packet.kind == "video").count();
    assert_eq!(pictures as f64, (duration * 30.0).round(), "{duration}");
    assert_eq!(riserd.get(&format!("{}Seg1-Frag{}", path("media"), listed.last + 1)).status, 503);

    // The other formats of that grammar, each as its own player begins.
    for (format, begins) in [
        ("", "<?xml"),
        ("(format=mpd-time-csf)", "<?xml"),
        ("(format=m3u8-aapl)", "#EXTM3U"),
        ("(format=m3u8-aapl-v3,audio-only=false)", "#EXTM3U"),
    ] {
        let answer = riserd.get(&format!("/show/My%20show.ism/Manifest{format}"));
        assert!(answer.status == 200 && answer.text().starts_with(begins), "{format}: {answer:?}");
    }
    for (bitrate, arguments, path) in [
        (600_000, "video,format=m3u8-aapl", "360p/media.m3u8"),
        (200_000, "video,format=m3u8-aapl,type=keyframes", "180p/iframes.m3u8"),
        (600_000, "video,format=m3u8-aapl-v3", "ts/360p/media.m3u8"),
    ] {
        let answer =
            riserd.get(&format!("/show/My%20show.ism/QualityLevels({bitrate})/Manifest({arguments})"));
        assert_eq!(
            (answer.status, answer.header("location")),
            (302, &*format!("/vod/show/{path}")),
            "{arguments}"
        );
        assert_eq!(riserd.get(answer.header("location")).status, 200);
    }
    // Never in the clear what is asked for encrypted.
    assert_eq!(riserd.get("/show/My%20show.ism/Manifest(encryption=cbc)").status, 403);
    let master = riserd.get("/show/My%20show.ism/Manifest(format=m3u8-aapl-v3,audio-only=false)").text();
    let variants: Vec<_> = master.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(variants, ["ts/360p/media.m3u8", "ts/180p/media.m3u8"]);
    let media = riserd.get(&format!("/show/My%20show.ism/{}", variants[0])).text();
    let segment = media.lines().find(|line| line.ends_with(".ts")).unwrap();
    assert_eq!(riserd.get(&format!("/show/My%20show.ism/ts/360p/{segment}")).status, 200);
}
