//! What a channel gives up while its encoders do not keep up or the box is hot, and when it takes it back.
//!
//! In this order: making thumbnails, then the highest rendition, the next one and so on down to the last. Never the sound,
//! never the recording. What is taken back too soon is given up again for longer.

use crate::heat::Heat;

const SECOND: u64 = 1_000_000_000;

/// More percent of a second's slots than this left out are too many.
const TOLERATED: u64 = 5;
/// For so long they must be too many before something is given up, in nanoseconds.
pub const SOON: u64 = 3 * SECOND;
/// So long a box stays hot before something more is given up: metal cools slowly.
pub const HOT: u64 = 20 * SECOND;
/// For so long they must not be before something is taken back; twice as long after each time that it was too soon.
pub const CALM: u64 = 30 * SECOND;
/// Never longer than this.
pub const LONGEST: u64 = 16 * CALM;

/// What is given up now, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shed {
    level: usize,
    renditions: usize,
    /// What was given up last was for heat.
    for_heat: bool,
    /// Since when too many slots are left out, or the box is hot.
    late: Option<u64>,
    /// Since when they are not.
    calm: Option<u64>,
    /// When something was taken back last.
    back: Option<u64>,
    patience: u64,
}

impl Shed {
    /// Nothing, of a channel with so many renditions.
    #[must_use]
    pub fn new(renditions: usize) -> Self {
        Self { level: 0, renditions, for_heat: false, late: None, calm: None, back: None, patience: CALM }
    }

    /// With nothing given up the channel has so many renditions from now on.
    pub fn planned(&mut self, renditions: usize) {
        self.renditions = renditions;
        self.level = self.level.min(renditions);
    }

    /// Whether thumbnails have to wait.
    #[must_use]
    pub fn thumbnails(&self) -> bool {
        self.level > 0
    }

    /// How many of the highest renditions are left out: at least one stays.
    #[must_use]
    pub fn renditions(&self) -> usize {
        self.level.saturating_sub(1)
    }

