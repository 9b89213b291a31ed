//! What filters leave of presentations, by example and of any recording.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod fixture;
#[path = "fixture/strategy.rs"]
mod strategy;

use std::sync::Arc;

use fixture::{Recording, Take, at, audio, layout, video};
use media::{Entry, Grid, LayoutId, Position, Window, nanos};
use proptest::prelude::*;
use riser_package::{
    Error, dash,
    filter::{Condition, Filter, Operator, PresentationTimeRange, Property, Shown, View, combine},
    hls::{self, MediaOptions, Reload},
};
use strategy::windows;

/// 2026-01-01T00:00:00Z on a grid of 1.6 s.
const FIRST: u64 = 1_104_516_000;
/// The same in milliseconds.
const FIRST_MS: u64 = FIRST * 1600;

/// Segments of 1.6 s from `FIRST` to before `now`, live or ended.
fn window(oldest: u64, now: Position, ended: bool) -> Window {
    let grid = Grid::new("25".parse().unwrap(), 1600, 200);
    let tracks = vec![
        video("720p", &grid, (1280, 720), 3_000_000),
        video("360p", &grid, (640, 360), 800_000),
        audio("audio", 48_000, Some("de-AT")),
        audio("extra", 44_100, None),
    ];
    let to = if ended { now } else { at(FIRST + 1000, 0) };
    let take = Take { layout: 0, discontinuity: 0, from: at(FIRST, 0), to };
    let recording = Recording { grid, layouts: vec![layout(1, tracks)], takes: vec![take], gaps: vec![] };
    if ended { recording.ended(oldest) } else { recording.window(oldest, now) }
}

/// Live: segments 0 to 99 and three parts of the hundredth; the newest part ends after 160.6 s.
fn live() -> Window {
    window(FIRST, at(FIRST + 100, 3), false)
}

fn ended() -> Window {
    window(FIRST, at(FIRST + 100, 3), true)
}

fn of_range(range: PresentationTimeRange) -> Filter {
    let filter = Filter {
        presentation_time_range: Some(PresentationTimeRange { timescale: 1000, ..range }),
        ..Filter::default()
    };
    assert_eq!(filter.check(), Ok(()));
    filter
}

fn start(ms: u64) -> Filter {
    of_range(PresentationTimeRange { start: Some(FIRST_MS + ms), ..PresentationTimeRange::default() })
}

fn end(ms: u64, force_end: bool) -> Filter {
    of_range(PresentationTimeRange {
        end: Some(FIRST_MS + ms),
        force_end,
        ..PresentationTimeRange::default()
    })
}

fn back(seconds: u64) -> Filter {
    of_range(PresentationTimeRange {
        presentation_window: Some(seconds * 1000),
        ..PresentationTimeRange::default()
    })
}

fn behind(ms: u64) -> Filter {
    of_range(PresentationTimeRange { live_backoff: Some(ms), ..PresentationTimeRange::default() })
}

fn condition(property: Property, operator: Operator, value: &str) -> Condition {
    Condition { property, operator, value: value.into() }
}

fn tracks(selects: Vec<Vec<Condition>>) -> Filter {
    let filter = Filter { tracks: selects, ..Filter::default() };
    assert_eq!(filter.check(), Ok(()));
    filter
}

/// First and last segment of a view, counted from `FIRST`, and whether it has ended.
fn seen(window: &Window, filters: &[&Filter]) -> (u64, u64, bool) {
    let View { window, .. } = combine(window, filters).unwrap();
    let numbers: Vec<u64> = window.listing(0).map(|entry| entry.number() - FIRST).collect();
    (numbers[0], *numbers.last().unwrap(), window.ended)
}

fn names(window: &Window, filters: &[&Filter]) -> Result<Vec<String>, Error> {
    let View { window, shown } = combine(window, filters)?;
    let layout = window.layout().unwrap();
    Ok(shown.tracks(layout).into_iter().map(|index| layout.tracks[index].name.clone()).collect())
}

