//! Which renditions a channel encodes.
//!
//! A ladder never enlarges, keeps the picture's aspect on even sizes, and is shortened from the top until the
//! board can encode it.

pub mod presets;

use std::cmp::Reverse;

use media::{Coding, FrameRate, Profile, Rendition};

use crate::budget::Budget;

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

/// One rung the operator or a preset asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rung {
    /// Height in pixels; the width follows the source's aspect.
    pub height: u16,
    /// Bits per second.
    pub bitrate: u32,
    /// How its pictures are encoded.
    pub coding: Coding,
    /// What of H.264 it may use.
    pub profile: Profile,
}

/// What a channel wants of its pictures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// The box's own choice: [`presets::STANDARD`].
    #[default]
    Standard,
    /// These rungs, at least one.
    Rungs(Vec<Rung>),
    /// None of them: the channel is sound alone.
    SoundAlone,
}

impl Wanted {
    /// Lines of the largest that is asked for by name; none where the box chooses, or there are no pictures.
    #[must_use]
    pub fn most_lines(&self) -> Option<u16> {
        let rungs = if *self == Self::Standard { &[] } else { self.rungs() };
        rungs.iter().map(|rung| rung.height).max()
    }

    /// The rungs, whatever the source has of them.
    pub(crate) fn rungs(&self) -> &[Rung] {
        match self {
            Self::Standard => &presets::STANDARD,
            Self::Rungs(rungs) => rungs,
            Self::SoundAlone => &[],
        }
    }
}

/// A ladder and why it is as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ladder {
    /// Best quality first, at least one where pictures are wanted.
    pub renditions: Vec<Rendition>,
    /// What was left out and why, in plain words.
    pub notes: Vec<String>,
    /// What it asks of the encoders, in pixels per second of H.264.
    pub load: u64,
}

/// Above this rate a rung's default bits per second grow by half.
const HIGH_RATE: u32 = 31;

impl Rung {
    /// H.264 of high profile.
    #[must_use]
    pub const fn h264(height: u16, bitrate: u32) -> Self {
        Self { height, bitrate, coding: Coding::H264, profile: Profile::High }
    }
}

/// Plans the ladder for a source.
#[must_use]
pub fn plan(source: Source, wanted: &Wanted, budget: &Budget) -> Ladder {
    let mut notes = Vec::new();
    if *wanted == Wanted::SoundAlone {
        return Ladder { renditions: Vec::new(), notes, load: 0 };
    }
    let high_rate = source.rate.num() / source.rate.den() >= HIGH_RATE;
    let by_default =
        |rung: &Rung| Rung { bitrate: if high_rate { rung.bitrate / 2 * 3 } else { rung.bitrate }, ..*rung };
    let mut rungs: Vec<Rung> = match wanted {
        Wanted::Standard => presets::STANDARD.iter().map(by_default).collect(),
        wanted => wanted.rungs().to_vec(),
    };
    // Each is scaled from the one before it, so sizes only fall, whatever the coding.
    rungs.sort_by_key(|rung| (Reverse(rung.height), rung.coding, Reverse(rung.bitrate)));
    rungs.retain(|rung| {
        let fits = rung.height <= source.height;
        if !fits && *wanted != Wanted::Standard {
            notes.push(format!("{}p left out: the input has only {} lines", rung.height, source.height));
        }
        fits
    });
    // An input smaller than every rung is encoded at its own size.
    if rungs.is_empty() {
        let smallest = presets::STANDARD[presets::STANDARD.len() - 1];
        let pixels = u64::from(source.width) * u64::from(source.height);
        let bitrate = u64::from(smallest.bitrate) * pixels / (640 * 360);
        rungs.push(Rung::h264(source.height, u32::try_from(bitrate).unwrap_or(u32::MAX).max(150_000)));
    }
    let mut renditions = name(rungs.iter().map(|rung| rendition(source, *rung)).collect());
    let beside = if budget.taken > 0 { " beside the other channels" } else { "" };
    while renditions.len() > 1 && !budget.holds(budget.load(&renditions, source.rate)) {
        let top = renditions.remove(0);
        notes.push(format!("{} left out: the board's encoder budget does not hold it{beside}", top.name));
    }
    let load = budget.load(&renditions, source.rate);
    Ladder { renditions, notes, load }
}

fn rendition(source: Source, rung: Rung) -> Rendition {
    let (width, height) = (u32::from(source.width), u32::from(source.height.max(1)));
    let scaled = (width * u32::from(rung.height) + height / 2) / height;
    let even = |pixels: u32| u16::try_from((pixels & !1).max(2)).unwrap_or(u16::MAX - 1);
    Rendition {
        name: String::new(),
        coding: rung.coding,
        profile: rung.profile,
        width: even(scaled + 1),
        height: even(u32::from(rung.height)),
        bitrate: rung.bitrate,
    }
}

