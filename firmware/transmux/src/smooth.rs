//! Fragments of Smooth Streaming: what stands before a segment's samples ([MS-SSTR] 2.2.4, "SSTR" below).
//!
//! The samples follow as they are stored. Times are ticks of [`TIMESCALE`] since the Unix epoch, rounded down, so that
//! durations add up to the next fragment's time.

use media::rescale;

use crate::Error;

/// Ticks per second of every time in Smooth Streaming.
pub const TIMESCALE: u32 = 10_000_000;

/// The fragment's own time and those to come (SSTR, 2.2.4.4 and 2.2.4.5).
const TFXD: [u8; 16] = *b"\x6d\x1d\x9b\x05\x42\xd5\x44\xe6\x80\xe2\x14\x1d\xaf\xf7\x57\xb2";
const TFRF: [u8; 16] = *b"\xd4\x80\x7e\xf2\xca\x39\x46\x95\x8e\x54\x26\xcb\x9e\x46\xa7\x9f";

/// How the samples are encrypted, before there was `senc` (Microsoft, "Protected Interoperable File Format", 5.3.2).
const PIFF_SAMPLES: [u8; 16] = *b"\xa2\x39\x4f\x52\x5a\x9b\x4f\x14\xa2\x44\x6c\x42\x7c\x64\x8d\xf4";
/// Subsamples are named in it.
const SUBSAMPLES: u32 = 2;

/// `tfhd` without any field but the track (ISO/IEC 14496-12, 8.8.7), whose number players do not look at.
const TRACK_ID: u32 = 1;
/// `trun` (8.8.8) with data offset and, for each sample, duration, size, flags and composition offset.
const RUN_FLAGS: u32 = 0x0000_0f01;
/// Sample flags (8.8.3.1): depends on no other; depends on others and cannot be begun at.
const SYNC: u32 = 0x0200_0000;
const NON_SYNC: u32 = 0x0101_0000;

/// A sample as the fragment's head describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Ticks of the track.
    pub decode_time: u64,
    /// Ticks it lasts.
    pub duration: u32,
    /// Presentation time less decode time, in ticks.
    pub composition_offset: i32,
    /// Decoding can begin here.
    pub sync: bool,
    /// Bytes.
    pub size: u32,
}

/// How a sample is encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encrypted {
    /// Its initialisation vector.
    pub iv: [u8; 8],
    /// Bytes in the clear and encrypted bytes behind them, in turn; none for all of it, in all samples or in none.
    pub subsamples: Vec<(u16, u32)>,
}

/// A stretch of time in ticks of [`TIMESCALE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time {
    /// Where it begins.
    pub start: u64,
    /// How long it lasts.
    pub duration: u64,
}

/// `moof` and the head of the `mdat` that the samples follow in.
///
/// `next` are the times of the fragments that follow, as far as the stream has them to tell: those of a live stream. `encrypted`
/// says how each sample is encrypted; nothing where they are in the clear.
///
/// # Errors
/// Where the samples have more than 4 GiB.
pub fn head(
    sequence: u32,
    timescale: u32,
    entries: &[Entry],
    next: &[Time],
    encrypted: &[Encrypted],
) -> Result<Vec<u8>, Error> {
    let payload: u64 = entries.iter().map(|entry| u64::from(entry.size)).sum();
    let mdat = u32::try_from(payload + 8).map_err(|_| Error::Large(payload))?;
    let start = entries.first().map_or(0, |entry| rescale(entry.decode_time, timescale, TIMESCALE));
    let end = entries.last().map_or(start, |entry| end(entry, timescale));
    let mut out = Vec::with_capacity(256 + 16 * entries.len());
    let mut data_offset = 0;
    boxed(&mut out, b"moof", |out| {
        boxed(out, b"mfhd", |out| out.extend([[0; 4], sequence.to_be_bytes()].concat()));
        boxed(out, b"traf", |out| {
            boxed(out, b"tfhd", |out| out.extend([[0; 4], TRACK_ID.to_be_bytes()].concat()));
            boxed(out, b"trun", |out| {
                out.extend(RUN_FLAGS.to_be_bytes());
                // A segment has some hundred samples.
                out.extend((entries.len() as u32).to_be_bytes());
                data_offset = out.len();
                out.extend([0; 4]);
                entries.iter().for_each(|entry| run(out, entry, timescale));
            });
            boxed(out, b"uuid", |out| {
                out.extend(TFXD);
                out.extend([1, 0, 0, 0]);
                time(out, Time { start, duration: end - start });
            });
            if !encrypted.is_empty() {
                boxed(out, b"uuid", |out| samples_encryption(out, encrypted));
            }
            if !next.is_empty() {
                boxed(out, b"uuid", |out| {
                    out.extend(TFRF);
                    out.extend([1, 0, 0, 0]);
                    // The count has one byte, whatever the specification's text says (ffmpeg, GPAC, sizes seen).
                    let next = &next[..next.len().min(255)];
                    out.push(next.len() as u8);
                    next.iter().for_each(|next| time(out, *next));
                });
            }
        });
    });
    let moof = out.len() as u32 + 8;
    out[data_offset..data_offset + 4].copy_from_slice(&moof.to_be_bytes());
    out.extend(mdat.to_be_bytes());
    out.extend(b"mdat");
    Ok(out)
}

