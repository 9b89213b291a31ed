//! What is encrypted on the way out: ffmpeg decrypts it to the samples that are there in the clear, policies say who gets what,
//! and keys are given to who may have them.

use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64_URL};
use riser_tests::{
    Riserd, hmac, http, peers,
    riserd::{PATIENCE, SMALL, TRACKS},
    wait,
};
use serde_json::{Value, json};
use tempfile::TempDir;

const KEY: &str = "000102030405060708090a0b0c0d0e0f";
const KEY_ID: &str = "6e5a1d26-2757-47d7-8046-eaa5d1d34b5a";
/// The key's id as Clear Key has it.
const KID: &str = "blodJidXR9eARuql0dNLWg";
const SECRET: &str = "of a shop that sells tickets";

/// Settings with the key `house`, which everybody gets, and `guarded`, which needs a token that names it.
fn settings(folder: &Path, delivery: &str) -> String {
    let file = |name: &str, text: &str| {
        fs::write(folder.join(name), text).unwrap();
        folder.join(name).display().to_string()
    };
    format!(
        "{SMALL}{delivery}
        [[content_key]]
        name = 'house'
        id = '{KEY_ID}'
        key_file = '{}'
        system = [{{ name = 'clear-key' }}, {{ name = 'playready', url = 'https://rights.example' }}]
        [[content_key]]
        name = 'guarded'
        id = '11111111-2757-47d7-8046-eaa5d1d34b5a'
        key_file = '{}'
        [content_key.token]
        issuer = 'https://tickets.example'
        audience = 'viewers'
        secret_files = ['{}']
        key_claim = 'kid'
        [[content_key]]
        name = 'inside'
        id = '22222222-2757-47d7-8046-eaa5d1d34b5a'
        key_file = '{}'
        allow = ['10.0.0.0/8']\n",
        file("house", KEY),
        file("guarded", "ffffffffffffffffffffffffffffff01\n"),
        file("secret", SECRET),
        file("inside", "ffffffffffffffffffffffffffffff02\n"),
    )
}

/// Everything in the clear and in every encryption.
const ALL: &str = "
[[channel.delivery]]
protection = 'clear'
[[channel.delivery]]
protection = 'cbcs'
key = 'house'
[[channel.delivery]]
protection = 'cenc'
key = 'house'
[[channel.delivery]]
protection = 'aes-128'
key = 'house'
";

/// What ffmpeg copies out of a file, packet by packet: sizes and checksums of their data. It is read front to back, as ffmpeg
/// before 6.0 mixes up what it knows of encryption when it can jump.
fn packets(film: &Path, key: Option<&str>) -> Vec<String> {
    let name = film.to_string_lossy();
    let key: &[&str] = key.map_or(&[], |_| &["-decryption_key", KEY]);
    let read =
        ["-seekable", "0", "-i", &name, "-map", "0", "-c", "copy", "-f", "framehash", "-hash", "md5", "-"];
    let told = peers::ffmpeg(&[key, &read].concat(), PATIENCE);
    let told = String::from_utf8(told).unwrap();
    let fields = |line: &str| line.split(',').skip(4).take(2).map(str::trim).collect::<Vec<_>>().join(" ");
    told.lines().filter(|line| !line.starts_with('#')).map(fields).collect()
}

fn joined(riserd: &Riserd, name: &str, paths: impl IntoIterator<Item = String>) -> std::path::PathBuf {
    let film = riserd.state_dir().join(name);
    let bytes: Vec<Vec<u8>> = paths.into_iter().map(|path| riserd.bytes(&path)).collect();
    fs::write(&film, bytes.concat()).unwrap();
    film
}

