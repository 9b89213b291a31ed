//! The client manifest (SSTR, 2.2.2).

use std::fmt::{self, Write as _};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use media::{Break, Codec, Kind, Layout, Track, Window, signal::SPLICE};

use super::{BREAKS, Fragment, LOOK_AHEAD, Stream, TIMESCALE, fragments, streams};
use crate::{
    Error,
    filter::Shown,
    text::{Attribute, Hex},
};

/// What a client manifest says beside its fragments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options<'a> {
    /// Runs of fragments that last as long are one line with `r`: version 2.2. Without, version 2.0.
    pub repeats: bool,
    /// Nanoseconds that a viewer can go back; none for all there is.
    pub reach: Option<u64>,
    /// The element of [`protection_header`](crate::protection::protection_header): everything is encrypted so.
    pub protection: &'a str,
}

/// Renders the client manifest: live, or on demand once the window has ended.
///
/// # Errors
/// [`Error::NoLayout`] before the first sample, [`Error::NothingShown`] where `shown` has no track that can be carried,
/// [`Error::NoSegments`] where nothing can be listed yet.
pub fn render(window: &Window, shown: &Shown, options: &Options<'_>) -> Result<String, Error> {
    let layout = window.layout().ok_or(Error::NoLayout)?;
    let streams = streams(layout, shown);
    let first = streams.first().ok_or(Error::NothingShown)?.levels[0].1;
    let listed = |stream: &Stream| {
        let mut fragments = fragments(window, stream.levels[0].1);
        if !window.ended {
            fragments.truncate(fragments.len().saturating_sub(LOOK_AHEAD));
        }
        fragments
    };
    let streams: Vec<_> = streams.iter().map(|stream| (stream, listed(stream))).collect();
    if streams.iter().any(|(_, fragments)| fragments.is_empty()) {
        return Err(Error::NoSegments(first));
    }
    let mut out = String::with_capacity(4096);
    write(&mut out, window, layout, &streams, options).expect("a String takes any text");
    Ok(out)
}

