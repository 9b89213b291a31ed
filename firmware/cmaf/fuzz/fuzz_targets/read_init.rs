//! Any bytes as an init segment: no panic, and what is accepted makes sense.
#![no_main]

use cmaf::InitCodec;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(init) = cmaf::read_init(bytes) else { return };
    assert!(!init.tracks.is_empty());
    for track in init.tracks {
        assert!(track.timescale > 0);
        match track.codec {
            InitCodec::H264 { config, .. } | InitCodec::H265 { config, .. } => {
                assert!(config.len() <= bytes.len());
            }
            InitCodec::Aac { sample_rate, .. } => assert!(sample_rate > 0),
            InitCodec::Other(_) => {}
        }
    }
});
