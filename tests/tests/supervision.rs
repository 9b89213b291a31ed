//! A worker that dies: viewers keep one timeline, the slate stands in, a new worker takes over.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use riser_tests::{
    Riserd, boxes, http, peers,
    pictures::{self, LARGE},
    playlist::Playlist,
    riserd::{self, SMALL, TRACKS},
    wait,
};
use tempfile::TempDir;

/// A viewer waits less than this for a part, whatever happens to the worker.
const BACK: Duration = Duration::from_secs(1);
/// The state is told this often.
const TOLD: Duration = Duration::from_millis(250);

/// A viewer who reloads a playlist part by part, on a thread of its own.
struct Follower {
    stop: Arc<AtomicBool>,
    thread: thread::JoinHandle<Seen>,
}

/// What a follower saw.
#[derive(Default)]
struct Seen {
    last: Playlist,
    /// The longest time between two new parts.
    longest_wait: Duration,
    reloads: usize,
}

impl Follower {
    fn begin(riserd: &Riserd, track: &'static str) -> Self {
        let (server, stop) = (riserd.viewers, Arc::new(AtomicBool::new(false)));
        let stopped = Arc::clone(&stop);
        let (begun, has_begun) = mpsc::channel();
        let thread = thread::spawn(move || {
            let path = riserd::media_playlist(track);
            let mut seen =
                Seen { last: Playlist::parse(&http::get(server, &path).unwrap().text()), ..Seen::default() };
            begun.send(()).unwrap();
            while !stopped.load(Ordering::Relaxed) {
                let asked = Instant::now();
                let (msn, part) = seen.last.next();
                let answer = http::get(server, &format!("{path}?_HLS_msn={msn}&_HLS_part={part}")).unwrap();
                assert_eq!(answer.status, 200, "{track} {msn}.{part}: {}", answer.text());
                let now = Playlist::parse(&answer.text());
                assert!(now.next() > (msn, part), "{track}: a blocking reload brings something new");
                seen.longest_wait = seen.longest_wait.max(asked.elapsed());
                seen.reloads += 1;
                seen.last = now;
            }
            seen
        });
        has_begun.recv().unwrap();
        Self { stop, thread }
    }

