//! The line of one channel from samples to the store: segmenter, muxer, slate.
//!
//! Samples of a worker go in, parts come out in the store; while there is no worker the slate goes in its place. The
//! timeline has no hole as long as a slate is known. Where it must have one (a start, a change of the tracks with
//! no slate to bridge it) the line ends the open segments, begins anew on a segment's line and marks a
//! discontinuity.

use channel::{
    segmenter::{Cut, Part, Rejected, Segmenter},
    slate::{Filler, Slate},
};
use cmaf::ChunkWriter;
use link::Tracks;
use media::{Grid, Kind, Layout, Position, Sample, Track, nanos};

use crate::{error::Error, signals::Signals};

/// The longest stretch that the slate bridges in front of a sample. Beyond it the sample's time is wrong: while
/// there is no worker the slate follows the clock.
const LONGEST_BRIDGE: u64 = 10 * media::NANOS;

/// One channel's line.
pub struct Line {
    grid: Grid,
    store: store::Writer,
    running: Option<Running>,
    slate: Slate,
    signals: Signals,
    /// The newest segment that has parts.
    last_segment: Option<u64>,
    refused: u64,
    filled: u64,
}

struct Running {
    layout: Layout,
    segmenter: Segmenter,
    tracks: Vec<Lane>,
    /// The slate is being laid; the next sample of a worker must be a sync sample.
    filling: bool,
}

/// What the line keeps of one track.
struct Lane {
    muxer: ChunkWriter,
    filler: Filler,
    /// The last sample came from the slate.
    on_slate: bool,
    /// The last segment that was told of its ad breaks.
    told: Option<u64>,
    measure: Measure,
}

/// Counts one track.
#[derive(Clone, Copy, Debug, Default)]
pub struct Measure {
    /// Samples taken.
    pub samples: u64,
    /// Bits per second of the last whole segment.
    pub rate: u64,
    bytes: u64,
    nanos: u64,
}

impl Line {
    /// A line into this store; `last` is the newest segment already recorded, `signals` what segments are to tell.
    pub fn new(grid: Grid, store: store::Writer, last: Option<u64>, signals: Signals) -> Self {
        Self {
            grid,
            store,
            running: None,
            slate: Slate::default(),
            signals,
            last_segment: last,
            refused: 0,
            filled: 0,
        }
    }

    /// A worker's encoders are up: its samples begin at `tracks.first`.
    pub fn announce(&mut self, tracks: Tracks) -> Result<(), Error> {
        let layout = cmaf::layout(tracks.tracks).map_err(Error::Mux)?;
        let known = self.running.as_ref().is_some_and(|running| running.layout.id == layout.id);
        let bridged = self.running.as_ref().is_some_and(|running| self.slate.covers(running.tracks.len()));
        if known && bridged {
            self.fill_to(tracks.first);
            return Ok(());
        }
        let mut first = tracks.first;
        if bridged {
            // The old tracks' slate reaches to the line on which the new tracks begin.
            first = Position { segment: first.segment + 1, part: 0 };
            self.fill_to(first);
        }
        self.begin(layout, first);
        Ok(())
    }

    /// Takes a worker's sample. One that does not fit is counted; what it leaves open is filled.
    pub fn sample(&mut self, track: usize, sample: Sample) {
        let Some(running) = &mut self.running else {
            self.refused += 1;
            return;
        };
        let timescale = running.layout.tracks.get(track).map_or(1, |track| track.timescale);
        let expected = running.segmenter.expected(track).unwrap_or(sample.decode_time);
        let hole = nanos(sample.decode_time.saturating_sub(expected), timescale);
        let bridgeable = (1..=LONGEST_BRIDGE).contains(&hole) && self.slate.covers(running.tracks.len());
        if bridgeable && sample.sync {
            self.fill_track(track, nanos(sample.decode_time, timescale));
        }
        let Some(running) = &mut self.running else { return };
        // After the slate a decoder can only begin with a sync sample.
        if running.tracks.get(track).is_some_and(|lane| lane.on_slate) && !sample.sync {
            self.refused += 1;
            return;
        }
        let at = self.grid.position(sample.decode_time, timescale);
        if let Err(rejected) = self.push(track, sample) {
            self.refused += 1;
            tracing::debug!(track, %rejected, "sample refused");
            if let (Rejected::Hole { .. }, Some(running)) = (rejected, &self.running) {
                let layout = running.layout.clone();
                tracing::warn!(track, %rejected, "the timeline is broken off");
                self.begin(layout, Position { segment: at.segment + 1, part: 0 });
            }
        }
    }