#[test]
fn what_is_encrypted_has_the_samples_that_are_there_in_the_clear() {
    let folder = TempDir::new().unwrap();
    let riserd = Riserd::live(&settings(folder.path(), ALL), &TRACKS, 4);
    for track in TRACKS {
        let playlist = riserd.playlist(track).unwrap();
        let numbers: Vec<_> = (0..3).map(|nth| playlist.media_sequence + nth).collect();
        let init = &playlist.segments[0].map;
        let plain = packets(&riserd.film(track, numbers.clone()), None);
        assert!(plain.len() > 100, "{plain:?}");
        for scheme in ["cenc", "cbcs"] {
            let base = format!("/live/main/{scheme}/{track}");
            let segments = numbers.iter().map(|number| format!("{base}/{number}.m4s"));
            let film = [format!("{base}/{init}")].into_iter().chain(segments);
            let film = joined(&riserd, &format!("{scheme}-{track}.mp4"), film);
            assert_eq!(packets(&film, Some(KEY)), plain, "{scheme} {track}");
            let as_it_is = fs::read(&film).unwrap();
            assert!(as_it_is.windows(4).any(|four| four == scheme.as_bytes()), "{scheme} {track}");
            // Its parts are the same bytes.
            let number = numbers[2];
            let parts = (0..8).map(|part| format!("{base}/{number}.{part}.m4s"));
            let parts = joined(&riserd, "parts.mp4", parts);
            assert!(as_it_is.ends_with(&fs::read(parts).unwrap()), "{scheme} {track}");
        }
        check_envelope(&riserd, track, init, numbers[0]);
        check_key_frame(&riserd, track, init, numbers[0]);
    }
    check_smooth(&riserd);
    let address = format!("http://{}/live/main/aes-128", riserd.viewers);
    for file in ["master.m3u8", "ts/master.m3u8"] {
        let film = format!("{address}/{file}");
        peers::play(&["-i", &film, "-t", "3", "-c", "copy", "-f", "null", "-"], Duration::from_secs(60));
    }
}

/// ffmpeg undoes AES-128 of a file by itself.
fn check_envelope(riserd: &Riserd, track: &str, init: &str, number: u64) {
    let text = riserd.get(&format!("/live/main/aes-128/{track}/media.m3u8")).text();
    assert!(
        text.contains("METHOD=AES-128,URI=\"/keys/house\",IV=0x") && !text.contains("EXT-X-PART"),
        "{text}"
    );
    let iv = text.split("IV=0x").nth(1).unwrap().get(..32).unwrap();
    for file in [init.to_owned(), format!("{number}.m4s")] {
        let sealed = joined(riserd, "sealed", [format!("/live/main/aes-128/{track}/{file}")]);
        let sealed = format!("crypto:{}", sealed.display());
        let undo = ["-key", KEY, "-iv", iv, "-f", "data", "-i", &sealed];
        let plain =
            peers::ffmpeg(&[&undo[..], &["-map", "0", "-c", "copy", "-f", "data", "-"]].concat(), PATIENCE);
        assert!(plain == riserd.bytes(&format!("/live/main/{track}/{file}")), "{track} {file}");
    }
}

fn check_key_frame(riserd: &Riserd, track: &str, init: &str, number: u64) {
    if track == "audio" {
        return;
    }
    let film = |folder: &str, name: &str| {
        let base = format!("/live/main{folder}/{track}");
        joined(riserd, name, [format!("{base}/{init}"), format!("{base}/i{number}.m4s")])
    };
    assert_eq!(packets(&film("/cbcs", "key.mp4"), Some(KEY)), packets(&film("", "key.mp4"), None));
}

/// A fragment of Smooth Streaming with its own kind of box, made into what ffmpeg reads: nothing changes its place.
fn check_smooth(riserd: &Riserd) {
    let manifest = riserd.get("/live/main/cenc/smooth.ism/Manifest").text();
    let manifest = roxmltree::Document::parse(&manifest).unwrap();
    let header = manifest.descendants().find(|node| node.has_tag_name("ProtectionHeader")).unwrap();
    assert_eq!(header.attribute("SystemID"), Some("9A04F079-9840-4286-AB92-E65BE0885F95"));
    for (kind, track) in [("video", "360p"), ("audio", "audio")] {
        let stream = manifest.descendants().find(|node| node.attribute("Type") == Some(kind)).unwrap();
        let level = stream.children().find(|node| node.has_tag_name("QualityLevel")).unwrap();
        let (name, bitrate) = (stream.attribute("Name").unwrap(), level.attribute("Bitrate").unwrap());
        let first = stream.children().find(|node| node.has_tag_name("c")).unwrap().attribute("t").unwrap();
        let base = format!("/live/main/cenc/smooth.ism/QualityLevels({bitrate})");
        let fragment = riserd.bytes(&format!("{base}/Fragments({name}={first})"));
        let raw = riserd.bytes(&format!("{base}/RawFragments({name}={first})"));
        assert!(fragment.ends_with(&raw), "{kind}");

        let own = b"\xa2\x39\x4f\x52\x5a\x9b\x4f\x14\xa2\x44\x6c\x42\x7c\x64\x8d\xf4";
        let at = fragment.windows(16).position(|bytes| bytes == own).unwrap() - 8;
        let mut fragment = fragment;
        let size = u32::from_be_bytes(*fragment[at..].first_chunk().unwrap());
        let head = [&16u32.to_be_bytes()[..], b"free", &[0; 8], &(size - 16).to_be_bytes(), b"senc"].concat();
        fragment[at..at + 24].copy_from_slice(&head);
        let mut init = riserd
            .bytes(&format!("/live/main/cenc/{track}/{}", riserd.playlist(track).unwrap().segments[0].map));
        // Vectors of eight bytes instead of sixteen.
        let tenc = init.windows(4).position(|kind| kind == b"tenc").unwrap();
        assert_eq!(init[tenc + 8..tenc + 12], [0, 0, 1, 16]);
        init[tenc + 11] = 8;
        let film = riserd.state_dir().join("smooth.mp4");
        fs::write(&film, [init, fragment].concat()).unwrap();
        let clear = riserd
            .bytes(&format!("/live/main/smooth.ism/QualityLevels({bitrate})/RawFragments({name}={first})"));
        assert!(clear != raw && clear.len() == raw.len(), "{kind}");
        let read = packets(&film, Some(KEY));
        let bytes = read.iter().map(|packet| packet.split(' ').next().unwrap().parse::<usize>().unwrap());
        assert_eq!(bytes.sum::<usize>(), raw.len(), "{kind}");
        assert!(packets_of(riserd, track, &read), "{kind}: {read:?}");
    }
}

