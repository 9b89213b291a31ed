//! One condition that is told only when it has held for a while, and is over only when it has been gone for a while.

/// How long a condition must hold before it is told, and be gone before it is over: nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// From its beginning until it is told.
    pub on: u64,
    /// From its end until it is told to be over.
    pub off: u64,
}

impl Hold {
    /// Of so many milliseconds.
    #[must_use]
    pub const fn millis(on: u64, off: u64) -> Self {
        Self { on: on * 1_000_000, off: off * 1_000_000 }
    }
}

/// A condition with its hold-off. Times are nanoseconds and never fall from call to call.
#[derive(Clone, Debug)]
pub struct Condition {
    hold: Hold,
    /// What was seen last.
    seen: bool,
    /// When that was seen first without a break.
    turned: u64,
    /// What is told.
    told: bool,
    /// When the condition began that is told, or was told last.
    began: u64,
    /// When it ended; of use once it is over.
    ended: u64,
}

impl Condition {
    /// It does not hold.
    #[must_use]
    pub fn new(hold: Hold) -> Self {
        Self { hold, seen: false, turned: 0, told: false, began: 0, ended: 0 }
    }

    /// At `now` it is seen to hold or not. What was seen before is taken to have held until now.
    pub fn see(&mut self, now: u64, holds: bool) {
        self.see_since(now, now, holds);
    }

    /// At `now` it is seen that it holds or not, and has done so since `began`.
    pub fn see_since(&mut self, began: u64, now: u64, holds: bool) {
        let began = began.clamp(self.turned.min(now), now);
        self.pass(began);
        if self.seen != holds {
            (self.seen, self.turned) = (holds, began);
        }
        self.pass(now);
    }

    /// Time goes by until `now`.
    pub fn pass(&mut self, now: u64) {
        let needed = if self.seen { self.hold.on } else { self.hold.off };
        if self.seen == self.told || now.saturating_sub(self.turned) < needed {
            return;
        }
        self.told = self.seen;
        *(if self.told { &mut self.began } else { &mut self.ended }) = self.turned;
    }

    /// Nothing can be known of it any more, so it is neither seen nor told from `now` on.
    pub fn forget(&mut self, now: u64) {
        if self.told {
            self.ended = now;
        }
        if self.seen {
            self.turned = now;
        }
        (self.seen, self.told) = (false, false);
    }

    /// When it began, where it is told.
    #[must_use]
    pub fn told(&self) -> Option<u64> {
        self.told.then_some(self.began)
    }

    /// When it ended last; 0 where it was never told.
    #[must_use]
    pub fn ended(&self) -> u64 {
        self.ended
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOLD: Hold = Hold::millis(100, 300);
    const MILLI: u64 = 1_000_000;

    #[test]
    fn a_blip_is_not_told_and_does_not_end_what_is() {
        let mut condition = Condition::new(HOLD);
        condition.see(10 * MILLI, true);
        condition.see(109 * MILLI, false);
        condition.pass(500 * MILLI);
        assert_eq!(condition.told(), None);
        condition.see(600 * MILLI, true);
        condition.pass(700 * MILLI);
        assert_eq!(condition.told(), Some(600 * MILLI), "since it began, not since it is told");
        condition.see(800 * MILLI, false);
        condition.see(1099 * MILLI, true);
        condition.pass(2000 * MILLI);
        assert_eq!(condition.told(), Some(600 * MILLI));
        condition.see(2000 * MILLI, false);
        condition.pass(2300 * MILLI);
        assert_eq!((condition.told(), condition.ended()), (None, 2000 * MILLI));
    }

    #[test]
    fn what_is_noticed_late_is_dated_when_it_began() {
        let mut condition = Condition::new(HOLD);
        condition.see(50 * MILLI, false);
        condition.see_since(60 * MILLI, 1_000 * MILLI, true);
        assert_eq!(condition.told(), Some(60 * MILLI), "and told at once");
        condition.see(2_000 * MILLI, false);
        condition.see_since(1_500 * MILLI, 2_200 * MILLI, true);
        assert_eq!(condition.told(), Some(60 * MILLI), "not before it was seen last");
    }

    #[test]
    fn what_lasted_is_told_even_if_nobody_looked_in_time() {
        let mut condition = Condition::new(HOLD);
        condition.see(0, true);
        condition.see(200 * MILLI, false);
        assert_eq!(condition.told(), Some(0));
    }

    proptest! {
        /// However it flickers: told for at least `off`, and not told for at least `on`.
        #[test]
        fn it_is_never_told_faster_than_its_hold_off(
            steps in prop::collection::vec((0u64..250, any::<bool>()), 1..300),
        ) {
            let mut condition = Condition::new(HOLD);
            let (mut now, mut turns) = (0, vec![]);
            for (step, holds) in steps {
                now += step * MILLI;
                let before = condition.told().is_some();
                condition.see(now, holds);
                if condition.told().is_some() != before {
                    let at = if before { condition.ended() } else { condition.told().unwrap_or(0) };
                    turns.push((before, at));
                }
            }
            for pair in turns.windows(2) {
                prop_assert!(pair[0].0 != pair[1].0);
                // From the end of one to the beginning of the next lies more than what ends it, and so the other way.
                let least = if pair[0].0 { HOLD.off } else { HOLD.on };
                prop_assert!(pair[1].1 - pair[0].1 >= least, "{pair:?}");
            }
        }
    }
}
