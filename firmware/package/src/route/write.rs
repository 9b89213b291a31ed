//! From a route to its path and query.

use std::fmt;

use super::{
    HDS, Place, Route, SMOOTH, SUBTITLES, Subtitles, TS, Token,
    query::{Extract, Writer},
    service,
};
use crate::dash::File;

impl fmt::Display for Route {
    /// The path and query that parse to this route.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time => f.write_str("/time"),
            Self::Key { name, token } => {
                write!(f, "/keys/{name}")?;
                Token::write(token.as_ref(), &mut Writer::new(f))
            }
            Self::Master { source, carried } => {
                write!(f, "{source}/master.m3u8")?;
                carried.write(&mut Writer::new(f))
            }
            Self::Manifest { source, carried, timeline } => {
                write!(f, "{source}/manifest.mpd")?;
                let mut query = Writer::new(f);
                carried.write(&mut query)?;
                timeline.write(&mut query)
            }
            Self::Media { source, track, directives, carried } => {
                write!(f, "{source}/{track}/media.m3u8")?;
                let mut query = Writer::new(f);
                carried.write(&mut query)?;
                directives.write(&mut query)
            }
            Self::Level { source, level, carried } => {
                write!(f, "{source}/{SMOOTH}/{level}")?;
                carried.write(&mut Writer::new(f))
            }
            Self::SmoothManifest { source, filters, legacy } => {
                write!(f, "{source}/{SMOOTH}/Manifest")?;
                if *legacy {
                    write!(f, "(format={})", service::LEGACY)?;
                }
                filters.write(&mut Writer::new(f))
            }
            Self::SmoothFragment { source, fragment } => {
                write!(f, "{source}/{SMOOTH}/{fragment}")
            }
            Self::MuxedMaster { source, carried, audio_only, place } => {
                match (place, audio_only) {
                    (Place::Beside, _) => write!(f, "{source}/{TS}/master.m3u8")?,
                    (_, true) => write!(f, "{source}/{SMOOTH}/Manifest(format={})", service::MUXED)?,
                    (_, false) => {
                        write!(f, "{source}/{SMOOTH}/Manifest(format={},audio-only=false)", service::MUXED)?;
                    }
                }
                carried.write(&mut Writer::new(f))
            }
            Self::HdsManifest { source, filters, place } => {
                match place {
                    Place::Beside => write!(f, "{source}/{HDS}/manifest.f4m")?,
                    Place::Folder => write!(f, "{source}/{SMOOTH}/Manifest(format={})", service::HDS)?,
                }
                filters.write(&mut Writer::new(f))
            }
            Self::HdsBootstrap { source, track, filters } => {
                write!(f, "{source}/{HDS}/{track}.abst")?;
                filters.write(&mut Writer::new(f))
            }
            Self::HdsFragment { source, track, number, filters } => {
                write!(f, "{source}/{HDS}/{track}/Seg1-Frag{number}")?;
                filters.write(&mut Writer::new(f))
            }
            Self::MuxedMedia { source, track, carried } => {
                write!(f, "{source}/{TS}/{track}/media.m3u8")?;
                carried.write(&mut Writer::new(f))
            }
            Self::MuxedSegment { source, track, number, filters } => {
                write!(f, "{source}/{TS}/{track}/{number}.ts")?;
                filters.write(&mut Writer::new(f))
            }
            Self::KeyFrames { source, track, carried } => {
                write!(f, "{source}/{track}/iframes.m3u8")?;
                carried.write(&mut Writer::new(f))
            }
            Self::KeyFrame { source, track, number } => write!(f, "{source}/{track}/i{number}.m4s"),
            Self::Subtitles { source, service, file } => {
                write!(f, "{source}/{SUBTITLES}/{service}/")?;
                match file {
                    Subtitles::Playlist(directives, carried) => {
                        f.write_str("media.m3u8")?;
                        let mut query = Writer::new(f);
                        carried.write(&mut query)?;
                        directives.write(&mut query)
                    }
                    Subtitles::WebVtt(number) => write!(f, "{number}.vtt"),
                    Subtitles::WebVttPart(number, part) => write!(f, "{number}.{part}.vtt"),
                    Subtitles::Init => f.write_str("init.mp4"),
                    Subtitles::Start(decode_time) => write!(f, "t{decode_time}.m4s"),
                }
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
            Self::OnDemand { source, filters } => {
                write!(f, "{source}/on-demand.mpd")?;
                filters.write(&mut Writer::new(f))
            }
            Self::File { source, track, first, last } => {
                write!(f, "{source}/{}", File { track, first: *first, last: *last })
            }
            Self::Thumbnails { source } => write!(f, "{source}/thumbnails.vtt"),
            Self::Sheet { source, number } => write!(f, "{source}/thumbnails-{number}.jpg"),
        }
    }
}
