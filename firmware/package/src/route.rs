//! What a viewer's path and query ask for.
//!
//! ```text
//! {source}/master.m3u8?filter=A;B;C                {source} is /live/{channel} or /vod/{locator}
//! {source}/manifest.mpd?filter=A;B;C&timeline=live
//! {source}/ts/master.m3u8?filter=A;B;C             HLS version 3, of MPEG-TS
//! {source}/ts/{track}/media.m3u8?filter=A;B;C
//! {source}/ts/{track}/{number}.ts?filter=A;B;C
//! {source}/smooth.ism/Manifest?filter=A;B;C        Smooth Streaming; (format=fmp4-v20) behind it: version 2.0
//! {source}/smooth.ism/QualityLevels({bitrate})/Fragments({stream}={time})
//! {source}/{track}/media.m3u8?filter=A;B;C&_HLS_msn=N&_HLS_part=N&_HLS_skip=YES|v2
//! {source}/{track}/init-{layout}.mp4               16 lower-case hexadecimal digits
//! {source}/{track}/{number}.m4s                    a segment by number
//! {source}/{track}/{number}.{part}.m4s             one part of it
//! {source}/{track}/t{decode time}.m4s              a segment by the decode time of its first sample
//! /vod/{locator}/download.mp4?filter=A;B;C&start=MS&end=MS&tracks=A;B
//! /vod/{locator}/thumbnails.vtt
//! /vod/{locator}/thumbnails-{number}.jpg
//! /time
//! ```
//! Every resource has one spelling: numbers have no sign and no leading zeros.

mod field;
mod query;
mod smooth;

use std::fmt;

use media::LayoutId;

pub use self::{
    field::{Field, Name, Reason},
    query::{Awaited, Directives, Filters, Skip, Timeline},
    smooth::{Fragment, Share},
};
use self::{
    field::{decode, index, layout_id, number},
    query::{Extract, Writer},
};
use crate::Error;

/// A resource that viewers may ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// The box's time of day, for `UTCTiming`.
    Time,
    /// The HLS Multivariant Playlist.
    Master {
        /// Of what.
        source: Source,
        /// Through which filters.
        filters: Filters,
    },
    /// An HLS Media Playlist.
    Media {
        /// Of what.
        source: Source,
        /// The track.
        track: Name,
        /// What the query asks of the playlist.
        directives: Directives,
        /// Through which filters.
        filters: Filters,
    },
    /// The Multivariant Playlist of HLS version 3.
    MuxedMaster {
        /// Of what.
        source: Source,
        /// Through which filters.
        filters: Filters,
    },
    /// A Media Playlist of HLS version 3.
    MuxedMedia {
        /// Of what.
        source: Source,
        /// The track, with its sound where it is one of pictures.
        track: Name,
        /// Through which filters.
        filters: Filters,
    },
    /// A segment of MPEG-TS.
    MuxedSegment {
        /// Of what.
        source: Source,
        /// The track, with its sound where it is one of pictures.
        track: Name,
        /// Its number since the epoch.
        number: u64,
        /// Through which filters: they choose the sound.
        filters: Filters,
    },
    /// The client manifest of Smooth Streaming.
    SmoothManifest {
        /// Of what.
        source: Source,
        /// Through which filters.
        filters: Filters,
        /// In version 2.0, without repeats.
        legacy: bool,
    },
    /// A fragment of Smooth Streaming, or a share of it.
    SmoothFragment {
        /// Of what.
        source: Source,
        /// Which of it.
        fragment: Fragment,
    },
    /// The DASH manifest.
    Manifest {
        /// Of what.
        source: Source,
        /// Through which filters.
        filters: Filters,
        /// On which timeline.
        timeline: Timeline,
    },
    /// A track's init segment.
    Init {
        /// Of what.
        source: Source,
        /// The track.
        track: Name,
        /// The layout it belongs to.
        layout: LayoutId,
    },
    /// A segment by number.
    Segment {
        /// Of what.
        source: Source,
        /// The track.
        track: Name,
        /// Segment number since the epoch.
        number: u64,
    },
    /// One part of a segment.
    Part {
        /// Of what.
        source: Source,
        /// The track.
        track: Name,
        /// Segment number since the epoch.
        number: u64,
        /// Index of the part, from 0.
        part: u32,
    },
    /// A segment by its start (DASH `$Time$`).
    Start {
        /// Of what.
        source: Source,
        /// The track.
        track: Name,
        /// Decode time of its first sample, in ticks of the track.
        decode_time: u64,
    },
    /// An asset, or a stretch of it, as one file.
    Download {
        /// Of what: always a [`Source::Vod`].
        source: Source,
        /// Milliseconds since the epoch where it begins; none for the asset's own beginning.
        from: Option<u64>,
        /// Milliseconds since the epoch where it ends; none for the asset's own end.
        to: Option<u64>,
        /// The tracks in it, each once; empty for all.
        tracks: Vec<Name>,
        /// Through which filters.
        filters: Filters,
    },
    /// The index of an asset's thumbnails.
    Thumbnails {
        /// Of what: always a [`Source::Vod`].
        source: Source,
    },
    /// A sheet of an asset's thumbnails.
    Sheet {
        /// Of what: always a [`Source::Vod`].
        source: Source,
        /// Which, from 0.
        number: u32,
    },
}

