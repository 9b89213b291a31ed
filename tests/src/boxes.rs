//! A reader of CMAF for tests (ISO/IEC 14496-12): it shares no code with the box's muxer and its reader.

use std::ops::Range;

/// A chunk: `[styp] prft [emsg ...] moof mdat`.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// Brands of the `styp` before it; empty where there is none.
    pub brands: Vec<String>,
    /// Its `prft`: NTP timestamp and media time.
    pub reference: Option<(u64, u64)>,
    /// Its `emsg`s.
    pub events: Vec<Event>,
    /// `mfhd`.
    pub sequence: u32,
    /// `tfdt`.
    pub decode_time: u64,
    /// Its samples.
    pub samples: Vec<Sample>,
    /// Where it lies, `styp` included.
    pub bytes: Range<usize>,
}

/// An `emsg` of version 1 (ISO/IEC 23009-1, 5.10.3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Ticks per second.
    pub timescale: u32,
    /// When, in ticks.
    pub time: u64,
    /// Ticks that it lasts.
    pub duration: u32,
    /// Its id.
    pub id: u32,
    /// `scheme_id_uri`.
    pub scheme: String,
    /// `value`.
    pub value: String,
    /// `message_data`.
    pub message: Vec<u8>,
}

/// A sample.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Ticks.
    pub duration: u32,
    /// Whether decoding can begin with it.
    pub sync: bool,
    /// Where its bytes lie.
    pub bytes: Range<usize>,
}

impl Chunk {
    /// Where it ends, in ticks.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.decode_time + self.samples.iter().map(|sample| u64::from(sample.duration)).sum::<u64>()
    }
}

/// Ticks per second: `moov/trak/mdia/mdhd`.
///
/// # Panics
/// Where the init segment has no such box.
#[must_use]
pub fn timescale(init: &[u8]) -> u32 {
    let mut at = 0..init.len();
    for name in ["moov", "trak", "mdia", "mdhd"] {
        let found = children(init, at).into_iter().find(|(kind, _)| kind == name);
        at = found.unwrap_or_else(|| panic!("no {name} in the init segment")).1;
    }
    match init[at.start] {
        0 => u32_at(init, at.start + 12),
        _ => u32_at(init, at.start + 20),
    }
}

/// The chunks of a segment or part.
///
/// # Panics
/// Where a box is cut short, or a chunk lacks one that it must have.
#[must_use]
pub fn chunks(data: &[u8]) -> Vec<Chunk> {
    let mut chunks: Vec<Chunk> = Vec::new();
    let (mut begin, mut brands, mut reference, mut events, mut fragment) =
        (0, Vec::new(), None, Vec::new(), None);
    for (kind, body) in children(data, 0..data.len()) {
        match kind.as_str() {
            "styp" => brands = data[body.clone()].chunks(4).map(text).collect(),
            "prft" => {
                assert_eq!(data[body.start], 1, "version of prft");
                reference = Some((u64_at(data, body.start + 8), u64_at(data, body.start + 16)));
            }
            "emsg" => events.push(emsg(&data[body])),
            "moof" => fragment = Some(moof(data, body.clone())),
            "mdat" => {
                let (sequence, decode_time, samples) = fragment.take().expect("a moof before the mdat");
                let last = samples.last().expect("a chunk has samples");
                assert_eq!(last.bytes.end, body.end, "the samples fill the mdat");
                assert_eq!(samples[0].bytes.start, body.start, "the samples begin with the mdat");
                chunks.push(Chunk {
                    brands: std::mem::take(&mut brands),
                    reference: reference.take(),
                    events: std::mem::take(&mut events),
                    sequence,
                    decode_time,
                    samples,
                    bytes: begin..body.end,
                });
                begin = body.end;
            }
            other => panic!("a box `{other}` in a segment"),
        }
    }
    assert_eq!(begin, data.len(), "every byte belongs to a chunk");
    chunks
}

/// Types of the NAL units of an H.264 sample with lengths of four bytes.
#[must_use]
pub fn nal_types(sample: &[u8]) -> Vec<u8> {
    let (mut at, mut types) = (0, Vec::new());
    while at < sample.len() {
        let length = u32_at(sample, at) as usize;
        types.push(sample[at + 4] & 0x1f);
        at += 4 + length;
    }
    assert_eq!(at, sample.len(), "NAL units fill the sample");
    types
}

