//! Channels, programs, assets and filters as every door to the box shows them and as they are kept on disk.
//!
//! Times are milliseconds since the epoch, durations whole seconds, sizes bytes.

use std::collections::BTreeMap;

use access::Delivery;
use channel::life;
use cue::Journal;
use media::{Grid, Position};
use package::filter::Filter;
use serde::{Deserialize, Serialize};

/// Everything that can be steered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Objects {
    /// The channels, by name.
    pub channels: BTreeMap<String, Channel>,
    /// The programs, by id.
    pub programs: BTreeMap<String, Program>,
    /// What programs recorded and what was clipped from it, by id.
    pub assets: BTreeMap<String, Asset>,
    /// Filters that apply to every presentation, by name.
    pub filters: BTreeMap<String, Filter>,
    /// The ad breaks of the channels, by the channel's name. They stay with its assets when it is gone.
    #[serde(default)]
    pub breaks: BTreeMap<String, Journal>,
    /// The endpoints of the settings, by name.
    #[serde(default)]
    pub endpoints: BTreeMap<String, Endpoint>,
}

/// One live event line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Channel {
    /// What it encodes; also holds its name.
    pub settings: settings::Channel,
    /// It stands in the settings file: it is there at every start and cannot be deleted or changed here.
    #[serde(default)]
    pub declared: bool,
    /// What was changed while it ran.
    #[serde(default)]
    pub tuning: Tuning,
    /// Where it is in its life.
    pub state: life::Channel,
    /// When it came into that state.
    pub since: u64,
    /// Why, in plain words; empty when all is well.
    #[serde(default)]
    pub reason: String,
}

/// What of a channel may differ from its settings while it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tuning {
    /// Bits per second by the rendition's name, at most those of the ladder; of those that are not named the ladder's.
    pub bitrates: BTreeMap<String, u32>,
    /// Milliseconds from one key frame to the next, by the rules of [`settings::Channel::gop_ms`]; none: as the settings say.
    pub gop_ms: Option<u32>,
}

/// A window of a channel that is kept and may be published.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Program {
    /// Its channel's name.
    pub channel: String,
    /// 1 to 256 letters, digits, `-` and spaces; a letter or digit at both ends.
    pub name: String,
    /// Up to 256 characters.
    #[serde(default)]
    pub description: String,
    /// How much of the past it keeps and shows, in seconds; none: a recording, which keeps all.
    #[serde(default)]
    pub archive_window: Option<u64>,
    /// The most bytes it may hold on the disk; its oldest goes first.
    #[serde(default)]
    pub quota: Option<u64>,
    /// Where it is in its life.
    pub state: life::Program,
    /// When it came into that state.
    pub since: u64,
    /// Why, in plain words; empty when all is well.
    #[serde(default)]
    pub reason: String,
    /// What it records into, or recorded into last.
    pub asset: String,
    /// When it was made.
    pub created: u64,
}

/// A way in for viewers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// It serves nobody.
    pub stopped: bool,
    /// Since when it is so.
    pub since: u64,
}

/// Something that can be played after its program, or without one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Asset {
    /// Its name, by the rules of a program's.
    pub name: String,
    /// The channel it was recorded from.
    pub channel: String,
    /// The program that records into it, or did; none for a clip and after the program was deleted.
    #[serde(default)]
    pub program: Option<String>,
    /// The asset it was clipped from.
    #[serde(default)]
    pub parent: Option<String>,
    /// What it holds of its channel's stream; none before its program has run.
    #[serde(default)]
    pub range: Option<Recorded>,
    /// It is being recorded into.
    #[serde(default)]
    pub recording: bool,
    /// Where viewers find it: `/vod/{locator}/`. None while it is not published.
    #[serde(default)]
    pub locator: Option<String>,
    /// Moments and stretches with a name, by id.
    #[serde(default)]
    pub marks: BTreeMap<String, Mark>,
    /// Filters of its own, by name; each goes before the global one of the same name.
    #[serde(default)]
    pub filters: BTreeMap<String, Filter>,
    /// Through which protocols it can be had, and how it is encrypted on the way.
    #[serde(default)]
    pub delivery: Delivery,
    /// When it was made.
    pub created: u64,
}

