use bytes::Bytes;
use media::{Codec, Track};
use proptest::prelude::*;

use super::*;
use crate::{
    BoxType, ChunkWriter,
    fixture::{SECOND, audio, samples, video},
    init_segment, layout,
};

fn segment() -> Vec<u8> {
    ChunkWriter::new(&video(), 1).write(&samples(&[30, 20, 10]), true, false).unwrap().to_vec()
}

/// Where the body of the first box with this type begins.
fn body(bytes: &[u8], kind: &[u8; 4]) -> usize {
    bytes.windows(4).position(|window| window == kind).unwrap() + 4
}

fn set(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
}

fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32 + 8).to_be_bytes(), &kind[..], body].concat()
}

#[test]
fn init_segments_come_back() {
    let video_init = read_init(&init_segment(&video()).unwrap()).unwrap();
    let [track] = &video_init.tracks[..] else { panic!("one track") };
    let Codec::H264 { config, .. } = video().codec else { panic!("H.264") };
    assert_eq!((track.id, track.timescale, track.bitrate), (1, 25_000, Some(3_000_000)));
    assert_eq!(
        (&track.language, &track.codec),
        (&None, &InitCodec::H264 { config, width: 1280, height: 720 })
    );

    let init =
        read_init(&init_segment(&Track { language: Some("pt-BR".into()), ..audio() }).unwrap()).unwrap();
    let config = Bytes::from_static(&[0x11, 0x90]);
    assert_eq!(init.tracks[0].codec, InitCodec::Aac { config, sample_rate: 48_000, channels: 2 });
    assert_eq!(init.tracks[0].language.as_deref(), Some("pt-BR"));
    let init = read_init(&init_segment(&audio()).unwrap()).unwrap();
    assert_eq!(init.tracks[0].language.as_deref(), Some("deu"));
}

#[test]
fn other_codecs_are_named_and_not_refused() {
    let mut init = init_segment(&video()).unwrap().to_vec();
    let at = body(&init, b"avc1");
    init[at - 4..at].copy_from_slice(b"vp09");
    assert_eq!(read_init(&init).unwrap().tracks[0].codec, InitCodec::Other(BoxType(*b"vp09")));
}

#[test]
fn errors_name_the_box_and_its_byte() {
    let init = init_segment(&video()).unwrap().to_vec();
    let error = |bytes: &[u8]| read_init(bytes).unwrap_err().to_string();
    assert_eq!(error(&[]), "box `moov` at byte 0: is missing");
    assert_eq!(error(&init[..28]), "box `moov` at byte 28: is missing");
    assert_eq!(error(&init[..30]), "byte 28: a box header is cut short");
    let left = init.len() - 28 - 8;
    assert_eq!(
        error(&init[..init.len() - 1]),
        format!("box `moov` at byte 28: its body of {left} bytes does not fit into the {} left", left - 1)
    );
    let mut bad = init.clone();
    let at = body(&bad, b"avcC");
    bad[at] = 9;
    assert_eq!(
        error(&bad),
        format!("box `avcC` at byte {}: byte 0 of the record: the version is not 1", at - 8)
    );
    let mut bad = init.clone();
    let at = body(&bad, b"tkhd");
    bad[at - 4..at].copy_from_slice(b"t\0hd");
    assert!(error(&bad).ends_with("has no `tkhd`"));
    let mut bad = init.clone();
    let at = body(&bad, b"mdhd");
    set(&mut bad, at + 4 + 16, 0);
    assert_eq!(error(&bad), format!("box `mdhd` at byte {}: the timescale is 0", at - 8));
}

#[test]
fn chunks_say_where_their_payload_is() {
    let segment = segment();
    let [chunk] = &read_segment(&segment).unwrap()[..] else { panic!("one chunk") };
    let mdat = body(&segment, b"mdat");
    let payload: Vec<_> = chunk.samples.iter().map(|sample| sample.payload.clone()).collect();
    assert_eq!(payload, [mdat..mdat + 30, mdat + 30..mdat + 50, mdat + 50..mdat + 60]);
    assert_eq!(chunk.samples.iter().map(|sample| sample.sync).collect::<Vec<_>>(), [true, false, false]);
    assert_eq!(chunk.samples[2].decode_time, SECOND * 25_000 + 2000);
}

