//! The Media Playlist of one track.

use std::fmt::{self, Write as _};

use media::{Break, Kind, LayoutId, Track, Window};

use super::{breaks, greatest_part_target, part_target, target_duration};
use crate::{
    Error,
    filter::Shown,
    listing::{Body, Line, lines},
    route::Skip,
    text::{Query, Seconds, Utc, micros, push_number, push_seconds},
};

/// Every how many segments a PROGRAM-DATE-TIME stands; it depends on the number alone, so that a segment's tags
/// stay as they are while the playlist moves. A delta update keeps at least six Target Durations, hence one.
const DATE_EVERY: u64 = 4;

/// Target Durations for which parts stay listed (RFC 8216bis, 6.2.2).
const PARTS_FOR: u64 = 3;

/// Target Durations of the Skip Boundary (RFC 8216bis, 4.4.3.8).
const SKIP_BOUNDARY: u64 = 6;

/// Discontinuity tags between two neighbours, at the most: as many as their sequence numbers differ.
const MOST_DISCONTINUITIES: u32 = 16;

/// What the viewer asked for and what the operator allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediaOptions<'a> {
    /// Parts, preload hints, blocking reload and delta updates; without them a plain playlist of whole segments. Under a
    /// filter's live back-off there are no parts and no hints.
    pub low_latency: bool,
    /// The viewer's `_HLS_skip`.
    pub skip: Option<Skip>,
    /// Once ended it never changes, and says so: EXT-X-PLAYLIST-TYPE:VOD (RFC 8216bis, 4.4.3.5). While live nothing is
    /// promised: the disk policy may take a recording's oldest part.
    pub lasting: bool,
    /// The tracks that are listed.
    pub shown: &'a Shown,
    /// The query that a rendition report's URI carries, without the `?`.
    pub query: &'a str,
    /// The lines of [`media_keys`](crate::protection::media_keys): all that is listed is encrypted so. What is encrypted as a
    /// whole has no parts.
    pub keys: &'a str,
}

static ALL: Shown = Shown::all();

impl Default for MediaOptions<'_> {
    /// A plain live playlist of a presentation with all tracks.
    fn default() -> Self {
        Self { low_latency: false, skip: None, lasting: false, shown: &ALL, query: "", keys: "" }
    }
}

/// Renders the Media Playlist of track `track` of the current layout (RFC 8216bis, 4.4.3).
///
/// Segments that are missing or marked as gaps are `EXT-X-GAP`s. PROGRAM-DATE-TIME stands on the first segment, after
/// every break and on each fourth segment: hls.js, AVPlayer and ffmpeg extrapolate between them, and a tag on
/// each would nearly double the text. URIs are relative to the playlist's own.
///
/// # Errors
/// [`Error::NoLayout`], [`Error::NoTrack`] also for a track that is not shown, [`Error::NoSegments`] where nothing can be
/// listed yet.
pub fn render_media(window: &Window, track: usize, options: &MediaOptions<'_>) -> Result<String, Error> {
    render(window, track, options, Of::Samples)
}

/// Renders the I-frame Media Playlist of a track of pictures (RFC 8216bis, 4.4.3.6): of each segment its first key frame, for
/// pictures while a viewer looks for a place. It is a plain playlist, whatever the options say of low latency.
///
/// # Errors
/// As [`render_media`]; [`Error::NoTrack`] also for sound.
pub fn render_key_frames(window: &Window, track: usize, options: &MediaOptions<'_>) -> Result<String, Error> {
    let plain = MediaOptions { low_latency: false, skip: None, ..*options };
    of_pictures(window, track, &plain, Of::KeyFrames)
}

/// Renders the Media Playlist of subtitles (RFC 8216bis, 3.1.4): of each segment and part of pictures what their captions say.
///
/// # Errors
/// As [`render_media`]; [`Error::NoTrack`] also for sound.
pub fn render_subtitles(
    window: &Window,
    pictures: usize,
    options: &MediaOptions<'_>,
) -> Result<String, Error> {
    of_pictures(window, pictures, options, Of::Subtitles)
}

fn of_pictures(window: &Window, track: usize, options: &MediaOptions<'_>, of: Of) -> Result<String, Error> {
    let layout = window.layout().ok_or(Error::NoLayout)?;
    match layout.tracks.get(track).map(Track::kind) {
        Some(Kind::Video) => render(window, track, options, of),
        _ => Err(Error::NoTrack(track)),
    }
}

/// What a playlist's segments hold.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Samples,
    KeyFrames,
    Subtitles,
}

impl Of {
    /// How its files' names end.
    fn ending(self) -> &'static str {
        match self {
            Self::Samples | Self::KeyFrames => ".m4s",
            Self::Subtitles => ".vtt",
        }
    }
}

