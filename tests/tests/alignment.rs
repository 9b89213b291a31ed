//! Where segments and parts begin, told from the bytes by two readers that share no code with the muxer.

use std::time::Duration;

use riser_tests::{
    Riserd,
    boxes::{self, Chunk},
    peers,
    riserd::{SMALL, TRACKS},
};

/// Whole segments that are looked at.
const SEGMENTS: usize = 2;

/// A frame rate, ticks per second of its track, ticks and frames of a segment, frames of a part.
struct Rate {
    setting: &'static str,
    timescale: u32,
    segment: u64,
    frames: usize,
    part: usize,
}

#[test]
fn thirty_frames_a_second() {
    check(&Rate { setting: "30", timescale: 30_000, segment: 48 * 1000, frames: 48, part: 6 });
}

#[test]
fn twenty_five_frames_a_second() {
    check(&Rate { setting: "25", timescale: 25_000, segment: 40 * 1000, frames: 40, part: 5 });
}

#[test]
fn thirty_thousand_frames_in_1001_seconds() {
    check(&Rate { setting: "30000/1001", timescale: 30_000, segment: 48 * 1001, frames: 48, part: 6 });
}

fn check(rate: &Rate) {
    let riserd = Riserd::live(&format!("[channel]\nframe_rate = '{}'\n{SMALL}", rate.setting), &TRACKS, 1);
    // The first segment begins within its line; from the second on all are whole.
    let first = riserd.playlist("360p").expect("it has begun").segments[0].number + 1;
    let last = first + SEGMENTS as u64 - 1;
    for track in TRACKS {
        riserd.wait_for(track, last);
    }
    let numbers: Vec<u64> = (first..=last).collect();
    for track in ["360p", "180p"] {
        let chunks = chunks(&riserd, track, &numbers);
        check_picture(&riserd, track, rate, first, &chunks);
    }
    let chunks = chunks(&riserd, "audio", &numbers);
    check_sound(&riserd, rate, first, &chunks);
}

/// The chunks of each segment; each segment is the same bytes as its parts.
fn chunks(riserd: &Riserd, track: &str, numbers: &[u64]) -> Vec<Vec<Chunk>> {
    let mut segments = Vec::new();
    for number in numbers {
        let segment = riserd.segment(track, *number);
        let chunks = boxes::chunks(&segment);
        let part = |part: usize| riserd.bytes(&format!("/live/main/{track}/{number}.{part}.m4s"));
        let parts: Vec<Vec<u8>> = (0..chunks.len()).map(part).collect();
        assert!(parts.concat() == segment, "{track} {number}: the parts are the segment");
        for (part, chunk) in parts.iter().zip(&chunks) {
            assert!(segment[chunk.bytes.clone()] == part[..], "{track} {number}: a part is a chunk");
        }
        segments.push(chunks);
    }
    segments
}

fn check_picture(riserd: &Riserd, track: &str, rate: &Rate, first: u64, segments: &[Vec<Chunk>]) {
    let init = riserd.init(track);
    assert_eq!(boxes::timescale(&init), rate.timescale, "{track}");
    let frame = rate.segment / rate.frames as u64;
    let mut decode_time = first * rate.segment;
    for (number, chunks) in (first..).zip(segments) {
        assert_eq!(chunks[0].decode_time, number * rate.segment, "{track} {number} begins on its line");
        assert_eq!(chunks.len(), rate.frames / rate.part, "{track} {number}: parts");
        let bytes = riserd.segment(track, number);
        for (part, chunk) in chunks.iter().enumerate() {
            assert_eq!(chunk.decode_time, decode_time, "{track} {number}.{part} follows its predecessor");
            assert_eq!(chunk.samples.len(), rate.part, "{track} {number}.{part}: frames");
            assert!(chunk.samples.iter().all(|sample| u64::from(sample.duration) == frame));
            assert_eq!(chunk.brands.is_empty(), part > 0, "{track} {number}.{part}: styp");
            check_reference(chunk, rate.timescale);
            for (nth, sample) in chunk.samples.iter().enumerate() {
                let begins = part == 0 && nth == 0;
                let is_idr = boxes::nal_types(&bytes[sample.bytes.clone()]).contains(&5);
                assert_eq!((sample.sync, is_idr), (begins, begins), "{track} {number}.{part} sample {nth}");
            }
            decode_time = chunk.end();
        }
    }
    // ffprobe reads the same from the same bytes.
    let packets = probe(riserd, track, first);
    let expected: Vec<u64> =
        (0..SEGMENTS * rate.frames).map(|nth| first * rate.segment + nth as u64 * frame).collect();
    assert_eq!(packets.iter().map(|packet| packet.dts).collect::<Vec<_>>(), expected, "{track}");
    assert_eq!(packets.iter().map(|packet| packet.pts).collect::<Vec<_>>(), expected, "no reordering");
    let keys = packets.iter().enumerate().filter(|(_, packet)| packet.key);
    assert_eq!(keys.map(|(at, _)| at).collect::<Vec<_>>(), [0, rate.frames], "{track}: key frames");
}

fn check_sound(riserd: &Riserd, rate: &Rate, first: u64, segments: &[Vec<Chunk>]) {
    let init = riserd.init("audio");
    assert_eq!(boxes::timescale(&init), 48_000);
    let mut decode_time = segments[0][0].decode_time;
    for (number, chunks) in (first..).zip(segments) {
        let line = u128::from(number * rate.segment) * 48_000;
        let line = u64::try_from(line.div_ceil(u128::from(rate.timescale))).expect("64 bits");
        let late = chunks[0].decode_time.checked_sub(line).expect("sound begins at or after the line");
        assert!(late < 1024, "audio {number} begins {late} samples after its line, a frame has 1024");
        if rate.timescale != 30_000 || rate.segment.is_multiple_of(1000) {
            assert_eq!(late, 0, "at whole rates 48 kHz fits the line");
        }
        for chunk in chunks {
            assert_eq!(chunk.decode_time, decode_time, "audio {number} follows its predecessor");
            assert_eq!(chunk.decode_time % 1024, 0, "blocks of sound are counted from the epoch");
            assert!(chunk.samples.iter().all(|sample| sample.duration == 1024 && sample.sync));
            check_reference(chunk, 48_000);
            decode_time = chunk.end();
        }
    }
    let packets = probe(riserd, "audio", first);
    let first = segments[0][0].decode_time;
    let expected: Vec<u64> = (first..decode_time).step_by(1024).collect();
    assert_eq!(packets.iter().map(|packet| packet.dts).collect::<Vec<_>>(), expected);
}

/// The capture time in `prft` is that of the media time, less than a second before or after it: the test signal is
/// captured when it is due.
fn check_reference(chunk: &Chunk, timescale: u32) {
    let (ntp, media_time) = chunk.reference.expect("every chunk has a prft");
    assert_eq!(media_time, chunk.decode_time);
    let due = u128::from(media_time) * 1000 / u128::from(timescale);
    let captured = ((u128::from(ntp) * 1000) >> 32) - 2_208_988_800_000;
    assert!(due.abs_diff(captured) < 1000, "captured {captured}, due {due}");
}

fn probe(riserd: &Riserd, track: &str, first: u64) -> Vec<peers::Packet> {
    let film = riserd.film(track, first..first + SEGMENTS as u64);
    peers::packets(&film.to_string_lossy(), Duration::from_secs(20))
}
