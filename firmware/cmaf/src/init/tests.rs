use media::Codec;

use super::*;
use crate::fixture::{audio, golden, video};

/// The bytes of `text`, which is hexadecimal with `'four'` characters in it.
fn bytes(text: &str) -> Vec<u8> {
    text.split_whitespace()
        .flat_map(|word| match word.strip_prefix('\'') {
            Some(quoted) => quoted.trim_end_matches('\'').replace('_', " ").into_bytes(),
            None => (0..word.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&word[at..at + 2], 16).unwrap())
                .collect(),
        })
        .collect()
}

fn assert_holds(init: &[u8], text: &str) {
    let wanted = bytes(text);
    assert!(init.windows(wanted.len()).any(|window| window == wanted), "no {text}");
}

#[test]
fn init_segments_stay_the_same() {
    golden("read_init/video.mp4", &init_segment(&video()).unwrap());
    golden("read_init/audio.mp4", &init_segment(&audio()).unwrap());
}

#[test]
fn video_boxes_are_as_the_standard_has_them() {
    let init = init_segment(&video()).unwrap();
    assert!(init.starts_with(&bytes("0000001c 'ftyp' 'cmfc' 00000000 'cmfc' 'cmf2' 'iso6'")));
    // tkhd: version 1, enabled + in movie + in preview; track 1; 1280 x 720 in 16.16.
    assert_holds(&init, "'tkhd' 01000007 0000000000000000 0000000000000000 00000001");
    assert_holds(&init, "40000000 05000000 02d00000 0000");
    // mdhd: timescale 25 000, duration 0, language und.
    assert_holds(
        &init,
        "'mdhd' 01000000 0000000000000000 0000000000000000 000061a8 0000000000000000 55c40000",
    );
    assert_holds(&init, "'hdlr' 00000000 00000000 'vide'");
    // Data in the same file; one sample entry.
    assert_holds(&init, "'url_' 00000001");
    assert_holds(&init, "'stsd' 00000000 00000001");
    assert_holds(
        &init,
        "00000023 'avcC' 01 64 00 1f ff e1 0008 6764001facd94050 01 0004 68ebe3cb fd f8 f8 00",
    );
    assert_holds(&init, "00000010 'pasp' 00000001 00000001");
    assert_holds(&init, "00000014 'btrt' 00000000 002dc6c0 002dc6c0");
    assert_holds(
        &init,
        "00000028 'mvex' 00000020 'trex' 00000000 00000001 00000001 00000000 00000000 00000000",
    );
    for absent in ["'edts'", "'mehd'", "'stss'"] {
        let kind = bytes(absent);
        assert!(!init.windows(4).any(|window| window == kind), "{absent}");
    }
}

#[test]
fn audio_boxes_are_as_the_standard_has_them() {
    let init = init_segment(&audio()).unwrap();
    // mdhd: deu is 4, 5, 21 in five bits each.
    assert_holds(&init, "0000bb80 0000000000000000 10b50000");
    // Two channels of 16 bits at 48 000 in 16.16.
    assert_holds(&init, "'mp4a' 000000000000 0001 0000000000000000 0002 0010 0000 0000 bb800000");
    // ES 1 > decoder config: AAC, audio stream, 128 kbit/s > AudioSpecificConfig; SL config 2.
    assert_holds(
        &init,
        "'esds' 00000000 03 19 0001 00 04 11 40 15 000000 0001f400 0001f400 05 02 1190 06 01 02",
    );
    assert_holds(&init, "'smhd' 00000000 0000 0000");
}

#[test]
fn a_language_that_mdhd_cannot_hold_goes_into_elng() {
    let track = Track { language: Some("pt-BR".into()), ..audio() };
    let init = init_segment(&track).unwrap();
    assert_holds(&init, "00000012 'elng' 00000000 70742d4252 00");
    assert_holds(&init, "0000bb80 0000000000000000 55c40000");
    assert!(!init_segment(&audio()).unwrap().windows(4).any(|window| window == b"elng"));
}

