//! Answers: texts with ETag and gzip, bytes with ranges, the headers all of them share.

use std::{io::Write, sync::OnceLock};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use package::conditional::{ByteRange, byte_range, if_range, none_match};

/// Texts shorter than this fit a packet or two anyway.
const WORTH_GZIP: usize = 1400;

/// How long an answer may be kept.
#[derive(Clone, Copy, Debug)]
pub enum Keep {
    /// It never changes.
    Forever,
    /// It is true for so many seconds.
    Seconds(u64),
    /// It may be kept, but is asked for again each time.
    Ask,
    /// It is true only now.
    Not,
}

impl Keep {
    /// The value of `Cache-Control`.
    pub fn header(self) -> HeaderValue {
        match self {
            Self::Forever => HeaderValue::from_static("public, max-age=31536000, immutable"),
            Self::Seconds(seconds) => HeaderValue::try_from(format!("public, max-age={seconds}"))
                .expect("a number makes a valid header"),
            Self::Ask => HeaderValue::from_static("no-cache"),
            Self::Not => HeaderValue::from_static("no-store"),
        }
    }
}

/// Lets pages of other sites read the answer.
pub fn allow_other_sites(headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("date, etag, content-length, content-range"),
    );
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

/// The box's UTC, for players that measure their distance from it.
pub fn time(now: u64) -> Response {
    let headers = [(header::CONTENT_TYPE, "text/plain"), (header::CACHE_CONTROL, "no-store")];
    (headers, package::utc(now)).into_response()
}

/// What is asked for is to be had at this path for now: a policy may change.
pub fn elsewhere(path: &str) -> Response {
    // A path is written of names, numbers and encoded text.
    let location = HeaderValue::try_from(path).unwrap_or_else(|_| HeaderValue::from_static("/"));
    let headers = [(header::LOCATION, location), (header::CACHE_CONTROL, Keep::Not.header())];
    (StatusCode::FOUND, headers).into_response()
}

/// A text that is sent to many: what does not depend on the request is made once.
pub struct Text {
    plain: Bytes,
    compressed: OnceLock<Bytes>,
    /// Without the quotes, of the plain text.
    tag: String,
}

impl Text {
    /// Of a rendering.
    pub fn new(text: String) -> Self {
        let tag = format!("{:08x}-{:x}", crc32c::crc32c(text.as_bytes()), text.len());
        Self { plain: text.into(), compressed: OnceLock::new(), tag }
    }

    /// As it was rendered.
    #[cfg(test)]
    pub fn plain(&self) -> &Bytes {
        &self.plain
    }
}

/// A text that changes with time.
pub fn text(text: &Text, content_type: &'static str, keep: Keep, request: &HeaderMap) -> Response {
    let gzip = text.plain.len() > WORTH_GZIP && takes_gzip(request);
    let etag = format!("\"{}{}\"", text.tag, if gzip { "-gzip" } else { "" });
    let mut response = if is_known(request, &etag) {
        finish(StatusCode::NOT_MODIFIED, Body::empty(), None, keep, &etag)
    } else {
        let compressed = || text.compressed.get_or_init(|| compress(&text.plain).into());
        let body = if gzip { compressed() } else { &text.plain };
        finish(StatusCode::OK, Body::from(body.clone()), Some(content_type), keep, &etag)
    };
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if gzip && response.status() == StatusCode::OK {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// Bytes of a known number that are read while they are sent: `body` gives those from a byte to before another.
pub fn planned(
    len: u64,
    content_type: &'static str,
    keep: Keep,
    etag: &str,
    request: &HeaderMap,
    body: impl FnOnce(u64, u64) -> Body,
) -> Response {
    if is_known(request, etag) {
        return finish(StatusCode::NOT_MODIFIED, Body::empty(), None, keep, etag);
    }
    let (status, (from, to), range) = match range(request, etag, len) {
        ByteRange::Ignored => (StatusCode::OK, (0, len), None),
        ByteRange::Satisfiable(range) => {
            let said = format!("bytes {}-{}/{len}", range.start, range.end - 1);
            (StatusCode::PARTIAL_CONTENT, (range.start, range.end), Some(said))
        }
        ByteRange::Unsatisfiable => {
            (StatusCode::RANGE_NOT_SATISFIABLE, (0, 0), Some(format!("bytes */{len}")))
        }
    };
    // What was refused is asked for differently next time.
    let keep = if status == StatusCode::RANGE_NOT_SATISFIABLE { Keep::Not } else { keep };
    let mut response = finish(status, body(from, to), Some(content_type), keep, etag);
    let headers = response.headers_mut();
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(to - from));
    if let Some(range) = range {
        let range = HeaderValue::try_from(range).expect("numbers make a valid header");
        headers.insert(header::CONTENT_RANGE, range);
    }
    response
}

/// Bytes that never change under their ETag, in pieces that are sent as they lie; a range of them if the request asks for one.
pub fn bytes(
    pieces: Vec<Bytes>,
    content_type: &'static str,
    keep: Keep,
    etag: &str,
    request: &HeaderMap,
) -> Response {
    let len = pieces.iter().map(|piece| piece.len() as u64).sum();
    planned(len, content_type, keep, etag, request, |from, to| in_pieces(cut(pieces, from, to)))
}

/// A body whose pieces are not joined.
fn in_pieces(mut pieces: Vec<Bytes>) -> Body {
    match pieces.len() {
        0 => Body::empty(),
        1 => Body::from(pieces.remove(0)),
        _ => Body::from_stream(futures_util::stream::iter(
            pieces.into_iter().map(Ok::<_, std::convert::Infallible>),
        )),
    }
}

/// The bytes from `start` to `end` of what the pieces make together.
pub(crate) fn cut(pieces: Vec<Bytes>, start: u64, end: u64) -> Vec<Bytes> {
    let mut at = 0;
    let mut within = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let len = piece.len() as u64;
        let (from, to) = (start.clamp(at, at + len) - at, end.clamp(at, at + len) - at);
        if from < to {
            // Both lie within the piece, whose length is a usize.
            within.push(piece.slice(from as usize..to as usize));
        }
        at += len;
    }
    within
}

