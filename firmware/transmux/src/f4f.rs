//! Fragments of Adobe HTTP Dynamic Streaming: FLV tags in an `mdat` (Adobe Flash Video File Format Specification 10.1, annex C
//! and annex E).
//!
//! A fragment stands alone: it begins with the sequence headers of its pictures and its sound. Times are milliseconds since a
//! zero that the caller gives.

use media::{Codec, Sample, Track, rescale};

use crate::{Error, Piece, Stream};

/// Ticks per second of a tag's times.
const MILLIS: u32 = 1000;

/// Tag types (E.4.1).
const AUDIO: u8 = 8;
const VIDEO: u8 = 9;
/// AAC; the format says 44.1 kHz, 16 bits and stereo of whatever it is (E.4.2.1).
const AAC: u8 = 0xaf;
/// H.264, in the low half of a picture's first byte; its kind is in the high one (E.4.3.1).
const AVC: u8 = 7;
const KEY_FRAME: u8 = 0x10;
const INTER_FRAME: u8 = 0x20;
/// What follows in a tag of AAC or H.264: the decoder's configuration, or a frame.
const CONFIG: u8 = 0;
const FRAME: u8 = 1;
/// A tag's head, and the size of the tag that stands behind each.
const HEAD: usize = 11;
const TRAILER: usize = 4;
/// A tag's size has 24 bits.
const LARGEST: usize = 0xff_ffff;

