//! Many viewers of one recording, each at a random point of it, over HTTP: what a segment takes to come.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    runtime::Builder,
    task::JoinSet,
    time::{Instant, interval_at},
};

use crate::{Outcome, feed::Feed, feed::grid, meter};

const USAGE: &str = "viewers ADDRESS SECONDS CLIENTS PACED TRACK,... PATH FIRST LAST";
/// Segments watched before the next jump.
const WATCHED: u64 = 5;
/// Segments are asked for as fast as they are played.
const SEGMENT: Duration = Duration::from_millis(1600);

#[derive(Clone)]
struct Wish {
    address: String,
    path: String,
    tracks: Vec<String>,
    first: u64,
    last: u64,
    /// None: the next segment is asked for at once.
    paced: bool,
    until: Instant,
}

#[derive(Default)]
struct Seen {
    times: Vec<Duration>,
    bytes: u64,
}

pub fn measure(arguments: &[&str]) -> Outcome<Value> {
    let [address, seconds, clients, paced, tracks, path, first, last] = arguments else {
        return Err(USAGE.into());
    };
    let (seconds, clients): (u64, u64) = (seconds.parse()?, clients.parse()?);
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let (seen, elapsed) = runtime.block_on(async {
        let begun = Instant::now();
        let wish = Wish {
            address: (*address).to_owned(),
            path: (*path).to_owned(),
            tracks: tracks.split(',').map(str::to_owned).collect(),
            first: first.parse()?,
            last: last.parse()?,
            paced: *paced == "paced",
            until: begun + Duration::from_secs(seconds),
        };
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>((watch_all(wish, clients).await?, begun.elapsed()))
    })?;
    let mut times = seen.times;
    Ok(json!({
        "request": meter::spread(&mut times),
        "bytes": seen.bytes,
        "seconds": elapsed.as_secs_f64(),
    }))
}

async fn watch_all(wish: Wish, clients: u64) -> Outcome<Seen> {
    let mut feed = Feed::new(grid(8)?);
    let mut viewers = JoinSet::new();
    for nth in 0..clients {
        let (wish, seed) = (wish.clone(), feed.next());
        // Spread over a segment, as people are.
        let begin = Instant::now() + SEGMENT.mul_f64(nth as f64 / clients as f64);
        viewers.spawn(async move { watch(wish, begin, seed).await });
    }
    let mut all = Seen::default();
    while let Some(seen) = viewers.join_next().await {
        let seen = seen??;
        all.times.extend(seen.times);
        all.bytes += seen.bytes;
    }
    Ok(all)
}

/// One viewer: one connection, one rendition and the sound, from a random point to the next.
async fn watch(wish: Wish, begin: Instant, mut seed: u64) -> Outcome<Seen> {
    let mut connection = BufReader::new(TcpStream::connect(&wish.address).await?);
    connection.get_ref().set_nodelay(true)?;
    let (mut clock, mut seen) = (interval_at(begin, SEGMENT), Seen::default());
    let sound = wish.tracks.last().ok_or("no track")?;
    let picture = &wish.tracks[(seed % (wish.tracks.len() as u64 - 1)) as usize];
    let (mut number, mut left) = (0, 0);
    while Instant::now() < wish.until {
        if left == 0 || number == wish.last {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (number, left) = (wish.first + (seed >> 33) % (wish.last - wish.first), WATCHED);
        } else {
            number += 1;
        }
        left -= 1;
        if wish.paced {
            clock.tick().await;
        }
        for track in [picture, sound] {
            let path = format!("{}/{track}/{number}.m4s", wish.path);
            let begun = Instant::now();
            seen.bytes += get(&mut connection, &path).await?;
            seen.times.push(begun.elapsed());
        }
    }
    Ok(seen)
}

/// The length of what came.
async fn get(connection: &mut BufReader<TcpStream>, path: &str) -> Outcome<u64> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: box\r\n\r\n");
    connection.write_all(request.as_bytes()).await?;
    let (mut line, mut status, mut length) = (String::new(), String::new(), 0);
    loop {
        line.clear();
        if connection.read_line(&mut line).await? == 0 {
            return Err(format!("{path}: the connection ended").into());
        }
        let text = line.trim_end().to_ascii_lowercase();
        if status.is_empty() {
            status = text;
        } else if let Some(value) = text.strip_prefix("content-length:") {
            length = value.trim().parse()?;
        } else if text.is_empty() {
            break;
        }
    }
    if !status.contains(" 200 ") || length == 0 {
        return Err(format!("{path}: {status}").into());
    }
    let mut left = length;
    let mut piece = vec![0; 1 << 18];
    while left > 0 {
        let most = piece.len().min(usize::try_from(left)?);
        match connection.read(&mut piece[..most]).await? {
            0 => return Err(format!("{path}: broke off").into()),
            read => left -= read as u64,
        }
    }
    Ok(length)
}