#[test]
fn without_filters_everything_is_shown() {
    let window = live();
    let view = combine(&window, &[]).unwrap();
    assert_eq!(view.shown, Shown::all());
    assert!(Arc::ptr_eq(&view.window.layouts, &window.layouts));
    assert_eq!(seen(&window, &[]), (0, 100, false));
    assert_eq!(seen(&window, &[&Filter::default()]), (0, 100, false));
}

#[test]
fn a_start_takes_the_segment_it_lies_in() {
    for (ms, first) in [(0, 0), (1599, 0), (1600, 1), (16_001, 10), (160_000, 100)] {
        assert_eq!(seen(&live(), &[&start(ms)]), (first, 100, false), "{ms}");
        assert_eq!(seen(&ended(), &[&start(ms)]), (first, 100, true), "{ms}");
    }
    // What is still to come is an empty window while there is hope.
    let future = combine(&live(), &[&start(200_000)]).unwrap().window;
    assert!(!future.ended && future.listing(0).next().is_none());
    assert_eq!(combine(&ended(), &[&start(200_000)]).unwrap_err(), Error::NothingShown);
}

#[test]
fn an_end_counts_once_the_presentation_has_ended() {
    for (ms, last) in [(1, 0), (1600, 0), (1601, 1), (32_000, 19), (999_999, 100)] {
        assert_eq!(seen(&live(), &[&end(ms, false)]), (0, 100, false), "{ms}");
        assert_eq!(seen(&ended(), &[&end(ms, false)]), (0, last, true), "{ms}");
        assert_eq!(seen(&ended(), &[&end(ms, true)]), (0, last, true), "{ms}");
    }
    assert_eq!(combine(&ended(), &[&start(40_000), &end(30_000, false)]).unwrap_err(), Error::NothingShown);
    assert_eq!(combine(&live(), &[&start(40_000), &end(30_000, true)]).unwrap_err(), Error::NothingShown);
}

#[test]
fn a_forced_end_ends_a_live_presentation_when_it_is_reached() {
    assert_eq!(seen(&live(), &[&end(32_000, true)]), (0, 19, true));
    // The hundredth segment is being made.
    let forced = end(161_000, true);
    assert_eq!(seen(&live(), &[&forced]), (0, 100, false));
    let View { window, shown } = combine(&live(), &[&forced]).unwrap();
    let options = dash::Options::low_latency(&window.grid);
    let mpd = dash::render(&window, &shown, 0, &options).unwrap();
    assert!(mpd.contains(&format!("<S t=\"{}\" d=\"40000\" r=\"100\"/>", FIRST * 40_000)), "{mpd}");
    // Where its last part is there and the next segment has begun, nothing beyond it is hinted at.
    let View { window, shown } =
        combine(&self::window(FIRST, at(FIRST + 101, 0), false), &[&forced]).unwrap();
    let options = MediaOptions { low_latency: true, shown: &shown, ..MediaOptions::default() };
    assert!(!hls::render_media(&window, 0, &options).unwrap().contains("PRELOAD-HINT"));
    // With a back-off everybody reaches the end that much later.
    assert_eq!(seen(&live(), &[&end(150_000, true), &behind(20_000)]), (0, 86, false));
    assert_eq!(seen(&live(), &[&end(139_200, true), &behind(20_000)]), (0, 86, true));
}

#[test]
fn a_window_is_counted_from_the_end_of_what_is_shown() {
    // 160.6 s less 60 s lies in segment 62.
    assert_eq!(seen(&live(), &[&back(60)]), (62, 100, false));
    assert_eq!(seen(&ended(), &[&back(60)]), (62, 100, true));
    // Segment 86 is the last to end 20 s before; 139.2 s less 60 s lies in segment 49.
    assert_eq!(seen(&live(), &[&back(60), &behind(20_000)]), (49, 86, false));
    assert_eq!(seen(&ended(), &[&back(60), &end(100_000, false)]), (25, 62, true));
    assert_eq!(seen(&live(), &[&back(3600)]), (0, 100, false));
}