    fn end(self) -> Seen {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

/// Kills the worker and waits for the next one to give samples; how long that took, as the status tells it.
fn kill_and_wait(riserd: &Riserd) -> Duration {
    let old = riserd.kill_worker();
    let took = wait::until("a new worker runs", Duration::from_secs(10), || {
        riserd.worker().is_some_and(|pid| pid != old)
            && riserd.state("/processes/1/state") == "running"
            && riserd.state("/channels/0/state") == "running"
    });
    assert!(!riserd::runs(old));
    took
}

#[test]
fn viewers_stay_on_one_timeline_while_the_worker_is_replaced() {
    let riserd = Riserd::live(SMALL, &TRACKS, 3);
    let inits = TRACKS.map(|track| riserd.init(track));
    let followers = TRACKS.map(|track| Follower::begin(&riserd, track));
    let before = riserd.playlist("360p").unwrap().segments[1].number;

    let took = kill_and_wait(&riserd);
    println!("worker back, as the status tells it, in {} ms", took.as_millis());
    assert!(took < BACK + TOLD, "the worker was back only in {took:?}");
    assert_eq!(riserd.count("/processes/1/restarts"), 1);
    assert!(riserd.count("/channels/0/samples_filled") > 0, "the slate is told");

    // Two segments beyond the one in which it happened.
    let after = riserd.playlist("360p").unwrap().last_whole().unwrap() + 3;
    for track in TRACKS {
        riserd.wait_for(track, after);
    }
    for ((track, init), follower) in TRACKS.iter().zip(&inits).zip(followers) {
        let seen = follower.end();
        println!("{track}: {} reloads, longest wait for a part {:?}", seen.reloads, seen.longest_wait);
        assert!(seen.longest_wait < BACK, "{track}: viewers run dry");
        let playlist = &seen.last;
        let listed: Vec<u64> = playlist.segments.iter().map(|segment| segment.number).collect();
        assert!(listed.contains(&before) && listed.contains(&after));
        for segment in &playlist.segments {
            assert!(!segment.gap && segment.discontinuities == 0, "{track}: {}", playlist.text);
            assert!(segment.number == listed[0] || segment.duration == "1.600000", "{track}: {segment:?}");
        }
        assert!(&riserd.init(track) == init, "{track}: the init segment stays");
        contiguous(&riserd, track, before, after);
    }
    let film = pictures::decode(&riserd.film("360p", before..=after), LARGE);
    let numbers: Vec<_> = film.iter().map(|picture| pictures::frame_number(picture, LARGE)).collect();
    let slate = numbers.iter().filter(|number| number.is_none()).count();
    println!("slate: {slate} frames of 30 a second, {} ms", slate * 1000 / 30);
    assert!((1..30).contains(&slate), "less than a second of slate, but some: {slate} frames");
    let first = u32::try_from((before * 48) & u64::from(u32::MAX)).unwrap();
    for (number, frame) in numbers.iter().zip(first..) {
        assert!(number.is_none_or(|number| number == frame), "frame {frame} shows {number:?}");
    }
}

/// Each chunk begins where the one before it ended.
fn contiguous(riserd: &Riserd, track: &str, first: u64, last: u64) {
    let mut expected = None;
    for number in first..=last {
        for chunk in boxes::chunks(&riserd.segment(track, number)) {
            assert!(expected.is_none_or(|end| end == chunk.decode_time), "{track} {number}: a hole");
            expected = Some(chunk.end());
        }
    }
}

#[test]
fn pictures_of_a_silent_film_come_back_as_fast() {
    let folder = TempDir::new().unwrap();
    let film = folder.path().join("silent.mp4").to_string_lossy().into_owned();
    let source = "testsrc2=size=640x360:rate=50:duration=10";
    let arguments = ["-f", "lavfi", "-i", source, "-c:v", "libx264", "-preset", "ultrafast", &film];
    peers::ffmpeg(&arguments, Duration::from_secs(30));
    let input = format!("kind = 'file'\npath = '{film}'");
    let riserd =
        Riserd::live(&SMALL.replace("kind = \"test\"\nwidth = 640\nheight = 360", &input), &TRACKS, 3);
    let follower = Follower::begin(&riserd, "360p");
    let before = riserd.playlist("360p").unwrap().segments[1].number;
    for _ in 0..4 {
        kill_and_wait(&riserd);
        let last = riserd.playlist("360p").unwrap().last_whole().unwrap();
        riserd.wait_for("360p", last + 3);
    }
    let seen = follower.end();
    println!("longest wait for a part {:?}", seen.longest_wait);
    assert!(seen.longest_wait < BACK, "viewers run dry");
    assert_eq!(seen.last.breaks(), 0, "{}", seen.last.text);
    contiguous(&riserd, "360p", before, seen.last.last_whole().unwrap());
}

#[test]
fn a_worker_that_dies_in_its_first_second_is_replaced() {
    let riserd = Riserd::start(SMALL);
    wait::until("the first part", Duration::from_secs(10), || riserd.playlist("360p").is_some());
    let took = kill_and_wait(&riserd);
    println!("worker back, without a slate, in {} ms", took.as_millis());
    assert!(took < BACK + TOLD, "the worker was back only in {took:?}");
    let first = riserd.playlist("360p").unwrap().next().0;
    for track in TRACKS {
        riserd.wait_for(track, first + 3);
        let playlist = riserd.playlist(track).unwrap();
        assert!(playlist.breaks() <= 1, "{track}: at most one break: {}", playlist.text);
        let newest = playlist.segments.last().unwrap();
        contiguous(&riserd, track, newest.number - 1, newest.number);
    }
}

#[test]
fn a_worker_that_dies_before_it_gave_anything_is_replaced() {
    let riserd = Riserd::start(SMALL);
    riserd.kill_worker();
    riserd.wait_for_segments(&TRACKS, 1);
    assert_eq!(riserd.count("/processes/1/restarts"), 1);
    wait::until("the status says so", Duration::from_secs(2), || {
        riserd.state("/channels/0/state") == "running"
    });
}

#[test]
fn a_worker_that_hangs_is_replaced() {
    let riserd = Riserd::live(SMALL, &TRACKS, 2);
    let old = wait::for_some("a worker", Duration::from_secs(5), || riserd.worker());
    rustix::process::kill_process(old, rustix::process::Signal::STOP).unwrap();
    let waited = wait::until("the slate comes", Duration::from_secs(5), || {
        riserd.state("/channels/0/state") == "slate"
    });
    println!("the slate came after {} ms", waited.as_millis());
    assert_eq!(riserd.worker(), Some(old), "before the worker is given up");
    let took = wait::until("a new worker runs", Duration::from_secs(15), || {
        riserd.worker().is_some_and(|pid| pid != old) && riserd.state("/channels/0/state") == "running"
    });
    println!("hanging worker replaced in {} ms", took.as_millis());
    assert!(!riserd::runs(old), "the one that hung is gone");
    let last = riserd.playlist("360p").unwrap().last_whole().unwrap();
    riserd.wait_for("360p", last + 2);
    let playlist = riserd.playlist("360p").unwrap();
    assert!(playlist.segments.iter().all(|segment| !segment.gap), "{}", playlist.text);
    assert_eq!(playlist.breaks(), 0, "{}", playlist.text);
    contiguous(&riserd, "360p", playlist.segments[1].number, last + 2);
}
