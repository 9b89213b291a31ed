//! Several doors for viewers, each with a policy of its own.

use std::{
    fs,
    sync::mpsc,
    thread,
    time::{Duration, Instant, SystemTime},
};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use riser_tests::{
    Riserd, hmac, http,
    riserd::{PATIENCE, SMALL, TRACKS, free_addresses},
    wait,
};
use serde_json::{Value, json};
use tempfile::TempDir;

const POLICY: &str = "<cross-domain-policy><allow-access-from domain=\"*\"/></cross-domain-policy>";

#[test]
fn each_endpoint_has_its_own_rules() {
    let [press, public] = free_addresses();
    let folder = TempDir::new().unwrap();
    let policy = folder.path().join("crossdomain.xml");
    fs::write(&policy, POLICY).unwrap();
    let settings = format!(
        "{SMALL}
        [[endpoint]]
        name = 'press'
        listen = '{press}'
        allow = ['10.1.0.1(255.255.0.0)', '2001:db8::/32']
        trusted_proxies = ['127.0.0.1']
        [[endpoint]]
        name = 'public'
        listen = '{public}'
        max_age = '1min'
        cross_domain_policy = '{}'\n",
        policy.display()
    );
    let riserd = Riserd::live(&settings, &TRACKS, 1);
    let master = "/live/main/master.m3u8";
    let asked = |forwarded: &[(&str, &str)]| http::request(press, "GET", master, forwarded).unwrap();
    let refused = asked(&[]);
    assert_eq!((refused.status, refused.header("cache-control")), (403, "no-store"));
    for (forwarded, status) in [
        ("10.1.200.9", 200),
        ("10.2.0.1, 10.1.200.9", 200),
        ("2001:db8::7", 200),
        ("10.1.200.9, 10.2.0.1", 403),
        ("what?", 403),
    ] {
        assert_eq!(asked(&[("X-Forwarded-For", forwarded)]).status, status, "{forwarded}");
    }

    let init = riserd.get("/live/main/360p/media.m3u8").text();
    let init =
        init.lines().find_map(|line| line.strip_prefix("#EXT-X-MAP:URI=\"")?.strip_suffix('"')).unwrap();
    let init = format!("/live/main/360p/{init}");
    assert!(riserd.get(&init).header("cache-control").contains("max-age=31536000"));
    let kept = http::get(public, &init).unwrap();
    assert_eq!((kept.status, kept.header("cache-control")), (200, "public, max-age=60"));
    let served = http::get(public, "/crossdomain.xml").unwrap();
    assert_eq!((served.header("content-type"), served.text().as_str()), ("text/xml", POLICY));
    assert_eq!(riserd.get("/crossdomain.xml").status, 404);

    // The status is renewed a few times in a second.
    wait::until("what was refused is told", PATIENCE, || riserd.state("/endpoints/1/refused") == 3);
    let status = riserd.status();
    let told = |nth: usize| {
        let endpoint = &status["endpoints"][nth];
        (endpoint["name"].as_str().unwrap().to_owned(), endpoint["refused"].as_u64().unwrap())
    };
    assert_eq!([told(0), told(1), told(2)].map(|(name, _)| name), ["default", "press", "public"]);
    assert_eq!([told(0).1, told(1).1, told(2).1], [0, 3, 0]);
    assert_eq!(status["endpoints"][1]["requests"], 6);
}

#[test]
fn behind_a_delivery_network_only_what_it_has_signed_comes_through() {
    let [edge, _] = free_addresses();
    let folder = TempDir::new().unwrap();
    let key = folder.path().join("key");
    fs::write(&key, BASE64.encode(b"of the network")).unwrap();
    let settings = format!(
        "{SMALL}
        [[endpoint]]
        name = 'edge'
        listen = '{edge}'
        [[endpoint.signature]]
        id = 'k1'
        key_file = '{}'\n",
        key.display()
    );
    let riserd = Riserd::live(&settings, &TRACKS, 1);
    let target = "/live/main/master.m3u8?filter=";
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let asked = |time: u64, id: &str, of: &str| {
        let data = format!("5, 203.0.113.7, 198.51.100.9, {time}, 1234.5678, {id}");
        let sign = BASE64.encode(hmac::sha256(b"of the network", &format!("{data}{of}")));
        let headers = [("X-Akamai-G2O-Auth-Data", &*data), ("X-Akamai-G2O-Auth-Sign", &*sign)];
        http::request(edge, "GET", "/live/main/master.m3u8?filter=", &headers).unwrap().status
    };
    // An empty filter is no name: the request has come through.
    assert_eq!(asked(now, "k1", target), 400);
    assert_eq!(asked(now, "k1", target), 403, "a signature counts once");
    for (time, id, of) in
        [(now - 60, "k1", target), (now, "k2", target), (now, "k1", "/live/main/master.m3u8")]
    {
        assert_eq!(asked(time, id, of), 403, "{time} {id} {of}");
    }
    assert_eq!(http::get(edge, "/live/main/master.m3u8").unwrap().status, 403);
    assert_eq!(riserd.get("/live/main/master.m3u8").status, 200);
    wait::until("what was refused is told", PATIENCE, || riserd.state("/endpoints/1/refused") == 5);
}