#[test]
fn unknown_boxes_are_passed_over() {
    let plain = segment();
    let moof = body(&plain, b"moof") - 8;
    let mdat = body(&plain, b"mdat") - 8;
    let emsg = boxed(b"emsg", &[0xff; 11]);
    // Between moof and mdat as well: the payload then begins later than the data offset says.
    let around = [&emsg, &plain[..moof], &emsg, &plain[moof..]].concat();
    let read = read_segment(&around).unwrap();
    assert_eq!(read[0].samples.len(), 3);
    assert_eq!(read[0].range, emsg.len()..around.len());
    let between = [&plain[..mdat], &emsg, &plain[mdat..]].concat();
    assert!(read_segment(&between).unwrap_err().to_string().contains("payload lies outside of `mdat`"));
}

#[test]
fn mdat_may_have_a_long_size_or_reach_to_the_end() {
    let mut to_the_end = segment();
    let mdat = body(&to_the_end, b"mdat");
    set(&mut to_the_end, mdat - 8, 0);
    assert_eq!(read_segment(&to_the_end).unwrap()[0].samples.len(), 3);

    let mut long = segment();
    set(&mut long, mdat - 8, 1);
    long.splice(mdat..mdat, 76u64.to_be_bytes());
    let trun = body(&long, b"trun");
    let offset = u32::from_be_bytes(long[trun + 8..trun + 12].try_into().unwrap());
    set(&mut long, trun + 8, offset + 8);
    assert_eq!(read_segment(&long).unwrap()[0].samples[0].payload, mdat + 8..mdat + 38);
}

#[test]
fn what_chunks_leave_out_comes_from_the_init_segment() {
    let mut init = init_segment(&video()).unwrap().to_vec();
    let trex = body(&init, b"trex");
    for (field, value) in [1000, 30, 0x0101_0000].into_iter().enumerate() {
        set(&mut init, trex + 12 + 4 * field, value);
    }
    let track = read_init(&init).unwrap().tracks.remove(0);
    let traf = [
        boxed(b"tfhd", &[0, 2, 0, 0, 0, 0, 0, 1]),
        boxed(b"tfdt", &[0, 0, 0, 0, 0, 0, 0, 50]),
        boxed(b"trun", &[0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 92]),
    ];
    let moof = [boxed(b"mfhd", &[0; 8]), boxed(b"traf", &traf.concat())];
    let segment = [boxed(b"moof", &moof.concat()), boxed(b"mdat", &[7; 60])].concat();
    assert!(read_segment(&segment).unwrap_err().to_string().contains("sample 0: its duration is nowhere"));
    let samples = read_samples(&track, &segment.into()).unwrap();
    assert_eq!(samples.len(), 2);
    assert_eq!((samples[1].decode_time, samples[1].data.len(), samples[1].sync), (1050, 30, false));
    // No prft: the timeline itself.
    assert_eq!(samples[1].captured, 42_000_000);
}

#[test]
fn another_tracks_chunks_are_passed_over() {
    let track = read_init(&init_segment(&video()).unwrap()).unwrap().tracks.remove(0);
    let mut other = segment();
    let tfhd = body(&other, b"tfhd");
    set(&mut other, tfhd + 4, 2);
    let both = Bytes::from([segment(), other].concat());
    assert_eq!(read_segment(&both).unwrap().len(), 2);
    assert_eq!(read_samples(&track, &both).unwrap().len(), 3);
}

