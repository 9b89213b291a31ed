use std::{path::Path, sync::Arc, time::Duration};

use tokio::time::Instant;

use super::fixture::{chunks, config, grid, layout, push};
use crate::{Disk, Error, Kind, Reader, Recovery, Store, Writer, error};

const LEN: usize = 60_000;

pub(crate) fn open(dir: &Path, extents: u64) -> (Store, Writer, Reader) {
    let store = Store::open(config(dir, extents), Arc::new(Disk)).unwrap();
    let (mut writer, reader) = store.stream("main", grid()).unwrap();
    writer.set_layout((*layout(1)).clone());
    (store, writer, reader)
}

/// Waits for a condition that some thread will bring about.
pub(crate) fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(std::time::Instant::now() < deadline, "{what}");
        std::thread::yield_now();
    }
}

pub(crate) fn acknowledged(store: &Store) -> Option<u64> {
    store.status().streams[0].acknowledged
}

pub(crate) fn settled(store: &Store) {
    until("the catalogue is checked", || {
        matches!(store.status().recovery, Recovery::Clean | Recovery::Rebuilt { .. })
    });
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

#[tokio::test]
async fn a_turned_ring_has_its_exact_size_and_lost_the_oldest() {
    let dir = tempfile::tempdir().unwrap();
    let (store, mut writer, reader) = open(dir.path(), 4);
    // 250 KB each: some four to an extent.
    for number in 100..140 {
        push(&mut writer, number, LEN);
        reader.wait(soon(), |_| acknowledged(&store) == Some(number)).await;
    }
    until("the ring is provisioned", || store.status().extents.provisioned == 4);
    let files = std::fs::read_dir(dir.path().join("extents")).unwrap();
    let sizes: Vec<u64> = files.map(|file| file.unwrap().metadata().unwrap().len()).collect();
    assert_eq!(sizes, [1 << 20; 4]);
    let window = reader.window();
    let oldest = window.history.first().unwrap().number;
    assert!((124..134).contains(&oldest), "{oldest}");
    for number in oldest..140 {
        for (index, track) in ["720p", "audio"].into_iter().enumerate() {
            assert_eq!(reader.segment(track, number).await.unwrap(), chunks(index, number, LEN), "{number}");
        }
    }
    assert_eq!(reader.segment("720p", oldest - 1).await.unwrap_err().kind(), Kind::Gone);
    assert_eq!(reader.segment("720p", 140).await.unwrap_err().kind(), Kind::NotFound);
    assert_eq!(reader.segment("1080p", 139).await.unwrap_err().kind(), Kind::NotFound);
    let status = store.status();
    assert_eq!((status.size, status.extents.total, status.dropped), (4 << 20, 4, 0));
    writer.finish();
    store.close();
    let (store, ..) = open(dir.path(), 4);
    settled(&store);
    assert_eq!(store.status().recovery, Recovery::Clean);
}

#[tokio::test]
async fn an_expired_segment_that_an_old_window_still_lists_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let (store, mut writer, reader) = open(dir.path(), 3);
    for number in 100..130 {
        push(&mut writer, number, LEN);
        reader.wait(soon(), |_| acknowledged(&store) == Some(number)).await;
    }
    until("the extent is free", || store.status().extents.free == 1);
    let window = reader.window();
    assert!(window.history.first().unwrap().number > 110);
    let catalogue = store.status().streams[0].oldest.unwrap();
    assert_eq!(reader.segment("audio", catalogue - 1).await.unwrap_err().kind(), Kind::Gone);
}

#[tokio::test]
async fn a_restart_goes_on_where_it_ended() {
    let dir = tempfile::tempdir().unwrap();
    for (round, numbers) in [100..106, 110..113, 113..115].into_iter().enumerate() {
        let (store, mut writer, reader) = open(dir.path(), 4);
        if round > 0 {
            let last = numbers.start - 1;
            let refused = writer.push_part(super::fixture::part(0, 100, 0, 10));
            assert!(matches!(refused, Err(Error::Stale { number: 100, last: held }) if held <= last));
        }
        for number in numbers {
            push(&mut writer, number, LEN);
        }
        writer.finish();
        assert!(reader.window().ended);
        store.close();
    }
    let (_store, _writer, reader) = open(dir.path(), 4);
    let window = reader.wait(soon(), |window| window.history.len() == 11).await;
    let found: Vec<_> =
        window.history.iter().map(|segment| (segment.number, segment.discontinuity)).collect();
    let expected =
        (100..106).map(|n| (n, 0)).chain((110..113).map(|n| (n, 1))).chain((113..115).map(|n| (n, 2)));
    assert_eq!(found, expected.collect::<Vec<_>>());
    assert_eq!(
        window.history.first().unwrap().span(1, &grid(), 48_000).unwrap().start,
        grid().segment_line(100, 48_000)
    );
    for (number, _) in found {
        assert_eq!(reader.segment("720p", number).await.unwrap(), chunks(0, number, LEN));
    }
    assert_eq!(reader.init(window.layout().unwrap().id, 1).unwrap(), "audio init 1");
}