    /// Takes a sample of the slate.
    pub fn slate(&mut self, track: usize, sample: Sample) {
        self.slate.push(track, sample);
    }

    /// Lays the slate up to `until`, nanoseconds since the epoch, while no worker gives samples.
    pub fn fill(&mut self, until: u64) {
        let tracks = self.running.as_ref().map_or(0, |running| running.tracks.len());
        if self.slate.covers(tracks) {
            (0..tracks).for_each(|track| self.fill_track(track, until));
        }
    }

    /// Lays the slate up to `until`, but not over the next segment's line, on the tracks where a worker's samples are
    /// waited for that can follow the slate: the next of them begins there.
    pub fn fill_between(&mut self, until: u64) {
        let tracks = self.running.as_ref().map_or(0, |running| running.tracks.len());
        if !self.slate.covers(tracks) {
            return;
        }
        for track in 0..tracks {
            let Some(running) = &self.running else { return };
            let (true, Some(expected)) = (running.tracks[track].on_slate, running.segmenter.expected(track))
            else {
                continue;
            };
            let timescale = running.layout.tracks[track].timescale;
            // One tick back: on a line nothing is to be filled.
            let segment = self.grid.position(expected.saturating_sub(1), timescale).segment;
            let line = nanos(self.grid.segment_line(segment + 1, timescale), timescale);
            self.fill_track(track, until.min(line));
        }
    }

    /// Whether the slate is what viewers see now.
    pub fn on_slate(&self) -> bool {
        self.running.as_ref().is_some_and(|running| running.filling)
    }

    /// Ends the channel: what is open closes, the store is told that nothing follows.
    pub fn finish(mut self) {
        self.end(true);
        self.store.finish();
    }

    /// The tracks and their counts.
    pub fn tracks(&self) -> Vec<(&Track, Measure)> {
        let Some(running) = &self.running else { return Vec::new() };
        running.layout.tracks.iter().zip(running.tracks.iter().map(|lane| lane.measure)).collect()
    }

    /// Samples that came too late, did not fit, or were lost on the way to the store.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Samples laid from the slate.
    pub fn filled(&self) -> u64 {
        self.filled
    }

    /// Begins `layout` at `first`, or on the next segment's line where that segment has parts already.
    fn begin(&mut self, layout: Layout, first: Position) {
        self.end(false);
        let first = match self.last_segment {
            Some(last) if first.segment <= last => Position { segment: last + 1, part: 0 },
            _ => first,
        };
        let timescales: Vec<u32> = layout.tracks.iter().map(|track| track.timescale).collect();
        let lane = |track: &Track| Lane {
            muxer: ChunkWriter::new(track, 1),
            filler: Filler::new(track.timescale),
            on_slate: false,
            told: None,
            measure: Measure::default(),
        };
        let tracks = layout.tracks.iter().map(lane).collect();
        if self.running.take().is_some_and(|old| old.layout.id == layout.id) {
            self.store.discontinue();
        } else {
            self.store.set_layout(layout.clone());
            self.slate = Slate::default();
        }
        let segmenter = Segmenter::begin(self.grid, &timescales, first);
        self.running = Some(Running { layout, segmenter, tracks, filling: false });
    }

    /// Closes what is open.
    fn end(&mut self, last: bool) {
        let Some(running) = &mut self.running else { return };
        let timescales: Vec<u32> = running.layout.tracks.iter().map(|track| track.timescale).collect();
        let nowhere = Position { segment: 0, part: 0 };
        let segmenter =
            std::mem::replace(&mut running.segmenter, Segmenter::begin(self.grid, &timescales, nowhere));
        let mut cuts = Vec::new();
        segmenter.finish(&mut cuts);
        self.store_cuts(cuts, last);
    }

    fn fill_to(&mut self, position: Position) {
        let Some(running) = &self.running else { return };
        let lines: Vec<u64> = running
            .layout
            .tracks
            .iter()
            .map(|track| nanos(self.grid.line(position, track.timescale), track.timescale))
            .collect();
        lines.into_iter().enumerate().for_each(|(track, line)| self.fill_track(track, line));
    }

