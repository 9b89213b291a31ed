//! Any row of segments: what a reader finds in the file is what was put in.

use media::{Codec, NANOS};
use proptest::{collection::vec, prelude::*};

use super::{found, *};

/// A segment of a track: those left out before it, its configuration, its late beginning in samples, the sizes of
/// its chunks' samples, and which of these are sync samples.
#[derive(Clone, Debug)]
struct Wanted {
    hole: u64,
    config: usize,
    late: u64,
    chunks: Vec<Vec<(u32, bool)>>,
}

fn wanted() -> impl Strategy<Value = Vec<Wanted>> {
    let chunks = vec(vec((1u32..5000, prop::bool::weighted(0.2)), 0..5), 0..4);
    let segment = (prop_oneof![4 => Just(0u64), 1 => 1u64..5], 0usize..2, 0u64..3, chunks)
        .prop_map(|(hole, config, late, chunks)| Wanted { hole, config, late, chunks });
    vec(segment, 0..12)
}

/// Adds segments of a second each to a track, with samples of `duration` ticks; each with its segment's number.
fn put(
    builder: &mut Builder,
    track: usize,
    tracks: &[media::Track],
    duration: u64,
    wanted: &[Wanted],
) -> Vec<(u64, Put)> {
    let (mut segment, mut all) = (SECOND, Vec::new());
    for it in wanted {
        segment += it.hole;
        let timescale = u64::from(tracks[it.config].timescale);
        let mut decode_time = segment * timescale + it.late * duration;
        let heads: Vec<Head> = it
            .chunks
            .iter()
            .map(|chunk| {
                let head = head_of(decode_time, duration as u32, chunk);
                for (size, sync) in chunk {
                    let entry = match tracks[it.config].codec {
                        Codec::H264 { width, .. } | Codec::H265 { width, .. } => u32::from(width),
                        Codec::Aac { sample_rate, .. } => sample_rate,
                    };
                    all.push((segment, Put { decode_time, size: u64::from(*size), sync: *sync, entry }));
                    decode_time += duration;
                }
                head
            })
            .collect();
        builder.add(track, it.config, segment, &heads).unwrap();
        segment += 1;
    }
    all
}

/// A sample as it was put in.
struct Put {
    decode_time: u64,
    size: u64,
    sync: bool,
    entry: u32,
}

/// The file's track has just the samples before `to`, at their times and in their pieces.
fn assert_track(
    movie: &Movie,
    track: u16,
    trak: &mp4_atom::Trak,
    put: &[(u64, Put)],
    to: u64,
) -> Result<(), TestCaseError> {
    let found = found::samples(trak);
    let put: Vec<_> = put.iter().filter(|(_, put)| put.decode_time < to).collect();
    prop_assert_eq!(found.len(), put.len());
    let first = put[0].1.decode_time;
    let mut at = (u64::MAX, 0);
    for (found, (segment, put)) in found.iter().zip(&put) {
        prop_assert_eq!(found.decode_time, put.decode_time - first);
        prop_assert_eq!((found.size, found.entry), (put.size, put.entry));
        prop_assert_eq!(found.sync, put.sync || trak.mdia.minf.stbl.stss.is_none());
        let piece = movie.pieces[movie.piece_at(found.offset).unwrap()];
        prop_assert_eq!((piece.track, piece.segment), (track, *segment));
        // Samples lie in their piece one after the other, from its first byte to its last.
        let expected = if at.0 == *segment { at.1 } else { piece.offset };
        prop_assert_eq!(found.offset, expected);
        at = (*segment, found.offset + found.size);
        prop_assert!(at.1 <= piece.offset + piece.len);
    }
    let bytes: u64 = movie.pieces.iter().filter(|piece| piece.track == track).map(|piece| piece.len).sum();
    prop_assert_eq!(bytes, put.iter().map(|(_, put)| put.size).sum::<u64>());
    prop_assert!(first + trak.mdia.mdhd.duration >= to, "it lasts to the end");
    Ok(())
}

proptest! {
    #[test]
    fn what_is_put_in_is_found(
        pictures in wanted(),
        sound in wanted(),
        from in 0..4000u64,
        length in 1..20_000u64,
        video_first: bool,
    ) {
        let (from, to) = (SECOND * 1000 + from, SECOND * 1000 + from + length);
        let nanos = |millis: u64| millis * (NANOS / 1000);
        let kinds = vec![both_sizes(), Track { tracks: vec![audio(), audio()] }];
        let mut builder = Builder::new(kinds.clone(), nanos(from), nanos(to)).unwrap();
        let mut put_in = [Vec::new(), Vec::new()];
        let order = if video_first { [0, 1] } else { [1, 0] };
        for track in order {
            let (wanted, duration) = if track == 0 { (&pictures, 1000) } else { (&sound, 1024) };
            put_in[track] = put(&mut builder, track, &kinds[track].tracks, duration, wanted);
        }
        let end = [media::ticks(nanos(to), 25_000), media::ticks(nanos(to), 48_000)];
        let present: Vec<usize> =
            (0..2).filter(|&track| put_in[track].iter().any(|(_, put)| put.decode_time < end[track])).collect();
        if present.is_empty() {
            prop_assert_eq!(builder.finish(), Err(Error::EmptyMovie));
            return Ok(());
        }
        let movie = builder.finish().unwrap();

        let mut offset = movie.head.len() as u64;
        for (index, piece) in movie.pieces.iter().enumerate() {
            prop_assert!(piece.len > 0);
            prop_assert_eq!(piece.offset, offset);
            prop_assert_eq!(movie.piece_at(offset), Some(index));
            offset += piece.len;
            prop_assert_eq!(movie.piece_at(offset - 1), Some(index));
        }
        prop_assert_eq!(movie.size, offset);
        prop_assert_eq!((movie.piece_at(movie.head.len() as u64 - 1), movie.piece_at(offset)), (None, None));
        let order = movie.pieces.windows(2).all(|two| (two[0].segment, two[0].track) < (two[1].segment, two[1].track));
        prop_assert!(order, "segment by segment: {:?}", movie.pieces);

        let moov = found::moov(&movie);
        prop_assert_eq!(moov.trak.len(), present.len());
        for (trak, track) in moov.trak.iter().zip(present) {
            assert_track(&movie, track as u16, trak, &put_in[track], end[track])?;
            // Sound and picture are as far from the beginning as they were from each other.
            let timescale = u64::from(trak.mdia.mdhd.timescale);
            let edits = found::edits(trak);
            let first = put_in[track][0].1.decode_time;
            let begins = from * timescale / 1000;
            let (nothing, media) = match edits[..] {
                [(_, Some(media))] => (0, media),
                [(nothing, None), (_, Some(0))] => (nothing, 0),
                _ => panic!("{edits:?}"),
            };
            prop_assert_eq!(media, begins.saturating_sub(first));
            let late = first.saturating_sub(begins) * u64::from(moov.mvhd.timescale);
            prop_assert!(late.abs_diff(nothing * timescale) <= timescale, "{} {}", late, nothing);
            prop_assert_eq!(edits.iter().map(|(duration, _)| duration).sum::<u64>(), moov.mvhd.duration);
            prop_assert_eq!(trak.tkhd.duration, moov.mvhd.duration);
        }
        prop_assert_eq!(moov.mvhd.duration, length * u64::from(moov.mvhd.timescale) / 1000);
    }
}