#[tokio::test]
async fn streams_share_the_ring_and_keep_their_ids() {
    let dir = tempfile::tempdir().unwrap();
    let other = media::Grid { parts_per_segment: 4, ..grid() };
    let ids = |store: &Store| {
        let mut ids: Vec<_> = store.status().streams.iter().map(|s| (s.channel.clone(), s.id)).collect();
        ids.sort();
        ids
    };
    let mut first = Vec::new();
    for round in 0..2 {
        let (store, mut main, _) = open(dir.path(), 4);
        let (mut back, _) = store.stream("back", grid()).unwrap();
        let (mut long, _) = store.stream("main", other).unwrap();
        assert!(matches!(store.stream("back", grid()), Err(error::Error::Busy(_))));
        for writer in [&mut back, &mut long] {
            writer.set_layout((*layout(2)).clone());
        }
        for number in 100..103 {
            for writer in [&mut main, &mut back, &mut long] {
                push(writer, number + 10 * round, 1000);
            }
        }
        drop((main, back, long));
        if round == 0 {
            first = ids(&store);
        } else {
            assert_eq!(ids(&store), first);
        }
        store.close();
    }
    assert_eq!(first.iter().map(|(_, id)| id.unwrap()).collect::<std::collections::BTreeSet<_>>().len(), 3);
}

#[tokio::test]
async fn thousands_of_waiters_wake_with_the_part_they_wait_for() {
    let dir = tempfile::tempdir().unwrap();
    let (_store, mut writer, reader) = open(dir.path(), 4);
    let waiters: Vec<_> = (0..2000)
        .map(|nth| {
            let reader = reader.clone();
            tokio::spawn(async move {
                let wanted = (100 + nth % 3, 1);
                reader.wait(soon(), |window| window.last_part(1) >= Some(wanted)).await.last_part(1)
                    >= Some(wanted)
            })
        })
        .collect();
    let producer =
        tokio::task::spawn_blocking(move || (100..103).for_each(|number| push(&mut writer, number, 10)));
    for waiter in waiters {
        assert!(waiter.await.unwrap());
    }
    producer.await.unwrap();
    let before = reader.window();
    let late = reader.wait(Instant::now(), |window| window.last_part(0) > Some((200, 0))).await;
    assert_eq!(late.last_part(0), before.last_part(0));
}

#[tokio::test]
async fn parts_of_the_open_segment_are_served_from_ram() {
    let dir = tempfile::tempdir().unwrap();
    let (_store, mut writer, reader) = open(dir.path(), 4);
    writer.push_part(super::fixture::part(1, 100, 0, 500)).unwrap();
    assert_eq!(reader.live_part(1, 100, 0).unwrap(), super::fixture::bytes(1, 100, 0, 500));
    assert!(reader.live_part(0, 100, 0).is_none() && reader.live_part(1, 100, 1).is_none());
    assert_eq!(reader.segment("audio", 100).await.unwrap_err().kind(), Kind::NotFound);
}

#[test]
fn settings_that_cannot_be_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let good = config(dir.path(), 4);
    for (config, field) in [
        (crate::Config { extent: 1 << 20 | 1, ..good.clone() }, "extent"),
        (crate::Config { size: 2 << 20, ..good.clone() }, "size"),
        (crate::Config { live: Duration::from_secs(9999), ..good.clone() }, "live"),
    ] {
        let error = Store::open(config, Arc::new(Disk)).err().unwrap();
        assert!(error.kind() == Kind::Invalid && error.to_string().contains(field), "{error}");
    }
    let store = Store::open(good.clone(), Arc::new(Disk)).unwrap();
    until("the ring is provisioned", || store.status().extents.provisioned == 4);
    store.close();
    let error = Store::open(crate::Config { extent: 2 << 20, size: 8 << 20, ..good }, Arc::new(Disk)).err();
    assert!(error.unwrap().to_string().contains("`extent` is 2097152"));
}

#[tokio::test]
async fn a_viewer_who_waits_for_the_past_never_sees_it_come() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..5u64 {
        let (store, mut writer, reader) = open(dir.path(), 6);
        push(&mut writer, 100 + round, LEN);
        reader.whole().await;
        let numbers: Vec<_> = reader.window().history.iter().map(|segment| segment.number).collect();
        assert_eq!(numbers, (100..=100 + round).collect::<Vec<_>>());
        writer.finish();
        store.close();
    }
}

#[tokio::test]
async fn a_smaller_ring_gives_its_oldest_extents_back() {
    let dir = tempfile::tempdir().unwrap();
    let (store, mut writer, _) = open(dir.path(), 6);
    (100..120).for_each(|number| push(&mut writer, number, LEN));
    writer.finish();
    store.close();
    let (store, _writer, reader) = open(dir.path(), 3);
    settled(&store);
    assert_eq!(std::fs::read_dir(dir.path().join("extents")).unwrap().count(), 3);
    let window = reader.wait(soon(), |window| !window.history.is_empty()).await;
    let numbers: Vec<_> = window.history.iter().map(|segment| segment.number).collect();
    assert!(numbers.ends_with(&[118, 119]) && numbers[0] > 105, "{numbers:?}");
    for number in numbers {
        assert_eq!(reader.segment("audio", number).await.unwrap(), chunks(1, number, LEN));
    }
}
