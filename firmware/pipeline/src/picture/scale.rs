//! Scales a picture to a rendition's size, aspect kept, borders black.
//!
//! Each plane is resampled by a separable filter: first down its columns, then along its rows. The second pass
//! works on columns turned into short rows, sixteen at a time, so that both passes are the same sum of whole
//! vectors and the compiler makes SIMD of it on every processor, without a line of it here. Rows of exactly twice the
//! length, which most rungs of a ladder are, need no turning.
//!
//! Chroma is taken as MPEG-2 and H.264 place it (H.264 table E-1, `chroma_loc` 0): on every second luma column,
//! half way between two luma rows. The scaled picture keeps that placement, so colours do not move.

mod kernel;
#[cfg(test)]
mod tests;

use kernel::Kernel;

use super::{Colour, Plane, PlaneMut, Rect, Size, View, ViewMut};

/// Rows that are resampled together, and columns of a tile that is turned at once.
const LANES: usize = 16;

/// Scales pictures of one size to another; buffers and kernels are made once.
#[derive(Debug)]
pub struct Scaler {
    from: Size,
    to: Size,
    inner: Rect,
    luma: Resampler,
    chroma: Resampler,
}

impl Scaler {
    /// A scaler between two sizes in square luma samples.
    #[must_use]
    pub fn new(from: Size, to: Size) -> Self {
        let inner = fit(from, to);
        let scaled = Size { width: inner.width, height: inner.height };
        let luma = Resampler {
            columns: Kernel::centred(from.height, scaled.height, from.height, scaled.height),
            rows: Kernel::centred(from.width, scaled.width, from.width, scaled.width),
            ..Resampler::default()
        };
        let [_, half, _] = from.planes();
        let [_, scaled_half, _] = scaled.planes();
        let chroma = Resampler {
            columns: Kernel::centred(half.height, scaled_half.height, from.height, scaled.height),
            rows: Kernel::left_sited(half.width, scaled_half.width, from.width, scaled.width),
            ..Resampler::default()
        };
        Self { from, to, inner, luma, chroma }
    }

    /// Where the source lies in the destination.
    #[must_use]
    pub fn inner(&self) -> Rect {
        self.inner
    }

    /// Scales `src` into `dst`. Pictures of other sizes than before are taken too: the scaler is made anew for them.
    pub fn scale(&mut self, src: &View<'_>, dst: &mut ViewMut<'_>) {
        if (src.size(), dst.size()) != (self.from, self.to) {
            *self = Self::new(src.size(), dst.size());
        }
        if self.from == self.to {
            dst.copy_from(src);
            return;
        }
        for border in borders(self.inner, self.to) {
            dst.fill(border, Colour::BLACK);
        }
        let [y, u, v] = src.planes();
        let [to_y, to_u, to_v] = dst.planes_mut();
        let half = self.inner.chroma();
        self.luma.resample(y, to_y, self.inner);
        self.chroma.resample(u, to_u, half);
        self.chroma.resample(v, to_v, half);
    }
}

/// The largest rectangle of `from`'s aspect in the middle of `to`.
///
/// Its corner and sides are even, so that chroma samples belong to the picture or to the border; a border of less than
/// two samples a side is not drawn, the picture is stretched over it.
#[must_use]
pub fn fit(from: Size, to: Size) -> Rect {
    let side = |from_along: usize, from_across: usize, to_across: usize, to_along: usize| {
        let wanted = (from_along * to_across + from_across / 2) / from_across.max(1);
        let even = (wanted & !1).max(2);
        if even + 4 > to_along { to_along } else { even }
    };
    let wide = from.width * to.height > to.width * from.height;
    let (width, height) = if wide {
        (to.width, side(from.height, from.width, to.width, to.height))
    } else {
        (side(from.width, from.height, to.height, to.width), to.height)
    };
    let middle = |outer: usize, inner: usize| ((outer - inner) / 2) & !1;
    Rect { x: middle(to.width, width), y: middle(to.height, height), width, height }
}

/// What `inner` leaves of a picture: above, below, left, right; some of them empty.
fn borders(inner: Rect, size: Size) -> [Rect; 4] {
    let Size { width, height } = size;
    let (right, bottom) = (inner.right(), inner.bottom());
    [
        Rect { x: 0, y: 0, width, height: inner.y },
        Rect { x: 0, y: bottom, width, height: height - bottom },
        Rect { x: 0, y: inner.y, width: inner.x, height: inner.height },
        Rect { x: right, y: inner.y, width: width - right, height: inner.height },
    ]
}

/// Resamples planes of one size to another.
#[derive(Debug, Default)]
struct Resampler {
    columns: Kernel,
    rows: Kernel,
    /// The source's columns at sixteen rows of the result; its length is a whole number of tiles.
    band: Vec<[u8; LANES]>,
    /// One row of the source's width, resampled down its columns.
    lines: [Vec<u8>; LANES],
}

