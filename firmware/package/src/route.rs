//! What a viewer's path and query ask for.
//!
//! ```text
//! {source}/master.m3u8?filter=A;B;C                {source} is /live/{channel} or /vod/{locator}, in the clear;
//!                                                  encrypted with /aes-128, /cenc or /cbcs behind it
//! {source}/manifest.mpd?filter=A;B;C&timeline=live
//! {source}/ts/master.m3u8?filter=A;B;C             HLS version 3, of MPEG-TS
//! {source}/ts/{track}/media.m3u8?filter=A;B;C
//! {source}/ts/{track}/{number}.ts?filter=A;B;C
//! {source}/hds/manifest.f4m?filter=A;B;C           HDS
//! {source}/hds/{track}.abst?filter=A;B;C
//! {source}/hds/{track}/Seg1-Frag{number}?filter=A;B;C
//! {source}/smooth.ism/Manifest?filter=A;B;C        Smooth Streaming; (format=fmp4-v20) behind it: version 2.0
//! {source}/smooth.ism/QualityLevels({bitrate})/Fragments({stream}={time})
//! {source}/subtitles/{service}/media.m3u8?filter=A;B;C&_HLS_msn=N&_HLS_part=N&_HLS_skip=YES|v2
//! {source}/subtitles/{service}/{number}.vtt        WebVTT, for HLS
//! {source}/subtitles/{service}/{number}.{part}.vtt
//! {source}/subtitles/{service}/init.mp4            WebVTT in fragmented MP4, for DASH
//! {source}/subtitles/{service}/t{decode time}.m4s
//! {source}/{track}/media.m3u8?filter=A;B;C&_HLS_msn=N&_HLS_part=N&_HLS_skip=YES|v2
//! {source}/{track}/iframes.m3u8?filter=A;B;C       an HLS I-frame playlist
//! {source}/{track}/i{number}.m4s                   the key frame of a segment
//! {source}/{track}/init-{layout}.mp4               16 lower-case hexadecimal digits
//! {source}/{track}/{number}.m4s                    a segment by number
//! {source}/{track}/{number}.{part}.m4s             one part of it
//! {source}/{track}/t{decode time}.m4s              a segment by the decode time of its first sample
//! /vod/{locator}/download.mp4?filter=A;B;C&start=MS&end=MS&tracks=A;B
//! /vod/{locator}/thumbnails.vtt
//! /vod/{locator}/thumbnails-{number}.jpg
//! /time
//! /keys/{name}?token=...                           a content key
//! ```
//! Playlists of HLS take `token=...` and pass it on to all that they lead to. Every resource has one spelling: numbers have no sign and no leading zeros. Beside it stand the addresses of the classic
//! cloud live service, read as tolerantly as its clients write them:
//!
//! ```text
//! /{locator}/{any}.ism/Manifest(format=...,filter=A;B;C,encryption=...)
//! {source}/{any}.ism/Manifest(format=...)
//! {source}/{any}.ism/QualityLevels({bitrate})/Manifest({stream},format=m3u8-aapl)    leads to the track's playlist
//! ```
//! Below `{any}.ism` there is all that is below `{source}`.

mod field;
mod parse;
mod query;
mod service;
mod write;

use std::fmt;

use access::{Encryption, Protocol, Scheme};
use media::LayoutId;

pub use self::{
    field::{Field, Name, Reason},
    query::{Awaited, Carried, Directives, Filters, Skip, Timeline, Token},
    service::{Fragment, Level, Playlist, Share},
};
use crate::Error;

/// The folders of protocols.
const TS: &str = "ts";
const HDS: &str = "hds";
const SMOOTH: &str = "smooth.ism";
const SUBTITLES: &str = "subtitles";

