//! Which bytes of a coded picture are encrypted: slice data. NAL lengths and headers, slice headers and all that is no slice stay
//! in the clear, so that a decoder's front can read them (ISO/IEC 23001-7, 9.5.2 and 10.4).

use h264_reader::{
    Context,
    nal::{Nal, NalHeader, RefNal, UnitType, pps::PicParameterSet, slice::SliceHeader, sps::SeqParameterSet},
    rbsp::BitReader,
};
use media::Codec;

use crate::pattern::BLOCK;

/// Bytes of a slice that are looked at for the end of its header.
const LOOK: usize = 512;
/// Bytes that stay in the clear where its end is not reckoned: a header has some ten, with weights for every reference a hundred.
const LEAD: usize = 128;
/// Names of bytes in the clear have 16 bits (23001-7, 7.2.2).
const MOST_CLEAR: usize = u16::MAX as usize;

/// What tells slices from all else in a track of pictures.
pub(crate) struct Slices {
    /// Bytes of a NAL unit's length.
    length: usize,
    syntax: Syntax,
}

enum Syntax {
    Avc(Box<Context>),
    Hevc,
}

impl Slices {
    /// Of pictures; none of sound.
    pub(crate) fn of(codec: &Codec) -> Option<Self> {
        let length = |config: &[u8], at: usize| usize::from(config.get(at).map_or(3, |byte| byte & 3)) + 1;
        match codec {
            Codec::H264 { config, .. } => {
                Some(Self { length: length(config, 4), syntax: Syntax::Avc(context(codec).into()) })
            }
            Codec::H265 { config, .. } => Some(Self { length: length(config, 21), syntax: Syntax::Hevc }),
            Codec::Aac { .. } => None,
        }
    }

    /// Bytes in the clear and encrypted bytes behind them, in turn; with `whole_blocks` of the cipher only. None where the sample
    /// is not made of NAL units.
    pub(crate) fn subsamples(&self, sample: &[u8], whole_blocks: bool) -> Option<Vec<(u16, u32)>> {
        let mut found = Vec::new();
        let (mut rest, mut clear) = (sample, 0);
        while !rest.is_empty() {
            let (length, behind) = rest.split_at_checked(self.length)?;
            let length = length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
            let (unit, behind) = behind.split_at_checked(length)?;
            let data = unit.len() - self.lead(unit).min(unit.len());
            let encrypted = match whole_blocks {
                true => data - data % BLOCK,
                false if data < BLOCK => 0,
                false => data,
            };
            clear += self.length + unit.len() - encrypted;
            if encrypted > 0 {
                push(&mut found, std::mem::take(&mut clear), encrypted);
            }
            rest = behind;
        }
        if clear > 0 {
            push(&mut found, clear, 0);
        }
        Some(found)
    }

    /// Bytes at a unit's beginning that stay in the clear.
    fn lead(&self, unit: &[u8]) -> usize {
        let Some(&head) = unit.first() else { return 0 };
        match &self.syntax {
            // Slices, of a picture that decoding can begin at and of others (H.264, table 7-1).
            Syntax::Avc(context) if matches!(head & 0x1f, 1 | 5) => header_end(context, unit).unwrap_or(LEAD),
            // All types of slices (H.265, table 7-1).
            Syntax::Hevc if head >> 1 & 0x3f < 32 => LEAD,
            _ => unit.len(),
        }
    }
}

/// The parameter sets of a track, as far as they can be read. The library's own way to them trusts the record.
fn context(codec: &Codec) -> Context {
    let mut context = Context::new();
    for set in codec.parameter_sets().unwrap_or_default().into_iter().filter(|set| !set.is_empty()) {
        let unit = RefNal::new(set, &[], true);
        match unit.header().map(NalHeader::nal_unit_type) {
            Ok(UnitType::SeqParameterSet) => {
                if let Ok(set) = SeqParameterSet::from_bits(unit.rbsp_bits()) {
                    context.put_seq_param_set(set);
                }
            }
            Ok(UnitType::PicParameterSet) => {
                if let Ok(set) = PicParameterSet::from_bits(&context, unit.rbsp_bits()) {
                    context.put_pic_param_set(set);
                }
            }
            _ => {}
        }
    }
    context
}

/// Where the header of a slice ends, in whole bytes.
fn header_end(context: &Context, unit: &[u8]) -> Option<usize> {
    let (&head, coded) = unit.split_first()?;
    let header = NalHeader::new(head).ok()?;
    let (payload, raw) = unescape(&coded[..coded.len().min(LOOK)]);
    let mut reader = BitReader::new(&payload[..]);
    SliceHeader::from_bits(context, &mut reader, header, None).ok()?;
    let read = payload.len() - reader.into_reader().len();
    raw.get(read).map(|at| 1 + at)
}

/// Coded bytes without those of emulation prevention (H.264, 7.4.1: each 3 behind two zeros), and where each that is left was.
fn unescape(coded: &[u8]) -> (Vec<u8>, Vec<usize>) {
    let mut zeros = 0;
    let kept = coded.iter().enumerate().filter(|(_, byte)| {
        let inserted = zeros >= 2 && **byte == 3;
        zeros = if **byte == 0 { zeros + 1 } else { 0 };
        !inserted
    });
    kept.map(|(at, byte)| (*byte, at)).unzip()
}

fn push(found: &mut Vec<(u16, u32)>, mut clear: usize, encrypted: usize) {
    while clear > MOST_CLEAR {
        found.push((u16::MAX, 0));
        clear -= MOST_CLEAR;
    }
    // Within the bound above; a sample has less than 4 GiB.
    found.push((clear as u16, encrypted as u32));
}

#[cfg(test)]
mod tests;
