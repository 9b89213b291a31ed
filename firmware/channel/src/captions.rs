//! Closed captions on their way from the input's pictures to the encoded ones: CEA-608 and CEA-708 data, as ANSI/CTA-708-E
//! carries them (`cc_data`, 4.4), at most as much with each picture as a receiver takes.
//!
//! An input has other pictures than the channel: some are left out, some shown twice. What a picture carries is queued, and
//! every slot takes its share, so no caption is lost or said twice.

mod sei;

use std::collections::VecDeque;

use media::FrameRate;

pub use sei::sei;

/// One unit of `cc_data`: marker, validity and type, then two bytes.
pub type Triplet = [u8; 3];

/// How an input packs its captions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// CEA-608 pairs of field 1.
    Pairs,
    /// CEA-608 pairs, each behind a byte with its field (SMPTE ST 334-1, annex A).
    FieldPairs,
    /// `cc_data` units.
    Units,
    /// A caption distribution packet (SMPTE ST 334-2).
    Packet,
}

/// CEA-608 pairs of one field in a second: one in each frame of NTSC.
const PAIRS: (u64, u64) = (30_000, 1001);
/// Units of all kinds in a second (CTA-708-E, 4.3.6: 9,600 bit/s and those of CEA-608).
const UNITS: u64 = 600;
/// Most of a kind that may wait: four seconds of pairs; what is older is not worth showing.
const WAITING: usize = 120;
/// The same of CEA-708.
const WAITING_708: usize = 2400;
/// Marker bits, `cc_valid` and `cc_type` 0.
const VALID: u8 = 0xfc;

/// Captions that wait for their picture.
#[derive(Clone, Debug, Default)]
pub struct Captions {
    /// CEA-608 of field 1 and of field 2.
    fields: [Field; 2],
    /// CEA-708.
    packets: VecDeque<Triplet>,
}

#[derive(Clone, Debug, Default)]
struct Field {
    waiting: VecDeque<[u8; 2]>,
    /// Of a pair that may be said, in parts of a slot's numerator.
    credit: u64,
}

/// The units in what an input's picture carries. What is broken is left out.
#[must_use]
pub fn units(packing: Packing, data: &[u8]) -> Vec<Triplet> {
    let pair = |field: u8, pair: &[u8]| [VALID | field, pair[0], pair[1]];
    match packing {
        Packing::Pairs => data.chunks_exact(2).map(|data| pair(0, data)).collect(),
        Packing::FieldPairs => {
            // Bit 7: field 1.
            let field = |head: u8| u8::from(head & 0x80 == 0);
            data.chunks_exact(3).map(|data| pair(field(data[0]), &data[1..])).collect()
        }
        Packing::Units => data.as_chunks::<3>().0.to_vec(),
        Packing::Packet => packet(data).unwrap_or_default(),
    }
}

/// The units of a caption distribution packet: a header of seven bytes, perhaps a time code of five, then the section.
fn packet(data: &[u8]) -> Option<Vec<Triplet>> {
    let flags = *data.strip_prefix(&[0x96, 0x69])?.get(2)?;
    let has_time = flags & 0x80 != 0;
    let section = data.get(if has_time { 12 } else { 7 }..)?;
    let (&[0x72, count], units) = section.split_first_chunk::<2>()? else { return None };
    units.get(..usize::from(count & 0x1f) * 3).map(|units| units.as_chunks::<3>().0.to_vec())
}

impl Captions {
    /// A picture has brought these. Padding is not kept.
    pub fn bring(&mut self, units: &[Triplet]) {
        for &[head, first, second] in units {
            let (valid, kind) = (head & 4 != 0, head & 3);
            match kind {
                0 | 1 if valid && [first & 0x7f, second & 0x7f] != [0, 0] => {
                    self.fields[usize::from(kind)].waiting.push_back([first, second]);
                }
                2 | 3 if valid => self.packets.push_back([head, first, second]),
                _ => {}
            }
        }
        self.fields.iter_mut().for_each(|field| keep(&mut field.waiting, WAITING));
        keep(&mut self.packets, WAITING_708);
    }

    /// The input is gone: what stands on the screen is wiped off it (CEA-608, erase displayed memory, said twice).
    pub fn wipe(&mut self) {
        *self = Self::default();
        for (field, code) in self.fields.iter_mut().zip([0x94, 0x15]) {
            field.waiting.extend([[code, 0x2c]; 2]);
        }
    }

    /// What the next slot of a grid of `rate` carries.
    pub fn take(&mut self, rate: FrameRate) -> Vec<Triplet> {
        let (num, den) = (u64::from(rate.num()), u64::from(rate.den()));
        let mut taken = Vec::new();
        for (kind, field) in (0u8..).zip(&mut self.fields) {
            let pair = num * PAIRS.1;
            // No more is saved up than for one pair beside the slot's own.
            field.credit = (field.credit + PAIRS.0 * den).min(2 * pair);
            while field.credit >= pair
                && let Some([first, second]) = field.waiting.pop_front()
            {
                field.credit -= pair;
                taken.push([VALID | kind, first, second]);
            }
        }
        let most = usize::try_from(UNITS * den / num).unwrap_or(usize::MAX).clamp(1, 31);
        while taken.len() < most
            && let Some(unit) = self.packets.pop_front()
        {
            taken.push(unit);
        }
        taken
    }
}

