//! Whether channels would fit into a box's encoders, and what would where they do not.

use std::cmp::Reverse;

use media::{FrameRate, Rendition};

use crate::{
    budget::Budget,
    ladder::{self, Source, Wanted, presets::half},
};

/// A channel that somebody thinks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// What it would encode from, at the rate at which it would be shown.
    pub source: Source,
    /// Its ladder.
    pub wanted: Wanted,
    /// What the source is not known for: it was never seen.
    pub assumed: Option<String>,
}

/// How it would go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rehearsal {
    /// Whether every rendition would be encoded.
    pub fits: bool,
    /// What would be taken of the encoders, in percent of all they can do, what others take included.
    pub percent: u64,
    /// The same in words, and what would fit where this does not.
    pub words: String,
    /// What each channel would encode, nothing left out for want of room.
    pub channels: Vec<Part>,
    /// The most of it that fits; none where all does, or nothing.
    pub alternative: Option<Alternative>,
}

/// One channel of a rehearsal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Best quality first.
    pub renditions: Vec<Rendition>,
    /// Its frame rate.
    pub rate: FrameRate,
    /// What it would take of the encoders, in percent.
    pub percent: u64,
    /// What the input does not have, in plain words.
    pub notes: Vec<String>,
}

/// Something smaller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alternative {
    /// No rendition has more lines.
    pub height: u16,
    /// Rates above 31 frames a second are halved.
    pub halved: bool,
    /// What would be taken of the encoders, in percent.
    pub percent: u64,
}

/// What is left of a wish.
#[derive(Clone, Copy)]
struct Limit {
    height: u16,
    halved: bool,
}

/// Frame rates above this are halved before lines are given up.
const FAST: u64 = 31;

/// Rehearses all of `wishes` together.
#[must_use]
pub fn rehearse(wishes: &[Wish], budget: &Budget) -> Rehearsal {
    let whole = Limit { height: u16::MAX, halved: false };
    let load = |limit: Limit| -> u64 { wishes.iter().map(|wish| plan(wish, limit, budget).load).sum() };
    let percent = |load: u64| budget.percent(budget.taken.saturating_add(load));
    let all = load(whole);
    let fits = budget.holds(all);
    let smaller =
        if fits { None } else { limits(wishes).into_iter().find(|&limit| budget.holds(load(limit))) };
    let beside = if budget.taken > 0 { " beside what runs" } else { "" };
    let verb = match (fits, wishes.len()) {
        (true, 1) => "fits",
        (true, _) => "fit",
        (false, 1) => "does not fit",
        (false, _) => "do not fit",
    };
    let mut words = format!("{} {verb}{beside}: {} % of the encoders", named(wishes, whole), percent(all));
    match smaller {
        Some(limit) => words += &format!("; {} % as {}", percent(load(limit)), named(wishes, limit)),
        None if !fits => words += "; nor does anything smaller",
        None => {}
    }
    let part = |wish: &Wish| {
        let ladder = plan(wish, whole, budget);
        let percent = budget.percent(ladder.load);
        let notes = wish.assumed.iter().cloned().chain(ladder.notes).collect();
        Part { renditions: ladder.renditions, rate: wish.source.rate, percent, notes }
    };
    Rehearsal {
        fits,
        percent: percent(all),
        words,
        channels: wishes.iter().map(part).collect(),
        alternative: smaller.map(|limit| Alternative {
            height: limit.height,
            halved: limit.halved,
            percent: percent(load(limit)),
        }),
    }
}

/// A wish's ladder within a limit, as if the box were without limits.
fn plan(wish: &Wish, limit: Limit, budget: &Budget) -> ladder::Ladder {
    let source = Source { rate: rate(wish, limit), ..wish.source };
    let within: Vec<_> =
        wish.wanted.rungs().iter().filter(|rung| rung.height <= limit.height).copied().collect();
    let all = within.len() == wish.wanted.rungs().len();
    let wanted = if all { wish.wanted.clone() } else { Wanted::Rungs(within) };
    let endless = Budget { pixels_per_second: u64::MAX, taken: 0, ..*budget };
    ladder::plan(source, &wanted, &endless)
}

fn rate(wish: &Wish, limit: Limit) -> FrameRate {
    let rate = wish.source.rate;
    let fast = u64::from(rate.num()) > FAST * u64::from(rate.den());
    if limit.halved && fast { half(rate).unwrap_or(rate) } else { rate }
}

/// What could be given up, the least first: every second frame, then lines, then both.
fn limits(wishes: &[Wish]) -> Vec<Limit> {
    let mut heights: Vec<_> = wishes
        .iter()
        .flat_map(|wish| {
            wish.wanted.rungs().iter().map(|rung| rung.height).filter(|height| *height <= wish.source.height)
        })
        .collect();
    heights.sort_by_key(|height| Reverse(*height));
    heights.dedup();
    let limits = heights.iter().flat_map(|&height| [false, true].map(|halved| Limit { height, halved }));
    // The first is to give up nothing.
    limits.skip(1).collect()
}

