//! What comes out, taken apart again by a reader of its own.

use std::collections::BTreeMap;

use bytes::Bytes;
use media::{FrameRate, Sample, Track};
use proptest::prelude::*;

use media::Codec;

use super::*;
use crate::{Piece, Stream};

const SPS: &[u8] = &[0x67, 0x64, 0, 0x1f];
const PPS: &[u8] = &[0x68, 0xeb];
/// Seconds since the epoch.
const SECOND: u64 = 1_790_000_000;

fn video() -> Track {
    let config = [&[1, 0x64, 0, 0x1f, 0xff, 0xe1, 0, 4], SPS, &[1, 0, 2], PPS].concat();
    let codec =
        Codec::H264 { config: config.into(), width: 1280, height: 720, rate: FrameRate::new(25, 1).unwrap() };
    track("720p", 25_000, codec)
}

fn audio() -> Track {
    let codec = Codec::Aac { config: Bytes::from_static(&[0x11, 0x90]), sample_rate: 48_000, channels: 2 };
    Track { language: Some("deu".to_owned()), ..track("audio", 48_000, codec) }
}

fn track(name: &str, timescale: u32, codec: Codec) -> Track {
    Track { name: name.to_owned(), timescale, bitrate: 1, language: None, captions: Vec::new(), codec }
}

/// Samples of these sizes, one behind the other.
fn samples(timescale: u32, duration: u32, sizes: &[usize], wrap: fn(usize, &[u8]) -> Vec<u8>) -> Vec<Sample> {
    let begin = SECOND * u64::from(timescale);
    let sample = |(nth, &size): (usize, &usize)| Sample {
        decode_time: begin + nth as u64 * u64::from(duration),
        duration,
        composition_offset: 0,
        sync: nth == 0 || duration == 1024,
        filler: false,
        captured: 0,
        data: wrap(nth, &vec![nth as u8; size]).into(),
    };
    sizes.iter().enumerate().map(sample).collect()
}

/// One NAL unit: a slice.
fn slice(nth: usize, body: &[u8]) -> Vec<u8> {
    let kind = if nth == 0 { 0x65 } else { 0x41 };
    [&(body.len() as u32 + 1).to_be_bytes(), &[kind][..], body].concat()
}

fn pictures(sizes: &[usize]) -> Vec<Sample> {
    samples(25_000, 1000, sizes, slice)
}

fn frames(sizes: &[usize]) -> Vec<Sample> {
    samples(48_000, 1024, sizes, |_, body| body.to_vec())
}

/// What a PES packet holds.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Read {
    pts: u64,
    dts: u64,
    data: Vec<u8>,
    random_access: bool,
}

/// A segment's PES packets by PID, its clock references, and the counter of each PID behind it.
#[derive(Default)]
struct Reader {
    counters: BTreeMap<u16, u8>,
    /// Of each PES packet its bytes and whether decoding can begin there.
    packets: BTreeMap<u16, Vec<(Vec<u8>, bool)>>,
    units: BTreeMap<u16, Vec<Read>>,
    sections: BTreeMap<u16, Vec<u8>>,
    clock: Vec<u64>,
}

fn time(bytes: &[u8]) -> u64 {
    let bits = |at: usize| u64::from(bytes[at]);
    assert!([0, 2, 4].iter().all(|at| bytes[*at] & 1 == 1), "marker bits");
    (bits(0) >> 1 & 7) << 30 | bits(1) << 22 | (bits(2) >> 1) << 15 | bits(3) << 7 | bits(4) >> 1
}

