use std::{
    fs,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

use super::{
    fixture::{chunks, config, grid, layout, push},
    memory::Random,
    ring::{open, settled, until},
};
use crate::{Disk, Io, Kind, Recovery, Store, index::SledOpener, shared::Limits};

const LEN: usize = 60_000;

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

/// Ten segments in three extents, then another layout and two more; nothing open.
fn record(dir: &Path) {
    let (store, mut writer, _) = open(dir, 5);
    (100..110).for_each(|number| push(&mut writer, number, LEN));
    writer.set_layout((*layout(2)).clone());
    (110..112).for_each(|number| push(&mut writer, number, LEN));
    writer.finish();
    store.close();
}

async fn assert_whole(store: &Store, reader: &crate::Reader) {
    settled(store);
    let window = reader.wait(soon(), |window| window.history.len() == 12).await;
    let numbers: Vec<_> = window.history.iter().map(|segment| (segment.number, segment.gap)).collect();
    assert_eq!(numbers, (100..112).map(|number| (number, false)).collect::<Vec<_>>());
    assert_eq!(window.history.last().unwrap().discontinuity, 1);
    for number in 100..112 {
        assert_eq!(reader.segment("720p", number).await.unwrap(), chunks(0, number, LEN), "{number}");
    }
}

/// The extent that holds this segment's first part, and where in it.
pub(crate) fn extent_of(dir: &Path, number: u64, len: usize) -> (fs::File, u64) {
    let payload = &chunks(0, number, len)[0];
    let entries = fs::read_dir(dir.join("extents")).unwrap().map(|entry| entry.unwrap().path());
    let found = entries.filter_map(|path| {
        let bytes = fs::read(&path).unwrap();
        let at = bytes.windows(len).position(|window| window == &payload[..])?;
        Some((fs::File::options().read(true).write(true).open(path).unwrap(), at as u64))
    });
    found.last().expect("it has been recorded")
}

fn set_aside(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.to_string_lossy().contains("index.bad-")).collect()
}

#[tokio::test]
async fn a_damaged_index_is_set_aside_and_built_again_while_live_runs() {
    let dir = tempfile::tempdir().unwrap();
    record(dir.path());
    for (round, damage) in ["conf", "db", "conf"].into_iter().enumerate() {
        let path = dir.path().join("index").join(damage);
        let size = fs::metadata(&path).unwrap().len();
        fs::write(&path, vec![0x5a; size as usize]).unwrap();
        let (store, mut writer, reader) = open(dir.path(), 5);
        assert_whole(&store, &reader).await;
        match store.status().recovery {
            Recovery::Rebuilt { segments: 12, damage: Some(_), .. } => {}
            other => panic!("round {round}: {other:?}"),
        }
        assert_eq!(set_aside(dir.path()).len(), 1);
        // The stream goes on after its last segment all the same.
        assert!(writer.push_part(super::fixture::part(0, 111, 0, 10)).is_err());
        writer.finish();
        store.close();
    }
}

#[tokio::test]
async fn an_index_that_lost_its_tail_is_filled_up() {
    let dir = tempfile::tempdir().unwrap();
    let (store, mut writer, reader) = open(dir.path(), 5);
    (100..103).for_each(|number| push(&mut writer, number, LEN));
    reader.wait(soon(), |_| super::ring::acknowledged(&store) == Some(102)).await;
    writer.finish();
    store.close();
    let old = dir.path().join("old");
    copy(&dir.path().join("index"), &old);
    let (store, mut writer, _) = open(dir.path(), 5);
    (103..110).for_each(|number| push(&mut writer, number, LEN));
    writer.finish();
    store.close();
    fs::remove_dir_all(dir.path().join("index")).unwrap();
    fs::rename(&old, dir.path().join("index")).unwrap();
    let (store, _writer, reader) = open(dir.path(), 5);
    settled(&store);
    let window = reader.wait(soon(), |window| window.history.len() == 10).await;
    assert_eq!(window.history.len(), 10);
    assert!(matches!(store.status().recovery, Recovery::Rebuilt { damage: None, .. }));
    for number in 100..110 {
        assert_eq!(reader.segment("audio", number).await.unwrap(), chunks(1, number, LEN));
    }
    drop((_writer, store));
    let (store, ..) = open(dir.path(), 5);
    settled(&store);
    assert_eq!(store.status().recovery, Recovery::Clean);
}

