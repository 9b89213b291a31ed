//! How loud a sound is: peaks, mean and loudness (EBU R 128, ITU-R BS.1770), ten times a second.

use ebur128::{EbuR128, Mode};
use media::Levels;

/// Sample frames per second.
const RATE: u32 = 48_000;
/// Sample frames of one measure: 100 ms.
const STRETCH: usize = 4_800;
/// Stretches of momentary loudness, 400 ms (EBU Tech 3341, 2.2).
const MOMENTARY: usize = 4;
/// Stretches of short-term loudness, 3 s.
const SHORT_TERM: usize = 30;
/// Channels of a sound.
const CHANNELS: usize = 2;

/// Measures one sound of two channels.
pub struct Meter {
    loudness: EbuR128,
    waiting: Vec<i16>,
    /// The weighted power of the newest stretches, the next to be replaced at `oldest`.
    powers: [f64; SHORT_TERM],
    oldest: usize,
}

impl Meter {
    /// Has heard nothing.
    #[must_use]
    pub fn new() -> Self {
        // With a histogram what is gated takes the same room after a minute and after a week.
        let mode = Mode::M | Mode::I | Mode::TRUE_PEAK | Mode::HISTOGRAM;
        let channels = u32::try_from(CHANNELS).expect("two");
        let loudness = EbuR128::new(channels, RATE, mode).expect("two channels of 48 kHz are measured");
        let waiting = Vec::with_capacity(STRETCH * CHANNELS);
        Self { loudness, waiting, powers: [0.0; SHORT_TERM], oldest: 0 }
    }

    /// Hears interleaved samples; where they complete 100 ms, it says how loud it was.
    pub fn hear(&mut self, mut samples: &[i16]) -> Option<Levels> {
        let mut told = None;
        while !samples.is_empty() {
            let taken = samples.len().min(STRETCH * CHANNELS - self.waiting.len());
            self.waiting.extend_from_slice(&samples[..taken]);
            samples = &samples[taken..];
            if self.waiting.len() == STRETCH * CHANNELS {
                told = Some(self.measure());
                self.waiting.clear();
            }
        }
        told
    }

    fn measure(&mut self) -> Levels {
        self.loudness.add_frames_i16(&self.waiting).expect("whole frames of two channels");
        // Each stretch is summed once; `loudness_shortterm` would sum all of its three seconds every time.
        let newest = self.loudness.loudness_window(100).unwrap_or(f64::NEG_INFINITY);
        self.powers[self.oldest] = power(newest);
        self.oldest = (self.oldest + 1) % SHORT_TERM;
        let loudness = &self.loudness;
        let peak = |channel: u32| decibels(loudness.prev_true_peak(channel).unwrap_or_default());
        Levels {
            peak: [peak(0), peak(1)],
            rms: [0, 1].map(|channel| decibels(rms(self.waiting.iter().skip(channel).step_by(CHANNELS)))),
            momentary: self.loudness_of(MOMENTARY),
            short_term: self.loudness_of(SHORT_TERM),
            integrated: floored(loudness.loudness_global().unwrap_or(f64::NEG_INFINITY)),
        }
    }

    /// The loudness of the newest stretches together; before the first sound it was silent.
    fn loudness_of(&self, stretches: usize) -> f32 {
        let newest = (1..=stretches).map(|back| self.powers[(self.oldest + SHORT_TERM - back) % SHORT_TERM]);
        floored(OFFSET + 10.0 * (newest.sum::<f64>() / stretches as f64).log10())
    }
}

impl Default for Meter {
    fn default() -> Self {
        Self::new()
    }
}

/// From the mean square of weighted sound, in decibels, to its loudness (ITU-R BS.1770-5, annex 1).
const OFFSET: f64 = -0.691;

/// The mean square of weighted sound of this loudness.
fn power(loudness: f64) -> f64 {
    10f64.powf((loudness - OFFSET) / 10.0)
}

/// Of full scale.
fn rms<'a>(samples: impl Iterator<Item = &'a i16>) -> f64 {
    let (mut squares, mut count) = (0.0, 0.0);
    for &sample in samples {
        let sample = f64::from(sample) / 32_768.0;
        squares += sample * sample;
        count += 1.0;
    }
    f64::sqrt(squares / f64::max(count, 1.0))
}

fn decibels(of_full_scale: f64) -> f32 {
    floored(20.0 * of_full_scale.log10())
}

/// In tenths, as a meter shows it.
fn floored(decibels: f64) -> f32 {
    ((decibels.max(f64::from(Levels::FLOOR)) * 10.0).round() / 10.0) as f32
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    /// A sine of 1 kHz on both channels, or on the left one alone, of so many dBFS (its peak).
    fn sine(seconds: usize, level: f64, right: bool) -> Vec<i16> {
        let gain = 10f64.powf(level / 20.0) * 32_768.0;
        let sample = |nth: usize| (gain * (TAU * 1000.0 * nth as f64 / f64::from(RATE)).sin()) as i16;
        let frame = |nth: usize| [sample(nth), if right { sample(nth) } else { 0 }];
        (0..seconds * RATE as usize).flat_map(frame).collect()
    }

    fn last(meter: &mut Meter, samples: &[i16]) -> Levels {
        samples.chunks(2048).filter_map(|block| meter.hear(block)).last().unwrap()
    }

    /// EBU Tech 3341, 2.9, cases 1 and 2: a stereo sine of 1 kHz at -23 dBFS is -23 LUFS, at -33 dBFS it is -33.
    #[test]
    fn a_sine_is_as_loud_as_the_ebu_says() {
        for level in [-23.0f32, -33.0] {
            let levels = last(&mut Meter::new(), &sine(20, f64::from(level), true));
            for loudness in [levels.momentary, levels.short_term, levels.integrated] {
                assert!((loudness - level).abs() <= 0.1, "{levels:?}");
            }
            assert!((levels.peak[0] - level).abs() <= 0.2, "{levels:?}");
            assert!((levels.rms[1] - (level - 3.0)).abs() <= 0.1, "{levels:?}");
        }
    }

    /// EBU Tech 3341, 2.9, case 3: what is far quieter than the rest does not count.
    #[test]
    fn pauses_do_not_make_a_programme_quieter() {
        let mut meter = Meter::new();
        last(&mut meter, &sine(10, -36.0, true));
        last(&mut meter, &sine(60, -23.0, true));
        let levels = last(&mut meter, &sine(10, -36.0, true));
        assert!((levels.integrated + 23.0).abs() <= 0.1, "{levels:?}");
        assert!((levels.momentary + 36.0).abs() <= 0.1, "{levels:?}");
    }

    #[test]
    fn each_channel_has_its_own_levels_and_silence_has_a_number() {
        let levels = last(&mut Meter::new(), &sine(1, -10.0, false));
        assert!(levels.peak[0] > -11.0 && levels.rms[0] > -14.0, "{levels:?}");
        assert_eq!((levels.peak[1], levels.rms[1]), (Levels::FLOOR, Levels::FLOOR));
        let silence = last(&mut Meter::new(), &vec![0; 9600]);
        assert_eq!(
            (silence.peak[0], silence.momentary, silence.integrated),
            (Levels::FLOOR, Levels::FLOOR, Levels::FLOOR)
        );
    }

    #[test]
    fn it_tells_ten_times_a_second_whatever_the_blocks() {
        for block in [2, 2048, 96_000] {
            let mut meter = Meter::new();
            let told = sine(2, -20.0, true).chunks(block).filter_map(|samples| meter.hear(samples)).count();
            assert_eq!(told, if block > 9600 { 2 } else { 20 }, "blocks of {block}");
        }
    }
}