impl Reader {
    fn read(&mut self, segment: &[u8]) {
        assert!(segment.len().is_multiple_of(188));
        for packet in segment.chunks(188) {
            assert_eq!(packet[0], 0x47);
            let pid = u16::from_be_bytes([packet[1] & 0x1f, packet[2]]);
            let (control, counter) = (packet[3] >> 4 & 3, packet[3] & 0x0f);
            let expected = self
                .counters
                .get(&pid)
                .map_or(0, |last| if control & 1 == 1 { (last + 1) & 0x0f } else { *last });
            assert!(control & 1 == 0 || counter == expected, "counter of {pid}: {counter}, not {expected}");
            self.counters.insert(pid, counter);
            let (mut at, mut random_access) = (4, false);
            if control & 2 != 0 {
                let len = usize::from(packet[4]);
                assert!(if control & 1 == 1 { len <= 182 } else { len == 183 });
                if len > 0 {
                    random_access = packet[5] & 0x40 != 0;
                    if packet[5] & 0x10 != 0 {
                        let clock = u64::from_be_bytes(packet[4..12].try_into().unwrap()) & 0xffff_ffff_ffff;
                        assert_eq!(clock & 0x7fff, 0x7e00, "reserved bits and no extension");
                        self.clock.push(clock >> 15);
                    }
                }
                at += 1 + len;
            }
            let payload = &packet[at..];
            let begins = packet[1] & 0x40 != 0;
            if pid == 0 || pid == 0x1000 {
                assert!(begins && payload[0] == 0);
                let len = usize::from(u16::from_be_bytes([payload[2] & 0x0f, payload[3]])) + 3;
                self.sections.insert(pid, payload[1..=len].to_vec());
            } else if begins {
                self.packets.entry(pid).or_default().push((payload.to_vec(), random_access));
            } else if control & 1 == 1 {
                self.packets.get_mut(&pid).unwrap().last_mut().unwrap().0.extend_from_slice(payload);
            }
        }
        for (pid, packets) in std::mem::take(&mut self.packets) {
            packets.iter().for_each(|(packet, random_access)| self.unwrap(pid, packet, *random_access));
        }
    }

    fn unwrap(&mut self, pid: u16, payload: &[u8], random_access: bool) {
        assert_eq!(payload[..3], [0, 0, 1]);
        assert_eq!(
            payload[3],
            match pid {
                VIDEO => 0xe0,
                AUDIO => 0xc0,
                _ => 0xbd,
            }
        );
        let pts = time(&payload[9..]);
        let dts = if payload[7] & 0x40 != 0 { time(&payload[14..]) } else { pts };
        let data = payload[9 + usize::from(payload[8])..].to_vec();
        self.units.entry(pid).or_default().push(Read { pts, dts, data, random_access });
    }
}

/// The frames of an ADTS stream.
fn unwrap_adts(mut stream: &[u8]) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    while !stream.is_empty() {
        assert_eq!(stream[..3], [0xff, 0xf1, 0x4c], "AAC-LC, 48 kHz");
        assert_eq!(stream[3] & 0xc0, 0x80, "two channels");
        let len =
            usize::from(stream[3] & 3) << 11 | usize::from(stream[4]) << 3 | usize::from(stream[5]) >> 5;
        frames.push(stream[7..len].to_vec());
        stream = &stream[len..];
    }
    frames
}

/// The NAL units of a byte stream whose units hold no zeros in a row.
fn unwrap_annex_b(stream: &[u8]) -> Vec<Vec<u8>> {
    let starts: Vec<_> =
        (0..stream.len().saturating_sub(3)).filter(|&at| stream[at..at + 4] == *START).collect();
    let ends = starts.iter().skip(1).copied().chain([stream.len()]);
    starts.iter().zip(ends).map(|(start, end)| stream[start + 4..end].to_vec()).collect()
}

const START: &[u8; 4] = &[0, 0, 0, 1];

fn make(pictures: &[Sample], frames: &[Sample]) -> Vec<u8> {
    let (video, audio) = (video(), audio());
    let video = Stream { track: &video, samples: pictures };
    let audio = Stream { track: &audio, samples: frames };
    let is_there = |stream: &Stream<'_>| !stream.samples.is_empty();
    segment(&[Piece { video: Some(video).filter(is_there), audio: Some(audio).filter(is_there) }], &[])
        .unwrap()
}

