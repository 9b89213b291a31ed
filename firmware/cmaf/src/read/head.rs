//! A chunk's head read alone, before its payload is at hand.

use std::ops::Range;

use super::{
    boxes::{Boxes, first},
    segment::{ChunkInfo, Preface, chunk},
};
use crate::{BoxType, Error};

/// Bytes of the longest box header that counts here: 32 bits of size, type, 64 bits of size.
const LONGEST_HEADER: usize = 16;

/// What the first bytes of a chunk of `len` bytes say of it, and where its payload lies in it.
///
/// # Errors
/// [`Error::ReadHead`] where `start` ends before the payload begins; else as [`read_segment`](super::read_segment),
/// and where anything follows the `mdat`.
pub(crate) fn read_head(start: &[u8], len: usize) -> Result<(ChunkInfo, Range<usize>), Error> {
    let start = &start[..start.len().min(len)];
    let mut boxes = Boxes::new(start);
    let mut moof = None;
    loop {
        let needed = boxes.offset().saturating_add(LONGEST_HEADER).min(len);
        if needed == boxes.offset() {
            return Err(missing(b"mdat", len));
        }
        if start.len() < needed {
            return Err(Error::ReadHead { needed });
        }
        let header = boxes.header()?;
        let end = header.end(len)?;
        if header.kind.0 == *b"mdat" {
            let moof = moof.ok_or_else(|| missing(b"moof", header.offset))?;
            if end != len {
                return Err(Error::ReadHeader { offset: end, reason: "the chunk goes on behind its `mdat`" });
            }
            let payload = header.body_offset..end;
            let info = chunk(&moof, payload.clone(), Preface::default(), None)?;
            return Ok((info.ok_or_else(|| moof.error("is of another track"))?, payload));
        }
        if start.len() < end {
            return Err(Error::ReadHead { needed: end.saturating_add(LONGEST_HEADER).min(len) });
        }
        match boxes.next().transpose()? {
            Some(found) if found.kind.0 == *b"moof" && moof.is_some() => {
                return Err(found.error("is the second of its chunk"));
            }
            Some(found) if found.kind.0 == *b"moof" => moof = Some(found),
            _ => {}
        }
    }
}

/// Where the payload lies in a whole chunk.
pub(crate) fn find_payload(chunk: &[u8]) -> Result<Range<usize>, Error> {
    let mdat = first(Boxes::new(chunk), b"mdat")?.ok_or_else(|| missing(b"mdat", chunk.len()))?;
    Ok(mdat.body_offset..mdat.end())
}

fn missing(kind: &[u8; 4], offset: usize) -> Error {
    Error::ReadBox { offset, kind: BoxType(*kind), reason: "is missing".to_owned() }
}
