//! An asset as one file: exact at its ends, the frames of the stream, and resumable.

use std::{fs, time::Duration};

use riser_tests::{
    Riserd, http, peers,
    playlist::Playlist,
    riserd::{PATIENCE, SMALL, TRACKS},
    wait,
};
use serde_json::{Value, json};

/// Milliseconds of a segment: 48 frames of 30 a second.
const SEGMENT: u64 = 1600;

/// Digests of the frames that a decoder gives of one picture track.
fn frames(input: &str, track: usize) -> Vec<String> {
    let map = format!("0:v:{track}");
    let arguments = ["-v", "error", "-i", input, "-map", &map, "-f", "framemd5", "-"];
    let text = String::from_utf8(peers::ffmpeg(&arguments, PATIENCE)).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.rsplit(',').next().unwrap().trim().to_owned()).collect()
}

fn probe(file: &str, entries: &str) -> Value {
    let arguments = ["-v", "error", "-of", "json", "-show_entries", entries, file];
    let left = peers::run("ffprobe", &arguments, PATIENCE);
    assert!(left.success, "{}", left.err);
    serde_json::from_slice(&left.out).unwrap()
}

/// A finished asset of a few segments: its id and its first and last segment's number.
fn recorded(riserd: &Riserd, segments: usize) -> (String, u64, u64) {
    let (program, asset) = riserd.program("Take one", "take", None);
    wait::until("enough is recorded", PATIENCE, || {
        let text = riserd.get("/vod/take/360p/media.m3u8").text();
        text.matches("#EXTINF").count() >= segments
    });
    riserd.operate(&format!("/programs/{program}/stop"));
    let playlist = Playlist::parse(&riserd.get("/vod/take/360p/media.m3u8").text());
    let (first, last) = (playlist.segments.first().unwrap().number, playlist.last_whole().unwrap());
    (asset, first, last)
}

#[test]
fn a_download_has_the_frames_of_the_stream_exactly_between_its_ends() {
    let riserd = Riserd::live(SMALL, &TRACKS, 1);
    let (asset, first, last) = recorded(&riserd, 4);
    let url = format!("http://{}/vod/take/360p/media.m3u8", riserd.viewers);
    let stream = frames(&url, 0);
    assert_eq!(stream.len() as u64, (last - first + 1) * 48);

    let whole = riserd.state_dir().join("whole.mp4");
    fs::write(&whole, riserd.bytes("/vod/take/download.mp4")).unwrap();
    let whole = whole.to_str().unwrap();
    assert_eq!(frames(whole, 0), stream);
    let probed = probe(whole, "stream=codec_type,width:format=duration,nb_streams");
    assert_eq!(probed["format"]["nb_streams"], 3);
    let duration: f64 = probed["format"]["duration"].as_str().unwrap().parse().unwrap();
    assert!((duration - stream.len() as f64 / 30.0).abs() < 0.03, "{duration}");

    // From the 22nd frame of the first segment to before the 40th of the third, by the management interface.
    let (start, end) = (first * SEGMENT + 700, (first + 2) * SEGMENT + 1300);
    let path = format!("/api/v1/assets/{asset}/download.mp4?start={start}&end={end}&tracks=360p;audio");
    let response = http::get(riserd.management, &path).unwrap();
    assert_eq!(response.status, 200, "{}", response.text());
    let cut = riserd.state_dir().join("cut.mp4");
    fs::write(&cut, &response.body).unwrap();
    let cut = cut.to_str().unwrap();
    assert_eq!(frames(cut, 0), stream[21..96 + 39]);
    let samples = peers::left_channel(cut.as_ref()).len() as i64;
    assert!((samples - 48 * (end - start) as i64).abs() <= 1024, "{samples} samples of sound");
}

