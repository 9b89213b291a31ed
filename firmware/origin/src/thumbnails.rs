//! The thumbnails that were made of an asset: an index in WebVTT and the sheets it leads to.

use std::io::ErrorKind;

use axum::{http::HeaderMap, response::Response};
use bytes::Bytes;
use package::thumbnails::Album;

use crate::{
    error::Error,
    presentation::Presentation,
    respond::{self, Keep, Text},
};

/// The index.
pub(crate) async fn index(seen: &Presentation, request: &HeaderMap) -> Result<Response, Error> {
    let bytes = read(seen, "thumbnails.vtt").await?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(respond::text(&Text::new(text), "text/vtt", Keep::Seconds(60), request))
}

/// What manifests say of them; none where none were made, or by a version that did not note it.
pub(crate) async fn album(seen: &Presentation) -> Option<Album> {
    let bytes = read(seen, "thumbnails.json").await.ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// A sheet.
pub(crate) async fn sheet(seen: &Presentation, number: u32, request: &HeaderMap) -> Result<Response, Error> {
    let bytes = read(seen, &format!("thumbnails-{number}.jpg")).await?;
    let etag = format!("\"{:08x}-{:x}\"", crc32c::crc32c(&bytes), bytes.len());
    Ok(respond::bytes(vec![bytes], "image/jpeg", seen.keep(), &etag, request))
}

async fn read(seen: &Presentation, file: &str) -> Result<Bytes, Error> {
    let asset = seen.asset().ok_or(Error::NoThumbnails)?;
    match tokio::fs::read(asset.thumbnails.join(file)).await {
        Ok(bytes) => Ok(bytes.into()),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(Error::NoThumbnails),
        Err(error) => Err(Error::ReadThumbnails(error.to_string())),
    }
}
