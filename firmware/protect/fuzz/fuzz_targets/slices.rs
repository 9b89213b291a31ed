//! Any picture of a real track is told apart into subsamples that make it up, or refused.
#![no_main]

use access::{KeyId, Scheme};
use libfuzzer_sys::fuzz_target;
use media::{Codec, Track};
use protect::{ContentKey, Key, Sealed};

/// A record of x264's.
const RECORD: &[u8] = b"\x01\x64\x00\x1e\xff\xe1\x00\x1e\x67\x64\x00\x1e\xac\xb4\x05\x01\x7f\xcb\x80\xb5\x01\x01\x01\xa5\
\x00\x00\x03\x00\x01\x00\x00\x03\x00\x3c\x8f\x16\x2e\xa0\x01\x00\x04\x68\xef\x3c\xb0";

fuzz_target!(|sample: &[u8]| {
    let rate = "30".parse().expect("a rate");
    let track = Track {
        name: "t".into(),
        timescale: 30_000,
        bitrate: 1,
        language: None,
        captions: Vec::new(),
        codec: Codec::H264 { config: RECORD.into(), width: 640, height: 360, rate },
    };
    let key = ContentKey::new(KeyId([1; 16]), Key::new([2; 16]), None);
    for scheme in [Scheme::Cenc, Scheme::Cbcs] {
        let sealed = Sealed::new(scheme, &key, &track);
        let Ok(plan) = sealed.plan(7, sample) else { continue };
        let bytes = |(clear, encrypted): &(u16, u32)| usize::from(*clear) + *encrypted as usize;
        assert!(sample.is_empty() || plan.subsamples.iter().map(bytes).sum::<usize>() == sample.len());
        sealed.encrypt(&mut sample.to_vec(), &plan);
    }
});
