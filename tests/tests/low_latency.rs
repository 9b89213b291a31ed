//! LL-HLS and plain HTTP, as a strict client sees them.

use std::{
    io::Read,
    thread,
    time::{Duration, Instant},
};

use flate2::read::GzDecoder;
use riser_tests::{
    Riserd, http,
    playlist::Playlist,
    riserd::{SMALL, TRACKS, media_playlist},
    wait,
};

/// Milliseconds of a part.
const PART: u128 = 200;

#[test]
fn playlists_parse_and_lead_to_what_they_name() {
    let riserd = Riserd::live(SMALL, &TRACKS, 3);
    let master = riserd.bytes("/live/main/master.m3u8");
    let (_, master) = m3u8_rs::parse_master_playlist(&master).unwrap();
    let variants: Vec<_> = master.variants.iter().filter(|variant| !variant.is_i_frame).collect();
    let names: Vec<_> = variants.iter().map(|variant| variant.uri.as_str()).collect();
    assert_eq!(names, ["360p/media.m3u8", "180p/media.m3u8"]);
    for variant in variants {
        let codecs = variant.codecs.as_deref().unwrap();
        assert!(codecs.starts_with("avc1.") && codecs.ends_with(",mp4a.40.2"), "{codecs}");
        assert_eq!(variant.frame_rate, Some(30.0));
        assert!(variant.bandwidth > variant.average_bandwidth.unwrap());
    }
    assert_eq!(master.alternatives[0].uri.as_deref(), Some("audio/media.m3u8"));
    for track in TRACKS {
        let text = riserd.get(&media_playlist(track)).text();
        let (_, media) = m3u8_rs::parse_media_playlist(text.as_bytes()).unwrap();
        let playlist = Playlist::parse(&text);
        assert_eq!(media.media_sequence, playlist.media_sequence);
        assert_eq!(media.target_duration, 2);
        assert!(!media.end_list && media.independent_segments);
        assert!(media.segments.iter().all(|segment| segment.duration < 1.7));
        let map = &playlist.segments[0].map;
        assert_eq!(riserd.bytes(&format!("/live/main/{track}/{map}"))[4..8], *b"ftyp");
        let listed =
            playlist.segments.iter().flat_map(|segment| [&segment.uri].into_iter().chain(&segment.parts));
        for uri in listed.chain(&playlist.open) {
            let bytes = riserd.bytes(&format!("/live/main/{track}/{uri}"));
            assert!([*b"styp", *b"prft"].contains(bytes[4..8].try_into().unwrap()), "{uri}");
        }
        let others: Vec<_> = playlist.reports.iter().map(|(uri, ..)| uri.as_str()).collect();
        let expected =
            TRACKS.iter().filter(|other| **other != track).map(|other| format!("../{other}/media.m3u8"));
        assert_eq!(others, expected.collect::<Vec<_>>());
    }
}

#[test]
fn a_blocking_reload_answers_with_the_part_and_not_before() {
    let riserd = Riserd::live(SMALL, &TRACKS, 2);
    let path = media_playlist("360p");
    let mut arrivals = Vec::new();
    let mut playlist = riserd.playlist("360p").unwrap();
    for _ in 0..20 {
        let (msn, part) = playlist.next();
        let answer = riserd.get(&format!("{path}?_HLS_msn={msn}&_HLS_part={part}"));
        arrivals.push(Instant::now());
        assert_eq!(answer.status, 200, "{}", answer.text());
        playlist = Playlist::parse(&answer.text());
        let uri = format!("{msn}.{part}.m4s");
        let whole = playlist.segments.iter().any(|segment| segment.parts.contains(&uri));
        assert!(whole || playlist.open.contains(&uri), "{uri} in {}", playlist.text);
        assert_eq!(riserd.get(&format!("/live/main/360p/{uri}")).status, 200);
        for (_, msn_there, part_there) in &playlist.reports {
            // Sound is cut a frame later than pictures, so it may be one part behind, and never more.
            let ahead = (*msn_there * 8 + part_there).abs_diff(msn * 8 + part);
            assert!(ahead <= 1, "a rendition report {ahead} parts away: {}", playlist.text);
        }
    }
    let took = arrivals[19].duration_since(arrivals[0]).as_millis();
    println!("19 parts in {took} ms");
    assert!((17 * PART..=22 * PART).contains(&took), "one part every {PART} ms: 19 in {took} ms");
}