/// `720p`, and `720p-h265` for HEVC; where two rungs share height and coding, the lesser one also carries its rate:
/// `720p-1500k`.
fn name(mut renditions: Vec<Rendition>) -> Vec<Rendition> {
    for nth in 0..renditions.len() {
        let Rendition { height, bitrate, coding, .. } = renditions[nth];
        let same = |above: &Rendition| (above.height, above.coding) == (height, coding);
        let doubled = renditions[..nth].iter().any(same);
        let coding = if coding == Coding::H265 { "-h265" } else { "" };
        let rate = if doubled { format!("-{}k", bitrate / 1000) } else { String::new() };
        renditions[nth].name = format!("{height}p{coding}{rate}");
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

    fn budget(pixels_per_second: u64) -> Budget {
        Budget { pixels_per_second, taken: 0, h265: 4 }
    }

    fn sizes(ladder: &Ladder) -> Vec<(String, u16, u16)> {
        ladder.renditions.iter().map(|r| (r.name.clone(), r.width, r.height)).collect()
    }

    #[test]
    fn the_default_ladder_follows_the_input() {
        let full = plan(source(1920, 1080, "25"), &Wanted::Standard, &budget(u64::MAX));
        let want = [("1080p", 1920, 1080), ("720p", 1280, 720), ("540p", 960, 540), ("360p", 640, 360)];
        assert_eq!(sizes(&full), want.map(|(name, w, h)| (name.to_owned(), w, h)));
        assert_eq!(
            sizes(&plan(source(720, 576, "25"), &Wanted::Standard, &budget(u64::MAX)))[0],
            ("540p".into(), 676, 540)
        );
        assert_eq!(
            sizes(&plan(source(320, 180, "25"), &Wanted::Standard, &budget(u64::MAX))),
            [("180p".into(), 320, 180)]
        );
        assert!(full.notes.is_empty());
    }

    #[test]
    fn the_top_goes_first_when_the_board_is_small() {
        let ladder = plan(source(1920, 1080, "30"), &Wanted::Standard, &budget(60_000_000));
        assert_eq!(ladder.renditions[0].name, "720p");
        assert_eq!(ladder.notes, ["1080p left out: the board's encoder budget does not hold it"]);
        assert_eq!(
            plan(source(1920, 1080, "30"), &Wanted::Standard, &budget(0)).renditions.len(),
            1,
            "one always stays"
        );
        let beside = Budget { taken: 60_000_000, ..budget(120_000_000) };
        let ladder = plan(source(1920, 1080, "30"), &Wanted::Standard, &beside);
        assert_eq!(
            ladder.notes,
            ["1080p left out: the board's encoder budget does not hold it beside the other channels"]
        );
        // 1280x720, 960x540 and 640x360 at 30 a second.
        assert_eq!(ladder.load, 50_112_000);
    }

    #[test]
    fn what_the_operator_asks_for_is_kept_or_named() {
        let wanted = [720, 1080, 720].map(|height| Rung::h264(height, u32::from(height) * 2000));
        let ladder = plan(source(1280, 720, "30"), &Wanted::Rungs(wanted.to_vec()), &budget(u64::MAX));
        assert_eq!(sizes(&ladder).iter().map(|s| s.0.as_str()).collect::<Vec<_>>(), ["720p", "720p-1440k"]);
        assert_eq!(ladder.notes, ["1080p left out: the input has only 720 lines"]);
    }

    #[test]
    fn sound_alone_asks_for_no_encoder() {
        let ladder = plan(source(1920, 1080, "30"), &Wanted::SoundAlone, &budget(0));
        assert_eq!(ladder, Ladder { renditions: Vec::new(), notes: Vec::new(), load: 0 });
    }

    #[test]
    fn both_codings_stand_side_by_side() {
        let hevc = |height, bitrate| Rung { coding: Coding::H265, ..Rung::h264(height, bitrate) };
        let wanted =
            [hevc(720, 2_000_000), hevc(360, 500_000), Rung::h264(360, 800_000), Rung::h264(720, 3_000_000)];
        let ladder = plan(source(1280, 720, "30"), &Wanted::Rungs(wanted.to_vec()), &budget(u64::MAX));
        let names: Vec<_> = ladder.renditions.iter().map(|rendition| rendition.name.as_str()).collect();
        assert_eq!(names, ["720p", "720p-h265", "360p", "360p-h265"]);
        // In all five times 1280x720 and five times 640x360 at 30 a second: 172.8 million, 27.648 without the tops.
        assert_eq!(budget(0).load(&ladder.renditions, "30".parse().unwrap()), 172_800_000);
        let small = plan(source(1280, 720, "30"), &Wanted::Rungs(wanted.to_vec()), &budget(40_000_000));
        assert_eq!(small.renditions.len(), 2);
    }

    proptest! {
        #[test]
        fn sizes_are_even_and_names_differ(width in 2u16..8000, height in 2u16..5000, pixels in any::<u64>()) {
            let ladder = plan(source(width, height, "30"), &Wanted::Standard, &super::tests::budget(pixels));
            prop_assert!(ladder.renditions.iter().all(|r| r.width % 2 == 0 && r.height % 2 == 0 && r.width > 0));
            let mut names: Vec<_> = ladder.renditions.iter().map(|r| &r.name).collect();
            names.dedup();
            prop_assert_eq!(names.len(), ladder.renditions.len());
        }
    }
}
