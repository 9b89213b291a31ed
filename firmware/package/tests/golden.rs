//! Manifests of typical windows against the files in `golden/`.
//!
//! With `RISER_GOLDEN=update` in the environment the files are written anew; look at the difference before you keep it.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod fixture;

use std::{fs, path::Path};

use access::{Encryption, Scheme};
use bytes::Bytes;
use fixture::{Recording, Take, at, audio, layout, video};
use media::{Codec, Grid, Track, Window, nanos};
use riser_package::{
    Error, dash,
    filter::{Filter, Shown, View, combine},
    hds,
    hls::{self, MediaOptions},
    protection::{self, Protection, System},
    route::Skip,
    smooth,
    thumbnails::{Album, Sheets},
};

/// The first segment of these recordings: 2026-01-01T00:00:00Z on a grid of 1.6 s.
const FIRST: u64 = 1_104_516_000;

fn golden(name: &str, text: &str) {
    match [".mpd", ".f4m", ".ism"].iter().any(|extension| name.ends_with(extension)) {
        true => assert!(roxmltree::Document::parse(text).is_ok(), "{name} is not XML"),
        false => assert!(m3u8_rs::parse_playlist_res(text.as_bytes()).is_ok(), "{name} is not a playlist"),
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("RISER_GOLDEN").is_some_and(|value| value == "update") {
        fs::write(&path, text).unwrap();
    }
    let want = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, want, "{} differs", path.display());
}

fn grid(rate: &str) -> Grid {
    Grid::new(rate.parse().unwrap(), 1600, 200)
}

fn recording(grid: Grid, sample_rate: u32, takes: Vec<Take>) -> Recording {
    let high = video("720p", &grid, (1280, 720), 3_000_000);
    let low = video("360p", &grid, (640, 360), 800_000);
    let sound = audio("audio", sample_rate, Some("de"));
    let before = layout(0x0123_4567_89ab_cdef, vec![high.clone(), sound.clone()]);
    let after = layout(0xfedc_ba98_7654_3210, vec![high, low, sound]);
    Recording { grid, layouts: vec![before, after], takes, gaps: vec![] }
}

fn take(layout: usize, discontinuity: u32, from: (u64, u32), to: (u64, u32)) -> Take {
    Take { layout, discontinuity, from: at(FIRST + from.0, from.1), to: at(FIRST + to.0, to.1) }
}

fn live() -> Recording {
    recording(grid("25"), 48_000, vec![take(1, 3, (0, 0), (1000, 0))])
}

static ALL: Shown = Shown::all();
const LOW_LATENCY: MediaOptions<'_> =
    MediaOptions { low_latency: true, skip: None, lasting: false, shown: &ALL, query: "", keys: "" };

/// The playlists of the first and the last track, low latency and plain, and the MPD.
fn all(name: &str, window: &Window) {
    let last = last_track(window);
    for (track, options, file) in [
        (0, LOW_LATENCY, "video.ll.m3u8"),
        (last, LOW_LATENCY, "audio.ll.m3u8"),
        (0, MediaOptions::default(), "video.m3u8"),
    ] {
        golden(&format!("{name}.{file}"), &hls::render_media(window, track, &options).unwrap());
    }
    let key_frames = hls::render_key_frames(window, 0, &LOW_LATENCY).unwrap();
    golden(&format!("{name}.iframes.m3u8"), &key_frames);
    let options = dash::Options::low_latency(&window.grid);
    golden(&format!("{name}.mpd"), &dash::render(window, &Shown::all(), now(window), &options).unwrap());
    match hls::muxed::render_media(window, 0, &MediaOptions::default()) {
        Ok(text) => golden(&format!("{name}.ts.video.m3u8"), &text),
        Err(error) => assert_eq!(error, Error::NoSegments(0), "less than three segments"),
    }
}

fn last_track(window: &Window) -> usize {
    window.layout().unwrap().tracks.len() - 1
}

/// A tenth of a second after the last part.
fn now(window: &Window) -> u64 {
    let timescale = window.layout().unwrap().tracks[0].timescale;
    let ends = window.edge[0].last().map(|segment| segment.start + u64::from(segment.duration()));
    ends.map_or(0, |end| nanos(end, timescale)) + 100_000_000
}

