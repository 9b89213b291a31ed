//! kill -9 of a process that records, ten times over the same store.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use tokio::time::Instant;

use super::{
    fixture::{chunks, push},
    memory::Random,
    ring::{acknowledged, open, settled},
};

const DIR: &str = "RISER_STORE_CRASH_DIR";
const FIRST: &str = "RISER_STORE_CRASH_FIRST";
const LEN: usize = 20_000;

/// Not a test by itself: the process that is killed. Writes each acknowledged number to standard output.
#[test]
#[ignore = "started by `nothing_acknowledged_is_lost_when_the_process_is_killed`"]
fn child() {
    let Some(dir) = env::var_os(DIR).map(PathBuf::from) else { return };
    let first: u64 = env::var(FIRST).unwrap().parse().unwrap();
    let (store, mut writer, reader) = open(&dir, 6);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for number in first.. {
        push(&mut writer, number, LEN);
        let deadline = Instant::now() + Duration::from_secs(20);
        runtime.block_on(reader.wait(deadline, |_| acknowledged(&store) >= Some(number.saturating_sub(2))));
        if let Some(number) = acknowledged(&store) {
            let oldest = reader.window().history.first().unwrap().number;
            writeln!(std::io::stdout(), "acknowledged {number} {oldest}").unwrap();
        }
    }
}

/// Runs the child until it has acknowledged `count` segments and kills it; what it said last.
fn killed(dir: &std::path::Path, first: u64, count: u64) -> (u64, u64) {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "tests::crash::child", "--ignored", "--nocapture", "--test-threads=1"])
        .env(DIR, dir)
        .env(FIRST, first.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut last = None;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let Some(told) = line.strip_prefix("acknowledged ") else { continue };
        let (number, oldest) = told.split_once(' ').unwrap();
        last = Some((number.parse().unwrap(), oldest.parse().unwrap()));
        if last.unwrap().0 >= first + count {
            let _ = child.kill();
        }
    }
    assert!(!child.wait().unwrap().success());
    last.unwrap()
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_when_the_process_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let mut random = Random(11);
    let mut first = 100;
    let mut rounds = Vec::new();
    for round in 0..10 {
        let (last, oldest) = killed(dir.path(), first, 5 + random.below(15));
        rounds.push(first..=last);
        let (store, writer, reader) = open(dir.path(), 6);
        settled(&store);
        let deadline = Instant::now() + Duration::from_secs(20);
        let window = reader.wait(deadline, |window| window.history.get(last).is_some()).await;
        // The child may have expired one extent more before it died.
        let listed = window.history.first().unwrap().number;
        assert!(listed <= oldest + 24, "round {round}: {listed} {oldest}");
        for number in rounds.iter().cloned().flatten().filter(|number| *number >= listed) {
            assert!(window.history.get(number).is_some(), "round {round}: {number}");
            assert_eq!(reader.segment("720p", number).await.unwrap(), chunks(0, number, LEN), "{number}");
        }
        let discontinuity = window.history.get(last).unwrap().discontinuity;
        assert_eq!(discontinuity, round, "one discontinuity for each restart");
        first = window.history.last().unwrap().number + 3;
        drop(writer);
        store.close();
    }
}
