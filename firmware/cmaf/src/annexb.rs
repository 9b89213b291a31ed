//! H.264 as decoders outside of MP4 take it (ITU-T H.264, annex B): start codes instead of lengths.

const START: [u8; 4] = [0, 0, 0, 1];

/// Parameter sets begin here in an `AVCDecoderConfigurationRecord` (ISO/IEC 14496-15, 5.3.3.1): their count, then each.
const SETS: usize = 5;

/// One access unit with start codes, the parameter sets of `config` (an `AVCDecoderConfigurationRecord`) in front.
///
/// None where a length reaches beyond its end.
#[must_use]
pub fn annex_b(config: &[u8], sample: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(config.len() + sample.len() + 64);
    let mut put = |unit: &[u8]| {
        out.extend_from_slice(&START);
        out.extend_from_slice(unit);
    };
    let mut rest = config.get(SETS..)?;
    for mask in [0x1f, 0xff] {
        let (&count, behind) = rest.split_first()?;
        rest = behind;
        for _ in 0..count & mask {
            let (len, behind) = rest.split_first_chunk::<2>()?;
            let (set, behind) = behind.split_at_checked(u16::from_be_bytes(*len).into())?;
            put(set);
            rest = behind;
        }
    }
    let mut rest = sample;
    while !rest.is_empty() {
        let (len, behind) = rest.split_first_chunk::<4>()?;
        let (unit, behind) = behind.split_at_checked(u32::from_be_bytes(*len) as usize)?;
        put(unit);
        rest = behind;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: [u8; 17] = [1, 0x64, 0, 0x1f, 0xff, 0xe1, 0, 4, 0x67, 0x64, 0, 0x1f, 1, 0, 2, 0x68, 0xeb];

    #[test]
    fn lengths_become_start_codes_behind_the_parameter_sets() {
        let unit = annex_b(&CONFIG, &[0, 0, 0, 2, 0x65, 1, 0, 0, 0, 1, 0x06]).unwrap();
        let expected: [&[u8]; 4] = [&[0x67, 0x64, 0, 0x1f], &[0x68, 0xeb], &[0x65, 1], &[0x06]];
        let expected: Vec<u8> = expected.iter().flat_map(|unit| [&START, *unit].concat()).collect();
        assert_eq!(unit, expected);
    }

    #[test]
    fn whatever_is_cut_short_gives_nothing() {
        let sample = [0, 0, 0, 1, 9, 0, 0, 0, 2, 7, 7];
        assert!((0..CONFIG.len()).all(|end| annex_b(&CONFIG[..end], &sample).is_none()));
        let whole = [0, 5, 11];
        assert!((0..=11).all(|end| annex_b(&CONFIG, &sample[..end]).is_some() == whole.contains(&end)));
    }
}
