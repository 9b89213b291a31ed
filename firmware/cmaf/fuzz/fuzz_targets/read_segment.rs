//! Any bytes as a segment: no panic, and every payload lies in the segment.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = cmaf::read_events(bytes);
    let Ok(chunks) = cmaf::read_segment(bytes) else { return };
    let mut end = 0;
    for chunk in chunks {
        assert!(end <= chunk.range.start && chunk.range.start < chunk.range.end);
        end = chunk.range.end;
        assert!(end <= bytes.len());
        let mut expected = chunk.decode_time;
        for sample in chunk.samples {
            assert_eq!(sample.decode_time, expected);
            expected += u64::from(sample.duration);
            assert!(!sample.payload.is_empty());
            assert!(chunk.range.start < sample.payload.start && sample.payload.end <= end);
        }
    }
});
