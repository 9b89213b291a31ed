use std::{path::Path, sync::Arc};

use axum::body::Bytes;
use hyper::body::Buf;
use media::{Codec, FrameRate, Grid, Layout, LayoutId, Track};
use store::{Config, Disk, NewPart, Reader, Store, Writer};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::Semaphore,
    time::timeout,
};

use super::*;
use crate::{door::Door, outgoing::Piece, serve::Connection};

const LEN: usize = 200_000;
const SOON: Duration = Duration::from_secs(20);

fn grid() -> Grid {
    Grid::new(FrameRate::new(25, 1).unwrap(), 400, 400)
}

/// A stream of one track, in an extent ring of so many MiB.
fn open(dir: &Path, extents: u64) -> (Store, Writer, Reader) {
    let config = Config {
        dir: dir.to_owned(),
        size: extents << 20,
        extent: 1 << 20,
        window: Duration::from_secs(3600),
        live: Duration::from_secs(2),
        share: 1 << 20,
        reserve: 0,
        pins: Vec::new(),
    };
    let store = Store::open(config, Arc::new(Disk)).unwrap();
    let (mut writer, reader) = store.stream("main", grid()).unwrap();
    let codec = Codec::H264 { config: Bytes::new(), width: 16, height: 16, rate: grid().rate };
    let track = Track {
        name: "16p".into(),
        timescale: 25_000,
        bitrate: 1,
        language: None,
        captions: Vec::new(),
        codec,
    };
    writer.set_layout(Layout { id: LayoutId(1), tracks: vec![track], init: vec![Bytes::new()] });
    (store, writer, reader)
}

fn data(number: u64) -> Bytes {
    (0..LEN as u64).map(|at| (at.wrapping_mul(2_654_435_761).wrapping_add(number) >> 9) as u8).collect()
}

fn push(writer: &mut Writer, segment: u64) {
    let part = NewPart {
        track: 0,
        segment,
        part: 0,
        start: segment * 10_000,
        duration: 10_000,
        independent: true,
        filler: false,
        data: data(segment),
    };
    writer.push_part(part).unwrap();
    writer.close_segment(0, segment);
}

async fn pieces(reader: &Reader, number: u64) -> Vec<Stored> {
    let found = async {
        loop {
            if let Ok(Some(places)) = reader.places("16p", number).await {
                return places.open().unwrap();
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, found).await.unwrap()
}

async fn connected() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    (listener.accept().await.unwrap().0, client)
}

#[tokio::test]
async fn what_is_in_the_queue_is_sent_in_order_and_held_until_the_client_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let (_store, mut writer, reader) = open(dir.path(), 5);
    (100..103).for_each(|number| push(&mut writer, number));
    let mut wanted = Vec::new();
    let mut dispatch = Dispatch::default();
    for number in 100..103 {
        let found = pieces(&reader, number).await;
        dispatch.queue().waiting().extend(found);
        wanted.extend(data(number));
    }
    let (server, mut client) = connected().await;
    let sending = tokio::spawn(async move {
        let mut left = 3 * LEN;
        dispatch.cork(&server);
        while left > 0 {
            let most = left.min(70_000);
            left -= std::future::poll_fn(|context| dispatch.poll_send(&server, context, most)).await.unwrap();
        }
        let more = std::future::poll_fn(|context| dispatch.poll_send(&server, context, 1)).await;
        assert!(more.is_err(), "nothing stands for nothing");
        assert!(dispatch.is_holding());
        dispatch.has_arrived();
        assert!(!dispatch.is_holding());
    });
    let mut got = Vec::new();
    timeout(SOON, client.read_to_end(&mut got)).await.unwrap().unwrap();
    assert!(got == wanted, "{} bytes of {}", got.len(), wanted.len());
    sending.await.unwrap();
}

#[tokio::test]
async fn a_client_that_does_not_take_what_is_to_be_overwritten_is_late() {
    let dir = tempfile::tempdir().unwrap();
    let (_store, mut writer, reader) = open(dir.path(), 4);
    push(&mut writer, 100);
    let mut dispatch = Dispatch::default();
    let found = pieces(&reader, 100).await;
    dispatch.queue().waiting().extend(found);
    let (server, _client) = connected().await;
    std::future::poll_fn(|context| dispatch.poll_send(&server, context, 1000)).await.unwrap();
    let now = Instant::now();
    assert!(!dispatch.is_late(now) && !dispatch.is_late(now + 9 * GRACE), "nobody wants its place");
    let wanted = async {
        let mut number = 100;
        while !dispatch.held[0].is_leaving() {
            number += 1;
            push(&mut writer, number);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(SOON, wanted).await.unwrap();
    let now = Instant::now();
    assert!(!dispatch.is_late(now) && dispatch.is_late(now + GRACE));
    dispatch.has_arrived();
    assert!(dispatch.is_holding(), "the rest waits in the queue");
}

#[tokio::test]
async fn a_connection_that_is_late_is_broken_off_with_what_waits_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let (_store, mut writer, reader) = open(dir.path(), 4);
    push(&mut writer, 100);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let mut door = Door::new(listener, Arc::new(Semaphore::new(1)), Duration::from_secs(600));
    let (mut guest, _) = axum::serve::Listener::accept(&mut door).await;
    let found = pieces(&reader, 100).await;
    guest.queue().expect("it sends from the disk").waiting().extend(found);
    let mut sent = 0;
    while sent < LEN {
        sent += guest.write(Piece::Blanks(LEN - sent).chunk()).await.unwrap();
    }
    let turning = async {
        for number in 101..120 {
            push(&mut writer, number);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let mut byte = [0];
    let (end, ()) = timeout(SOON, async { tokio::join!(guest.read(&mut byte), turning) }).await.unwrap();
    assert_eq!(end.unwrap_err().kind(), io::ErrorKind::ConnectionAborted);
    drop(guest);
    let mut got = Vec::new();
    let end = timeout(SOON, client.read_to_end(&mut got)).await.unwrap();
    assert_eq!(end.unwrap_err().kind(), io::ErrorKind::ConnectionReset, "{} bytes", got.len());
}
