//! The frame number as a strip of black and white blocks at the foot of a picture, for tests to read back.
//!
//! 36 columns, the greatest bit first: the low 32 bits of the number and four bits to check them. Under each block lies
//! its opposite, so that a block is read by comparison, whatever scaling and coding have left of its level.

use super::{Colour, Rect, Size, View, ViewMut};

const NUMBER_BITS: usize = 32;
const BITS: usize = NUMBER_BITS + 4;
/// The strip is laid out in columns of which this many make the picture's width, two of them free on either side.
const COLUMNS: usize = BITS + 4;
/// Rows likewise: this many make the picture's height.
const ROWS: usize = 45;
/// First row of the blocks, rows of a block.
const TOP: usize = 38;
const BLOCK: usize = 3;
/// Two blocks of one column differ by at least this when they are read; they are drawn 219 apart.
const CONTRAST: u32 = 64;

/// Draws the low 32 bits of `frame`. The blocks meet neither the picture's edges nor its upper four fifths.
pub fn draw(frame: u64, out: &mut ViewMut<'_>) {
    let word = word(frame as u32);
    for bit in 0..BITS {
        let [upper, lower] = blocks(out.size(), bit);
        let (set, unset) = if word >> (BITS - 1 - bit) & 1 == 1 { (upper, lower) } else { (lower, upper) };
        out.fill(set, Colour::WHITE);
        out.fill(unset, Colour::BLACK);
    }
}

/// The low 32 bits of the frame number in a picture of any size down to 160 x 90, coded and scaled as a whole or not.
///
/// `None` where there is no such strip, or what is read does not agree with its check.
#[must_use]
pub fn read_frame_number(view: &View<'_>) -> Option<u32> {
    let mut read = 0;
    for bit in 0..BITS {
        let [upper, lower] = blocks(view.size(), bit).map(|block| mean(view, block));
        let (upper, lower) = (upper?, lower?);
        if upper.abs_diff(lower) < CONTRAST {
            return None;
        }
        read = read << 1 | u64::from(upper > lower);
    }
    let number = u32::try_from(read >> (BITS - NUMBER_BITS)).ok()?;
    (word(number) == read).then_some(number)
}

/// The number and, behind it, the sum of its nibbles modulo 2, started so that neither all 0 nor all 1 is valid.
fn word(number: u32) -> u64 {
    let check = (0..8).fold(0b1001, |sum, nibble| sum ^ (number >> (4 * nibble) & 0xF));
    u64::from(number) << 4 | u64::from(check)
}

/// The two blocks of a column.
fn blocks(size: Size, bit: usize) -> [Rect; 2] {
    let column = |n: usize| size.width * n / COLUMNS;
    let row = |n: usize| size.height * n / ROWS;
    let (left, right) = (column(bit + 2), column(bit + 3));
    [TOP, TOP + BLOCK].map(|top| Rect {
        x: left,
        y: row(top),
        width: right - left,
        height: row(top + BLOCK) - row(top),
    })
}

/// Mean luma of the middle of a block, away from what its neighbours have bled into it.
fn mean(view: &View<'_>, block: Rect) -> Option<u32> {
    let inset = |length: usize| length / 4;
    let columns = block.x + inset(block.width)..block.right() - inset(block.width);
    let rows = block.y + inset(block.height)..block.bottom() - inset(block.height);
    let count = u32::try_from(columns.len() * rows.len()).ok()?;
    let sum: u32 =
        rows.flat_map(|y| &view.planes()[0].row(y)[columns.clone()]).map(|&sample| u32::from(sample)).sum();
    sum.checked_div(count)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::picture::{Picture, scale::Scaler};

    fn strip(width: usize, height: usize, frame: u64) -> Picture {
        let mut picture = Picture::black(Size { width, height });
        draw(frame, &mut picture.view_mut());
        picture
    }

    /// The picture as a poor encoder leaves it: blurred, flattened, noisy.
    fn worn(picture: &mut Picture) {
        let mut view = picture.view_mut();
        let luma = &mut view.planes_mut()[0];
        for y in 0..luma.size().height {
            let row = luma.row_mut(y);
            let before: Vec<_> = row.iter().map(|&level| u32::from(level)).collect();
            for (x, level) in row.iter_mut().enumerate() {
                let around = &before[x.saturating_sub(2)..(x + 3).min(before.len())];
                let mean = around.iter().sum::<u32>() / around.len() as u32;
                let noise = (x as u32 * 7919 + y as u32 * 104_729) % 41;
                *level = u8::try_from(60 + mean / 2 + noise).unwrap_or(u8::MAX);
            }
        }
    }

    #[test]
    fn the_low_bits_are_read_from_a_scaled_and_worn_picture() {
        for (width, height) in [(1920, 1080), (1280, 720), (854, 480), (641, 361)] {
            let frame = 0xA_DEAD_BEEF;
            let source = strip(width, height, frame);
            for (width, height) in [(320, 180), (640, 360), (426, 240), (1280, 720)] {
                let mut small = Picture::black(Size { width, height });
                Scaler::new(source.view().size(), small.view().size())
                    .scale(&source.view(), &mut small.view_mut());
                worn(&mut small);
                assert_eq!(read_frame_number(&small.view()), Some(0xDEAD_BEEF), "{width}x{height}");
            }
        }
    }

    #[test]
    fn other_pictures_have_no_number() {
        let mut picture = Picture::black(Size { width: 320, height: 180 });
        assert_eq!(read_frame_number(&picture.view()), None);
        worn(&mut picture);
        assert_eq!(read_frame_number(&picture.view()), None);
        assert_eq!(read_frame_number(&Picture::black(Size { width: 1, height: 1 }).view()), None);
    }

    #[test]
    fn a_strip_that_is_damaged_or_displaced_has_no_number() {
        let picture = strip(320, 180, 44_750_000_312);
        for bit in 0..BITS {
            let mut damaged = picture.clone();
            let [upper, lower] = blocks(damaged.view().size(), bit);
            let was_set = mean(&damaged.view(), upper) > mean(&damaged.view(), lower);
            let (set, unset) = if was_set { (lower, upper) } else { (upper, lower) };
            damaged.view_mut().fill(set, Colour::WHITE);
            damaged.view_mut().fill(unset, Colour::BLACK);
            assert_eq!(read_frame_number(&damaged.view()), None, "bit {bit} turned over");
        }
        let mut displaced = Picture::black(Size { width: 320, height: 180 });
        for y in 0..180 {
            let row = &picture.view().planes()[0].row(y)[..312];
            displaced.view_mut().planes_mut()[0].row_mut(y)[8..].copy_from_slice(row);
        }
        assert_eq!(read_frame_number(&displaced.view()), None);
    }

    proptest! {
        #[test]
        fn every_number_is_read_back(width in 160usize..700, height in 90usize..400, frame: u64) {
            prop_assert_eq!(read_frame_number(&strip(width, height, frame).view()), Some(frame as u32));
        }

        #[test]
        fn noise_has_no_number(width in 1usize..400, height in 1usize..200, seed: u32) {
            let mut picture = Picture::black(Size { width, height });
            let mut state = seed | 1;
            for y in 0..height {
                picture.view_mut().planes_mut()[0].row_mut(y).fill_with(|| {
                    state = state.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
                    (state >> 24) as u8
                });
            }
            prop_assert_eq!(read_frame_number(&picture.view()), None);
        }
    }
}