/// One fragment of all the pieces, one behind the other; empty where they have no samples. Times are told from `zero` on, which
/// is in milliseconds since the epoch.
///
/// # Errors
/// Where a codec cannot be carried, or a sample or the fragment is too large.
pub fn fragment(pieces: &[Piece<'_>], zero: u64) -> Result<Vec<u8>, Error> {
    let mut out = vec![0; 8];
    for piece in pieces {
        tags(&mut out, piece, zero)?;
    }
    if out.len() == 8 {
        return Ok(Vec::new());
    }
    let len = u32::try_from(out.len()).map_err(|_| Error::Large(out.len() as u64))?;
    out[..4].copy_from_slice(&len.to_be_bytes());
    out[4..8].copy_from_slice(b"mdat");
    Ok(out)
}

/// The samples of a piece in the order of their decode times, of two at once the picture first, behind the configurations.
fn tags(out: &mut Vec<u8>, piece: &Piece<'_>, zero: u64) -> Result<(), Error> {
    let tracks = [piece.video, piece.audio].into_iter().flatten().filter(|stream| !stream.samples.is_empty());
    let mut samples: Vec<(u64, &Track, &Sample)> = Vec::new();
    let mut bytes = 0;
    for Stream { track, samples: own } in tracks.clone() {
        let time = |sample: &Sample| rescale(sample.decode_time, track.timescale, MILLIS);
        samples.extend(own.iter().map(|sample| (time(sample), track, sample)));
        bytes += own.iter().map(|sample| sample.data.len() + HEAD + 5 + TRAILER).sum::<usize>();
    }
    samples.sort_by_key(|(time, ..)| *time);
    out.reserve(bytes + 256);
    let Some((first, ..)) = samples.first() else { return Ok(()) };
    // A tag has the low 32 bits.
    let stamp = |time: u64| time.saturating_sub(zero) as u32;
    for Stream { track, .. } in tracks {
        let (kind, head, config): (u8, &[u8], _) = match &track.codec {
            Codec::H264 { config, .. } => (VIDEO, &[KEY_FRAME | AVC, CONFIG, 0, 0, 0], config),
            Codec::Aac { config, .. } => (AUDIO, &[AAC, CONFIG], config),
            Codec::H265 { .. } => return Err(Error::Codec(format!("{} in FLV", track.rfc6381()))),
        };
        tag(out, kind, stamp(*first), head, config)?;
    }
    for (time, track, sample) in samples {
        let time_stamp = stamp(time);
        match track.codec.pictures() {
            None => tag(out, AUDIO, time_stamp, &[AAC, FRAME], &sample.data)?,
            Some(_) => {
                let shown = sample.decode_time.saturating_add_signed(sample.composition_offset.into());
                // Of a picture that is shown before it is decoded, which no player can show, the low 24 bits.
                let offset = rescale(shown, track.timescale, MILLIS).wrapping_sub(time) as u32;
                let [_, high, middle, low] = offset.to_be_bytes();
                let frame = if sample.sync { KEY_FRAME } else { INTER_FRAME };
                tag(out, VIDEO, time_stamp, &[frame | AVC, FRAME, high, middle, low], &sample.data)?;
            }
        }
    }
    Ok(())
}

/// One tag (E.4.1), whose body is `head` and `body`.
fn tag(out: &mut Vec<u8>, kind: u8, time: u32, head: &[u8], body: &[u8]) -> Result<(), Error> {
    let size = head.len() + body.len();
    if size > LARGEST {
        return Err(Error::Large(size as u64));
    }
    let ([_, size @ ..], [extension, time @ ..]) = ((size as u32).to_be_bytes(), time.to_be_bytes());
    out.push(kind);
    out.extend(size);
    out.extend(time);
    out.push(extension);
    // The stream's number, always zero.
    out.extend([0; 3]);
    out.extend_from_slice(head);
    out.extend_from_slice(body);
    out.extend(((HEAD + head.len() + body.len()) as u32).to_be_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use media::FrameRate;

    use super::*;

    /// Seconds since the epoch.
    const SECOND: u64 = 1_790_000_000;

    /// A tag, taken apart.
    #[derive(Debug, PartialEq, Eq)]
    struct Tag<'a> {
        kind: u8,
        time: u32,
        body: &'a [u8],
    }

    fn read(fragment: &[u8]) -> Vec<Tag<'_>> {
        let number = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte));
        assert_eq!((number(&fragment[..4]) as usize, &fragment[4..8]), (fragment.len(), &b"mdat"[..]));
        let (mut tags, mut rest) = (Vec::new(), &fragment[8..]);
        while !rest.is_empty() {
            let size = number(&rest[1..4]) as usize;
            let time = number(&rest[4..7]) | u32::from(rest[7]) << 24;
            assert_eq!(number(&rest[11 + size..15 + size]) as usize, 11 + size);
            tags.push(Tag { kind: rest[0], time, body: &rest[11..11 + size] });
            rest = &rest[15 + size..];
        }
        tags
    }

    fn track(timescale: u32, codec: Codec) -> Track {
        Track { name: "t".into(), timescale, bitrate: 1, language: None, captions: Vec::new(), codec }
    }

    fn video() -> Track {
        let rate = FrameRate::new(25, 1).unwrap();
        track(25_000, Codec::H264 { config: Bytes::from_static(&[1, 2, 3]), width: 2, height: 2, rate })
    }

    fn audio() -> Track {
        let config = Bytes::from_static(&[0x11, 0x90]);
        track(48_000, Codec::Aac { config, sample_rate: 48_000, channels: 2 })
    }

    fn samples(track: &Track, duration: u32, count: usize) -> Vec<Sample> {
        let sample = |nth: usize| Sample {
            decode_time: SECOND * u64::from(track.timescale) + nth as u64 * u64::from(duration),
            duration,
            composition_offset: if nth == 1 { 2 * duration as i32 } else { 0 },
            sync: nth == 0,
            filler: false,
            captured: 0,
            data: vec![nth as u8; 3].into(),
        };
        (0..count).map(sample).collect()
    }

    #[test]
    fn a_fragment_has_its_headers_first_and_its_samples_in_order() {
        let (video, audio) = (video(), audio());
        let (pictures, frames) = (samples(&video, 1000, 2), samples(&audio, 1024, 3));
        let piece = Piece {
            video: Some(Stream { track: &video, samples: &pictures }),
            audio: Some(Stream { track: &audio, samples: &frames }),
        };
        let made = fragment(&[piece], SECOND * 1000 - 5000).unwrap();
        let tag = |kind, time, body| Tag { kind, time, body };
        let expected: [Tag<'_>; 7] = [
            tag(9, 5000, &[0x17, 0, 0, 0, 0, 1, 2, 3]),
            tag(8, 5000, &[0xaf, 0, 0x11, 0x90]),
            tag(9, 5000, &[0x17, 1, 0, 0, 0, 0, 0, 0]),
            tag(8, 5000, &[0xaf, 1, 0, 0, 0]),
            tag(8, 5021, &[0xaf, 1, 1, 1, 1]),
            tag(9, 5040, &[0x27, 1, 0, 0, 80, 1, 1, 1]),
            tag(8, 5042, &[0xaf, 1, 2, 2, 2]),
        ];
        assert_eq!(read(&made), expected);
        assert_eq!(fragment(&[], 0), Ok(Vec::new()));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let audio = audio();
        let mut frames = samples(&audio, 1024, 1);
        frames[0].data = vec![0; LARGEST].into();
        let piece = Piece { video: None, audio: Some(Stream { track: &audio, samples: &frames }) };
        assert_eq!(fragment(&[piece], 0), Err(Error::Large(LARGEST as u64 + 2)));
    }
}
