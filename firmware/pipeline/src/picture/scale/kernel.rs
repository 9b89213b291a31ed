//! The weights by which samples of a line are mixed into a line of another length.

/// Weights of one result add up to this, so that a flat line stays as it is.
const ONE: u16 = 256;

/// What a sum of weighted samples starts with, for [`round`] to round to the nearest.
pub(super) const HALF: u16 = ONE / 2;

/// The sample of a weighted sum. 255 x [`ONE`] + [`HALF`] is the greatest sum and still a `u16`.
#[inline]
pub(super) fn round(sum: u16) -> u8 {
    (sum >> 8) as u8
}

/// For each sample of the result: the first sample of the source it is made of, and their weights.
///
/// The weights are those of a filter as wide as two samples of the coarser line, none of them negative.
#[derive(Debug, Default)]
pub(super) struct Kernel {
    taps: usize,
    starts: Vec<usize>,
    weights: Vec<u16>,
    /// The weights of every sample `x` but the outermost, where it is made of the samples from 2x - 1 to 2x + 2.
    pub(super) halving: Option<[u16; 4]>,
}

impl Kernel {
    /// Resamples `from` samples to `to`, at the scale of a picture side of `whole` samples to `scaled`; the samples
    /// of both lines lie in the middle of what they stand for.
    pub(super) fn centred(from: usize, to: usize, whole: usize, scaled: usize) -> Self {
        Self::new(from, to, ratio(whole, scaled), 0.5)
    }

    /// The same for chroma rows, whose samples lie on the first luma sample of the two they stand for.
    pub(super) fn left_sited(from: usize, to: usize, whole: usize, scaled: usize) -> Self {
        Self::new(from, to, ratio(whole, scaled), 0.25)
    }

    /// `site` is where, from 0 to 1, in the stretch it stands for a sample lies.
    fn new(from: usize, to: usize, ratio: f64, site: f64) -> Self {
        let reach = ratio.max(1.0);
        let taps = (2.0 * reach).ceil() as usize;
        let taps = taps.clamp(1, from.max(1));
        let mut kernel = Self {
            taps,
            starts: Vec::with_capacity(to),
            weights: Vec::with_capacity(to * taps),
            halving: None,
        };
        for x in 0..to {
            let centre = (x as f64 + site) * ratio - site;
            let start = ((centre - reach).floor() + 1.0).clamp(0.0, (from.max(taps) - taps) as f64) as usize;
            let shares = (start..start + taps).map(|at| filter((at as f64 - centre) / reach, ratio));
            kernel.starts.push(start);
            let shares: Vec<_> = shares.collect();
            kernel.weights.extend(quantise(&shares));
        }
        kernel.halving = kernel.find_halving();
        kernel
    }

    fn find_halving(&self) -> Option<[u16; 4]> {
        let inner = 1..self.starts.len().checked_sub(1)?;
        let weights = *self.weights.get(self.taps..)?.first_chunk()?;
        let halves = |x: usize| self.starts[x] == 2 * x - 1 && self.at(x).1 == weights;
        (self.taps == 4 && !inner.is_empty() && { inner }.all(halves)).then_some(weights)
    }

    /// The first source sample and the weights for sample `x` of the result.
    #[inline]
    pub(super) fn at(&self, x: usize) -> (usize, &[u16]) {
        (self.starts[x], &self.weights[x * self.taps..][..self.taps])
    }
}

fn ratio(whole: usize, scaled: usize) -> f64 {
    whole as f64 / scaled.max(1) as f64
}

/// The share of a sample at a distance of `x` half widths of the filter.
///
/// Reducing, a raised cosine (Hann): as cheap as the triangle of bilinear scaling, and nearer to Lanczos by 1 to 2 dB.
/// Enlarging, the triangle itself.
fn filter(x: f64, ratio: f64) -> f64 {
    match x.abs() {
        x if x >= 1.0 => 0.0,
        x if ratio <= 1.0 => 1.0 - x,
        x => 0.5 + 0.5 * (std::f64::consts::PI * x).cos(),
    }
}

/// Shares as whole numbers that add up to [`ONE`]: what rounding takes from one, the next one gets.
fn quantise(shares: &[f64]) -> impl Iterator<Item = u16> {
    let sum: f64 = shares.iter().sum();
    let upto = shares.iter().scan(0.0, move |upto, share| {
        *upto += share / sum * f64::from(ONE);
        Some(upto.round() as u16)
    });
    upto.scan(0, |before, upto| Some(upto - std::mem::replace(before, upto)))
}