#[test]
fn a_back_off_leaves_whole_segments_that_are_old_enough() {
    assert_eq!(seen(&live(), &[&behind(0)]), (0, 100, false));
    // The newest part ends at 160.6 s, sound a little later.
    for (ms, last) in [(1, 99), (500, 99), (700, 98), (30_000, 80)] {
        assert_eq!(seen(&live(), &[&behind(ms)]), (0, last, false), "{ms}");
    }
    assert_eq!(seen(&ended(), &[&behind(30_000)]), (0, 100, true));
    let early = window(FIRST, at(FIRST + 2, 3), false);
    let View { window, shown } = combine(&early, &[&behind(30_000)]).unwrap();
    assert!(!window.ended && window.listing(0).next().is_none());
    let options = MediaOptions { low_latency: true, shown: &shown, ..MediaOptions::default() };
    assert_eq!(hls::render_media(&window, 0, &options), Err(Error::NoSegments(0)));
}

#[test]
fn a_reload_waits_for_what_the_viewers_window_lacks() {
    let View { window, .. } = combine(&live(), &[&behind(30_000)]).unwrap();
    let reload = |msn, part| hls::validate_reload(&window, 0, msn, part).unwrap();
    assert_eq!(reload(FIRST + 80, None), Reload::Ready);
    assert_eq!(reload(FIRST + 81, None), Reload::Wait { msn: FIRST + 81, part: None });
    assert_eq!(reload(FIRST + 81, Some(0)), Reload::Wait { msn: FIRST + 81, part: Some(0) });
    assert_eq!(reload(FIRST + 84, None), Reload::TooFar);
}

#[test]
fn ranges_intersect() {
    assert_eq!(seen(&ended(), &[&start(16_000), &start(32_000), &end(64_000, false)]), (20, 39, true));
    assert_eq!(seen(&live(), &[&behind(30_000), &behind(10_000)]).1, 80);
    assert_eq!(seen(&live(), &[&back(120), &back(60), &start(0)]).0, 62);
    assert_eq!(seen(&live(), &[&back(60), &start(150_000)]).0, 93);
}

#[test]
fn conditions_are_all_met_by_one_of_the_lists() {
    use Operator::{Equal, NotEqual};
    let of = |property, operator, value| tracks(vec![vec![condition(property, operator, value)]]);
    let shown = |filter: &Filter| names(&live(), &[filter]).unwrap().join(" ");
    assert_eq!(shown(&of(Property::Type, Equal, "video")), "720p 360p");
    assert_eq!(shown(&of(Property::Type, NotEqual, "video")), "audio extra");
    assert_eq!(shown(&of(Property::Type, NotEqual, "text")), "720p 360p audio extra");
    assert_eq!(shown(&of(Property::Name, Equal, "360p")), "360p");
    assert_eq!(shown(&of(Property::Language, Equal, "DE-at")), "audio");
    assert_eq!(shown(&of(Property::Language, Equal, "und")), "720p 360p extra");
    assert_eq!(shown(&of(Property::Codec, Equal, "avc1")), "720p 360p");
    assert_eq!(shown(&of(Property::Bitrate, Equal, "800000")), "360p");
    assert_eq!(shown(&of(Property::Bitrate, Equal, "0-800000")), "360p audio extra");
    let one =
        vec![condition(Property::Type, Equal, "video"), condition(Property::Bitrate, Equal, "0-2427000")];
    let other =
        vec![condition(Property::Type, Equal, "audio"), condition(Property::Language, NotEqual, "und")];
    let both = tracks(vec![one, other]);
    assert_eq!(shown(&both), "360p audio");
    let sound = of(Property::Type, Equal, "audio");
    assert_eq!(names(&live(), &[&both, &sound]).unwrap(), ["audio"]);
    assert_eq!(names(&live(), &[&both, &of(Property::Name, Equal, "720p")]), Err(Error::NothingShown));
    assert_eq!(names(&live(), &[&of(Property::Type, Equal, "text")]), Err(Error::NothingShown));
}

