//! Which encoder families a channel may use: the board's, in its order, without those that have failed here.
//!
//! A family steps down when its start-up test fails, when the worker ends twice while trying it, or when it breaks
//! [`MOST`] times within [`SPAN`]. It stays down until the channel is started again: a show is no time for another try.
//! The last family never steps down, as there is nothing below it: it is tried on, and told as [failing](Families::failing).

use std::collections::VecDeque;

/// So many breakdowns within [`SPAN`] are too many.
pub const MOST: usize = 3;
/// One minute, in nanoseconds.
pub const SPAN: u64 = 60_000_000_000;
/// The worker may end so often without a word while a family is tried; once it may be somebody else's doing.
const UNEXPLAINED: usize = 2;

/// A family that is not used any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its name.
    pub family: String,
    /// Why, in plain words.
    pub reason: String,
}

/// What is known of why a worker ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// An encoder gave an error or nothing at all.
    Encoder,
    /// It ended without a word: a crash, in a driver or elsewhere.
    Unknown,
    /// Something that another family would not change.
    Other,
}

/// The families of one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Families {
    left: VecDeque<String>,
    refused: Vec<Refused>,
    failing: Option<Refused>,
    stage: Stage,
    /// When the family in use broke, in nanoseconds.
    breakdowns: VecDeque<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Stage {
    Idle,
    Trying { ended: usize },
    Running,
}

impl Families {
    /// These families, in order of preference.
    #[must_use]
    pub fn new(preferred: impl IntoIterator<Item = String>) -> Self {
        let left = preferred.into_iter().collect();
        Self { left, refused: Vec::new(), failing: None, stage: Stage::Idle, breakdowns: VecDeque::new() }
    }

    /// Those that may be tried, in order of preference.
    pub fn left(&self) -> impl Iterator<Item = &str> {
        self.left.iter().map(String::as_str)
    }

    /// Those that may not, in the order in which they failed.
    #[must_use]
    pub fn refused(&self) -> &[Refused] {
        &self.refused
    }

    /// The last one, from when it would have stepped down until it encodes again.
    #[must_use]
    pub fn failing(&self) -> Option<&Refused> {
        self.failing.as_ref()
    }

    /// A worker begins to try `family`, after it has refused others.
    pub fn trying(&mut self, family: &str, refused: &[Refused]) {
        let again = matches!(self.stage, Stage::Trying { .. }) && self.left().next() == Some(family);
        if !again {
            self.stage = Stage::Trying { ended: 0 };
        }
        while self.left.len() > 1
            && let Some(first) = self.left.pop_front_if(|first| first != family)
        {
            self.breakdowns.clear();
            let told = refused.iter().find(|refused| refused.family == first);
            let reason = told.map_or_else(String::new, |refused| refused.reason.clone());
            self.refused.push(Refused { family: first, reason });
        }
    }

    /// A worker encodes with the family it tried last.
    pub fn runs(&mut self) {
        self.stage = Stage::Running;
        self.failing = None;
    }

    /// A worker that was not told to has ended at `now` (nanoseconds), because of `reason`.
    pub fn ended(&mut self, now: u64, cause: Cause, reason: &str) {
        match (&mut self.stage, cause) {
            (_, Cause::Other) | (Stage::Idle, _) => {}
            (Stage::Trying { .. }, Cause::Encoder) => self.step_down(reason.to_owned()),
            (Stage::Trying { ended }, Cause::Unknown) => {
                *ended += 1;
                if *ended >= UNEXPLAINED {
                    self.step_down(format!(
                        "the worker ended {UNEXPLAINED} times while it was tried: {reason}"
                    ));
                }
            }
            (Stage::Running, _) => {
                self.breakdowns.push_back(now);
                self.breakdowns.retain(|&then| now.saturating_sub(then) < SPAN);
                if self.breakdowns.len() >= MOST {
                    self.step_down(format!("broke down {MOST} times within a minute, at last: {reason}"));
                }
            }
        }
    }

