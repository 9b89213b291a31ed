//! Any conditional header is judged, and a range lies within its representation.
#![no_main]

use libfuzzer_sys::fuzz_target;
use package::conditional::{ByteRange, byte_range, if_range, none_match};

fuzz_target!(|input: (&str, &str, u64)| {
    let (header, etag, len) = input;
    if let ByteRange::Satisfiable(range) = byte_range(header, len) {
        assert!(range.start < range.end && range.end <= len);
    }
    let _ = none_match(header, etag);
    let _ = if_range(header, etag);
});