impl Resampler {
    /// Resamples the whole of `src` into `rect` of `dst`.
    #[inline(always)]
    fn resample(&mut self, src: &Plane<'_>, dst: &mut PlaneMut<'_>, rect: Rect) {
        match self.rows.halving {
            Some(weights) if src.size().width == 2 * rect.width => self.halve(src, dst, rect, weights),
            _ => self.resample_any(src, dst, rect),
        }
    }

    /// Resamples rows to half their length: every sample is the same sum of its four neighbours, nothing need be turned.
    #[inline(always)]
    fn halve(&mut self, src: &Plane<'_>, dst: &mut PlaneMut<'_>, rect: Rect, weights: [u16; 4]) {
        let line = &mut self.lines[0];
        line.resize(src.size().width, 0);
        for y in 0..rect.height {
            down(src, self.columns.at(y), line);
            let to = &mut dst.row_mut(rect.y + y)[rect.x..rect.right()];
            let (last, inner) = (to.len() - 1, to.len() - 2);
            for x in [0, last] {
                let (start, weights) = self.rows.at(x);
                let terms =
                    line[start..].iter().zip(weights).map(|(&sample, weight)| u16::from(sample) * weight);
                to[x] = kernel::round(kernel::HALF + terms.sum::<u16>());
            }
            halve(line.as_chunks().0, weights, &mut to[1..=inner]);
        }
    }

    /// Resamples rows to any length.
    #[inline(always)]
    fn resample_any(&mut self, src: &Plane<'_>, dst: &mut PlaneMut<'_>, rect: Rect) {
        let tiles = src.size().width.div_ceil(LANES);
        self.band.resize(tiles * LANES, [0; LANES]);
        for line in &mut self.lines {
            line.resize(tiles * LANES, 0);
        }
        for first in (0..rect.height).step_by(LANES) {
            let count = LANES.min(rect.height - first);
            for (line, y) in self.lines.iter_mut().zip(first..first + count) {
                down(src, self.columns.at(y), line);
            }
            self.turn();
            self.along(dst, Rect { y: rect.y + first, height: count, ..rect });
        }
    }

    /// Turns sixteen lines into a band of columns.
    fn turn(&mut self) {
        for (tile, columns) in self.band.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            let mut rows = [[0; LANES]; LANES];
            for (row, line) in rows.iter_mut().zip(&self.lines) {
                *row = line.as_chunks().0[tile];
            }
            *columns = transpose(&rows);
        }
    }

    /// Resamples the band along its rows, tile by tile, into the up to sixteen rows of `rect`.
    fn along(&self, dst: &mut PlaneMut<'_>, rect: Rect) {
        for left in (0..rect.width).step_by(LANES) {
            let count = LANES.min(rect.width - left);
            let mut columns = [[0; LANES]; LANES];
            for (column, x) in columns.iter_mut().zip(left..left + count) {
                let (start, weights) = self.rows.at(x);
                *column = weigh(&self.band[start..start + weights.len()], weights);
            }
            let rows = transpose(&columns);
            for (row, y) in rows.iter().zip(rect.y..rect.bottom()) {
                let to = &mut dst.row_mut(y)[rect.x + left..][..count];
                match <&mut [u8; LANES]>::try_from(&mut *to) {
                    Ok(to) => *to = *row,
                    Err(_) => to.copy_from_slice(&row[..count]),
                }
            }
        }
    }
}

/// One row of the result's height: the weighted sum of rows of `src`.
///
/// As in [`weigh`], the usual numbers of taps are known when this is compiled.
#[inline(always)]
fn down(src: &Plane<'_>, (start, weights): (usize, &[u16]), line: &mut [u8]) {
    match weights.len() {
        2 => down_taps::<2>(src, start, weights, line),
        3 => down_taps::<3>(src, start, weights, line),
        4 => down_taps::<4>(src, start, weights, line),
        5 => down_taps::<5>(src, start, weights, line),
        6 => down_taps::<6>(src, start, weights, line),
        7 => down_taps::<7>(src, start, weights, line),
        8 => down_taps::<8>(src, start, weights, line),
        _ => down_all(src, start, weights, line),
    }
}

#[inline(always)]
fn down_taps<const TAPS: usize>(src: &Plane<'_>, start: usize, weights: &[u16], line: &mut [u8]) {
    let weights: &[_; TAPS] = weights.first_chunk().expect("matched by their number");
    let line = &mut line[..src.size().width];
    let rows: [&[u8]; TAPS] = std::array::from_fn(|tap| &src.row(start + tap)[..line.len()]);
    for (x, to) in line.iter_mut().enumerate() {
        let terms = rows.iter().zip(weights).map(|(row, weight)| u16::from(row[x]) * weight);
        *to = kernel::round(kernel::HALF + terms.sum::<u16>());
    }
}

