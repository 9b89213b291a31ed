//! Readers of each protocol's segments, after the standards; they share no code with what writes them.

use std::{collections::BTreeMap, ops::Range};

/// A sample as it was read, its times on the protocol's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    pub decode: u64,
    pub present: u64,
    pub sync: bool,
    pub data: Vec<u8>,
}

fn be(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The boxes in a stretch of bytes (ISO/IEC 14496-12, 4.2): their types and where their bodies lie.
fn boxes(data: &[u8], within: Range<usize>) -> Vec<(&[u8], Range<usize>)> {
    let (mut at, mut found) = (within.start, Vec::new());
    while at < within.end {
        let size = be(&data[at..at + 4]) as usize;
        assert!(size >= 8 && at + size <= within.end, "a box of {size} bytes at {at}");
        found.push((&data[at + 4..at + 8], at + 8..at + size));
        at += size;
    }
    found
}

/// What a `traf` of a fragment says of its samples; `base` is where offsets count from. The decode time is that of its `tfdt`, or
/// of the box `tfxd` of Smooth Streaming ([MS-SSTR], 2.2.4.4).
fn fragment(data: &[u8], traf: Range<usize>, base: usize) -> Vec<Read> {
    const TFXD: [u8; 16] = *b"\x6d\x1d\x9b\x05\x42\xd5\x44\xe6\x80\xe2\x14\x1d\xaf\xf7\x57\xb2";
    let (mut defaults, mut time, mut run) = ([0_u64; 3], None, None);
    for (kind, body) in boxes(data, traf) {
        let at = body.start;
        match kind {
            b"tfhd" => {
                let flags = be(&data[at..at + 4]);
                let mut cursor = at + 8;
                for (bit, default) in [(0x2, None), (0x8, Some(0)), (0x10, Some(1)), (0x20, Some(2))] {
                    if flags & bit != 0 {
                        let value = be(&data[cursor..cursor + 4]);
                        cursor += 4;
                        default.into_iter().for_each(|nth: usize| defaults[nth] = value);
                    }
                }
            }
            b"tfdt" => time = Some(be(&data[at + 4..at + 12])),
            b"uuid" if data[at..at + 16] == TFXD => time = Some(be(&data[at + 20..at + 28])),
            b"trun" => run = Some(at),
            _ => {}
        }
    }
    let (at, mut decode) = (run.expect("a run"), time.expect("a time"));
    let (flags, count) = (be(&data[at..at + 4]), be(&data[at + 4..at + 8]));
    let mut cursor = at + 8;
    let mut next = |there: bool| {
        cursor += if there { 4 } else { 0 };
        there.then(|| be(&data[cursor - 4..cursor]))
    };
    let mut place = base + next(flags & 0x1 != 0).expect("an offset") as usize;
    let first_flags = next(flags & 0x4 != 0);
    let mut samples = Vec::new();
    for nth in 0..count {
        let duration = next(flags & 0x100 != 0).unwrap_or(defaults[0]);
        let size = next(flags & 0x200 != 0).unwrap_or(defaults[1]) as usize;
        let own = next(flags & 0x400 != 0);
        let offset = next(flags & 0x800 != 0).unwrap_or(0) as u32 as i32;
        let flags = own.or(first_flags.filter(|_| nth == 0)).unwrap_or(defaults[2]);
        samples.push(Read {
            decode,
            present: decode.saturating_add_signed(offset.into()),
            sync: flags & 0x1_0000 == 0,
            data: data[place..place + size].to_vec(),
        });
        (decode, place) = (decode + duration, place + size);
    }
    samples
}

fn only_fragment(data: &[u8]) -> Vec<Read> {
    let top = boxes(data, 0..data.len());
    let (_, moof) = top.iter().find(|(kind, _)| *kind == b"moof").expect("a moof");
    let inner = boxes(data, moof.clone());
    let (_, traf) = inner.iter().find(|(kind, _)| *kind == b"traf").expect("a traf");
    fragment(data, traf.clone(), moof.start - 8)
}

/// A chunk of fragmented MP4.
pub fn cmaf_chunk(data: &[u8]) -> Vec<Read> {
    only_fragment(data)
}

/// A fragment of Smooth Streaming.
pub fn smooth(data: &[u8]) -> Vec<Read> {
    only_fragment(data)
}

/// A PES packet's bytes, and whether decoding can begin there.
type Packet = (Vec<u8>, bool);

/// A frame of sound, with its time where that is told.
pub type Frame = (Option<u64>, Vec<u8>);

/// The pictures of a segment of MPEG-TS (ISO/IEC 13818-1), as samples with lengths before their NAL units and without parameter
/// sets and delimiters, and its frames of sound.
pub fn transport_stream(data: &[u8]) -> (Vec<Read>, Vec<Frame>) {
    let mut packets: BTreeMap<u16, Vec<Packet>> = BTreeMap::new();
    for packet in data.chunks(188) {
        assert_eq!(packet[0], 0x47);
        let (pid, control) = (be(&packet[1..3]) as u16 & 0x1fff, packet[3] >> 4 & 3);
        let adaptation = if control & 2 != 0 { 1 + usize::from(packet[4]) } else { 0 };
        let begins_here = adaptation > 1 && packet[5] & 0x40 != 0;
        if control & 1 == 0 || pid < 0x20 || pid == 0x1000 {
            continue;
        }
        let payload = &packet[4 + adaptation..];
        let of_pid = packets.entry(pid).or_default();
        match packet[1] & 0x40 != 0 {
            true => of_pid.push((payload.to_vec(), begins_here)),
            false => of_pid.last_mut().expect("a beginning").0.extend_from_slice(payload),
        }
    }
    let (mut pictures, mut sounds) = (Vec::new(), Vec::new());
    for (packet, sync) in packets.into_values().flatten() {
        assert_eq!(packet[..3], [0, 0, 1]);
        let present = time(&packet[9..]);
        let decode = if packet[7] & 0x40 != 0 { time(&packet[14..]) } else { present };
        let payload = &packet[9 + usize::from(packet[8])..];
        match packet[3] {
            0xe0 => pictures.push(Read { decode, present, sync, data: lengths(payload) }),
            _ => sounds.extend(
                adts(payload)
                    .into_iter()
                    .enumerate()
                    .map(|(nth, frame)| ((nth == 0).then_some(present), frame)),
            ),
        }
    }
    (pictures, sounds)
}

/// A PTS or DTS (2.4.3.7).
fn time(bytes: &[u8]) -> u64 {
    let bits = |at: usize| u64::from(bytes[at]);
    (bits(0) >> 1 & 7) << 30 | bits(1) << 22 | (bits(2) >> 1) << 15 | bits(3) << 7 | bits(4) >> 1
}

/// The slices of an access unit of a byte stream (ISO/IEC 14496-10, annex B), whose bytes are no start codes.
fn lengths(stream: &[u8]) -> Vec<u8> {
    let start = |at: &usize| stream[*at..].starts_with(&[0, 0, 1]);
    let starts: Vec<_> = (0..stream.len()).filter(start).collect();
    let ends = starts.iter().skip(1).copied().chain([stream.len()]);
    let mut out = Vec::new();
    for (begin, end) in starts.iter().zip(ends) {
        let mut unit = &stream[begin + 3..end];
        while let [rest @ .., 0] = unit {
            unit = rest;
        }
        if matches!(unit[0] & 0x1f, 1 | 5) {
            out.extend((unit.len() as u32).to_be_bytes());
            out.extend(unit);
        }
    }
    out
}

/// The frames of an ADTS stream (ISO/IEC 14496-3, 1.A.2).
fn adts(mut stream: &[u8]) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    while let [0xff, 0xf1, _, three, four, five, ..] = *stream {
        let len = usize::from(three & 3) << 11 | usize::from(four) << 3 | usize::from(five) >> 5;
        frames.push(stream[7..len].to_vec());
        stream = &stream[len..];
    }
    assert!(stream.is_empty());
    frames
}

