//! Measures a source's pictures and sound, as cheaply as telling black from frozen and silent from loud allows.
//!
//! Five times a second a picture is averaged over a grid of cells, every fourth row of it: 0.5 MB read of a 1080p one. It
//! is compared with the last one that was different, so a slow fade is a change after all.

use channel::signal::{Change, Picture, Sound};

use crate::picture::{Plane, View};

/// From one measured picture to the next, in nanoseconds.
const EVERY: u64 = 200_000_000;
/// Cells of the grid.
const COLUMNS: usize = 64;
const ROWS: usize = 36;
/// One of so many rows is read.
const STEP: usize = 4;
/// Samples of one measure of sound, all channels together: 200 ms of 48 kHz in stereo.
const STRETCH: u64 = 19_200;
/// Full scale in both directions, as far as a converter that clips gets.
const FULL: u16 = 32_767;

/// Measures pictures.
#[derive(Debug, Default)]
pub struct Eye {
    /// Not before this time, in nanoseconds.
    next: u64,
    /// The last picture that was different: its luma plane's size and its cells.
    last: Option<((usize, usize), Vec<u32>)>,
}

impl Eye {
    /// What the picture at `now` (nanoseconds) is like; none where it is not its turn.
    pub fn look(&mut self, now: u64, picture: &View<'_>) -> Option<Picture> {
        if now < self.next && self.next - now <= EVERY {
            return None;
        }
        self.next = now + EVERY;
        let luma = &picture.planes()[0];
        let size = (luma.size().width, luma.size().height);
        let cells = cells(luma);
        let before = self.last.as_ref().filter(|(before, _)| *before == size);
        let change = before.map(|(_, before)| difference(before, &cells));
        let measured = Picture {
            mean: level(cells.iter().sum::<u32>() / u32::try_from(cells.len()).unwrap_or(u32::MAX).max(1)),
            brightest: level(cells.iter().copied().max().unwrap_or(0)),
            change,
        };
        if change.is_none_or(|change| !change.is_none()) {
            self.last = Some((size, cells));
        }
        Some(measured)
    }
}

/// Hundredths of a level as the next level.
fn level(hundredths: u32) -> u8 {
    u8::try_from((hundredths + 50) / 100).unwrap_or(u8::MAX)
}

/// The mean luma of each cell, in hundredths of a level.
fn cells(luma: &Plane<'_>) -> Vec<u32> {
    let size = luma.size();
    let (columns, rows) = (COLUMNS.min(size.width), ROWS.min(size.height));
    let mut cells = Vec::with_capacity(columns * rows);
    let mut sums = vec![0u32; columns];
    for row in 0..rows {
        sums.fill(0);
        let (top, bottom) = (row * size.height / rows, (row + 1) * size.height / rows);
        let mut lines = 0;
        for line in (top..bottom).step_by(STEP) {
            let line = luma.row(line);
            lines += 1;
            for (column, sum) in sums.iter_mut().enumerate() {
                let (left, right) = (column * size.width / columns, (column + 1) * size.width / columns);
                *sum += line[left..right].iter().map(|&luma| u32::from(luma)).sum::<u32>();
            }
        }
        for (column, sum) in sums.iter().enumerate() {
            let width = (column + 1) * size.width / columns - column * size.width / columns;
            let count = u32::try_from(width * lines).unwrap_or(u32::MAX).max(1);
            cells.push(u32::try_from(u64::from(*sum) * 100 / u64::from(count)).unwrap_or(u32::MAX));
        }
    }
    cells
}

fn difference(before: &[u32], now: &[u32]) -> Change {
    let differences = || before.iter().zip(now).map(|(before, now)| before.abs_diff(*now));
    let count = u32::try_from(now.len()).unwrap_or(u32::MAX).max(1);
    // Rounded up: what differs at all is not the very same.
    Change { mean: differences().sum::<u32>().div_ceil(count), most: differences().max().unwrap_or(0) }
}

/// Measures sound.
#[derive(Debug, Default)]
pub struct Ear {
    count: u64,
    peak: u16,
    squares: u64,
    clipped: u64,
}

