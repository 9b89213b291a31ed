//! Common encryption's boxes (ISO/IEC 23001-7), put into init segments and chunks that are stored without. The samples
//! themselves are encrypted by who calls.

use std::ops::Range;

use crate::{
    BoxType, ChunkInfo, Error,
    read::{Boxes, RawBox},
};

/// Fields of a sample entry before its boxes (ISO/IEC 14496-12, 12.1.3 and 12.2.3).
const VISUAL: usize = 78;
const AUDIO: usize = 28;
/// A box's size and type, its version and flags.
const HEAD: usize = 8;
const FULL: usize = 4;
/// `senc`: subsamples are named (23001-7, 7.2.1).
const USE_SUBSAMPLES: u32 = 2;
/// `trun`: there is a data offset (14496-12, 8.8.8.1).
const DATA_OFFSET: u32 = 1;

/// How a track's samples are encrypted, as its init segment says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrackEncryption {
    /// `cenc` or `cbcs`.
    pub scheme: [u8; 4],
    /// Which key.
    pub key_id: [u8; 16],
    /// Of sixteen-byte blocks in a row, how many are encrypted and how many are left; none: all are encrypted.
    pub pattern: Option<(u8, u8)>,
    /// The initialisation vector of all samples; none: each has one of its own, of 16 bytes.
    pub constant_iv: Option<[u8; 16]>,
}

/// How one sample is encrypted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SampleEncryption {
    /// Its own initialisation vector, where the track has no constant one.
    pub iv: Option<[u8; 16]>,
    /// Bytes in the clear and encrypted bytes behind them, in turn; empty: all of it is encrypted.
    pub subsamples: Vec<(u16, u32)>,
}

/// The init segment of an encrypted track, of that of the clear one: `pssh` are whole boxes for `moov`.
///
/// # Errors
/// Where `init` is no init segment of one track.
pub fn encrypted_init(init: &[u8], encryption: &TrackEncryption, pssh: &[Vec<u8>]) -> Result<Vec<u8>, Error> {
    let moov = top(init, b"moov")?;
    let path = [b"trak", b"mdia", b"minf", b"stbl", b"stsd"];
    let mut around = vec![moov];
    for kind in path {
        around.push(around[around.len() - 1].child(kind)?);
    }
    let entry = around[around.len() - 1].children(HEAD)?.next();
    let entry = entry.ok_or_else(|| around[around.len() - 1].error("has no sample entry"))??;
    let (kind, fields) = match &entry.kind.0 {
        b"avc1" | b"avc3" | b"hvc1" | b"hev1" => (b"encv", VISUAL),
        b"mp4a" => (b"enca", AUDIO),
        other => return Err(entry.error(format!("{} cannot be encrypted", BoxType(*other)))),
    };
    if entry.body.len() < fields {
        return Err(entry.error("ends before its child boxes"));
    }
    let sinf = sinf(entry.kind.0, encryption);
    let systems: usize = pssh.iter().map(Vec::len).sum();
    let mut out = Vec::with_capacity(init.len() + sinf.len() + systems);
    out.extend(&init[..entry.end()]);
    out.extend(&sinf);
    out.extend(&init[entry.end()..moov.end()]);
    pssh.iter().for_each(|system| out.extend(system));
    out.extend(&init[moov.end()..]);
    out[entry.offset + 4..entry.offset + HEAD].copy_from_slice(kind);
    for parent in around.iter().chain([&entry]) {
        grow(&mut out, parent.offset, parent, sinf.len())?;
    }
    grow(&mut out, moov.offset, &moov, systems)?;
    Ok(out)
}

/// What stands before the payload of a chunk of `segment`, with the boxes that say how its samples are encrypted. The payload
/// follows as it lies there, from the first sample on to the chunk's end.
///
/// # Errors
/// Where the chunk's boxes are not as [`read_segment`](crate::read_segment) takes them, and for another number of samples than
/// the chunk has.
pub fn encrypted_head(
    segment: &[u8],
    chunk: &ChunkInfo,
    samples: &[SampleEncryption],
) -> Result<Vec<u8>, Error> {
    let moof = within(segment, &chunk.range, b"moof")?;
    let payload = chunk.samples.first().map_or(chunk.range.end, |sample| sample.payload.start);
    if samples.len() != chunk.samples.len() {
        return Err(moof.error(format!("has {} samples, not {}", chunk.samples.len(), samples.len())));
    }
    let traf = moof.child(b"traf")?;
    let boxes = auxiliary(samples, traf.end() - moof.offset);
    let mut out = Vec::with_capacity(payload - chunk.range.start + boxes.len());
    out.extend(&segment[chunk.range.start..traf.end()]);
    out.extend(&boxes);
    out.extend(&segment[traf.end()..payload]);
    let moved = |offset: usize| offset - chunk.range.start;
    for parent in [&moof, &traf] {
        grow(&mut out, moved(parent.offset), parent, boxes.len())?;
    }
    for run in traf.all(b"trun")? {
        let flags = run.body.first_chunk::<4>().map_or(0, |flags| u32::from_be_bytes(*flags));
        if flags & DATA_OFFSET != 0 {
            add(&mut out, moved(run.body_offset) + FULL + 4, &run, boxes.len())?;
        }
    }
    Ok(out)
}