/// What is played. Its text is the beginning of its paths: `/live/main`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// A channel's own line, by the channel's name.
    Live(Name),
    /// A published asset, live or on demand, by its locator.
    Vod(Name),
}

impl Source {
    fn live(name: &str) -> Result<Self, Error> {
        Name::parse(Field::Channel, name).map(Self::Live)
    }

    fn vod(name: &str) -> Result<Self, Error> {
        Name::parse(Field::Locator, name).map(Self::Vod)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Live(channel) => write!(f, "/live/{channel}"),
            Self::Vod(locator) => write!(f, "/vod/{locator}"),
        }
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
        let query = query.unwrap_or("");
        let (on_demand, rest) = match (path.strip_prefix("/live/"), path.strip_prefix("/vod/")) {
            (Some(rest), _) => (false, rest),
            (_, Some(rest)) => (true, rest),
            _ => return Err(Error::NotFound),
        };
        let source = |name: &str| if on_demand { Source::vod(name) } else { Source::live(name) };
        let mut pieces = rest.splitn(4, '/');
        match (pieces.next(), pieces.next(), pieces.next(), pieces.next()) {
            (Some(name), Some("master.m3u8"), None, None) => {
                Ok(Self::Master { source: source(name)?, filters: Filters::parse(query)? })
            }
            (Some(name), Some("manifest.mpd"), None, None) => {
                let (filters, timeline) = (Filters::parse(query)?, Timeline::parse(query)?);
                Ok(Self::Manifest { source: source(name)?, filters, timeline })
            }
            (Some(name), Some(file), None, None) if on_demand => Self::parse_extra(name, file, query),
            (Some(name), Some("ts"), Some("master.m3u8"), None) => {
                Ok(Self::MuxedMaster { source: source(name)?, filters: Filters::parse(query)? })
            }
            (Some(name), Some(smooth::FOLDER), Some(manifest), None) => {
                let (legacy, filters) = smooth::manifest(manifest, query)?;
                Ok(Self::SmoothManifest { source: source(name)?, filters, legacy })
            }
            (Some(name), Some(smooth::FOLDER), Some(levels), Some(fragments)) => {
                let fragment = Fragment::parse(levels, fragments)?;
                Ok(Self::SmoothFragment { source: source(name)?, fragment })
            }
            (Some(name), Some("ts"), Some(track), Some(file)) => {
                Self::parse_muxed(|| source(name), track, file, query)
            }
            (Some(name), Some(track), Some(file), None) => {
                Self::parse_file(|| source(name), track, file, query)
            }
            _ => Err(Error::NotFound),
        }
    }

    /// What only assets have.
    fn parse_extra(locator: &str, file: &str, query: &str) -> Result<Self, Error> {
        match file {
            "download.mp4" => {
                let source = Source::vod(locator)?;
                let Extract { from, to, tracks } = Extract::parse(query)?;
                Ok(Self::Download { source, from, to, tracks, filters: Filters::parse(query)? })
            }
            "thumbnails.vtt" => Ok(Self::Thumbnails { source: Source::vod(locator)? }),
            _ => {
                let sheet = file.strip_prefix("thumbnails-").and_then(|file| file.strip_suffix(".jpg"));
                let sheet = sheet.ok_or(Error::NotFound)?;
                Ok(Self::Sheet { source: Source::vod(locator)?, number: index(Field::Sheet, sheet)? })
            }
        }
    }

    fn parse_muxed(
        source: impl Fn() -> Result<Source, Error>,
        track: &str,
        file: &str,
        query: &str,
    ) -> Result<Self, Error> {
        let number = match (file, file.strip_suffix(".ts")) {
            ("media.m3u8", _) => None,
            (_, Some(stem)) => Some(number(Field::Number, stem)?),
            _ => return Err(Error::NotFound),
        };
        let (source, track) = (source()?, Name::parse(Field::Track, track)?);
        let filters = Filters::parse(query)?;
        Ok(match number {
            None => Self::MuxedMedia { source, track, filters },
            Some(number) => Self::MuxedSegment { source, track, number, filters },
        })
    }

    fn parse_file(
        source: impl Fn() -> Result<Source, Error>,
        track: &str,
        file: &str,
        query: &str,
    ) -> Result<Self, Error> {
        let names = || Ok((source()?, Name::parse(Field::Track, track)?));
        if file == "media.m3u8" {
            let (source, track) = names()?;
            let (directives, filters) = (Directives::parse(query)?, Filters::parse(query)?);
            return Ok(Self::Media { source, track, directives, filters });
        }
        if let Some(layout) = file.strip_prefix("init-").and_then(|file| file.strip_suffix(".mp4")) {
            let (source, track) = names()?;
            return Ok(Self::Init { source, track, layout: layout_id(layout)? });
        }
        let Some(stem) = file.strip_suffix(".m4s") else { return Err(Error::NotFound) };
        let (source, track) = names()?;
        if let Some(time) = stem.strip_prefix('t') {
            return Ok(Self::Start { source, track, decode_time: number(Field::DecodeTime, time)? });
        }
        match stem.split_once('.') {
            None => Ok(Self::Segment { source, track, number: number(Field::Number, stem)? }),
            Some((segment, part)) => Ok(Self::Part {
                source,
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
            Self::Master { source, filters } => {
                write!(f, "{source}/master.m3u8")?;
                filters.write(&mut Writer::new(f))
            }
            Self::Manifest { source, filters, timeline } => {
                write!(f, "{source}/manifest.mpd")?;
                let mut query = Writer::new(f);
                filters.write(&mut query)?;
                timeline.write(&mut query)
            }
            Self::Media { source, track, directives, filters } => {
                write!(f, "{source}/{track}/media.m3u8")?;
                let mut query = Writer::new(f);
                filters.write(&mut query)?;
                directives.write(&mut query)
            }
            Self::SmoothManifest { source, filters, legacy } => {
                let format = if *legacy { smooth::LEGACY } else { "" };
                write!(f, "{source}/{}/Manifest{format}", smooth::FOLDER)?;
                filters.write(&mut Writer::new(f))
            }
            Self::SmoothFragment { source, fragment } => {
                write!(f, "{source}/{}/{fragment}", smooth::FOLDER)
            }
            Self::MuxedMaster { source, filters } => {
                write!(f, "{source}/ts/master.m3u8")?;
                filters.write(&mut Writer::new(f))
            }
            Self::MuxedMedia { source, track, filters } => {
                write!(f, "{source}/ts/{track}/media.m3u8")?;
                filters.write(&mut Writer::new(f))
            }
            Self::MuxedSegment { source, track, number, filters } => {
                write!(f, "{source}/ts/{track}/{number}.ts")?;
                filters.write(&mut Writer::new(f))
            }
            Self::Init { source, track, layout } => write!(f, "{source}/{track}/init-{layout}.mp4"),
            Self::Segment { source, track, number } => write!(f, "{source}/{track}/{number}.m4s"),
            Self::Part { source, track, number, part } => write!(f, "{source}/{track}/{number}.{part}.m4s"),
            Self::Start { source, track, decode_time } => write!(f, "{source}/{track}/t{decode_time}.m4s"),
            Self::Download { source, from, to, tracks, filters } => {
                write!(f, "{source}/download.mp4")?;
                let mut query = Writer::new(f);
                filters.write(&mut query)?;
                Extract::write(&mut query, (*from, *to), tracks)
            }
            Self::Thumbnails { source } => write!(f, "{source}/thumbnails.vtt"),
            Self::Sheet { source, number } => write!(f, "{source}/thumbnails-{number}.jpg"),
        }
    }
}

#[cfg(test)]
mod tests;
