//! From path and query to a route.

use access::Encryption;

use super::{
    Carried, Directives, Filters, HDS, Place, Presentation, Route, SUBTITLES, Source, Subtitles, TS,
    Timeline, Token,
    field::{Field, Name, Reason, decode, index, layout_id, number},
    query::Extract,
    service,
};
use crate::Error;

/// Gives the source, or says what is wrong with its name: asked only once the rest of a path is known to be something.
type Of<'a> = &'a dyn Fn() -> Result<Source, Error>;

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
        let (first, rest) =
            path.strip_prefix('/').and_then(|path| path.split_once('/')).ok_or(Error::NotFound)?;
        if let Some(inside) = service::inside(rest) {
            return service::parse(&|| Source::vod(first), inside, query);
        }
        if first == "keys" {
            let (name, token) = (Name::parse(Field::Key, rest)?, Token::parse(query)?);
            return Ok(Self::Key { name, token });
        }
        let (name, rest) = rest.split_once('/').ok_or(Error::NotFound)?;
        let source: Of<'_> = match first {
            "live" => &|| Source::live(name),
            "vod" => &|| Source::vod(name),
            _ => return Err(Error::NotFound),
        };
        let (folder, behind) = rest.split_once('/').unwrap_or((rest, ""));
        let Some(encryption) = Encryption::named(folder) else {
            return Self::parse_below(source, rest, query);
        };
        let encrypted = || Ok(Source { encryption: Some(encryption), ..source()? });
        match Self::parse_below(&encrypted, behind, query) {
            // A track may have such a name, too.
            Err(Error::NotFound) => Self::parse_below(source, rest, query),
            route => route,
        }
    }

    fn parse_below(source: Of<'_>, rest: &str, query: &str) -> Result<Self, Error> {
        match service::inside(rest) {
            Some(inside) => service::parse(source, inside, query),
            None => Self::parse_within(source, rest, query),
        }
    }

    /// What lies below a source.
    pub(super) fn parse_within(source: Of<'_>, rest: &str, query: &str) -> Result<Self, Error> {
        let mut pieces = rest.splitn(3, '/');
        match (pieces.next().unwrap_or(""), pieces.next(), pieces.next()) {
            ("master.m3u8", None, _) => {
                Ok(Self::Master { source: source()?, carried: Carried::parse(query)? })
            }
            ("manifest.mpd", None, _) => {
                let (carried, timeline) = (Carried::parse(query)?, Timeline::parse(query)?);
                Ok(Self::Manifest { source: source()?, carried, timeline })
            }
            (file, None, _) => Self::parse_extra(source, file, query),
            (TS, Some("master.m3u8"), None) => {
                let (carried, place) = (Carried::parse(query)?, Place::Beside);
                Ok(Self::MuxedMaster { source: source()?, carried, audio_only: true, place })
            }
            (TS, Some(track), Some(file)) => Self::parse_muxed(source, track, file, query),
            (HDS, Some("manifest.f4m"), None) => {
                let filters = Filters::parse(query)?;
                Ok(Self::HdsManifest { source: source()?, filters, place: Place::Beside })
            }
            (HDS, Some(file), None) if file.ends_with(".abst") => {
                let track = Name::parse(Field::Track, file.strip_suffix(".abst").unwrap_or(file))?;
                Ok(Self::HdsBootstrap { source: source()?, track, filters: Filters::parse(query)? })
            }
            (HDS, Some(track), Some(fragment)) => {
                let number = service::f4f(fragment)?;
                let (source, track) = (source()?, Name::parse(Field::Track, track)?);
                Ok(Self::HdsFragment { source, track, number, filters: Filters::parse(query)? })
            }
            (SUBTITLES, Some(service), Some(file)) => Self::parse_subtitles(source, service, file, query),
            (track, Some(file), None) => Self::parse_file(source, track, file, query),
            _ => Err(Error::NotFound),
        }
    }

    /// What only assets have.
    fn parse_extra(source: Of<'_>, file: &str, query: &str) -> Result<Self, Error> {
        let asset = || match source()? {
            asset @ Source { presentation: Presentation::Vod(_), encryption: None } => Ok(asset),
            _ => Err(Error::NotFound),
        };
        match file {
            "download.mp4" => {
                let source = asset()?;
                let Extract { from, to, tracks } = Extract::parse(query)?;
                Ok(Self::Download { source, from, to, tracks, filters: Filters::parse(query)? })
            }
            "on-demand.mpd" => Ok(Self::OnDemand { source: asset()?, filters: Filters::parse(query)? }),
            "thumbnails.vtt" => Ok(Self::Thumbnails { source: asset()? }),
            _ => {
                let sheet = file.strip_prefix("thumbnails-").and_then(|file| file.strip_suffix(".jpg"));
                let sheet = sheet.ok_or(Error::NotFound)?;
                Ok(Self::Sheet { source: asset()?, number: index(Field::Sheet, sheet)? })
            }
        }
    }

    fn parse_muxed(source: Of<'_>, track: &str, file: &str, query: &str) -> Result<Self, Error> {
        let number = match (file, file.strip_suffix(".ts")) {
            ("media.m3u8", _) => None,
            (_, Some(stem)) => Some(number(Field::Number, stem)?),
            _ => return Err(Error::NotFound),
        };
        let (source, track) = (source()?, Name::parse(Field::Track, track)?);
        Ok(match number {
            None => Self::MuxedMedia { source, track, carried: Carried::parse(query)? },
            Some(number) => Self::MuxedSegment { source, track, number, filters: Filters::parse(query)? },
        })
    }

    fn parse_subtitles(source: Of<'_>, service: &str, file: &str, query: &str) -> Result<Self, Error> {
        let within = |end| file.strip_suffix(end);
        let file = match (file, within(".vtt"), within(".m4s").and_then(|stem| stem.strip_prefix('t'))) {
            ("media.m3u8", ..) => Subtitles::Playlist(Directives::parse(query)?, Carried::parse(query)?),
            ("init.mp4", ..) => Subtitles::Init,
            (_, Some(stem), _) => match stem.split_once('.') {
                None => Subtitles::WebVtt(number(Field::Number, stem)?),
                Some((segment, part)) => {
                    Subtitles::WebVttPart(number(Field::Number, segment)?, index(Field::Part, part)?)
                }
            },
            (_, _, Some(time)) => Subtitles::Start(number(Field::DecodeTime, time)?),
            _ => return Err(Error::NotFound),
        };
        Ok(Self::Subtitles { source: source()?, service: Name::parse(Field::Track, service)?, file })
    }

    fn parse_file(source: Of<'_>, track: &str, file: &str, query: &str) -> Result<Self, Error> {
        let names = || Ok((source()?, Name::parse(Field::Track, track)?));
        if file == "media.m3u8" {
            let (source, track) = names()?;
            let (directives, carried) = (Directives::parse(query)?, Carried::parse(query)?);
            return Ok(Self::Media { source, track, directives, carried });
        }
        if file == "iframes.m3u8" {
            let (source, track) = names()?;
            return Ok(Self::KeyFrames { source, track, carried: Carried::parse(query)? });
        }
        if let Some(layout) = file.strip_prefix("init-").and_then(|file| file.strip_suffix(".mp4")) {
            let (source, track) = names()?;
            return Ok(Self::Init { source, track, layout: layout_id(layout)? });
        }
        if let Some((first, last)) = file.strip_suffix(".mp4").and_then(|file| file.split_once('-')) {
            let (source, track) = names()?;
            let Source { presentation: Presentation::Vod(_), encryption: None } = source else {
                return Err(Error::NotFound);
            };
            let (first, last) = (number(Field::Number, first)?, number(Field::Number, last)?);
            return Ok(Self::File { source, track, first, last });
        }
        let Some(stem) = file.strip_suffix(".m4s") else { return Err(Error::NotFound) };
        let (source, track) = names()?;
        if let Some(time) = stem.strip_prefix('t') {
            return Ok(Self::Start { source, track, decode_time: number(Field::DecodeTime, time)? });
        }
        if let Some(key_frame) = stem.strip_prefix('i') {
            return Ok(Self::KeyFrame { source, track, number: number(Field::Number, key_frame)? });
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