/// The pictures and the sound of an HDS fragment: FLV tags in an `mdat` (Adobe Flash Video File Format 10.1, annex E).
pub fn f4f(data: &[u8]) -> (Vec<Read>, Vec<Read>) {
    let (mut pictures, mut sounds) = (Vec::new(), Vec::new());
    for (kind, body) in boxes(data, 0..data.len()) {
        assert_eq!(kind, b"mdat");
        let mut at = body.start;
        while at < body.end {
            let (size, low) = (be(&data[at + 1..at + 4]) as usize, be(&data[at + 4..at + 7]));
            let decode = u64::from(data[at + 7]) << 24 | low;
            let tag = &data[at + 11..at + 11 + size];
            match (data[at], tag[1]) {
                (9, 1) => pictures.push(Read {
                    decode,
                    present: decode + be(&tag[2..5]),
                    sync: tag[0] >> 4 == 1,
                    data: tag[5..].to_vec(),
                }),
                (8, 1) => sounds.push(Read { decode, present: decode, sync: true, data: tag[2..].to_vec() }),
                (8 | 9, 0) => {}
                other => panic!("a tag {other:?}"),
            }
            at += 11 + size;
            assert_eq!(be(&data[at..at + 4]) as usize, 11 + size, "the size behind the tag");
            at += 4;
        }
    }
    (pictures, sounds)
}
