//! Cuts all tracks at the same instants: parts and segments on the channel's [`Grid`].
//!
//! Every track is kept without holes or overlaps from [`Segmenter::begin`] to the end. A part closes with the
//! sample that reaches the next line, not with the one after it, so no part waits for a frame it does not hold.

use media::{Grid, Position, Sample};

/// What the segmenter gives out, in order on each track.
#[derive(Clone, Debug, PartialEq)]
pub enum Cut {
    /// A whole part.
    Part(Part),
    /// No further part of this segment will come on this track.
    Segment {
        /// Track index.
        track: usize,
        /// Segment number.
        number: u64,
    },
}

/// The samples of one part.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Track index.
    pub track: usize,
    /// Segment number.
    pub segment: u64,
    /// Ordinal within the segment on this track, from 0.
    pub part: u32,
    /// At least one, without holes.
    pub samples: Vec<Sample>,
}

impl Part {
    /// Decode time of the first sample.
    #[must_use]
    pub fn start(&self) -> u64 {
        self.samples.first().map_or(0, |sample| sample.decode_time)
    }

    /// Ticks to the end of the last sample.
    #[must_use]
    pub fn duration(&self) -> u32 {
        self.samples.iter().map(|sample| sample.duration).sum()
    }
}

/// Why a sample was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// No such track.
    #[error("track {0} is not one of the channel's")]
    Track(usize),
    /// It ends before what the track needs next.
    #[error("decode time {got} is before {expected}")]
    Stale {
        /// The sample's decode time.
        got: u64,
        /// What the track needs next.
        expected: u64,
    },
    /// It leaves a hole too long to stretch over.
    #[error("decode time {got} is {} ticks after {expected}", got - expected)]
    Hole {
        /// The sample's decode time.
        got: u64,
        /// What the track needs next.
        expected: u64,
    },
    /// A segment would begin with a sample where decoding cannot begin.
    #[error("segment {0} does not begin with a sync sample")]
    NotSync(u64),
    /// It has no duration.
    #[error("sample of no duration")]
    Empty,
}

/// The segmenter of one channel.
#[derive(Debug)]
pub struct Segmenter {
    grid: Grid,
    tracks: Vec<Cutter>,
}

#[derive(Debug)]
struct Cutter {
    timescale: u32,
    /// Decode time that the next sample must have; before the first one, the line to begin at.
    expected: u64,
    begun: bool,
    /// The part being filled, on the grid.
    position: Position,
    /// Its ordinal within the segment.
    ordinal: u32,
    samples: Vec<Sample>,
}

impl Segmenter {
    /// Begins every track at the line of `first`.
    #[must_use]
    pub fn begin(grid: Grid, timescales: &[u32], first: Position) -> Self {
        let cutter = |&timescale: &u32| Cutter {
            timescale,
            expected: grid.line(first, timescale),
            begun: false,
            position: first,
            ordinal: 0,
            samples: Vec::new(),
        };
        Self { grid, tracks: timescales.iter().map(cutter).collect() }
    }

    /// The decode time that the next sample of a track must have; before its first one, the line to begin at.
    #[must_use]
    pub fn expected(&self, track: usize) -> Option<u64> {
        self.tracks.get(track).map(|cutter| cutter.expected)
    }

    /// Takes one sample; whatever closes with it is appended to `out`.
    ///
    /// Where samples are missing, up to one part long, the one before lasts to the next part's line and the one after is
    /// stretched back to it: so no part is longer than it may be.
    pub fn push(&mut self, track: usize, sample: Sample, out: &mut Vec<Cut>) -> Result<(), Rejected> {
        let grid = self.grid;
        let cutter = self.tracks.get_mut(track).ok_or(Rejected::Track(track))?;
        cutter.reach_line(&grid, track, sample.decode_time, out);
        let sample = cutter.fit(&grid, sample)?;
        cutter.samples.push(sample);
        cutter.begun = true;
        cutter.advance(&grid, track, out);
        Ok(())
    }

    /// Ends every track where it stands: open parts and segments close short.
    pub fn finish(mut self, out: &mut Vec<Cut>) {
        for (track, cutter) in self.tracks.iter_mut().enumerate() {
            let number = cutter.position.segment;
            cutter.close_part(track, out);
            if cutter.ordinal > 0 {
                out.push(Cut::Segment { track, number });
            }
        }
    }
}

impl Cutter {
    /// Lets the last sample last to the next part's line where all that follow before it are missing.
    fn reach_line(&mut self, grid: &Grid, track: usize, got: u64, out: &mut Vec<Cut>) {
        let part = grid.line(Position { segment: 0, part: 1 }, self.timescale);
        let line = grid.line_after(self.position, self.timescale);
        let missing = got.saturating_sub(self.expected);
        let Some(last) = self.samples.last_mut() else { return };
        if missing > 0 && missing <= part && got >= line {
            // Less than a part, which lasts less than 2^32 ticks.
            last.duration += (line - self.expected) as u32;
            self.advance(grid, track, out);
        }
    }

