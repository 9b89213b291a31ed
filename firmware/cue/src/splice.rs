//! `splice_info_section`s with a `splice_insert` (ANSI/SCTE 35 2023r1, 9.6 and 9.7.3).

use crc::{CRC_32_MPEG_2, Crc};

/// Units a second of every time.
pub const CLOCK: u64 = 90_000;
/// Times and durations have 33 bits; times begin anew behind them.
const BITS: u64 = (1 << 33) - 1;

const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_MPEG_2);
const SPLICE_INFO: u8 = 0xfc;
const SPLICE_INSERT: u8 = 0x05;

/// What is said of a break; instants and durations in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// It begins: out of the network. It ends by itself after its duration, where it has one.
    Out {
        /// Since the epoch.
        at: u64,
        /// At most 26 hours are told right.
        duration: Option<u64>,
    },
    /// It ends: back into the network.
    Back {
        /// Since the epoch.
        at: u64,
    },
    /// It does not take place.
    Cancel,
}

/// The section that says so of the event `id`.
///
/// `pts_time` is the instant on the 90 kHz clock that the channel's MPEG-TS has, which begins anew every 26.5 hours.
#[must_use]
pub fn section(id: u32, message: Message) -> Vec<u8> {
    let mut command = id.to_be_bytes().to_vec();
    match message {
        Message::Cancel => command.push(0xff),
        Message::Out { at, duration } => {
            let timed = duration.is_some();
            command.extend([0x7f, flags(true, timed)]);
            command.extend(time(at));
            if let Some(duration) = duration {
                // auto_return.
                command.extend(with_33_bits(0xfe, units(duration)));
            }
            command.extend(PROGRAM);
        }
        Message::Back { at } => {
            command.extend([0x7f, flags(false, false)]);
            command.extend(time(at));
            command.extend(PROGRAM);
        }
    }
    // protocol_version, no encryption, pts_adjustment, cw_index, and a tier that says nothing.
    let mut body = vec![0; 7];
    let length = 0xfff << 12 | command.len() as u32;
    body.extend(&length.to_be_bytes()[1..]);
    body.push(SPLICE_INSERT);
    body.extend(command);
    // No descriptors.
    body.extend([0, 0]);
    let length = 0x3000 | (body.len() + 4) as u16;
    let mut section = vec![SPLICE_INFO];
    section.extend(length.to_be_bytes());
    section.extend(body);
    section.extend(CRC.checksum(&section).to_be_bytes());
    section
}

/// `unique_program_id`, `avail_num` and `avails_expected`, of which nothing is said.
const PROGRAM: [u8; 4] = [0, 0, 0, 0];

/// Out of the network or back, the whole program, with a duration or without, at a time that is told; the reserved bits are ones.
fn flags(out: bool, timed: bool) -> u8 {
    u8::from(out) << 7 | 1 << 6 | u8::from(timed) << 5 | 0x0f
}

/// A `splice_time()` that is told.
fn time(nanos: u64) -> [u8; 5] {
    with_33_bits(0xfe, units(nanos))
}

/// The uppermost bit of 33 behind seven others.
fn with_33_bits(seven: u8, value: u64) -> [u8; 5] {
    let [_, _, _, top, rest @ ..] = (value & BITS).to_be_bytes();
    [seven | top, rest[0], rest[1], rest[2], rest[3]]
}

/// Rounded to the nearest.
fn units(nanos: u64) -> u64 {
    media::ticks(nanos, CLOCK as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_are_those_of_the_standard() {
        let hex = |message| -> String {
            let section = section(0x4800_008f, message);
            section[..section.len() - 4].iter().map(|byte| format!("{byte:02x}")).collect()
        };
        let out = Message::Out { at: 3_600_000_000_000, duration: Some(30_000_000_000) };
        assert_eq!(hex(out), "fc302500000000000000fff014054800008f7feffe134fd900fe002932e0000000000000");
        assert_eq!(hex(Message::Cancel), "fc301600000000000000fff005054800008fff0000");
    }

    #[test]
    fn times_begin_anew_after_33_bits() {
        let wrap = (BITS + 1) * 1_000_000_000 / CLOCK;
        let (one, other) = (Message::Back { at: 5_000_000_000 }, Message::Back { at: wrap + 5_000_000_000 });
        assert_eq!(section(1, one), section(1, other));
    }
}
