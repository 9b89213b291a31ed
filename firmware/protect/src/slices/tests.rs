use super::*;

/// The configuration record of x264 at 640x360, High, CABAC, several slices.
const RECORD: &str =
    "0164001effe1001e6764001eacb405017fcb80b5010101a50000030001000003003c8f162ea001000468ef3cb0";

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect()
}

fn avc(record: &[u8]) -> Codec {
    Codec::H264 { config: record.to_vec().into(), width: 640, height: 360, rate: "30".parse().unwrap() }
}

#[test]
fn a_record_that_makes_no_sense_is_no_trouble() {
    // An empty parameter set, which fuzzing has found to be too much for the library.
    for record in [&b"\x01\0\x08\x6d\x6d\0\x01\0\0"[..], b"", &bytes(RECORD)[..20]] {
        let slices = Slices::of(&avc(record)).unwrap();
        assert_eq!(slices.lead(&[0x65; 300]), LEAD);
    }
}

#[test]
fn slices_are_in_the_clear_to_the_end_of_their_headers() {
    let context = context(&avc(&bytes(RECORD)));
    // ffmpeg's trace_headers finds the last field of their headers to end with bits 42, 58, 43 and 59.
    for (slice, end) in [
        ("65888201abffecffc255ffd8", 6),
        ("6500f0888201abffecffc255", 8),
        ("419a2620d5fffed618cfe99d", 6),
        ("4100f09a2620d5fffd3c8601", 8),
    ] {
        assert_eq!(header_end(&context, &bytes(slice)), Some(end), "{slice}");
    }
    assert_eq!(header_end(&context, &bytes("6588")), None, "cut short");
    assert_eq!(header_end(&context, &bytes("65000003")), None);
}

#[test]
fn inserted_bytes_count() {
    let coded = [0x65, 0, 0, 3, 1, 0, 0, 3, 0xff, 9];
    let (payload, raw) = unescape(&coded[1..]);
    assert_eq!((payload, raw), (vec![0, 0, 1, 0, 0, 0xff, 9], vec![0, 1, 3, 4, 5, 7, 8]));
}

#[test]
fn names_of_clear_bytes_are_split_where_they_are_too_long() {
    let mut found = Vec::new();
    push(&mut found, 140_000, 32);
    assert_eq!(found, [(65_535, 0), (65_535, 0), (8930, 32)]);
}
