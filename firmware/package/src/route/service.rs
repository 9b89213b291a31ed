//! The addresses of the classic cloud live service, those of Smooth Streaming among them ([MS-SSTR] 2.2.1 and 2.2.3), read as
//! tolerantly as clients write them: nouns, keys and formats in any case, spaces between, keys that mean nothing here.

use std::fmt;

use access::{Encryption, Scheme};

use super::{
    Place, Route, Source, TS,
    field::{Field, Name, Reason, index, number},
    query::{Carried, Filters, Timeline, Token},
};
use crate::Error;

/// The names of formats: Smooth Streaming 2.0, HLS version 3 and HDS.
pub(super) const LEGACY: &str = "fmp4-v20";
pub(super) const MUXED: &str = "m3u8-aapl-v3";
pub(super) const HDS: &str = "f4m-f4f";
/// The nouns of quality levels and of manifests.
const LEVELS: &str = "QualityLevels";
const MANIFEST: &str = "Manifest";

/// What a manifest is asked for as.
#[derive(Clone, Copy)]
enum Format {
    Smooth,
    SmoothLegacy,
    Dash,
    Hls,
    HlsMuxed,
    Hds,
}

/// Every format with its names; of Smooth Streaming none is needed.
const FORMATS: [(Format, &str); 8] = [
    (Format::Smooth, ""),
    (Format::SmoothLegacy, LEGACY),
    (Format::Dash, "mpd-time-csf"),
    (Format::Dash, "mpd-time-cmaf"),
    (Format::Hls, "m3u8-aapl"),
    (Format::Hls, "m3u8-cmaf"),
    (Format::HlsMuxed, MUXED),
    (Format::Hds, HDS),
];

/// The classic service's names of encryptions, and ours.
const ENCRYPTIONS: [(Encryption, &[&str]); 3] = [
    (Encryption::Envelope, &["cbc", "aes-128"]),
    (Encryption::Common(Scheme::Cenc), &["cenc"]),
    (Encryption::Common(Scheme::Cbcs), &["cbcs-aapl", "cbcs"]),
];

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

/// A Media Playlist's address: it has another one beside it, to which it leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Level {
    /// The quality level.
    pub bitrate: u32,
    /// The stream's name.
    pub stream: Name,
    /// Of what it is a playlist.
    pub playlist: Playlist,
}

/// What Media Playlists there are of a quality level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Playlist {
    /// Its segments.
    Segments,
    /// Its key frames.
    KeyFrames,
    /// Its segments in MPEG-TS.
    Muxed,
}

impl Level {
    /// Where it is found: nothing but the track's name is missing.
    #[must_use]
    pub fn path(&self, source: &Source, track: &str) -> String {
        match self.playlist {
            Playlist::Segments => format!("{source}/{track}/media.m3u8"),
            Playlist::KeyFrames => format!("{source}/{track}/iframes.m3u8"),
            Playlist::Muxed => format!("{source}/{TS}/{track}/media.m3u8"),
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bitrate, stream, playlist } = self;
        let format = match playlist {
            Playlist::Segments => "m3u8-aapl",
            Playlist::KeyFrames => "m3u8-aapl,type=keyframes",
            Playlist::Muxed => MUXED,
        };
        write!(f, "{LEVELS}({bitrate})/{MANIFEST}({stream},format={format})")
    }
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
        let (Some((share, _)), true) = (share, noun.eq_ignore_ascii_case(LEVELS)) else {
            return Err(Error::NotFound);
        };
        let bitrate = bitrate(level)?;
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
        write!(f, "{LEVELS}({bitrate})/{noun}({stream}={time})")
    }
}

/// What stands behind `Manifest`.
struct Arguments<'a> {
    format: &'a str,
    filters: Filters,
    audio_only: bool,
    key_frames: bool,
    encryption: Option<Encryption>,
}

impl<'a> Arguments<'a> {
    /// A filter may stand in the query as well.
    fn parse(arguments: &'a str, query: &str) -> Result<Self, Error> {
        let filters = Filters::parse(query)?;
        let mut read = Self { format: "", filters, audio_only: true, key_frames: false, encryption: None };
        for argument in arguments.split(',') {
            let (key, value) = argument.split_once('=').unwrap_or((argument, ""));
            let (key, value) = (key.trim().to_ascii_lowercase(), value.trim());
            match key.as_str() {
                "format" => read.format = value,
                "audio-only" => read.audio_only = !value.eq_ignore_ascii_case("false"),
                "type" => read.key_frames = value.eq_ignore_ascii_case("keyframes"),
                "filter" if !read.filters.is_empty() => {
                    return Err(Error::Parse { field: Field::Filter, reason: Reason::Repeated });
                }
                "filter" => read.filters = Filters::named(value)?,
                // Never in the clear what is asked for encrypted.
                "encryption" if !value.is_empty() => {
                    let known =
                        ENCRYPTIONS.iter().find(|(_, names)| names.contains(&&*value.to_ascii_lowercase()));
                    let (known, _) =
                        known.ok_or(Error::Parse { field: Field::Encryption, reason: Reason::NotOffered })?;
                    read.encryption = Some(*known);
                }
                _ => {}
            }
        }
        Ok(read)
    }

