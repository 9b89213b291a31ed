//! The Multivariant Playlist.

use std::fmt::{self, Write as _};

use media::{Captions, Codec, FrameRate, Kind, Layout, Pictures, Track, Window};

use crate::{
    Error,
    bitrate::Bitrate,
    filter::Shown,
    text::{Query, Quoted},
};

/// What a Multivariant Playlist depends on beside the window.
#[derive(Clone, Copy, Debug, Default)]
pub struct MasterOptions<'a> {
    /// The text after a `?`, or nothing: what its URIs carry on to the Media Playlists, so that these have the same filters.
    pub query: &'a str,
    /// The lines of [`session_keys`](crate::protection::session_keys) and of [`Hints`](crate::hints::Hints).
    pub lines: &'a str,
    /// Captions that are given as subtitles, too, are listed.
    pub subtitles: bool,
}

/// Renders the Multivariant Playlist (RFC 8216bis, 4.4.6): a variant per shown video track, all shown audio in one group.
///
/// Without video, each audio track is a variant. URIs are relative to the playlist's own.
///
/// # Errors
/// [`Error::NoLayout`] before the first sample, [`Error::NothingShown`] where `shown` has no track of the current layout.
pub fn render_master(window: &Window, shown: &Shown, options: &MasterOptions<'_>) -> Result<String, Error> {
    let layout = window.layout().ok_or(Error::NoLayout)?;
    let tracks = shown.tracks(layout);
    if tracks.is_empty() {
        return Err(Error::NothingShown);
    }
    let mut out = String::with_capacity(1024);
    // EXT-X-MEDIA and its GROUP-IDs ask for version 4; the media playlists say what they need themselves.
    out.push_str("#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-INDEPENDENT-SEGMENTS\n");
    out.push_str(options.lines);
    write(&mut out, window, layout, &tracks, options).expect("a String takes any text");
    Ok(out)
}

fn write(
    out: &mut String,
    window: &Window,
    layout: &Layout,
    tracks: &[usize],
    options: &MasterOptions<'_>,
) -> fmt::Result {
    let query = Query(options.query);
    let of_kind = |kind| {
        let tracks = tracks.iter().map(|&index| (index, &layout.tracks[index]));
        tracks.filter(move |(_, track): &(usize, &Track)| track.kind() == kind)
    };
    let with_video = of_kind(Kind::Video).next().is_some();
    if !with_video {
        return of_kind(Kind::Audio).try_for_each(|(index, track)| {
            write_variant(out, track, Bitrate::of(window, index), (&[], false), &query)
        });
    }
    let audio: Vec<&Track> = of_kind(Kind::Audio).map(|(_, track)| track).collect();
    for (nth, track) in audio.iter().enumerate() {
        write_audio(out, track, nth == 0, &query)?;
    }
    let captions = of_kind(Kind::Video).next().map_or(&[][..], |(_, track)| &track.captions);
    captions.iter().try_for_each(|captions| write_captions(out, captions))?;
    let subtitles = || captions.iter().filter(|captions| captions.subtitles && options.subtitles);
    subtitles().try_for_each(|captions| write_subtitles(out, captions, &query))?;
    let has_subtitles = subtitles().next().is_some();
    // A client plays one audio track beside the video: the costliest counts.
    let costliest = of_kind(Kind::Audio).map(|(index, _)| Bitrate::of(window, index));
    let costliest = costliest.max_by_key(|bitrate| bitrate.peak).unwrap_or_default();
    of_kind(Kind::Video).try_for_each(|(index, track)| {
        let groups = (&audio[..], has_subtitles);
        write_variant(out, track, Bitrate::of(window, index).plus(costliest), groups, &query)
    })?;
    of_kind(Kind::Video).try_for_each(|(index, track)| {
        write_key_frames(out, track, Bitrate::of_key_frames(window, index), &query)
    })
}

