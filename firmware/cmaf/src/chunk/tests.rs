use proptest::prelude::*;

use super::*;
use crate::{
    fixture::{SECOND, audio, golden, hex, samples, video},
    init_segment, read_init, read_samples, read_segment,
};

fn write(samples: &[Sample], first: bool, last: bool) -> Result<Bytes, Error> {
    ChunkWriter::new(&video(), 7).write(samples, first, last)
}

#[test]
fn every_byte_of_a_chunk() {
    let chunk = write(&samples(&[3, 2]), true, false).unwrap();
    let expected = [
        // styp: cmfs, minor 0, cmfs cmff cmfl msdh
        "00000020 73747970 636d6673 00000000 636d6673 636d6666 636d666c 6d736468",
        // prft: version 1, flags 24, track 1, 1 745 000 000 s + 2 208 988 800 s, media time
        "00000020 70726674 01000018 00000001 ebad14c0 00000000 000027ad 3ca0da00",
        "0000006c 6d6f6f66",
        // mfhd: sequence 7
        "00000010 6d666864 00000000 00000007",
        "00000054 74726166",
        // tfhd: base is moof, default duration 1000 and flags "depends on others, not sync"
        "00000018 74666864 00020028 00000001 000003e8 01010000",
        // tfdt: version 1
        "00000014 74666474 01000000 000027ad 3ca0da00",
        // trun: version 1, data offset, first sample's flags "depends on no other", sizes
        "00000020 7472756e 01000205 00000002 00000074 02000000 00000003 00000002",
        "0000000d 6d646174 01010102 02",
    ];
    assert_eq!(hex(&chunk).replace(' ', ""), expected.concat().replace(' ', ""));
}

#[test]
fn segments_stay_the_same() {
    let mut reordered = samples(&[9, 4, 4, 5]);
    reordered[1].composition_offset = 2000;
    reordered[2].composition_offset = -1000;
    let mut writer = ChunkWriter::new(&video(), 1);
    let first = writer.write(&reordered, true, false).unwrap();
    let mut next = samples(&[5, 5]);
    next.iter_mut().for_each(|sample| sample.decode_time += 4000);
    let last = writer.write(&next, false, true).unwrap();
    golden("read_segment/video.m4s", &[first, last].concat());
    golden(
        "read_segment/audio.m4s",
        &ChunkWriter::new(&audio(), 1).write(&samples(&[6; 4]), true, true).unwrap(),
    );
}

#[test]
fn only_what_differs_is_said_per_sample() {
    let trun_of = |samples: &[Sample]| {
        let chunk = write(samples, false, false).unwrap();
        let trun = chunk.windows(4).position(|window| window == b"trun").unwrap();
        let word = |at: usize| u32::from_be_bytes(chunk[at..at + 4].try_into().unwrap());
        (word(trun - 4), word(trun + 4))
    };
    // Nothing beside the count and the data offset.
    assert_eq!(trun_of(&samples(&[4])), (20, 0x0100_0001));
    let mut equal = samples(&[4; 5]);
    equal.iter_mut().for_each(|sample| sample.sync = true);
    assert_eq!(trun_of(&equal), (20, 0x0100_0001));
    assert_eq!(trun_of(&samples(&[4; 5])), (24, 0x0100_0005));
    let mut late_sync = samples(&[4; 5]);
    late_sync[3].sync = true;
    assert_eq!(trun_of(&late_sync), (20 + 5 * 4, 0x0100_0401));
    let mut reordered = samples(&[4; 2]);
    reordered[1].composition_offset = -1;
    assert_eq!(trun_of(&reordered), (24 + 2 * 4, 0x0100_0805));
    let mut longer = samples(&[4; 2]);
    longer[1].duration = 1001;
    assert_eq!(trun_of(&longer), (24 + 2 * 4, 0x0100_0105));
}

#[test]
fn styp_stands_at_a_segments_start_and_at_the_tracks_end() {
    let brands = |first, last| {
        let chunk = write(&samples(&[1]), first, last).unwrap();
        let size = u32::from_be_bytes(chunk[..4].try_into().unwrap()) as usize;
        (&chunk[4..8] == b"styp").then(|| String::from_utf8_lossy(&chunk[16..size]).into_owned())
    };
    assert_eq!(brands(false, false), None);
    assert_eq!(brands(true, false).unwrap(), "cmfscmffcmflmsdh");
    assert_eq!(brands(true, true).unwrap(), "cmfscmffcmflmsdhlmsg");
    assert_eq!(brands(false, true).unwrap(), "cmfllmsg");
}

#[test]
fn numbers_rise_with_every_chunk_written_and_only_then() {
    let mut writer = ChunkWriter::new(&audio(), u32::MAX);
    let mut sequence = |samples: &[Sample]| {
        let chunk = writer.write(samples, false, false).ok()?;
        Some(read_segment(&chunk).unwrap()[0].sequence)
    };
    assert_eq!(sequence(&samples(&[1])), Some(u32::MAX));
    assert_eq!(sequence(&[]), None);
    assert_eq!(sequence(&samples(&[1])), Some(0));
}