/// Whether these packets are among a track's own in the clear.
fn packets_of(riserd: &Riserd, track: &str, wanted: &[String]) -> bool {
    let playlist = riserd.playlist(track).unwrap();
    let whole = playlist.segments.iter().filter(|segment| !segment.uri.is_empty()).count() as u64;
    let numbers = (0..whole).map(|nth| playlist.media_sequence + nth);
    let all = packets(&riserd.film(track, numbers), None);
    all.windows(wanted.len()).any(|some| some == wanted)
}

#[test]
fn policies_say_who_gets_what() {
    let folder = TempDir::new().unwrap();
    let delivery = "
    [[channel.delivery]]
    protocols = ['hls', 'dash']
    protection = 'cbcs'
    key = 'house'\n";
    let riserd = Riserd::start(&settings(folder.path(), delivery));
    wait::until("it is live", PATIENCE, || riserd.get("/live/main/cbcs/360p/iframes.m3u8").status == 200);
    let leads = |path: &str| {
        let answer = riserd.get(path);
        (answer.status, answer.header("location").to_owned())
    };
    let at = |place: &str| (302, place.to_owned());
    assert_eq!(leads("/live/main/master.m3u8?token=a%2Bb"), at("/live/main/cbcs/master.m3u8?token=a%2Bb"));
    assert_eq!(leads("/live/main/manifest.mpd"), at("/live/main/cbcs/manifest.mpd"));
    assert_eq!(leads("/live/main/x.ism/Manifest(format=mpd-time-csf)"), at("/live/main/cbcs/manifest.mpd"));
    let init = riserd.get("/live/main/cbcs/360p/media.m3u8").text();
    let init = init.split("EXT-X-MAP:URI=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    for (path, status) in [
        ("360p/media.m3u8", 403),
        (&*format!("360p/{init}"), 403),
        ("cenc/master.m3u8", 403),
        ("aes-128/master.m3u8", 403),
        ("ts/master.m3u8", 403),
        ("smooth.ism/Manifest", 403),
        ("hds/manifest.f4m", 403),
        ("x.ism/Manifest(encryption=cbc,format=m3u8-aapl)", 403),
        ("x.ism/Manifest(encryption=rot13)", 400),
        (&*format!("cbcs/360p/{init}"), 200),
        ("cbcs/manifest.mpd", 200),
        ("cbcs/360p/iframes.m3u8", 200),
    ] {
        let answer = riserd.get(&format!("/live/main/{path}"));
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
    }

    // A program is no way around: its asset begins as its channel is.
    let (program, asset) = riserd.program("Guarded", "show", None);
    wait::until("something is recorded", PATIENCE, || {
        riserd.get("/vod/show/cbcs/360p/media.m3u8").status == 200
    });
    assert_eq!(leads("/vod/show/master.m3u8"), at("/vod/show/cbcs/master.m3u8"));
    assert_eq!(leads("/show/x.ism/Manifest(format=m3u8-aapl)"), at("/vod/show/cbcs/master.m3u8"));
    for path in ["360p/media.m3u8", "download.mp4", "thumbnails.vtt", "smooth.ism/Manifest"] {
        assert_eq!(riserd.get(&format!("/vod/show/{path}")).status, 403, "{path}");
    }
    let put = |policies: Value| {
        riserd.api("PUT", &format!("/assets/{asset}/delivery"), &json!({ "policies": policies }))
    };
    let refused = put(json!([{ "protection": "cenc", "key": "lost" }]));
    assert_eq!((refused.status, refused.text("/field")), (400, "policies[0].key".to_owned()));
    assert_eq!(put(json!([{ "protection": "cenc", "key": "house" }])).status, 200);
    assert_eq!(leads("/vod/show/manifest.mpd"), at("/vod/show/cenc/manifest.mpd"));
    assert_eq!(riserd.get("/vod/show/cbcs/master.m3u8").status, 403);
    assert_eq!(put(json!([])).status, 200);
    assert_eq!(riserd.get("/vod/show/360p/media.m3u8").status, 200);
    assert_eq!(riserd.get("/vod/show/cenc/360p/media.m3u8").status, 403);
    riserd.operate(&format!("/programs/{program}/stop"));
}

