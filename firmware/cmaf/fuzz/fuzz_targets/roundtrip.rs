//! Any samples: what is written is read back, and what is refused is refused with a reason.
#![no_main]

use bytes::Bytes;
use cmaf::{ChunkWriter, init_segment, read_init, read_samples};
use libfuzzer_sys::{
    arbitrary::{Result, Unstructured},
    fuzz_target,
};
use media::{Codec, Sample, Track};

/// Until 2104, where NTP timestamps run out.
const CAPTURED_MAX: u64 = 4_233_000_000 * media::NANOS;

fuzz_target!(|bytes: &[u8]| {
    let mut input = Unstructured::new(bytes);
    let _ = roundtrip(&mut input);
});

fn roundtrip(input: &mut Unstructured<'_>) -> Result<()> {
    let track = track(input)?;
    let first_of_segment = input.arbitrary()?;
    let last_of_track = input.arbitrary()?;
    let sequence = input.arbitrary()?;
    let samples = samples(input)?;
    let Ok(init) = init_segment(&track) else { return Ok(()) };
    let init = read_init(&init).expect("an init segment that was written is read");
    assert_eq!((init.tracks[0].timescale, init.tracks[0].bitrate), (track.timescale, Some(track.bitrate)));

    let mut writer = ChunkWriter::new(&track, sequence);
    match writer.write(&samples, first_of_segment, last_of_track) {
        Err(err) => assert!(!err.to_string().is_empty()),
        Ok(chunk) => {
            let mut read = read_samples(&init.tracks[0], &chunk).expect("a chunk that was written is read");
            assert_eq!(read[0].captured, samples[0].captured);
            for (read, sample) in read.iter_mut().zip(&samples) {
                read.captured = sample.captured;
            }
            assert_eq!(read, samples);
        }
    }
    Ok(())
}

fn track(input: &mut Unstructured<'_>) -> Result<Track> {
    let config = if input.arbitrary()? {
        let len = input.int_in_range(0..=64)?;
        Bytes::copy_from_slice(input.bytes(len)?)
    } else {
        Bytes::from_static(&[1, 0x64, 0, 0x1f, 0xff, 0xe1, 0, 4, 0x67, 0x64, 0, 0x1f, 1, 0, 2, 0x68, 0xee])
    };
    let codec = match input.arbitrary()? {
        true => Codec::H264 {
            config,
            width: input.arbitrary()?,
            height: input.arbitrary()?,
            rate: "25".parse().expect("25 is a rate"),
        },
        false => Codec::Aac { config, sample_rate: 48_000, channels: 2 },
    };
    Ok(Track {
        name: "track".to_owned(),
        timescale: input.arbitrary()?,
        bitrate: input.arbitrary()?,
        language: input.arbitrary()?,
        captions: Vec::new(),
        codec,
    })
}

/// Mostly contiguous samples.
fn samples(input: &mut Unstructured<'_>) -> Result<Vec<Sample>> {
    let mut decode_time: u64 = input.arbitrary()?;
    let mut samples = Vec::new();
    while !input.is_empty() && samples.len() < 32 {
        let duration = input.arbitrary()?;
        let len = input.int_in_range(0..=16)?;
        let sample = Sample {
            decode_time,
            duration,
            composition_offset: input.arbitrary()?,
            sync: input.arbitrary()?,
            filler: false,
            captured: input.int_in_range(0..=CAPTURED_MAX)?,
            data: Bytes::copy_from_slice(input.bytes(len)?),
        };
        let hole = u64::from(input.ratio(1u8, 64)?);
        decode_time = decode_time.wrapping_add(u64::from(duration) + hole);
        samples.push(sample);
    }
    Ok(samples)
}