    fn format(&self) -> Result<Format, Error> {
        let format = FORMATS.iter().find(|(_, name)| name.eq_ignore_ascii_case(self.format));
        format
            .map(|(format, _)| *format)
            .ok_or(Error::Parse { field: Field::Format, reason: Reason::NotAFormat })
    }
}

/// What stands behind the folder of a presentation: `{any}.ism/`, or `.isml`.
pub(super) fn inside(rest: &str) -> Option<&str> {
    let (folder, inside) = rest.split_once('/')?;
    let (_, extension) = folder.rsplit_once('.')?;
    ["ism", "isml"].iter().any(|known| extension.eq_ignore_ascii_case(known)).then_some(inside)
}

/// Parses what stands there.
pub(super) fn parse(
    source: &dyn Fn() -> Result<Source, Error>,
    inside: &str,
    query: &str,
) -> Result<Route, Error> {
    if let Some((levels, fragments)) = inside.split_once('/') {
        if let Some(route) = parse_level(source, levels, fragments, query)? {
            return Ok(route);
        }
        return match Fragment::parse(levels, fragments) {
            Err(Error::NotFound) => Route::parse_within(source, inside, query),
            fragment => Ok(Route::SmoothFragment { source: source()?, fragment: fragment? }),
        };
    }
    let (noun, arguments) = call(inside).unwrap_or((inside, ""));
    if !noun.eq_ignore_ascii_case(MANIFEST) {
        return Route::parse_within(source, inside, query);
    }
    let arguments = Arguments::parse(arguments, query)?;
    let format = arguments.format()?;
    let Arguments { filters, audio_only, encryption, .. } = arguments;
    let (mut source, place) = (source()?, Place::Folder);
    source.encryption = encryption.or(source.encryption);
    let carried = |filters| Ok(Carried { filters, token: Token::parse(query)? });
    Ok(match format {
        Format::Smooth => Route::SmoothManifest { source, filters, legacy: false },
        Format::SmoothLegacy => Route::SmoothManifest { source, filters, legacy: true },
        Format::Dash => {
            let timeline = Timeline::parse(query)?;
            Route::Manifest { source, carried: carried(filters)?, timeline }
        }
        Format::Hls => Route::Master { source, carried: carried(filters)? },
        Format::HlsMuxed => Route::MuxedMaster { source, carried: carried(filters)?, audio_only, place },
        Format::Hds => Route::HdsManifest { source, filters, place },
    })
}

/// A Media Playlist of HLS, `QualityLevels(5)/Manifest(video,format=m3u8-aapl)`; none where it is something else.
fn parse_level(
    source: &dyn Fn() -> Result<Source, Error>,
    levels: &str,
    manifest: &str,
    query: &str,
) -> Result<Option<Route>, Error> {
    let (Some((levels, level)), Some((noun, arguments))) = (call(levels), call(manifest)) else {
        return Ok(None);
    };
    if !levels.eq_ignore_ascii_case(LEVELS) || !noun.eq_ignore_ascii_case(MANIFEST) {
        return Ok(None);
    }
    let (stream, rest) = arguments.split_once(',').unwrap_or((arguments, ""));
    let arguments = Arguments::parse(rest, query)?;
    let playlist = match arguments.format()? {
        Format::Hls if arguments.key_frames => Playlist::KeyFrames,
        Format::Hls => Playlist::Segments,
        Format::HlsMuxed => Playlist::Muxed,
        _ => return Err(Error::Parse { field: Field::Format, reason: Reason::NotAFormat }),
    };
    let stream = Name::parse(Field::Stream, stream.trim())?;
    let level = Level { bitrate: bitrate(level)?, stream, playlist };
    let mut source = source()?;
    source.encryption = arguments.encryption.or(source.encryption);
    let carried = Carried { filters: arguments.filters, token: Token::parse(query)? };
    Ok(Some(Route::Level { source, level, carried }))
}

/// Behind the bitrate of a quality level may stand what tells levels of the same bitrate apart.
fn bitrate(level: &str) -> Result<u32, Error> {
    index(Field::Bitrate, level.split(',').next().unwrap_or("").trim())
}

/// The number of an HDS fragment, `Seg1-Frag9`: that of its segment is of no meaning.
pub(super) fn f4f(name: &str) -> Result<u32, Error> {
    let (segment, fragment) =
        name.strip_prefix("Seg").and_then(|name| name.split_once("-Frag")).ok_or(Error::NotFound)?;
    number(Field::Number, segment)?;
    index(Field::Number, fragment)
}

/// `Noun(arguments)`.
fn call(piece: &str) -> Option<(&str, &str)> {
    let (noun, arguments) = piece.trim().strip_suffix(')')?.split_once('(')?;
    Some((noun.trim(), arguments))
}
