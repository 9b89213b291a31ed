//! The NAL unit that carries captions in an access unit: supplemental enhancement information with registered user data
//! (Rec. ITU-T H.264 and H.265, annex D; ATSC A/72, 6.4.2).

use media::Coding;

use super::Triplet;

/// `itu_t_t35_country_code` of the USA, ATSC's provider code, `GA94`, and `user_data_type_code` of captions.
const HEAD: [u8; 8] = [0xb5, 0x00, 0x31, b'G', b'A', b'9', b'4', 0x03];
/// `user_data_registered_itu_t_t35`.
const PAYLOAD_TYPE: u8 = 4;
/// Most units in one: `cc_count` has five bits.
const MOST: usize = 31;

/// The NAL unit, without start code or length; empty where there are no units.
#[must_use]
pub fn sei(coding: Coding, units: &[Triplet]) -> Vec<u8> {
    let units = &units[..units.len().min(MOST)];
    let Ok(count) = u8::try_from(units.len()) else { return Vec::new() };
    if count == 0 {
        return Vec::new();
    }
    let mut nal = match coding {
        Coding::H264 => vec![0x06],
        // A prefix, type 39, of the base layer.
        Coding::H265 => vec![0x4e, 0x01],
    };
    let header = nal.len();
    let size = HEAD.len() + 2 + units.len() * 3 + 1;
    nal.extend([PAYLOAD_TYPE, u8::try_from(size).unwrap_or(u8::MAX)]);
    nal.extend(HEAD);
    // A reserved bit, `process_cc_data_flag`, the count; `em_data`; the units; marker bits.
    nal.extend([0xc0 | count, 0xff]);
    nal.extend(units.as_flattened());
    nal.push(0xff);
    // `rbsp_trailing_bits`.
    nal.push(0x80);
    let payload = nal.split_off(header);
    escape(&payload, &mut nal);
    nal
}

/// Two zeros are never followed by less than four (Rec. ITU-T H.264, 7.4.1).
fn escape(payload: &[u8], out: &mut Vec<u8>) {
    let mut zeros = 0;
    for &byte in payload {
        if zeros == 2 && byte <= 3 {
            out.push(3);
            zeros = 0;
        }
        out.push(byte);
        zeros = if byte == 0 { zeros + 1 } else { 0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_are_those_of_the_standard() {
        let unit = sei(Coding::H264, &[[0xfc, 0x94, 0x2c]]);
        let body =
            [0x06, 4, 14, 0xb5, 0, 0x31, 0x47, 0x41, 0x39, 0x34, 3, 0xc1, 0xff, 0xfc, 0x94, 0x2c, 0xff, 0x80];
        assert_eq!(unit, body);
        assert_eq!(sei(Coding::H265, &[[0xfc, 0x94, 0x2c]]), [&[0x4e, 0x01][..], &body[1..]].concat());
        assert!(sei(Coding::H264, &[]).is_empty());
        assert_eq!(sei(Coding::H264, &[[0xfe, 1, 1]; 40]).len(), 1 + 2 + 8 + 2 + 93 + 2);
    }

    #[test]
    fn no_start_code_comes_about() {
        let unit = sei(Coding::H264, &[[0xfe, 0, 0], [0, 0, 1]]);
        assert!(unit.windows(3).all(|three| three[..2] != [0, 0] || three[2] >= 3), "{unit:x?}");
    }
}
