//! Closed captions between GStreamer's pictures and the encoded samples.

use channel::captions::{Packing, Triplet, sei, units};
use gst_video::{VideoCaptionMeta, VideoCaptionType};
use media::Coding;

/// The captions that a picture carries.
pub fn of(buffer: &gst::BufferRef) -> Vec<Triplet> {
    // A parser and a decoder may both have noted them: the first is enough.
    let Some(noted) = buffer.meta::<VideoCaptionMeta>() else { return Vec::new() };
    let packing = match noted.caption_type() {
        VideoCaptionType::Cea608Raw => Packing::Pairs,
        VideoCaptionType::Cea608S3341a => Packing::FieldPairs,
        VideoCaptionType::Cea708Raw => Packing::Units,
        VideoCaptionType::Cea708Cdp => Packing::Packet,
        _ => return Vec::new(),
    };
    units(packing, noted.data())
}

/// Takes the captions off a picture: encoders that know them would write them a second time.
pub fn strip(buffer: &mut gst::BufferRef) {
    while let Some(noted) = buffer.meta_mut::<VideoCaptionMeta>() {
        if noted.remove().is_err() {
            return;
        }
    }
}

/// The access unit with these captions in front of its pictures. Both are of NAL units behind their lengths.
pub fn insert(coding: Coding, access_unit: &[u8], captions: &[Triplet]) -> Vec<u8> {
    let unit = sei(coding, captions);
    let at = pictures(coding, access_unit);
    let length = u32::try_from(unit.len()).unwrap_or(0).to_be_bytes();
    match unit.is_empty() {
        true => access_unit.to_vec(),
        false => [&access_unit[..at], &length, &unit, &access_unit[at..]].concat(),
    }
}

/// Where the first NAL unit of a picture begins.
fn pictures(coding: Coding, access_unit: &[u8]) -> usize {
    let mut at = 0;
    while let Some((length, nal)) = access_unit[at..].split_first_chunk::<4>() {
        let picture = match (coding, nal.first()) {
            (_, None) => true,
            (Coding::H264, Some(header)) => (1..=5).contains(&(header & 0x1f)),
            (Coding::H265, Some(header)) => header >> 1 & 0x3f < 32,
        };
        let next = at.saturating_add(4).saturating_add(u32::from_be_bytes(*length) as usize);
        if picture || next >= access_unit.len() {
            return at;
        }
        at = next;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNITS: [Triplet; 1] = [[0xfc, 0x94, 0x2c]];

    #[test]
    fn captions_stand_behind_parameter_sets_and_in_front_of_the_picture() {
        let nal = |header: u8| vec![0, 0, 0, 2, header, 0xff];
        let unit = [nal(0x09), nal(0x67), nal(0x06), nal(0x65), nal(0x65)].concat();
        let with = insert(Coding::H264, &unit, &UNITS);
        assert_eq!((&with[..18], &with[with.len() - 12..]), (&unit[..18], &unit[18..]));
        assert_eq!(&with[18..24], [0, 0, 0, 18, 6, 4]);
        assert_eq!(insert(Coding::H264, &unit, &[]), unit);
        let hevc = [nal(0x46), nal(0x26)].concat();
        assert_eq!(insert(Coding::H265, &hevc, &UNITS)[6..12], [0, 0, 0, 19, 0x4e, 1]);
    }

    #[test]
    fn what_a_picture_carries_is_read_and_taken_off() {
        gst::init().unwrap();
        let mut buffer = gst::Buffer::new();
        let inner = buffer.make_mut();
        VideoCaptionMeta::add(inner, VideoCaptionType::Cea608S3341a, &[0x80, 0x94, 0x2c]);
        VideoCaptionMeta::add(inner, VideoCaptionType::Cea708Raw, UNITS.as_flattened());
        assert_eq!(of(inner), UNITS);
        strip(inner);
        assert!(of(inner).is_empty() && inner.meta::<VideoCaptionMeta>().is_none());
    }
}