/// A range of a stream: a channel on a grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// The grid its numbers count on.
    pub grid: Grid,
    /// The segment that began it, where that has left the archive window before the end: its presentation's time zero.
    #[serde(default)]
    pub begun: Option<u64>,
    /// The first segment.
    pub first: u64,
    /// The last segment; none while it is recorded.
    pub last: Option<u64>,
    /// Nanoseconds since the epoch where a clip begins, exact to the frame; none: where its first segment begins.
    #[serde(default)]
    pub from: Option<u64>,
    /// Nanoseconds since the epoch where a clip ends, exact to the frame; none: where its last segment ends.
    #[serde(default)]
    pub to: Option<u64>,
}

impl Recorded {
    /// The first segment that is shown while `edge` is the newest whole one: an archive window of so many seconds,
    /// rounded up to whole segments, but nothing before the range.
    #[must_use]
    pub fn first_shown(&self, edge: u64, window: Option<u64>) -> u64 {
        let Some(seconds) = window else { return self.first };
        let rate = self.grid.rate;
        let segment = u128::from(self.grid.frames_per_segment()) * u128::from(rate.den());
        let segments = (u128::from(seconds) * u128::from(rate.num())).div_ceil(segment);
        let before = u64::try_from(segments).unwrap_or(u64::MAX);
        edge.saturating_add(1).saturating_sub(before).max(self.first)
    }

    /// Where it begins, in nanoseconds since the epoch.
    #[must_use]
    pub fn begin(&self) -> u64 {
        self.from.unwrap_or_else(|| self.grid.rate.nanos_of(self.line(self.first)))
    }

    /// Where it ends, in nanoseconds since the epoch; none while it is recorded.
    #[must_use]
    pub fn end(&self) -> Option<u64> {
        let last = self.last?;
        Some(self.to.unwrap_or_else(|| self.grid.rate.nanos_of(self.line(last + 1))))
    }

    /// The first frame, counted from the epoch, of a segment.
    pub(crate) fn line(&self, segment: u64) -> u64 {
        self.grid.first_frame(Position { segment, part: 0 })
    }
}

/// A moment or stretch with a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Its name, by the rules of a program's.
    pub name: String,
    /// When.
    pub at: u64,
    /// Until when, for a stretch.
    #[serde(default)]
    pub until: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(rate: &str, first: u64, last: Option<u64>) -> Recorded {
        let grid = Grid::new(rate.parse().unwrap(), 1600, 200);
        Recorded { grid, begun: None, first, last, from: None, to: None }
    }

    #[test]
    fn a_window_shows_whole_segments_and_nothing_before_the_range() {
        let range = recorded("25", 1000, None);
        for (edge, window, first) in [
            (5000, None, 1000),
            // 300 s are 187.5 segments of 1.6 s.
            (5000, Some(300), 4813),
            (5000, Some(16), 4991),
            (5000, Some(17), 4990),
            (1100, Some(300), 1000),
            (5000, Some(u64::MAX), 1000),
            (10, Some(300), 1000),
        ] {
            assert_eq!(range.first_shown(edge, window), first, "{window:?} before {edge}");
        }
    }

    #[test]
    fn a_range_begins_and_ends_on_lines_unless_it_was_clipped() {
        let range = recorded("25", 1000, Some(1001));
        assert_eq!((range.begin(), range.end()), (1_600_000_000_000, Some(1_603_200_000_000)));
        assert_eq!(recorded("25", 1000, None).end(), None);
        let clipped = Recorded { from: Some(7), to: Some(9), ..range };
        assert_eq!((clipped.begin(), clipped.end()), (7, Some(9)));
    }
}
