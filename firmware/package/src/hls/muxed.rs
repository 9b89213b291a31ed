//! HLS version 3 (RFC 8216): pictures and sound together in MPEG-TS, for players from before fragmented MP4.
//!
//! A TS segment is made of [`fragments`] segments of the timeline: number k of the segments k·n to k·n + n - 1, so media
//! sequence numbers and URIs are the same on every box. Pictures go with the first shown sound; there is an audio-only
//! variant, and [`mux`](crate::mux) says what has no place.

use std::fmt::{self, Write as _};

use media::{Break, Grid, Layout, NANOS, Track, Window};

use super::{MediaOptions, breaks, master::write_resolution};
use crate::{
    Error,
    bitrate::Bitrate,
    filter::Shown,
    listing::{Body, Line, lines},
    mux,
    text::{Query, Utc, micros, push_number, push_seconds},
};

/// A live playlist has at least so many segments: GStreamer (1.22) never finds the successor of a playlist that has only one.
const FEWEST: usize = 2;
/// Discontinuity tags between two neighbours, at the most.
const MOST_DISCONTINUITIES: u32 = 16;
/// Bits per second of tables, and for each PES packet in a second: its header and half a packet of stuffing.
const TABLES: u64 = 32_000;
const PACKET: u64 = 8 * (94 + 24);
/// Sound frames in one PES packet, and the ADTS headers of a second at 48 kHz in bits.
const TOGETHER: u64 = 4;
const ADTS: u64 = 47 * 7 * 8;

/// How many segments of the timeline a TS segment has: as many as the classic cloud live service puts together by default.
#[must_use]
pub fn fragments(grid: &Grid) -> u64 {
    match grid.segment_nanos().div_ceil(NANOS) {
        0..=3 => 3,
        4..=5 => 2,
        _ => 1,
    }
}

/// Seconds that no TS segment is longer than, rounded to the nearest (RFC 8216, 4.3.3.1).
#[must_use]
pub fn target_duration(grid: &Grid) -> u64 {
    let longer = grid.segment_nanos() * (fragments(grid) - 1);
    super::target_duration(grid) + longer.div_ceil(NANOS)
}

/// What a Multivariant Playlist depends on beside the window.
#[derive(Clone, Copy, Debug)]
pub struct MasterOptions<'a> {
    /// There is a variant of the sound alone beside the pictures.
    pub audio_only: bool,
    /// The folder that the Media Playlists lie in, as seen from the playlist: nothing, or with a slash behind it.
    pub folder: &'a str,
    /// As in [`render_master`](super::render_master).
    pub query: &'a str,
}

/// Renders the Multivariant Playlist: a variant for each shown video track with its sound, and one of the sound alone.
///
/// # Errors
/// [`Error::NoLayout`] before the first sample, [`Error::NothingShown`] where `shown` has no track that can be carried.
pub fn render_master(window: &Window, shown: &Shown, options: &MasterOptions<'_>) -> Result<String, Error> {
    let layout = window.layout().ok_or(Error::NoLayout)?;
    let (pictures, sounds) = (mux::pictures(shown, layout), mux::sounds(shown, layout));
    let alone = match (pictures.is_empty(), options.audio_only) {
        (true, _) => sounds.len(),
        (false, audio_only) => usize::from(audio_only),
    };
    let variants: Vec<_> = pictures.into_iter().chain(sounds.into_iter().take(alone)).collect();
    if variants.is_empty() {
        return Err(Error::NothingShown);
    }
    let mut out = "#EXTM3U\n#EXT-X-VERSION:3\n".to_owned();
    let written = variants.into_iter().try_for_each(|index| {
        let sound = mux::sound(shown, layout, index);
        write_variant(&mut out, window, layout, (index, sound), options)
    });
    written.expect("a String takes any text");
    Ok(out)
}

fn write_variant(
    out: &mut String,
    window: &Window,
    layout: &Layout,
    (index, sound): (usize, Option<usize>),
    options: &MasterOptions<'_>,
) -> fmt::Result {
    let track = &layout.tracks[index];
    let wrapped = |index: usize| wrapped(Bitrate::of(window, index), &layout.tracks[index]);
    let peak = wrapped(index) + sound.map_or(0, wrapped) + TABLES;
    write!(out, "#EXT-X-STREAM-INF:BANDWIDTH={peak},CODECS=\"{}", track.rfc6381())?;
    if let Some(sound) = sound {
        write!(out, ",{}", layout.tracks[sound].rfc6381())?;
    }
    out.push('"');
    write_resolution(out, track)?;
    writeln!(out, "\n{}{}/media.m3u8{}", options.folder, track.name, Query(options.query))
}

/// Bits per second of a track's costliest segment in MPEG-TS: 4 bytes of each 188 are the packets' own.
fn wrapped(bitrate: Bitrate, track: &Track) -> u64 {
    let own = match track.codec.pictures() {
        Some(pictures) => u64::from(pictures.rate.num().div_ceil(pictures.rate.den())) * PACKET,
        None => ADTS + 47_u64.div_ceil(TOGETHER) * PACKET,
    };
    (bitrate.peak + own) * 188 / 184
}

/// Whether the window has what a Media Playlist of track `track` of the current layout needs.
#[must_use]
pub fn is_listed(window: &Window, track: usize) -> bool {
    is_enough(window, &groups(window, track))
}