#[tokio::test]
async fn whatever_is_damaged_in_the_index_nothing_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    record(dir.path());
    let db = dir.path().join("index/db");
    let whole = dir.path().join("whole");
    copy(&dir.path().join("index"), &whole);
    let used = fs::read(&db).unwrap().iter().rposition(|byte| *byte != 0).unwrap() as u64;
    let mut random = Random(5);
    for round in 0..12 {
        fs::remove_dir_all(dir.path().join("index")).unwrap();
        copy(&whole, &dir.path().join("index"));
        let file = fs::File::options().read(true).write(true).open(&db).unwrap();
        let at = random.below(used);
        if round % 2 == 0 {
            file.write_all_at(&[0; 1024], at).unwrap();
        } else {
            let mut byte = [0];
            file.read_exact_at(&mut byte, at).unwrap();
            file.write_all_at(&[byte[0] ^ 0x10], at).unwrap();
        }
        let limits = Limits { retry: Duration::from_millis(20), ..Limits::default() };
        let io: Arc<dyn Io> = Arc::new(Disk);
        let opener = SledOpener::new(dir.path().to_owned(), Arc::clone(&io));
        let store = Store::open_with(config(dir.path(), 5), io, Box::new(opener), limits).unwrap();
        let (_writer, reader) = store.stream("main", grid()).unwrap();
        assert_whole(&store, &reader).await;
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, name) = (entry.as_ref().unwrap().path(), entry.unwrap().file_name());
        if path.is_dir() {
            copy(&path, &to.join(name));
        } else {
            fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

#[tokio::test]
async fn an_index_of_another_store_is_not_used() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    record(dir.path());
    record(other.path());
    fs::remove_dir_all(dir.path().join("index")).unwrap();
    copy(&other.path().join("index"), &dir.path().join("index"));
    let (store, _writer, reader) = open(dir.path(), 5);
    assert_whole(&store, &reader).await;
    assert_eq!(set_aside(dir.path()).len(), 1);
}

#[tokio::test]
async fn an_index_whose_creation_was_cut_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    record(dir.path());
    fs::remove_file(dir.path().join("index/READY")).unwrap();
    fs::write(dir.path().join("index/db"), b"half").unwrap();
    let (store, _writer, reader) = open(dir.path(), 5);
    assert_whole(&store, &reader).await;
    assert!(set_aside(dir.path()).is_empty());
}

#[tokio::test]
async fn a_damaged_payload_byte_makes_a_gap_that_is_remembered() {
    let dir = tempfile::tempdir().unwrap();
    record(dir.path());
    let (file, payload) = extent_of(dir.path(), 100, LEN);
    let mut byte = [0];
    file.read_exact_at(&mut byte, payload + 30_000).unwrap();
    file.write_all_at(&[byte[0] ^ 1], payload + 30_000).unwrap();
    let mut damaged = None;
    for round in 0..2 {
        let (store, writer, reader) = open(dir.path(), 5);
        settled(&store);
        let window = reader.wait(soon(), |window| window.history.len() == 12).await;
        if round == 0 {
            let gaps = || window.history.iter().map(|segment| segment.gap).collect::<Vec<_>>();
            // None, unless the scrub came first.
            let before = gaps();
            for segment in window.history.iter() {
                match reader.segment("720p", segment.number).await {
                    Ok(read) => assert_eq!(read, chunks(0, segment.number, LEN)),
                    Err(error) => {
                        assert_eq!(error.kind(), Kind::Corrupt);
                        assert_eq!(damaged.replace(segment.number), None);
                    }
                }
            }
            assert_eq!(gaps(), before, "a kept window does not change");
        }
        let gaps = reader.window().history.iter().filter(|s| s.gap).map(|s| s.number).collect::<Vec<_>>();
        assert_eq!(gaps, [damaged.unwrap()], "round {round}");
        assert_eq!(reader.segment("audio", gaps[0]).await.unwrap_err().kind(), Kind::Corrupt);
        drop((writer, store));
    }
}

#[tokio::test]
async fn a_torn_record_at_the_tail_is_ignored_and_written_over() {
    let dir = tempfile::tempdir().unwrap();
    let (store, mut writer, _) = open(dir.path(), 5);
    (100..102).for_each(|number| push(&mut writer, number, 10_000));
    // Its first line is on the disk, the segment is not whole.
    for track in 0..2 {
        writer.push_part(super::fixture::part(track, 102, 0, 10_000)).unwrap();
    }
    until("the line is written", || store.status().queued == 0);
    let image = dir.path().join("image");
    copy(&dir.path().join("extents"), &image);
    drop((writer, store));
    fs::remove_dir_all(dir.path().join("extents")).unwrap();
    fs::rename(&image, dir.path().join("extents")).unwrap();
    let (file, payload) = extent_of(dir.path(), 102, 10_000);
    file.write_all_at(&[0xff; 4096], payload).unwrap();
    fs::remove_dir_all(dir.path().join("index")).unwrap();
    for round in 0..2 {
        let (store, mut writer, reader) = open(dir.path(), 5);
        settled(&store);
        let expected = 2 + 2 * round;
        let window = reader.wait(soon(), |window| window.history.len() == expected).await;
        assert_eq!(window.history.last().unwrap().number, 101 + 3 * round as u64);
        if round == 0 {
            (103..105).for_each(|number| push(&mut writer, number, 10_000));
        }
        for segment in reader.window().history.iter() {
            assert_eq!(
                reader.segment("audio", segment.number).await.unwrap(),
                chunks(1, segment.number, 10_000)
            );
        }
        drop((writer, store));
    }
}
