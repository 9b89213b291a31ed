//! Brings a card's sound to the channel's clock: resampled by as much as the card's clock differs, so that it neither runs
//! ahead of the pictures nor falls behind them, without a cut.

use channel::{drift::Drift, sound::Blocks};
use rubato::{
    Adjustable, Async, FixedAsync, Resampler, SincInterpolationParameters, SincInterpolationType,
    WindowFunction, audioadapter_buffers::direct::InterleavedSlice,
};

/// Sample frames per second of the channel.
const RATE: u32 = 48_000;
/// A deviation beyond this is no drift (25 ms): sound that is earlier, or stays later, is laid anew.
const JUMP: f64 = 1200.0;
/// So much later (300 ms) no busy machine reads it: there was a break.
const BREAK: f64 = 14_400.0;
/// Sound that is later for so long (500 ms) stays so; what is only read late is followed by what was read in time.
const STAYS: f64 = 24_000.0;
/// A resampler's ratio may be changed by this factor.
const RANGE: f64 = 1.01;
/// Taps of its filter, whose passband reaches 19 kHz, and points between two of its samples.
const TAPS: usize = 64;
const POINTS: usize = 256;
/// Full scale.
const FULL: f32 = 32_768.0;

/// Sound as a card gave it.
#[derive(Clone, Debug)]
pub struct Heard {
    /// When its first frame was captured: nanoseconds since the epoch.
    pub captured: u64,
    /// Sample frames per second by the card's clock.
    pub rate: u32,
    /// Channels of a frame.
    pub channels: usize,
    /// Interleaved.
    pub samples: Vec<i16>,
}

/// A stretch of sound on the channel's clock.
#[derive(Clone, Debug)]
pub struct Piece {
    /// Where it begins: sample frames since the epoch.
    position: u64,
    channels: usize,
    samples: Vec<f32>,
}

impl Piece {
    /// Lays each pair of channels at its place; one that stands alone is heard on both sides.
    pub fn lay(&self, pairs: &mut [Blocks]) {
        for (pair, blocks) in pairs.iter_mut().enumerate() {
            let left = pair * 2;
            if left >= self.channels {
                return;
            }
            let right = if left + 1 < self.channels { left + 1 } else { left };
            let frame = |frame: &[f32]| [whole(frame[left]), whole(frame[right])];
            let samples: Vec<_> = self.samples.chunks_exact(self.channels).flat_map(frame).collect();
            blocks.lay(self.position, &samples);
        }
    }
}

fn whole(sample: f32) -> i16 {
    (sample * FULL).round().clamp(-FULL, FULL - 1.0) as i16
}

/// Follows one card's clock.
#[derive(Default)]
pub struct Follower {
    drift: Drift,
    stream: Option<Stream>,
}

/// A card's sound without a break.
struct Stream {
    rate: u32,
    channels: usize,
    resampler: Async<f32>,
    /// What does not make up a chunk yet, interleaved.
    waiting: Vec<f32>,
    /// Where the next output begins.
    position: u64,
    /// For how many sample frames all that was heard was later than [`JUMP`].
    late: f64,
}

impl Follower {
    /// What there is to be laid now that this was heard.
    pub fn follow(&mut self, heard: &Heard) -> Vec<Piece> {
        if heard.channels == 0 || heard.rate == 0 || heard.samples.is_empty() {
            return Vec::new();
        }
        let due = media::ticks(heard.captured, RATE);
        let frames = heard.samples.len() / heard.channels * RATE as usize / heard.rate as usize;
        let stream = match &mut self.stream {
            Some(stream) if stream.is_of(heard) => stream,
            other => {
                self.drift.begins_anew();
                other.insert(Stream::new(heard, due))
            }
        };
        let deviation = due as f64 - stream.expected();
        if stream.breaks(deviation, frames) {
            self.drift.begins_anew();
            stream.begin(due);
        } else {
            self.drift.laid(frames, deviation);
        }
        stream.waiting.extend(heard.samples.iter().map(|&sample| f32::from(sample) / FULL));
        stream.resample(self.drift.stretch())
    }

    /// By how many millionths the card's clock is faster than the channel's, where that is known.
    pub fn drift_ppm(&self) -> Option<i32> {
        self.stream.as_ref().and(self.drift.ppm())
    }
}

