//! Where segments lie on the disk, for those who send them from there.

use std::{fs, os::unix::fs::FileExt, time::Duration};

use bytes::Bytes;
use tokio::time::Instant;

use super::{
    damage::extent_of,
    fixture::{chunks, push},
    ring::{acknowledged, open, until},
};
use crate::{Kind, Stored};

const LEN: usize = 60_000;

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

/// What the kernel would send.
fn sent(pieces: &[Stored]) -> Vec<u8> {
    let read = |piece: &Stored| {
        let file = fs::File::from(piece.handle().unwrap().try_clone_to_owned().unwrap());
        let mut data = vec![0; piece.bytes() as usize];
        file.read_exact_at(&mut data, piece.offset()).unwrap();
        data
    };
    pieces.iter().flat_map(read).collect()
}

#[tokio::test]
async fn a_segment_lies_where_it_is_said_to_and_can_be_cut() {
    let dir = tempfile::tempdir().unwrap();
    let (store, mut writer, reader) = open(dir.path(), 5);
    push(&mut writer, 100, LEN);
    assert!(reader.held("audio", 100).unwrap().is_some(), "it is in RAM at once");
    reader.wait(soon(), |_| acknowledged(&store) == Some(100)).await;
    for (index, track) in ["720p", "audio"].into_iter().enumerate() {
        let places = reader.places(track, 100).await.unwrap().expect("the disk has it");
        let whole = chunks(index, 100, LEN).concat();
        assert_eq!((places.bytes(), places.count()), (whole.len() as u64, 2));
        assert_eq!(places.crc(), crc32c::crc32c(&whole));
        let pieces = places.open().unwrap();
        assert_eq!(sent(&pieces), whole);
        assert!(pieces.iter().all(Stored::is_in_ram), "it has just been read");
        pieces[0].fetch().unwrap();
        let cut = [pieces[0].slice(1, LEN as u64), pieces[1].slice(0, 7), pieces[1].slice(9, 9)];
        assert_eq!(sent(&cut), whole[1..LEN + 7]);
        let mut read = Vec::new();
        for piece in cut {
            read.push(piece.read().await.unwrap());
        }
        assert_eq!(read.concat(), whole[1..LEN + 7]);
    }
    push(&mut writer, 101, LEN);
    assert_eq!(reader.places("720p", 102).await.err().map(|error| error.kind()), Some(Kind::NotFound));
}

#[tokio::test]
async fn what_is_damaged_has_no_place() {
    let dir = tempfile::tempdir().unwrap();
    let (store, mut writer, reader) = open(dir.path(), 5);
    (100..112).for_each(|number| push(&mut writer, number, LEN));
    reader.wait(soon(), |_| acknowledged(&store) == Some(111)).await;
    assert!(reader.places("720p", 100).await.unwrap().is_some());
    let (file, at) = extent_of(dir.path(), 100, LEN);
    file.write_all_at(b"damage", at + 100).unwrap();
    assert_eq!(reader.places("720p", 100).await.err().map(|error| error.kind()), Some(Kind::Corrupt));
    assert!(reader.window().history.get(100).unwrap().gap, "as for everybody who reads it");
}

#[tokio::test]
async fn what_is_held_is_not_overwritten_and_told_that_it_has_to_go() {
    let dir = tempfile::tempdir().unwrap();
    let (store, mut writer, reader) = open(dir.path(), 4);
    push(&mut writer, 100, LEN);
    reader.wait(soon(), |_| acknowledged(&store) == Some(100)).await;
    let places = reader.places("720p", 100).await.unwrap().unwrap();
    let pieces = places.open().unwrap();
    let mut number = 100;
    // Four segments to an extent of four.
    until("its extent is wanted", || {
        number += 1;
        push(&mut writer, number, LEN);
        pieces[0].is_leaving()
    });
    assert!(places.open().is_none(), "nobody new is sent it");
    assert_eq!(sent(&pieces), chunks(0, 100, LEN).concat(), "who holds it still has it");
    let again = pieces[0].clone().read().await.unwrap();
    assert_eq!(again, Bytes::from(chunks(0, 100, LEN)[0].to_vec()));
    drop((pieces, again));
    until("it is overwritten once it is let go of", || {
        number += 1;
        push(&mut writer, number, LEN);
        std::fs::read(dir.path().join("extents/000000.ext")).is_ok_and(|bytes| {
            let first = &chunks(0, 100, LEN)[0];
            !bytes.windows(first.len()).any(|window| window == &first[..])
        })
    });
}
