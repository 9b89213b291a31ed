//! Records of an extent: a 64-byte header, the chunk table, the chunks, padded to 4 KiB. Pure.
//!
//! ```text
//!  0 "RREC"   4 kind  5 flags  6 stream:u16   8 gen:u64   16 number:u64   24 part:u32   28 discontinuity:u32
//! 32 layout:u64  40 payload bytes:u32  44 chunks:u16  46 zero  48 chain:u32  52 zero  60 crc32c:u32
//! 64 chunks x [ track:u16 flags:u16 len:u32 start:u64 duration:u32 crc32c:u32 ]   then the payload
//! ```
//! All numbers big-endian. The header's checksum covers its first 60 bytes and the table, so a header that
//! passes describes its chunks rightly; each chunk has its own. `gen` is the extent's generation: what an
//! earlier turn of the ring left behind does not match. `chain` is the checksum of the record before: after
//! a power cut, a record that survived behind a lost one is not taken for the successor of what is
//! written in the lost one's place.

use bytes::Bytes;

use crate::Error;

/// Records begin at multiples of this many bytes; also the size of an extent's two leading pages.
pub(crate) const PAGE: u64 = 4096;
pub(crate) const HEADER: usize = 64;
const ENTRY: usize = 24;
const MAGIC: &[u8; 4] = b"RREC";

const LAST: u8 = 1;
const FILLER: u8 = 2;
const INDEPENDENT: u16 = 1;

/// What a record's payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The layout that later records name, one chunk.
    Layout,
    /// One part line: the chunks of all tracks with the same part index.
    Media,
}

/// Header and chunk table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) kind: Kind,
    /// No part line of this segment follows.
    pub(crate) last: bool,
    /// The line holds a sample that stands in for one that never came.
    pub(crate) filler: bool,
    pub(crate) stream: u16,
    pub(crate) generation: u64,
    pub(crate) number: u64,
    pub(crate) part: u32,
    pub(crate) discontinuity: u32,
    pub(crate) layout: u64,
    pub(crate) chain: u32,
    pub(crate) chunks: Vec<Chunk>,
}

/// One track's share of a record's payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    pub(crate) track: u16,
    pub(crate) independent: bool,
    pub(crate) len: u32,
    pub(crate) start: u64,
    pub(crate) duration: u32,
    pub(crate) crc: u32,
}

impl Chunk {
    pub(crate) fn new(track: u16, independent: bool, start: u64, duration: u32, data: &Bytes) -> Self {
        let len = u32::try_from(data.len()).unwrap_or(u32::MAX);
        Self { track, independent, len, start, duration, crc: crc32c::crc32c(data) }
    }
}

impl Record {
    /// Bytes of header and table: where the payload begins.
    pub(crate) fn head_len(&self) -> usize {
        HEADER + ENTRY * self.chunks.len()
    }

    /// Bytes of the chunks.
    pub(crate) fn payload_len(&self) -> u64 {
        self.chunks.iter().map(|chunk| u64::from(chunk.len)).sum()
    }

    /// Bytes on disk, with the padding.
    pub(crate) fn len(&self) -> u64 {
        (self.head_len() as u64 + self.payload_len()).next_multiple_of(PAGE)
    }

    /// The bytes as they stand on disk, and the checksum that the next record's `chain` takes.
    pub(crate) fn encode(&self, payload: &[Bytes]) -> (Vec<u8>, u32) {
        let mut out = Vec::with_capacity(usize::try_from(self.len()).unwrap_or(0));
        out.extend_from_slice(MAGIC);
        out.push(match self.kind {
            Kind::Layout => 1,
            Kind::Media => 2,
        });
        out.push(if self.last { LAST } else { 0 } | if self.filler { FILLER } else { 0 });
        out.extend_from_slice(&self.stream.to_be_bytes());
        out.extend_from_slice(&self.generation.to_be_bytes());
        out.extend_from_slice(&self.number.to_be_bytes());
        out.extend_from_slice(&self.part.to_be_bytes());
        out.extend_from_slice(&self.discontinuity.to_be_bytes());
        out.extend_from_slice(&self.layout.to_be_bytes());
        out.extend_from_slice(&(self.payload_len() as u32).to_be_bytes());
        out.extend_from_slice(&(self.chunks.len() as u16).to_be_bytes());
        out.extend_from_slice(&[0; 2]);
        out.extend_from_slice(&self.chain.to_be_bytes());
        out.extend_from_slice(&[0; 12]);
        for chunk in &self.chunks {
            out.extend_from_slice(&chunk.track.to_be_bytes());
            out.extend_from_slice(&if chunk.independent { INDEPENDENT } else { 0 }.to_be_bytes());
            out.extend_from_slice(&chunk.len.to_be_bytes());
            out.extend_from_slice(&chunk.start.to_be_bytes());
            out.extend_from_slice(&chunk.duration.to_be_bytes());
            out.extend_from_slice(&chunk.crc.to_be_bytes());
        }
        let crc = head_crc(&out);
        out[60..64].copy_from_slice(&crc.to_be_bytes());
        payload.iter().for_each(|chunk| out.extend_from_slice(chunk));
        out.resize(usize::try_from(self.len()).unwrap_or(out.len()), 0);
        (out, crc)
    }

