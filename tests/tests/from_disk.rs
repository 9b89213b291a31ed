//! What the kernel sends from the disk is what was recorded: whole, in ranges, beside other answers on one connection, over HTTP/2.

use std::{
    collections::HashSet,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::Command,
    time::Duration,
};

use riser_tests::{Riserd, http, wait};

const PATIENCE: Duration = Duration::from_secs(60);
/// Parts large enough to be sent so.
const SETTINGS: &str = "[channel.input]\nkind = 'test'\nwidth = 1280\nheight = 720\n[[channel.ladder]]\nheight = 720\n\
                        bitrate = 4000000\n";
/// So often in a row an extent is open that is not only scrubbed.
const LOOKS: usize = 50;
/// Asked for more often than a segment is sent from RAM.
const OFTEN: usize = 12;

/// Extents that riserd has open, for reading or writing.
fn open_extents(riserd: &Riserd) -> usize {
    let handles = std::fs::read_dir(format!("/proc/{}/fd", riserd.pid())).unwrap();
    let files = handles.filter_map(|handle| std::fs::read_link(handle.ok()?.path()).ok());
    files.filter(|file| file.extension().is_some_and(|extension| extension == "ext")).count()
}

/// The next answer on a connection.
fn next(stream: &mut BufReader<TcpStream>) -> (String, Vec<u8>) {
    let (mut status, mut len) = (String::new(), 0);
    stream.read_line(&mut status).unwrap();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        let line = line.trim().to_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            len = value.trim().parse().unwrap();
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; len];
    stream.read_exact(&mut body).unwrap();
    (status.split(' ').nth(1).unwrap().to_owned(), body)
}

#[test]
fn what_the_kernel_sends_is_what_was_recorded() {
    let riserd = Riserd::live(SETTINGS, &["720p"], 4);
    let number = riserd.playlist("720p").unwrap().last_whole().unwrap() - 1;
    let path = format!("/live/main/720p/{number}.m4s");
    let first = riserd.bytes(&path);
    assert!(first.len() > 8 * 20_000, "{} bytes are too few to be sent from the disk", first.len());
    wait::until("it is sent from the disk", PATIENCE, || {
        assert!(riserd.bytes(&path) == first, "whoever asks has the same bytes");
        // The scrubber has one open now and then, but not for long.
        (0..LOOKS).all(|_| open_extents(&riserd) > 1)
    });
    let etags: HashSet<_> =
        (0..OFTEN).map(|_| riserd.ask("GET", &path, &[]).header("etag").to_owned()).collect();
    assert_eq!(etags.len(), 1, "from RAM and from the disk it is the same: {etags:?}");

    // All at once on one connection: answers must not mix.
    let middle = first.len() / 2;
    let ranges = [(0, 0), (1, middle), (middle, first.len() - 1), (first.len() - 1, first.len() - 1)];
    let mut requests = String::new();
    for (from, to) in ranges {
        requests += &format!("GET {path} HTTP/1.1\r\nHost: box\r\nRange: bytes={from}-{to}\r\n\r\n");
        requests += "GET /live/main/master.m3u8 HTTP/1.1\r\nHost: box\r\n\r\n";
        requests += &format!("GET {path} HTTP/1.1\r\nHost: box\r\n\r\n");
    }
    let mut stream = TcpStream::connect(riserd.viewers).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(requests.as_bytes()).unwrap();
    let mut stream = BufReader::new(stream);
    let master = riserd.bytes("/live/main/master.m3u8");
    for (from, to) in ranges {
        let (status, body) = next(&mut stream);
        assert!(
            status == "206" && body == first[from..=to],
            "{from} to {to}: {status}, {} bytes",
            body.len()
        );
        assert_eq!(next(&mut stream), ("200".to_owned(), master.clone()));
        let (status, body) = next(&mut stream);
        assert!(status == "200" && body == first, "{status}, {} bytes", body.len());
    }

    // HTTP/2 has no place for what the kernel sends: the same bytes are read.
    let url = format!("http://{}{path}", riserd.viewers);
    let curl = Command::new("curl").args(["-sS", "--http2-prior-knowledge", &url]).output().unwrap();
    assert!(curl.stdout == first, "{}", String::from_utf8_lossy(&curl.stderr));
    let head = http::request(riserd.viewers, "HEAD", &path, &[]).unwrap();
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), first.len().to_string());
}