#[test]
fn normal_live() {
    let window = live().window(FIRST + 10, at(FIRST + 20, 3));
    all("live", &window);
    golden(
        "live.master.m3u8",
        &hls::render_master(&window, &Shown::all(), &hls::MasterOptions::default()).unwrap(),
    );
    let muxed = hls::muxed::MasterOptions { audio_only: true, folder: "", query: "filter=a" };
    golden("live.ts.master.m3u8", &hls::muxed::render_master(&window, &Shown::all(), &muxed).unwrap());
    let with_filter = MediaOptions { query: "filter=a", ..MediaOptions::default() };
    let sound = hls::muxed::render_media(&window, last_track(&window), &with_filter).unwrap();
    golden("live.ts.audio.m3u8", &sound);
    let plain = dash::Options::plain(&window.grid);
    let hds =
        hds::Options { clock: hds::Clock::EPOCH, reach: Some(60_000_000_000), folder: "", query: "filter=a" };
    golden("live.f4m", &hds::render(&window, &Shown::all(), &hds).unwrap());
    golden("live.plain.mpd", &dash::render(&window, &Shown::all(), now(&window), &plain).unwrap());
}

/// A key with every system; the boxes are not looked into here.
fn protection(encryption: Encryption) -> Protection {
    let url = |name: &str| Some(format!("https://{name}.example/licence?a=1&b=2"));
    Protection {
        encryption,
        key_id: *b"\x6e\x5a\x1d\x26\x27\x57\x47\xd7\x80\x46\xea\xa5\xd1\xd3\x4b\x5a",
        iv: [7; 16],
        key_url: "/keys/house?token=t".into(),
        systems: vec![
            System::ClearKey { pssh: vec![1; 3], url: "/keys/house?token=t".into() },
            System::Widevine { pssh: vec![2; 3], url: url("widevine") },
            System::PlayReady { pssh: vec![3; 3], object: vec![4; 3], url: url("playready") },
            System::FairPlay { url: "skd://house".into() },
        ],
    }
}

#[test]
fn encrypted() {
    let window = live().window(FIRST + 10, at(FIRST + 20, 3));
    for encryption in Encryption::ALL {
        let (name, protection) = (encryption.name(), protection(encryption));
        let keys = protection::session_keys(&protection);
        let master = hls::render_master(
            &window,
            &Shown::all(),
            &hls::MasterOptions { query: "token=t", lines: &keys, ..hls::MasterOptions::default() },
        )
        .unwrap();
        golden(&format!("{name}.master.m3u8"), &master);
        let keys = &protection::media_keys(&protection);
        // A part has no end that could be padded.
        let low_latency = encryption != Encryption::Envelope;
        let options = MediaOptions { low_latency, query: "token=t", keys, ..MediaOptions::default() };
        golden(&format!("{name}.video.m3u8"), &hls::render_media(&window, 0, &options).unwrap());
        if encryption == Encryption::Envelope {
            let muxed = hls::muxed::render_media(&window, 0, &options).unwrap();
            golden(&format!("{name}.ts.m3u8"), &muxed);
            continue;
        }
        let protected = &protection::content_protection(&protection);
        let options = dash::Options { protection: protected, ..dash::Options::low_latency(&window.grid) };
        let manifest = dash::render(&window, &Shown::all(), now(&window), &options).unwrap();
        golden(&format!("{name}.mpd"), &manifest);
        if encryption == Encryption::Common(Scheme::Cenc) {
            let protection = &protection::protection_header(&protection);
            let options = smooth::Options { repeats: true, reach: None, protection };
            let manifest = smooth::render(&window, &Shown::all(), &options).unwrap();
            golden(&format!("{name}.ism"), &manifest);
        }
    }
}

#[test]
fn the_first_segment_is_partial() {
    let recording = recording(grid("25"), 48_000, vec![take(0, 0, (0, 5), (1000, 0))]);
    all("start", &recording.window(0, at(FIRST + 2, 1)));
}