    fn fit(&self, grid: &Grid, mut sample: Sample) -> Result<Sample, Rejected> {
        let (got, expected) = (sample.decode_time, self.expected);
        if sample.duration == 0 {
            return Err(Rejected::Empty);
        }
        if got < expected {
            return Err(Rejected::Stale { got, expected });
        }
        // The first sample of a track need not fall on the line, only belong to its part.
        if !self.begun && grid.position(got, self.timescale) == self.position {
            return if sample.sync { Ok(sample) } else { Err(Rejected::NotSync(self.position.segment)) };
        }
        if got > expected {
            let part = grid.line(Position { segment: 0, part: 1 }, self.timescale);
            let segment_end = grid.segment_line(self.position.segment + 1, self.timescale);
            let longest = u32::try_from(sample.end() - expected);
            match longest {
                Ok(duration) if got - expected <= part && got < segment_end => {
                    sample.decode_time = expected;
                    sample.duration = duration;
                }
                _ => return Err(Rejected::Hole { got, expected }),
            }
        }
        let begins_segment = self.ordinal == 0 && self.samples.is_empty();
        if begins_segment && !sample.sync {
            return Err(Rejected::NotSync(self.position.segment));
        }
        Ok(sample)
    }

    /// Moves on to the end of the sample just added, closing the part or segment that ends there.
    fn advance(&mut self, grid: &Grid, track: usize, out: &mut Vec<Cut>) {
        self.expected = self.samples.last().map_or(self.expected, Sample::end);
        let next = grid.position(self.expected, self.timescale);
        if next == self.position {
            return;
        }
        self.close_part(track, out);
        if next.segment != self.position.segment {
            out.push(Cut::Segment { track, number: self.position.segment });
            self.ordinal = 0;
        }
        self.position = next;
    }