impl Stream {
    fn new(heard: &Heard, due: u64) -> Self {
        let (rate, channels) = (heard.rate, heard.channels);
        // Eight pairs cost a twentieth of a small core so; cubic interpolation would double that.
        let filter = SincInterpolationParameters::new(TAPS, WindowFunction::BlackmanHarris2)
            .oversampling_factor(POINTS)
            .interpolation(SincInterpolationType::Linear);
        let (ratio, chunk) = (f64::from(RATE) / f64::from(rate), (rate / 100).max(1) as usize);
        let resampler = Async::new_sinc(ratio, RANGE, &filter, chunk, channels, FixedAsync::Input)
            .expect("a ratio of two rates is finite, and there are channels and frames");
        let mut stream = Self { rate, channels, resampler, waiting: Vec::new(), position: 0, late: 0.0 };
        stream.begin(due);
        stream
    }

    /// What is heard next was captured at `due`.
    fn begin(&mut self, due: u64) {
        self.resampler.reset();
        self.waiting.clear();
        (self.position, self.late) = (due.saturating_sub(self.resampler.output_delay() as u64), 0.0);
    }

    /// Whether the next `frames`, which deviate so much, do not follow on what was heard.
    fn breaks(&mut self, deviation: f64, frames: usize) -> bool {
        self.late = if deviation > JUMP { self.late + frames as f64 } else { 0.0 };
        !(-JUMP..=BREAK).contains(&deviation) || self.late > STAYS
    }

    /// Whether it is of this rate and these channels.
    fn is_of(&self, heard: &Heard) -> bool {
        (self.rate, self.channels) == (heard.rate, heard.channels)
    }

    /// Where the next frame that is heard comes to lie.
    fn expected(&self) -> f64 {
        let waiting = (self.waiting.len() / self.channels) as f64 * self.resampler.resample_ratio();
        // Exact to a 64th of a frame until long after this box.
        self.position as f64 + self.resampler.output_delay() as f64 + waiting
    }