#[test]
fn only_the_first_part_is_there() {
    let window = recording(grid("25"), 48_000, vec![take(0, 0, (0, 5), (1000, 0))]).window(0, at(FIRST, 6));
    for (track, file) in [(0, "video"), (last_track(&window), "audio")] {
        let text = hls::render_media(&window, track, &LOW_LATENCY).unwrap();
        golden(&format!("first-part.{file}.ll.m3u8"), &text);
    }
    let options = dash::Options::low_latency(&window.grid);
    golden("first-part.mpd", &dash::render(&window, &Shown::all(), now(&window), &options).unwrap());
    // There is no whole segment yet.
    assert_eq!(hls::render_media(&window, 0, &MediaOptions::default()), Err(Error::NoSegments(0)));
    let plain = dash::Options::plain(&window.grid);
    assert_eq!(dash::render(&window, &Shown::all(), now(&window), &plain), Err(Error::NoSegments(0)));
}

#[test]
fn gap_and_discontinuity_after_a_restart() {
    let takes = vec![take(1, 3, (0, 0), (6, 4)), take(1, 4, (9, 2), (1000, 0))];
    let recording = Recording { gaps: vec![FIRST + 4], ..recording(grid("25"), 48_000, takes) };
    all("restart", &recording.window(FIRST + 2, at(FIRST + 11, 8)));
}

#[test]
fn the_layout_changes() {
    let takes = vec![take(0, 3, (0, 0), (6, 0)), take(1, 4, (6, 0), (1000, 0))];
    all("layout", &recording(grid("25"), 48_000, takes).window(FIRST + 2, at(FIRST + 8, 2)));
}

#[test]
fn ended() {
    let window = recording(grid("25"), 48_000, vec![take(1, 3, (0, 0), (6, 4))]).ended(FIRST);
    all("ended", &window);
    let of_a_recording = MediaOptions { lasting: true, ..LOW_LATENCY };
    golden("ended.vod.video.m3u8", &hls::render_media(&window, 0, &of_a_recording).unwrap());
}

/// The MPD of a presentation whose zero is where its recording began, a fifth of a second after a segment's line.
fn zero(name: &str, window: &Window) {
    let zero = window.grid.rate.nanos_of(window.grid.first_frame(at(FIRST, 1)));
    let location = Some("manifest.mpd?timeline=live");
    let options =
        dash::Options { zero: dash::Zero::At(zero), location, ..dash::Options::low_latency(&window.grid) };
    golden(&format!("{name}.zero.mpd"), &dash::render(window, &ALL, now(window), &options).unwrap());
}

#[test]
fn from_a_zero_of_its_own() {
    let begun_late = recording(grid("25"), 48_000, vec![take(1, 3, (0, 1), (6, 4))]);
    zero("live", &begun_late.window(FIRST, at(FIRST + 4, 2)));
    zero("ended", &begun_late.ended(FIRST));
    zero("slid", &begun_late.window(FIRST + 2, at(FIRST + 4, 2)));
    let slid = begun_late.ended(FIRST + 2);
    zero("slid-ended", &slid);
    let afterwards = dash::Options { zero: dash::Zero::Media, ..dash::Options::low_latency(&slid.grid) };
    golden("slid-afterwards.mpd", &dash::render(&slid, &ALL, now(&slid), &afterwards).unwrap());
    let takes = vec![take(0, 3, (0, 1), (4, 0)), take(1, 4, (4, 0), (8, 0))];
    zero("layout", &recording(grid("25"), 48_000, takes).window(FIRST, at(FIRST + 6, 2)));
}

/// A view's presentation with what its viewers' addresses carry.
fn filtered(name: &str, view: &View) {
    let View { window, shown } = view;
    let query = "filter=A;B";
    golden(
        &format!("{name}.master.m3u8"),
        &hls::render_master(window, shown, &hls::MasterOptions { query, ..hls::MasterOptions::default() })
            .unwrap(),
    );
    let options = MediaOptions { shown, query, lasting: true, ..LOW_LATENCY };
    for track in shown.tracks(window.layout().unwrap()) {
        let file = format!("{name}.{}.ll.m3u8", window.layout().unwrap().tracks[track].name);
        golden(&file, &hls::render_media(window, track, &options).unwrap());
    }
    let options = dash::Options::low_latency(&window.grid);
    golden(&format!("{name}.mpd"), &dash::render(window, shown, now(window), &options).unwrap());
}

