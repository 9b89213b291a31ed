//! The parameter sets in a codec's configuration record.

use crate::Codec;

/// Parameter sets begin here in an `AVCDecoderConfigurationRecord` (ISO/IEC 14496-15, 5.3.3.1): their count, then each.
const AVC_SETS: usize = 5;
/// And here in an `HEVCDecoderConfigurationRecord` (8.3.3.1): the count of arrays, then each.
const HEVC_ARRAYS: usize = 22;

impl Codec {
    /// The parameter sets of pictures, as NAL units, in the order in which a decoder needs them.
    ///
    /// None where the record is cut short, and of sound.
    #[must_use]
    pub fn parameter_sets(&self) -> Option<Vec<&[u8]>> {
        let mut found = Vec::new();
        match self {
            Self::H264 { config, .. } => {
                let mut rest = config.get(AVC_SETS..)?;
                for mask in [0x1f, 0xff] {
                    let (&count, behind) = rest.split_first()?;
                    rest = sets(&mut found, u16::from(count & mask), behind)?;
                }
            }
            Self::H265 { config, .. } => {
                let (&arrays, mut rest) = config.get(HEVC_ARRAYS..)?.split_first()?;
                for _ in 0..arrays {
                    let (head, behind) = rest.split_first_chunk::<3>()?;
                    rest = sets(&mut found, u16::from_be_bytes([head[1], head[2]]), behind)?;
                }
            }
            Self::Aac { .. } => return None,
        }
        Some(found)
    }
}

/// Takes `count` parameter sets; what is behind them.
fn sets<'a>(found: &mut Vec<&'a [u8]>, count: u16, mut rest: &'a [u8]) -> Option<&'a [u8]> {
    for _ in 0..count {
        let (len, behind) = rest.split_first_chunk::<2>()?;
        let (set, behind) = behind.split_at_checked(u16::from_be_bytes(*len).into())?;
        found.push(set);
        rest = behind;
    }
    Some(rest)
}