#[test]
fn a_preload_hint_is_answered_when_its_part_is_there() {
    let riserd = Riserd::live(SMALL, &TRACKS, 1);
    for track in TRACKS {
        let hint = riserd.playlist(track).unwrap().hint.unwrap();
        let asked = Instant::now();
        let part = riserd.bytes(&format!("/live/main/{track}/{hint}"));
        assert!(asked.elapsed() < Duration::from_millis(700), "{:?}", asked.elapsed());
        assert_eq!(part, riserd.bytes(&format!("/live/main/{track}/{hint}")), "the same later on");
        let listed = wait::for_some("the part is listed", Duration::from_secs(2), || {
            let playlist = riserd.playlist(track)?;
            let parts = playlist.segments.iter().flat_map(|segment| &segment.parts).chain(&playlist.open);
            parts.clone().any(|uri| *uri == hint).then_some(true)
        });
        assert!(listed);
    }
}

#[test]
fn delta_updates_lead_to_the_whole_playlist() {
    // The Skip Boundary is 12 s: segments older than that must be there.
    let riserd = Riserd::live(SMALL, &TRACKS, 9);
    let path = media_playlist("360p");
    let mut known = riserd.playlist("360p").unwrap();
    let (mut compared, begun) = (0, Instant::now());
    while compared < 5 {
        assert!(begun.elapsed() < Duration::from_secs(10), "only {compared} updates could be compared");
        let (msn, part) = known.next();
        let query = format!("{path}?_HLS_msn={msn}&_HLS_part={part}");
        let delta = riserd.get(&format!("{query}&_HLS_skip=YES")).text();
        let whole = riserd.get(&query).text();
        let again = riserd.get(&format!("{query}&_HLS_skip=v2")).text();
        // A part that came between two requests makes them differ.
        if delta == again {
            assert!(delta.len() < whole.len());
            assert_eq!(known.updated(&delta), whole);
            compared += 1;
        }
        known = Playlist::parse(&whole);
    }
}

#[test]
fn text_is_packed_and_known_text_is_not_sent_again() {
    let riserd = Riserd::live(SMALL, &TRACKS, 3);
    let path = media_playlist("360p");
    wait::until("the same playlist packed and plain", Duration::from_secs(5), || {
        let packed = riserd.ask("GET", &path, &[("accept-encoding", "gzip")]);
        let plain = riserd.get(&path);
        assert_eq!(packed.header("content-encoding"), "gzip");
        assert_eq!(plain.header("content-encoding"), "");
        assert!(packed.header("vary").eq_ignore_ascii_case("accept-encoding"));
        assert!(packed.body.len() * 2 < plain.body.len());
        let mut text = String::new();
        GzDecoder::new(&packed.body[..]).read_to_string(&mut text).unwrap();
        text == plain.text()
    });
    wait::until("a playlist that did not change", Duration::from_secs(5), || {
        let first = riserd.get(&path);
        let second = riserd.ask("GET", &path, &[("if-none-match", first.header("etag"))]);
        second.status == 304 && second.body.is_empty() && second.header("etag") == first.header("etag")
    });
    let segment = format!("/live/main/360p/{}", riserd.playlist("360p").unwrap().segments[0].uri);
    let etag = riserd.get(&segment).header("etag").to_owned();
    assert_eq!(riserd.ask("GET", &segment, &[("if-none-match", &etag)]).status, 304);
    assert_eq!(riserd.ask("GET", &segment, &[("if-none-match", "\"other\"")]).status, 200);
}