#[test]
fn at_the_cap_nobody_begins_to_watch_and_who_watches_goes_on() {
    let [narrow, _] = free_addresses();
    let settings = format!("{SMALL}[[endpoint]]\nname = 'narrow'\nlisten = '{narrow}'\negress_mbps = 8\n");
    let riserd = Riserd::live(&settings, &TRACKS, 3);
    // Without bodies, which would count, too.
    let head = |path: &str| http::request(narrow, "HEAD", path, &[]).unwrap();
    let master = || head("/live/main/master.m3u8");
    assert_eq!(master().status, 200);
    let manifest = http::get(narrow, "/live/main/manifest.mpd").unwrap().text();
    assert!(manifest.contains("<Location>manifest.mpd?timeline=live</Location>"), "{manifest}");
    let playlist = riserd.playlist("360p").unwrap();
    let segment = format!("/live/main/360p/{}.m4s", playlist.media_sequence + 1);
    // Somebody takes a megabyte and a bit a second, some tenth more than there is.
    let bytes = http::get(narrow, &segment).unwrap().body.len() as u64;
    let each = Duration::from_micros(bytes * 1_000_000 / 1_120_000);
    let full = thread::scope(|scope| {
        let (enough, enough_said) = mpsc::channel::<()>();
        scope.spawn(move || {
            let mut next = Instant::now();
            while enough_said.try_recv() == Err(mpsc::TryRecvError::Empty) {
                http::get(narrow, &segment).unwrap();
                next += each;
                thread::sleep(next.saturating_duration_since(Instant::now()));
            }
        });
        let full = wait::for_some("newcomers are turned away", PATIENCE, || {
            let watching = ["360p/media.m3u8", "manifest.mpd?timeline=live"];
            let served = watching.map(|path| head(&format!("/live/main/{path}")).status);
            Some(master()).filter(|answer| answer.status == 503 && served == [200, 200])
        });
        drop(enough);
        full
    });
    assert_eq!((full.header("retry-after"), full.header("cache-control")), ("5", "no-store"));
    assert_eq!(riserd.get("/live/main/master.m3u8").status, 200, "the other endpoint has room");
    wait::until("there is room again", PATIENCE, || master().status == 200);
    assert!(riserd.count("/endpoints/1/turned_away") > 0 && riserd.count("/endpoints/1/sent") > 1_000_000);
}

#[test]
fn a_stopped_endpoint_serves_nobody_and_stays_stopped() {
    let [press, _] = free_addresses();
    let settings = format!("{SMALL}[[endpoint]]\nname = 'press'\nlisten = '{press}'\n");
    let mut riserd = Riserd::live(&settings, &TRACKS, 1);
    let master = || http::get(press, "/live/main/master.m3u8").unwrap();
    assert_eq!(master().status, 200);
    let steer =
        |riserd: &Riserd, what: &str| riserd.api("POST", &format!("/endpoints/press/{what}"), &Value::Null);
    let stopped = steer(&riserd, "stop");
    assert_eq!((stopped.status, stopped.text("/state")), (200, "stopped".to_owned()));
    let answer = master();
    assert_eq!((answer.status, answer.header("retry-after")), (503, "5"));
    assert_eq!(riserd.get("/live/main/master.m3u8").status, 200, "the other one goes on");
    riserd.kill();
    riserd.start_again();
    wait::until("the box serves again", PATIENCE, || riserd.get("/live/main/master.m3u8").status == 200);
    assert_eq!((master().status, riserd.state("/endpoints/1/state")), (503, json!("stopped")));
    assert_eq!(steer(&riserd, "start").text("/state"), "running");
    assert_eq!(master().status, 200);
    assert_eq!(riserd.api("POST", "/endpoints/none/stop", &Value::Null).status, 404);
}