/// The oldest makes room.
fn keep<T>(waiting: &mut VecDeque<T>, most: usize) {
    let over = waiting.len().saturating_sub(most);
    waiting.drain(..over);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rate(text: &str) -> FrameRate {
        text.parse().unwrap()
    }

    #[test]
    fn every_packing_gives_the_same_units() {
        let (first, second) = ([0xfc, 0x94, 0x2c], [0xfd, 0xc1, 0xc2]);
        assert_eq!(units(Packing::Pairs, &[0x94, 0x2c]), [first]);
        assert_eq!(units(Packing::FieldPairs, &[0x80, 0x94, 0x2c, 0x00, 0xc1, 0xc2]), [first, second]);
        assert_eq!(units(Packing::Units, &[first, second].concat()), [first, second]);
        let body = [&[0x72, 0xe2][..], &first, &second, &[0x74, 0, 0, 0]].concat();
        let plain = [&[0x96, 0x69, 19, 0x4f, 0x43, 0, 0][..], &body].concat();
        let timed = [&[0x96, 0x69, 24, 0x4f, 0xc3, 0, 0, 0x71, 0, 0, 0, 0][..], &body].concat();
        assert_eq!(units(Packing::Packet, &plain), [first, second]);
        assert_eq!(units(Packing::Packet, &timed), [first, second]);
        for cut in 0..plain.len() - 4 {
            assert!(units(Packing::Packet, &plain[..cut]).is_empty(), "{cut}");
        }
    }

    #[test]
    fn no_slot_carries_more_than_receivers_take() {
        let mut captions = Captions::default();
        let many: Vec<_> =
            (0..60u8).flat_map(|nth| [[0xfc, 1, nth], [0xfd, 2, nth], [0xfe, 3, nth]]).collect();
        captions.bring(&many);
        let counts: Vec<_> = (0..4).map(|_| captions.clone().take(rate("30")).len()).collect();
        assert!(counts.iter().all(|count| *count <= 20), "{counts:?}");
        let pairs = |units: &[Triplet]| units.iter().filter(|unit| unit[0] == 0xfc).count();
        // One in a slot of 30, one in two of 60, sometimes two in one of 24.
        for (text, slots, wanted) in
            [("30000/1001", 30, 30), ("60000/1001", 60, 30), ("24", 24, 29), ("25", 25, 29)]
        {
            let mut captions = captions.clone();
            let taken: usize = (0..slots).map(|_| pairs(&captions.take(rate(text)))).sum();
            assert!(taken.abs_diff(wanted) <= 1, "{text}: {taken}");
        }
    }

    #[test]
    fn padding_is_left_out_and_a_lost_input_leaves_nothing_on_the_screen() {
        let mut captions = Captions::default();
        captions.bring(&[[0xfc, 0x80, 0x80], [0xf8, 0x94, 0x2c], [0xfa, 0, 0], [0xfd, 0x80, 0x80]]);
        assert!(captions.take(rate("30")).is_empty());
        captions.bring(&[[0xfc, 0xc8, 0xe5]]);
        captions.wipe();
        let taken: Vec<_> = (0..4).flat_map(|_| captions.take(rate("30"))).collect();
        assert_eq!(taken.iter().filter(|unit| **unit == [0xfc, 0x94, 0x2c]).count(), 2, "{taken:?}");
        assert_eq!(taken.len(), 4);
    }

    proptest! {
        /// Whatever the rates of input and channel, all that comes at a broadcaster's pace comes out, in order.
        #[test]
        fn nothing_is_lost_or_told_twice(
            input in prop::sample::select(vec!["24", "25", "30000/1001", "50", "60000/1001"]),
            channel in prop::sample::select(vec!["24", "25", "30000/1001", "50", "60000/1001"]),
        ) {
            let (input, channel) = (rate(input), rate(channel));
            let (mut source, mut captions) = (Captions::default(), Captions::default());
            let (mut said, mut next) = (Vec::new(), 0u64);
            for slot in 0..2000 {
                while input.nanos_of(next) <= channel.nanos_of(slot) {
                    // As many as an input of this rate may carry.
                    source.bring(&[[0xfc, 1 + (next % 100) as u8, 1 + (next / 100) as u8]]);
                    captions.bring(&source.take(input));
                    next += 1;
                }
                said.extend(captions.take(channel));
            }
            let number = |unit: &Triplet| u64::from(unit[2] - 1) * 100 + u64::from(unit[1] - 1);
            let numbers: Vec<_> = said.iter().map(number).collect();
            let missing = numbers.windows(2).filter(|two| two[1] != two[0] + 1).count();
            // The source itself may be asked for more pairs than CEA-608 has.
            prop_assert!(numbers.is_sorted() && (missing == 0 || input.num() / input.den() > 29));
        }

        #[test]
        fn any_bytes_are_read(data in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut captions = Captions::default();
            for packing in [Packing::Pairs, Packing::FieldPairs, Packing::Units, Packing::Packet] {
                captions.bring(&units(packing, &data));
            }
            prop_assert!(captions.take(rate("24")).len() <= 31);
        }
    }
}
