//! The sound of the test signal: a beep on every whole second of UTC.
//!
//! Every sample is a function of its position alone, in integers: two boxes play the same, and nothing drifts.
//! Both channels beep for 100 ms at 1 kHz and -18 dBFS (the level of EBU R 68). In every tenth second the left
//! channel has a second, shorter beep of its own, by which the channels are told apart.

/// Sample frames per second.
pub const RATE: u64 = 48_000;

/// Sample frames of a beep. The picture flashes as long.
const BEEP: u64 = RATE / 10;
/// When, after a second divisible by ten, the left channel's mark begins, and how long it lasts.
const MARK_AT: u64 = RATE / 4;
const MARK: u64 = RATE / 20;
/// Sample frames in which a beep rises and falls, so that it does not click.
const RAMP: u64 = RATE / 200;

/// One period of 1 kHz at -18 dBFS: 4125 x sin(2 pi n / 48), as its first quarter.
const QUARTER: [i16; 13] = [0, 538, 1068, 1579, 2063, 2511, 2917, 3273, 3572, 3811, 3985, 4090, 4125];
const PERIOD: u64 = 48;

/// Fills `out` with stereo samples, left and right in turn; the first is due `position` sample frames after the epoch.
pub fn fill(position: u64, out: &mut [i16]) {
    for (frame, at) in out.as_chunks_mut::<2>().0.iter_mut().zip(position..) {
        let [left, right] = frame;
        *right = beep(at % RATE, BEEP);
        let in_ten = at % (10 * RATE);
        let mark = in_ten.checked_sub(MARK_AT).map_or(0, |since| beep(since, MARK));
        *left = *right + mark;
    }
}

/// A sample of a beep of `length` that began `since` ago; 0 after its end.
fn beep(since: u64, length: u64) -> i16 {
    if since >= length {
        return 0;
    }
    let gain = since.min(length - since).min(RAMP);
    let sample = i64::from(sine(since % PERIOD)) * gain as i64 / RAMP as i64;
    i16::try_from(sample).expect("a gain of at most 1 leaves a 16-bit sample one")
}

/// A sine of 48 steps at -18 dBFS.
fn sine(phase: u64) -> i16 {
    let half = PERIOD / 2;
    let step = phase % half;
    let magnitude = QUARTER[step.min(half - step) as usize];
    if phase < half { magnitude } else { -magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 10 s of sound from a second divisible by ten, as (left, right).
    fn ten_seconds() -> Vec<[i16; 2]> {
        let mut out = vec![1; 20 * RATE as usize];
        fill(1_790_000_000 * RATE, &mut out);
        out.as_chunks().0.to_vec()
    }

    fn span(sound: &[[i16; 2]], channel: usize, from_ms: usize, to_ms: usize) -> Vec<i16> {
        sound[from_ms * 48..to_ms * 48].iter().map(|frame| frame[channel]).collect()
    }

    #[test]
    fn both_channels_beep_on_the_second_and_are_silent_after() {
        let sound = ten_seconds();
        for second in 0..10 {
            for channel in [0, 1] {
                let beep = span(&sound, channel, second * 1000, second * 1000 + 100);
                assert_eq!((beep.iter().max(), beep.iter().min()), (Some(&4125), Some(&-4125)));
                let rising = beep.windows(2).filter(|pair| pair[0] <= 0 && pair[1] > 0).count();
                assert_eq!(rising, 100, "1 kHz for 100 ms");
                let rest = span(&sound, channel, second * 1000 + 500, second * 1000 + 1000);
                assert!(rest.iter().all(|&sample| sample == 0));
            }
        }
    }

    #[test]
    fn only_the_left_channel_is_marked_and_only_every_tenth_second() {
        let sound = ten_seconds();
        let loud = |channel, from_ms| span(&sound, channel, from_ms, from_ms + 50).contains(&4125);
        assert!(loud(0, 250) && !loud(1, 250));
        assert!((1..10).all(|second| !loud(0, second * 1000 + 250)));
        assert!(span(&sound, 0, 300, 1000).iter().all(|&sample| sample == 0));
    }

    #[test]
    fn a_beep_never_jumps() {
        let sound = ten_seconds();
        let steepest = sound.windows(2).map(|pair| pair[0][0].abs_diff(pair[1][0])).max();
        assert!(steepest <= Some(560), "{steepest:?}: a full 1 kHz wave climbs 538 in a step");
        let start = span(&sound, 0, 0, 1);
        assert!(start.iter().all(|sample| sample.unsigned_abs() < 850), "it begins softly");
    }

    #[test]
    fn any_cut_into_buffers_gives_the_same_sound() {
        let start = 1_790_000_009 * RATE - 700;
        let mut whole = vec![0; 2 * 4096];
        fill(start, &mut whole);
        let mut cut = vec![0; whole.len()];
        for (index, chunk) in cut.chunks_mut(2 * 331).enumerate() {
            fill(start + index as u64 * 331, chunk);
        }
        assert_eq!(whole, cut);
    }
}
