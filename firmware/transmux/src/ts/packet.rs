//! Packets of 188 bytes and the PES packets in them (ISO/IEC 13818-1, 2.4.3).

use std::borrow::Cow;

use media::Sample;

use super::CLOCK;

const PACKET: usize = 188;
/// What is left of a packet behind its header.
const ROOM: usize = PACKET - 4;
/// Of the adaptation field: its length and its flags, and a clock reference behind them.
const FLAGS: usize = 2;
const REFERENCE: usize = 6;

const RANDOM_ACCESS: u8 = 0x40;
const HAS_REFERENCE: u8 = 0x10;

/// When something is decoded and shown, in ticks of [`CLOCK`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) decode: u64,
    pub(super) presentation: u64,
}

impl Times {
    pub(super) fn of(sample: &Sample, timescale: u32) -> Self {
        let ticks = |ticks: u64| media::rescale(ticks, timescale, CLOCK);
        let presentation = sample.decode_time.saturating_add_signed(sample.composition_offset.into());
        Self { decode: ticks(sample.decode_time), presentation: ticks(presentation) }
    }
}

/// What a PES packet carries; of what is decoded at once, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Carried {
    /// A picture.
    Video,
    /// Frames of sound.
    Audio,
    /// An ID3 tag (Apple, "Timed Metadata for HTTP Live Streaming").
    Tag,
}

/// A PES packet to be written.
pub(super) struct Pes<'a> {
    pub(super) kind: Carried,
    pub(super) times: Times,
    /// Decoding can begin here.
    pub(super) random_access: bool,
    /// The clock reference that goes with it.
    pub(super) clock: Option<u64>,
    pub(super) payload: &'a [Cow<'a, [u8]>],
}

/// The packets of one PID.
pub(super) struct Pid {
    number: u16,
    /// Packets with payload so far.
    packets: usize,
}

impl Pid {
    pub(super) fn new(number: u16) -> Self {
        Self { number, packets: 0 }
    }

    /// Writes a PES packet into as many packets as bring those of this PID to a multiple of `multiple`.
    pub(super) fn write(&mut self, out: &mut Vec<u8>, pes: &Pes<'_>, multiple: usize) {
        let header = pes.header();
        let mut slices = Slices { first: &header, rest: pes.payload };
        let mut left = slices.len();
        let mut field = pes.adaptation();
        let mut packets = 1 + left.saturating_sub(ROOM - field.len()).div_ceil(ROOM);
        packets += (self.packets + packets).next_multiple_of(multiple) - (self.packets + packets);
        for behind in (0..packets).rev() {
            // Each of those behind has at least one byte to carry: header and delimiter alone are more than 16.
            let take = left.saturating_sub(behind).min(ROOM - field.len());
            let first = behind + 1 == packets;
            self.head(out, first, true, ROOM - take > 0);
            self.packets += 1;
            field.write(out, ROOM - take);
            slices.take(out, take);
            left -= take;
            field = Adaptation::default();
        }
    }

    /// Writes a packet that has nothing but a clock reference.
    pub(super) fn write_clock(&self, out: &mut Vec<u8>, reference: u64) {
        self.head(out, false, false, true);
        Adaptation { flags: HAS_REFERENCE, reference: Some(reference) }.write(out, ROOM);
    }

    /// Writes a packet with one section that fits it.
    pub(super) fn write_section(&mut self, out: &mut Vec<u8>, section: &[u8]) {
        let end = out.len() + PACKET;
        self.head(out, true, true, false);
        self.packets += 1;
        // The section begins at once.
        out.push(0);
        out.extend_from_slice(section);
        out.resize(end, 0xff);
    }

    /// The counter counts packets with payload only; one without repeats that of the packet before.
    fn head(&self, out: &mut Vec<u8>, begins: bool, payload: bool, adaptation: bool) {
        let [high, low] = self.number.to_be_bytes();
        let counter = self.packets.wrapping_sub(usize::from(!payload)) as u8 & 0x0f;
        let control = u8::from(adaptation) << 5 | u8::from(payload) << 4;
        out.extend([0x47, u8::from(begins) << 6 | high, low, control | counter]);
    }
}

