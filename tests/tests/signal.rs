//! The truth of the test signal: what is burnt into a frame is its time, and the beep is on the second.

use std::path::PathBuf;

use pipeline::tone;
use riser_tests::{
    Riserd, boxes, peers, pictures,
    riserd::{SMALL, TRACKS},
};

/// Sound this far from its time could be told from the picture's by nobody; a millisecond is the promise.
const NEAR: i64 = 48;

/// A track's second to fourth segments in one file, and the decode time of their first sample.
fn three_segments(riserd: &Riserd, track: &str) -> (PathBuf, u64) {
    let first = riserd.playlist(track).unwrap().segments[0].number + 1;
    riserd.wait_for(track, first + 2);
    let decode_time = boxes::chunks(&riserd.segment(track, first))[0].decode_time;
    (riserd.film(track, first..first + 3), decode_time)
}

#[test]
fn every_picture_shows_its_own_frame_number() {
    for (rate, duration) in [("30", 1000), ("30000/1001", 1001)] {
        let riserd = Riserd::live(&format!("[channel]\nframe_rate = '{rate}'\n{SMALL}"), &TRACKS, 1);
        for (track, size) in [("360p", pictures::LARGE), ("180p", pictures::SMALL)] {
            let (film, decode_time) = three_segments(&riserd, track);
            let pictures = pictures::decode(&film, size);
            assert_eq!(pictures.len(), 3 * 48, "{rate} {track}");
            let first = decode_time / duration;
            for (picture, frame) in pictures.iter().zip(first..) {
                let number = pictures::frame_number(picture, size);
                assert_eq!(number, Some(frame as u32), "{rate} {track}: frame {frame}");
            }
        }
        let input = riserd.state("/channels/0/input");
        assert_eq!((&input["skipped"], &input["slate"]), (&0.into(), &0.into()), "{input}");
    }
}

#[test]
fn the_beep_is_on_the_second() {
    let riserd = Riserd::live(SMALL, &TRACKS, 1);
    let (file, decode_time) = three_segments(&riserd, "audio");
    let heard = peers::left_channel(&file);
    assert_eq!(heard.len(), 3 * 76_800, "three segments of 1.6 s");
    // The first block lacks the one before it, whose half belongs to it.
    let seconds = (decode_time + 2048).div_ceil(tone::RATE)..;
    let mut late = Vec::new();
    for second in seconds {
        let at = usize::try_from(second * tone::RATE - decode_time).unwrap();
        if at + 9600 > heard.len() {
            break;
        }
        late.push(lateness(&heard, at, second));
    }
    println!("beeps later than their second, in samples of 48 kHz: {late:?}");
    assert!(late.len() >= 4);
    assert!(late.iter().all(|late| late.abs() <= NEAR), "{late:?}");
}

/// By how many samples the beep of `second`, expected at `at`, comes late: where the sound as it was drawn fits best.
fn lateness(heard: &[i16], at: usize, second: u64) -> i64 {
    let mut drawn = vec![0; 2 * 4800];
    tone::fill(second * tone::RATE, &mut drawn);
    let drawn: Vec<i64> = drawn.iter().step_by(2).map(|&sample| i64::from(sample)).collect();
    let fit = |shift: i64| -> i64 {
        let from = at.checked_add_signed(shift as isize).unwrap();
        drawn.iter().zip(&heard[from..]).map(|(drawn, heard)| drawn * i64::from(*heard)).sum()
    };
    let best = (-1920..=1920).max_by_key(|shift| fit(*shift)).unwrap();
    assert!(fit(best) > drawn.iter().map(|sample| sample * sample).sum::<i64>() / 2, "no beep near {second}");
    best
}