fn filter(json: &str) -> Filter {
    let filter: Filter = serde_json::from_str(json).unwrap();
    assert_eq!(filter.check(), Ok(()));
    filter
}

#[test]
fn some_tracks_of_live() {
    let window = live().window(FIRST + 10, at(FIRST + 20, 3));
    let low = filter(
        r#"{"tracks": [[{"property": "bitrate", "operator": "equal", "value": "0-1000000"}],
                       [{"property": "type", "operator": "equal", "value": "text"}]]}"#,
    );
    filtered("tracks", &combine(&window, &[&low]).unwrap());
    let first = filter(r#"{"first_quality": 700000}"#);
    let view = combine(&window, &[&first]).unwrap();
    golden(
        "quality.master.m3u8",
        &hls::render_master(
            &view.window,
            &view.shown,
            &hls::MasterOptions { query: "filter=A", ..hls::MasterOptions::default() },
        )
        .unwrap(),
    );
}

#[test]
fn live_with_a_back_off() {
    let window = live().window(FIRST, at(FIRST + 60, 3));
    let behind = filter(
        r#"{"presentation_time_range": {"presentation_window": 600000000, "live_backoff": 100000000}}"#,
    );
    let view = combine(&window, &[&behind]).unwrap();
    let options = MediaOptions { shown: &view.shown, lasting: true, ..LOW_LATENCY };
    golden("backoff.video.ll.m3u8", &hls::render_media(&view.window, 0, &options).unwrap());
    let options = dash::Options::low_latency(&window.grid);
    golden("backoff.mpd", &dash::render(&view.window, &view.shown, now(&window), &options).unwrap());
}

#[test]
fn delta_update() {
    let window = live().window(FIRST, at(FIRST + 20, 3));
    let options = MediaOptions { skip: Some(Skip::Yes), ..LOW_LATENCY };
    golden("delta.video.ll.m3u8", &hls::render_media(&window, 0, &options).unwrap());
}

/// HEVC of main profile and tier, level 3.1.
fn hevc(name: &str, grid: &Grid, (width, height): (u16, u16), bitrate: u32) -> Track {
    let config = Bytes::from_static(&[1, 1, 0x60, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 93]);
    let codec = Codec::H265 { config, width, height, rate: grid.rate };
    Track {
        name: name.into(),
        timescale: grid.rate.timescale(),
        bitrate,
        language: None,
        captions: Vec::new(),
        codec,
    }
}

/// What viewers may choose from where a channel has these tracks.
fn of_tracks(name: &str, grid: Grid, tracks: Vec<Track>) {
    let layouts = vec![layout(0x0123_4567_89ab_cdef, tracks)];
    let recording = Recording { grid, layouts, takes: vec![take(0, 0, (0, 0), (1000, 0))], gaps: vec![] };
    let window = recording.window(FIRST + 10, at(FIRST + 20, 3));
    golden(
        &format!("{name}.master.m3u8"),
        &hls::render_master(
            &window,
            &Shown::all(),
            &hls::MasterOptions { subtitles: true, ..hls::MasterOptions::default() },
        )
        .unwrap(),
    );
    if name == "choices" {
        for (file, low_latency) in [("choices.subtitles.m3u8", false), ("choices.subtitles.ll.m3u8", true)] {
            let options = hls::MediaOptions { low_latency, ..hls::MediaOptions::default() };
            golden(file, &hls::render_subtitles(&window, 0, &options).unwrap());
        }
    }
    let options = dash::Options::plain(&grid);
    let manifest = dash::render(&window, &Shown::all(), now(&window), &options).unwrap();
    golden(&format!("{name}.mpd"), &manifest);
}

#[test]
fn both_codings_of_pictures() {
    let grid = grid("25");
    let (large, small) = ((1280, 720), (640, 360));
    let tracks = vec![
        video("720p", &grid, large, 3_000_000),
        hevc("720p-h265", &grid, large, 2_000_000),
        video("360p", &grid, small, 800_000),
        hevc("360p-h265", &grid, small, 500_000),
        audio("audio", 48_000, None),
    ];
    of_tracks("codings", grid, tracks);
}

