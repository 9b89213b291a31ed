use bytes::Bytes;
use media::{Codec, NANOS};

use super::*;
use crate::{
    ChunkWriter, Error,
    fixture::{SECOND, audio, golden, samples, video},
};

mod found;
mod random;

fn head_of(decode_time: u64, duration: u32, samples: &[(u32, bool)]) -> Head {
    let samples: Vec<HeadSample> =
        samples.iter().map(|&(size, sync)| HeadSample { size, duration, sync }).collect();
    let len = samples.iter().map(|sample| sample.size as usize).sum::<usize>();
    Head { decode_time, samples, payload: 100..100 + len }
}

/// One second of 25 pictures from second `second` after the fixtures' first on.
fn second(second: u64) -> Head {
    let mut sizes = [(100, false); 25];
    sizes[0] = (1000, true);
    head_of((SECOND + second) * 25_000, 1000, &sizes)
}

/// 1280 x 720 and 640 x 360 by the same name.
fn both_sizes() -> Track {
    let large = video();
    let Codec::H264 { config, rate, .. } = large.codec.clone() else { panic!("H.264") };
    let small =
        media::Track { codec: Codec::H264 { config, width: 640, height: 360, rate }, ..large.clone() };
    Track { tracks: vec![large, small] }
}

fn only(track: media::Track) -> Vec<Track> {
    vec![Track { tracks: vec![track] }]
}

/// A builder from `from` to `to` in milliseconds after the fixtures' first sample.
fn builder(tracks: Vec<Track>, from: u64, to: u64) -> Builder {
    let nanos = |millis: u64| SECOND * NANOS + millis * (NANOS / 1000);
    Builder::new(tracks, nanos(from), nanos(to)).unwrap()
}

fn chunk() -> Bytes {
    ChunkWriter::new(&video(), 1).write(&samples(&[30, 20, 10]), true, false).unwrap()
}

#[test]
fn a_head_is_what_was_written() {
    let chunk = chunk();
    golden("movie_head/video.m4s", &chunk);
    let head = head(&chunk, chunk.len()).unwrap();
    assert_eq!(head.decode_time, SECOND * 25_000);
    let sample = |size, sync| HeadSample { size, duration: 1000, sync };
    assert_eq!(head.samples, [sample(30, true), sample(20, false), sample(10, false)]);
    assert_eq!(head.payload, chunk.len() - 60..chunk.len());
    let payload = payload(&chunk).unwrap();
    assert_eq!(payload, [vec![1; 30], vec![2; 20], vec![3; 10]].concat());
    assert_eq!(payload.as_ptr(), chunk[head.payload].as_ptr(), "no copy");
}

#[test]
fn a_head_asks_for_the_bytes_it_needs() {
    let chunk = chunk();
    let whole = head(&chunk, chunk.len()).unwrap();
    let begins = whole.payload.start;
    for len in 0..=chunk.len() {
        match head(&chunk[..len], chunk.len()) {
            // A header of 16 bytes may have followed.
            Ok(head) => assert!(head == whole && len >= begins + 8, "{len}"),
            Err(Error::ReadHead { needed }) => {
                assert!(len < needed && needed <= begins + 8, "{len}: {needed}")
            }
            Err(err) => panic!("{len}: {err}"),
        }
    }
    assert_eq!(
        head(&[&chunk[..], &[1; 100]].concat(), chunk.len()).unwrap(),
        whole,
        "bytes of the next chunk"
    );
}

