//! Where segments and parts begin: lines at whole numbers of frames since the Unix epoch.
//!
//! Segment `k` begins at frame `k x frames_per_segment`, on every box with the same grid. Video is cut exactly
//! on a line; a track whose samples do not fall on lines (29.97 frames/s beside 48 kHz, 44.1 kHz) is cut at its
//! first sample at or after the line.

use serde::{Deserialize, Serialize};

use crate::FrameRate;

/// A channel's grid: frame rate, frames in a part, parts in a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grid {
    /// The channel's frame rate.
    pub rate: FrameRate,
    /// Frames in one part, at least 1.
    pub frames_per_part: u32,
    /// Parts in one segment, at least 1.
    pub parts_per_segment: u32,
}

/// A segment number and a part index within it (0 is the segment's first part).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// Segment number since the epoch.
    pub segment: u64,
    /// Part index within the segment.
    pub part: u32,
}

impl Grid {
    /// The grid nearest to the wanted durations (milliseconds) that holds whole frames in each part.
    ///
    /// 1600 ms and 200 ms are exact for 25, 30, 50 and 60 frames/s; 30000/1001 gives 1601.6 ms and 200.2 ms.
    #[must_use]
    pub fn new(rate: FrameRate, segment_ms: u32, part_ms: u32) -> Self {
        let frames = |ms: u32| {
            let per_mille = u64::from(ms) * u64::from(rate.num());
            (per_mille + 500 * u64::from(rate.den())) / (1000 * u64::from(rate.den()))
        };
        let frames_per_part = frames(part_ms).max(1);
        let part_us = frames_per_part * 1_000_000 * u64::from(rate.den()) / u64::from(rate.num());
        let parts = (u64::from(segment_ms) * 1000 + part_us / 2) / part_us.max(1);
        Self {
            rate,
            frames_per_part: u32::try_from(frames_per_part).unwrap_or(u32::MAX),
            parts_per_segment: u32::try_from(parts.max(1)).unwrap_or(u32::MAX),
        }
    }

    /// Frames in one segment.
    #[must_use]
    pub fn frames_per_segment(&self) -> u32 {
        self.frames_per_part * self.parts_per_segment
    }

    /// The first tick at or after the line where `position` begins.
    ///
    /// `position.part` may equal the number of parts: that is the next segment's line.
    #[must_use]
    pub fn line(&self, position: Position, timescale: u32) -> u64 {
        let parts =
            u128::from(position.segment) * u128::from(self.parts_per_segment) + u128::from(position.part);
        let ticks = parts * self.part_ticks(timescale);
        u64::try_from(ticks.div_ceil(u128::from(self.rate.num()))).unwrap_or(u64::MAX)
    }

    /// The first tick at or after the line of segment `number`.
    #[must_use]
    pub fn segment_line(&self, number: u64, timescale: u32) -> u64 {
        self.line(Position { segment: number, part: 0 }, timescale)
    }

    /// The part in which a sample with this decode time lies.
    #[must_use]
    pub fn position(&self, decode_time: u64, timescale: u32) -> Position {
        let parts = u128::from(decode_time) * u128::from(self.rate.num()) / self.part_ticks(timescale);
        let per_segment = u128::from(self.parts_per_segment);
        Position {
            segment: u64::try_from(parts / per_segment).unwrap_or(u64::MAX),
            part: u32::try_from(parts % per_segment).unwrap_or(0),
        }
    }

    /// The part that begins at or next after `nanos` since the epoch.
    #[must_use]
    pub fn next_part(&self, nanos: u64) -> Position {
        let frame = self.rate.frame_at(nanos).div_ceil(u64::from(self.frames_per_part));
        let per_segment = u64::from(self.parts_per_segment);
        Position { segment: frame / per_segment, part: u32::try_from(frame % per_segment).unwrap_or(0) }
    }

    /// The first frame, counted from the epoch, of a part.
    #[must_use]
    pub fn first_frame(&self, position: Position) -> u64 {
        (position.segment * u64::from(self.parts_per_segment) + u64::from(position.part))
            * u64::from(self.frames_per_part)
    }