/// A playlist of pictures to be seen while a viewer looks for a place (RFC 8216bis, 4.4.6.3).
fn write_key_frames(out: &mut String, track: &Track, peak: u64, query: &Query<'_>) -> fmt::Result {
    write!(out, "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH={peak},CODECS=\"{}\"", track.rfc6381())?;
    if let Some(Pictures { width, height, .. }) = track.codec.pictures() {
        write!(out, ",RESOLUTION={width}x{height}")?;
    }
    writeln!(out, ",URI=\"{}/iframes.m3u8{query}\"", Quoted(&track.name))
}

fn write_audio(out: &mut String, track: &Track, default: bool, query: &Query<'_>) -> fmt::Result {
    write!(out, "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"{}\"", Quoted(&track.name))?;
    if let Some(language) = &track.language {
        write!(out, ",LANGUAGE=\"{}\"", Quoted(language))?;
    }
    write!(out, ",DEFAULT={},AUTOSELECT=YES", if default { "YES" } else { "NO" })?;
    if let Codec::Aac { channels, .. } = track.codec {
        write!(out, ",CHANNELS=\"{channels}\"")?;
    }
    writeln!(out, ",URI=\"{}/media.m3u8{query}\"", Quoted(&track.name))
}

fn write_captions(out: &mut String, captions: &Captions) -> fmt::Result {
    let service = Quoted(&captions.service);
    write!(out, "#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"captions\",NAME=\"{service}\"")?;
    if let Some(language) = &captions.language {
        write!(out, ",LANGUAGE=\"{}\"", Quoted(language))?;
    }
    writeln!(out, ",DEFAULT=NO,AUTOSELECT=YES,INSTREAM-ID=\"{service}\"")
}

/// Captions as WebVTT, for players that do not look into pictures.
fn write_subtitles(out: &mut String, captions: &Captions, query: &Query<'_>) -> fmt::Result {
    let service = Quoted(&captions.service);
    write!(out, "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"subtitles\",NAME=\"{service}\"")?;
    if let Some(language) = &captions.language {
        write!(out, ",LANGUAGE=\"{}\"", Quoted(language))?;
    }
    writeln!(out, ",DEFAULT=NO,AUTOSELECT=YES,FORCED=NO,URI=\"subtitles/{service}/media.m3u8{query}\"")
}

/// Beside it `audio`, and subtitles or none.
fn write_variant(
    out: &mut String,
    track: &Track,
    bitrate: Bitrate,
    (audio, subtitles): (&[&Track], bool),
    query: &Query<'_>,
) -> fmt::Result {
    let Bitrate { average, peak } = bitrate;
    write!(out, "#EXT-X-STREAM-INF:BANDWIDTH={peak},AVERAGE-BANDWIDTH={average}")?;
    let mut codecs = track.rfc6381();
    for codec in audio.iter().map(|track| track.rfc6381()) {
        if !codecs.split(',').any(|listed| listed == codec) {
            codecs.push(',');
            codecs.push_str(&codec);
        }
    }
    write!(out, ",CODECS=\"{codecs}\"")?;
    write_resolution(out, track)?;
    // Where none are named there may be some all the same: what the input has comes through.
    if !track.captions.is_empty() {
        out.push_str(",CLOSED-CAPTIONS=\"captions\"");
    }
    if !audio.is_empty() {
        out.push_str(",AUDIO=\"audio\"");
    }
    if subtitles {
        out.push_str(",SUBTITLES=\"subtitles\"");
    }
    writeln!(out, "\n{}/media.m3u8{query}", track.name)
}

/// Size and rate of a variant's pictures; nothing for sound.
pub(super) fn write_resolution(out: &mut String, track: &Track) -> fmt::Result {
    let Some(Pictures { width, height, rate }) = track.codec.pictures() else { return Ok(()) };
    write!(out, ",RESOLUTION={width}x{height},FRAME-RATE={}", Thousandths(rate))
}

/// A frame rate rounded to three decimals (RFC 8216bis, 4.4.6.2): `29.970`.
struct Thousandths(FrameRate);

impl fmt::Display for Thousandths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (num, den) = (u64::from(self.0.num()), u64::from(self.0.den()));
        let thousandths = (num * 1000 + den / 2) / den;
        write!(f, "{}.{:03}", thousandths / 1000, thousandths % 1000)
    }
}