#[test]
fn the_nearest_quality_comes_first() {
    let quality = |rate| Filter { first_quality: Some(rate), ..Filter::default() };
    assert_eq!(names(&live(), &[&quality(1)]).unwrap(), ["360p", "720p", "audio", "extra"]);
    assert_eq!(
        names(&live(), &[&quality(2_200_000), &quality(1)]).unwrap(),
        ["720p", "360p", "audio", "extra"]
    );
    let sound = tracks(vec![vec![condition(Property::Type, Operator::Equal, "audio")]]);
    assert_eq!(names(&live(), &[&sound, &quality(1)]).unwrap(), ["audio", "extra"]);
}

#[test]
fn manifests_have_the_tracks_that_are_left() {
    let of_type = |kind| tracks(vec![vec![condition(Property::Type, Operator::Equal, kind)]]);
    let View { window, shown } = combine(&live(), &[&of_type("audio")]).unwrap();
    let master = hls::render_master(&window, &shown, &hls::MasterOptions::default()).unwrap();
    assert!(
        !master.contains("720p") && !master.contains("AUDIO=\"") && master.contains("\naudio/media.m3u8\n")
    );
    let options =
        MediaOptions { low_latency: true, shown: &shown, query: "filter=A", ..MediaOptions::default() };
    assert_eq!(hls::render_media(&window, 0, &options), Err(Error::NoTrack(0)));
    let sound = hls::render_media(&window, 2, &options).unwrap();
    assert_eq!(sound.matches("#EXT-X-RENDITION-REPORT").count(), 1);
    assert!(sound.contains("URI=\"../extra/media.m3u8?filter=A\""));
    let mpd = dash::render(&window, &shown, 0, &dash::Options::low_latency(&window.grid)).unwrap();
    assert!(!mpd.contains("contentType=\"video\"") && mpd.contains("<AdaptationSet id=\"2\""));
    let View { window, shown } = combine(&live(), &[&of_type("video")]).unwrap();
    let master = hls::render_master(&window, &shown, &hls::MasterOptions::default()).unwrap();
    assert!(!master.contains("EXT-X-MEDIA:") && !master.contains("mp4a") && !master.contains("AUDIO="));
}

#[test]
fn each_layout_is_judged_by_its_own_tracks() {
    let grid = Grid::new("25".parse().unwrap(), 1600, 200);
    let sound = || audio("audio", 48_000, None);
    let layouts = vec![
        layout(1, vec![video("1080p", &grid, (1920, 1080), 5_000_000), sound()]),
        layout(2, vec![video("720p", &grid, (1280, 720), 3_000_000), sound()]),
    ];
    let take =
        |layout, from, to| Take { layout, discontinuity: layout as u32, from: at(from, 0), to: at(to, 0) };
    let takes = vec![take(0, FIRST, FIRST + 50), take(1, FIRST + 50, FIRST + 100)];
    let window = Recording { grid, layouts, takes, gaps: vec![] }.window(FIRST, at(FIRST + 99, 3));
    let pictures = tracks(vec![vec![condition(Property::Type, Operator::Equal, "video")]]);
    let view = combine(&window, &[&pictures]).unwrap();
    let mpd = dash::render(&view.window, &view.shown, 0, &dash::Options::plain(&grid)).unwrap();
    assert!(mpd.contains("id=\"1080p\"") && mpd.contains("id=\"720p\"") && !mpd.contains("audio"));
    // A range that ends before the change has the older layout only.
    let before = end(50 * 1600, true);
    let view = combine(&window, &[&pictures, &before]).unwrap();
    assert_eq!(view.window.layout().unwrap().id, LayoutId(1));
    let mpd = dash::render(&view.window, &view.shown, 0, &dash::Options::plain(&grid)).unwrap();
    assert!(mpd.contains("id=\"1080p\"") && !mpd.contains("id=\"720p\""));
}

