//! Smooth Streaming: client manifests and what their fragments are ([MS-SSTR], "SSTR" below).
//!
//! Pictures are one stream `video`, each sound a stream of its track's name. A quality level is known by its bitrate. Times are
//! ticks of [`TIMESCALE`] since the Unix epoch, rounded down. HEVC is left out: the protocol does not know it.

mod manifest;
#[cfg(test)]
mod tests;

use media::{Break, Codec, Kind, Layout, NANOS, Span, Track, Window};

pub use manifest::{Options, render};

use crate::{
    filter::Shown,
    listing::{Body, lines},
};

/// Ticks per second of every time.
pub const TIMESCALE: u32 = 10_000_000;

/// Each fragment of a live stream tells of so many that follow (`tfrf`), so the manifest lists those of which as many follow.
pub const LOOK_AHEAD: usize = 2;

/// Behind a hole of more segments than this nothing is looked for.
const FURTHEST: usize = 1000;

/// The stream of pictures.
const PICTURES: &str = "video";

/// The sparse stream of ad breaks.
pub const BREAKS: &str = "ads";

/// Renditions that replace one another, or one sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// Its name in addresses.
    pub name: String,
    /// Its quality levels: the bitrate by which each is known, no two alike, and the track's index; in the order of the tracks.
    pub levels: Vec<(u32, usize)>,
}

/// The streams of a layout's shown tracks, pictures first.
#[must_use]
pub fn streams(layout: &Layout, shown: &Shown) -> Vec<Stream> {
    let mut pictures = Stream { name: PICTURES.to_owned(), levels: Vec::new() };
    let mut sounds = Vec::new();
    for index in shown.tracks(layout) {
        let track = &layout.tracks[index];
        match track.codec {
            Codec::H265 { .. } => {}
            Codec::H264 { .. } => {
                let taken = |bitrate: u32| pictures.levels.iter().any(|(level, _)| *level == bitrate);
                let free = (track.bitrate..).find(|bitrate| !taken(*bitrate));
                pictures.levels.extend(free.map(|bitrate| (bitrate, index)));
            }
            Codec::Aac { .. } => {
                sounds.push(Stream { name: track.name.clone(), levels: vec![(track.bitrate, index)] });
            }
        }
    }
    let pictures = (!pictures.levels.is_empty()).then_some(pictures);
    pictures.into_iter().chain(sounds).collect()
}

/// The track of a quality level, by its index.
#[must_use]
pub fn track(layout: &Layout, shown: &Shown, stream: &str, bitrate: u32) -> Option<usize> {
    let streams = streams(layout, shown);
    let levels = &streams.iter().find(|found| found.name == stream)?.levels;
    levels.iter().find(|(level, _)| *level == bitrate).map(|(_, index)| *index)
}

/// A fragment of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// The segment's number since the epoch.
    pub number: u64,
    /// Where it begins.
    pub start: u64,
    /// How long it lasts.
    pub duration: u64,
}

impl Fragment {
    /// Of the stream of ad breaks: one that has no end yet lasts for nothing. It is of no segment.
    #[must_use]
    pub fn of_break(shown: &Break) -> Self {
        let scaled = |nanos: u64| nanos / u64::from(NANOS as u32 / TIMESCALE);
        let start = scaled(shown.from);
        Self { number: 0, start, duration: shown.to.map_or(0, |to| scaled(to) - start) }
    }

    fn of(number: u64, span: Span, timescale: u32) -> Self {
        let scaled = |ticks: u64| media::rescale(ticks, timescale, TIMESCALE);
        let start = scaled(span.start);
        Self { number, start, duration: scaled(span.start + u64::from(span.duration)) - start }
    }
}

/// The whole segments of track `index` of the current layout, oldest first: those that a player which has begun with this
/// layout can go on with.
#[must_use]
pub fn fragments(window: &Window, index: usize) -> Vec<Fragment> {
    let Some(current) = window.layout() else { return Vec::new() };
    let Some(track) = current.tracks.get(index) else { return Vec::new() };
    let alike = |layout: &Layout| same(layout, current, track.kind());
    let like: Vec<_> = window.layouts.iter().filter(|layout| alike(layout)).map(|layout| layout.id).collect();
    let whole = lines(window, index).filter(|line| {
        matches!(line.body, Body::Whole(_)) && line.layout.is_some_and(|layout| like.contains(&layout))
    });
    whole.map(|line| Fragment::of(line.number, line.span, line.timescale)).collect()
}

/// The fragments that a live fragment tells of: those behind segment `number` that `track` of the same parameters has, as far as
/// they are whole.
#[must_use]
pub fn following(window: &Window, track: &Track, number: u64) -> Vec<Fragment> {
    let newest = window.history.last().map_or(0, |segment| segment.number);
    let fragment = |number: u64| {
        let segment = window.history.get(number).filter(|segment| !segment.gap)?;
        let layout = window.layout_by_id(segment.layout)?;
        let index = layout.index_of(&track.name)?;
        let own = layout.tracks.get(index).filter(|own| own.codec == track.codec)?;
        let span = segment.span(index, &window.grid, own.timescale)?;
        Some(Fragment::of(number, span, own.timescale))
    };
    (number + 1..=newest).take(FURTHEST).filter_map(fragment).take(LOOK_AHEAD).collect()
}

/// Whether a layout has the same tracks of a kind: a quality level has one set of codec parameters (SSTR, 2.2.2.5).
fn same(layout: &Layout, current: &Layout, kind: Kind) -> bool {
    let of = |layout: &'_ Layout| -> Vec<(String, u32, Codec)> {
        let tracks = layout.tracks.iter().filter(|track| track.kind() == kind);
        tracks.map(|Track { name, timescale, codec, .. }| (name.clone(), *timescale, codec.clone())).collect()
    };
    layout.id == current.id || of(layout) == of(current)
}