fn render(window: &Window, track: usize, options: &MediaOptions<'_>, of: Of) -> Result<String, Error> {
    let layout = window.layout().ok_or(Error::NoLayout)?;
    let described = layout.tracks.get(track).ok_or(Error::NoTrack(track))?;
    if !options.shown.shows(layout, track) {
        return Err(Error::NoTrack(track));
    }
    let low_latency = options.low_latency && !window.ended;
    let target = target_duration(&window.grid) * 1_000_000;
    let end = end_micros(window, track, described);
    let skip_before = match options.skip {
        Some(Skip::Yes | Skip::V2) if low_latency => end.saturating_sub(SKIP_BOUNDARY * target),
        _ => 0,
    };
    let written_segments = if skip_before > 0 { 0 } else { window.history.len() };
    let parts = low_latency && options.shown.backoff == 0;
    let mut playlist = Playlist {
        breaks: if of == Of::Samples { &window.breaks } else { &[] },
        end,
        out: String::with_capacity(8192 + 48 * written_segments),
        options,
        of,
        low_latency,
        parts,
        skip_before,
        parts_from: if parts { end.saturating_sub(PARTS_FOR * target) } else { u64::MAX },
        skipped: 0,
        discontinuity: 0,
        map: None,
        date_due: true,
        first: true,
    };
    let written = lines(window, track)
        .filter(|line| match line.body {
            Body::Open(so_far) => parts && !so_far.is_empty(),
            Body::Whole(_) | Body::Gap => true,
        })
        .try_for_each(|line| playlist.line(window, described, &line))
        .and_then(|()| playlist.close(window, track, described));
    written.expect("a String takes any text");
    match playlist.out.is_empty() {
        true => Err(Error::NoSegments(track)),
        false => Ok(playlist.out),
    }
}

/// Microseconds since the epoch where the track's last part or segment ends.
fn end_micros(window: &Window, track: usize, described: &Track) -> u64 {
    let open = window.edge.get(track).and_then(|edge| edge.iter().rfind(|segment| !segment.parts.is_empty()));
    match open {
        Some(segment) => micros(segment.start + u64::from(segment.duration()), described.timescale),
        None => lines(window, track).last().map_or(0, |line| line.end_micros()),
    }
}

/// A playlist being written, and what its last line left in force.
struct Playlist<'a> {
    /// The ad breaks that it tells of.
    breaks: &'a [Break],
    /// Microseconds since the epoch where it ends.
    end: u64,
    out: String,
    options: &'a MediaOptions<'a>,
    of: Of,
    /// Blocking reload and delta updates.
    low_latency: bool,
    /// Parts and hints.
    parts: bool,
    /// Segments that end before this (microseconds since the epoch) are skipped.
    skip_before: u64,
    /// Parts of segments that end before this are not listed.
    parts_from: u64,
    /// Segments skipped and not yet told.
    skipped: u64,
    discontinuity: u32,
    map: Option<LayoutId>,
    /// The next segment begins a stretch of time of its own.
    date_due: bool,
    /// The next segment is the first that is written.
    first: bool,
}