    fn resample(&mut self, stretch: f64) -> Vec<Piece> {
        let ratio = f64::from(RATE) / f64::from(self.rate) * stretch;
        if let Err(error) = self.resampler.set_resample_ratio(ratio, true) {
            tracing::debug!(%error, "the sound is followed as far as it can be");
        }
        let mut pieces = Vec::new();
        loop {
            let wanted = self.resampler.input_frames_next() * self.channels;
            if self.waiting.len() < wanted {
                return pieces;
            }
            let chunk = InterleavedSlice::new(&self.waiting[..wanted], self.channels, wanted / self.channels)
                .expect("a slice of whole frames");
            let resampled = self.resampler.process(&chunk, None).expect("as many frames as it has asked for");
            self.waiting.drain(..wanted);
            let samples = resampled.take_data();
            let frames = samples.len() / self.channels;
            pieces.push(Piece { position: self.position, channels: self.channels, samples });
            self.position += frames as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use media::NANOS;

    use super::*;

    /// A block of the timeline.
    const BEGIN: u64 = 1_790_000_000 * RATE as u64;

    /// What comes out of a card that gives a tone of 1 kHz by the channel's clock, though its own is faster by `ppm`, read up
    /// to 3 ms late: sample frames of the left channel and the follower.
    fn follow(rate: u32, channels: usize, ppm: i32, seconds: u32) -> (Vec<i16>, Follower) {
        let faster = 1.0 + f64::from(ppm) / 1e6;
        let frames = rate as usize / 100;
        let mut follower = Follower::default();
        let mut blocks = vec![Blocks::new(2, 480, BEGIN, 0); channels.div_ceil(2)];
        let mut left = Vec::new();
        for nth in 0..seconds as usize * 100 {
            let at = |frame: usize| (nth * frames + frame) as f64 / f64::from(rate) / faster;
            let sample = |frame: usize| (10_000.0 * (TAU * 1000.0 * at(frame)).sin()) as i16;
            let samples = (0..frames).flat_map(|frame| vec![sample(frame); channels]).collect();
            let late = (nth as u64 * 7919 % 13) * 250_000;
            let captured = 1_790_000_000 * NANOS + (at(0) * 1e9) as u64 + late;
            for piece in follower.follow(&Heard { captured, rate, channels, samples }) {
                piece.lay(&mut blocks);
            }
            while blocks[0].is_full() {
                left.extend(blocks[0].take().iter().step_by(2));
            }
        }
        (left, follower)
    }

    /// By how many sample frames a tone of 1 kHz is late against the channel's clock in each second.
    fn lateness(left: &[i16]) -> Vec<f64> {
        let phase = |second: &[i16]| {
            let (mut sine, mut cosine) = (0.0, 0.0);
            for (nth, &sample) in second.iter().enumerate() {
                let angle = TAU * 1000.0 * nth as f64 / f64::from(RATE);
                sine += f64::from(sample) * angle.sin();
                cosine += f64::from(sample) * angle.cos();
            }
            f64::atan2(-cosine, sine) / TAU * 48.0
        };
        left.chunks_exact(RATE as usize).map(phase).collect()
    }

    #[test]
    fn a_card_with_another_clock_stays_in_step_and_is_told_by_how_much_it_is_off() {
        for ppm in [-150, 0, 80] {
            let (left, follower) = follow(48_000, 2, ppm, 120);
            assert!(follower.drift_ppm().unwrap().abs_diff(ppm) <= 8, "{ppm}: {:?}", follower.drift_ppm());
            let lateness = lateness(&left);
            let settled = &lateness[100..];
            // A quarter of a millisecond.
            assert!(settled.iter().all(|late| late.abs() < 12.0), "{ppm} ppm: {settled:?}");
        }
    }

    #[test]
    fn there_is_no_click_in_it() {
        let (left, _) = follow(48_000, 2, 100, 20);
        // A sine of 1 kHz at this level rises by no more than this from one sample to the next.
        let steepest = (10_000.0 * TAU * 1000.0 / f64::from(RATE) * 1.02) as i32;
        let jumps =
            left[4800..].windows(2).filter(|two| (i32::from(two[1]) - i32::from(two[0])).abs() > steepest);
        assert_eq!(jumps.count(), 0);
    }

    #[test]
    fn other_rates_and_numbers_of_channels_are_brought_to_the_channels() {
        for (rate, channels) in [(44_100, 2), (32_000, 1), (96_000, 6)] {
            let (left, _) = follow(rate, channels, 0, 4);
            let loudest = left[48_000..].iter().max().unwrap();
            assert!((9_800..=10_100).contains(loudest), "{rate}: {loudest}");
            assert!(left.len() > 3 * RATE as usize, "{rate}: {}", left.len());
        }
    }

    #[test]
    fn one_channel_is_heard_on_both_sides_and_pairs_keep_apart() {
        let mut blocks = vec![Blocks::new(2, 2, BEGIN, 0); 3];
        let samples = vec![0.5, -0.5, 0.25, 0.5, -0.5, 0.25];
        Piece { position: BEGIN, channels: 3, samples }.lay(&mut blocks);
        assert_eq!(blocks[0].take(), [16_384, -16_384, 16_384, -16_384]);
        assert_eq!(blocks[1].take(), [8_192; 4]);
        assert_eq!(blocks[2].take(), [0; 4]);
    }

    #[test]
    fn what_is_read_late_is_no_break_and_what_stays_late_is_one() {
        let mut follower = Follower::default();
        let piece = |nth: u64, late: u64| Heard {
            captured: NANOS * 1_790_000_000 + nth * 10_000_000 + late * 1_000_000,
            rate: 48_000,
            channels: 2,
            samples: vec![1; 960],
        };
        let begun = follower.follow(&piece(0, 0))[0].position;
        let mut hear = |nth, late| follower.follow(&piece(nth, late))[0].position - begun;
        // One read of 90 ms at once, a scheduler's whim: in its place, less what the loop stretches.
        assert!((1..10).all(|nth| hear(nth, 90 - 10 * nth).abs_diff(480 * nth) < 5));
        // An overrun: 60 ms are lost.
        let after: Vec<_> = (10..80).map(|nth| hear(nth, 60)).collect();
        assert!(after[40].abs_diff(480 * 50) < 50, "not at once: {}", after[40]);
        assert!(after[69].abs_diff(480 * 79 + 2880) < 50, "{}", after[69]);
    }

    #[test]
    fn a_break_is_no_drift() {
        let mut follower = Follower::default();
        let mut heard =
            Heard { captured: NANOS * 1_790_000_000, rate: 48_000, channels: 2, samples: vec![1; 960] };
        let begun = follower.follow(&heard)[0].position;
        heard.captured += 2 * NANOS;
        assert_eq!(follower.follow(&heard)[0].position, begun + 96_000);
    }
}
