//! The modes in what a driver offers as a range: those that are common, and those that are wished.

use std::ops::RangeInclusive;

use media::FrameRate;

use super::Wanted;

/// Sizes from the smallest to the largest in steps (of 1 where any will do).
#[derive(Clone, Debug)]
pub struct Sizes {
    /// Widths in pixels, and their step.
    pub widths: (RangeInclusive<u32>, u32),
    /// Heights in pixels, and their step.
    pub heights: (RangeInclusive<u32>, u32),
}

/// Times from one picture to the next, as fractions of a second, of the highest rate first.
#[derive(Clone, Copy, Debug)]
pub struct Intervals {
    /// The shortest.
    pub shortest: (u32, u32),
    /// The longest.
    pub longest: (u32, u32),
}

const SIZES: [(u32, u32); 8] =
    [(3840, 2160), (1920, 1080), (1280, 720), (960, 540), (640, 480), (640, 360), (480, 270), (320, 180)];
const RATES: [(u32, u32); 9] =
    [(60, 1), (60_000, 1001), (50, 1), (30, 1), (30_000, 1001), (25, 1), (24, 1), (15, 1), (10, 1)];

impl Sizes {
    /// The wished size, the one of `also` and common ones, as far as the range has them; the largest where it has none.
    #[must_use]
    pub fn common(&self, wanted: Wanted, also: Option<(u32, u32)>) -> Vec<(u32, u32)> {
        let wished = wanted.size.map(|(width, height)| (width.into(), height.into()));
        let wide = wanted.lines.map(u32::from).map(|lines| (lines * 16 / 9, lines));
        let mut sizes: Vec<_> = [wished, also, wide].into_iter().flatten().chain(SIZES).collect();
        sizes.retain(|&(width, height)| has(&self.widths, width) && has(&self.heights, height));
        if sizes.is_empty() {
            sizes.push((*self.widths.0.end(), *self.heights.0.end()));
        }
        sizes.sort_unstable();
        sizes.dedup();
        sizes
    }
}

fn has((range, step): &(RangeInclusive<u32>, u32), value: u32) -> bool {
    range.contains(&value) && (value - range.start()).is_multiple_of((*step).max(1))
}

impl Intervals {
    /// The wished rate and common ones, as far as the range has them; the highest where it has none.
    #[must_use]
    pub fn common(&self, wanted: Wanted) -> Vec<FrameRate> {
        let wished = wanted.rate.map(|rate| (rate.num(), rate.den()));
        let product = |a: u32, b: u32| u64::from(a) * u64::from(b);
        // An interval of the range is at least as long as the shortest and at most as long as the longest.
        let within = |&(num, den): &(u32, u32)| {
            product(den, self.shortest.1) >= product(self.shortest.0, num)
                && product(den, self.longest.1) <= product(self.longest.0, num)
        };
        let mut rates: Vec<_> = wished.into_iter().chain(RATES).filter(within).collect();
        if rates.is_empty() {
            rates.push((self.shortest.1, self.shortest.0));
        }
        rates.sort_unstable();
        rates.dedup();
        rates.into_iter().filter_map(|(num, den)| FrameRate::nearest_standard(num, den).ok()).collect()
    }
}