#[test]
fn segments_that_are_not_cmaf_are_refused() {
    let refused = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut segment = segment();
        change(&mut segment);
        read_segment(&segment).unwrap_err().to_string()
    };
    let cut = refused(&|segment| segment.truncate(body(segment, b"mdat") - 8));
    assert_eq!(cut, "box `moof` at byte 64: has no `mdat` behind it");
    let alone = refused(&|segment| drop(segment.drain(..body(segment, b"mdat") - 8)));
    assert_eq!(alone, "box `mdat` at byte 0: has no `moof` before it");
    let outside = refused(&|segment| {
        let data_offset = body(segment, b"trun") + 8;
        set(segment, data_offset, 0);
    });
    assert!(outside.contains("sample 0: its payload lies outside of `mdat`"), "{outside}");
    let before = refused(&|segment| {
        let data_offset = body(segment, b"trun") + 8;
        set(segment, data_offset, u32::MAX << 16);
    });
    assert!(before.contains("points before the segment"), "{before}");
    let late = refused(&|segment| {
        let tfdt = body(segment, b"tfdt") + 4;
        segment[tfdt..tfdt + 8].fill(0xff);
    });
    assert!(late.contains("sample 0: it ends beyond 64 bits of ticks"), "{late}");
    let several = refused(&|segment| {
        let (moof, mdat) = (body(segment, b"moof"), body(segment, b"mdat") - 8);
        let traf = segment[body(segment, b"traf") - 8..mdat].to_vec();
        let size = (mdat - moof + 8 + traf.len()) as u32;
        set(segment, moof - 8, size);
        segment.splice(mdat..mdat, traf);
    });
    assert!(several.contains("has several `traf`"), "{several}");
}

#[test]
fn hostile_counts_and_depths_are_refused() {
    let mut many = segment();
    let trun = body(&many, b"trun");
    set(&mut many, trun + 4, u32::MAX);
    assert!(read_segment(&many).unwrap_err().to_string().contains("more than 65536 samples"));

    // Descriptors in descriptors, which the library follows by recursion.
    let nested = (0..20_000).fold(Vec::new(), |inner: Vec<u8>, _| {
        let len = inner.len() as u32 + 3;
        let size =
            [(len >> 21) as u8 | 0x80, (len >> 14) as u8 | 0x80, (len >> 7) as u8 | 0x80, len as u8 & 0x7f];
        [&[3], &size[..], &[0, 1, 0], &inner].concat()
    });
    let init = init_segment(&audio()).unwrap().to_vec();
    let (esds, start) = (body(&init, b"esds") - 8, body(&init, b"stsd") - 8);
    let entry =
        [&init[body(&init, b"mp4a")..esds], &boxed(b"esds", &[&[0; 4][..], &nested].concat())].concat();
    let stsd = boxed(b"stsd", &[&init[start + 8..start + 16], &boxed(b"mp4a", &entry)].concat());
    let stbl = boxed(b"stbl", &stsd);
    let mdia = [&init[body(&init, b"mdhd") - 8..body(&init, b"hdlr") - 8], &boxed(b"minf", &stbl)].concat();
    let tkhd = body(&init, b"tkhd") - 8;
    let trak = [&init[tkhd..body(&init, b"mdia") - 8], &boxed(b"mdia", &mdia)].concat();
    let hostile = boxed(b"moov", &boxed(b"trak", &trak));
    assert!(read_init(&hostile).unwrap_err().to_string().contains("is larger than 1024 bytes"));
}

proptest! {
    #[test]
    fn damaged_input_is_answered_not_obeyed(
        audio_track: bool,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut: prop::sample::Index,
    ) {
        let track = if audio_track { audio() } else { video() };
        let layout = layout(vec![track]).unwrap();
        for bytes in [layout.init[0].to_vec(), segment()] {
            let mut bytes = bytes;
            for (at, value) in &changes {
                let at = at.index(bytes.len());
                bytes[at] = *value;
            }
            bytes.truncate(bytes.len() - cut.index(bytes.len()));
            let init = read_init(&bytes);
            let chunks = read_segment(&bytes);
            if let Ok(chunks) = chunks {
                for sample in chunks.iter().flat_map(|chunk| &chunk.samples) {
                    prop_assert!(sample.payload.end <= bytes.len() && !sample.payload.is_empty());
                }
            }
            if let Ok(init) = init {
                prop_assert!(init.tracks.iter().all(|track| track.timescale > 0));
            }
        }
    }
}