#[test]
fn a_chunk_that_cannot_be_taken_over_is_refused() {
    let error = |bytes: &[u8]| head(bytes, bytes.len()).unwrap_err().to_string();
    let chunk = chunk();
    assert_eq!(error(&[]), "box `mdat` at byte 0: is missing");
    let begins = head(&chunk, chunk.len()).unwrap().payload.start;
    assert_eq!(error(&chunk[begins - 8..]), "box `moof` at byte 0: is missing");
    assert!(error(&chunk[..begins - 8]).starts_with("box `mdat`"));
    assert!(error(&chunk[..chunk.len() - 1]).ends_with("does not fit into the 59 left"));
    let twice = [&chunk[..], &chunk].concat();
    assert!(error(&twice).ends_with("the chunk goes on behind its `mdat`"));
    let moof = chunk.windows(4).position(|window| window == b"moof").unwrap() - 4;
    let two_heads = [&chunk[..begins - 8], &chunk[moof..]].concat();
    assert!(error(&two_heads).ends_with("is the second of its chunk"));

    let mut longer = chunk.to_vec();
    longer.push(0);
    longer[begins - 5] += 1;
    assert!(error(&longer).ends_with("1 bytes of `mdat` are in no sample"));
    let mut reordered = samples(&[3, 2, 1]);
    reordered[1].composition_offset = 1000;
    let reordered = ChunkWriter::new(&video(), 1).write(&reordered, false, false).unwrap();
    assert!(error(&reordered).ends_with("sample 1 is not presented when it is decoded"));
    assert!(payload(&chunk.slice(..begins - 8)).is_err());
}

#[test]
fn a_movie_that_cannot_be_is_refused() {
    let begin = |tracks, from, to| Builder::new(tracks, from, to).unwrap_err().to_string();
    assert_eq!(begin(vec![], 0, 1), "a movie needs at least one track");
    let none = vec![Track { tracks: vec![] }];
    assert_eq!(begin(none, 0, NANOS), "a movie has a track without configuration");
    let both = vec![Track { tracks: vec![video(), audio()] }];
    assert_eq!(begin(both, 0, NANOS), "a movie has a track that is both pictures and sound");
    for (from, to) in [(NANOS, NANOS), (NANOS, 0), (0, 1)] {
        assert_eq!(begin(only(video()), from, to), "a movie needs an end after its beginning");
    }
    let bad = only(media::Track { timescale: 0, ..video() });
    assert_eq!(begin(bad, 0, NANOS), "track 720p: timescale is 0");

    let mut builder = builder(only(video()), 0, 10_000);
    let refused = |builder: &mut Builder, track, config, segment, head| {
        builder.add(track, config, segment, &[head]).unwrap_err().to_string()
    };
    let unknown = "segment 7 is of an unknown track or configuration";
    assert_eq!(refused(&mut builder, 1, 0, 7, second(0)), format!("track 1: {unknown}"));
    assert_eq!(refused(&mut builder, 0, 1, 7, second(0)), format!("track 720p: {unknown}"));
    builder.add(0, 0, 7, &[second(0)]).unwrap();
    let order = "track 720p: segment 7 does not come after the one before it";
    assert_eq!(refused(&mut builder, 0, 0, 7, second(1)), order);
    let time =
        "track 720p: segment 8 has a sample that takes no time or is not decoded after the one before it";
    assert_eq!(
        refused(&mut builder, 0, 0, 8, head_of((SECOND + 1) * 25_000 - 1000, 1000, &[(1, true)])),
        time
    );
    let far = self::builder(only(video()), 0, 90_000_000).add_all(&[0, 89_999]).unwrap_err().to_string();
    assert_eq!(far, "track 720p: segment 89999 is too far from what comes next: no sample can last so long");
    let mut long = self::builder(only(video()), 0, 90_000_000);
    long.add(0, 0, 7, &[second(0)]).unwrap();
    assert!(long.finish().unwrap_err().to_string().starts_with("track 720p: segment 7 is too far"));
    assert_eq!(self::builder(only(video()), 0, 10).finish(), Err(Error::EmptyMovie));
}

impl Builder {
    /// Seconds of pictures, each a segment.
    fn add_all(&mut self, seconds: &[u64]) -> Result<(), Error> {
        seconds.iter().try_for_each(|&number| self.add(0, 0, number, &[second(number)]))
    }
}

