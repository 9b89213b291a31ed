//! Any bytes as a chunk's first: no panic; what is read tiles the payload, and a movie of it adds up.
#![no_main]

use bytes::Bytes;
use cmaf::{
    Error,
    movie::{self, Builder, Head},
};
use libfuzzer_sys::fuzz_target;
use media::{Codec, Track};

fuzz_target!(|bytes: &[u8]| {
    let whole = movie::head(bytes, bytes.len());
    let half = movie::head(&bytes[..bytes.len() / 2], bytes.len());
    match &half {
        Err(Error::ReadHead { needed }) => assert!(bytes.len() / 2 < *needed && *needed <= bytes.len()),
        half => assert_eq!(*half, whole),
    }
    let Ok(head) = whole else { return };
    let sum: usize = head.samples.iter().map(|sample| sample.size as usize).sum();
    assert_eq!(sum, head.payload.len());
    assert_eq!(head.payload.end, bytes.len());
    let payload = movie::payload(&Bytes::copy_from_slice(bytes)).expect("a chunk with a head has a payload");
    assert_eq!(payload, bytes[head.payload.clone()]);
    build(&head);
});

/// A movie of this chunk alone.
fn build(head: &Head) {
    let codec = Codec::Aac { config: Bytes::from_static(&[0x11, 0x90]), sample_rate: 48_000, channels: 2 };
    let track = Track { name: "audio".into(), timescale: 48_000, bitrate: 0, language: None, captions: Vec::new(), codec };
    let from = media::nanos(head.decode_time, 48_000);
    let to = from.saturating_add(media::NANOS);
    let Ok(mut builder) = Builder::new(vec![movie::Track { tracks: vec![track] }], from, to) else { return };
    if builder.add(0, 0, 1, std::slice::from_ref(head)).is_err() {
        return;
    }
    if let Ok(movie) = builder.finish() {
        let pieces: u64 = movie.pieces.iter().map(|piece| piece.len).sum();
        assert_eq!(movie.size, movie.head.len() as u64 + pieces);
        assert!(pieces <= head.payload.len() as u64);
        assert_eq!(movie.piece_at(movie.size - 1), Some(movie.pieces.len() - 1));
    }
}