fn any_filter() -> impl Strategy<Value = Filter> {
    // Around the recordings of the strategy, which begin at a segment number that no grid has in common.
    let time = || prop::option::of(0_u64..120_000);
    let range =
        (time(), time(), prop::option::of(0_u64..90_000), prop::option::of(0_u64..30_000), any::<bool>());
    let values =
        vec!["video", "audio", "text", "high", "low", "und", "avc1", "mp4a", "0-1000000", "3000000", "?", ""];
    let properties =
        vec![Property::Type, Property::Name, Property::Language, Property::Codec, Property::Bitrate];
    let operators = vec![Operator::Equal, Operator::NotEqual];
    let condition =
        (prop::sample::select(properties), prop::sample::select(operators), prop::sample::select(values))
            .prop_map(|(property, operator, value)| condition(property, operator, value));
    let tracks = prop::collection::vec(prop::collection::vec(condition, 0..3), 0..3);
    (prop::option::of(range), tracks, any::<Option<u64>>()).prop_map(|(range, tracks, first_quality)| {
        let range =
            range.map(|(start, end, presentation_window, live_backoff, force_end)| PresentationTimeRange {
                start,
                end,
                presentation_window,
                live_backoff,
                timescale: 1000,
                force_end,
            });
        Filter { presentation_time_range: range, tracks, first_quality }
    })
}

/// Moves starts and ends, given from the window's own beginning, to its time.
fn moved(filter: &Filter, window: &Window) -> Filter {
    let first = window.history.first().map(|segment| segment.number);
    let first = first.or_else(|| Some(window.edge.first()?.first()?.number)).unwrap_or(0);
    let zero = nanos(window.grid.segment_line(first, 1_000_000_000), 1_000_000_000) / 1_000_000;
    let mut filter = filter.clone();
    if let Some(range) = &mut filter.presentation_time_range {
        let from = |ms: u64| (zero + ms).saturating_sub(10_000);
        (range.start, range.end) = (range.start.map(from), range.end.map(from));
    }
    filter
}

/// A listed segment, in nanoseconds since the epoch.
#[derive(Clone, Copy)]
struct Listed {
    number: u64,
    /// Its line and the next one.
    line: u64,
    next: u64,
    /// Where its media ends.
    end: u64,
}

fn listing(window: &Window, index: usize) -> Vec<Listed> {
    let Some(current) = window.layout() else { return Vec::new() };
    let track = &current.tracks[index];
    let line = |number| window.grid.segment_line(number, 1_000_000_000);
    let listed = |entry: Entry<'_>| {
        let number = entry.number();
        let end = match entry {
            Entry::Open(open) => nanos(open.start + u64::from(open.duration()), track.timescale),
            Entry::Segment { layout, span, .. } => {
                let layout = window.layout_by_id(layout).unwrap();
                let timescale = layout.tracks[layout.index_of(&track.name).unwrap()].timescale;
                nanos(span.start + u64::from(span.duration), timescale)
            }
            Entry::Missing { .. } => line(number + 1),
        };
        Listed { number, line: line(number), next: line(number + 1), end }
    };
    window.listing(index).map(listed).collect()
}