fn range(request: &HeaderMap, etag: &str, len: u64) -> ByteRange {
    let value = |name| request.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    match (value(header::RANGE), value(header::IF_RANGE)) {
        (Some(range), None) => byte_range(range, len),
        (Some(range), Some(condition)) if if_range(condition, etag) => byte_range(range, len),
        _ => ByteRange::Ignored,
    }
}

fn is_known(request: &HeaderMap, etag: &str) -> bool {
    let header = request.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    header.is_some_and(|header| none_match(header, etag))
}

/// Whether the client takes gzip (RFC 9110, 12.5.3): named, and not with a weight of zero.
fn takes_gzip(request: &HeaderMap) -> bool {
    let header = request.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or("");
    header.split(',').any(|coding| {
        let mut pieces = coding.split(';').map(str::trim);
        let named = pieces.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let refused = pieces.any(|weight| {
            weight.strip_prefix("q=0").is_some_and(|rest| rest.trim_matches(['.', '0']).is_empty())
        });
        named && !refused
    })
}

fn compress(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(text.len() / 8), Compression::fast());
    let written = encoder.write_all(text).and_then(|()| encoder.finish());
    written.expect("a Vec takes any bytes")
}

fn finish(
    status: StatusCode,
    body: Body,
    content_type: Option<&'static str>,
    keep: Keep,
    etag: &str,
) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, keep.header());
    headers
        .insert(header::ETAG, HeaderValue::try_from(etag).expect("digits and letters make a valid header"));
    if let Some(content_type) = content_type {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    response
}

/// An answer of bytes that are still being made: no length, no range, not to be kept.
pub fn growing(body: Body, content_type: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (header::CACHE_CONTROL, Keep::Not.header()),
    ];
    (headers, body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(pieces: &[Bytes]) -> Vec<u8> {
        pieces.concat()
    }

    #[test]
    fn ranges_cross_pieces() {
        let pieces: Vec<_> = [b"abc".as_slice(), b"", b"defg", b"h"].map(Bytes::from_static).into();
        let whole = joined(&pieces);
        for start in 0..8u64 {
            for end in start + 1..=8 {
                assert_eq!(joined(&cut(pieces.clone(), start, end)), whole[start as usize..end as usize]);
            }
        }
    }

    #[test]
    fn a_refused_range_is_not_kept() {
        let mut request = HeaderMap::new();
        request.insert(header::RANGE, HeaderValue::from_static("bytes=9-"));
        let refused = bytes(vec![Bytes::from_static(b"abc")], "video/mp4", Keep::Forever, "\"a\"", &request);
        assert_eq!(refused.status(), StatusCode::RANGE_NOT_SATISFIABLE);
        assert_eq!(refused.headers()[header::CACHE_CONTROL], "no-store");
    }

    #[test]
    fn gzip_is_used_only_where_it_is_taken() {
        let takes = |value: &str| {
            let mut request = HeaderMap::new();
            request.insert(header::ACCEPT_ENCODING, value.parse().unwrap());
            takes_gzip(&request)
        };
        assert!(takes("gzip, deflate, br") && takes("br;q=1.0, GZIP;q=0.5"));
        assert!(!takes("br") && !takes("gzip;q=0") && !takes("gzip;q=0.000, br") && !takes(""));
        assert!(!takes_gzip(&HeaderMap::new()));
    }

    #[test]
    fn a_known_text_is_not_sent_again() {
        let text = |rendered: &str, content_type, keep, request: &HeaderMap| {
            text(&Text::new(rendered.to_owned()), content_type, keep, request)
        };
        let first = text("#EXTM3U", "text/plain", Keep::Seconds(1), &HeaderMap::new());
        let mut request = HeaderMap::new();
        request.insert(header::IF_NONE_MATCH, first.headers()[header::ETAG].clone());
        let again = text("#EXTM3U", "text/plain", Keep::Seconds(1), &request);
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(again.headers()[header::VARY], "accept-encoding");
        let other = text("#EXTM3U8", "text/plain", Keep::Seconds(1), &request);
        assert_eq!(other.status(), StatusCode::OK);
    }
}
