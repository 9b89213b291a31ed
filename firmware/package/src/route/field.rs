//! What stands in a path or query, and what can be wrong with it.

use std::{borrow::Cow, fmt, ops::Deref};

use media::LayoutId;

use crate::Error;

/// A field of the path or query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The whole path.
    Path,
    /// The channel's name.
    Channel,
    /// The locator that an asset is published under.
    Locator,
    /// The track's name.
    Track,
    /// The layout of an init segment.
    Layout,
    /// A segment number.
    Number,
    /// A part index.
    Part,
    /// A decode time.
    DecodeTime,
    /// `_HLS_msn`.
    HlsMsn,
    /// `_HLS_part`.
    HlsPart,
    /// `_HLS_skip`.
    HlsSkip,
    /// `filter`.
    Filter,
    /// `timeline` of a manifest.
    Timeline,
    /// `start` of a download.
    From,
    /// `end` of a download.
    To,
    /// `tracks` of a download.
    Tracks,
    /// The number of a sheet of thumbnails.
    Sheet,
    /// The bitrate of a quality level.
    Bitrate,
    /// The name of a stream.
    Stream,
    /// `format` of a manifest.
    Format,
    /// `encryption` of a manifest.
    Encryption,
    /// The name of a content key.
    Key,
    /// `token`.
    Token,
}

/// What is wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A `%` without two hexadecimal digits, or bytes that are not UTF-8 (RFC 3986, 2.1).
    Encoding,
    /// Nothing there.
    Empty,
    /// More than 64 characters.
    TooLong,
    /// A character other than letters, digits, `-` and `_`.
    Character,
    /// Not decimal digits without a leading zero.
    NotANumber,
    /// A greater number than there can be.
    TooGreat,
    /// Not 16 lower-case hexadecimal digits.
    NotALayout,
    /// Neither `YES` nor `v2`.
    NotASkip,
    /// Not `live`.
    NotATimeline,
    /// Nothing that is known.
    NotAFormat,
    /// No encryption that is known.
    NotOffered,
    /// Not 1 to 4096 printable characters of ASCII.
    NotAToken,
    /// Given more than once.
    Repeated,
    /// More names than there may be.
    TooMany,
    /// An end that is not after its start.
    NotAfterStart,
    /// `_HLS_part` without `_HLS_msn` (RFC 8216bis, 6.2.5.2).
    WithoutMsn,
}

/// The name of a channel, locator, track, filter or content key: 1 to 64 letters, digits, `-` and `_`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(pub(super) String);

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Path => "path",
            Self::Channel => "channel",
            Self::Locator => "locator",
            Self::Track => "track",
            Self::Layout => "layout",
            Self::Number => "segment number",
            Self::Part => "part index",
            Self::DecodeTime => "decode time",
            Self::HlsMsn => "_HLS_msn",
            Self::HlsPart => "_HLS_part",
            Self::HlsSkip => "_HLS_skip",
            Self::Filter => "filter",
            Self::Timeline => "timeline",
            Self::From => "start",
            Self::To => "end",
            Self::Tracks => "tracks",
            Self::Sheet => "sheet number",
            Self::Bitrate => "bitrate of QualityLevels",
            Self::Stream => "stream",
            Self::Format => "format",
            Self::Encryption => "encryption",
            Self::Key => "key",
            Self::Token => "token",
        })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Encoding => "percent-encoding is not valid",
            Self::Empty => "is empty",
            Self::TooLong => "is longer than 64 characters",
            Self::Character => "has a character other than letters, digits, `-` and `_`",
            Self::NotANumber => "is not a decimal number without leading zeros",
            Self::TooGreat => "is too great a number",
            Self::NotALayout => "is not 16 lower-case hexadecimal digits",
            Self::NotASkip => "is neither `YES` nor `v2`",
            Self::NotATimeline => "is not `live`",
            Self::NotAFormat => "is none that is known here",
            Self::NotOffered => "is not offered here",
            Self::NotAToken => "is not 1 to 4096 printable characters of ASCII",
            Self::Repeated => "is given more than once",
            Self::TooMany => "has too many names",
            Self::NotAfterStart => "is not after start",
            Self::WithoutMsn => "needs _HLS_msn",
        })
    }
}

impl Name {
    pub(super) fn parse(field: Field, text: &str) -> Result<Self, Error> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let reason = match text.len() {
            _ if !text.bytes().all(allowed) => Reason::Character,
            0 => Reason::Empty,
            1..=64 => return Ok(Self(text.to_owned())),
            _ => Reason::TooLong,
        };
        Err(Error::Parse { field, reason })
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

pub(super) fn number(field: Field, text: &str) -> Result<u64, Error> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || (text.len() > 1 && text.starts_with('0')) {
        return Err(Error::Parse { field, reason: Reason::NotANumber });
    }
    text.parse().map_err(|_| Error::Parse { field, reason: Reason::TooGreat })
}

pub(super) fn index(field: Field, text: &str) -> Result<u32, Error> {
    u32::try_from(number(field, text)?).map_err(|_| Error::Parse { field, reason: Reason::TooGreat })
}

pub(super) fn layout_id(text: &str) -> Result<LayoutId, Error> {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let valid = text.len() == 16 && text.bytes().all(digit);
    let id = if valid { u64::from_str_radix(text, 16).ok() } else { None };
    id.map(LayoutId).ok_or(Error::Parse { field: Field::Layout, reason: Reason::NotALayout })
}

/// Undoes percent-encoding (RFC 3986, 2.1); `None` where it is broken or does not give UTF-8.
pub(super) fn decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            other => other,
        });
    }
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}