    fn close_part(&mut self, track: usize, out: &mut Vec<Cut>) {
        if self.samples.is_empty() {
            return;
        }
        let samples = std::mem::take(&mut self.samples);
        out.push(Cut::Part(Part { track, segment: self.position.segment, part: self.ordinal, samples }));
        self.ordinal += 1;
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use media::FrameRate;
    use proptest::prelude::*;

    use super::*;

    fn grid(rate: &str) -> Grid {
        Grid::new(rate.parse().unwrap(), 1600, 200)
    }

    fn sample(decode_time: u64, duration: u32, sync: bool) -> Sample {
        Sample {
            decode_time,
            duration,
            composition_offset: 0,
            sync,
            filler: false,
            captured: 0,
            data: Bytes::from_static(b"x"),
        }
    }

    /// Pictures from frame `from`, with sync samples where segments begin.
    fn pictures(grid: &Grid, from: u64) -> impl Iterator<Item = Sample> {
        let (grid, rate) = (*grid, grid.rate);
        (from..).map(move |frame| {
            let duration = rate.frame_duration();
            sample(frame * u64::from(duration), duration, grid.begins_segment(frame) || frame == from)
        })
    }

    fn cut(segmenter: &mut Segmenter, track: usize, samples: impl Iterator<Item = Sample>) -> Vec<Cut> {
        let mut out = Vec::new();
        samples.for_each(|sample| segmenter.push(track, sample, &mut out).unwrap());
        out
    }

    fn parts(cuts: &[Cut], track: usize) -> Vec<&Part> {
        let parts = cuts.iter().filter_map(|cut| if let Cut::Part(part) = cut { Some(part) } else { None });
        parts.filter(|part| part.track == track).collect()
    }

    #[test]
    fn a_part_closes_with_its_last_frame() {
        let grid = grid("25");
        let first = Position { segment: 1000, part: 0 };
        let mut segmenter = Segmenter::begin(grid, &[25_000], first);
        let mut frames = pictures(&grid, grid.first_frame(first));
        assert!(cut(&mut segmenter, 0, frames.by_ref().take(4)).is_empty());
        let cuts = cut(&mut segmenter, 0, frames.by_ref().take(1));
        assert_eq!(parts(&cuts, 0)[0].duration(), 5000);
        let cuts = cut(&mut segmenter, 0, frames.take(35));
        assert_eq!(cuts.last(), Some(&Cut::Segment { track: 0, number: 1000 }));
        assert_eq!(parts(&cuts, 0).last().unwrap().part, 7);
    }

    #[test]
    fn a_late_start_makes_a_short_first_segment() {
        let grid = grid("30");
        let first = Position { segment: 1000, part: 6 };
        let mut segmenter = Segmenter::begin(grid, &[30_000], first);
        let cuts = cut(&mut segmenter, 0, pictures(&grid, grid.first_frame(first)).take(12 + 48));
        let numbers: Vec<_> = parts(&cuts, 0).iter().map(|part| (part.segment, part.part)).collect();
        assert_eq!(numbers[..3], [(1000, 0), (1000, 1), (1001, 0)]);
        assert_eq!(numbers.len(), 10);
    }

    #[test]
    fn a_missing_frame_is_covered_by_the_next() {
        let grid = grid("25");
        let first = Position { segment: 10, part: 0 };
        let mut segmenter = Segmenter::begin(grid, &[25_000], first);
        let frames = pictures(&grid, grid.first_frame(first)).take(40).enumerate();
        let cuts =
            cut(&mut segmenter, 0, frames.filter(|(nth, _)| ![3, 9, 10].contains(nth)).map(|(_, s)| s));
        assert!(
            parts(&cuts, 0).iter().all(|part| part.duration() == 5000),
            "no part is longer than it may be"
        );
        assert_eq!(cuts.last(), Some(&Cut::Segment { track: 0, number: 10 }));
    }

    #[test]
    fn a_segment_without_its_last_frames_ends_on_its_line() {
        let grid = grid("25");
        let first = Position { segment: 10, part: 0 };
        let mut segmenter = Segmenter::begin(grid, &[25_000], first);
        let frames = pictures(&grid, grid.first_frame(first)).take(45).enumerate();
        let cuts = cut(&mut segmenter, 0, frames.filter(|(nth, _)| ![38, 39].contains(nth)).map(|(_, s)| s));
        assert_eq!(parts(&cuts, 0).len(), 9);
        assert!(parts(&cuts, 0).iter().all(|part| part.duration() == 5000));
    }

    #[test]
    fn what_would_tear_the_timeline_is_refused() {
        let grid = grid("25");
        let first = Position { segment: 10, part: 0 };
        let line = grid.line(first, 25_000);
        let mut segmenter = Segmenter::begin(grid, &[25_000], first);
        let mut push =
            |decode_time, sync| segmenter.push(0, sample(decode_time, 1000, sync), &mut Vec::new());
        assert_eq!(push(line, false), Err(Rejected::NotSync(10)));
        push(line, true).unwrap();
        assert_eq!(push(line, true), Err(Rejected::Stale { got: line, expected: line + 1000 }));
        let beyond = line + 40_000;
        assert_eq!(push(beyond, true), Err(Rejected::Hole { got: beyond, expected: line + 1000 }));
    }

    #[test]
    fn finishing_closes_what_is_open() {
        let grid = grid("25");
        let first = Position { segment: 10, part: 0 };
        let mut segmenter = Segmenter::begin(grid, &[25_000, 48_000], first);
        cut(&mut segmenter, 0, pictures(&grid, grid.first_frame(first)).take(7));
        let mut out = Vec::new();
        segmenter.finish(&mut out);
        assert_eq!(parts(&out, 0)[0].samples.len(), 2);
        assert_eq!(
            out[1..],
            [Cut::Segment { track: 0, number: 10 }],
            "the silent track has nothing to close"
        );
    }

    proptest! {
        /// Whatever the rate, both tracks are cut at the same instants and nothing is lost or doubled.
        #[test]
        fn tracks_are_cut_together(
            rate in prop::sample::select(vec!["24", "25", "30", "50", "60", "30000/1001", "60000/1001"]),
            segment in 1u64..2_000_000_000,
            part in 0u32..7,
            sound in prop::sample::select(vec![44_100u32, 48_000]),
        ) {
            let grid = grid(rate);
            let rate: FrameRate = grid.rate;
            let first = Position { segment, part };
            let mut segmenter = Segmenter::begin(grid, &[rate.timescale(), sound], first);
            let frames = pictures(&grid, grid.first_frame(first)).take(4 * grid.frames_per_segment() as usize);
            let mut cuts = cut(&mut segmenter, 0, frames);
            let line = grid.line(first, sound);
            let end = grid.segment_line(segment + 4, sound);
            let audio = (line.div_ceil(1024)..end / 1024).map(|nth| sample(nth * 1024, 1024, true));
            cuts.extend(cut(&mut segmenter, 1, audio));
            for (track, timescale) in [(0, rate.timescale()), (1, sound)] {
                let mut expected = parts(&cuts, track)[0].start();
                prop_assert!(expected - grid.line(first, timescale) < 1024);
                for part in parts(&cuts, track) {
                    prop_assert_eq!(part.start(), expected);
                    expected += u64::from(part.duration());
                    let line = grid.position(part.start(), timescale);
                    prop_assert_eq!(line.segment, part.segment);
                    if part.part == 0 && part.segment != segment {
                        let begins = grid.segment_line(part.segment, timescale);
                        prop_assert!(part.start() - begins < 1024, "begins at the first sample on or after the line");
                    }
                }
            }
        }
    }
}