fn write(
    out: &mut String,
    window: &Window,
    layout: &Layout,
    streams: &[(&Stream, Vec<Fragment>)],
    options: &Options<'_>,
) -> fmt::Result {
    let minor = if options.repeats { 2 } else { 0 };
    out.push_str("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
    write!(
        out,
        "<SmoothStreamingMedia MajorVersion=\"2\" MinorVersion=\"{minor}\" TimeScale=\"{TIMESCALE}\""
    )?;
    if window.ended {
        let begin = streams.iter().filter_map(|(_, fragments)| fragments.first()).map(|first| first.start);
        let end = streams.iter().filter_map(|(_, fragments)| fragments.last());
        let end = end.map(|last| last.start + last.duration).max().unwrap_or(0);
        writeln!(out, " Duration=\"{}\">", end - begin.min().unwrap_or(end))?;
    } else {
        let reach = options.reach.map_or(0, |reach| reach / 100);
        // Some players know the one name, some the other.
        write!(out, " Duration=\"0\" IsLive=\"TRUE\" LookAheadFragmentCount=\"{LOOK_AHEAD}\"")?;
        writeln!(
            out,
            " LookaheadCount=\"{LOOK_AHEAD}\" DVRWindowLength=\"{reach}\" CanSeek=\"TRUE\" CanPause=\"TRUE\">"
        )?;
    }
    out.push_str(options.protection);
    for (stream, fragments) in streams {
        write_stream(out, layout, stream, fragments, options)?;
    }
    if let Some(parent) = streams.first().filter(|_| !window.breaks.is_empty()) {
        write_breaks(out, &window.breaks, &parent.0.name)?;
    }
    out.write_str("</SmoothStreamingMedia>\n")
}

/// The sparse stream of ad breaks, with its fragments in the manifest itself (SSTR, 2.2.2.4 and 2.2.2.6; its `Attribute` as
/// the classic cloud live service has it).
fn write_breaks(out: &mut String, breaks: &[Break], parent: &str) -> fmt::Result {
    write!(out, "  <StreamIndex Type=\"text\" Subtype=\"DATA\" Name=\"{BREAKS}\" QualityLevels=\"1\"")?;
    write!(out, " Chunks=\"{}\" ParentStreamIndex=\"{}\"", breaks.len(), Attribute(parent))?;
    writeln!(
        out,
        " ManifestOutput=\"TRUE\" Url=\"QualityLevels({{bitrate}})/Fragments({BREAKS}={{start time}})\">"
    )?;
    out.push_str("    <QualityLevel Index=\"0\" Bitrate=\"0\" FourCC=\"DATA\" CodecPrivateData=\"\">\n");
    write!(out, "      <CustomAttributes><Attribute Name=\"Scheme\" Value=\"{SPLICE}\"/>")?;
    out.push_str("</CustomAttributes>\n    </QualityLevel>\n");
    for shown in breaks {
        let message = BASE64_STANDARD.encode(&shown.out);
        let Fragment { start, duration, .. } = Fragment::of_break(shown);
        writeln!(out, "    <c t=\"{start}\" d=\"{duration}\"><f>{message}</f></c>")?;
    }
    out.write_str("  </StreamIndex>\n")
}

fn write_stream(
    out: &mut String,
    layout: &Layout,
    stream: &Stream,
    fragments: &[Fragment],
    options: &Options<'_>,
) -> fmt::Result {
    let (name, levels) = (Attribute(&stream.name), stream.levels.len());
    let first = &layout.tracks[stream.levels[0].1];
    let kind = match first.kind() {
        Kind::Video => "video",
        Kind::Audio => "audio",
    };
    write!(out, "  <StreamIndex Type=\"{kind}\" Name=\"{name}\" QualityLevels=\"{levels}\"")?;
    write!(out, " Chunks=\"{}\"", fragments.len())?;
    if let Some(language) = &first.language {
        write!(out, " Language=\"{}\"", Attribute(language))?;
    }
    let sizes = stream.levels.iter().filter_map(|(_, index)| layout.tracks[*index].codec.pictures());
    if let Some(largest) = sizes.max_by_key(|pictures| pictures.height) {
        let (width, height) = (largest.width, largest.height);
        write!(
            out,
            " MaxWidth=\"{width}\" MaxHeight=\"{height}\" DisplayWidth=\"{width}\" DisplayHeight=\"{height}\""
        )?;
    }
    writeln!(out, " Url=\"QualityLevels({{bitrate}})/Fragments({name}={{start time}})\">")?;
    for (nth, (bitrate, index)) in stream.levels.iter().enumerate() {
        write_level(out, nth, *bitrate, &layout.tracks[*index])?;
    }
    write_chunks(out, fragments, options.repeats)?;
    out.write_str("  </StreamIndex>\n")
}

fn write_level(out: &mut String, nth: usize, bitrate: u32, track: &Track) -> fmt::Result {
    write!(out, "    <QualityLevel Index=\"{nth}\" Bitrate=\"{bitrate}\"")?;
    match &track.codec {
        Codec::H264 { width, height, .. } | Codec::H265 { width, height, .. } => {
            write!(out, " FourCC=\"H264\" MaxWidth=\"{width}\" MaxHeight=\"{height}\" CodecPrivateData=\"")?;
            for set in track.codec.parameter_sets().unwrap_or_default() {
                write!(out, "00000001{}", Hex(set))?;
            }
        }
        Codec::Aac { config, sample_rate, channels } => {
            write!(out, " FourCC=\"AACL\" SamplingRate=\"{sample_rate}\" Channels=\"{channels}\"")?;
            out.push_str(" BitsPerSample=\"16\" PacketSize=\"4\" AudioTag=\"255\" CodecPrivateData=\"");
            write!(out, "{}", Hex(config))?;
        }
    }
    out.write_str("\"/>\n")
}

/// Only the first fragment says when it begins: one that is followed by a hole is said to last until the next begins
/// (SSTR, 2.2.2.6), as players reckon where the live edge is from the sum of the durations.
fn write_chunks(out: &mut String, fragments: &[Fragment], repeats: bool) -> fmt::Result {
    let ends = fragments.iter().skip(1).map(|next| next.start);
    let ends = ends.chain(fragments.last().map(|last| last.start + last.duration));
    let lasts: Vec<_> = fragments.iter().zip(ends).map(|(fragment, end)| end - fragment.start).collect();
    let mut begin = fragments.first().map(|first| first.start);
    for alike in lasts.chunk_by(|one, next| repeats && one == next) {
        out.push_str("    <c");
        if let Some(begin) = begin.take() {
            write!(out, " t=\"{begin}\"")?;
        }
        write!(out, " d=\"{}\"", alike[0])?;
        if alike.len() > 1 {
            write!(out, " r=\"{}\"", alike.len())?;
        }
        out.push_str("/>\n");
    }
    Ok(())
}
