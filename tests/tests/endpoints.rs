//! Several doors for viewers, each with a policy of its own.

use std::fs;

use riser_tests::{
    Riserd, http,
    riserd::{PATIENCE, SMALL, TRACKS, free_addresses},
    wait,
};
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
