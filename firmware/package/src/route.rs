//! What a viewer's path and query ask for.
//!
//! ```text
//! /live/{channel}/master.m3u8
//! /live/{channel}/manifest.mpd
//! /live/{channel}/{track}/media.m3u8?_HLS_msn=N&_HLS_part=N&_HLS_skip=YES|v2
//! /live/{channel}/{track}/init-{layout}.mp4       16 lower-case hexadecimal digits
//! /live/{channel}/{track}/{number}.m4s            a segment by number
//! /live/{channel}/{track}/{number}.{part}.m4s     one part of it
//! /live/{channel}/{track}/t{decode time}.m4s      a segment by the decode time of its first sample
//! /time
//! ```
//! Every resource has one spelling: numbers have no sign and no leading zeros.

use std::{borrow::Cow, fmt, ops::Deref};

use media::LayoutId;

use crate::Error;

/// A resource that viewers may ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// The box's time of day, for `UTCTiming`.
    Time,
    /// The HLS Multivariant Playlist.
    Master {
        /// The channel.
        channel: Name,
    },
    /// An HLS Media Playlist.
    Media {
        /// The channel.
        channel: Name,
        /// The track.
        track: Name,
        /// What the query asks of the playlist.
        directives: Directives,
    },
    /// The DASH manifest.
    Manifest {
        /// The channel.
        channel: Name,
    },
    /// A track's init segment.
    Init {
        /// The channel.
        channel: Name,
        /// The track.
        track: Name,
        /// The layout it belongs to.
        layout: LayoutId,
    },
    /// A segment by number.
    Segment {
        /// The channel.
        channel: Name,
        /// The track.
        track: Name,
        /// Segment number since the epoch.
        number: u64,
    },
    /// One part of a segment.
    Part {
        /// The channel.
        channel: Name,
        /// The track.
        track: Name,
        /// Segment number since the epoch.
        number: u64,
        /// Index of the part, from 0.
        part: u32,
    },
    /// A segment by its start (DASH `$Time$`).
    Start {
        /// The channel.
        channel: Name,
        /// The track.
        track: Name,
        /// Decode time of its first sample, in ticks of the track.
        decode_time: u64,
    },
}

/// The name of a channel or track: 1 to 64 letters, digits, `-` and `_`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(String);

/// HLS Delivery Directives (RFC 8216bis, 6.2.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Directives {
    /// The segment (and part) that the playlist has to hold; see [`validate_reload`](crate::hls::validate_reload).
    pub reload: Option<Awaited>,
    /// Delta update.
    pub skip: Option<Skip>,
}

/// `_HLS_msn` and `_HLS_part`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Awaited {
    /// Media Sequence Number.
    pub msn: u64,
    /// Part Index in it.
    pub part: Option<u32>,
}

/// `_HLS_skip`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skip {
    /// `YES`: older segments.
    Yes,
    /// `v2`: older segments and date ranges.
    V2,
}

/// A field of the path or query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The whole path.
    Path,
    /// The channel's name.
    Channel,
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
    /// Given more than once.
    Repeated,
    /// `_HLS_part` without `_HLS_msn` (RFC 8216bis, 6.2.5.2).
    WithoutMsn,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Path => "path",
            Self::Channel => "channel",
            Self::Track => "track",
            Self::Layout => "layout",
            Self::Number => "segment number",
            Self::Part => "part index",
            Self::DecodeTime => "decode time",
            Self::HlsMsn => "_HLS_msn",
            Self::HlsPart => "_HLS_part",
            Self::HlsSkip => "_HLS_skip",
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
            Self::Repeated => "is given more than once",
            Self::WithoutMsn => "needs _HLS_msn",
        })
    }
}

