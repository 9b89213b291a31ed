//! Viewers of low-latency HLS at the live edge, as many as asked for, in one process: `crowd ADDRESS PLAYLIST VIEWERS SECONDS`.
//!
//! Each keeps one connection, asks for the playlist that has the part after the last one it knows (RFC 8216bis, 6.2.5.2), and
//! fetches every new part as it is named. A part is born when the first of all answers names it. One line of JSON tells how long
//! after its birth each viewer had it, in milliseconds, and how many were never fetched by somebody.

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    task::JoinSet,
    time::{Instant, sleep_until},
};

/// What is known of the parts: when each was first named, and how long after that viewers had it.
#[derive(Default)]
struct Births {
    born: HashMap<String, Instant>,
    after: Vec<u32>,
}

type Shared = Arc<Mutex<Births>>;

const LENGTH: &str = "content-length:";

struct Viewer {
    connection: BufReader<TcpStream>,
    folder: String,
    line: String,
    body: Vec<u8>,
}

impl Viewer {
    async fn get(&mut self, file: &str) -> io::Result<()> {
        let request = format!("GET {}{file} HTTP/1.1\r\nHost: crowd\r\n\r\n", self.folder);
        self.connection.get_mut().write_all(request.as_bytes()).await?;
        let (mut length, mut fine) = (0, None);
        loop {
            self.line.clear();
            if self.connection.read_line(&mut self.line).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let line = self.line.trim_end();
            fine.get_or_insert(line.starts_with("HTTP/1.1 200"));
            match line.split_at_checked(LENGTH.len()) {
                Some((name, value)) if name.eq_ignore_ascii_case(LENGTH) => {
                    length = value.trim().parse().map_err(io::Error::other)?;
                }
                None if line.is_empty() => break,
                _ => {}
            }
        }
        self.body.resize(length, 0);
        self.connection.read_exact(&mut self.body).await?;
        match fine {
            Some(true) => Ok(()),
            _ => Err(io::Error::other(format!("{file}: {}", String::from_utf8_lossy(&self.body)))),
        }
    }
}

/// The part that comes next, and the last one that is there.
fn edge(playlist: &str) -> Option<((u64, u64), Option<String>)> {
    let quoted = |line: &str| line.split("URI=\"").nth(1)?.split('"').next().map(str::to_owned);
    let hint = playlist.lines().rfind(|line| line.starts_with("#EXT-X-PRELOAD-HINT"))?;
    let uri = quoted(hint)?;
    let (number, part) = uri.strip_suffix(".m4s")?.split_once('.')?;
    let last = playlist.lines().rfind(|line| line.starts_with("#EXT-X-PART:")).and_then(quoted);
    Some(((number.parse().ok()?, part.parse().ok()?), last))
}

async fn watch(
    address: SocketAddr,
    folder: String,
    births: Shared,
    from: Instant,
    until: Instant,
) -> io::Result<()> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let connection = BufReader::with_capacity(16 << 10, stream);
    let mut viewer = Viewer { connection, folder, line: String::new(), body: Vec::new() };
    viewer.get("media.m3u8").await?;
    let text = |viewer: &Viewer| String::from_utf8_lossy(&viewer.body).into_owned();
    let mut next = edge(&text(&viewer)).ok_or_else(|| io::Error::other("the playlist has no hint"))?.0;
    sleep_until(from).await;
    while Instant::now() < until {
        viewer.get(&format!("media.m3u8?_HLS_msn={}&_HLS_part={}&_HLS_skip=YES", next.0, next.1)).await?;
        let named = Instant::now();
        let Some((hint, Some(last))) = edge(&text(&viewer)) else { continue };
        next = hint;
        let held = |births: &Shared| {
            let mut births = births.lock().unwrap_or_else(PoisonError::into_inner);
            *births.born.entry(last.clone()).or_insert(named)
        };
        let born = held(&births);
        viewer.get(&last).await?;
        let after = u32::try_from(born.elapsed().as_micros()).unwrap_or(u32::MAX);
        births.lock().unwrap_or_else(PoisonError::into_inner).after.push(after);
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, playlist, viewers, seconds] = &arguments[..] else {
        return Err("usage: crowd ADDRESS PLAYLIST VIEWERS SECONDS".into());
    };
    let (address, viewers, seconds): (SocketAddr, usize, u64) =
        (address.parse()?, viewers.parse()?, seconds.parse()?);
    let folder =
        playlist.strip_suffix("media.m3u8").ok_or("the playlist is not called media.m3u8")?.to_owned();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let births = Shared::default();
    let failed = runtime.block_on(async {
        let from = Instant::now() + Duration::from_secs(3);
        let until = from + Duration::from_secs(seconds);
        let mut crowd = JoinSet::new();
        for _ in 0..viewers {
            crowd.spawn(watch(address, folder.clone(), Arc::clone(&births), from, until));
        }
        let mut failed = Vec::new();
        while let Some(ended) = crowd.join_next().await {
            failed.extend(ended.map_err(io::Error::other).and_then(|ended| ended).err());
        }
        failed
    });
    let Births { born, mut after } =
        std::mem::take(&mut *births.lock().unwrap_or_else(PoisonError::into_inner));
    after.sort_unstable();
    let at = |share: usize| after.get((after.len() * share / 1000).min(after.len().saturating_sub(1)));
    let millis = |share| f64::from(at(share).copied().unwrap_or(0)) / 1000.0;
    let missed = (born.len() * viewers).saturating_sub(after.len());
    println!(
        "{{\"parts\": {}, \"fetched\": {}, \"missed\": {missed}, \"failed\": {}, \"p50\": {}, \"p99\": {}, \"p999\": {}}}",
        born.len(),
        after.len(),
        failed.len(),
        millis(500),
        millis(990),
        millis(999)
    );
    failed.first().map_or(Ok(()), |error| Err(error.to_string().into()))
}