    fn step_down(&mut self, reason: String) {
        self.stage = Stage::Idle;
        self.breakdowns.clear();
        match self.left.len() {
            0 | 1 => self.failing = self.left.front().map(|last| Refused { family: last.clone(), reason }),
            _ => self.refused.extend(self.left.pop_front().map(|family| Refused { family, reason })),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn three() -> Families {
        Families::new(["vaapi", "va", "software"].map(str::to_owned))
    }

    fn left(families: &Families) -> Vec<&str> {
        families.left().collect()
    }

    #[test]
    fn what_hangs_while_it_is_tried_is_not_tried_again() {
        let mut families = three();
        families.trying("vaapi", &[]);
        families.ended(0, Cause::Encoder, "its driver does not return");
        assert_eq!(left(&families), ["va", "software"]);
        assert_eq!(families.refused()[0].reason, "its driver does not return");
    }

    #[test]
    fn one_end_without_a_word_is_forgiven() {
        let mut families = three();
        families.trying("vaapi", &[]);
        families.ended(0, Cause::Unknown, "the worker ended");
        assert_eq!(left(&families).len(), 3);
        families.trying("vaapi", &[]);
        families.ended(1, Cause::Unknown, "the worker ended");
        assert_eq!(left(&families), ["va", "software"]);
        families.trying("va", &[]);
        families.ended(2, Cause::Other, "the socket broke");
        families.ended(3, Cause::Unknown, "the worker ended");
        assert_eq!(left(&families), ["va", "software"], "what was counted was the other family's");
    }

    #[test]
    fn what_breaks_again_and_again_steps_down() {
        let mut families = three();
        let broken = |families: &mut Families, at: u64| {
            families.trying("vaapi", &[]);
            families.runs();
            families.ended(at * SECOND, Cause::Encoder, "no sample came out");
        };
        for at in [0, 40, 80, 120] {
            broken(&mut families, at);
        }
        assert_eq!(left(&families)[0], "vaapi", "never three within a minute");
        broken(&mut families, 121);
        assert_eq!(left(&families)[0], "va");
        assert!(families.refused()[0].reason.ends_with("no sample came out"));
    }

    #[test]
    fn the_workers_own_refusals_are_kept_with_their_reasons() {
        let mut families = three();
        families.trying("vaapi", &[]);
        let told = |family: &str| Refused { family: family.to_owned(), reason: format!("no {family}") };
        families.trying("va", &[told("vaapi")]);
        families.trying("software", &[told("vaapi"), told("va")]);
        families.runs();
        assert_eq!(families.refused(), [told("vaapi"), told("va")]);
        assert_eq!(left(&families), ["software"]);
        (0..9).for_each(|at| families.ended(at, Cause::Unknown, "the worker ended"));
        assert_eq!(left(&families), ["software"], "there is nothing below");
    }

    #[test]
    fn the_last_one_is_tried_on_and_told_until_it_works() {
        let mut families = Families::new(["vaapi".to_owned()]);
        for _ in 0..3 {
            families.trying("vaapi", &[]);
            families.ended(0, Cause::Encoder, "there is no driver");
            assert_eq!(left(&families), ["vaapi"]);
            assert_eq!(families.failing().unwrap().reason, "there is no driver");
        }
        assert!(families.refused().is_empty(), "it is in use");
        families.trying("vaapi", &[]);
        families.runs();
        assert_eq!(families.failing(), None);
    }

    proptest! {
        #[test]
        fn something_is_always_left_and_nothing_is_lost(
            events in prop::collection::vec((0usize..4, 0usize..3, 0u64..100), 0..60),
        ) {
            let mut families = three();
            let mut now = 0;
            for (event, which, seconds) in events {
                now += seconds * SECOND;
                let name = left(&families)[which % families.left.len()].to_owned();
                match event {
                    0 => families.trying(&name, &[]),
                    1 => families.runs(),
                    2 => families.ended(now, Cause::Encoder, "error"),
                    _ => families.ended(now, Cause::Unknown, "gone"),
                }
                prop_assert!(left(&families).ends_with(&["software"]));
                prop_assert_eq!(families.left.len() + families.refused.len(), 3);
                prop_assert!(families.breakdowns.len() < MOST);
            }
        }
    }
}
