//! Any segment of any track is encrypted or refused, and one that is has as many samples of the same sizes.
#![no_main]

use access::{KeyId, Scheme};
use libfuzzer_sys::fuzz_target;
use media::{Codec, Track};
use protect::{ContentKey, Key, Sealed};

fuzz_target!(|input: (&[u8], &[u8], u8)| {
    let (config, segment, kind) = input;
    let config = config.to_vec().into();
    let rate = "25".parse().expect("a rate");
    let codec = match kind % 3 {
        0 => Codec::H264 { config, width: 64, height: 64, rate },
        1 => Codec::H265 { config, width: 64, height: 64, rate },
        _ => Codec::Aac { config, sample_rate: 48_000, channels: 2 },
    };
    let track = Track {
        name: "t".into(),
        timescale: 25_000,
        bitrate: 1,
        language: None,
        captions: Vec::new(),
        codec,
    };
    let key = ContentKey::new(KeyId([1; 16]), Key::new([2; 16]), None);
    for scheme in [Scheme::Cenc, Scheme::Cbcs] {
        let sealed = Sealed::new(scheme, &key, &track);
        let _ = sealed.init(segment, &[]);
        let Ok(out) = sealed.segment(segment.to_vec().into()) else { continue };
        let out = out.concat();
        let sizes = |bytes: &[u8]| -> Vec<usize> {
            let chunks = cmaf::read_segment(bytes).expect("it was read to be encrypted");
            chunks.iter().flat_map(|chunk| &chunk.samples).map(|sample| sample.payload.len()).collect()
        };
        assert_eq!(sizes(&out), sizes(segment));
    }
});