#[test]
fn a_download_says_its_size_and_goes_on_where_it_broke_off() {
    let riserd = Riserd::live(SMALL, &TRACKS, 1);
    let _ = recorded(&riserd, 3);
    let path = "/vod/take/download.mp4?tracks=180p;audio";
    let whole = riserd.ask("GET", path, &[]);
    let head = riserd.ask("HEAD", path, &[]);
    assert_eq!(head.header("content-length"), whole.body.len().to_string());
    assert!(
        head.header("content-disposition").contains("Take one.mp4")
            && head.header("accept-ranges") == "bytes"
    );
    let etag = whole.header("etag").to_owned();
    let mut pieced = Vec::new();
    while pieced.len() < whole.body.len() {
        let end = (pieced.len() + whole.body.len() / 7).min(whole.body.len() - 1);
        let range = format!("bytes={}-{end}", pieced.len());
        let piece = riserd.ask("GET", path, &[("range", &range), ("if-range", &etag)]);
        assert_eq!((piece.status, piece.body.len()), (206, end + 1 - pieced.len()));
        pieced.extend(piece.body);
    }
    assert!(pieced == whole.body, "the pieces are the file");
    for (query, status, field) in [
        ("tracks=4k", 404, "4k"),
        ("start=1000", 400, "start"),
        ("end=99999999999999", 400, "end"),
        ("start=ten", 400, "start"),
    ] {
        let refused = riserd.get(&format!("/vod/take/download.mp4?{query}"));
        assert!(refused.status == status && refused.text().contains(field), "{query}: {}", refused.text());
    }
}

#[test]
fn a_clip_is_an_asset_of_its_own_without_a_copy() {
    let riserd = Riserd::live(SMALL, &TRACKS, 1);
    let (asset, first, _) = recorded(&riserd, 4);
    let (from, to) = ((first + 1) * SEGMENT + 300, (first + 2) * SEGMENT + 900);
    let used = riserd.count("/store/used");
    let clips = format!("/assets/{asset}/clips");
    let made = riserd.api("POST", &clips, &json!({ "name": "Goal", "from": from, "to": to }));
    assert_eq!(made.status, 201, "{made:?}");
    let clip = made.text("/id");
    let marked =
        riserd.api("POST", &format!("/assets/{asset}/marks"), &json!({ "name": "Kick off", "at": from }));
    assert_eq!(marked.status, 201, "{marked:?}");
    let published = riserd.api("POST", &format!("/assets/{clip}/publish"), &json!({ "locator": "goal" }));
    assert_eq!(published.status, 200, "{published:?}");
    let playlist = Playlist::parse(&riserd.get("/vod/goal/360p/media.m3u8").text());
    assert!(
        playlist.ended && playlist.segments.iter().map(|segment| segment.number).eq(first + 1..=first + 2)
    );
    let file = riserd.state_dir().join("goal.mp4");
    fs::write(&file, riserd.bytes("/vod/goal/download.mp4?tracks=360p;audio")).unwrap();
    assert_eq!(frames(file.to_str().unwrap(), 0).len(), ((to - from) * 30 / 1000) as usize);
    // The asset goes, the clip stays.
    let program = riserd.api("GET", &format!("/assets/{asset}"), &Value::Null).text("/program");
    assert_eq!(riserd.api("DELETE", &format!("/programs/{program}"), &Value::Null).status, 204);
    assert_eq!(riserd.api("DELETE", &format!("/assets/{asset}"), &Value::Null).status, 204);
    assert_eq!(riserd.get("/vod/goal/360p/media.m3u8").status, 200);
    let grown = riserd.count("/store/used") - used;
    assert!(grown < 60 * 116_000, "{grown} bytes: nothing is copied");
}

#[test]
fn thumbnails_come_after_the_program() {
    let riserd = Riserd::live(SMALL, &TRACKS, 1);
    let (_, first, last) = recorded(&riserd, 3);
    let index = wait::for_some("the index", Duration::from_secs(60), || {
        let response = riserd.get("/vod/take/thumbnails.vtt");
        (response.status == 200).then(|| response.text())
    });
    assert!(
        index.starts_with("WEBVTT") && index.matches("#xywh=").count() as u64 == last - first + 1,
        "{index}"
    );
    for manifest in ["manifest.mpd", "on-demand.mpd"] {
        let mpd = riserd.get(&format!("/vod/take/{manifest}")).text();
        assert!(
            mpd.contains("media=\"thumbnails-$Number$.jpg\"") && mpd.contains("value=\"10x10\""),
            "{mpd}"
        );
    }
    let sheet = riserd.state_dir().join("sheet.jpg");
    fs::write(&sheet, riserd.bytes("/vod/take/thumbnails-0.jpg")).unwrap();
    let probed = probe(sheet.to_str().unwrap(), "stream=codec_name,width,height");
    assert_eq!(
        (&probed["streams"][0]["codec_name"], &probed["streams"][0]["width"]),
        (&json!("mjpeg"), &json!(1600))
    );
}