impl Playlist<'_> {
    fn line(&mut self, window: &Window, track: &Track, line: &Line<'_>) -> fmt::Result {
        if self.out.is_empty() {
            self.header(window, track, line)?;
        }
        if line.ends_before(self.skip_before) {
            self.discontinuity = line.discontinuity;
            self.map = line.layout.or(self.map);
            self.date_due = matches!(line.body, Body::Gap);
            self.skipped += 1;
            return Ok(());
        }
        if self.skipped > 0 {
            writeln!(self.out, "#EXT-X-SKIP:SKIPPED-SEGMENTS={}", self.skipped)?;
            self.skipped = 0;
        }
        self.segment(line)
    }

    fn close(&mut self, window: &Window, index: usize, track: &Track) -> fmt::Result {
        if self.out.is_empty() {
            return Ok(());
        }
        if self.parts {
            self.hint(window, index, track)?;
        }
        if self.parts && self.of == Of::Samples {
            self.reports(window, index)?;
        }
        if window.ended { self.out.write_str("#EXT-X-ENDLIST\n") } else { Ok(()) }
    }

    fn header(&mut self, window: &Window, track: &Track, first: &Line<'_>) -> fmt::Result {
        self.discontinuity = first.discontinuity;
        let out = &mut self.out;
        let target = target_duration(&window.grid);
        // EXT-X-MAP asks for 6, EXT-X-SKIP in this playlist's delta updates for 9 (RFC 8216bis, 8).
        let version = if self.low_latency { 9 } else { 6 };
        write!(out, "#EXTM3U\n#EXT-X-VERSION:{version}\n#EXT-X-TARGETDURATION:{target}\n")?;
        if self.options.lasting && window.ended {
            out.push_str("#EXT-X-PLAYLIST-TYPE:VOD\n");
        }
        if self.of == Of::KeyFrames {
            out.push_str("#EXT-X-I-FRAMES-ONLY\n");
        }
        if self.low_latency {
            let part = part_target(&window.grid, track);
            let greatest = window.layout().map_or(part, |layout| greatest_part_target(&window.grid, layout));
            out.push_str("#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES");
            if self.parts {
                write!(out, ",PART-HOLD-BACK={}", Seconds(3 * greatest))?;
            }
            writeln!(out, ",HOLD-BACK={}.0,CAN-SKIP-UNTIL={}.0", 3 * target, SKIP_BOUNDARY * target)?;
            if self.parts {
                writeln!(out, "#EXT-X-PART-INF:PART-TARGET={}", Seconds(part))?;
            }
        }
        writeln!(out, "#EXT-X-MEDIA-SEQUENCE:{}", first.number)?;
        writeln!(out, "#EXT-X-DISCONTINUITY-SEQUENCE:{}", first.discontinuity)?;
        out.push_str("#EXT-X-INDEPENDENT-SEGMENTS\n");
        out.write_str(self.options.keys)?;
        breaks::ranges(out, self.breaks, self.end)
    }

    fn segment(&mut self, line: &Line<'_>) -> fmt::Result {
        let number = line.number;
        self.changes(line)?;
        let first = std::mem::take(&mut self.first);
        let lasts = (micros(line.span.start, line.timescale), line.end_micros());
        breaks::tags(&mut self.out, self.breaks, lasts, first)?;
        let (parts, open) = match line.body {
            Body::Whole(parts) => (parts, false),
            Body::Open(parts) => (parts, true),
            Body::Gap => {
                self.date_due = true;
                self.out.push_str("#EXT-X-GAP\n");
                (&[][..], false)
            }
        };
        let out = &mut self.out;
        if !parts.is_empty() && (open || !line.ends_before(self.parts_from)) {
            for (index, part) in (0..).zip(parts) {
                out.push_str("#EXT-X-PART:DURATION=");
                push_seconds(out, micros(u64::from(part.duration), line.timescale));
                out.push_str(",URI=\"");
                push_number(out, number, 1);
                out.push('.');
                push_number(out, index, 1);
                out.push_str(self.of.ending());
                let independent = part.independent || self.of == Of::Subtitles;
                out.push_str(if independent { "\",INDEPENDENT=YES\n" } else { "\"\n" });
            }
        }
        if !open {
            out.push_str("#EXTINF:");
            push_seconds(out, micros(u64::from(line.span.duration), line.timescale));
            out.push_str(if self.of == Of::KeyFrames { ",\ni" } else { ",\n" });
            push_number(out, number, 1);
            out.push_str(self.of.ending());
            out.push('\n');
        }
        Ok(())
    }

    /// The tags before a segment that differs from the one before it.
    fn changes(&mut self, line: &Line<'_>) -> fmt::Result {
        if line.discontinuity != self.discontinuity {
            let steps = line.discontinuity.checked_sub(self.discontinuity).unwrap_or(1);
            for _ in 0..steps.min(MOST_DISCONTINUITIES) {
                self.out.push_str("#EXT-X-DISCONTINUITY\n");
            }
            self.discontinuity = line.discontinuity;
            self.date_due = true;
        }
        let has_head = self.of != Of::Subtitles;
        if let Some(layout) = line.layout.filter(|layout| has_head && self.map != Some(*layout)) {
            writeln!(self.out, "#EXT-X-MAP:URI=\"init-{layout}.mp4\"")?;
            self.map = Some(layout);
        }
        if self.date_due || line.number.is_multiple_of(DATE_EVERY) {
            let start = Utc(media::nanos(line.span.start, line.timescale));
            writeln!(self.out, "#EXT-X-PROGRAM-DATE-TIME:{start}")?;
            self.date_due = false;
        }
        Ok(())
    }

    /// The part that comes next (RFC 8216bis, 4.4.5.3).
    fn hint(&mut self, window: &Window, index: usize, track: &Track) -> fmt::Result {
        let Some(last) = window.edge.get(index).and_then(|edge| edge.last()) else { return Ok(()) };
        let end = last.start + u64::from(last.duration());
        let complete = last.closed || end >= window.grid.segment_line(last.number + 1, track.timescale);
        let (number, part) = if complete { (last.number + 1, 0) } else { (last.number, last.parts.len()) };
        if self.options.shown.last.is_some_and(|last| number > last) {
            return Ok(());
        }
        let ending = self.of.ending();
        writeln!(self.out, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"{number}.{part}{ending}\"")
    }

    /// Where the other tracks stand (RFC 8216bis, 4.4.5.4).
    fn reports(&mut self, window: &Window, index: usize) -> fmt::Result {
        let Some(layout) = window.layout() else { return Ok(()) };
        let query = Query(self.options.query);
        for other in self.options.shown.tracks(layout).into_iter().filter(|other| *other != index) {
            if let Some((number, part)) = window.last_part(other) {
                let name = &layout.tracks[other].name;
                writeln!(
                    self.out,
                    "#EXT-X-RENDITION-REPORT:URI=\"../{name}/media.m3u8{query}\",LAST-MSN={number},LAST-PART={part}"
                )?;
            }
        }
        Ok(())
    }
}
