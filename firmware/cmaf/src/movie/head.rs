//! What a chunk says of its samples.

use std::ops::Range;

use bytes::Bytes;

use crate::{
    BoxType, Error,
    read::{find_payload, read_head},
};

/// A chunk without its payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Decode time of its first sample: ticks of its track since the epoch.
    pub decode_time: u64,
    /// Its samples in decode order.
    pub samples: Vec<HeadSample>,
    /// Where its payload, which is its samples' payload one after the other, lies in the chunk.
    pub payload: Range<usize>,
}

/// A sample of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadSample {
    /// Bytes, at least 1.
    pub size: u32,
    /// Ticks it lasts.
    pub duration: u32,
    /// Decoding can begin here.
    pub sync: bool,
}

/// Reads the head of a chunk of `chunk_len` bytes from its first bytes, down to the header of its `mdat`.
///
/// # Errors
/// [`Error::ReadHead`] where there are too few of them: it says how many to try with next. Otherwise the box that is
/// missing, malformed or not as [`ChunkWriter`](crate::ChunkWriter) has it, with its offset.
pub fn head(chunk_start: &[u8], chunk_len: usize) -> Result<Head, Error> {
    let (info, payload) = read_head(chunk_start, chunk_len)?;
    let bad = |reason: String| Error::ReadBox { offset: info.range.start, kind: BoxType(*b"moof"), reason };
    let mut samples = Vec::with_capacity(info.samples.len());
    let mut end = payload.start;
    for (index, sample) in info.samples.iter().enumerate() {
        if sample.payload.start != end {
            return Err(bad(format!("sample {index} does not begin where the one before it ends")));
        }
        if sample.composition_offset != 0 {
            return Err(bad(format!("sample {index} is not presented when it is decoded")));
        }
        end = sample.payload.end;
        let size = u32::try_from(sample.payload.len())
            .map_err(|_| bad(format!("sample {index} has more than 4 GiB")))?;
        samples.push(HeadSample { size, duration: sample.duration, sync: sample.sync });
    }
    if end != payload.end {
        return Err(bad(format!("{} bytes of `mdat` are in no sample", payload.end - end)));
    }
    Ok(Head { decode_time: info.decode_time, samples, payload })
}

/// The payload of a whole chunk, without copying: what [`Head::payload`] says.
///
/// # Errors
/// There is no `mdat`, or what stands before it is no row of boxes.
pub fn payload(chunk: &Bytes) -> Result<Bytes, Error> {
    Ok(chunk.slice(find_payload(chunk)?))
}