/// Rounding of lines that are no whole nanoseconds, and the frame by which sound runs past its line.
const SLACK: u64 = 50_000_000;

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_filters_leave_lies_within_their_bounds(
        window in windows(),
        filters in prop::collection::vec(any_filter(), 0..4),
    ) {
        let filters: Vec<Filter> = filters.iter().map(|filter| moved(filter, &window)).collect();
        let filters: Vec<&Filter> = filters.iter().collect();
        let view = match combine(&window, &filters) {
            Ok(view) => view,
            Err(error) => {
                prop_assert_eq!(error, Error::NothingShown);
                prop_assert!(!filters.is_empty());
                return Ok(());
            }
        };
        let Some(current) = view.window.layout() else { return Ok(()) };
        let before: Vec<u64> = window.listing(0).map(|entry| entry.number()).collect();
        for index in 0..current.tracks.len() {
            let after = listing(&view.window, index);
            prop_assert!(after.windows(2).all(|pair| pair[0].number + 1 == pair[1].number));
            prop_assert!(after.iter().all(|listed| before.contains(&listed.number)));
            for range in filters.iter().filter_map(|filter| filter.presentation_time_range.as_ref()) {
                let ms = |ms: u64| ms * 1_000_000;
                let Some((&first, &last)) = after.first().zip(after.last()) else { continue };
                if let Some(start) = range.start {
                    prop_assert!(first.next + SLACK > ms(start));
                }
                if let Some(end) = range.end.filter(|_| view.window.ended || range.force_end) {
                    prop_assert!(last.line < ms(end));
                }
                if let Some(length) = range.presentation_window {
                    prop_assert!(first.next + ms(length) + SLACK > last.end);
                }
                if let Some(backoff) = range.live_backoff.filter(|_| !view.window.ended) {
                    let newest = (0..window.edge.len()).filter_map(|index| listing(&window, index).last().map(|last| last.end));
                    prop_assert!(backoff == 0 || last.end + ms(backoff) <= newest.max().unwrap() + SLACK);
                }
            }
        }
    }

    #[test]
    fn any_view_can_be_presented(
        window in windows(),
        filters in prop::collection::vec(any_filter(), 0..4),
        zero in prop::option::of(0_u64..40_000),
        low_latency: bool,
    ) {
        let filters: Vec<Filter> = filters.iter().map(|filter| moved(filter, &window)).collect();
        let filters: Vec<&Filter> = filters.iter().collect();
        let Ok(View { window: seen, shown }) = combine(&window, &filters) else { return Ok(()) };
        let Some(current) = seen.layout() else { return Ok(()) };
        let tracks = shown.tracks(current);
        let master = hls::render_master(&seen, &shown, &hls::MasterOptions { query: "filter=A", ..hls::MasterOptions::default() }).unwrap();
        let listed = tracks.iter().filter(|index| {
            let name = &current.tracks[**index].name;
            master.contains(&format!("{name}/media.m3u8?filter=A"))
        });
        prop_assert_eq!(listed.count(), tracks.len());
        prop_assert_eq!(master.matches("media.m3u8").count(), tracks.len());
        let options =
            MediaOptions { low_latency, lasting: true, shown: &shown, query: "filter=A", skip: None, keys: "" };
        for index in 0..current.tracks.len() {
            let playlist = hls::render_media(&seen, index, &options);
            match playlist {
                Ok(text) => {
                    prop_assert!(tracks.contains(&index));
                    prop_assert!(m3u8_rs::parse_playlist_res(text.as_bytes()).is_ok());
                    prop_assert!(!text.contains("#EXT-X-PART:") || text.contains("PART-TARGET="));
                    prop_assert!(shown.backoff_ms() == 0 || !text.contains("PART"));
                }
                Err(error) if tracks.contains(&index) => prop_assert_eq!(error, Error::NoSegments(index)),
                Err(error) => prop_assert_eq!(error, Error::NoTrack(index)),
            }
            let listed = listing(&seen, index);
            if let Some(&Listed { number: last, .. }) = listed.last() {
                let whole = hls::validate_reload(&seen, index, last - 1, None);
                prop_assert!(listed.len() == 1 || whole == Ok(Reload::Ready));
                let next = hls::validate_reload(&seen, index, last + 1, None);
                prop_assert_eq!(matches!(next, Ok(Reload::Wait { .. })), !seen.ended);
            }
        }
        let first = seen.history.first().map_or(0, |segment| seen.grid.segment_line(segment.number, 1000));
        let zero = zero.map(|back| first.saturating_sub(back) * 1_000_000);
        let zero = match zero {
            Some(zero) => dash::Zero::At(zero),
            None if seen.ended => dash::Zero::Media,
            None => dash::Zero::Epoch,
        };
        let options = dash::Options { zero, location: Some("manifest.mpd?filter=A;B&timeline=live"), ..dash::Options::low_latency(&seen.grid) };
        if let Ok(mpd) = dash::render(&seen, &shown, 0, &options) {
            let document = roxmltree::Document::parse(&mpd).unwrap();
            let current = document.descendants().rfind(|node| node.has_tag_name("Period")).unwrap();
            let sets = current.descendants().filter(|node| node.has_tag_name("Representation"));
            prop_assert!(sets.count() <= tracks.len());
        }
    }
}