#[test]
fn captions_that_are_named_are_told_in_the_track() {
    let captions = media::Captions { service: "CC1".into(), language: Some("eng".into()), subtitles: false };
    let named = Track { captions: vec![captions], ..video() };
    let init = init_segment(&named).unwrap();
    let scheme = "75726e3a736374653a646173683a63633a6365612d3630383a3230313500";
    assert_holds(&init, &format!("'udta' 00000032 'kind' 00000000 {scheme} 4343313d656e6700"));
    let captions =
        media::Captions { service: "SERVICE2".into(), language: Some("es".into()), subtitles: false };
    let init = init_segment(&Track { captions: vec![captions], ..video() }).unwrap();
    assert_holds(&init, &format!("{} 3200", scheme.replace("363038", "373038")));
    assert_ne!(layout(vec![named]).unwrap().id, layout(vec![video()]).unwrap().id, "another layout");
}

#[test]
fn a_rate_beyond_16_bits_is_left_to_the_audio_specific_config() {
    let codec = Codec::Aac { config: Bytes::from_static(&[0x10, 0x10]), sample_rate: 96_000, channels: 2 };
    let init = init_segment(&Track { timescale: 96_000, codec, ..audio() }).unwrap();
    assert_holds(&init, "0002 0010 0000 0000 00000000 00000027 'esds'");
}

#[test]
fn a_track_that_cannot_be_written_is_named_with_its_field() {
    let text = |track: &Track| init_segment(track).unwrap_err().to_string();
    assert_eq!(text(&Track { timescale: 0, ..video() }), "track 720p: timescale is 0");
    assert_eq!(
        text(&Track { language: Some("de\0".into()), ..audio() }),
        "track audio: language is not a tag of RFC 5646"
    );
    assert!(text(&Track { language: Some("x".repeat(65)), ..audio() }).contains("language"));
    let h264 = |config: &'static [u8], width| Codec::H264 {
        config: Bytes::from_static(config),
        width,
        height: 720,
        rate: "25".parse().unwrap(),
    };
    assert_eq!(text(&Track { codec: h264(&[], 0), ..video() }), "track 720p: width is 0");
    assert_eq!(
        text(&Track { codec: h264(&[1, 0x64, 0, 0x1f, 0xfd], 1280), ..video() }),
        "track 720p: byte 4 of the AVCDecoderConfigurationRecord: NAL unit lengths do not have 4 bytes"
    );
    let aac = |config: &'static [u8]| {
        let codec = Codec::Aac { config: Bytes::from_static(config), sample_rate: 48_000, channels: 2 };
        text(&Track { codec, ..audio() })
    };
    assert_eq!(
        aac(&[0x12, 0x10]),
        "track audio: byte 0 of the AudioSpecificConfig: the sampling frequency is not the track's sample rate"
    );
    assert!(aac(&[0x11, 0x88]).contains("byte 1 of the AudioSpecificConfig: the channel configuration"));
    assert!(aac(&[0x29, 0x90]).contains("byte 0 of the AudioSpecificConfig: the audio object type"));
}

#[test]
fn a_layout_is_named_by_its_init_segments() {
    let first = layout(vec![video(), audio()]).unwrap();
    assert_eq!(first.init, [init_segment(&video()).unwrap(), init_segment(&audio()).unwrap()]);
    assert_eq!(first, layout(vec![video(), audio()]).unwrap());
    assert_eq!(layout(vec![]), Err(Error::NoTracks));
    assert!(layout(vec![video(), video()]).unwrap_err().to_string().contains("track 720p: name"));
    let other = layout(vec![Track { bitrate: 3_000_001, ..video() }, audio()]).unwrap();
    assert_ne!(first.id, other.id);
    // Two boxes must agree, and a stored id must be found again after an update.
    let digest = Sha256::digest(first.init.concat());
    assert_eq!(first.id.0.to_be_bytes(), digest[..8]);
}