#[test]
fn sounds_and_captions_to_choose_from() {
    let grid = grid("30000/1001");
    let captions = |service: &str, language: Option<&str>| media::Captions {
        service: service.into(),
        language: language.map(Into::into),
        subtitles: service.starts_with("CC"),
    };
    let named =
        vec![captions("CC1", Some("eng")), captions("CC3", Some("es")), captions("SERVICE1", Some("eng"))];
    let video = |name, size, bitrate| Track { captions: named.clone(), ..video(name, &grid, size, bitrate) };
    let tracks = vec![
        video("720p", (1280, 720), 3_000_000),
        video("360p", (640, 360), 800_000),
        audio("audio", 48_000, Some("eng")),
        audio("audio-2", 48_000, Some("pt-BR")),
    ];
    of_tracks("choices", grid, tracks);
}

#[test]
fn ntsc_with_audio() {
    let grid = grid("30000/1001");
    let first = grid.position(1_767_225_600 * 30_000, 30_000).segment;
    let take = Take { layout: 1, discontinuity: 0, from: at(first, 0), to: at(first + 1000, 0) };
    let recording = recording(grid, 44_100, vec![take]);
    let window = recording.window(first + 2, at(first + 9, 5));
    all("ntsc", &window);
    golden(
        "ntsc.master.m3u8",
        &hls::render_master(&window, &Shown::all(), &hls::MasterOptions::default()).unwrap(),
    );
}

#[test]
fn on_demand() {
    let takes = vec![take(0, 3, (0, 0), (4, 0)), take(1, 4, (6, 0), (12, 3))];
    let window = recording(grid("25"), 48_000, takes).ended(FIRST);
    let sheets = Sheets { tile_width: 160, tile_height: 90, columns: 10, rows: 10 };
    let from = window.grid.rate.nanos_of(window.grid.first_frame(at(FIRST, 0)));
    let album = Album { sheets, from, interval: 1_600_000_000, largest: 300_000 };
    let options = dash::Options {
        zero: dash::Zero::Media,
        on_demand: true,
        thumbnails: Some(album),
        ..dash::Options::plain(&window.grid)
    };
    golden("on-demand.mpd", &dash::render(&window, &Shown::all(), 0, &options).unwrap());
}

/// One that is over and was ended early, one under way whose beginning has left the window, one that begins within it, one ahead.
fn breaks(window: &Window) -> Window {
    let line = |number: u64| window.grid.rate.nanos_of(window.grid.first_frame(at(FIRST + number, 0)));
    let shown = |id: u32, (from, to): (u64, Option<u64>), planned: Option<u64>| media::Break {
        id,
        number: id + 40,
        from: line(from),
        to: to.map(line),
        duration: planned.map(|to| line(to) - line(from)),
        out: Bytes::from(vec![0xfc, id as u8]),
        back: to.map(|_| Bytes::from(vec![0xfc, 0xff])),
    };
    let all = [
        shown(1, (4, Some(5)), Some(6)),
        shown(2, (6, Some(12)), Some(14)),
        shown(3, (15, Some(17)), Some(17)),
        shown(4, (18, None), None),
        shown(5, (26, Some(30)), Some(30)),
    ];
    window.clone().with_breaks(&all, 15_000_000_000)
}

#[test]
fn ad_breaks() {
    let window = breaks(&live().window(FIRST + 10, at(FIRST + 20, 3)));
    all("breaks", &window);
    let delta = MediaOptions { skip: Some(Skip::Yes), ..LOW_LATENCY };
    golden("breaks.delta.video.ll.m3u8", &hls::render_media(&window, 0, &delta).unwrap());
    let options = smooth::Options { repeats: true, reach: None, protection: "" };
    golden("breaks.ism", &smooth::render(&window, &Shown::all(), &options).unwrap());
    let restart = recording(
        grid("30000/1001"),
        48_000,
        vec![take(1, 3, (0, 0), (16, 5)), take(1, 4, (18, 0), (1000, 0))],
    );
    all("breaks-restart", &breaks(&restart.ended(FIRST + 10).clip(0, FIRST + 30, true)));
}
