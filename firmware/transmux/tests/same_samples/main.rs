//! The samples that come out of every protocol are the samples that were stored, byte for byte and with the same times, as exact as
//! the protocol's clock is. What comes out is taken apart by readers of the tests' own ([`readers`]).

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod readers;

use bytes::Bytes;
use media::{Codec, FrameRate, Sample, Track, rescale};
use proptest::prelude::*;
use readers::{Read, cmaf_chunk, f4f, smooth, transport_stream};
use riser_transmux::{Piece, Stream, f4f as flv, smooth as ssm, ts};

const SPS: &[u8] = &[0x67, 0x64, 0, 0x1f];
const PPS: &[u8] = &[0x68, 0xeb];

/// A segment of both tracks.
#[derive(Clone, Debug)]
struct Segment {
    video: (Track, Vec<Sample>),
    audio: (Track, Vec<Sample>),
}

fn track(name: &str, timescale: u32, codec: Codec) -> Track {
    Track { name: name.to_owned(), timescale, bitrate: 1, language: None, captions: Vec::new(), codec }
}

/// Samples that follow one another; each picture is one slice, of bytes that are no start code.
fn samples(begin: u64, duration: u32, drawn: &[(usize, u8, bool, u8)], pictures: bool) -> Vec<Sample> {
    let sample = |(nth, &(size, byte, sync, delay)): (usize, &(usize, u8, bool, u8))| {
        let sync = !pictures || nth == 0 || sync;
        let body = vec![byte.max(4); size];
        let data = match pictures {
            true => [&(size as u32 + 1).to_be_bytes(), &[if sync { 0x65 } else { 0x41 }][..], &body].concat(),
            false => body,
        };
        Sample {
            decode_time: begin + nth as u64 * u64::from(duration),
            duration,
            composition_offset: if pictures { i32::from(delay % 4) * duration as i32 } else { 0 },
            sync,
            filler: false,
            captured: 0,
            data: data.into(),
        }
    };
    drawn.iter().enumerate().map(sample).collect()
}

fn segment() -> impl Strategy<Value = Segment> {
    let rates = prop::sample::select(vec![(25, 1), (30_000, 1001), (50, 1), (60_000, 1001)]);
    let drawn = |most| prop::collection::vec((1_usize..most, any::<u8>(), any::<bool>(), any::<u8>()), 1..40);
    (rates, 1_700_000_000_u64..1_900_000_000, 0_u64..2000, drawn(3000), drawn(400)).prop_map(
        |((num, den), second, late, pictures, sounds)| {
            let rate = FrameRate::new(num, den).unwrap();
            let config = [&[1, 0x64, 0, 0x1f, 0xff, 0xe1, 0, 4], SPS, &[1, 0, 2], PPS].concat();
            let h264 = Codec::H264 { config: config.into(), width: 1280, height: 720, rate };
            let aac =
                Codec::Aac { config: Bytes::from_static(&[0x11, 0x90]), sample_rate: 48_000, channels: 2 };
            let (video, audio) = (track("720p", rate.timescale(), h264), track("audio", 48_000, aac));
            let begin = second * u64::from(video.timescale);
            let video_samples = samples(begin, rate.frame_duration(), &pictures, true);
            let audio_samples = samples(second * 48_000 + late, 1024, &sounds, false);
            Segment { video: (video, video_samples), audio: (audio, audio_samples) }
        },
    )
}

/// The samples at a clock of `timescale`, their times rounded by `round`.
fn wanted((track, samples): &(Track, Vec<Sample>), round: impl Fn(u64, u32) -> u64) -> Vec<Read> {
    let read = |sample: &Sample| Read {
        decode: round(sample.decode_time, track.timescale),
        present: round(
            sample.decode_time.saturating_add_signed(sample.composition_offset.into()),
            track.timescale,
        ),
        sync: sample.sync,
        data: sample.data.to_vec(),
    };
    samples.iter().map(read).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_protocol_gives_the_samples_that_were_stored(segment in segment()) {
        let Segment { video, audio } = &segment;
        let piece = Piece {
            video: Some(Stream { track: &video.0, samples: &video.1 }),
            audio: Some(Stream { track: &audio.0, samples: &audio.1 }),
        };

        for both in [video, audio] {
            let chunk = cmaf::ChunkWriter::new(&both.0, 1).write(&both.1, true, false).unwrap();
            prop_assert_eq!(cmaf_chunk(&chunk), wanted(both, |ticks, _| ticks), "fragmented MP4");

            let entry = |sample: &Sample| ssm::Entry {
                decode_time: sample.decode_time,
                duration: sample.duration,
                composition_offset: sample.composition_offset,
                sync: sample.sync,
                size: sample.data.len() as u32,
            };
            let entries: Vec<_> = both.1.iter().map(entry).collect();
            let mut fragment = ssm::head(1, both.0.timescale, &entries, &[], &[]).unwrap();
            both.1.iter().for_each(|sample| fragment.extend_from_slice(&sample.data));
            let ten_millions = |ticks, timescale| rescale(ticks, timescale, 10_000_000);
            prop_assert_eq!(smooth(&fragment), wanted(both, ten_millions), "Smooth Streaming");
        }

        let (pictures, sounds) = transport_stream(&ts::segment(&[piece], &[]).unwrap());
        let ninety = |ticks, timescale| rescale(ticks, timescale, 90_000) % (1 << 33);
        prop_assert_eq!(pictures, wanted(video, ninety), "MPEG-TS");
        // The times of sound are told every few frames only: the others follow from them.
        let want = wanted(audio, ninety);
        prop_assert_eq!(sounds.iter().map(|(_, data)| data).collect::<Vec<_>>(), want.iter().map(|read| &read.data).collect::<Vec<_>>());
        for ((time, _), read) in sounds.iter().zip(&want) {
            prop_assert!(time.is_none_or(|time| time == read.present), "MPEG-TS: {:?}, not {}", time, read.present);
        }

        let zero = video.1[0].decode_time / u64::from(video.0.timescale) * 1000 - 1000;
        let millis = |ticks, timescale| rescale(ticks, timescale, 1000) - zero;
        let (pictures, sounds) = f4f(&flv::fragment(&[piece], zero).unwrap());
        prop_assert_eq!(pictures, wanted(video, millis), "HDS");
        prop_assert_eq!(sounds, wanted(audio, millis), "HDS");
    }
}