/// A resource that viewers may ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// The box's time of day, for `UTCTiming`.
    Time,
    /// A content key, or a licence of it.
    Key {
        /// The key's name.
        name: Name,
        /// What the query shows.
        token: Option<Token>,
    },
    /// The HLS Multivariant Playlist.
    Master {
        /// Of what.
        source: Source,
        /// What everything that it leads to is asked for with, too.
        carried: Carried,
    },
    /// An HLS Media Playlist.
    Media {
        /// Of what.
        source: Source,
        /// The track.
        track: Name,
        /// What the query asks of the playlist.
        directives: Directives,
        /// What everything that it leads to is asked for with, too.
        carried: Carried,
    },
    /// The Multivariant Playlist of HLS version 3.
    MuxedMaster {
        /// Of what.
        source: Source,
        /// What everything that it leads to is asked for with, too.
        carried: Carried,
        /// With a variant of the sound alone; always where it lies beside.
        audio_only: bool,
        /// Where what it leads to lies.
        place: Place,
    },
    /// A Media Playlist of HLS version 3.
    MuxedMedia {
        /// Of what.
        source: Source,
        /// The track, with its sound where it is one of pictures.
        track: Name,
        /// What everything that it leads to is asked for with, too.
        carried: Carried,
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
    /// A Media Playlist of HLS by quality level and stream, which leads to the track's own.
    Level {
        /// Of what.
        source: Source,
        /// Which.
        level: Level,
        /// What it is asked for with.
        carried: Carried,
    },
    /// A fragment of Smooth Streaming, or a share of it.
    SmoothFragment {
        /// Of what.
        source: Source,
        /// Which of it.
        fragment: Fragment,
    },
    /// The manifest of HDS.
    HdsManifest {
        /// Of what.
        source: Source,
        /// Through which filters.
        filters: Filters,
        /// Where what it leads to lies.
        place: Place,
    },
    /// The bootstrap of HDS: which fragments a track has.
    HdsBootstrap {
        /// Of what.
        source: Source,
        /// The track, with its sound where it is one of pictures.
        track: Name,
        /// Through which filters.
        filters: Filters,
    },
    /// A fragment of HDS.
    HdsFragment {
        /// Of what.
        source: Source,
        /// The track, with its sound where it is one of pictures.
        track: Name,
        /// Its number.
        number: u32,
        /// Through which filters: they choose the sound.
        filters: Filters,
    },
    /// The DASH manifest.
    Manifest {
        /// Of what.
        source: Source,
        /// What everything that it leads to is asked for with, too.
        carried: Carried,
        /// On which timeline.
        timeline: Timeline,
    },
    /// An HLS I-frame Media Playlist.
    KeyFrames {
        /// Of what.
        source: Source,
        /// The track.
        track: Name,
        /// What everything that it leads to is asked for with, too.
        carried: Carried,
    },
    /// The key frame of a segment.
    KeyFrame {
        /// Of what.
        source: Source,
        /// The track.
        track: Name,
        /// Segment number since the epoch.
        number: u64,
    },
    /// Captions of the pictures as subtitles.
    Subtitles {
        /// Of what: always in the clear.
        source: Source,
        /// The captions' service.
        service: Name,
        /// Which file.
        file: Subtitles,
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
        /// Of what: always a [`Presentation::Vod`].
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
    /// The DASH manifest of an asset that has ended, for the on-demand profile.
    OnDemand {
        /// Of what: always a [`Presentation::Vod`].
        source: Source,
        /// Through which filters.
        filters: Filters,
    },
    /// A track's segments from one to another as one file with an index.
    File {
        /// Of what: always a [`Presentation::Vod`].
        source: Source,
        /// The track.
        track: Name,
        /// Number of the first segment.
        first: u64,
        /// Number of the last segment.
        last: u64,
    },
    /// The index of an asset's thumbnails.
    Thumbnails {
        /// Of what: always a [`Presentation::Vod`].
        source: Source,
    },
    /// A sheet of an asset's thumbnails.
    Sheet {
        /// Of what: always a [`Presentation::Vod`].
        source: Source,
        /// Which, from 0.
        number: u32,
    },
}

/// What is played, and how it is encrypted on the way. Its text is the beginning of its paths: `/live/main`, `/vod/7f/cenc`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Source {
    /// What is played.
    pub presentation: Presentation,
    /// How it is encrypted; none in the clear.
    pub encryption: Option<Encryption>,
}

/// What is played.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Presentation {
    /// A channel's own line, by the channel's name.
    Live(Name),
    /// A published asset, live or on demand, by its locator.
    Vod(Name),
}

/// What there is of subtitles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subtitles {
    /// The HLS Media Playlist: what the query asks of it, and what everything that it leads to is asked for with, too.
    Playlist(Directives, Carried),
    /// A segment of WebVTT, by its number since the epoch.
    WebVtt(u64),
    /// One part of it, by number and index.
    WebVttPart(u64, u32),
    /// The init segment of WebVTT in fragmented MP4.
    Init,
    /// A segment of it, by its start in ticks of the pictures.
    Start(u64),
}

/// Where what a manifest leads to lies, as seen from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Beside it.
    Beside,
    /// In the protocol's folder: the manifest lies where those of all protocols do.
    Folder,
}

impl Source {
    fn live(name: &str) -> Result<Self, Error> {
        let presentation = Name::parse(Field::Channel, name).map(Presentation::Live)?;
        Ok(Self { presentation, encryption: None })
    }

    fn vod(name: &str) -> Result<Self, Error> {
        let presentation = Name::parse(Field::Locator, name).map(Presentation::Vod)?;
        Ok(Self { presentation, encryption: None })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.presentation {
            Presentation::Live(channel) => write!(f, "/live/{channel}")?,
            Presentation::Vod(locator) => write!(f, "/vod/{locator}")?,
        }
        self.encryption.map_or(Ok(()), |encryption| write!(f, "/{}", encryption.name()))
    }
}