#[inline(always)]
fn down_all(src: &Plane<'_>, start: usize, weights: &[u16], line: &mut [u8]) {
    const RUN: usize = 64;
    let width = src.size().width;
    let (runs, _) = line[..width].as_chunks_mut::<RUN>();
    let rest = runs.len() * RUN;
    for (run, x) in runs.iter_mut().zip((0..).step_by(RUN)) {
        let mut sum = [kernel::HALF; RUN];
        for (y, &weight) in (start..).zip(weights) {
            let row: &[u8; RUN] = src.row(y)[x..].first_chunk().expect("a run ends before the row does");
            add(&mut sum, row, weight);
        }
        settle(&sum, run);
    }
    for (x, to) in line.iter_mut().enumerate().take(width).skip(rest) {
        let terms = (start..).zip(weights).map(|(y, &weight)| u16::from(src.row(y)[x]) * weight);
        *to = kernel::round(kernel::HALF + terms.sum::<u16>());
    }
}

/// The inner samples of a row of half the length, from its samples in pairs.
#[inline(always)]
fn halve(pairs: &[[u8; 2]], [before, even, odd, after]: [u16; 4], row: &mut [u8]) {
    let around = pairs.iter().zip(&pairs[1..]).zip(&pairs[2..]);
    for (to, ((left, own), right)) in row.iter_mut().zip(around) {
        let [left, own, right] = [left, own, right].map(|pair| u16::from_le_bytes(*pair));
        let sum = (left >> 8) * before + (own & 0xFF) * even + (own >> 8) * odd + (right & 0xFF) * after;
        *to = kernel::round(kernel::HALF + sum);
    }
}

/// The weighted sum of columns.
///
/// The usual numbers of taps are known when this is compiled: in a loop over any number the compiler puts taps side
/// by side into vectors instead of lanes, and gathers them byte by byte.
#[inline(always)]
fn weigh(columns: &[[u8; LANES]], weights: &[u16]) -> [u8; LANES] {
    match weights.len() {
        2 => weigh_taps::<2>(columns, weights),
        3 => weigh_taps::<3>(columns, weights),
        4 => weigh_taps::<4>(columns, weights),
        5 => weigh_taps::<5>(columns, weights),
        6 => weigh_taps::<6>(columns, weights),
        7 => weigh_taps::<7>(columns, weights),
        8 => weigh_taps::<8>(columns, weights),
        _ => weigh_all(columns, weights),
    }
}

#[inline(always)]
fn weigh_taps<const TAPS: usize>(columns: &[[u8; LANES]], weights: &[u16]) -> [u8; LANES] {
    let columns: &[_; TAPS] = columns.first_chunk().expect("as many columns as weights");
    let weights: &[_; TAPS] = weights.first_chunk().expect("matched by their number");
    weigh_all(columns, weights)
}

#[inline(always)]
fn weigh_all(columns: &[[u8; LANES]], weights: &[u16]) -> [u8; LANES] {
    let mut sum = [kernel::HALF; LANES];
    for (lane, sum) in sum.iter_mut().enumerate() {
        for (column, weight) in columns.iter().zip(weights) {
            *sum += u16::from(column[lane]) * weight;
        }
    }
    let mut column = [0; LANES];
    settle(&sum, &mut column);
    column
}

#[inline(always)]
fn add<const N: usize>(sum: &mut [u16; N], samples: &[u8; N], weight: u16) {
    for (sum, &sample) in sum.iter_mut().zip(samples) {
        *sum += u16::from(sample) * weight;
    }
}

#[inline(always)]
fn settle<const N: usize>(sum: &[u16; N], samples: &mut [u8; N]) {
    for (sample, &sum) in samples.iter_mut().zip(sum) {
        *sample = kernel::round(sum);
    }
}

/// Rows to columns: four perfect shuffles, each one interleaving two halves, which every SIMD set has as instruction.
#[inline(always)]
fn transpose(rows: &[[u8; LANES]; LANES]) -> [[u8; LANES]; LANES] {
    let mut tile = [0; LANES * LANES];
    tile.copy_from_slice(rows.as_flattened());
    for _ in 0..LANES.ilog2() {
        tile = shuffle(&tile);
    }
    let mut columns = [[0; LANES]; LANES];
    columns.as_flattened_mut().copy_from_slice(&tile);
    columns
}

#[inline(always)]
fn shuffle(tile: &[u8; LANES * LANES]) -> [u8; LANES * LANES] {
    let mut out = [0; LANES * LANES];
    let (low, high) = tile.split_at(LANES * LANES / 2);
    for ((pair, low), high) in out.as_chunks_mut().0.iter_mut().zip(low).zip(high) {
        *pair = [*low, *high];
    }
    out
}