    /// Bytes of header and table, told by the header's first 64 bytes; an error where no record begins.
    pub(crate) fn head_len_of(bytes: &[u8]) -> Result<usize, Error> {
        if bytes.len() < HEADER || &bytes[..4] != MAGIC {
            return Err(malformed("no magic at byte 0"));
        }
        Ok(HEADER + ENTRY * usize::from(be16(bytes, 44)))
    }

    /// Reads header and table, with their checksum (the next record's `chain`).
    pub(crate) fn decode(bytes: &[u8]) -> Result<(Self, u32), Error> {
        let head = Self::head_len_of(bytes)?;
        let bytes = bytes.get(..head).ok_or_else(|| malformed("chunk table is cut off"))?;
        let crc = head_crc(bytes);
        if crc != be32(bytes, 60) {
            return Err(malformed("checksum at byte 60"));
        }
        let chunks = bytes[HEADER..].chunks_exact(ENTRY).map(|entry| Chunk {
            track: be16(entry, 0),
            independent: be16(entry, 2) & INDEPENDENT != 0,
            len: be32(entry, 4),
            start: be64(entry, 8),
            duration: be32(entry, 16),
            crc: be32(entry, 20),
        });
        let record = Self {
            kind: match bytes[4] {
                1 => Kind::Layout,
                2 => Kind::Media,
                other => return Err(malformed(&format!("kind {other} at byte 4"))),
            },
            last: bytes[5] & LAST != 0,
            filler: bytes[5] & FILLER != 0,
            stream: be16(bytes, 6),
            generation: be64(bytes, 8),
            number: be64(bytes, 16),
            part: be32(bytes, 24),
            discontinuity: be32(bytes, 28),
            layout: be64(bytes, 32),
            chain: be32(bytes, 48),
            chunks: chunks.collect(),
        };
        if record.payload_len() != u64::from(be32(bytes, 40)) {
            return Err(malformed("payload length at byte 40"));
        }
        Ok((record, crc))
    }
}

fn head_crc(head: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&head[..60]), &head[HEADER..])
}

fn malformed(reason: &str) -> Error {
    Error::Malformed { what: "record", reason: reason.to_owned() }
}

fn be16(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

fn be32(bytes: &[u8], at: usize) -> u32 {
    u32::from(be16(bytes, at)) << 16 | u32::from(be16(bytes, at + 2))
}

fn be64(bytes: &[u8], at: usize) -> u64 {
    u64::from(be32(bytes, at)) << 32 | u64::from(be32(bytes, at + 4))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chunk() -> impl Strategy<Value = Chunk> {
        (any::<u16>(), any::<bool>(), 0u32..100_000, any::<u64>(), any::<u32>(), any::<u32>()).prop_map(
            |(track, independent, len, start, duration, crc)| Chunk {
                track,
                independent,
                len,
                start,
                duration,
                crc,
            },
        )
    }

    fn record() -> impl Strategy<Value = Record> {
        let ids = (any::<u16>(), any::<u64>(), any::<u64>(), any::<u32>(), any::<u32>(), any::<u64>());
        (ids, any::<u32>(), any::<bool>(), any::<bool>(), prop::collection::vec(chunk(), 0..9)).prop_map(
            |((stream, generation, number, part, discontinuity, layout), chain, last, filler, chunks)| {
                let kind = if part % 5 == 0 { Kind::Layout } else { Kind::Media };
                Record {
                    kind,
                    last,
                    filler,
                    stream,
                    generation,
                    number,
                    part,
                    discontinuity,
                    layout,
                    chain,
                    chunks,
                }
            },
        )
    }

    proptest! {
        #[test]
        fn reads_back_what_it_wrote(record in record()) {
            let (bytes, crc) = record.encode(&[]);
            prop_assert_eq!(Record::head_len_of(&bytes).unwrap(), record.head_len());
            prop_assert_eq!(Record::decode(&bytes).unwrap(), (record, crc));
        }

        #[test]
        fn any_flipped_bit_of_the_head_is_noticed(record in record(), bit in any::<prop::sample::Index>()) {
            let (mut bytes, _) = record.encode(&[]);
            let bit = bit.index(record.head_len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(Record::decode(&bytes).is_err());
        }

        #[test]
        fn arbitrary_bytes_are_refused_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(Record::decode(&bytes).is_err());
        }
    }
}
