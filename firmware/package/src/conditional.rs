//! Conditional and partial requests (RFC 9110, 13 and 14).

use std::ops::Range;

/// What a `Range` header asks of a representation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ByteRange {
    /// No range that this origin knows: answer 200 with all of it (RFC 9110, 14.2).
    Ignored,
    /// These bytes: answer 206.
    Satisfiable(Range<u64>),
    /// None of its bytes: answer 416 (RFC 9110, 15.5.17).
    Unsatisfiable,
}

/// Reads the value of a `Range` header for a representation of `len` bytes (RFC 9110, 14.1.2).
///
/// A header that is not well-formed, has another unit or asks for several ranges is ignored, as a server may.
#[must_use]
pub fn byte_range(header: &str, len: u64) -> ByteRange {
    let Some((unit, set)) = header.split_once('=') else { return ByteRange::Ignored };
    let spec = set.trim_matches([' ', '\t', ',']);
    let Some((first, last)) = spec.split_once('-') else { return ByteRange::Ignored };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return ByteRange::Ignored;
    }
    match (position(first), position(last)) {
        (Some(first), Some(last)) if first > last => ByteRange::Ignored,
        (Some(first), last) if last.is_some() || spec.ends_with('-') => match first < len {
            true => ByteRange::Satisfiable(first..last.map_or(len, |last| len.min(last.saturating_add(1)))),
            false => ByteRange::Unsatisfiable,
        },
        (None, Some(0)) if first.is_empty() => ByteRange::Unsatisfiable,
        // An empty representation has no last bytes, and no Content-Range could say so.
        (None, Some(suffix)) if first.is_empty() && len > 0 => {
            ByteRange::Satisfiable(len.saturating_sub(suffix)..len)
        }
        _ => ByteRange::Ignored,
    }
}

/// A position of any length; one too great to count is as good as the greatest.
fn position(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

/// Whether an `If-None-Match` header names `etag`, so that 304 is the answer (RFC 9110, 13.1.2).
///
/// `etag` is the entity tag as it is sent, with its quotes. The comparison is the weak one (8.8.3.2).
#[must_use]
pub fn none_match(header: &str, etag: &str) -> bool {
    if header.trim() == "*" {
        return true;
    }
    let etag = opaque(etag);
    let mut rest = header;
    // A comma may stand inside a tag, so the list is read tag by tag.
    loop {
        rest = opaque(rest.trim_start_matches([' ', '\t', ',']));
        let Some(end) = rest.strip_prefix('"').and_then(|tag| tag.find('"')) else { return false };
        let (tag, next) = rest.split_at(end + 2);
        if tag == etag {
            return true;
        }
        rest = next;
    }
}

/// An entity tag without its mark of weakness.
fn opaque(etag: &str) -> &str {
    etag.strip_prefix("W/").unwrap_or(etag)
}

/// Whether a `Range` counts although the request has this `If-Range` (RFC 9110, 13.1.5).
///
/// Only the strong comparison with `etag` will do; a date never does, as the origin sends none.
#[must_use]
pub fn if_range(header: &str, etag: &str) -> bool {
    header.trim() == etag && !etag.starts_with("W/")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_of_a_hundred_bytes() {
        use ByteRange::{Ignored, Satisfiable, Unsatisfiable};
        for (header, want) in [
            ("bytes=0-9", Satisfiable(0..10)),
            ("bytes=90-", Satisfiable(90..100)),
            ("bytes=-5", Satisfiable(95..100)),
            ("bytes=-500", Satisfiable(0..100)),
            ("bytes=99-9007199254740991", Satisfiable(99..100)),
            ("bytes=0-99999999999999999999999", Satisfiable(0..100)),
            ("Bytes= 0-0", Satisfiable(0..1)),
            ("bytes=100-", Unsatisfiable),
            ("bytes=100-200", Unsatisfiable),
            ("bytes=99999999999999999999999-", Unsatisfiable),
            ("bytes=-0", Unsatisfiable),
            ("bytes=9-0", Ignored),
            ("bytes=-", Ignored),
            ("bytes=", Ignored),
            ("bytes", Ignored),
            ("", Ignored),
            ("bytes=0-9,20-29", Ignored),
            ("bytes=+1-2", Ignored),
            ("bytes=1-x", Ignored),
            ("bytes=x-1", Ignored),
            ("bytes=a-", Ignored),
            ("bytes=1 - 2", Ignored),
            ("seconds=0-9", Ignored),
        ] {
            assert_eq!(byte_range(header, 100), want, "{header}");
        }
    }

    #[test]
    fn an_empty_representation_has_no_ranges() {
        assert_eq!(byte_range("bytes=0-", 0), ByteRange::Unsatisfiable);
        assert_eq!(byte_range("bytes=-1", 0), ByteRange::Ignored);
    }

    #[test]
    fn entity_tags() {
        let etag = "\"a,b\"";
        for (header, want) in [
            ("\"a,b\"", true),
            ("W/\"a,b\"", true),
            ("*", true),
            ("\"x\", W/\"y\" ,\"a,b\"", true),
            ("\"a\", \"b\"", false),
            ("a,b", false),
            ("\"a,b", false),
            ("", false),
        ] {
            assert_eq!(none_match(header, etag), want, "{header}");
        }
        assert!(none_match("\"a\"", "W/\"a\""));
        assert!(if_range("\"a\"", "\"a\""));
        assert!(!if_range("W/\"a\"", "W/\"a\"") && !if_range("Sun, 06 Nov 1994 08:49:37 GMT", "\"a\""));
    }

    proptest! {
        #[test]
        fn a_satisfiable_range_lies_in_the_representation(header in "(bytes=)?[0-9 ,=-]{0,12}", len in 0u64..1000) {
            if let ByteRange::Satisfiable(range) = byte_range(&header, len) {
                prop_assert!(range.start < range.end && range.end <= len);
            }
        }

        #[test]
        fn any_header_can_be_read(header in any::<String>(), etag in "\"[a-z,]{0,4}\"") {
            let _ = byte_range(&header, 10);
            let listed = none_match(&header, &etag);
            prop_assert!(!listed || header.trim() == "*" || header.contains(&etag));
        }
    }
}