impl Name {
    fn parse(field: Field, text: &str) -> Result<Self, Error> {
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

impl Route {
    /// Parses a path, percent-encoded as it came, and its query, the text after `?`.
    ///
    /// Query parameters that mean nothing here are ignored.
    ///
    /// # Errors
    /// [`Error::NotFound`] where no resource has such a path, [`Error::Parse`] where one of its fields is wrong.
    pub fn parse(path: &str, query: Option<&str>) -> Result<Self, Error> {
        let path = decode(path).ok_or(Error::Parse { field: Field::Path, reason: Reason::Encoding })?;
        if path == "/time" {
            return Ok(Self::Time);
        }
        let mut pieces = path.strip_prefix("/live/").ok_or(Error::NotFound)?.splitn(4, '/');
        match (pieces.next(), pieces.next(), pieces.next(), pieces.next()) {
            (Some(channel), Some("master.m3u8"), None, None) => {
                Ok(Self::Master { channel: Name::parse(Field::Channel, channel)? })
            }
            (Some(channel), Some("manifest.mpd"), None, None) => {
                Ok(Self::Manifest { channel: Name::parse(Field::Channel, channel)? })
            }
            (Some(channel), Some(track), Some(file), None) => Self::parse_file(channel, track, file, query),
            _ => Err(Error::NotFound),
        }
    }

    fn parse_file(channel: &str, track: &str, file: &str, query: Option<&str>) -> Result<Self, Error> {
        let names = || Ok((Name::parse(Field::Channel, channel)?, Name::parse(Field::Track, track)?));
        if file == "media.m3u8" {
            let (channel, track) = names()?;
            return Ok(Self::Media { channel, track, directives: Directives::parse(query.unwrap_or(""))? });
        }
        if let Some(layout) = file.strip_prefix("init-").and_then(|file| file.strip_suffix(".mp4")) {
            let (channel, track) = names()?;
            return Ok(Self::Init { channel, track, layout: layout_id(layout)? });
        }
        let Some(stem) = file.strip_suffix(".m4s") else { return Err(Error::NotFound) };
        let (channel, track) = names()?;
        if let Some(time) = stem.strip_prefix('t') {
            return Ok(Self::Start { channel, track, decode_time: number(Field::DecodeTime, time)? });
        }
        match stem.split_once('.') {
            None => Ok(Self::Segment { channel, track, number: number(Field::Number, stem)? }),
            Some((segment, part)) => Ok(Self::Part {
                channel,
                track,
                number: number(Field::Number, segment)?,
                part: index(Field::Part, part)?,
            }),
        }
    }
}

impl fmt::Display for Route {
    /// The path and query that parse to this route.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time => f.write_str("/time"),
            Self::Master { channel } => write!(f, "/live/{channel}/master.m3u8"),
            Self::Manifest { channel } => write!(f, "/live/{channel}/manifest.mpd"),
            Self::Media { channel, track, directives } => {
                write!(f, "/live/{channel}/{track}/media.m3u8{directives}")
            }
            Self::Init { channel, track, layout } => write!(f, "/live/{channel}/{track}/init-{layout}.mp4"),
            Self::Segment { channel, track, number } => write!(f, "/live/{channel}/{track}/{number}.m4s"),
            Self::Part { channel, track, number, part } => {
                write!(f, "/live/{channel}/{track}/{number}.{part}.m4s")
            }
            Self::Start { channel, track, decode_time } => {
                write!(f, "/live/{channel}/{track}/t{decode_time}.m4s")
            }
        }
    }
}

impl Directives {
    fn parse(query: &str) -> Result<Self, Error> {
        let (mut msn, mut part, mut skip) = (None, None, None);
        for pair in query.split('&') {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let field = match decode(key).as_deref() {
                Some("_HLS_msn") => Field::HlsMsn,
                Some("_HLS_part") => Field::HlsPart,
                Some("_HLS_skip") => Field::HlsSkip,
                _ => continue,
            };
            let value = decode(value).ok_or(Error::Parse { field, reason: Reason::Encoding })?;
            let repeated = match field {
                Field::HlsMsn => msn.replace(number(field, &value)?).is_some(),
                Field::HlsPart => part.replace(index(field, &value)?).is_some(),
                _ => skip.replace(Skip::parse(&value)?).is_some(),
            };
            if repeated {
                return Err(Error::Parse { field, reason: Reason::Repeated });
            }
        }
        match (msn, part) {
            (None, Some(_)) => Err(Error::Parse { field: Field::HlsPart, reason: Reason::WithoutMsn }),
            (msn, part) => Ok(Self { reload: msn.map(|msn| Awaited { msn, part }), skip }),
        }
    }
}

impl fmt::Display for Directives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut mark = '?';
        if let Some(Awaited { msn, part }) = self.reload {
            write!(f, "{mark}_HLS_msn={msn}")?;
            mark = '&';
            if let Some(part) = part {
                write!(f, "{mark}_HLS_part={part}")?;
            }
        }
        match self.skip {
            Some(Skip::Yes) => write!(f, "{mark}_HLS_skip=YES"),
            Some(Skip::V2) => write!(f, "{mark}_HLS_skip=v2"),
            None => Ok(()),
        }
    }
}

impl Skip {
    fn parse(text: &str) -> Result<Self, Error> {
        match text {
            "YES" => Ok(Self::Yes),
            "v2" => Ok(Self::V2),
            _ => Err(Error::Parse { field: Field::HlsSkip, reason: Reason::NotASkip }),
        }
    }
}

fn number(field: Field, text: &str) -> Result<u64, Error> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || (text.len() > 1 && text.starts_with('0')) {
        return Err(Error::Parse { field, reason: Reason::NotANumber });
    }
    text.parse().map_err(|_| Error::Parse { field, reason: Reason::TooGreat })
}

fn index(field: Field, text: &str) -> Result<u32, Error> {
    u32::try_from(number(field, text)?).map_err(|_| Error::Parse { field, reason: Reason::TooGreat })
}

fn layout_id(text: &str) -> Result<LayoutId, Error> {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let valid = text.len() == 16 && text.bytes().all(digit);
    let id = if valid { u64::from_str_radix(text, 16).ok() } else { None };
    id.map(LayoutId).ok_or(Error::Parse { field: Field::Layout, reason: Reason::NotALayout })
}

/// Undoes percent-encoding (RFC 3986, 2.1); `None` where it is broken or does not give UTF-8.
fn decode(text: &str) -> Option<Cow<'_, str>> {
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

#[cfg(test)]
mod tests;