impl Route {
    /// What it is of; none where it is the box's own.
    #[must_use]
    pub fn source_mut(&mut self) -> Option<&mut Source> {
        match self {
            Self::Time | Self::Key { .. } => None,
            Self::Master { source, .. }
            | Self::Media { source, .. }
            | Self::MuxedMaster { source, .. }
            | Self::MuxedMedia { source, .. }
            | Self::MuxedSegment { source, .. }
            | Self::SmoothManifest { source, .. }
            | Self::SmoothFragment { source, .. }
            | Self::Level { source, .. }
            | Self::HdsManifest { source, .. }
            | Self::HdsBootstrap { source, .. }
            | Self::HdsFragment { source, .. }
            | Self::Manifest { source, .. }
            | Self::KeyFrames { source, .. }
            | Self::KeyFrame { source, .. }
            | Self::Subtitles { source, .. }
            | Self::Init { source, .. }
            | Self::Segment { source, .. }
            | Self::Part { source, .. }
            | Self::Start { source, .. }
            | Self::Download { source, .. }
            | Self::OnDemand { source, .. }
            | Self::File { source, .. }
            | Self::Thumbnails { source, .. }
            | Self::Sheet { source, .. } => Some(source),
        }
    }

    /// The protocols whose players ask for it. Stills of an asset are for who may see any of it.
    #[must_use]
    pub fn protocols(&self) -> &'static [Protocol] {
        match self {
            Self::Time | Self::Key { .. } => &[],
            Self::Master { .. }
            | Self::Media { .. }
            | Self::MuxedMaster { .. }
            | Self::MuxedMedia { .. }
            | Self::MuxedSegment { .. }
            | Self::KeyFrames { .. }
            | Self::Level { .. }
            | Self::Subtitles {
                file: Subtitles::Playlist(..) | Subtitles::WebVtt(_) | Subtitles::WebVttPart(..),
                ..
            } => &[Protocol::Hls],
            Self::Manifest { .. }
            | Self::OnDemand { .. }
            | Self::File { .. }
            | Self::Subtitles { file: Subtitles::Init | Subtitles::Start(_), .. } => &[Protocol::Dash],
            Self::KeyFrame { .. }
            | Self::Init { .. }
            | Self::Segment { .. }
            | Self::Part { .. }
            | Self::Start { .. } => &[Protocol::Hls, Protocol::Dash],
            Self::SmoothManifest { .. } | Self::SmoothFragment { .. } => &[Protocol::Smooth],
            Self::HdsManifest { .. } | Self::HdsBootstrap { .. } | Self::HdsFragment { .. } => {
                &[Protocol::Hds]
            }
            Self::Download { .. } => &[Protocol::Download],
            Self::Thumbnails { .. } | Self::Sheet { .. } => {
                &[Protocol::Hls, Protocol::Dash, Protocol::Smooth, Protocol::Hds, Protocol::Download]
            }
        }
    }

    /// The encryptions that there can be of it.
    #[must_use]
    pub fn encryptions(&self) -> &'static [Encryption] {
        const CENC: Encryption = Encryption::Common(Scheme::Cenc);
        const CBCS: Encryption = Encryption::Common(Scheme::Cbcs);
        match self {
            Self::MuxedMaster { .. }
            | Self::MuxedMedia { .. }
            | Self::MuxedSegment { .. }
            | Self::Level { level: Level { playlist: Playlist::Muxed, .. }, .. } => &[Encryption::Envelope],
            // A part has no end that could be padded.
            Self::Manifest { .. } | Self::Part { .. } => &[CENC, CBCS],
            Self::SmoothManifest { .. } | Self::SmoothFragment { .. } => &[CENC],
            Self::Master { .. }
            | Self::Media { .. }
            | Self::Level { .. }
            | Self::KeyFrames { .. }
            | Self::KeyFrame { .. }
            | Self::Init { .. }
            | Self::Segment { .. }
            | Self::Start { .. } => &Encryption::ALL,
            _ => &[],
        }
    }

    /// Whether players begin with it.
    #[must_use]
    pub fn is_entrance(&self) -> bool {
        matches!(
            self,
            Self::Master { .. }
                | Self::MuxedMaster { .. }
                | Self::SmoothManifest { .. }
                | Self::HdsManifest { .. }
                | Self::Manifest { .. }
        )
    }
}

/// Where a content key is had.
#[must_use]
pub fn key_path(name: &str, token: Option<&Token>) -> String {
    let name = Name(name.to_owned());
    Route::Key { name, token: token.cloned() }.to_string()
}

#[cfg(test)]
mod tests;
