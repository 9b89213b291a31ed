//! From the box's colours to those of JPEG files.
//!
//! A JPEG file has no place to say which colours it means: JFIF has BT.601 at full range, the box has BT.709 at limited
//! range. GStreamer's converter would do, but is off by up to five levels between these two.

use riser_pipeline::picture::{View, ViewMut};

/// Shares of red and blue in luma, and the spans of their differences: ITU-R BT.709, BT.601.
const BT709: Weights = Weights { red: 0.2126, blue: 0.0722 };
const BT601: Weights = Weights { red: 0.299, blue: 0.114 };

#[derive(Clone, Copy)]
struct Weights {
    red: f32,
    blue: f32,
}

impl Weights {
    const fn green(self) -> f32 {
        1.0 - self.red - self.blue
    }

    /// Red less luma at the greatest red difference.
    const fn red_span(self) -> f32 {
        2.0 * (1.0 - self.red)
    }

    /// Blue less luma at the greatest blue difference.
    const fn blue_span(self) -> f32 {
        2.0 * (1.0 - self.blue)
    }
}

/// What one blue and one red difference of BT.709 add to BT.601's luma.
const LUMA: [f32; 2] = {
    let (from, to) = (BT709, BT601);
    let green = to.green() / from.green();
    [from.blue_span() * (to.blue - green * from.blue), from.red_span() * (to.red - green * from.red)]
};

/// Converts as much of `from` as `to` has room for, from the top left corner; `to` is not the larger one.
pub fn convert(from: &View<'_>, to: &mut ViewMut<'_>) {
    let [from_y, from_u, from_v] = from.planes();
    let [to_y, to_u, to_v] = to.planes_mut();
    for y in 0..to_y.size().height {
        let (lumas, u, v) = (from_y.row(y), from_u.row(y / 2), from_v.row(y / 2));
        for (x, (to, &luma)) in to_y.row_mut(y).iter_mut().zip(lumas).enumerate() {
            let (u, v) = (difference(u[x / 2]), difference(v[x / 2]));
            *to = level(255.0 * ((f32::from(luma) - 16.0) / 219.0 + LUMA[0] * u + LUMA[1] * v));
        }
    }
    for y in 0..to_u.size().height {
        let differences = from_u.row(y).iter().zip(from_v.row(y));
        let to = to_u.row_mut(y).iter_mut().zip(to_v.row_mut(y));
        for ((to_u, to_v), (&u, &v)) in to.zip(differences) {
            let (u, v) = (difference(u), difference(v));
            let luma = LUMA[0] * u + LUMA[1] * v;
            *to_u = level(128.0 + 255.0 * (BT709.blue_span() * u - luma) / BT601.blue_span());
            *to_v = level(128.0 + 255.0 * (BT709.red_span() * v - luma) / BT601.red_span());
        }
    }
}

/// A chroma sample as a number from -0.5 to 0.5.
fn difference(sample: u8) -> f32 {
    (f32::from(sample) - 128.0) / 224.0
}

fn level(level: f32) -> u8 {
    // What is out of range ends at the range's end.
    level.round() as u8
}
