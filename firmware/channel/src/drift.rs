//! Follows a source whose clock is not the channel's: how fast it runs, and by how much its samples are to be stretched so
//! that they stay where their capture times put them.
//!
//! A source's capture times come late by the scheduling of whoever read them, never early. So once a second the smallest
//! deviation counts, and a loop of the second order turns it into a ratio: its sum is the difference of the clocks, found
//! within half a minute; a deviation that is left goes away as slowly, so that nobody hears it.

/// Sample frames per second of the channel.
const RATE: f64 = 48_000.0;
/// Of the loop, per second: critically damped, with a period of some two minutes.
const PROPORTIONAL: f64 = 0.1;
const INTEGRAL: f64 = 0.0025;
/// The furthest that a clock is followed: those of USB devices may be off by 500 ppm (USB 2.0, 7.1.11, full speed: 2,500).
const FURTHEST: f64 = 0.0025;
/// Seconds of deviations that are taken together.
const ROUND: f64 = 1.0;
/// Rounds after which the difference of the clocks is known.
const SETTLED: u32 = 30;

/// Follows one source.
#[derive(Clone, Debug, Default)]
pub struct Drift {
    /// Seconds of the round under way, and its smallest deviation in sample frames.
    heard: f64,
    least: Option<f64>,
    /// What the source's clock runs faster than the channel's, 1.0 for as fast again.
    faster: f64,
    ratio: f64,
    rounds: u32,
}

impl Drift {
    /// `frames` of the channel's sample frames were laid; their capture times say that they belong `deviation` sample frames
    /// later (earlier where negative).
    pub fn laid(&mut self, frames: usize, deviation: f64) {
        self.least = Some(self.least.map_or(deviation, |least| least.min(deviation)));
        self.heard += frames as f64 / RATE;
        if self.heard < ROUND {
            return;
        }
        let (seconds, late) = (self.heard, self.least.take().unwrap_or_default() / RATE);
        self.heard = 0.0;
        // Its samples come later than they are laid: it is slower, and they are stretched.
        self.faster = (self.faster - INTEGRAL * late * seconds).clamp(-FURTHEST, FURTHEST);
        self.ratio = (PROPORTIONAL * late - self.faster).clamp(-FURTHEST, FURTHEST);
        self.rounds += 1;
    }

    /// The source has begun anew: its clock is the same, where its samples lie is not.
    pub fn begins_anew(&mut self) {
        (self.heard, self.least, self.ratio) = (0.0, None, -self.faster);
    }

    /// Sample frames to be laid for each that the source gives at its nominal rate, 1.0 where the clocks agree.
    #[must_use]
    pub fn stretch(&self) -> f64 {
        1.0 + self.ratio
    }

    /// By how many millionths the source's clock is faster than the channel's; none before it is known.
    #[must_use]
    pub fn ppm(&self) -> Option<i32> {
        (self.rounds >= SETTLED).then(|| (self.faster * 1e6).round() as i32)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A source that is faster by `faster` and read late by `late(nth)` seconds, 10 ms at a time. Gives the deviation in
    /// seconds after each round.
    fn follow(drift: &mut Drift, faster: f64, seconds: u32, late: impl Fn(u32) -> f64) -> Vec<f64> {
        let (mut captured, mut laid) = (0.0, 0.0);
        let mut deviations = Vec::new();
        for nth in 0..seconds * 100 {
            let read = captured + late(nth) * RATE;
            drift.laid(480, read - laid);
            laid += 480.0 * drift.stretch();
            captured += 480.0 / (1.0 + faster);
            if nth % 100 == 99 {
                deviations.push((captured - laid) / RATE);
            }
        }
        deviations
    }

    #[test]
    fn the_difference_of_the_clocks_is_found_and_nothing_is_left_of_the_deviation() {
        for ppm in [-300, -40, 0, 7, 120] {
            let mut drift = Drift::default();
            let deviations = follow(&mut drift, f64::from(ppm) / 1e6, 300, |_| 0.0);
            assert!(drift.ppm().unwrap().abs_diff(ppm) <= 1, "{ppm}: {:?}", drift.ppm());
            let worst = deviations.iter().fold(0.0, |worst: f64, now| worst.max(now.abs()));
            assert!(worst < 0.003, "{ppm} ppm: up to {worst} s");
            assert!(deviations.last().unwrap().abs() < 0.000_05, "{deviations:?}");
        }
    }

    #[test]
    fn after_an_hour_with_a_clock_that_is_off_by_100_ppm_sound_is_where_it_was() {
        for ppm in [-100, 100] {
            let deviations = follow(&mut Drift::default(), f64::from(ppm) / 1e6, 3600, |_| 0.0);
            let worst = deviations.iter().fold(0.0, |worst: f64, now| worst.max(now.abs()));
            let late = deviations[300..].iter().fold(0.0, |worst: f64, now| worst.max(now.abs()));
            // A frame of 60 a second is 16.7 ms long, and 100 ppm are 360 ms in an hour.
            assert!(worst < 0.002 && late < 0.000_1, "{ppm} ppm: up to {worst} s, in the end {late} s");
        }
    }

    #[test]
    fn it_is_not_told_before_it_is_known_and_kept_when_the_source_begins_anew() {
        let mut drift = Drift::default();
        follow(&mut drift, 100e-6, 29, |_| 0.0);
        assert_eq!(drift.ppm(), None);
        follow(&mut drift, 100e-6, 200, |_| 0.0);
        drift.begins_anew();
        assert!(drift.ppm().unwrap().abs_diff(100) <= 2);
        assert!((drift.stretch() - (1.0 - 100e-6)).abs() < 3e-6);
    }

    proptest! {
        /// Reads that come up to 30 ms late now and then are not taken for the clock.
        #[test]
        fn late_reads_do_not_matter(ppm in -200i32..200, seed in 0u32..1000) {
            let late = |nth: u32| {
                let noise = (nth ^ seed).wrapping_mul(2_654_435_761) >> 16;
                if noise.is_multiple_of(10) { 0.0 } else { f64::from(noise % 300) / 10_000.0 }
            };
            let mut drift = Drift::default();
            follow(&mut drift, f64::from(ppm) / 1e6, 300, late);
            prop_assert!(drift.ppm().unwrap().abs_diff(ppm) <= 5, "{} for {ppm}", drift.ppm().unwrap());
        }
    }
}