/// `senc`, `saiz` and `saio` as they stand at `offset` from the beginning of the `moof`; nothing where the init segment says it
/// all.
fn auxiliary(samples: &[SampleEncryption], offset: usize) -> Vec<u8> {
    let named = samples.iter().any(|sample| !sample.subsamples.is_empty());
    let size = |sample: &SampleEncryption| {
        let iv = sample.iv.map_or(0, |iv| iv.len());
        iv + if named { 2 + 6 * sample.subsamples.len() } else { 0 }
    };
    let sizes: Vec<usize> = samples.iter().map(size).collect();
    let mut out = Vec::new();
    if sizes.iter().all(|size| *size == 0) {
        return out;
    }
    full(&mut out, b"senc", if named { USE_SUBSAMPLES } else { 0 }, |out| {
        out.extend(count(samples.len()));
        for sample in samples {
            out.extend(sample.iv.iter().flatten());
            if named {
                out.extend((sample.subsamples.len() as u16).to_be_bytes());
            }
            for (clear, encrypted) in &sample.subsamples {
                out.extend(clear.to_be_bytes());
                out.extend(encrypted.to_be_bytes());
            }
        }
    });
    let sizes: Vec<u8> = sizes.iter().map(|size| u8::try_from(*size).unwrap_or(u8::MAX)).collect();
    let alike = sizes.iter().all(|size| *size == sizes[0]);
    full(&mut out, b"saiz", 0, |out| {
        out.push(if alike { sizes[0] } else { 0 });
        out.extend(count(sizes.len()));
        if !alike {
            out.extend(&sizes);
        }
    });
    full(&mut out, b"saio", 0, |out| {
        out.extend(count(1));
        out.extend(count(offset + HEAD + FULL + 4));
    });
    out
}

/// `sinf` (ISO/IEC 14496-12, 8.12.1) with `schm` and `tenc` (23001-7, 8.2).
fn sinf(format: [u8; 4], encryption: &TrackEncryption) -> Vec<u8> {
    let TrackEncryption { scheme, key_id, pattern, constant_iv } = encryption;
    let mut out = Vec::with_capacity(128);
    boxed(&mut out, b"sinf", |out| {
        boxed(out, b"frma", |out| out.extend(format));
        full(out, b"schm", 0, |out| {
            out.extend(scheme);
            // Version 1.0.
            out.extend(0x0001_0000u32.to_be_bytes());
        });
        boxed(out, b"schi", |out| {
            let version = u32::from(pattern.is_some() || constant_iv.is_some()) << 24;
            full(out, b"tenc", version, |out| {
                let (crypt, skip) = pattern.unwrap_or((0, 0));
                let own_iv = if constant_iv.is_some() { 0 } else { 16 };
                out.extend([0, crypt << 4 | skip & 0xf, 1, own_iv]);
                out.extend(key_id);
                if let Some(iv) = constant_iv {
                    out.push(iv.len() as u8);
                    out.extend(iv);
                }
            });
        });
    });
    out
}

/// A box with what `body` writes.
pub fn boxed(out: &mut Vec<u8>, kind: &[u8; 4], body: impl FnOnce(&mut Vec<u8>)) {
    let begin = out.len();
    out.extend([0; 4]);
    out.extend(kind);
    body(out);
    let size = count(out.len() - begin);
    out[begin..begin + 4].copy_from_slice(&size);
}

/// A box with these version and flags before what `body` writes.
pub fn full(out: &mut Vec<u8>, kind: &[u8; 4], flags: u32, body: impl FnOnce(&mut Vec<u8>)) {
    boxed(out, kind, |out| {
        out.extend(flags.to_be_bytes());
        body(out);
    });
}

/// What counts in heads of boxes, whose samples are bounded when they are read.
fn count(number: usize) -> [u8; 4] {
    u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes()
}

fn top<'a>(bytes: &'a [u8], kind: &[u8; 4]) -> Result<RawBox<'a>, Error> {
    within(bytes, &(0..bytes.len()), kind)
}

fn within<'a>(bytes: &'a [u8], range: &Range<usize>, kind: &[u8; 4]) -> Result<RawBox<'a>, Error> {
    for next in Boxes::new(bytes) {
        let next = next?;
        if next.kind.0 == *kind && range.contains(&next.offset) {
            return Ok(next);
        }
    }
    Err(Error::ReadHeader { offset: range.start, reason: "a box that must be there is missing" })
}

/// Adds to the size of a box that begins at `at` now.
fn grow(out: &mut [u8], at: usize, of: &RawBox<'_>, by: usize) -> Result<(), Error> {
    if of.body_offset - of.offset != HEAD {
        return Err(of.error("has a size of 64 bits"));
    }
    add(out, at, of, by)
}

/// Adds to a number of 32 bits.
fn add(out: &mut [u8], at: usize, of: &RawBox<'_>, by: usize) -> Result<(), Error> {
    let place = out.get_mut(at..at + 4).and_then(|place| place.first_chunk_mut::<4>());
    let place = place.ok_or_else(|| of.error("ends too early"))?;
    let sum = u32::try_from(by).ok().and_then(|by| u32::from_be_bytes(*place).checked_add(by));
    *place = sum.ok_or_else(|| of.error("becomes too large"))?.to_be_bytes();
    Ok(())
}