#[test]
fn filters_shape_what_one_viewer_sees() {
    let settings = format!("{SMALL}[channel.audio]\nlanguage = 'pt-BR'\n");
    let riserd = Riserd::live(&settings, &TRACKS, 1);
    let (asset, first, last) = recorded(&riserd, 4);
    let put = |path: &str, filter: Value| {
        let answer = riserd.api("PUT", path, &filter);
        assert!((200..300).contains(&answer.status), "{path}: {answer:?}");
    };
    let small = json!({ "tracks": [
        [{ "property": "type", "operator": "equal", "value": "video" },
         { "property": "bitrate", "operator": "equal", "value": "0-300000" }],
        [{ "property": "type", "operator": "equal", "value": "audio" }]] });
    let ticks = |segment: u64| segment * SEGMENT * 10_000;
    let from =
        json!({ "presentation_time_range": { "start": ticks(first + 1) + 5_000_000, "end": ticks(last) } });
    put("/filters/small", small.clone());
    put("/filters/mine", small);
    put(&format!("/assets/{asset}/filters/mine"), from);
    let master = riserd.get("/vod/take/master.m3u8?filter=small").text();
    assert!(!master.contains("360p") && master.contains("180p/media.m3u8?filter=small"), "{master}");
    let numbers = |filter: &str| -> Vec<u64> {
        let text = riserd.get(&format!("/vod/take/180p/media.m3u8?filter={filter}")).text();
        Playlist::parse(&text).segments.iter().map(|segment| segment.number).collect()
    };
    assert_eq!(numbers("small"), (first..=last).collect::<Vec<_>>());
    assert_eq!(
        numbers("mine;small"),
        (first + 1..last).collect::<Vec<_>>(),
        "the asset's own goes before the global one"
    );
    let mpd = riserd.get("/vod/take/manifest.mpd?filter=mine;small").text();
    assert!(!mpd.contains("id=\"360p\"") && mpd.contains("id=\"180p\""), "{mpd}");
    // On demand it begins at zero; who saw it live keeps the time of the asset.
    assert!(mpd.contains("start=\"PT0S\"") && !mpd.contains("<Location>"), "{mpd}");
    let kept = riserd.get("/vod/take/manifest.mpd?filter=mine;small&timeline=live").text();
    assert!(kept.contains("start=\"PT1.") && kept.contains("type=\"static\""), "{kept}");
    let address = format!("http://{}/vod/take/manifest.mpd?filter=mine;small", riserd.viewers);
    let seconds = probe(&address, "format=duration")["format"]["duration"].as_str().map(str::parse::<f64>);
    let expected = ((last - first - 1) * SEGMENT) as f64 / 1000.0;
    // ffprobe reads whole seconds of it only.
    assert!(matches!(seconds, Some(Ok(seconds)) if seconds == expected.floor()), "{seconds:?} s");
    // A download is the same presentation in one file.
    let file = riserd.state_dir().join("filtered.mp4");
    fs::write(&file, riserd.bytes("/vod/take/download.mp4?filter=mine;small")).unwrap();
    let shape = probe(file.to_str().unwrap(), "stream=codec_type,height:format=duration");
    let streams = shape["streams"].as_array().unwrap();
    assert_eq!(streams.len(), 2, "{shape}");
    assert_eq!(streams[0]["height"], 180);
    assert_eq!(frames(file.to_str().unwrap(), 0).len() as u64, (last - first - 1) * SEGMENT * 30 / 1000);
    let managed = riserd.api("GET", &format!("/assets/{asset}/download.mp4?filter=nobody"), &Value::Null);
    assert_eq!((managed.status, managed.text("/field")), (404, "filter".to_owned()));
    assert_eq!(riserd.get("/vod/take/download.mp4?filter=small&tracks=360p").status, 404);
    let spoken = json!({ "tracks": [[{ "property": "language", "operator": "equal", "value": "pt-br" }]] });
    put("/filters/spoken", spoken);
    let master = riserd.get("/vod/take/master.m3u8?filter=spoken").text();
    assert!(!master.contains("RESOLUTION") && master.contains("audio/media.m3u8"), "{master}");
    assert!(riserd.get("/vod/take/master.m3u8").text().contains("LANGUAGE=\"pt-BR\""));
    assert!(riserd.get("/vod/take/manifest.mpd").text().contains("lang=\"pt-BR\""));
    assert_eq!(riserd.get("/vod/take/master.m3u8?filter=nobody").status, 404);
    assert_eq!(riserd.get("/vod/take/master.m3u8?filter=a;b;c;d").status, 400);
    // The default is as it was, and the global filter works on the channel, too.
    assert!(riserd.get("/vod/take/master.m3u8").text().contains("360p"));
    assert!(!riserd.get("/live/main/master.m3u8?filter=small").text().contains("360p"));
}
