//! H.264 and HEVC as decoders outside of MP4 take them (ITU-T H.264 and H.265, annex B): start codes instead of lengths.

use media::Codec;

const START: [u8; 4] = [0, 0, 0, 1];

/// Parameter sets begin here in an `AVCDecoderConfigurationRecord` (ISO/IEC 14496-15, 5.3.3.1): their count, then each.
const AVC_SETS: usize = 5;
/// And here in an `HEVCDecoderConfigurationRecord` (8.3.3.1): the count of arrays, then each.
const HEVC_ARRAYS: usize = 22;

/// One access unit with start codes, the parameter sets of `codec` in front.
///
/// None where a length reaches beyond its end, and of sound.
#[must_use]
pub fn annex_b(codec: &Codec, sample: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(sample.len() + 512);
    match codec {
        Codec::H264 { config, .. } => {
            let mut rest = config.get(AVC_SETS..)?;
            for mask in [0x1f, 0xff] {
                let (&count, behind) = rest.split_first()?;
                rest = sets(&mut out, u16::from(count & mask), behind)?;
            }
        }
        Codec::H265 { config, .. } => {
            let (&arrays, mut rest) = config.get(HEVC_ARRAYS..)?.split_first()?;
            for _ in 0..arrays {
                let (head, behind) = rest.split_first_chunk::<3>()?;
                rest = sets(&mut out, u16::from_be_bytes([head[1], head[2]]), behind)?;
            }
        }
        Codec::Aac { .. } => return None,
    }
    let mut rest = sample;
    while !rest.is_empty() {
        let (len, behind) = rest.split_first_chunk::<4>()?;
        let (unit, behind) = behind.split_at_checked(u32::from_be_bytes(*len) as usize)?;
        put(&mut out, unit);
        rest = behind;
    }
    Some(out)
}

/// Puts `count` parameter sets; what is behind them.
fn sets<'a>(out: &mut Vec<u8>, count: u16, mut rest: &'a [u8]) -> Option<&'a [u8]> {
    for _ in 0..count {
        let (len, behind) = rest.split_first_chunk::<2>()?;
        let (set, behind) = behind.split_at_checked(u16::from_be_bytes(*len).into())?;
        put(out, set);
        rest = behind;
    }
    Some(rest)
}

fn put(out: &mut Vec<u8>, unit: &[u8]) {
    out.extend_from_slice(&START);
    out.extend_from_slice(unit);
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use media::FrameRate;

    use super::*;

    const AVC: [u8; 17] = [1, 0x64, 0, 0x1f, 0xff, 0xe1, 0, 4, 0x67, 0x64, 0, 0x1f, 1, 0, 2, 0x68, 0xeb];

    fn h264(config: &[u8]) -> Codec {
        let rate = FrameRate::new(25, 1).unwrap();
        Codec::H264 { config: Bytes::copy_from_slice(config), width: 2, height: 2, rate }
    }

    fn h265(config: &[u8]) -> Codec {
        let rate = FrameRate::new(25, 1).unwrap();
        Codec::H265 { config: Bytes::copy_from_slice(config), width: 2, height: 2, rate }
    }

    fn hevc() -> Vec<u8> {
        let mut record = vec![0; 22];
        record.push(3);
        for nal_type in [32, 33, 34] {
            record.extend([0x80 | nal_type, 0, 1, 0, 2, nal_type << 1, 1]);
        }
        record
    }

    #[test]
    fn lengths_become_start_codes_behind_the_parameter_sets() {
        let unit = annex_b(&h264(&AVC), &[0, 0, 0, 2, 0x65, 1, 0, 0, 0, 1, 0x06]).unwrap();
        let expected: [&[u8]; 4] = [&[0x67, 0x64, 0, 0x1f], &[0x68, 0xeb], &[0x65, 1], &[0x06]];
        let with_codes =
            |units: &[&[u8]]| units.iter().flat_map(|unit| [&START, *unit].concat()).collect::<Vec<_>>();
        assert_eq!(unit, with_codes(&expected));
        let unit = annex_b(&h265(&hevc()), &[0, 0, 0, 2, 0x26, 1]).unwrap();
        assert_eq!(unit, with_codes(&[&[0x40, 1], &[0x42, 1], &[0x44, 1], &[0x26, 1]]));
    }

    #[test]
    fn whatever_is_cut_short_gives_nothing() {
        let sample = [0, 0, 0, 1, 9, 0, 0, 0, 2, 7, 7];
        assert!((0..AVC.len()).all(|end| annex_b(&h264(&AVC[..end]), &sample).is_none()));
        let hevc = hevc();
        assert!((0..hevc.len()).all(|end| annex_b(&h265(&hevc[..end]), &sample).is_none()));
        let whole = [0, 5, 11];
        assert!((0..=11).all(|end| annex_b(&h264(&AVC), &sample[..end]).is_some() == whole.contains(&end)));
    }
}
