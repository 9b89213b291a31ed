//! The Multivariant Playlist.

use std::fmt::{self, Write as _};

use media::{Codec, FrameRate, Kind, Layout, Track, Window};

use crate::{Error, bitrate::Bitrate, text::Quoted};

/// Renders the Multivariant Playlist (RFC 8216bis, 4.4.6): a variant per video track, all audio in one group.
///
/// Without video, each audio track is a variant. URIs are relative to `/live/{channel}/master.m3u8`.
///
/// # Errors
/// [`Error::NoLayout`] before the first sample.
pub fn render_master(window: &Window) -> Result<String, Error> {
    let layout = window.layout().ok_or(Error::NoLayout)?;
    let mut out = String::with_capacity(1024);
    write(&mut out, window, layout).expect("a String takes any text");
    Ok(out)
}

fn write(out: &mut String, window: &Window, layout: &Layout) -> fmt::Result {
    // EXT-X-MEDIA and its GROUP-IDs ask for version 4; the media playlists say what they need themselves.
    out.push_str("#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-INDEPENDENT-SEGMENTS\n");
    let of_kind = |kind| {
        layout.tracks.iter().enumerate().filter(move |(_, track): &(usize, &Track)| track.kind() == kind)
    };
    let with_video = of_kind(Kind::Video).next().is_some();
    if !with_video {
        return of_kind(Kind::Audio)
            .try_for_each(|(index, track)| write_variant(out, track, Bitrate::of(window, index), &[]));
    }
    let audio: Vec<&Track> = of_kind(Kind::Audio).map(|(_, track)| track).collect();
    for (nth, track) in audio.iter().enumerate() {
        write_audio(out, track, nth == 0)?;
    }
    // A client plays one audio track beside the video: the costliest counts.
    let costliest = of_kind(Kind::Audio).map(|(index, _)| Bitrate::of(window, index));
    let costliest = costliest.max_by_key(|bitrate| bitrate.peak).unwrap_or_default();
    of_kind(Kind::Video).try_for_each(|(index, track)| {
        write_variant(out, track, Bitrate::of(window, index).plus(costliest), &audio)
    })
}

fn write_audio(out: &mut String, track: &Track, default: bool) -> fmt::Result {
    write!(out, "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"{}\"", Quoted(&track.name))?;
    if let Some(language) = &track.language {
        write!(out, ",LANGUAGE=\"{}\"", Quoted(language))?;
    }
    write!(out, ",DEFAULT={},AUTOSELECT=YES", if default { "YES" } else { "NO" })?;
    if let Codec::Aac { channels, .. } = track.codec {
        write!(out, ",CHANNELS=\"{channels}\"")?;
    }
    writeln!(out, ",URI=\"{}/media.m3u8\"", Quoted(&track.name))
}

fn write_variant(out: &mut String, track: &Track, bitrate: Bitrate, audio: &[&Track]) -> fmt::Result {
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
    if let Codec::H264 { width, height, rate, .. } = track.codec {
        write!(out, ",RESOLUTION={width}x{height},FRAME-RATE={}", Thousandths(rate))?;
        out.push_str(",CLOSED-CAPTIONS=NONE");
    }
    if !audio.is_empty() {
        out.push_str(",AUDIO=\"audio\"");
    }
    writeln!(out, "\n{}/media.m3u8", track.name)
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
