//! What the query asks of a resource.

use std::{borrow::Cow, fmt, ops::Deref};

use super::field::{Field, Name, Reason, decode, index, number};
use crate::Error;

/// The most filters in one request.
const MOST_FILTERS: usize = 3;
/// The most tracks that a download names.
const MOST_TRACKS: usize = 32;

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
