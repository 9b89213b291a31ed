//! One extent file: two leading pages and a chain of records.
//!
//! ```text
//! page 0  header  written when the extent is taken into use; a new generation makes older records void
//! page 1  seal    written when it is full: what it holds, so that a start need not walk it
//! page 2- records (see `record`)
//! ```
//! Both pages are framed JSON (`magic, crc32c, length, text`), so that `head -c 8192 <file>` tells a person what
//! the file is.

use std::{
    io,
    path::{Path, PathBuf},
};

use media::Grid;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    Error,
    io::File,
    record::{HEADER, Kind, PAGE, Record},
};

/// Where the first record begins.
pub(crate) const RECORDS: u64 = 2 * PAGE;
/// Where the seal lies.
pub(crate) const SEAL: u64 = PAGE;
const HEADER_MAGIC: &[u8; 4] = b"REXT";
const SEAL_MAGIC: &[u8; 4] = b"RSEA";
const FRAME: usize = 12;
/// Version of the format of pages and records.
pub(crate) const FORMAT: u32 = 1;

/// Page 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) format: u32,
    /// The store it belongs to.
    pub(crate) store: String,
    pub(crate) id: u32,
    /// Bytes in the file.
    pub(crate) size: u64,
    /// Rises with every use of any extent of the store, so it also orders them by age; 0: never used.
    pub(crate) generation: u64,
}

impl Head {
    pub(crate) fn new(store: &str, id: u32, size: u64, generation: u64) -> Self {
        Self { format: FORMAT, store: store.to_owned(), id, size, generation }
    }

    pub(crate) fn encode(&self) -> Result<Vec<u8>, Error> {
        encode(HEADER_MAGIC, self)
    }

    pub(crate) fn decode(page: &[u8]) -> Option<Self> {
        decode(HEADER_MAGIC, page)
    }
}

/// What an extent holds. Kept in RAM for every extent, and on its seal page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Contents {
    pub(crate) generation: u64,
    /// Where the next record would begin.
    pub(crate) end: u64,
    /// Media records.
    pub(crate) records: u32,
    pub(crate) streams: Vec<Range>,
    /// Layouts whose records it holds, with the stream that used them.
    pub(crate) layouts: Vec<(u16, u64)>,
}

/// The segments of one stream in an extent; its first and last may reach into the neighbours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Range {
    pub(crate) id: u16,
    pub(crate) channel: String,
    pub(crate) grid: Grid,
    pub(crate) first: u64,
    pub(crate) last: u64,
    /// Discontinuity number of the last segment.
    pub(crate) discontinuity: u32,
    /// Bytes of its records.
    #[serde(default)]
    pub(crate) bytes: u64,
    /// How many of the numbers from first to last it has.
    #[serde(default)]
    pub(crate) segments: u32,
}

impl Contents {
    pub(crate) fn new(generation: u64) -> Self {
        Self { generation, end: RECORDS, ..Self::default() }
    }

    /// The seal page; an error where it would not fit.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, Error> {
        encode(SEAL_MAGIC, self)
    }

    pub(crate) fn decode(page: &[u8]) -> Option<Self> {
        decode(SEAL_MAGIC, page)
    }

    /// Whether the layout's record is here already.
    pub(crate) fn has_layout(&self, stream: u16, layout: u64) -> bool {
        self.layouts.contains(&(stream, layout))
    }

    /// Whether the seal page still has room for one stream and one layout more.
    pub(crate) fn seal_has_room(&self, channel: &str) -> bool {
        // A range without its name is under 290 bytes of JSON, a layout under 32.
        self.encode().is_ok_and(|_| {
            let used = serde_json::to_vec(self).map_or(usize::MAX, |text| text.len());
            used.saturating_add(channel.len() * 2 + 390) < PAGE as usize - FRAME
        })
    }

    /// Counts a record that lies at `end`. Without an owner (its layout record is damaged) it is not listed.
    pub(crate) fn add(&mut self, record: &Record, owner: Option<(&str, Grid)>) {
        self.end += record.len();
        if record.kind == Kind::Layout {
            self.layouts.push((record.stream, record.layout));
            return;
        }
        self.records += 1;
        match self.streams.iter_mut().find(|range| range.id == record.stream) {
            Some(range) => {
                range.first = range.first.min(record.number);
                range.bytes += record.len();
                range.segments += u32::from(record.number != range.last);
                if record.number >= range.last {
                    (range.last, range.discontinuity) = (record.number, record.discontinuity);
                }
            }
            None => self.streams.extend(owner.map(|(channel, grid)| Range {
                id: record.stream,
                channel: channel.to_owned(),
                grid,
                first: record.number,
                last: record.number,
                discontinuity: record.discontinuity,
                bytes: record.len(),
                segments: 1,
            })),
        }
    }
}