/// An adaptation field (2.4.3.4).
#[derive(Default)]
struct Adaptation {
    flags: u8,
    reference: Option<u64>,
}

impl Adaptation {
    /// The fewest bytes it takes.
    fn len(&self) -> usize {
        match (self.flags, self.reference) {
            (0, None) => 0,
            (_, None) => FLAGS,
            (_, Some(_)) => FLAGS + REFERENCE,
        }
    }

    /// Writes it into so many bytes, the rest of them stuffing.
    fn write(&self, out: &mut Vec<u8>, size: usize) {
        let end = out.len() + size;
        if size > 0 {
            // No more than a packet's room.
            out.push((size - 1) as u8);
        }
        if size >= FLAGS {
            out.push(self.flags);
            if let Some(reference) = self.reference {
                let base = reference & MASK;
                out.extend_from_slice(&(base << 15 | 0x7e00).to_be_bytes()[2..]);
            }
        }
        out.resize(end, 0xff);
    }
}

/// 33 bits.
const MASK: u64 = (1 << 33) - 1;

impl Pes<'_> {
    fn adaptation(&self) -> Adaptation {
        let random = if self.random_access { RANDOM_ACCESS } else { 0 };
        let reference = if self.clock.is_some() { HAS_REFERENCE } else { 0 };
        Adaptation { flags: random | reference, reference: self.clock }
    }

    /// Its header (2.4.3.6). A length of 0 leaves it open, which only pictures may.
    fn header(&self) -> Vec<u8> {
        let Times { decode, presentation } = self.times;
        let reordered = decode != presentation;
        let times: u8 = if reordered { 10 } else { 5 };
        let payload: usize = self.payload.iter().map(|slice| slice.len()).sum();
        let (id, len) = match self.kind {
            Carried::Video => (0xe0, 0),
            Carried::Audio | Carried::Tag => {
                let id = if self.kind == Carried::Audio { 0xc0 } else { 0xbd };
                (id, u16::try_from(payload + 3 + usize::from(times)).unwrap_or(0))
            }
        };
        let mut header = vec![0, 0, 1, id];
        header.extend(len.to_be_bytes());
        // What follows begins with an access unit.
        header.extend([0x84, if reordered { 0xc0 } else { 0x80 }, times]);
        header.extend(stamp(if reordered { 3 } else { 2 }, presentation));
        if reordered {
            header.extend(stamp(1, decode));
        }
        header
    }
}

/// A time in 5 bytes behind 4 bits that say which it is.
fn stamp(which: u8, ticks: u64) -> [u8; 5] {
    let ticks = ticks & MASK;
    let byte = |shift: u32, mask: u64| ((ticks >> shift) & mask) as u8;
    [
        which << 4 | byte(30, 7) << 1 | 1,
        byte(22, 0xff),
        byte(15, 0x7f) << 1 | 1,
        byte(7, 0xff),
        byte(0, 0x7f) << 1 | 1,
    ]
}

/// Bytes that lie in several places.
struct Slices<'a> {
    first: &'a [u8],
    rest: &'a [Cow<'a, [u8]>],
}

impl Slices<'_> {
    fn len(&self) -> usize {
        self.first.len() + self.rest.iter().map(|slice| slice.len()).sum::<usize>()
    }

    /// Appends the next `count` bytes to `out`.
    fn take(&mut self, out: &mut Vec<u8>, mut count: usize) {
        loop {
            let (now, later) = self.first.split_at(count.min(self.first.len()));
            out.extend_from_slice(now);
            count -= now.len();
            self.first = later;
            match self.rest.split_first() {
                Some((next, behind)) if count > 0 => (self.first, self.rest) = (next, behind),
                _ => return,
            }
        }
    }
}