impl Ear {
    /// Hears interleaved samples; every 200 ms of them it says what they were like.
    pub fn hear(&mut self, samples: &[i16]) -> Option<Sound> {
        for sample in samples {
            let size = sample.unsigned_abs();
            self.peak = self.peak.max(size);
            self.squares += u64::from(size) * u64::from(size);
            self.clipped += u64::from(size >= FULL);
        }
        self.count += samples.len() as u64;
        if self.count < STRETCH {
            return None;
        }
        let Self { count, peak, squares, clipped } = std::mem::take(self);
        let rms = u32::try_from((squares / count).isqrt()).unwrap_or(u32::MAX);
        let clipped = u32::try_from(clipped * 1_000_000 / count).unwrap_or(u32::MAX);
        Some(Sound { peak, rms, clipped })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::Size;

    const SIZE: Size = Size { width: 640, height: 360 };

    /// A picture whose luma is drawn by `luma`, from column and row.
    fn look(eye: &mut Eye, nth: u64, size: Size, luma: impl Fn(usize, usize) -> u8) -> Option<Picture> {
        let drawn: Vec<u8> =
            (0..size.width * size.height).map(|at| luma(at % size.width, at / size.width)).collect();
        let chroma = vec![128; size.width.div_ceil(2) * size.height.div_ceil(2)];
        let stride = size.width.div_ceil(2);
        let view = View::new(size, [&drawn, &chroma, &chroma], [size.width, stride, stride]).unwrap();
        eye.look(nth * EVERY, &view)
    }

    /// Noise of this many levels around `level`, the same for the same seed.
    fn noise(seed: u64, level: u8, levels: u64) -> impl Fn(usize, usize) -> u8 {
        move |x, y| {
            let mut state = seed ^ (x as u64 * 0x9e37_79b9_7f4a_7c15) ^ (y as u64 * 0xc2b2_ae3d_27d4_eb4f);
            state = (state ^ (state >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            state = (state ^ (state >> 29)).wrapping_mul(0x94d0_49bb_1331_11eb);
            level + ((state >> 40) % levels) as u8
        }
    }

    #[test]
    fn what_stays_the_same_is_told_from_a_camera_that_looks_at_a_wall() {
        let mut eye = Eye::default();
        let slide = |x: usize, y: usize| (x / 4 + y / 8) as u8;
        assert_eq!(look(&mut eye, 1, SIZE, slide).unwrap().change, None, "there is none before");
        assert!(look(&mut eye, 2, SIZE, slide).unwrap().is_same());
        // A pointer of 10 x 12 that has come.
        let pointer = |x: usize, y: usize| match (x, y) {
            (300..310, 200..212) => 235,
            _ => slide(x, y),
        };
        assert!(!look(&mut eye, 3, SIZE, pointer).unwrap().is_same());
        assert!(look(&mut eye, 4, SIZE, pointer).unwrap().is_same());
        for nth in 5..20 {
            let wall = look(&mut eye, nth, SIZE, noise(nth, 100, 4)).unwrap();
            assert!(!wall.is_same() && !wall.is_black(), "{wall:?}");
        }
        assert_eq!(look(&mut eye, 20, Size { width: 320, height: 180 }, slide).unwrap().change, None);
    }

    #[test]
    fn a_slow_fade_is_a_change_in_the_end() {
        let mut eye = Eye::default();
        // One pixel of a hundred is a level brighter each time: too little from one to the next.
        let same = (1..400).filter(|nth| {
            let place = noise(7, 0, 100);
            let fade = |x: usize, y: usize| 100 + ((u64::from(place(x, y)) + nth) / 100) as u8;
            look(&mut eye, *nth, SIZE, fade).unwrap().is_same()
        });
        let same = same.count();
        assert!((100..300).contains(&same), "{same} of 399 were the same");
    }

    #[test]
    fn a_closed_lens_is_black_and_a_candle_is_not() {
        let mut eye = Eye::default();
        assert!(look(&mut eye, 1, SIZE, |_, _| 16).unwrap().is_black());
        assert!(look(&mut eye, 2, SIZE, noise(1, 14, 8)).unwrap().is_black());
        let candle =
            |x: usize, y: usize| if (300..330).contains(&x) && (100..140).contains(&y) { 200 } else { 16 };
        assert!(!look(&mut eye, 3, SIZE, candle).unwrap().is_black());
    }

    #[test]
    fn pictures_wait_for_their_turn_and_a_clock_set_back_does_not_stop_them() {
        let mut eye = Eye::default();
        let tiny = Size { width: 3, height: 2 };
        assert!(look(&mut eye, 50, tiny, |_, _| 90).is_some());
        assert!(look(&mut eye, 50, tiny, |_, _| 90).is_none());
        assert!(look(&mut eye, 51, tiny, |_, _| 90).is_some_and(|picture| picture.mean == 90));
        assert!(look(&mut eye, 3, tiny, |_, _| 90).is_some());
    }

    #[test]
    fn sound_is_measured_in_stretches() {
        let mut ear = Ear::default();
        let heard = |ear: &mut Ear, sample: &dyn Fn(usize) -> i16| {
            let samples: Vec<_> = (0..STRETCH as usize).map(sample).collect();
            let halves = samples.split_at(samples.len() / 2);
            assert_eq!(ear.hear(halves.0), None);
            ear.hear(halves.1).unwrap()
        };
        assert_eq!(heard(&mut ear, &|_| 0), Sound { peak: 0, rms: 0, clipped: 0 });
        let square = heard(&mut ear, &|nth| if nth % 2 == 0 { 1000 } else { -1000 });
        assert_eq!(square, Sound { peak: 1000, rms: 1000, clipped: 0 });
        let loud = heard(&mut ear, &|nth| if nth % 100 == 0 { i16::MIN } else { 3 });
        assert_eq!((loud.peak, loud.clipped, loud.is_clipping()), (32_768, 10_000, true));
    }
}
