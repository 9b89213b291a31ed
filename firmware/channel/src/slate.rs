//! What stands in while no worker gives samples.
//!
//! A worker leaves behind, per track, samples encoded with the very parameters of the live ones: for pictures one
//! segment's worth that begins with a sync sample, for sound one frame of silence. They are laid on the timeline
//! frame by frame up to a given instant, so the playlist goes on and a decoder needs no new init segment.

use media::{Grid, Sample, nanos};

/// The slate samples of every track.
#[derive(Clone, Debug, Default)]
pub struct Slate {
    tracks: Vec<Vec<Sample>>,
}

impl Slate {
    /// Adds the next slate sample of a track; a sync sample begins the track's slate anew.
    pub fn push(&mut self, track: usize, sample: Sample) {
        if self.tracks.len() <= track {
            self.tracks.resize(track + 1, Vec::new());
        }
        if sample.sync {
            self.tracks[track].clear();
        }
        self.tracks[track].push(sample);
    }

    /// Whether every one of `tracks` tracks can be filled.
    #[must_use]
    pub fn covers(&self, tracks: usize) -> bool {
        let begins_with_sync = |samples: &Vec<Sample>| samples.first().is_some_and(|sample| sample.sync);
        tracks > 0 && self.tracks.len() >= tracks && self.tracks[..tracks].iter().all(begins_with_sync)
    }
}

/// Lays a slate on one track's timeline.
#[derive(Clone, Debug)]
pub struct Filler {
    timescale: u32,
    /// Which of the track's slate samples comes next.
    next: usize,
}

impl Filler {
    /// A filler for a track with this timescale; its first sample is the slate's sync sample.
    #[must_use]
    pub fn new(timescale: u32) -> Self {
        Self { timescale, next: 0 }
    }

    /// The next filler sample at `decode_time`, if it ends at or before `until` (nanoseconds since the epoch).
    ///
    /// Where a segment begins, the slate begins anew with its sync sample.
    #[must_use]
    pub fn next(
        &mut self,
        slate: &Slate,
        track: usize,
        grid: &Grid,
        decode_time: u64,
        until: u64,
    ) -> Option<Sample> {
        let samples = slate.tracks.get(track)?;
        let number = grid.position(decode_time, self.timescale).segment;
        if decode_time == grid.segment_line(number, self.timescale) || self.next >= samples.len() {
            self.next = 0;
        }
        let mut sample = samples.get(self.next)?.clone();
        sample.decode_time = decode_time;
        sample.filler = true;
        sample.captured = nanos(decode_time, self.timescale);
        if nanos(sample.end(), self.timescale) > until {
            return None;
        }
        self.next += 1;
        Some(sample)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use media::FrameRate;

    fn slate() -> Slate {
        let mut slate = Slate::default();
        for nth in 0..48u64 {
            let sample = Sample {
                decode_time: nth * 1000,
                duration: 1000,
                composition_offset: 0,
                sync: nth == 0,
                filler: true,
                captured: 0,
                data: Bytes::from(vec![u8::try_from(nth).unwrap()]),
            };
            slate.push(0, sample);
        }
        slate
    }

    #[test]
    fn a_sync_sample_replaces_only_its_own_track() {
        let mut slate = slate();
        let first = slate.tracks[0][0].clone();
        slate.push(1, first.clone());
        slate.push(0, first);
        assert_eq!(slate.tracks.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1]);
        assert!(slate.covers(2));
    }

    #[test]
    fn fills_to_the_instant_and_begins_anew_on_each_segment() {
        let grid = Grid::new(FrameRate::new(30, 1).unwrap(), 1600, 200);
        let (slate, mut filler) = (slate(), Filler::new(30_000));
        assert!(slate.covers(1) && !slate.covers(2));
        let line = grid.segment_line(1000, 30_000);
        let mut decode_time = line - 5 * 1000;
        let until = nanos(line + 3 * 1000, 30_000);
        let mut laid = Vec::new();
        while let Some(sample) = filler.next(&slate, 0, &grid, decode_time, until) {
            decode_time = sample.end();
            laid.push(sample);
        }
        assert_eq!(laid.iter().map(|sample| sample.data[0]).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 0, 1, 2]);
        assert_eq!(decode_time, line + 3 * 1000);
        assert!(laid.iter().all(|sample| sample.filler && sample.sync == (sample.data[0] == 0)));
    }
}