    /// Where the part after `position` begins, in ticks of a timescale since the epoch.
    #[must_use]
    pub fn line_after(&self, position: Position, timescale: u32) -> u64 {
        let Position { segment, part } = position;
        if part + 1 < self.parts_per_segment {
            self.line(Position { segment, part: part + 1 }, timescale)
        } else {
            self.segment_line(segment + 1, timescale)
        }
    }

    /// Whether a part ends with this frame, counted from the epoch.
    #[must_use]
    pub fn ends_part(&self, frame: u64) -> bool {
        (frame + 1).is_multiple_of(u64::from(self.frames_per_part))
    }

    /// Whether a segment begins with this frame, counted from the epoch.
    #[must_use]
    pub fn begins_segment(&self, frame: u64) -> bool {
        frame.is_multiple_of(u64::from(self.frames_per_segment()))
    }

    /// Whether a group of so many parts, counted from its segment's line, begins with this frame, counted from the epoch.
    #[must_use]
    pub fn begins_group(&self, frame: u64, parts: u32) -> bool {
        let into_segment = frame % u64::from(self.frames_per_segment());
        into_segment.is_multiple_of(u64::from(self.frames_per_part) * u64::from(parts))
    }

    /// Duration of a segment in nanoseconds, rounded to the nearest.
    #[must_use]
    pub fn segment_nanos(&self) -> u64 {
        self.rate.nanos_of(u64::from(self.frames_per_segment()))
    }

    /// Duration of a part in nanoseconds, rounded down.
    #[must_use]
    pub fn part_nanos(&self) -> u64 {
        self.rate.nanos_of(u64::from(self.frames_per_part))
    }

    /// Ticks of one part, times the rate's numerator.
    fn part_ticks(&self, timescale: u32) -> u128 {
        u128::from(self.frames_per_part) * u128::from(self.rate.den()) * u128::from(timescale)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn grid(rate: &str) -> Grid {
        Grid::new(rate.parse().unwrap(), 1600, 200)
    }

    #[test]
    fn default_durations_hold_whole_frames() {
        for (rate, part, segment) in [
            ("25", 5, 40),
            ("30", 6, 48),
            ("50", 10, 80),
            ("60", 12, 96),
            ("30000/1001", 6, 48),
            ("60000/1001", 12, 96),
            ("24", 5, 40),
            ("1", 1, 2),
        ] {
            let grid = grid(rate);
            assert_eq!((grid.frames_per_part, grid.frames_per_segment()), (part, segment), "{rate}");
        }
    }

    #[test]
    fn aac_at_48_khz_is_exact_on_the_default_grid() {
        for rate in ["25", "30", "50", "60"] {
            for number in [0, 1, 1_122_100_367] {
                assert_eq!(grid(rate).segment_line(number, 48_000) % 1024, 0, "{rate}");
            }
        }
    }

    #[test]
    fn a_line_belongs_to_its_own_segment_and_the_tick_before_to_the_last() {
        let grid = grid("30000/1001");
        for timescale in [30_000, 48_000, 44_100] {
            for number in [1, 7, 1_118_000_001] {
                let line = grid.segment_line(number, timescale);
                assert_eq!(grid.position(line, timescale), Position { segment: number, part: 0 });
                let last = grid.parts_per_segment - 1;
                assert_eq!(grid.position(line - 1, timescale), Position { segment: number - 1, part: last });
            }
        }
    }

    proptest! {
        #[test]
        fn position_is_the_inverse_of_line(
            rate in prop::sample::select(vec!["24", "25", "30", "50", "60", "24000/1001", "30000/1001", "60000/1001", "27"]),
            segment in 0u64..3_000_000_000,
            part in 0u32..7,
            timescale in prop::sample::select(vec![30_000u32, 48_000, 44_100, 90_000, 10_000_000]),
        ) {
            let grid = grid(rate);
            let at = Position { segment, part };
            prop_assert_eq!(grid.position(grid.line(at, timescale), timescale), at);
        }

        #[test]
        fn frames_of_a_part_lie_in_it(segment in 0u64..3_000_000_000, part in 0u32..8, nth in 0u32..6) {
            let grid = grid("30000/1001");
            let frame = grid.first_frame(Position { segment, part }) + u64::from(nth);
            let decode_time = frame * u64::from(grid.rate.frame_duration());
            prop_assert_eq!(grid.position(decode_time, grid.rate.timescale()), Position { segment, part });
        }
    }
}
