//! The captions of a stored sample: SEI NAL units with registered user data (Rec. ITU-T H.264 and H.265, annex D; ATSC A/72,
//! 6.4.2; ANSI/CTA-708-E, 4.4).
//!
//! Slices are stepped over by their length. What is broken is left out.

use media::Coding;

use crate::Unit;

/// `user_data_registered_itu_t_t35`.
const REGISTERED: usize = 4;
/// `itu_t_t35_country_code` of the USA, ATSC's provider code, `GA94`, and `user_data_type_code` of captions.
const HEAD: [u8; 8] = [0xb5, 0x00, 0x31, b'G', b'A', b'9', b'4', 0x03];
/// `process_cc_data_flag`.
const PROCESS: u8 = 0x40;
/// `cc_valid`.
const VALID: u8 = 4;

/// The valid units of all kinds in a sample of NAL units with 4-byte lengths.
#[must_use]
pub fn units(coding: Coding, sample: &[u8]) -> Vec<Unit> {
    let mut units = Vec::new();
    let mut rest = sample;
    while let Some((length, behind)) = rest.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        let Some((nal, behind)) = behind.split_at_checked(length) else { break };
        if let Some(escaped) = messages(coding, nal) {
            read_messages(&unescaped(escaped), &mut units);
        }
        rest = behind;
    }
    units
}

/// The payload of an SEI NAL unit, still with emulation prevention.
fn messages(coding: Coding, nal: &[u8]) -> Option<&[u8]> {
    let header = *nal.first()?;
    match coding {
        Coding::H264 => (header & 0x1f == 6).then(|| &nal[1..]),
        // Of prefix and suffix.
        Coding::H265 => matches!(header >> 1 & 0x3f, 39 | 40).then(|| nal.get(2..))?,
    }
}

/// Without `emulation_prevention_three_byte` (Rec. ITU-T H.264, 7.4.1).
fn unescaped(escaped: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(escaped.len());
    let mut zeros = 0;
    for &byte in escaped {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        plain.push(byte);
    }
    plain
}

/// Takes the captions out of `sei_message`s (7.3.2.3.1), up to the trailing bits or to what is broken.
fn read_messages(mut rest: &[u8], units: &mut Vec<Unit>) {
    while rest.len() > 1 {
        let (Some(kind), Some(size)) = (number(&mut rest), number(&mut rest)) else { return };
        let Some((payload, behind)) = rest.split_at_checked(size) else { return };
        if kind == REGISTERED {
            units.extend(captions(payload).unwrap_or_default().iter().filter(|[head, ..]| head & VALID != 0));
        }
        rest = behind;
    }
}

/// A number of bytes of 255 and a last one.
fn number(rest: &mut &[u8]) -> Option<usize> {
    let mut sum = 0;
    loop {
        let (&byte, behind) = rest.split_first()?;
        *rest = behind;
        sum += usize::from(byte);
        if byte != 0xff {
            return Some(sum);
        }
    }
}

/// `cc_data`: a byte with the flag and the count, `em_data`, the units.
fn captions(payload: &[u8]) -> Option<&[Unit]> {
    let (&[flags, _], units) = payload.strip_prefix(&HEAD)?.split_first_chunk::<2>()?;
    let units = units.get(..usize::from(flags & 0x1f) * 3)?;
    (flags & PROCESS != 0).then_some(units.as_chunks::<3>().0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The NAL unit that the box writes captions into; of H.264 without, of H.265 with a second header byte.
    fn nal(header: &[u8], units: &[Unit]) -> Vec<u8> {
        let mut payload = vec![4, (HEAD.len() + 2 + units.len() * 3 + 1) as u8];
        payload.extend(HEAD);
        payload.extend([0xc0 | units.len() as u8, 0xff]);
        payload.extend(units.as_flattened());
        payload.extend([0xff, 0x80]);
        [header, &escaped(&payload)].concat()
    }

    fn escaped(payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        for &byte in payload {
            if out.ends_with(&[0, 0]) && byte <= 3 {
                out.push(3);
            }
            out.push(byte);
        }
        out
    }

    fn sample(nals: &[Vec<u8>]) -> Vec<u8> {
        nals.iter().flat_map(|nal| [&(nal.len() as u32).to_be_bytes()[..], nal].concat()).collect()
    }

    #[test]
    fn captions_are_found_among_other_units() {
        let other = [&[0x06, 5, 3, 1, 2, 3][..], &nal(&[], &[[0xfc, 0x94, 0x2c]])].concat();
        let slice = nal(&[0x65], &[[0xfc, 9, 9]]);
        let sample = sample(&[vec![0x09, 0xf0], other, slice, nal(&[0x06], &[[0xf8, 1, 1], [0xfd, 2, 2]])]);
        assert_eq!(units(Coding::H264, &sample), [[0xfc, 0x94, 0x2c], [0xfd, 2, 2]]);
        assert!(units(Coding::H265, &sample).is_empty());
    }

    #[test]
    fn what_is_broken_is_left_out() {
        let whole = sample(&[nal(&[0x4e, 1], &[[0xfc, 1, 2]]), nal(&[0x50, 1], &[[0xfc, 3, 4]])]);
        assert_eq!(units(Coding::H265, &whole), [[0xfc, 1, 2], [0xfc, 3, 4]]);
        assert_eq!(units(Coding::H265, &whole[..whole.len() - 1]), [[0xfc, 1, 2]]);
        // A count beyond the message, and data that is not to be processed.
        for flags in [0xdf, 0x81] {
            let mut nal = nal(&[0x06], &[[0xfc, 1, 2]]);
            nal[11] = flags;
            assert!(units(Coding::H264, &sample(&[nal])).is_empty(), "{flags:x}");
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(found in prop::collection::vec(any::<Unit>(), 0..=31), h265 in any::<bool>()) {
            let (coding, header) = if h265 { (Coding::H265, &[0x4e, 1][..]) } else { (Coding::H264, &[6][..]) };
            let sample = sample(&[vec![0x02, 0x01, 0xff], nal(header, &found)]);
            let valid: Vec<_> = found.into_iter().filter(|unit| unit[0] & 4 != 0).collect();
            prop_assert_eq!(units(coding, &sample), valid);
        }

        #[test]
        fn any_bytes_are_read(mut bytes in prop::collection::vec(any::<u8>(), 0..300), length in 0u8..50) {
            if let Some(head) = bytes.first_chunk_mut::<5>() {
                *head = [0, 0, 0, length, 6];
            }
            for coding in [Coding::H264, Coding::H265] {
                prop_assert!(units(coding, &bytes).len() <= bytes.len() / 3);
            }
        }
    }
}