    fn fill_track(&mut self, track: usize, until: u64) {
        loop {
            let Some(running) = &mut self.running else { return };
            let (Some(expected), Some(lane)) =
                (running.segmenter.expected(track), running.tracks.get_mut(track))
            else {
                return;
            };
            if !lane.on_slate {
                lane.filler = Filler::new(running.layout.tracks[track].timescale);
            }
            let Some(sample) = lane.filler.next(&self.slate, track, &self.grid, expected, until) else {
                return;
            };
            match self.push(track, sample) {
                Ok(()) => self.filled += 1,
                Err(rejected) => {
                    tracing::error!(track, %rejected, "slate refused");
                    return;
                }
            }
        }
    }

    fn push(&mut self, track: usize, sample: Sample) -> Result<(), Rejected> {
        let Some(running) = &mut self.running else { return Ok(()) };
        let filler = sample.filler;
        let mut cuts = Vec::new();
        running.segmenter.push(track, sample, &mut cuts)?;
        let lane = &mut running.tracks[track];
        lane.on_slate = filler;
        lane.measure.samples += 1;
        running.filling = running.tracks.iter().any(|lane| lane.on_slate);
        self.store_cuts(cuts, false);
        Ok(())
    }

    fn store_cuts(&mut self, cuts: Vec<Cut>, last: bool) {
        for cut in cuts {
            match cut {
                Cut::Part(part) => {
                    if let Err(error) = self.store_part(&part, last) {
                        tracing::error!(segment = part.segment, part = part.part, %error, "part lost");
                        self.refused += part.samples.len() as u64;
                    }
                }
                Cut::Segment { track, number } => {
                    if let Some(lane) =
                        self.running.as_mut().and_then(|running| running.tracks.get_mut(track))
                    {
                        lane.measure.close();
                    }
                    self.store.close_segment(track, number);
                }
            }
        }
    }

    /// Has the part tell of what begins soon, where it is the first of its segment, and of what has just happened.
    fn tell(&mut self, part: &Part) -> Result<(), Error> {
        let Some(running) = &mut self.running else { return Ok(()) };
        let events = self.signals.take();
        if !events.is_empty() {
            // Players that read two tracks would hear of it twice: the sound tells only where there are no pictures.
            let pictures = running.layout.tracks.iter().any(|track| track.kind() == Kind::Video);
            let carries = |track: &Track| !pictures || track.kind() == Kind::Video;
            for (_, lane) in
                running.layout.tracks.iter().zip(&mut running.tracks).filter(|(track, _)| carries(track))
            {
                events.iter().try_for_each(|event| lane.muxer.tell(event)).map_err(Error::Mux)?;
            }
        }
        let lane = &mut running.tracks[part.track];
        if lane.told != Some(part.segment) {
            lane.told = Some(part.segment);
            let line = self.grid.first_frame(Position { segment: part.segment, part: 0 });
            let events = self.signals.of_segment(self.grid.rate.nanos_of(line));
            events.iter().try_for_each(|event| lane.muxer.tell(event)).map_err(Error::Mux)?;
        }
        Ok(())
    }

    fn store_part(&mut self, part: &Part, last: bool) -> Result<(), Error> {
        // The part goes on its way whatever becomes of that.
        if let Err(error) = self.tell(part) {
            tracing::error!(segment = part.segment, part = part.part, %error, "an event is lost");
        }
        let Some(running) = &mut self.running else { return Ok(()) };
        let timescale = running.layout.tracks[part.track].timescale;
        let lane = &mut running.tracks[part.track];
        let data = lane.muxer.write(&part.samples, part.part == 0, last).map_err(Error::Mux)?;
        lane.measure.bytes += data.len() as u64;
        lane.measure.nanos += nanos(u64::from(part.duration()), timescale);
        self.last_segment = self.last_segment.max(Some(part.segment));
        let part = store::NewPart {
            track: part.track,
            segment: part.segment,
            part: part.part,
            start: part.start(),
            duration: part.duration(),
            independent: part.samples.first().is_some_and(|sample| sample.sync),
            filler: part.samples.iter().any(|sample| sample.filler),
            data,
        };
        self.store.push_part(part).map_err(Error::Store)
    }
}

impl Measure {
    fn close(&mut self) {
        if let Some(rate) = (self.bytes * 8 * media::NANOS).checked_div(self.nanos) {
            self.rate = rate;
        }
        (self.bytes, self.nanos) = (0, 0);
    }
}