#[test]
fn tables_name_the_streams_and_their_checksums_are_right() {
    let mut reader = Reader::default();
    reader.read(&make(&pictures(&[10]), &frames(&[10])));
    // The CRC of a section with its CRC is 0.
    let crc = |section: &[u8]| {
        section.iter().fold(u32::MAX, |crc, byte| {
            (0..8).rev().fold(crc, |crc, bit| {
                let carry = (crc >> 31) ^ u32::from(byte >> bit & 1);
                crc << 1 ^ if carry == 1 { 0x04c1_1db7 } else { 0 }
            })
        })
    };
    assert_eq!((crc(&reader.sections[&0]), crc(&reader.sections[&0x1000])), (0, 0));
    let map = &reader.sections[&0x1000];
    assert_eq!(map[8..12], [0xe1, 0x00, 0xf0, 0], "the clock is in the pictures");
    assert_eq!(map[12..17], [0x1b, 0xe1, 0x00, 0xf0, 0]);
    assert_eq!(map[17..28], [0x0f, 0xe1, 0x01, 0xf0, 6, 0x0a, 4, b'd', b'e', b'u', 0]);
}

#[test]
fn each_access_unit_begins_with_a_delimiter_and_key_frames_bring_their_parameters() {
    let mut reader = Reader::default();
    reader.read(&make(&pictures(&[300, 5]), &[]));
    let units: Vec<_> = reader.units[&VIDEO].iter().map(|unit| unwrap_annex_b(&unit.data)).collect();
    let first: Vec<u8> = units[0].iter().map(|unit| unit[0] & 0x1f).collect();
    assert_eq!(first, [9, 7, 8, 5]);
    assert_eq!((units[0][1].as_slice(), units[0][2].as_slice()), (SPS, PPS));
    assert_eq!(units[1].iter().map(|unit| unit[0] & 0x1f).collect::<Vec<_>>(), [9, 1]);
}

#[test]
fn pictures_out_of_order_have_both_times() {
    let mut reordered = pictures(&[20, 20]);
    reordered[0].composition_offset = 2000;
    let mut reader = Reader::default();
    reader.read(&make(&reordered, &[]));
    let begin = SECOND * 90_000 % (1 << 33);
    let times: Vec<_> =
        reader.units[&VIDEO].iter().map(|unit| (unit.pts - begin, unit.dts - begin)).collect();
    assert_eq!(times, [(7200, 0), (3600, 3600)]);
}

#[test]
fn the_header_of_silence_is_in_one_packet() {
    for count in 2..12 {
        let made = make(&[], &frames(&vec![6; count]));
        let begins = made.chunks(188).filter(|packet| packet[1..3] == [0x41, 1]);
        let mut units = 0;
        for packet in begins {
            let field = if packet[3] & 0x20 != 0 { 1 + usize::from(packet[4]) } else { 0 };
            assert!(188 - 4 - field >= 14, "{count} frames");
            units += 1;
        }
        assert_eq!(units, count.div_ceil(FRAMES));
    }
}

#[test]
fn what_cannot_be_carried_or_is_cut_short_is_refused() {
    let codec = |codec| track("t", 1000, codec);
    let rate = FrameRate::new(25, 1).unwrap();
    let hevc = codec(Codec::H265 { config: Bytes::new(), width: 2, height: 2, rate });
    let refused = |track: &Track, samples: &[Sample]| {
        let stream = Some(Stream { track, samples });
        segment(&[Piece { video: stream, audio: None }], &[]).unwrap_err()
    };
    assert_eq!(refused(&hevc, &pictures(&[1])), Error::Codec("hvc1".to_owned()));
    let short = codec(Codec::H264 { config: Bytes::from_static(&[1, 2, 3]), width: 2, height: 2, rate });
    assert_eq!(refused(&short, &pictures(&[1])), Error::Config("t".to_owned()));
    let mut torn = pictures(&[100]);
    torn[0].data = torn[0].data.slice(..50);
    let decode_time = torn[0].decode_time;
    assert_eq!(refused(&video(), &torn), Error::Sample { track: "720p".to_owned(), decode_time, at: 0 });
    let long = frames(&[8185]);
    assert!(matches!(refused(&audio(), &long), Error::Sample { at: 8191, .. }));
    assert_eq!(segment(&[], &[]), Ok(Vec::new()));
}

