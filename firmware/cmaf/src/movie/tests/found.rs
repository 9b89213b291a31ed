//! What a reader finds in a movie's head, worked out the long way round.

use mp4_atom::{Codec, Decode, Moov, StszSamples, Trak};

use crate::movie::Movie;

/// A sample as the tables have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FoundSample {
    /// Ticks since the track's first sample.
    pub(super) decode_time: u64,
    pub(super) duration: u64,
    pub(super) size: u64,
    /// Byte of the file.
    pub(super) offset: u64,
    pub(super) sync: bool,
    /// Coded width of its sample entry; sound: samples per second.
    pub(super) entry: u32,
}

pub(super) fn moov(movie: &Movie) -> Moov {
    let at = movie.head.windows(4).position(|window| window == b"moov").unwrap();
    Moov::decode(&mut &movie.head[at - 4..]).unwrap()
}

/// Every sample of a track, by all of its tables.
pub(super) fn samples(trak: &Trak) -> Vec<FoundSample> {
    let stbl = &trak.mdia.minf.stbl;
    let StszSamples::Different { sizes } = &stbl.stsz.samples else { panic!("sizes one by one") };
    let narrow = stbl.stco.iter().flat_map(|stco| &stco.entries).map(|offset| u64::from(*offset));
    let wide = stbl.co64.iter().flat_map(|co64| &co64.entries).copied();
    let offsets: Vec<u64> = narrow.chain(wide).collect();
    let mut durations =
        stbl.stts.entries.iter().flat_map(|run| (0..run.sample_count).map(|_| u64::from(run.sample_delta)));
    let (mut found, mut decode_time, mut sizes) = (Vec::new(), 0, sizes.iter());
    for (chunk, mut offset) in (1..).zip(offsets) {
        let run = stbl.stsc.entries.iter().rfind(|run| run.first_chunk <= chunk).unwrap();
        for _ in 0..run.samples_per_chunk {
            let (size, duration) = (u64::from(*sizes.next().unwrap()), durations.next().unwrap());
            let sync = stbl.stss.as_ref().is_none_or(|stss| stss.entries.contains(&(found.len() as u32 + 1)));
            let entry = entry(&stbl.stsd.codecs[run.sample_description_index as usize - 1]);
            found.push(FoundSample { decode_time, duration, size, offset, sync, entry });
            offset += size;
            decode_time += duration;
        }
    }
    assert_eq!((sizes.next(), durations.next()), (None, None), "tables are of one length");
    assert_eq!(decode_time, trak.mdia.mdhd.duration, "durations sum up");
    found
}

fn entry(codec: &Codec) -> u32 {
    match codec {
        Codec::Avc1(avc1) => u32::from(avc1.visual.width),
        Codec::Mp4a(mp4a) => u32::from(mp4a.audio.sample_rate.integer()),
        other => panic!("{other:?}"),
    }
}

/// The edit list: duration in ticks of the movie, where in the track.
pub(super) fn edits(trak: &Trak) -> Vec<(u64, Option<u64>)> {
    let entries = &trak.edts.as_ref().unwrap().elst.as_ref().unwrap().entries;
    entries.iter().map(|edit| (edit.segment_duration, edit.media_time)).collect()
}
