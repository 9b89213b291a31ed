//! What the query asks of a resource.

use std::{
    borrow::Cow,
    fmt::{self, Write as _},
    ops::Deref,
};

use super::field::{Field, Name, Reason, decode, index, number};
use crate::Error;

/// The most filters in one request.
const MOST_FILTERS: usize = 3;
/// The most tracks that a download names.
const MOST_TRACKS: usize = 32;
/// Bytes of the longest token.
const LONGEST_TOKEN: usize = 4096;

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

/// The filters that a viewer names: up to three in `?filter=A;B;C`, in that order. Its text is `filter=A;B;C`, or nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters(Vec<Name>);

/// What a playlist is asked for with and passes on to all that it leads to. Its text is `filter=A;B;C&token=...`, or nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// Through which filters.
    pub filters: Filters,
    /// What shows that the viewer may have the key.
    pub token: Option<Token>,
}

/// A viewer's token, as it stands in the query: characters that need no encoding there (RFC 3986, 2.3), and those of base64 and
/// of forms in their encoding.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

/// Where a manifest's presentation time begins, once it has ended: `?timeline=live` where live viewers know it to begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Timeline {
    /// With what there is to be seen.
    #[default]
    OfItsOwn,
    /// Where it began while it was live.
    Live,
}

/// What of an asset a download holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Extract {
    pub(super) from: Option<u64>,
    pub(super) to: Option<u64>,
    pub(super) tracks: Vec<Name>,
}

/// The value of a parameter, its encoding undone.
fn value(query: &str, field: Field) -> Result<Option<Cow<'_, str>>, Error> {
    let name = field.to_string();
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let mut values =
        pairs.filter(|(key, _)| decode(key).is_some_and(|key| key == name)).map(|(_, value)| value);
    let Some(value) = values.next() else { return Ok(None) };
    let value = decode(value).ok_or(Error::Parse { field, reason: Reason::Encoding })?;
    match values.next() {
        Some(_) => Err(Error::Parse { field, reason: Reason::Repeated }),
        None => Ok(Some(value)),
    }
}

/// Names separated by semicolons.
fn names(value: &str, field: Field, most: usize) -> Result<Vec<Name>, Error> {
    let names = value.split(';').take(most + 1).map(|name| Name::parse(field, name));
    let names = names.collect::<Result<Vec<Name>, Error>>()?;
    match names.len() <= most {
        true => Ok(names),
        false => Err(Error::Parse { field, reason: Reason::TooMany }),
    }
}

impl Filters {
    pub(super) fn parse(query: &str) -> Result<Self, Error> {
        value(query, Field::Filter)?.map_or(Ok(Self::default()), |value| Self::named(&value))
    }

    /// Parses their names, separated by semicolons.
    ///
    /// # Errors
    /// [`Error::Parse`] for a name that none can have, and for more than three.
    pub fn named(value: &str) -> Result<Self, Error> {
        names(value, Field::Filter, MOST_FILTERS).map(Self)
    }

    /// Appends them to a query.
    pub(super) fn write(&self, query: &mut Writer<'_, '_>) -> fmt::Result {
        if self.is_empty() { Ok(()) } else { query.pair(Field::Filter, Names(&self.0)) }
    }
}

impl Deref for Filters {
    type Target = [Name];

    fn deref(&self) -> &[Name] {
        &self.0
    }
}

impl fmt::Display for Filters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() { Ok(()) } else { write!(f, "{}={}", Field::Filter, Names(&self.0)) }
    }
}

impl Carried {
    pub(super) fn parse(query: &str) -> Result<Self, Error> {
        Ok(Self { filters: Filters::parse(query)?, token: Token::parse(query)? })
    }

    /// Appends it to a query.
    pub(super) fn write(&self, query: &mut Writer<'_, '_>) -> fmt::Result {
        self.filters.write(query)?;
        Token::write(self.token.as_ref(), query)
    }
}

impl fmt::Display for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let between = if self.filters.is_empty() { "" } else { "&" };
        write!(f, "{}", self.filters)?;
        let token = self.token.as_ref();
        token.map_or(Ok(()), |token| write!(f, "{between}{}={}", Field::Token, Encoded(&token.0)))
    }
}

impl Token {
    pub(super) fn parse(query: &str) -> Result<Option<Self>, Error> {
        let wrong = |reason| Error::Parse { field: Field::Token, reason };
        let Some(text) = value(query, Field::Token)? else { return Ok(None) };
        // Some send it as the header has it.
        let text = text.strip_prefix("Bearer ").or_else(|| text.strip_prefix("Bearer=")).unwrap_or(&text);
        match text.len() {
            0 => Ok(None),
            1..=LONGEST_TOKEN if text.bytes().all(|byte| byte.is_ascii_graphic()) => {
                Ok(Some(Self(text.to_owned())))
            }
            _ => Err(wrong(Reason::NotAToken)),
        }
    }