#[test]
fn ranges_heads_types_and_lifetimes() {
    let riserd = Riserd::live(SMALL, &TRACKS, 2);
    let playlist = riserd.playlist("360p").unwrap();
    let segment = format!("/live/main/360p/{}", playlist.segments[0].uri);
    let whole = riserd.get(&segment);
    let len = whole.body.len();
    for (range, status, expected) in [
        ("bytes=0-99".to_owned(), 206, &whole.body[..100]),
        (format!("bytes={}-", len - 10), 206, &whole.body[len - 10..]),
        ("bytes=-7".to_owned(), 206, &whole.body[len - 7..]),
        // Across the parts it was made of.
        (format!("bytes=100-{}", len - 100), 206, &whole.body[100..=len - 100]),
        (format!("bytes={len}-"), 416, &[]),
        ("bytes=0-1,5-6".to_owned(), 200, &whole.body[..]),
    ] {
        let answer = riserd.ask("GET", &segment, &[("range", &range)]);
        assert_eq!((answer.status, &answer.body[..] == expected), (status, true), "{range}");
        if status == 416 {
            assert_eq!(answer.header("content-range"), format!("bytes */{len}"));
        }
        if status == 206 {
            assert!(answer.header("content-range").ends_with(&format!("/{len}")), "{range}");
        }
    }
    let init = format!("/live/main/360p/{}", playlist.segments[0].map);
    let part = format!("/live/main/360p/{}.0.m4s", playlist.segments[1].number);
    let sound = format!("/live/main/audio/{}.m4s", playlist.segments[1].number);
    let (reload_msn, _) = playlist.next();
    let forever = "public, max-age=31536000, immutable";
    for (path, content_type, cache) in [
        ("/live/main/master.m3u8".to_owned(), "application/vnd.apple.mpegurl", "public, max-age=2"),
        (media_playlist("360p"), "application/vnd.apple.mpegurl", "public, max-age=1"),
        (
            format!("{}?_HLS_msn={}", media_playlist("360p"), reload_msn - 1),
            "application/vnd.apple.mpegurl",
            "public, max-age=12",
        ),
        ("/live/main/manifest.mpd".to_owned(), "application/dash+xml", "public, max-age=1"),
        (init, "video/mp4", forever),
        (segment, "video/mp4", forever),
        (part, "video/mp4", forever),
        (sound, "audio/mp4", forever),
        ("/time".to_owned(), "text/plain", "no-store"),
    ] {
        let answer = riserd.get(&path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        assert_eq!(answer.header("content-type"), content_type, "{path}");
        assert_eq!(answer.header("cache-control"), cache, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
        let head = riserd.ask("HEAD", &path, &[]);
        assert_eq!((head.status, head.body.len()), (200, 0), "HEAD {path}");
        assert_eq!(head.header("content-type"), content_type, "HEAD {path}");
        assert!(!head.header("content-length").is_empty(), "HEAD {path} tells the length");
    }
    let preflight = riserd.ask(
        "OPTIONS",
        "/live/main/master.m3u8",
        &[("origin", "http://example.org"), ("access-control-request-method", "GET")],
    );
    assert_eq!(preflight.status, 204);
    assert!(preflight.header("access-control-allow-methods").contains("GET"));
    assert!(preflight.header("access-control-allow-headers").contains("range"));
    let post = riserd.ask("POST", "/live/main/master.m3u8", &[("content-length", "0")]);
    assert_eq!(post.status, 405);
    assert!(post.header("allow").contains("GET"));
}

#[test]
fn what_is_wrong_is_refused_and_named() {
    let riserd = Riserd::live(SMALL, &TRACKS, 1);
    let playlist = riserd.playlist("360p").unwrap();
    let (msn, _) = playlist.next();
    let media = media_playlist("360p");
    for (path, status, named) in [
        ("/live/other/master.m3u8".to_owned(), 404, "other"),
        ("/live/main/720p/media.m3u8".to_owned(), 404, "720p"),
        ("/live/main/360p/init-0123456789abcdef.mp4".to_owned(), 404, "init segment"),
        ("/live/main/360p/init-xyz.mp4".to_owned(), 400, "layout"),
        ("/live/main/360p/1.m4s".to_owned(), 410, "segment 1 "),
        (format!("/live/main/360p/{}.m4s", msn + 100), 404, "segment"),
        (format!("/live/main/360p/{msn}.99.m4s"), 404, "part"),
        ("/live/main/360p/007.m4s".to_owned(), 400, "segment number"),
        ("/live/main/360p/-7.m4s".to_owned(), 400, "segment number"),
        ("/live/main/360p/7.x.m4s".to_owned(), 400, "part index"),
        ("/live/main/360p/tx.m4s".to_owned(), 400, "decode time"),
        ("/live/main/360p/99999999999999999999999.m4s".to_owned(), 400, "segment number"),
        ("/live/ma%2Ein/master.m3u8".to_owned(), 400, "channel"),
        ("/live/%zz/master.m3u8".to_owned(), 400, "path"),
        ("/live/main/360p/media.mpd".to_owned(), 404, "no such path"),
        (format!("{media}?_HLS_msn=x"), 400, "_HLS_msn"),
        (format!("{media}?_HLS_msn={msn}&_HLS_part=x"), 400, "_HLS_part"),
        (format!("{media}?_HLS_part=1"), 400, "_HLS_part"),
        (format!("{media}?_HLS_msn=1&_HLS_msn=2"), 400, "_HLS_msn"),
        (format!("{media}?_HLS_skip=maybe"), 400, "_HLS_skip"),
        (format!("{media}?_HLS_msn={}", msn + 10), 400, "_HLS_msn"),
    ] {
        let asked = Instant::now();
        let answer = riserd.get(&path);
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        assert!(answer.text().contains(named), "{path} should name {named}: {}", answer.text());
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert!(asked.elapsed() < Duration::from_millis(500), "{path} is refused at once");
    }
    assert_eq!(riserd.get("/no/such/page").status, 404);
    assert_eq!(riserd.get("/../../etc/passwd").status, 404);
    assert_eq!(riserd.get("/%2e%2e/%2e%2e/etc/passwd").status, 404);
    assert_eq!(http::get(riserd.management, "/api/v1/nothing").unwrap().status, 404);
    let part = http::get(riserd.management, "/api/v1/status/nothing").unwrap();
    assert!(part.status == 404 && part.text().contains("channel"), "{}", part.text());
    let within = http::get(riserd.management, "/api/v1/status/channels/main/renditions/360p/name").unwrap();
    assert_eq!((within.status, within.text().as_str()), (200, "\"360p\""));
    let beyond = http::get(riserd.management, "/api/v1/status/channels/0/renditions/9").unwrap();
    assert!(beyond.status == 404 && beyond.text().contains("a list of 3"), "{}", beyond.text());
}

#[test]
fn many_viewers_are_woken_by_one_part() {
    let riserd = Riserd::live(SMALL, &TRACKS, 1);
    let (msn, part) = riserd.playlist("360p").unwrap().next();
    // Two parts ahead, so that all have asked before it is there.
    let (msn, part) = if part + 2 < 8 { (msn, part + 2) } else { (msn + 1, part + 2 - 8) };
    let path = format!("{}?_HLS_msn={msn}&_HLS_part={part}", media_playlist("360p"));
    let answers = thread::scope(|scope| {
        let viewers: Vec<_> = (0..100)
            .map(|_| scope.spawn(|| (http::get(riserd.viewers, &path).unwrap(), Instant::now())))
            .collect();
        viewers.into_iter().map(|viewer| viewer.join().unwrap()).collect::<Vec<_>>()
    });
    let uri = format!("\"{msn}.{part}.m4s\"");
    assert!(answers.iter().all(|(answer, _)| answer.status == 200 && answer.text().contains(&uri)));
    let first = answers.iter().map(|(_, at)| *at).min().unwrap();
    let last = answers.iter().map(|(_, at)| *at).max().unwrap();
    println!("100 viewers answered within {} ms", last.duration_since(first).as_millis());
    assert!(last.duration_since(first) < Duration::from_millis(200), "in less than a part");
}
