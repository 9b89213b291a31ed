//! Exact frame rates: 25, 30, 50, 60, 30000/1001 and their like, never a decimal fraction.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::NANOS;

/// Frames per second as a reduced fraction, 1/1 to 240/1.
///
/// Its [`timescale`](Self::timescale) makes every frame a whole number of ticks, so a decode time is
/// always `frame number x frame duration` and never drifts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FrameRate {
    num: u32,
    den: u32,
}

/// Why a text or fraction is not a frame rate.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("frame rate `{0}` is not a number or fraction between 1 and 240, such as 25 or 30000/1001")]
pub struct InvalidRate(String);

impl FrameRate {
    /// Reduces `num/den`; an error outside 1 to 240 frames per second.
    pub fn new(num: u32, den: u32) -> Result<Self, InvalidRate> {
        if den == 0 || num < den || num / den > 240 || (num / den == 240 && !num.is_multiple_of(den)) {
            return Err(InvalidRate(format!("{num}/{den}")));
        }
        let divisor = gcd(num, den);
        Ok(Self { num: num / divisor, den: den / divisor })
    }

    /// Numerator of the reduced fraction.
    #[must_use]
    pub fn num(self) -> u32 {
        self.num
    }

    /// Denominator of the reduced fraction.
    #[must_use]
    pub fn den(self) -> u32 {
        self.den
    }

    /// Ticks per second in which each frame is a whole number of ticks.
    ///
    /// The usual film and television rates give the timescales players know: 25 -> 25000, 30000/1001 -> 30000.
    #[must_use]
    pub fn timescale(self) -> u32 {
        if self.den == 1 { self.num * 1000 } else { self.num }
    }

    /// Ticks of [`timescale`](Self::timescale) that one frame lasts.
    #[must_use]
    pub fn frame_duration(self) -> u32 {
        if self.den == 1 { 1000 } else { self.den }
    }

    /// When frame `frame`, counted from the epoch, is due: nanoseconds since the epoch, rounded down.
    #[must_use]
    pub fn nanos_of(self, frame: u64) -> u64 {
        let nanos = u128::from(frame) * u128::from(NANOS) * u128::from(self.den) / u128::from(self.num);
        u64::try_from(nanos).unwrap_or(u64::MAX)
    }

    /// The frame, counted from the epoch, whose due time is nearest to `nanos` since the epoch.
    #[must_use]
    pub fn frame_at(self, nanos: u64) -> u64 {
        let unit = u128::from(NANOS) * u128::from(self.den);
        u64::try_from((u128::from(nanos) * u128::from(self.num) + unit / 2) / unit).unwrap_or(u64::MAX)
    }

    /// The standard rate nearest to a measured `num/den`, where one lies within half a percent.
    ///
    /// Cameras and files announce 29.97 as 2997/100 or 19001/634; the grid wants 30000/1001.
    pub fn nearest_standard(num: u32, den: u32) -> Result<Self, InvalidRate> {
        const STANDARD: [(u32, u32); 10] = [
            (24_000, 1001),
            (24, 1),
            (25, 1),
            (30_000, 1001),
            (30, 1),
            (48, 1),
            (50, 1),
            (60_000, 1001),
            (60, 1),
            (120, 1),
        ];
        let asked = Self::new(num, den)?;
        let distance = |&(n, d): &(u32, u32)| {
            let (a, b) = (u64::from(num) * u64::from(d), u64::from(n) * u64::from(den));
            u128::from(a.abs_diff(b)) * 1_000_000 / u128::from(b)
        };
        let nearest = STANDARD.iter().min_by_key(|rate| distance(rate));
        match nearest {
            Some(rate) if distance(rate) <= 5_000 => Self::new(rate.0, rate.1),
            _ => Ok(asked),
        }
    }
}

impl fmt::Display for FrameRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.den {
            1 => write!(f, "{}", self.num),
            den => write!(f, "{}/{den}", self.num),
        }
    }
}

impl FromStr for FrameRate {
    type Err = InvalidRate;

    fn from_str(text: &str) -> Result<Self, InvalidRate> {
        let (num, den) = text.split_once('/').unwrap_or((text, "1"));
        match (num.trim().parse(), den.trim().parse()) {
            (Ok(num), Ok(den)) => Self::new(num, den),
            _ => Err(InvalidRate(text.to_owned())),
        }
    }
}

impl TryFrom<String> for FrameRate {
    type Error = InvalidRate;

    fn try_from(text: String) -> Result<Self, InvalidRate> {
        text.parse()
    }
}

impl From<FrameRate> for String {
    fn from(rate: FrameRate) -> Self {
        rate.to_string()
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_forms_and_their_errors() {
        assert_eq!("25".parse::<FrameRate>().unwrap().to_string(), "25");
        assert_eq!("60000/2002".parse::<FrameRate>().unwrap().to_string(), "30000/1001");
        for bad in ["", "0", "25.0", "241", "1/2", "30/0", "-25", "30/1001/2"] {
            assert!(bad.parse::<FrameRate>().is_err(), "{bad}");
        }
    }

    #[test]
    fn every_frame_is_whole_ticks() {
        for (text, timescale, duration) in [
            ("25", 25_000, 1000),
            ("30000/1001", 30_000, 1001),
            ("60000/1001", 60_000, 1001),
            ("25/2", 25, 2),
        ] {
            let rate: FrameRate = text.parse().unwrap();
            assert_eq!((rate.timescale(), rate.frame_duration()), (timescale, duration), "{text}");
        }
    }

    #[test]
    fn frames_and_nanoseconds_agree() {
        let rate: FrameRate = "30000/1001".parse().unwrap();
        for frame in [0, 1, 53_820_000_000, 53_820_000_001] {
            assert_eq!(rate.frame_at(rate.nanos_of(frame)), frame);
        }
    }

    #[test]
    fn measured_rates_snap_to_the_standard_ones() {
        for (num, den, want) in [
            (2997, 100, "30000/1001"),
            (19_001, 634, "30000/1001"),
            (25_001, 1000, "25"),
            (27, 1, "27"),
            (25, 2, "25/2"),
        ] {
            assert_eq!(FrameRate::nearest_standard(num, den).unwrap().to_string(), want);
        }
    }
}