/// A token as a shop would make it (RFC 7515), by nothing that the box has.
fn ticket(claims: &Value) -> String {
    let part = |value: &Value| BASE64_URL.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({ "alg": "HS256", "typ": "JWT" })), part(claims));
    format!("{signed}.{}", BASE64_URL.encode(hmac::sha256(SECRET.as_bytes(), &signed)))
}

#[test]
fn keys_are_given_to_who_may_have_them() {
    let folder = TempDir::new().unwrap();
    let riserd = Riserd::live(&settings(folder.path(), ""), &TRACKS, 1);
    let key = |path: &str, headers: &[(&str, &str)]| riserd.ask("GET", path, headers);
    let given = key("/keys/house", &[]);
    assert_eq!((given.status, given.header("cache-control")), (200, "no-store"));
    assert_eq!(given.body, (0..16).collect::<Vec<u8>>());
    let post =
        |path: &str, body: &str| http::send(riserd.viewers, "POST", path, &[], body.as_bytes()).unwrap();
    assert_eq!(post("/keys/house", "").body.len(), 16);
    let licence = post("/keys/house", &json!({ "kids": [KID], "type": "temporary" }).to_string());
    let licence: Value = serde_json::from_slice(&licence.body).unwrap();
    let k = BASE64_URL.encode((0..16).collect::<Vec<u8>>());
    assert_eq!(licence["keys"], json!([{ "kty": "oct", "kid": KID, "k": k }]));
    for body in [r#"{"kids":["AAAA"]}"#, "{", r#"{"kids":7}"#, &format!("{{{}", " ".repeat(5000))] {
        assert_eq!(post("/keys/house", body).status, 400, "{body:.20}");
    }
    for path in ["/keys/none", "/keys/", "/keys/a/b", "/keys/..%2Fhouse"] {
        assert!([400, 404].contains(&key(path, &[]).status), "{path}");
    }
    assert_eq!(key("/keys/inside", &[]).status, 403);

    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let good = json!({
        "iss": "https://tickets.example", "aud": "viewers", "exp": now + 60,
        "kid": "11111111-2757-47d7-8046-eaa5d1d34b5a",
    });
    let changed = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        ticket(&claims)
    };
    let token = ticket(&good);
    let asked = |token: &str| key(&format!("/keys/guarded?token={token}"), &[]);
    assert_eq!(asked(&token).body[15], 1);
    assert_eq!(key("/keys/guarded", &[("authorization", &format!("Bearer {token}"))]).status, 200);
    let mut refused = 1;
    for (token, said) in [
        (String::new(), "the key needs a token"),
        (changed("exp", json!(now - 60)), "the token has expired"),
        (changed("aud", json!("others")), "claim `aud` of the token is not what it must be"),
        (changed("kid", json!(KEY_ID)), "claim `kid` of the token is not what it must be"),
        (token.replacen('.', ".e30", 1), "none of the known keys has signed the token"),
        (format!("{}AAAA", &token[..token.len() - 4]), "none of the known keys has signed the token"),
    ] {
        let answer = asked(&token);
        assert_eq!((answer.status, answer.text().as_str()), (401, said));
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        refused += 1;
    }
    // What has been given and refused is told, and no secret is.
    wait::until("what was refused is told", PATIENCE, || {
        riserd.state("/endpoints/0/keys_refused") == refused
    });
    assert_eq!(riserd.state("/endpoints/0/keys"), 5);
    let log = riserd.log();
    let told =
        [log, riserd.status().to_string(), riserd.api("GET", "/channels", &Value::Null).body.to_string()];
    for secret in [KEY, SECRET, &token, "ffffffffffffffffffffffffffffff01"] {
        assert!(told.iter().all(|text| !text.contains(secret)), "{secret}");
    }

    // Who asks again and again is slowed down.
    let mut answers = (0..2000).map(|_| key("/keys/house", &[]));
    let answer = answers.find(|answer| answer.status != 200).expect("an address asks too often");
    assert_eq!((answer.status, answer.header("retry-after")), (429, "1"));
}
