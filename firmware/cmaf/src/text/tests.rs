use proptest::prelude::*;

use super::*;
use crate::{InitCodec, read_init, read_samples, read_segment};

fn cue(begin: u64, end: u64, settings: &str, text: &str) -> Cue {
    Cue { begin, end, settings: settings.into(), text: text.into() }
}

/// Begin, duration and payload of each sample.
fn read(segment: Bytes) -> Vec<(u64, u32, Vec<u8>)> {
    let track = read_init(&init(None, 1000).unwrap()).unwrap().tracks.remove(0);
    let samples = read_samples(&track, &segment).unwrap();
    samples.iter().map(|sample| (sample.decode_time, sample.duration, sample.data.to_vec())).collect()
}

#[test]
fn the_init_segment_is_that_of_a_text_track() {
    let init = init(Some("eng"), 90_000).unwrap();
    let track = read_init(&init).unwrap().tracks.remove(0);
    assert_eq!((track.timescale, track.language.as_deref()), (90_000, Some("eng")));
    assert!(matches!(track.codec, InitCodec::Other(kind) if kind.0 == *b"wvtt"), "{:?}", track.codec);
    let holds = |wanted: &[u8]| init.windows(wanted.len()).any(|window| window == wanted);
    assert!(holds(b"cmf2cwvtiso6"));
    assert!(holds(b"hdlr\0\0\0\0\0\0\0\0text"));
    assert!(holds(b"\0\0\0\x0cnmhd\0\0\0\0"));
    assert!(holds(b"\0\0\0\x1ewvtt\0\0\0\0\0\0\0\x01\0\0\0\x0evttCWEBVTT"));
}

#[test]
fn what_no_box_can_carry_is_refused() {
    for (language, timescale) in [(None, 0), (Some(""), 1), (Some("no tag"), 1)] {
        assert!(matches!(init(language, timescale), Err(Error::Track { .. })), "{language:?}");
    }
    assert!(matches!(segment(0, 5, 5, &[]), Err(Error::NoSamples { .. })));
    assert!(matches!(segment(0, 6, 5, &[]), Err(Error::NoSamples { .. })));
    assert!(matches!(segment(0, 0, 1 << 32, &[]), Err(Error::Sample { .. })));
}

#[test]
fn cues_and_what_is_between_them_fill_the_segment() {
    let begin = 1_745_000_000_000;
    let cues = [
        cue(begin - 500, begin + 100, "", "late"),
        cue(begin + 300, begin + 700, "line:10.00%", "up"),
        cue(begin + 300, begin + 700, "", "down"),
        cue(begin + 1000, begin + 2000, "", "next"),
    ];
    let segment = segment(7, begin, begin + 1000, &cues).unwrap();
    assert!(segment.starts_with(b"\0\0\0\x20stypcmfs"));
    assert_eq!(read_segment(&segment).unwrap().len(), 1);
    let empty = b"\0\0\0\x08vtte".to_vec();
    let both =
        b"\0\0\0\x25vttc\0\0\0\x13sttgline:10.00%\0\0\0\x0apaylup\0\0\0\x14vttc\0\0\0\x0cpayldown".to_vec();
    let late = b"\0\0\0\x14vttc\0\0\0\x0cpayllate".to_vec();
    assert_eq!(
        read(segment),
        [
            (begin, 100, late),
            (begin + 100, 200, empty.clone()),
            (begin + 300, 400, both),
            (begin + 700, 300, empty)
        ]
    );
}

proptest! {
    #[test]
    fn no_segment_has_a_hole(
        begin in 0u64..100, length in 1u64..100,
        cues in prop::collection::vec((0u64..200, 0u64..200, "[a-z]{0,3}"), 0..20),
    ) {
        let cues: Vec<_> = cues.iter().map(|(begin, end, text)| cue(*begin, *end, "", text)).collect();
        let samples = read(segment(1, begin, begin + length, &cues).unwrap());
        prop_assert_eq!(samples[0].0, begin);
        prop_assert!(samples.windows(2).all(|two| two[0].0 + u64::from(two[0].1) == two[1].0));
        prop_assert_eq!(samples.iter().map(|sample| u64::from(sample.1)).sum::<u64>(), length);
        for at in begin..begin + length {
            let standing = cues.iter().filter(|cue| (cue.begin..cue.end).contains(&at)).count();
            let (_, _, data) = samples.iter().rfind(|sample| sample.0 <= at).unwrap();
            prop_assert_eq!(data.windows(4).filter(|window| window == b"vttc").count(), standing);
        }
    }
}
