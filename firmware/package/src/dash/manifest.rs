//! The MPD's text.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
};

use bytes::Bytes;
use media::{Break, Captions, Codec, Kind, Layout, Span, Track, Window};

use super::{
    File, Options, Zero, breaks, listed_through,
    period::{Stretch, stretches},
};
use crate::{
    Error,
    bitrate::Bitrate,
    filter::Shown,
    text::{Attribute, Duration, Exact, Seconds, Utc},
};

/// Renders the MPD: dynamic, or static once the window has ended.
///
/// `now` is nanoseconds since the epoch. Addresses are relative to the manifest's own.
///
/// # Errors
/// [`Error::NoLayout`] before the first sample, [`Error::NothingShown`] where `shown` has no track of the current layout,
/// [`Error::NoSegments`] where nothing can be listed yet.
pub fn render(window: &Window, shown: &Shown, now: u64, options: &Options<'_>) -> Result<String, Error> {
    let layout = window.layout().ok_or(Error::NoLayout)?;
    let first = *shown.tracks(layout).first().ok_or(Error::NothingShown)?;
    let options = &options.behind(shown, &window.grid);
    let stretches = listed(window, shown, listed_through(window, shown, options));
    let extents = stretches.iter().flat_map(|(.., tracks)| tracks).map(|track| track.extent);
    let extent = extents.reduce(Extent::with).ok_or(Error::NoSegments(first))?;
    let zero = options.zero.nanos(extent.from);
    let periods = periods(window, stretches, zero);
    let mut mpd = Mpd { out: String::with_capacity(4096), window, options, zero };
    let written = mpd.open(now, extent).and_then(|()| {
        periods.iter().try_for_each(|period| mpd.period(period))?;
        if !window.ended {
            write!(mpd.out, "  {UTC_TIMING}")?;
        }
        mpd.out.write_str("</MPD>\n")
    });
    written.expect("a String takes any text");
    Ok(mpd.out)
}

/// Where clients get the box's time of day (DASH, 5.8.4.11).
const UTC_TIMING: &str = "<UTCTiming schemeIdUri=\"urn:mpeg:dash:utc:http-iso:2014\" value=\"/time\"/>\n";

/// The first set of subtitles.
const SUBTITLES: u32 = 128;
/// Bits per second of subtitles: what CEA-608 carries, four times over for times and places.
const BANDWIDTH: u32 = 4 * 960;

struct Period<'a> {
    id: String,
    layout: &'a Layout,
    tracks: Vec<Timeline>,
    /// Nanoseconds since the epoch where its media time begins.
    start: u64,
    /// Nothing follows it.
    current: bool,
    /// The ad breaks that begin in it; in the first one those from before, too.
    breaks: Vec<&'a Break>,
}

/// A stretch with its layout and what its tracks list.
type Listed<'a> = (Stretch, &'a Layout, Vec<Timeline>);

/// The stretches that have something to list.
fn listed<'a>(window: &'a Window, shown: &Shown, through: Option<u64>) -> Vec<Listed<'a>> {
    let timelines = |stretch: Stretch| {
        let layout: &Layout = window.layout_by_id(stretch.layout)?;
        let tracks = timelines(window, layout, shown, &stretch, through);
        (!tracks.is_empty()).then_some((stretch, layout, tracks))
    };
    stretches(window).into_iter().filter_map(timelines).collect()
}

/// A Period for each stretch.
fn periods<'a>(window: &'a Window, stretches: Vec<Listed<'a>>, zero: u64) -> Vec<Period<'a>> {
    let mut periods: Vec<Period<'a>> = Vec::new();
    for (stretch, layout, tracks) in stretches {
        let Some(extent) = tracks.iter().map(|track| track.extent).reduce(Extent::with) else { continue };
        let start = match periods.is_empty() {
            true if window.ended => extent.from.max(zero),
            true => zero,
            false => stretch.line_nanos(window).max(zero),
        };
        periods.push(Period {
            id: stretch.to_string(),
            layout,
            tracks,
            start,
            current: stretch.is_current(),
            breaks: Vec::new(),
        });
    }
    for shown in &*window.breaks {
        let later = |period: &Period<'_>| period.start > shown.from;
        let at = periods.iter().skip(1).position(later).unwrap_or(periods.len().saturating_sub(1));
        if let Some(period) = periods.get_mut(at) {
            period.breaks.push(shown);
        }
    }
    periods
}