fn emsg(body: &[u8]) -> Event {
    assert_eq!(u32_at(body, 0), 1 << 24, "version of emsg");
    let strings: Vec<_> = body[24..].splitn(3, |byte| *byte == 0).collect();
    let [scheme, value, message] = strings[..] else { panic!("an emsg has two texts and a message") };
    Event {
        timescale: u32_at(body, 4),
        time: u64_at(body, 8),
        duration: u32_at(body, 16),
        id: u32_at(body, 20),
        scheme: text(scheme),
        value: text(value),
        message: message.to_vec(),
    }
}

fn moof(data: &[u8], moof: Range<usize>) -> (u32, u64, Vec<Sample>) {
    // The data offset counts from the moof's own first byte.
    let origin = moof.start - 8;
    let (mut sequence, mut decode_time, mut samples) = (0, None, Vec::new());
    for (kind, body) in children(data, moof) {
        match kind.as_str() {
            "mfhd" => sequence = u32_at(data, body.start + 4),
            "traf" => {
                let mut defaults = Defaults::default();
                for (kind, body) in children(data, body) {
                    match kind.as_str() {
                        "tfhd" => defaults = tfhd(data, body.start),
                        "tfdt" => {
                            assert_eq!(data[body.start], 1, "version of tfdt");
                            decode_time = Some(u64_at(data, body.start + 4));
                        }
                        "trun" => samples.extend(trun(data, body.start, origin, &defaults)),
                        other => panic!("a box `{other}` in a traf"),
                    }
                }
            }
            other => panic!("a box `{other}` in a moof"),
        }
    }
    (sequence, decode_time.expect("a tfdt"), samples)
}

#[derive(Default)]
struct Defaults {
    duration: u32,
    size: u32,
    flags: u32,
}

fn tfhd(data: &[u8], at: usize) -> Defaults {
    let flags = u32_at(data, at);
    assert_eq!(flags & 0x02_0001, 0x02_0000, "offsets are counted from the moof");
    let mut cursor = at + 8;
    let mut field = |bit: u32| {
        let there = flags & bit != 0;
        cursor += if there { 4 } else { 0 };
        if there { u32_at(data, cursor - 4) } else { 0 }
    };
    let _description = field(0x2);
    Defaults { duration: field(0x8), size: field(0x10), flags: field(0x20) }
}

fn trun(data: &[u8], at: usize, origin: usize, defaults: &Defaults) -> Vec<Sample> {
    let (flags, count) = (u32_at(data, at), u32_at(data, at + 4));
    let mut cursor = at + 8;
    let mut next = |there: bool| {
        cursor += if there { 4 } else { 0 };
        there.then(|| u32_at(data, cursor - 4))
    };
    let mut place = origin + next(flags & 0x1 != 0).expect("a data offset") as usize;
    let first_flags = next(flags & 0x4 != 0);
    let mut samples = Vec::new();
    for index in 0..count {
        let duration = next(flags & 0x100 != 0).unwrap_or(defaults.duration);
        let size = next(flags & 0x200 != 0).unwrap_or(defaults.size) as usize;
        let own = next(flags & 0x400 != 0);
        let _composition_offset = next(flags & 0x800 != 0);
        let sample_flags = own.or(first_flags.filter(|_| index == 0)).unwrap_or(defaults.flags);
        samples.push(Sample { duration, sync: sample_flags & 0x1_0000 == 0, bytes: place..place + size });
        place += size;
    }
    samples
}

/// Names of the boxes in a stretch of bytes and where their bodies lie.
fn children(data: &[u8], within: Range<usize>) -> Vec<(String, Range<usize>)> {
    let (mut at, mut found) = (within.start, Vec::new());
    while at < within.end {
        let size = u32_at(data, at) as usize;
        assert!(size >= 8 && at + size <= within.end, "a box of {size} bytes at {at} of {within:?}");
        found.push((text(&data[at + 4..at + 8]), at + 8..at + size));
        at += size;
    }
    found
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn u32_at(data: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(data[at..at + 4].try_into().expect("four bytes"))
}

fn u64_at(data: &[u8], at: usize) -> u64 {
    u64::from_be_bytes(data[at..at + 8].try_into().expect("eight bytes"))
}