    /// Why something was given up last, in plain words.
    #[must_use]
    pub fn why(&self) -> &'static str {
        if self.for_heat { "the box is hot" } else { "the encoders do not keep up" }
    }

    /// A second has gone by until `now` (nanoseconds) in which encoders were given so many slots and others were left out,
    /// in a box that is so warm. Whether that changes what is given up.
    pub fn second(&mut self, now: u64, given: u64, left_out: u64, heat: Heat) -> bool {
        let late = left_out * 100 > TOLERATED * (given + left_out);
        let changed = match heat {
            _ if late => self.give_up(now, SOON),
            Heat::Hot => self.give_up(now, HOT),
            Heat::Warm => {
                (self.late, self.calm) = (None, None);
                false
            }
            Heat::Cool => return self.calm(now),
        };
        if changed {
            self.for_heat = !late;
        }
        changed
    }

    /// Gives up one thing more where that is due for `patience`.
    fn give_up(&mut self, now: u64, patience: u64) -> bool {
        self.calm = None;
        let since = *self.late.get_or_insert(now);
        if now.saturating_sub(since) < patience || self.level >= self.renditions {
            return false;
        }
        if self.back.take().is_some_and(|back| now.saturating_sub(back) < self.patience) {
            self.patience = LONGEST.min(self.patience * 2);
        }
        (self.level, self.late) = (self.level + 1, None);
        true
    }

    fn calm(&mut self, now: u64) -> bool {
        self.late = None;
        let since = *self.calm.get_or_insert(now);
        let enough = now.saturating_sub(since) >= self.patience;
        match self.level {
            0 => {
                if enough {
                    self.patience = CALM;
                }
                false
            }
            _ if enough => {
                (self.level, self.calm, self.back) = (self.level - 1, Some(now), Some(now));
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Lets seconds go by, of 30 slots each, with so many left out; when and to what the level changed.
    fn pass(shed: &mut Shed, now: &mut u64, seconds: u64, left_out: u64) -> Vec<(u64, usize)> {
        let mut changes = Vec::new();
        for _ in 0..seconds {
            *now += SECOND;
            if shed.second(*now, 30 - left_out, left_out, Heat::Cool) {
                changes.push((*now / SECOND, shed.level));
            }
        }
        changes
    }

    #[test]
    fn things_go_in_order_and_come_back_one_by_one() {
        let (mut shed, mut now) = (Shed::new(3), 0);
        assert_eq!(pass(&mut shed, &mut now, 3, 1), [], "one of thirty is nothing");
        assert_eq!(pass(&mut shed, &mut now, 20, 10), [(7, 1), (11, 2), (15, 3)], "the last rendition stays");
        assert!(shed.thumbnails() && shed.renditions() == 2);
        assert_eq!(pass(&mut shed, &mut now, 95, 0), [(54, 2), (84, 1), (114, 0)]);
        assert!(!shed.thumbnails());
    }

    #[test]
    fn no_more_is_given_up_than_there_is() {
        let (mut shed, mut now) = (Shed::new(4), 0);
        pass(&mut shed, &mut now, 20, 10);
        assert_eq!(shed.renditions(), 3);
        shed.planned(2);
        assert_eq!(shed.renditions(), 1);
        assert_eq!(pass(&mut shed, &mut now, 20, 10), []);
    }

    #[test]
    fn a_hot_box_gives_up_slowly_and_takes_nothing_back_while_warm() {
        let (mut shed, mut changes) = (Shed::new(3), Vec::new());
        let times = [(45, Heat::Hot), (300, Heat::Warm), (61, Heat::Cool), (60, Heat::Hot)];
        let heats = times.into_iter().flat_map(|(seconds, heat)| std::iter::repeat_n(heat, seconds));
        for (second, heat) in (1..).zip(heats) {
            if shed.second(second * SECOND, 30, 0, heat) {
                changes.push((second, shed.level));
                assert_eq!(shed.why(), "the box is hot");
            }
        }
        assert_eq!(changes, [(21, 1), (42, 2), (376, 1), (406, 0), (427, 1), (448, 2)]);
        assert!(shed.second(470 * SECOND, 20, 10, Heat::Hot));
        assert_eq!(shed.why(), "the encoders do not keep up", "late comes first");
    }

    #[test]
    fn a_blip_changes_nothing() {
        let (mut shed, mut now) = (Shed::new(3), 0);
        for _ in 0..20 {
            assert_eq!(pass(&mut shed, &mut now, 3, 30), []);
            assert_eq!(pass(&mut shed, &mut now, 1, 0), []);
        }
    }

    #[test]
    fn what_was_taken_back_too_soon_stays_away_for_longer() {
        let (mut shed, mut now) = (Shed::new(1), 0);
        let mut away = Vec::new();
        for _ in 0..7 {
            while pass(&mut shed, &mut now, 1, 30).is_empty() {}
            let gone = now;
            while pass(&mut shed, &mut now, 1, 0).is_empty() {}
            away.push((now - gone) / SECOND);
        }
        assert_eq!(away, [31, 61, 121, 241, 481, 481, 481]);
        pass(&mut shed, &mut now, 1200, 0);
        assert_eq!(
            shed,
            Shed { back: shed.back, calm: shed.calm, ..Shed::new(1) },
            "a long calm is a new beginning"
        );
    }

    proptest! {
        #[test]
        fn it_never_flaps(left_out in prop::collection::vec(0u64..=30, 1..400), renditions in 1usize..6) {
            let (mut shed, mut before, mut changed) = (Shed::new(renditions), 0, None::<u64>);
            for (second, left_out) in (1..).zip(left_out) {
                let now = second * SECOND;
                if shed.second(now, 30 - left_out, left_out, Heat::Cool) {
                    let least = if shed.level > before { SOON } else { CALM };
                    prop_assert!(changed.is_none_or(|changed| now - changed >= least));
                    prop_assert_eq!(shed.level.abs_diff(before), 1);
                    changed = Some(now);
                }
                before = shed.level;
                prop_assert!(shed.level <= renditions && shed.renditions() < renditions);
            }
        }
    }
}