/// The SegmentTimeline of one track that has segments.
struct Timeline {
    index: usize,
    text: String,
    extent: Extent,
    /// Decode times where the first segment and where the last one begin.
    ticks: (u64, u64),
    /// How many segments.
    count: usize,
}

/// A stretch of time in nanoseconds since the epoch.
#[derive(Clone, Copy)]
struct Extent {
    from: u64,
    to: u64,
}

impl Extent {
    fn with(self, other: Self) -> Self {
        Self { from: self.from.min(other.from), to: self.to.max(other.to) }
    }
}

fn timelines(
    window: &Window,
    layout: &Layout,
    shown: &Shown,
    stretch: &Stretch,
    through: Option<u64>,
) -> Vec<Timeline> {
    let of = |index: usize| {
        let track = &layout.tracks[index];
        let mut list = SegmentList::default();
        let written = stretch.spans(window, layout, index, through, |span| list.push(span));
        written.and_then(|()| list.flush()).expect("a String takes any text");
        let nanos = |ticks| media::nanos(ticks, track.timescale);
        let ticks = (list.first?, list.last);
        let extent = Extent { from: nanos(ticks.0), to: nanos(list.next) };
        Some(Timeline { index, text: list.out, extent, ticks, count: list.count })
    };
    shown.tracks(layout).into_iter().filter_map(of).collect()
}

/// `S` elements being written: equal neighbours share one, a jump begins anew with `@t` (DASH, 5.3.9.6).
#[derive(Default)]
struct SegmentList {
    out: String,
    first: Option<u64>,
    count: usize,
    /// Where the last one begins.
    last: u64,
    /// Where the last one ends.
    next: u64,
    /// Start (after a jump), duration and how many follow it.
    run: Option<(Option<u64>, u32, u32)>,
}

impl SegmentList {
    fn push(&mut self, span: Span) -> fmt::Result {
        let follows = self.first.is_some() && span.start == self.next;
        match &mut self.run {
            Some((_, duration, repeat)) if follows && *duration == span.duration => *repeat += 1,
            _ => {
                self.flush()?;
                self.run = Some(((!follows).then_some(span.start), span.duration, 0));
            }
        }
        self.first.get_or_insert(span.start);
        (self.count, self.last) = (self.count + 1, span.start);
        self.next = span.start + u64::from(span.duration);
        Ok(())
    }

    fn flush(&mut self) -> fmt::Result {
        let Some((start, duration, repeat)) = self.run.take() else { return Ok(()) };
        self.out.push_str("<S");
        if let Some(start) = start {
            write!(self.out, " t=\"{start}\"")?;
        }
        write!(self.out, " d=\"{duration}\"")?;
        if repeat > 0 {
            write!(self.out, " r=\"{repeat}\"")?;
        }
        self.out.write_str("/>")
    }
}

/// A manifest being written.
struct Mpd<'a> {
    out: String,
    window: &'a Window,
    options: &'a Options<'a>,
    /// Nanoseconds since the epoch of presentation time zero.
    zero: u64,
}