fn samples_encryption(out: &mut Vec<u8>, encrypted: &[Encrypted]) {
    let named = encrypted.iter().any(|sample| !sample.subsamples.is_empty());
    out.extend(PIFF_SAMPLES);
    out.extend(if named { SUBSAMPLES } else { 0 }.to_be_bytes());
    out.extend((encrypted.len() as u32).to_be_bytes());
    for Encrypted { iv, subsamples } in encrypted {
        out.extend(iv);
        if named {
            out.extend((subsamples.len() as u16).to_be_bytes());
        }
        for (clear, encrypted) in subsamples {
            out.extend(clear.to_be_bytes());
            out.extend(encrypted.to_be_bytes());
        }
    }
}

fn end(entry: &Entry, timescale: u32) -> u64 {
    rescale(entry.decode_time + u64::from(entry.duration), timescale, TIMESCALE)
}

fn run(out: &mut Vec<u8>, entry: &Entry, timescale: u32) {
    let begin = rescale(entry.decode_time, timescale, TIMESCALE);
    let duration = u32::try_from(end(entry, timescale) - begin).unwrap_or(u32::MAX);
    let shown = entry.decode_time.saturating_add_signed(entry.composition_offset.into());
    let offset =
        u32::try_from(rescale(shown, timescale, TIMESCALE).saturating_sub(begin)).unwrap_or(u32::MAX);
    let flags = if entry.sync { SYNC } else { NON_SYNC };
    for field in [duration, entry.size, flags, offset] {
        out.extend(field.to_be_bytes());
    }
}

fn time(out: &mut Vec<u8>, Time { start, duration }: Time) {
    out.extend(start.to_be_bytes());
    out.extend(duration.to_be_bytes());
}

/// A box with what `body` writes.
fn boxed(out: &mut Vec<u8>, kind: &[u8; 4], body: impl FnOnce(&mut Vec<u8>)) {
    let begin = out.len();
    out.extend([0; 4]);
    out.extend(kind);
    body(out);
    // A head has a few kilobytes.
    let size = (out.len() - begin) as u32;
    out[begin..begin + 4].copy_from_slice(&size.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The boxes within a box's body, by kind; of `uuid`s the first byte of the name stands behind it.
    fn children(body: &[u8]) -> Vec<(String, &[u8])> {
        let (mut found, mut rest) = (Vec::new(), body);
        while let Some((size, _)) = rest.split_first_chunk::<4>() {
            let (own, behind) = rest.split_at(u32::from_be_bytes(*size) as usize);
            found.push((String::from_utf8_lossy(&own[4..8]).into_owned(), &own[8..]));
            rest = behind;
        }
        found
    }

    fn number(bytes: &[u8]) -> u64 {
        bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    fn entries(sizes: &[u32], timescale: u32, duration: u32) -> Vec<Entry> {
        let begin = 1_790_000_000 * u64::from(timescale);
        let entry = |(nth, size): (usize, &u32)| Entry {
            decode_time: begin + nth as u64 * u64::from(duration),
            duration,
            composition_offset: 0,
            sync: nth == 0,
            size: *size,
        };
        sizes.iter().enumerate().map(entry).collect()
    }

    #[test]
    fn a_head_says_where_its_samples_are_and_what_comes_next() {
        let next = [Time { start: 5, duration: 6 }, Time { start: 11, duration: 7 }];
        let head = head(9, 30_000, &entries(&[1000, 20], 30_000, 1000), &next, &[]).unwrap();
        assert_eq!(number(&head[head.len() - 8..head.len() - 4]), 1028);
        let moof = &children(&head[..head.len() - 8])[0];
        let (traf, mfhd) = (children(moof.1)[1].1, children(moof.1)[0].1);
        assert_eq!((moof.0.as_str(), number(&mfhd[4..])), ("moof", 9));
        let boxes = children(traf);
        let kinds: Vec<_> = boxes.iter().map(|(kind, _)| kind.as_str()).collect();
        assert_eq!(kinds, ["tfhd", "trun", "uuid", "uuid"]);
        let run = boxes[1].1;
        assert_eq!((number(&run[4..8]), number(&run[8..12])), (2, head.len() as u64));
        let second = &run[28..];
        assert_eq!(
            (number(&second[..4]), number(&second[4..8]), number(&second[8..12])),
            (333_333, 20, 0x0101_0000)
        );
        assert_eq!(boxes[2].1[..16], TFXD);
        assert_eq!(number(&boxes[2].1[20..28]), 17_900_000_000_000_000);
        assert_eq!(number(&boxes[2].1[28..36]), 666_666);
        // 61 bytes with two, as others write it.
        assert_eq!((boxes[3].1.len() + 8, boxes[3].1[20]), (61, 2));
        assert_eq!(number(&boxes[3].1[37..45]), 11);
    }

    #[test]
    fn more_than_a_fragment_can_hold_is_refused() {
        let refused = head(0, 1000, &entries(&[u32::MAX, 1], 1000, 1), &[], &[]);
        assert_eq!(refused, Err(Error::Large(1 << 32)));
    }

    proptest! {
        #[test]
        fn durations_add_up(count in 1usize..300, duration in 1u32..100_000, timescale in 1000u32..200_000) {
            let entries = entries(&vec![1; count], timescale, duration);
            let head = head(0, timescale, &entries, &[], &[]).unwrap();
            let traf = children(&head[8..head.len() - 8])[1].1;
            let boxes = children(traf);
            let sum: u64 = boxes[1].1[12..].chunks(16).map(|entry| number(&entry[..4])).sum();
            prop_assert_eq!(sum, number(&boxes[2].1[28..36]));
            let end = entries.last().unwrap();
            let end = rescale(end.decode_time + u64::from(duration), timescale, TIMESCALE);
            prop_assert_eq!(number(&boxes[2].1[20..28]) + sum, end);
        }
    }
}