    /// Appends it to a query.
    pub(super) fn write(token: Option<&Self>, query: &mut Writer<'_, '_>) -> fmt::Result {
        token.map_or(Ok(()), |token| query.pair(Field::Token, Encoded(&token.0)))
    }

    /// Its text, for who checks it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A text with everything encoded that is not unreserved (RFC 3986, 2.3).
struct Encoded<'a>(&'a str);

impl fmt::Display for Encoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.bytes().try_for_each(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                f.write_char(char::from(byte))
            }
            _ => write!(f, "%{byte:02X}"),
        })
    }
}

impl Timeline {
    pub(super) fn parse(query: &str) -> Result<Self, Error> {
        match value(query, Field::Timeline)?.as_deref() {
            None => Ok(Self::OfItsOwn),
            Some("live") => Ok(Self::Live),
            Some(_) => Err(Error::Parse { field: Field::Timeline, reason: Reason::NotATimeline }),
        }
    }

    /// Appends it to a query.
    pub(super) fn write(self, query: &mut Writer<'_, '_>) -> fmt::Result {
        match self {
            Self::OfItsOwn => Ok(()),
            Self::Live => query.pair(Field::Timeline, "live"),
        }
    }
}

impl Extract {
    pub(super) fn parse(query: &str) -> Result<Self, Error> {
        let time = |field| value(query, field)?.map(|text| number(field, &text)).transpose();
        let (from, to) = (time(Field::From)?, time(Field::To)?);
        let tracks = value(query, Field::Tracks)?;
        let tracks = tracks.map_or(Ok(Vec::new()), |value| names(&value, Field::Tracks, MOST_TRACKS))?;
        if from.zip(to).is_some_and(|(from, to)| to <= from) {
            return Err(Error::Parse { field: Field::To, reason: Reason::NotAfterStart });
        }
        let again = |(at, name): (usize, &Name)| tracks[..at].contains(name);
        match tracks.iter().enumerate().any(again) {
            true => Err(Error::Parse { field: Field::Tracks, reason: Reason::Repeated }),
            false => Ok(Self { from, to, tracks }),
        }
    }

    /// Writes the parameters of a download.
    pub(super) fn write(
        query: &mut Writer<'_, '_>,
        (from, to): (Option<u64>, Option<u64>),
        tracks: &[Name],
    ) -> fmt::Result {
        if let Some(from) = from {
            query.pair(Field::From, from)?;
        }
        if let Some(to) = to {
            query.pair(Field::To, to)?;
        }
        if tracks.is_empty() { Ok(()) } else { query.pair(Field::Tracks, Names(tracks)) }
    }
}

/// Names with semicolons between them.
struct Names<'a>(&'a [Name]);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, name) in self.0.iter().enumerate() {
            f.write_str(if nth > 0 { ";" } else { "" })?;
            f.write_str(name)?;
        }
        Ok(())
    }
}

/// A query being written.
pub(super) struct Writer<'a, 'b> {
    f: &'a mut fmt::Formatter<'b>,
    mark: char,
}

impl<'a, 'b> Writer<'a, 'b> {
    pub(super) fn new(f: &'a mut fmt::Formatter<'b>) -> Self {
        Self { f, mark: '?' }
    }

    fn pair(&mut self, field: Field, value: impl fmt::Display) -> fmt::Result {
        write!(self.f, "{}{field}={value}", std::mem::replace(&mut self.mark, '&'))
    }
}

impl Directives {
    pub(super) fn parse(query: &str) -> Result<Self, Error> {
        let msn = value(query, Field::HlsMsn)?.map(|text| number(Field::HlsMsn, &text)).transpose()?;
        let part = value(query, Field::HlsPart)?.map(|text| index(Field::HlsPart, &text)).transpose()?;
        let skip = value(query, Field::HlsSkip)?.map(|text| Skip::parse(&text)).transpose()?;
        match (msn, part) {
            (None, Some(_)) => Err(Error::Parse { field: Field::HlsPart, reason: Reason::WithoutMsn }),
            (msn, part) => Ok(Self { reload: msn.map(|msn| Awaited { msn, part }), skip }),
        }
    }
}

impl Directives {
    /// Appends them to a query.
    pub(super) fn write(self, query: &mut Writer<'_, '_>) -> fmt::Result {
        if let Some(Awaited { msn, part }) = self.reload {
            query.pair(Field::HlsMsn, msn)?;
            if let Some(part) = part {
                query.pair(Field::HlsPart, part)?;
            }
        }
        match self.skip {
            Some(Skip::Yes) => query.pair(Field::HlsSkip, "YES"),
            Some(Skip::V2) => query.pair(Field::HlsSkip, "v2"),
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