proptest! {
    /// Bit for bit and at their times; counters go on from segment to segment, the clock never runs back.
    #[test]
    fn samples_come_out_as_they_went_in(
        pictures_of in prop::collection::vec(0usize..2000, 0..40),
        frames_of in prop::collection::vec(0usize..600, 0..80),
    ) {
        let (pictures, frames) = (pictures(&pictures_of), frames(&frames_of));
        let made = make(&pictures, &frames);
        let mut reader = Reader::default();
        reader.read(&made);
        let ticks = |sample: &Sample, timescale: u64| sample.decode_time * 90_000 / timescale % (1 << 33);
        let shown = reader.units.get(&VIDEO).cloned().unwrap_or_default();
        prop_assert_eq!(shown.len(), pictures.len());
        for (unit, sample) in shown.iter().zip(&pictures) {
            prop_assert_eq!((unit.pts, unit.dts), (ticks(sample, 25_000), ticks(sample, 25_000)));
            prop_assert_eq!(unit.random_access, sample.sync);
            prop_assert!(unit.data.ends_with(&sample.data[4..]));
        }
        let heard = reader.units.get(&AUDIO).cloned().unwrap_or_default();
        prop_assert_eq!(heard.len(), frames.len().div_ceil(FRAMES));
        let out: Vec<_> = heard.iter().flat_map(|unit| unwrap_adts(&unit.data)).collect();
        prop_assert!(out.iter().eq(frames.iter().map(|frame| &frame.data[..])));
        let mut behind = &frames[..];
        for unit in &heard {
            prop_assert_eq!(unit.pts, ticks(&behind[0], 48_000));
            behind = &behind[unwrap_adts(&unit.data).len()..];
        }
        prop_assert!(reader.clock.is_sorted());
        prop_assert!(reader.clock.windows(2).all(|two| two[1] - two[0] <= 9000), "100 ms");
        prop_assert!(made.is_empty() || made[1..3] == [0x40, 0], "the program association is first");
        // The next one goes on where this one ends.
        reader.read(&made);
    }
}

#[test]
fn tags_have_a_stream_of_their_own_where_there_are_any() {
    let (video, audio) = (video(), audio());
    let (pictures, frames) = (pictures(&[100; 5]), frames(&[50; 9]));
    let piece = Piece {
        video: Some(Stream { track: &video, samples: &pictures }),
        audio: Some(Stream { track: &audio, samples: &frames }),
    };
    let tag = |millis: u64, data: &'static [u8]| Tag {
        at: SECOND * 1_000_000_000 + millis * 1_000_000,
        data: Bytes::from_static(data),
    };
    // One lies before the first picture: it was told while the part before was made.
    let tags = [tag(80, b"ID3 second"), Tag { at: tag(0, b"").at - 40_000_000, ..tag(0, b"ID3 first") }];
    let made = segment(&[piece], &tags).unwrap();
    let mut reader = Reader::default();
    reader.read(&made);
    let read = &reader.units[&METADATA];
    let begin = SECOND * 90_000 % (1 << 33);
    assert_eq!(
        read.iter().map(|read| (read.pts, &read.data[..])).collect::<Vec<_>>(),
        [(begin - 3600, &b"ID3 first"[..]), (begin + 7200, &b"ID3 second"[..])]
    );
    assert_eq!(reader.counters[&METADATA], 15, "the next segment goes on with 0");
    let map = &reader.sections[&0x1000];
    assert_eq!(map[10..12], [0xf0, 17], "the program says that it has tags");
    assert!(map.windows(5).any(|stream| *stream == [0x15, 0xe1, 0x02, 0xf0, 15]), "and so does the stream");
    reader.read(&segment(&[piece], &[]).unwrap());
    assert!(!reader.sections[&0x1000].windows(3).any(|stream| *stream == [0x15, 0xe1, 0x02]));
    assert_eq!(segment(&[], &tags).unwrap(), [], "tags alone are no segment");
}