#[test]
fn samples_that_make_no_chunk_are_named() {
    let refused = |change: &dyn Fn(&mut Vec<Sample>)| {
        let mut samples = samples(&[3, 2, 1]);
        change(&mut samples);
        write(&samples, false, false).unwrap_err()
    };
    assert_eq!(refused(&Vec::clear), Error::NoSamples { track: "720p".into() });
    let start = SECOND * 25_000;
    assert_eq!(
        refused(&|samples| samples[2].decode_time += 1),
        Error::NotContiguous { track: "720p".into(), sample: 2, expected: start + 2000, found: start + 2001 }
    );
    assert_eq!(
        refused(&|samples| samples[0].duration = 999).to_string(),
        format!("track 720p: sample 1 of the chunk has decode time {}, not {}", start + 1000, start + 999)
    );
    assert_eq!(
        refused(&|samples| samples[1].data.clear()).to_string(),
        "track 720p: sample 1 of the chunk is empty"
    );
    let early = refused(&|samples| {
        samples.truncate(1);
        (samples[0].decode_time, samples[0].composition_offset) = (5, -6);
    });
    assert_eq!(early.to_string(), "track 720p: sample 0 of the chunk is presented outside the timeline");
    let late = refused(&|samples| {
        samples.truncate(1);
        samples[0].decode_time = u64::MAX;
    });
    assert_eq!(
        late.to_string(),
        "track 720p: sample 0 of the chunk ends beyond the 64 bits of a decode time"
    );
}

fn any_samples() -> impl Strategy<Value = Vec<Sample>> {
    let one = (
        0u32..3000,
        prop_oneof![Just(0), -3000i32..3000],
        any::<bool>(),
        prop::collection::vec(any::<u8>(), 1..40),
    );
    let start = prop_oneof![4000u64..10_000, Just(u64::from(u32::MAX) - 1000), Just(SECOND * 25_000)];
    // Until 2104, where NTP timestamps run out.
    let captured = 0u64..4_000_000_000_000_000_000;
    (start, captured, prop::collection::vec(one, 1..24)).prop_map(|(start, captured, fields)| {
        let mut decode_time = start;
        let sample = |(duration, composition_offset, sync, data): (u32, i32, bool, Vec<u8>)| {
            let data = data.into();
            let sample =
                Sample { decode_time, duration, composition_offset, sync, filler: false, captured, data };
            decode_time = sample.end();
            sample
        };
        fields.into_iter().map(sample).collect()
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read(chunks in prop::collection::vec(any_samples(), 1..4), sequence: u32) {
        let mut writer = ChunkWriter::new(&video(), sequence);
        let last = chunks.len() - 1;
        let written = chunks.iter().enumerate().map(|(index, samples)| {
            writer.write(samples, index == 0, index == last).unwrap()
        });
        let written: Vec<Bytes> = written.collect();
        let segment = Bytes::from(written.concat());

        let mut start = 0;
        for (index, info) in read_segment(&segment).unwrap().iter().enumerate() {
            let first = &chunks[index][0];
            prop_assert_eq!(info.range.clone(), start..start + written[index].len());
            prop_assert_eq!(info.sequence, sequence.wrapping_add(index as u32));
            prop_assert_eq!((info.first_of_segment, info.last_of_track), (index == 0, index == last));
            prop_assert_eq!((info.track_id, info.decode_time), (TRACK_ID, first.decode_time));
            let reference = info.reference.unwrap();
            prop_assert_eq!((reference.nanos, reference.captured), (first.captured, true));
            start = info.range.end;
        }

        let init = read_init(&init_segment(&video()).unwrap()).unwrap();
        let mut read = read_samples(&init.tracks[0], &segment).unwrap();
        let mut wanted = chunks.concat();
        let mut at = 0;
        for chunk in &chunks {
            prop_assert_eq!(read[at].captured, chunk[0].captured);
            at += chunk.len();
        }
        read.iter_mut().chain(&mut wanted).for_each(|sample| sample.captured = 0);
        prop_assert_eq!(read, wanted);
    }

    /// The buffer is made once, with room for everything.
    #[test]
    fn headers_fit_the_room_made_for_them(samples in any_samples()) {
        let payload: usize = samples.iter().map(|sample| sample.data.len()).sum();
        let chunk = write(&samples, true, true).unwrap();
        prop_assert!(chunk.len() - payload <= HEADERS + SAMPLE_ENTRY * samples.len());
    }
}

#[test]
fn an_event_stands_before_the_samples_of_one_chunk() {
    let event = |id, duration| Event {
        scheme: "urn:scte:scte35:2013:bin".to_owned(),
        value: String::new(),
        id,
        at: SECOND * 1_000_000_000 + 40_000_000,
        duration,
        data: Bytes::from_static(&[0xfc, 0x30]),
    };
    let mut writer = ChunkWriter::new(&video(), 7);
    let plain = writer.clone().write(&samples(&[3, 2]), true, false).unwrap();
    writer.tell(&event(9, Some(30_000_000_000))).unwrap();
    writer.tell(&event(10, None)).unwrap();
    let with = writer.write(&samples(&[3, 2]), true, false).unwrap();
    let boxes = |id, duration| {
        let head = "0000003c 656d7367 01000000 000061a8 000027ad 3ca0dde8";
        let scheme = hex(b"urn:scte:scte35:2013:bin\0\0");
        format!("{head} {duration} 000000{id} {scheme} fc30").replace(' ', "")
    };
    let events = boxes("09", "000b71b0") + &boxes("0a", "ffffffff");
    // Behind `styp` and `prft`, 32 bytes each.
    let (head, rest) = plain.split_at(64);
    let spelled = |bytes: &[u8]| hex(bytes).replace(' ', "");
    assert_eq!(spelled(&with), spelled(head) + &events + &spelled(rest));
    assert_eq!(writer.write(&samples(&[3, 2]), true, false).unwrap().len(), plain.len(), "said once");
    let told: Vec<_> = [event(9, Some(30_000_000_000)), event(10, None)].into();
    assert_eq!(crate::read_events(&with), Ok(told));
    let read = read_segment(&with).unwrap();
    assert_eq!((read.len(), read[0].samples.len()), (1, 2));
}
