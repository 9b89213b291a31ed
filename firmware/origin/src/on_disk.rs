//! Answers whose bytes lie on the disk. Their body reads them; who can have the kernel send them from there takes them out of the
//! answer instead.

use axum::{body::Body, http::HeaderMap, response::Response};
use futures_util::{StreamExt as _, stream};
use store::Stored;

use crate::respond::{self, Keep};

/// All of an answer's body, as it lies on the disk: an extension of the answer.
#[derive(Clone)]
pub struct OnDisk(pub Vec<Stored>);

/// Bytes that never change under their ETag; a range of them if the request asks for one.
pub(crate) fn answer(
    pieces: Vec<Stored>,
    content_type: &'static str,
    keep: Keep,
    etag: &str,
    request: &HeaderMap,
) -> Response {
    let len = pieces.iter().map(Stored::bytes).sum();
    let mut sent = Vec::new();
    let body = |from, to| {
        sent = cut(&pieces, from, to);
        Body::from_stream(stream::iter(sent.clone()).then(Stored::read))
    };
    let mut response = respond::planned(len, content_type, keep, etag, request, body);
    response.extensions_mut().insert(OnDisk(sent));
    response
}

/// What of the pieces lies from one byte of all to before another.
fn cut(pieces: &[Stored], from: u64, to: u64) -> Vec<Stored> {
    let mut begin = 0;
    let within = pieces.iter().map(|piece| {
        let at = begin;
        begin += piece.bytes();
        piece.slice(from.saturating_sub(at), to.saturating_sub(at))
    });
    within.filter(|piece| piece.bytes() > 0).collect()
}