/// A record's place in its extent.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub(crate) offset: u64,
    pub(crate) record: Record,
    /// Checksum of its head: the next record's `chain`.
    pub(crate) crc: u32,
}

impl Placed {
    /// Where a chunk begins in the extent.
    pub(crate) fn offset_of(&self, index: usize) -> u64 {
        let before: u64 = self.record.chunks[..index].iter().map(|chunk| u64::from(chunk.len)).sum();
        self.offset + self.record.head_len() as u64 + before
    }
}

/// `chain` of an extent's first record.
pub(crate) fn first_chain(generation: u64) -> u32 {
    crc32c::crc32c(&generation.to_be_bytes())
}

/// The file of extent `id`.
pub(crate) fn path(dir: &Path, id: u32) -> PathBuf {
    dir.join(format!("{id:06}.ext"))
}

/// The extent id that a file name stands for.
pub(crate) fn id_of(name: &str) -> Option<u32> {
    let digits = name.strip_suffix(".ext")?;
    (digits.len() >= 6).then(|| digits.parse().ok())?
}

/// Reads the head of the record at `offset`; none where no record of this generation begins.
pub(crate) fn read_record(
    file: &dyn File,
    generation: u64,
    offset: u64,
    size: u64,
) -> io::Result<Option<Placed>> {
    if offset + PAGE > size {
        return Ok(None);
    }
    let mut head = vec![0; PAGE as usize];
    file.read_at(&mut head, offset)?;
    let Ok(len) = Record::head_len_of(&head[..HEADER]) else { return Ok(None) };
    if offset + len as u64 > size {
        return Ok(None);
    }
    if len > head.len() {
        head.resize(len, 0);
        file.read_at(&mut head, offset)?;
    }
    Ok(match Record::decode(&head) {
        Ok((record, crc)) if record.generation == generation && offset + record.len() <= size => {
            Some(Placed { offset, record, crc })
        }
        _ => None,
    })
}

/// Every record of the chain, in order; with an error, those before what cannot be read.
pub(crate) fn walk(file: &dyn File, generation: u64, size: u64) -> (Vec<Placed>, Option<io::Error>) {
    let (mut offset, mut chain, mut found) = (RECORDS, first_chain(generation), Vec::new());
    loop {
        match read_record(file, generation, offset, size) {
            Ok(Some(placed)) if placed.record.chain == chain => {
                (offset, chain) = (offset + placed.record.len(), placed.crc);
                found.push(placed);
            }
            Ok(_) => return (found, None),
            Err(error) => return (found, Some(error)),
        }
    }
}

/// Reads one chunk of a record; none where its checksum fails.
pub(crate) fn read_chunk(file: &dyn File, placed: &Placed, index: usize) -> io::Result<Option<Vec<u8>>> {
    let chunk = placed.record.chunks[index];
    let data = read_head(file, placed, index, chunk.len as usize)?;
    Ok((crc32c::crc32c(&data) == chunk.crc).then_some(data))
}

/// Reads the first `len` bytes of one chunk of a record, unchecked.
pub(crate) fn read_head(file: &dyn File, placed: &Placed, index: usize, len: usize) -> io::Result<Vec<u8>> {
    let mut data = vec![0; len.min(placed.record.chunks[index].len as usize)];
    file.read_at(&mut data, placed.offset_of(index))?;
    Ok(data)
}

fn encode(magic: &[u8; 4], value: &impl Serialize) -> Result<Vec<u8>, Error> {
    let malformed = |reason: String| Error::Malformed { what: "extent page", reason };
    let text = serde_json::to_vec(value).map_err(|error| malformed(error.to_string()))?;
    if text.len() > PAGE as usize - FRAME {
        return Err(Error::TooLarge {
            what: "extent page",
            len: text.len() as u64,
            limit: PAGE - FRAME as u64,
        });
    }
    let mut page = magic.to_vec();
    page.extend_from_slice(&crc32c::crc32c(&text).to_be_bytes());
    page.extend_from_slice(&(text.len() as u32).to_be_bytes());
    page.extend_from_slice(&text);
    page.resize(PAGE as usize, 0);
    Ok(page)
}

fn decode<T: DeserializeOwned>(magic: &[u8; 4], page: &[u8]) -> Option<T> {
    let (frame, rest) = page.split_at_checked(FRAME)?;
    let crc = u32::from_be_bytes(frame[4..8].try_into().ok()?);
    let len = u32::from_be_bytes(frame[8..12].try_into().ok()?);
    let text = rest.get(..usize::try_from(len).ok()?)?;
    (&frame[..4] == magic && crc32c::crc32c(text) == crc).then(|| serde_json::from_slice(text).ok())?
}