#[test]
fn both_ends_are_exact_to_the_frame() {
    let mut builder = builder(only(video()), 400, 2600);
    builder.add_all(&[0, 1, 2, 3]).unwrap();
    let movie = builder.finish().unwrap();
    let moov = found::moov(&movie);
    assert_eq!((moov.mvhd.timescale, moov.mvhd.duration), (25_000, 55_000));
    assert_eq!(found::edits(&moov.trak[0]), [(55_000, Some(10_000))]);
    assert_eq!(moov.trak[0].mdia.mdhd.duration, 65_000, "the frame at 2.6 s and what follows it is left out");
    let pieces: Vec<(u64, u64)> = movie.pieces.iter().map(|piece| (piece.segment, piece.len)).collect();
    assert_eq!(pieces, [(0, 3400), (1, 3400), (2, 1000 + 14 * 100)]);
    assert_eq!(moov.trak[0].mdia.minf.stbl.stss.as_ref().unwrap().entries, [1, 26, 51]);
}

#[test]
fn holes_last_and_keep_their_length() {
    let mut builder = builder(only(video()), 0, 7000);
    builder.add_all(&[1, 2, 4]).unwrap();
    let movie = builder.finish().unwrap();
    let moov = found::moov(&movie);
    assert_eq!(
        found::edits(&moov.trak[0]),
        [(25_000, None), (150_000, Some(0))],
        "nothing in the first second"
    );
    let durations = |duration: u64| {
        let samples = found::samples(&moov.trak[0]);
        samples
            .iter()
            .enumerate()
            .filter(|(_, it)| it.duration == duration)
            .map(|it| it.0)
            .collect::<Vec<_>>()
    };
    assert_eq!(durations(26_000), [49], "the hole in the fourth second");
    assert_eq!(durations(51_000), [74], "the end is missing");
    assert_eq!(moov.trak[0].mdia.mdhd.duration, 150_000);
}

#[test]
fn of_an_overlap_the_later_sample_takes_all() {
    let mut builder = builder(only(video()), 0, 7000);
    builder.add(0, 0, 0, &[second(0)]).unwrap();
    builder.add(0, 0, 1, &[head_of((SECOND + 1) * 25_000 - 400, 1000, &[(7, true), (7, false)])]).unwrap();
    let moov = found::moov(&builder.finish().unwrap());
    assert_eq!(
        found::samples(&moov.trak[0])[24..26].iter().map(|it| it.duration).collect::<Vec<_>>(),
        [600, 1000]
    );
}

#[test]
fn every_configuration_that_is_used_has_its_sample_entry() {
    let tracks = vec![both_sizes()];
    let mut builder = builder(tracks.clone(), 0, 7000);
    for (segment, config) in [(0, 1), (1, 1), (2, 0), (3, 1)] {
        builder.add(0, config, segment, &[second(segment)]).unwrap();
    }
    let moov = found::moov(&builder.finish().unwrap());
    let widths: Vec<u32> = found::samples(&moov.trak[0]).iter().step_by(25).map(|it| it.entry).collect();
    assert_eq!(widths, [640, 640, 1280, 640]);
    let stbl = &moov.trak[0].mdia.minf.stbl;
    assert_eq!((stbl.stsd.codecs.len(), stbl.stsc.entries.len()), (2, 3));
    assert_eq!((moov.trak[0].tkhd.width, moov.trak[0].tkhd.height), (1280.into(), 720.into()));

    let mut builder = self::builder(tracks, 0, 7000);
    builder.add(0, 1, 0, &[second(0)]).unwrap();
    assert_eq!(found::moov(&builder.finish().unwrap()).trak[0].mdia.minf.stbl.stsd.codecs.len(), 1);
}

