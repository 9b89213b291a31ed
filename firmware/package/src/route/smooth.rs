//! The addresses of Smooth Streaming ([MS-SSTR] 2.2.1 and 2.2.3), read as tolerantly as clients write them: nouns and keys in any
//! case, spaces between, keys that mean nothing here.

use std::fmt;

use super::{
    field::{Field, Name, Reason, index, number},
    query::Filters,
};
use crate::Error;

/// The folder that manifest and fragments lie in.
pub(super) const FOLDER: &str = "smooth.ism";
/// What asks for a manifest of version 2.0, as it stands behind the manifest's name.
pub(super) const LEGACY: &str = "(format=fmp4-v20)";

/// Which share of a fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// `Fragments`: all of it.
    Whole,
    /// `FragmentInfo`: what stands before the samples.
    Info,
    /// `RawFragments`: the samples alone.
    Raw,
    /// `KeyFrames`: its first key frame, as a fragment.
    KeyFrame,
}

/// A fragment's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// The quality level.
    pub bitrate: u32,
    /// Which share.
    pub share: Share,
    /// The stream's name.
    pub stream: Name,
    /// When it begins, in ticks of [`smooth::TIMESCALE`](crate::smooth::TIMESCALE).
    pub time: u64,
}

/// Every share with its noun.
const SHARES: [(Share, &str); 4] = [
    (Share::Whole, "Fragments"),
    (Share::Info, "FragmentInfo"),
    (Share::Raw, "RawFragments"),
    (Share::KeyFrame, "KeyFrames"),
];

impl Fragment {
    pub(super) fn parse(levels: &str, fragments: &str) -> Result<Self, Error> {
        let (noun, level) = call(levels).ok_or(Error::NotFound)?;
        let (share, moment) = call(fragments).ok_or(Error::NotFound)?;
        let share = SHARES.iter().find(|(_, noun)| noun.eq_ignore_ascii_case(share));
        let (Some((share, _)), true) = (share, noun.eq_ignore_ascii_case("QualityLevels")) else {
            return Err(Error::NotFound);
        };
        // Behind the bitrate may stand what tells levels of the same bitrate apart.
        let bitrate = index(Field::Bitrate, level.split(',').next().unwrap_or("").trim())?;
        let moment = moment.split(',').next().unwrap_or("");
        let (stream, time) = moment.split_once('=').unwrap_or((moment, ""));
        Ok(Self {
            bitrate,
            share: *share,
            stream: Name::parse(Field::Stream, stream.trim())?,
            time: number(Field::DecodeTime, time.trim())?,
        })
    }
}

impl fmt::Display for Fragment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bitrate, share, stream, time } = self;
        let noun = SHARES.iter().find(|(known, _)| known == share).map_or("", |(_, noun)| noun);
        write!(f, "QualityLevels({bitrate})/{noun}({stream}={time})")
    }
}

/// `Manifest`, `Manifest(format=fmp4-v20,filter=A;B)`: whether version 2.0 is asked for, and through which filters. A filter may
/// stand in the query as well.
pub(super) fn manifest(file: &str, query: &str) -> Result<(bool, Filters), Error> {
    let (noun, arguments) = call(file).unwrap_or((file, ""));
    if !noun.eq_ignore_ascii_case("Manifest") {
        return Err(Error::NotFound);
    }
    let (mut legacy, mut filters) = (false, Filters::parse(query)?);
    for argument in arguments.split(',') {
        let (key, value) = argument.split_once('=').unwrap_or((argument, ""));
        let (key, value) = (key.trim(), value.trim());
        if key.eq_ignore_ascii_case("format") {
            legacy = value.eq_ignore_ascii_case("fmp4-v20");
            if !legacy {
                return Err(Error::Parse { field: Field::Format, reason: Reason::NotAFormat });
            }
        } else if key.eq_ignore_ascii_case("filter") {
            if !filters.is_empty() {
                return Err(Error::Parse { field: Field::Filter, reason: Reason::Repeated });
            }
            filters = Filters::named(value)?;
        }
    }
    Ok((legacy, filters))
}

/// `Noun(arguments)`.
fn call(piece: &str) -> Option<(&str, &str)> {
    let (noun, arguments) = piece.trim().strip_suffix(')')?.split_once('(')?;
    Some((noun.trim(), arguments))
}
