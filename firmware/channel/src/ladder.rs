//! Which renditions a channel encodes.
//!
//! A ladder never enlarges, keeps the picture's aspect on even sizes, and is shortened from the top until the
//! board can encode it.

use media::{FrameRate, Rendition};

/// The picture a channel encodes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// Width in pixels.
    pub width: u16,
    /// Height in pixels.
    pub height: u16,
    /// The channel's frame rate.
    pub rate: FrameRate,
}

/// One rung the operator asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rung {
    /// Height in pixels; the width follows the source's aspect.
    pub height: u16,
    /// Bits per second.
    pub bitrate: u32,
}

/// A ladder and why it is as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ladder {
    /// Best quality first, at least one.
    pub renditions: Vec<Rendition>,
    /// What was left out and why, in plain words.
    pub notes: Vec<String>,
}

/// The default rungs: 1080p, 720p, 540p, 360p.
pub const DEFAULT: [Rung; 4] = [
    Rung { height: 1080, bitrate: 6_000_000 },
    Rung { height: 720, bitrate: 3_000_000 },
    Rung { height: 540, bitrate: 1_600_000 },
    Rung { height: 360, bitrate: 800_000 },
];

/// Above this rate a rung's default bits per second grow by half.
const HIGH_RATE: u32 = 31;

/// Plans the ladder for a source: `wanted` rungs (the default ones where empty), `budget` pixels per second.
#[must_use]
pub fn plan(source: Source, wanted: &[Rung], budget: u64) -> Ladder {
    let mut notes = Vec::new();
    let high_rate = source.rate.num() / source.rate.den() >= HIGH_RATE;
    let by_default =
        |rung: &Rung| Rung { bitrate: if high_rate { rung.bitrate / 2 * 3 } else { rung.bitrate }, ..*rung };
    let mut rungs: Vec<Rung> = match wanted {
        [] => DEFAULT.iter().map(by_default).collect(),
        wanted => wanted.to_vec(),
    };
    rungs.sort_by_key(|rung| std::cmp::Reverse((rung.height, rung.bitrate)));
    rungs.retain(|rung| {
        let fits = rung.height <= source.height;
        if !fits && !wanted.is_empty() {
            notes.push(format!("{}p left out: the input has only {} lines", rung.height, source.height));
        }
        fits
    });
    // An input smaller than every rung, or of an odd size between two of them, is encoded at its own size.
    if rungs.is_empty() {
        let smallest = DEFAULT[DEFAULT.len() - 1];
        let pixels = u64::from(source.width) * u64::from(source.height);
        let bitrate = u64::from(smallest.bitrate) * pixels / (640 * 360);
        rungs.push(Rung {
            height: source.height,
            bitrate: u32::try_from(bitrate).unwrap_or(u32::MAX).max(150_000),
        });
    }
    let mut renditions = name(rungs.iter().map(|rung| rendition(source, *rung)).collect());
    while renditions.len() > 1 && load(&renditions, source.rate) > budget {
        let top = renditions.remove(0);
        notes.push(format!("{} left out: the board's encoder budget does not hold it", top.name));
    }
    Ladder { renditions, notes }
}

/// Pixels per second that a ladder asks of the encoders.
#[must_use]
pub fn load(renditions: &[Rendition], rate: FrameRate) -> u64 {
    let pixels: u64 = renditions.iter().map(Rendition::pixels).sum();
    pixels * u64::from(rate.num()) / u64::from(rate.den())
}

fn rendition(source: Source, rung: Rung) -> Rendition {
    let (width, height) = (u32::from(source.width), u32::from(source.height.max(1)));
    let scaled = (width * u32::from(rung.height) + height / 2) / height;
    let even = |pixels: u32| u16::try_from((pixels & !1).max(2)).unwrap_or(u16::MAX - 1);
    Rendition {
        name: String::new(),
        width: even(scaled + 1),
        height: even(u32::from(rung.height)),
        bitrate: rung.bitrate,
    }
}

/// `720p`; where two rungs share a height, the lesser one also carries its rate: `720p-1500k`.
fn name(mut renditions: Vec<Rendition>) -> Vec<Rendition> {
    for nth in 0..renditions.len() {
        let Rendition { height, bitrate, .. } = renditions[nth];
        let doubled = renditions[..nth].iter().any(|above| above.height == height);
        renditions[nth].name =
            if doubled { format!("{height}p-{}k", bitrate / 1000) } else { format!("{height}p") };
    }
    renditions
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn source(width: u16, height: u16, rate: &str) -> Source {
        Source { width, height, rate: rate.parse().unwrap() }
    }

    fn sizes(ladder: &Ladder) -> Vec<(String, u16, u16)> {
        ladder.renditions.iter().map(|r| (r.name.clone(), r.width, r.height)).collect()
    }

    #[test]
    fn the_default_ladder_follows_the_input() {
        let full = plan(source(1920, 1080, "25"), &[], u64::MAX);
        let want = [("1080p", 1920, 1080), ("720p", 1280, 720), ("540p", 960, 540), ("360p", 640, 360)];
        assert_eq!(sizes(&full), want.map(|(name, w, h)| (name.to_owned(), w, h)));
        assert_eq!(sizes(&plan(source(720, 576, "25"), &[], u64::MAX))[0], ("540p".into(), 676, 540));
        assert_eq!(sizes(&plan(source(320, 180, "25"), &[], u64::MAX)), [("180p".into(), 320, 180)]);
        assert!(full.notes.is_empty());
    }

    #[test]
    fn the_top_goes_first_when_the_board_is_small() {
        let ladder = plan(source(1920, 1080, "30"), &[], 60_000_000);
        assert_eq!(ladder.renditions[0].name, "720p");
        assert_eq!(ladder.notes, ["1080p left out: the board's encoder budget does not hold it"]);
        assert_eq!(plan(source(1920, 1080, "30"), &[], 0).renditions.len(), 1, "one always stays");
    }

    #[test]
    fn what_the_operator_asks_for_is_kept_or_named() {
        let wanted = [720, 1080, 720].map(|height| Rung { height, bitrate: u32::from(height) * 2000 });
        let ladder = plan(source(1280, 720, "30"), &wanted, u64::MAX);
        assert_eq!(sizes(&ladder).iter().map(|s| s.0.as_str()).collect::<Vec<_>>(), ["720p", "720p-1440k"]);
        assert_eq!(ladder.notes, ["1080p left out: the input has only 720 lines"]);
    }

    proptest! {
        #[test]
        fn sizes_are_even_and_names_differ(width in 2u16..8000, height in 2u16..5000, budget in any::<u64>()) {
            let ladder = plan(source(width, height, "30"), &[], budget);
            prop_assert!(ladder.renditions.iter().all(|r| r.width % 2 == 0 && r.height % 2 == 0 && r.width > 0));
            let mut names: Vec<_> = ladder.renditions.iter().map(|r| &r.name).collect();
            names.dedup();
            prop_assert_eq!(names.len(), ladder.renditions.len());
        }
    }
}