#[test]
fn another_sample_rate_keeps_its_time() {
    let slow = media::Track {
        timescale: 44_100,
        codec: Codec::Aac { config: Bytes::from_static(&[0x12, 0x10]), sample_rate: 44_100, channels: 2 },
        ..audio()
    };
    let mut builder = builder(vec![Track { tracks: vec![audio(), slow] }], 0, 7000);
    builder.add(0, 0, 0, &[head_of(SECOND * 48_000, 1024, &[(9, true); 40])]).unwrap();
    builder.add(0, 1, 1, &[head_of((SECOND + 1) * 44_100, 1024, &[(9, true); 43])]).unwrap();
    let moov = found::moov(&builder.finish().unwrap());
    let samples = found::samples(&moov.trak[0]);
    assert_eq!(samples[40].decode_time, 48_000);
    assert_eq!(samples[82].decode_time, 48_000 + (42 * 1024 * 48_000 + 22_050) / 44_100);
    assert_eq!((samples[39].entry, samples[40].entry), (48_000, 44_100));
    assert!(moov.trak[0].mdia.minf.stbl.stss.is_none());
}

#[test]
fn tracks_say_who_they_are() {
    let other = media::Track { name: "audio-en".into(), language: Some("pt-BR".into()), ..audio() };
    let tracks = [audio(), video(), other, media::Track { name: "unseen".into(), ..audio() }];
    let tracks = tracks.map(|track| Track { tracks: vec![track] }).to_vec();
    let mut builder = builder(tracks, 0, 1000).created(SECOND * NANOS);
    for track in 0..3 {
        builder
            .add(track, 0, 5, &[head_of(SECOND * [48_000, 25_000][track % 2], 1000, &[(9, true)])])
            .unwrap();
    }
    let movie = builder.finish().unwrap();
    let moov = found::moov(&movie);
    let says = |trak: &mp4_atom::Trak| {
        let tkhd = &trak.tkhd;
        let name = trak.mdia.hdlr.name.clone();
        (tkhd.track_id, tkhd.enabled, tkhd.alternate_group, name, trak.mdia.mdhd.language.clone())
    };
    let says: Vec<_> = moov.trak.iter().map(says).collect();
    assert_eq!(
        says,
        [
            (1, true, 2, "audio".into(), "deu".into()),
            (2, true, 0, "720p".into(), "und".into()),
            (3, false, 2, "audio-en".into(), "und".into())
        ]
    );
    assert!(movie.head.windows(10).any(|window| window == b"\0\0\0\0pt-BR\0"), "elng");
    assert_eq!((moov.mvhd.timescale, moov.mvhd.next_track_id), (25_000, 4), "pictures' timescale");
    assert_eq!(moov.mvhd.creation_time, SECOND + 2_082_844_800);
    assert_eq!(movie.pieces.iter().map(|piece| piece.track).collect::<Vec<_>>(), [0, 1, 2]);
}

#[test]
fn more_than_4_gib_has_wide_offsets() {
    let movie = |last: u32| {
        let mut builder = builder(only(video()), 0, 10_000);
        builder
            .add(0, 0, 0, &[head_of(SECOND * 25_000, 1000, &[(1 << 31, true), (1 << 30, false)])])
            .unwrap();
        builder.add(0, 0, 1, &[head_of((SECOND + 1) * 25_000, 1000, &[(last, true), (1, false)])]).unwrap();
        builder.finish().unwrap()
    };
    let narrow = movie((1 << 30) - 8000);
    assert!(narrow.size < 1 << 32 && found::moov(&narrow).trak[0].mdia.minf.stbl.co64.is_none());
    let end = narrow.head.len();
    let mdat = (narrow.size - end as u64 + 8) as u32;
    assert_eq!(narrow.head[end - 8..], [&mdat.to_be_bytes()[..], b"mdat"].concat());

    let wide = movie(1 << 31);
    let end = wide.head.len();
    let mdat = wide.size - end as u64 + 16;
    assert_eq!(wide.head[end - 16..], [&1u32.to_be_bytes()[..], b"mdat", &mdat.to_be_bytes()].concat());
    let samples = found::samples(&found::moov(&wide).trak[0]);
    let offsets: Vec<u64> = samples.iter().map(|it| it.offset - end as u64).collect();
    assert_eq!(offsets, [0, 1 << 31, 3 << 30, (3 << 30) + (1 << 31)]);
    assert_eq!(wide.size, end as u64 + (3 << 30) + (1 << 31) + 1);
}
