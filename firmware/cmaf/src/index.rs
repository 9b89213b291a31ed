//! The index of a file that is an init segment and whole segments (`sidx`, ISO/IEC 14496-12, 8.16.3).

use bytes::Bytes;
use mp4_atom::{BufMut as _, Encode as _};

use crate::{Error, TRACK_ID};

/// References that one index has at the most.
pub const MOST: usize = 65_535;
/// Bytes of an index without references, and of each of them.
const FIXED: usize = 40;
const REFERENCE: usize = 12;
/// `starts_with_SAP` and `SAP_type` 1: decoding begins with the first picture, and none before it follows.
const STARTS_WITH_SAP: u32 = 0x9000_0000;

/// A segment that follows the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Indexed {
    /// Its bytes.
    pub len: u32,
    /// Ticks that it lasts.
    pub duration: u32,
}

/// Bytes of the index of so many segments.
#[must_use]
pub fn len(segments: usize) -> usize {
    FIXED + REFERENCE * segments
}

/// The index of segments that follow it, the first of which begins at `start` ticks; each begins with a sync sample.
///
/// # Errors
/// [`Error::Encode`] for more than [`MOST`] segments, and for one of 2 GiB or more.
pub fn write(track: &str, timescale: u32, start: u64, segments: &[Indexed]) -> Result<Bytes, Error> {
    let refused = |reason: &str| Error::Encode { track: track.to_owned(), reason: reason.to_owned() };
    if segments.len() > MOST {
        return Err(refused("more segments than an index has room for"));
    }
    if segments.iter().any(|segment| segment.len >> 31 != 0) {
        return Err(refused("a segment of 2 GiB or more"));
    }
    let mut out = Vec::with_capacity(len(segments.len()));
    let written = out.encode_atom(b"sidx", |out| {
        // Always version 1, so that its size does not depend on the time.
        (1_u32 << 24).encode(out)?;
        TRACK_ID.encode(out)?;
        timescale.encode(out)?;
        start.encode(out)?;
        0_u64.encode(out)?;
        (segments.len() as u32).encode(out)?;
        segments.iter().try_for_each(|segment| {
            segment.len.encode(out)?;
            segment.duration.encode(out)?;
            STARTS_WITH_SAP.encode(out)
        })
    });
    written.map_err(|error| refused(&error.to_string()))?;
    Ok(out.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::hex;

    #[test]
    fn every_byte_of_an_index() {
        let segments = [Indexed { len: 1000, duration: 40_000 }, Indexed { len: 2000, duration: 30_000 }];
        let index = write("360p", 25_000, 1 << 40, &segments).unwrap();
        let expected = [
            "00000040 73696478 01000000 00000001 000061a8 00000100 00000000 00000000 00000000",
            "00000002 000003e8 00009c40 90000000 000007d0 00007530 90000000",
        ];
        assert_eq!(hex(&index).replace(' ', ""), expected.concat().replace(' ', ""));
        assert_eq!(index.len(), len(2));
        // However early it begins: who knows how many there are knows how long it is.
        assert_eq!(write("360p", 25_000, 0, &segments).unwrap().len(), len(2));
        assert!(write("360p", 1, 0, &[Indexed { len: 1 << 31, duration: 1 }]).is_err());
        assert!(write("360p", 1, 0, &vec![segments[0]; MOST + 1]).is_err());
    }
}