fn is_enough(window: &Window, groups: &[Group]) -> bool {
    groups.len() >= if window.ended { 1 } else { FEWEST }
}

/// Renders the Media Playlist of track `track` of the current layout. Of the options those for low latency do not matter;
/// the query is what the segments' URIs carry, as filters choose the sound.
///
/// A TS segment is listed once its last segment is whole. One of which nothing is left, or nothing was ever recorded, keeps
/// its number and its time as an `EXT-X-GAP` (RFC 8216bis, 4.4.4.7), which older players take for a segment that cannot be had.
///
/// # Errors
/// [`Error::NoLayout`], [`Error::NoTrack`] also for a track that is not shown or cannot be carried, [`Error::NoSegments`] where
/// nothing can be listed yet.
pub fn render_media(window: &Window, track: usize, options: &MediaOptions<'_>) -> Result<String, Error> {
    let layout = window.layout().ok_or(Error::NoLayout)?;
    let described = layout.tracks.get(track).filter(|described| mux::carries(described));
    if described.is_none() || !options.shown.shows(layout, track) {
        return Err(Error::NoTrack(track));
    }
    let groups = groups(window, track);
    let first = groups.first().filter(|_| is_enough(window, &groups)).ok_or(Error::NoSegments(track))?;
    let mut out = String::with_capacity(256 + 48 * groups.len());
    let written = header(&mut out, window, first, options)
        .and_then(|()| breaks::ranges(&mut out, &window.breaks, groups.last().map_or(0, |last| last.to)))
        .and_then(|()| list(&mut out, &groups, &window.breaks, &Query(options.query)))
        .and_then(|()| if window.ended { out.write_str("#EXT-X-ENDLIST\n") } else { Ok(()) });
    written.expect("a String takes any text");
    Ok(out)
}

fn header(out: &mut String, window: &Window, first: &Group, options: &MediaOptions<'_>) -> fmt::Result {
    let target = target_duration(&window.grid);
    write!(out, "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:{target}\n")?;
    if options.lasting && window.ended {
        out.push_str("#EXT-X-PLAYLIST-TYPE:VOD\n");
    }
    writeln!(out, "#EXT-X-MEDIA-SEQUENCE:{}", first.number)?;
    writeln!(out, "#EXT-X-DISCONTINUITY-SEQUENCE:{}", first.discontinuity)?;
    out.write_str(options.keys)
}

fn list(out: &mut String, groups: &[Group], breaks: &[Break], query: &Query<'_>) -> fmt::Result {
    let (mut discontinuity, mut date_due) = (groups.first().map_or(0, |group| group.discontinuity), true);
    for (nth, group) in groups.iter().enumerate() {
        let steps = group.discontinuity.saturating_sub(discontinuity).min(MOST_DISCONTINUITIES);
        (0..steps).for_each(|_| out.push_str("#EXT-X-DISCONTINUITY\n"));
        discontinuity = group.discontinuity;
        if date_due || steps > 0 {
            writeln!(out, "#EXT-X-PROGRAM-DATE-TIME:{}", Utc(group.from * 1000))?;
        }
        date_due = group.gap;
        breaks::tags(out, breaks, (group.from, group.to), nth == 0)?;
        if group.gap {
            out.push_str("#EXT-X-GAP\n");
        }
        out.push_str("#EXTINF:");
        push_seconds(out, group.to.saturating_sub(group.from));
        out.push_str(",\n");
        push_number(out, group.number, 1);
        writeln!(out, ".ts{query}")?;
    }
    Ok(())
}

/// What one TS segment is made of.
#[derive(Clone, Copy, Debug)]
struct Group {
    number: u64,
    /// Of its last segment.
    discontinuity: u32,
    /// Microseconds since the epoch.
    from: u64,
    to: u64,
    /// It has nothing but gaps.
    gap: bool,
    /// Number of its first and of its last listed segment.
    first: u64,
    last: u64,
}

/// The TS segments of a track, oldest first. One whose beginning has left a live window is not listed any more; at the edge it
/// is not listed yet.
fn groups(window: &Window, track: usize) -> Vec<Group> {
    let together = fragments(&window.grid);
    let mut groups: Vec<Group> = Vec::new();
    for line in lines(window, track).filter(|line| !matches!(line.body, Body::Open(_))) {
        let own = Group::of(&line, together);
        match groups.last_mut() {
            Some(group) if group.number == own.number => {
                (group.discontinuity, group.to, group.last) = (own.discontinuity, own.to, own.last);
                group.gap &= own.gap;
            }
            _ => groups.push(own),
        }
    }
    if !window.ended {
        let begins = |group: &Group| group.first.is_multiple_of(together);
        let ends = |group: &Group| (group.last + 1).is_multiple_of(together);
        groups.retain(|group| begins(group) && ends(group));
    }
    groups
}

impl Group {
    fn of(line: &Line<'_>, together: u64) -> Self {
        Self {
            number: line.number / together,
            discontinuity: line.discontinuity,
            from: micros(line.span.start, line.timescale),
            to: line.end_micros(),
            gap: matches!(line.body, Body::Gap),
            first: line.number,
            last: line.number,
        }
    }
}
