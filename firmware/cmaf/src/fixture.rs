//! Tracks and samples for the tests.

use std::path::Path;

use bytes::Bytes;
use media::{Codec, Sample, Track};

/// When the fixtures' first sample is decoded: seconds since the epoch.
pub(crate) const SECOND: u64 = 1_745_000_000;

pub(crate) fn video() -> Track {
    let config = [
        &[1, 0x64, 0, 0x1f, 0xff, 0xe1, 0, 8][..],
        &[0x67, 0x64, 0, 0x1f, 0xac, 0xd9, 0x40, 0x50],
        &[1, 0, 4, 0x68, 0xeb, 0xe3, 0xcb, 0xfd, 0xf8, 0xf8, 0],
    ];
    Track {
        name: "720p".into(),
        timescale: 25_000,
        bitrate: 3_000_000,
        language: None,
        captions: Vec::new(),
        codec: Codec::H264 {
            config: config.concat().into(),
            width: 1280,
            height: 720,
            rate: "25".parse().unwrap(),
        },
    }
}

pub(crate) fn audio() -> Track {
    let codec = Codec::Aac { config: Bytes::from_static(&[0x11, 0x90]), sample_rate: 48_000, channels: 2 };
    Track {
        name: "audio".into(),
        timescale: 48_000,
        bitrate: 128_000,
        language: Some("deu".into()),
        captions: Vec::new(),
        codec,
    }
}

/// Samples of these sizes, 1000 ticks each from [`SECOND`] on, the first a sync sample.
pub(crate) fn samples(sizes: &[usize]) -> Vec<Sample> {
    let sample = |(index, size): (usize, &usize)| Sample {
        decode_time: SECOND * 25_000 + index as u64 * 1000,
        duration: 1000,
        composition_offset: 0,
        sync: index == 0,
        filler: false,
        captured: SECOND * media::NANOS + 40_000_000 * index as u64,
        data: vec![index as u8 + 1; *size].into(),
    };
    sizes.iter().enumerate().map(sample).collect()
}

/// Compares with a file under `fuzz/seeds`; with `BLESS` in the environment, writes it.
pub(crate) fn golden(name: &str, bytes: &[u8]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
    }
    let expected = std::fs::read(&path).unwrap_or_else(|err| panic!("{}: {err}", path.display()));
    assert!(expected == bytes, "{} differs from:\n{}", path.display(), hex(bytes));
}

/// Bytes as text, eight to a group.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let group = |group: &[u8]| group.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    bytes.chunks(8).map(group).collect::<Vec<_>>().join(" ")
}
