//! Viewers who mean no good: slow and huge requests, thousands of idle connections, ranges and paths that make no sense. The box
//! stays live for all others meanwhile, in bounded memory.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use riser_tests::{
    Riserd, http,
    riserd::{PATIENCE, SMALL, TRACKS},
    wait,
};
use rustix::process::{Resource, getrlimit};

const MASTER: &str = "/live/main/master.m3u8";
/// A request's headers must have come after 30 s.
const HEADERS: Duration = Duration::from_secs(45);

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
}

/// The status that a raw request is answered with; none where the connection is closed without an answer.
fn raw(address: SocketAddr, request: &[u8]) -> Option<u16> {
    let mut stream = connect(address);
    // It may be closed while there is more to come.
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let text = String::from_utf8_lossy(&answer);
    text.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()
}

/// Megabytes that riserd has resident.
fn resident(riserd: &Riserd) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", riserd.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().split(' ').next().unwrap().parse::<u64>().unwrap() / 1024
}

/// That the box is live and answers within a second.
fn is_live(riserd: &Riserd) {
    let newest = riserd.playlist("360p").unwrap().last_whole();
    wait::until("a segment more", PATIENCE, || {
        let asked = Instant::now();
        assert_eq!(riserd.get(MASTER).status, 200);
        assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
        riserd.playlist("360p").unwrap().last_whole() > newest
    });
}

#[test]
fn requests_that_never_end_are_cut_off() {
    let riserd = Riserd::live(SMALL, &TRACKS, 1);
    // Each sends a byte of its headers now and then.
    let mut slow: Vec<TcpStream> = (0..200).map(|_| connect(riserd.viewers)).collect();
    let begun = Instant::now();
    let text = b"GET /live/main/master.m3u8 HTTP/1.1\r\nHost: box\r\nX-Slow: ";
    let mut bytes = text.iter().chain(std::iter::repeat(&b'a'));
    wait::until("all are cut off", HEADERS, || {
        let byte = bytes.next().unwrap();
        slow.retain_mut(|stream| {
            let open = stream.write_all(&[*byte]).is_ok();
            stream.set_nonblocking(true).unwrap();
            let read = stream.read(&mut [0; 64]);
            stream.set_nonblocking(false).unwrap();
            open && matches!(read, Err(error) if error.kind() == ErrorKind::WouldBlock)
        });
        slow.is_empty()
    });
    assert!(begun.elapsed() > Duration::from_secs(5), "{:?}", begun.elapsed());
    // Huge headers, many of them, a line without an end, no HTTP at all.
    let huge = format!("GET {MASTER} HTTP/1.1\r\nHost: box\r\nX-Huge: {}\r\n\r\n", "a".repeat(1 << 20));
    assert!([None, Some(431)].contains(&raw(riserd.viewers, huge.as_bytes())));
    let many = format!("GET {MASTER} HTTP/1.1\r\nHost: box\r\n{}\r\n", "X: y\r\n".repeat(5000));
    assert!([None, Some(431)].contains(&raw(riserd.viewers, many.as_bytes())));
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(1 << 20));
    assert!([None, Some(414), Some(431)].contains(&raw(riserd.viewers, long.as_bytes())));
    assert!([None, Some(400)].contains(&raw(riserd.viewers, &[0xff; 4096])));
    is_live(&riserd);
}

#[test]
fn idle_connections_keep_nobody_out() {
    let riserd = Riserd::live(SMALL, &TRACKS, 2);
    let before = resident(&riserd);
    // The box may have as many files open as this test: half of them leaves room on both sides.
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let idle: Vec<TcpStream> = (0..10_000.min(files / 2)).map(|_| connect(riserd.viewers)).collect();
    is_live(&riserd);
    // Slow readers: each asks for a segment and takes none of it.
    let segment = format!("/live/main/360p/{}.m4s", riserd.playlist("360p").unwrap().media_sequence);
    let request = format!("GET {segment} HTTP/1.1\r\nHost: box\r\n\r\n");
    for mut stream in idle.iter().take(idle.len() / 5) {
        stream.write_all(request.as_bytes()).unwrap();
    }
    is_live(&riserd);
    let after = resident(&riserd);
    println!("{} connections: {before} MB before, {after} MB with them", idle.len());
    assert!(after < before + 300, "{before} MB before, {after} MB with {} connections", idle.len());
    drop(idle);
    is_live(&riserd);
}

#[test]
fn ranges_and_paths_lead_nowhere_else() {
    let riserd = Riserd::live(SMALL, &TRACKS, 2);
    let segment = format!("/live/main/360p/{}.m4s", riserd.playlist("360p").unwrap().media_sequence);
    let whole = riserd.bytes(&segment);
    let many = format!("bytes={}", (0..2000).map(|nth| format!("{nth}-")).collect::<Vec<_>>().join(","));
    for range in [&*many, "bytes=0-18446744073709551615", "bytes=-1", "bytes=5-1", "bytes=a-b", "lines=1-2"] {
        let answer = riserd.ask("GET", &segment, &[("range", range)]);
        assert!([200, 206, 416].contains(&answer.status), "{range:.30}: {}", answer.status);
        assert!(answer.body.len() <= whole.len(), "{range:.30}: {} bytes", answer.body.len());
    }
    for path in [
        "/../../etc/passwd",
        "/assets/../../../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/..%2f..%2fetc%2fpasswd",
        "/live/../../etc/passwd",
        "/live/main/..%2f..%2f..%2fetc%2fpasswd",
        "/vod/..%2f/thumbnails-0.jpg",
        "/keys/..%2f..%2fsettings.toml",
        "/live/main/%00/media.m3u8",
        "//etc/passwd",
        "/live/main/360p/99999999999999999999999999.m4s",
        "/live/main/360p/18446744073709551615.m4s",
        "/live/main/360p/t18446744073709551615.m4s",
        "/live/main/ts/360p/18446744073709551615.ts",
        "/live/main/hds/360p/Seg1-Frag4294967295",
        "/live/main/smooth.ism/QualityLevels(1)/Fragments(video=18446744073709551615)",
        "/live/main/360p/media.m3u8?_HLS_msn=18446744073709551615&_HLS_part=4294967295",
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: box\r\nConnection: close\r\n\r\n");
        let status = raw(riserd.viewers, request.as_bytes());
        // HDS has 503 for what is not there.
        let refused = status.is_some_and(|status| (400..500).contains(&status) || status == 503);
        assert!(refused, "{path}: {status:?}");
    }
    for method in ["POST", "PUT", "DELETE", "TRACE", "CONNECT"] {
        let answer = http::request(riserd.viewers, method, MASTER, &[]).unwrap();
        assert_eq!(answer.status, 405, "{method}");
    }
    is_live(&riserd);
    assert!(!riserd.log().contains("panicked"), "{}", riserd.log());
}