impl Mpd<'_> {
    fn open(&mut self, now: u64, Extent { from, to }: Extent) -> fmt::Result {
        let segment = self.window.grid.segment_nanos();
        let latency = u64::from(self.options.latency_ms);
        let (live, zero) = (!self.window.ended, self.zero);
        let out = &mut self.out;
        out.push_str(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\"",
        );
        let profile = if self.options.on_demand { "on-demand" } else { "live" };
        write!(
            out,
            " profiles=\"urn:mpeg:dash:profile:isoff-{profile}:2011,urn:mpeg:dash:profile:cmaf:2019\""
        )?;
        if live {
            out.push_str(" type=\"dynamic\"");
            match self.options.zero {
                Zero::Epoch => out.push_str(" availabilityStartTime=\"1970-01-01T00:00:00Z\""),
                Zero::At(_) | Zero::Media => write!(out, " availabilityStartTime=\"{}\"", Exact(zero))?,
            }
            write!(out, " publishTime=\"{}\"", Utc(now))?;
            let update = if self.options.low_latency { segment / 2 } else { segment };
            write!(out, " minimumUpdatePeriod=\"{}\"", Duration(update))?;
            // The oldest segment may leave the window before the client's next look at the manifest.
            let depth = now.max(to).saturating_sub(from).saturating_sub(segment).max(segment);
            write!(out, " timeShiftBufferDepth=\"{}\"", Duration(depth))?;
            write!(out, " suggestedPresentationDelay=\"{}\"", Duration(latency * 1_000_000))?;
        } else {
            write!(
                out,
                " type=\"static\" mediaPresentationDuration=\"{}\"",
                Duration(to.saturating_sub(zero))
            )?;
        }
        writeln!(out, " minBufferTime=\"{}\">", Duration(segment))?;
        if let Some(steering) = self.options.steering {
            writeln!(out, "  <BaseURL serviceLocation=\"box\">./</BaseURL>")?;
            let steering = Attribute(steering);
            write!(out, "  <ContentSteering defaultServiceLocation=\"box\" queryBeforeStart=\"false\">")?;
            writeln!(out, "{steering}</ContentSteering>")?;
        }
        if live {
            if let Some(location) = self.options.location {
                writeln!(out, "  <Location>{}</Location>", Attribute(location))?;
            }
            write!(
                out,
                "  <ServiceDescription id=\"0\"><Latency target=\"{latency}\" max=\"{}\"",
                2 * latency
            )?;
            out.push_str(
                " referenceId=\"1\"/><PlaybackRate min=\"0.96\" max=\"1.04\"/></ServiceDescription>\n",
            );
        }
        Ok(())
    }

    fn period(&mut self, period: &Period<'_>) -> fmt::Result {
        let (id, start) = (&period.id, period.start.saturating_sub(self.zero));
        writeln!(self.out, "  <Period id=\"{id}\" start=\"{}\">", Duration(start))?;
        breaks::write_stream(&mut self.out, &period.breaks, period.start)?;
        let codec = |track: &&Timeline| &period.layout.tracks[track.index].codec;
        let (video, audio): (Vec<_>, Vec<_>) =
            period.tracks.iter().partition(|track| codec(track).pictures().is_some());
        let (h264, h265): (Vec<_>, Vec<_>) =
            video.into_iter().partition(|track| matches!(codec(track), Codec::H264 { .. }));
        // Renditions of the picture in one coding replace one another; each sound is a choice of its own.
        let video = [&h264[..], &h265[..]].into_iter().filter(|video| !video.is_empty());
        let pictures = h264.len() + h265.len() > 0;
        for (nth, tracks) in video.chain(audio.chunks(1)).enumerate() {
            self.set(period, nth + 1, tracks, pictures)?;
        }
        self.subtitles(period)?;
        if let Some(album) = self.options.thumbnails.filter(|_| self.window.ended) {
            album.write_set(&mut self.out, usize::from(u8::MAX), period.start)?;
        }
        self.out.write_str("  </Period>\n")
    }

    fn set(
        &mut self,
        period: &Period<'_>,
        id: usize,
        tracks: &[&Timeline],
        beside_pictures: bool,
    ) -> fmt::Result {
        let first = &period.layout.tracks[tracks[0].index];
        let content = match first.kind() {
            Kind::Video => "video",
            Kind::Audio => "audio",
        };
        write!(
            self.out,
            "    <AdaptationSet id=\"{id}\" contentType=\"{content}\" mimeType=\"{content}/mp4\""
        )?;
        if let Some(language) = &first.language {
            write!(self.out, " lang=\"{}\"", Attribute(language))?;
        }
        let aligned = if self.options.on_demand { "subsegment" } else { "segment" };
        let starts = if self.options.on_demand { "subsegmentStartsWithSAP" } else { "startWithSAP" };
        writeln!(self.out, " {aligned}Alignment=\"true\" {starts}=\"1\">")?;
        self.out.push_str(self.options.protection);
        breaks::write_in_segments(&mut self.out, first.kind() == Kind::Video || !beside_pictures)?;
        if !self.window.ended {
            // Media time is UTC, so any instant is a reference; the Period's own start stays the same.
            let (wall, time) = (Exact(period.start), media::ticks(period.start, first.timescale));
            write!(self.out, "      <ProducerReferenceTime id=\"{id}\" type=\"captured\"")?;
            writeln!(self.out, " wallClockTime=\"{wall}\" presentationTime=\"{time}\">")?;
            writeln!(self.out, "        {UTC_TIMING}      </ProducerReferenceTime>")?;
        }
        self.captions(&first.captions)?;
        self.out.push_str("      <Role schemeIdUri=\"urn:mpeg:dash:role:2011\" value=\"main\"/>\n");
        tracks.iter().try_for_each(|timeline| self.representation(period, timeline))?;
        self.out.write_str("    </AdaptationSet>\n")
    }

    /// A set for each captions that are given as subtitles, too: they have the segments of the first pictures. In the clear only,
    /// and not as files.
    fn subtitles(&mut self, period: &Period<'_>) -> fmt::Result {
        let track = |timeline: &Timeline| &period.layout.tracks[timeline.index];
        let pictures = period.tracks.iter().find(|timeline| track(timeline).kind() == Kind::Video);
        let Some(timeline) =
            pictures.filter(|_| self.options.protection.is_empty() && !self.options.on_demand)
        else {
            return Ok(());
        };
        let pictures = track(timeline);
        let subtitles = pictures.captions.iter().filter(|captions| captions.subtitles);
        for (id, captions) in (SUBTITLES..).zip(subtitles) {
            let (out, service) = (&mut self.out, Attribute(&captions.service));
            write!(out, "    <AdaptationSet id=\"{id}\" contentType=\"text\" mimeType=\"application/mp4\"")?;
            if let Some(language) = &captions.language {
                write!(out, " lang=\"{}\"", Attribute(language))?;
            }
            out.push_str(" segmentAlignment=\"true\" startWithSAP=\"1\">\n");
            out.push_str("      <Role schemeIdUri=\"urn:mpeg:dash:role:2011\" value=\"caption\"/>\n");
            writeln!(
                out,
                "      <Representation id=\"{service}\" bandwidth=\"{BANDWIDTH}\" codecs=\"wvtt\">"
            )?;
            let timescale = pictures.timescale;
            write!(out, "        <SegmentTemplate timescale=\"{timescale}\"")?;
            if period.start > 0 {
                let offset = media::ticks(period.start, timescale);
                write!(out, " presentationTimeOffset=\"{offset}\"")?;
            }
            let folder = format_args!("subtitles/{service}");
            writeln!(out, " initialization=\"{folder}/init.mp4\" media=\"{folder}/t$Time$.m4s\">")?;
            writeln!(out, "          <SegmentTimeline>{}</SegmentTimeline>", timeline.text)?;
            out.push_str("        </SegmentTemplate>\n      </Representation>\n    </AdaptationSet>\n");
        }
        Ok(())
    }

    /// One descriptor for all services of a standard.
    fn captions(&mut self, captions: &[Captions]) -> fmt::Result {
        let mut schemes: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (scheme, value) in captions.iter().map(Captions::descriptor) {
            schemes.entry(scheme).or_default().push(value);
        }
        for (scheme, services) in schemes {
            let value = services.join(";");
            writeln!(
                self.out,
                "      <Accessibility schemeIdUri=\"{scheme}\" value=\"{}\"/>",
                Attribute(&value)
            )?;
        }
        Ok(())
    }

    fn representation(&mut self, period: &Period<'_>, timeline: &Timeline) -> fmt::Result {
        let track = &period.layout.tracks[timeline.index];
        let (name, codecs) = (Attribute(&track.name), track.rfc6381());
        let layout = self.window.layout().map(|current| current.id);
        let bandwidth = match layout == Some(period.layout.id) {
            true => Bitrate::of(self.window, timeline.index).peak,
            false => Bitrate::asked(track, &self.window.grid).peak,
        };
        write!(
            self.out,
            "      <Representation id=\"{name}\" bandwidth=\"{bandwidth}\" codecs=\"{}\"",
            Attribute(&codecs)
        )?;
        match &track.codec {
            Codec::H264 { width, height, rate, .. } | Codec::H265 { width, height, rate, .. } => {
                writeln!(self.out, " width=\"{width}\" height=\"{height}\" frameRate=\"{rate}\">")?;
            }
            Codec::Aac { sample_rate, channels, .. } => {
                writeln!(self.out, " audioSamplingRate=\"{sample_rate}\">")?;
                self.out.push_str("        <AudioChannelConfiguration schemeIdUri=\"");
                self.out.push_str("urn:mpeg:dash:23003:3:audio_channel_configuration:2011\"");
                writeln!(self.out, " value=\"{channels}\"/>")?;
            }
        }
        if self.options.on_demand {
            self.file(period, timeline)?;
        } else {
            self.template(period, track)?;
            writeln!(self.out, "          <SegmentTimeline>{}</SegmentTimeline>", timeline.text)?;
            self.out.push_str("        </SegmentTemplate>\n");
        }
        self.out.write_str("      </Representation>\n")
    }

    /// The segments of a stretch as one file: its address, and where its init segment and its index lie.
    fn file(&mut self, period: &Period<'_>, timeline: &Timeline) -> fmt::Result {
        let track = &period.layout.tracks[timeline.index];
        let number = |tick| self.window.grid.position(tick, track.timescale).segment;
        let (first, last) = timeline.ticks;
        let name = Attribute(&track.name).to_string();
        let file = File { track: &name, first: number(first), last: number(last) };
        let init = period.layout.init.get(timeline.index).map_or(0, Bytes::len);
        let index = init + cmaf::index::len(timeline.count);
        writeln!(self.out, "        <BaseURL>{file}</BaseURL>")?;
        write!(self.out, "        <SegmentBase timescale=\"{}\"", track.timescale)?;
        if period.start > 0 {
            let offset = media::ticks(period.start, track.timescale);
            write!(self.out, " presentationTimeOffset=\"{offset}\"")?;
        }
        writeln!(self.out, " indexRange=\"{init}-{}\" indexRangeExact=\"true\">", index - 1)?;
        writeln!(self.out, "          <Initialization range=\"0-{}\"/>", init.saturating_sub(1))?;
        self.out.write_str("        </SegmentBase>\n")
    }

    fn template(&mut self, period: &Period<'_>, track: &Track) -> fmt::Result {
        let (name, timescale, layout) = (Attribute(&track.name), track.timescale, period.layout.id);
        write!(self.out, "        <SegmentTemplate timescale=\"{timescale}\"")?;
        if period.start > 0 {
            let offset = media::ticks(period.start, timescale);
            write!(self.out, " presentationTimeOffset=\"{offset}\"")?;
        }
        if period.current && self.options.low_latency && !self.window.ended {
            // A segment can be had from its first part on.
            let grid = &self.window.grid;
            let offset = grid.segment_nanos().saturating_sub(grid.part_nanos());
            write!(self.out, " availabilityTimeOffset=\"{}\"", Seconds(offset / 1000))?;
            self.out.push_str(" availabilityTimeComplete=\"false\"");
        }
        writeln!(self.out, " initialization=\"{name}/init-{layout}.mp4\" media=\"{name}/t$Time$.m4s\">")
    }
}