/// `4 x 1080p60 + 1 x 720p25`: channels by their highest rendition.
fn named(wishes: &[Wish], limit: Limit) -> String {
    let mut groups: Vec<(String, usize)> = Vec::new();
    for wish in wishes {
        let heights = wish.wanted.rungs().iter().map(|rung| rung.height);
        let top = heights.filter(|height| *height <= limit.height).max();
        let height = top.unwrap_or(u16::MAX).min(wish.source.height);
        let rate = rate(wish, limit);
        let frames = f64::from(rate.num()) / f64::from(rate.den());
        let name = match wish.wanted {
            Wanted::SoundAlone => "sound alone".to_owned(),
            _ => format!("{height}p{}", (frames * 100.0).round() / 100.0),
        };
        match groups.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += 1,
            None => groups.push((name, 1)),
        }
    }
    let group = |(name, count): &(String, usize)| {
        if wishes.len() == 1 { name.clone() } else { format!("{count} x {name}") }
    };
    groups.iter().map(group).collect::<Vec<_>>().join(" + ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wish(width: u16, height: u16, rate: &str) -> Wish {
        let source = Source { width, height, rate: rate.parse().unwrap() };
        Wish { source, wanted: Wanted::Standard, assumed: None }
    }

    fn budget(pixels_per_second: u64) -> Budget {
        Budget { pixels_per_second, taken: 0, h265: 1 }
    }

    #[test]
    fn what_is_assumed_is_told() {
        let told = "its input was never seen".to_owned();
        let wish = Wish { assumed: Some(told.clone()), ..wish(1280, 720, "30") };
        let rehearsal = rehearse(&[wish], &budget(600_000_000));
        assert_eq!(rehearsal.channels[0].notes.first(), Some(&told));
    }

    #[test]
    fn what_does_not_fit_is_told_with_what_would() {
        // The standard ladder of 1920x1080 is 3.744 million pixels a picture.
        let four = vec![wish(1920, 1080, "60"); 4];
        let rehearsal = rehearse(&four, &budget(600_000_000));
        assert!(!rehearsal.fits);
        assert_eq!(rehearsal.words, "4 x 1080p60 do not fit: 150 % of the encoders; 75 % as 4 x 1080p30");
        assert_eq!(rehearsal.alternative, Some(Alternative { height: 1080, halved: true, percent: 75 }));
        assert_eq!(rehearsal.channels.len(), 4);
        assert_eq!((rehearsal.channels[0].percent, rehearsal.channels[0].renditions.len()), (38, 4));
        let small = rehearse(&four[..1], &budget(120_000_000));
        assert_eq!(small.words, "1080p60 does not fit: 188 % of the encoders; 94 % as 1080p30");
        let smaller = rehearse(&four[..1], &budget(110_000_000));
        assert_eq!(smaller.words, "1080p60 does not fit: 205 % of the encoders; 92 % as 720p60");
        assert_eq!(rehearse(&four, &budget(1000)).alternative, None);
        assert!(rehearse(&four, &budget(1000)).words.ends_with("; nor does anything smaller"));
    }

    #[test]
    fn what_fits_is_told_beside_what_runs() {
        let two = [wish(1920, 1080, "60000/1001"), wish(1280, 720, "25")];
        let beside = Budget { taken: 100_000_000, ..budget(1_000_000_000) };
        let rehearsal = rehearse(&two, &beside);
        assert!(rehearsal.fits && rehearsal.alternative.is_none());
        assert_eq!(rehearsal.words, "1 x 1080p59.94 + 1 x 720p25 fit beside what runs: 37 % of the encoders");
    }

    proptest! {
        /// The answer is what the planner would do.
        #[test]
        fn the_answer_is_that_of_the_planner(
            heights in prop::collection::vec(100u16..2200, 1..5), pixels in 1u64..2_000_000_000, taken in 0u64..500_000_000,
        ) {
            let wishes: Vec<_> = heights.iter().map(|&height| wish(height / 9 * 16, height, "50")).collect();
            let budget = Budget { pixels_per_second: pixels, taken, h265: 4 };
            let rehearsal = rehearse(&wishes, &budget);
            let mut left = budget;
            let mut whole = true;
            for wish in &wishes {
                let ladder = ladder::plan(wish.source, &wish.wanted, &left);
                whole &= left.holds(ladder.load) && ladder.notes.is_empty();
                left.taken += ladder.load;
            }
            prop_assert_eq!(rehearsal.fits, whole);
            if let Some(alternative) = rehearsal.alternative {
                prop_assert!(alternative.percent <= 100 && !rehearsal.fits);
            }
        }
    }
}
