//! H.264 and HEVC as decoders outside of MP4 take them (ITU-T H.264 and H.265, annex B): start codes instead of lengths.

use media::Codec;

const START: [u8; 4] = [0, 0, 0, 1];

/// One access unit with start codes, the parameter sets of `codec` in front.
///
/// None where a length reaches beyond its end, and of sound.
#[must_use]
pub fn annex_b(codec: &Codec, sample: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(sample.len() + 512);
    codec.parameter_sets()?.into_iter().for_each(|set| put(&mut out, set));
    let mut rest = sample;
    while !rest.is_empty() {
        let (len, behind) = rest.split_first_chunk::<4>()?;
        let (unit, behind) = behind.split_at_checked(u32::from_be_bytes(*len) as usize)?;
        put(&mut out, unit);
        rest = behind;
    }
    Some(out)
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
