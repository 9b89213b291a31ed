//! A channel's ad breaks: announced, moved, cancelled, ended.
//!
//! The rules of the classic cloud live service (its timed metadata of 2018): a break is announced, moved or cancelled at least
//! [`PRE_ROLL`] before it begins, the last word counts, and breaks do not overlap. Breaks begin and end where segments do, as
//! pictures can be cut there in every rendition.

#[cfg(test)]
mod tests;

use media::{
    Break, Event, Grid, NANOS, Position,
    signal::{AHEAD, SPLICE},
};
use serde::{Deserialize, Serialize};

use crate::splice::{Message, section};

/// How long before it begins a break must be known, in nanoseconds.
pub const PRE_ROLL: u64 = 4 * NANOS;
/// What is told now is in the segments that begin after this, so that none has begun already: nanoseconds.
const SOON: u64 = NANOS;
/// The longest break that SCTE-35's 33 bits can tell of, in whole hours.
const LONGEST: u64 = 26 * 3600 * NANOS;

/// What was told of a channel's breaks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Journal {
    /// The number of the last message.
    last: u32,
    /// In the order in which they were announced.
    plans: Vec<Plan>,
}

/// One announcement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Plan {
    id: u32,
    from: u64,
    duration: Option<u64>,
    out: Told,
    /// The last word is another one.
    #[serde(default)]
    withdrawn: Option<Withdrawn>,
    /// It was ended by hand, at this instant.
    #[serde(default)]
    end: Option<(u64, Told)>,
}

/// A message: its number and from when on segments have it, in nanoseconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Told {
    number: u32,
    since: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Withdrawn {
    /// Another announcement is in its place since then.
    Moved(u64),
    Cancelled(Told),
}

/// A break that is wished for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Its id.
    pub id: u32,
    /// Nanoseconds since the epoch; none for as soon as may be.
    pub from: Option<u64>,
    /// Nanoseconds; none for until it is ended.
    pub duration: Option<u64>,
}

/// Why a wish is not granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// It is to begin too soon.
    #[error("a break must be known 4 s before it begins, so not before {} ms since the epoch", .0.div_ceil(1_000_000))]
    TooSoon(u64),
    /// It has no time or more than can be told.
    #[error("a break lasts at least 1 s and at most 26 hours")]
    Duration,
    /// Another one takes place then.
    #[error("break {0} takes place at that time: breaks do not overlap")]
    Overlaps(u32),
    /// There was one of this id.
    #[error("break {0} has begun already: each break needs an id of its own")]
    Used(u32),
    /// It begins within the pre-roll.
    #[error("break {0} begins in less than 4 s: it can only be ended once it has begun")]
    TooLate(u32),
    /// There is none that could be ended.
    #[error("there is no break {0} ahead or under way")]
    Unknown(u32),
}

impl Journal {
    /// Announces a break, or moves one that is ahead: its last word is this. `now` in nanoseconds since the epoch.
    ///
    /// # Errors
    /// [`Problem::TooSoon`], [`Problem::Duration`], [`Problem::Overlaps`], [`Problem::Used`], [`Problem::TooLate`].
    pub fn announce(&mut self, grid: &Grid, wish: Wish, now: u64) -> Result<(), Problem> {
        let earliest = line(grid, now + PRE_ROLL);
        let from = wish.from.map_or(earliest, |from| line(grid, from));
        if wish.duration.is_some_and(|duration| !(NANOS..=LONGEST).contains(&duration)) {
            return Err(Problem::Duration);
        }
        if from < earliest {
            return Err(Problem::TooSoon(earliest));
        }
        let known = self.current().find(|plan| plan.id == wish.id).cloned();
        match &known {
            Some(plan) if plan.from <= now => return Err(Problem::Used(wish.id)),
            Some(plan) if plan.from < now + PRE_ROLL => return Err(Problem::TooLate(wish.id)),
            _ => {}
        }
        let duration = wish.duration.map(|duration| line(grid, from + duration) - from);
        let to = duration.map_or(u64::MAX, |duration| from + duration);
        let at_once = |plan: &&Plan| plan.from < to && from < plan.to().unwrap_or(u64::MAX);
        if let Some(other) = self.current().filter(|plan| plan.id != wish.id).find(at_once) {
            return Err(Problem::Overlaps(other.id));
        }
        if known.as_ref().is_some_and(|plan| (plan.from, plan.duration) == (from, duration)) {
            return Ok(());
        }
        let out = self.tell(now);
        if let Some(plan) = self.current_mut(wish.id) {
            plan.withdrawn = Some(Withdrawn::Moved(out.since));
        }
        self.plans.push(Plan { id: wish.id, from, duration, out, withdrawn: None, end: None });
        Ok(())
    }

    /// Ends a break that is under way where the next segment begins, or cancels one that is ahead.
    ///
    /// # Errors
    /// [`Problem::Unknown`] where it is over, too; [`Problem::TooLate`].
    pub fn end(&mut self, grid: &Grid, id: u32, now: u64) -> Result<(), Problem> {
        let plan = self.current().find(|plan| plan.id == id).cloned().ok_or(Problem::Unknown(id))?;
        let at = line(grid, now + SOON);
        if plan.to().is_some_and(|to| to <= at) {
            return Err(Problem::Unknown(id));
        }
        if plan.from > now && plan.from < now + PRE_ROLL {
            return Err(Problem::TooLate(id));
        }
        let told = self.tell(now);
        if let Some(of) = self.current_mut(id) {
            match plan.from > now {
                true => of.withdrawn = Some(Withdrawn::Cancelled(told)),
                false => of.end = Some((at.max(plan.from), told)),
            }
        }
        Ok(())
    }

    /// Drops the oldest breaks that nothing asks for any more until there is room for another announcement; false where there
    /// is none. `spares` says of the time from one instant to another whether it is needed.
    pub fn make_room(&mut self, most: usize, now: u64, spares: impl Fn(u64, u64) -> bool) -> bool {
        while self.plans.len() >= most {
            let over = |plan: &Plan| {
                let to = plan.to().unwrap_or(u64::MAX);
                to < now && !spares(plan.from, to) || plan.withdrawn.is_some() && plan.from + AHEAD < now
            };
            let Some(nth) = self.plans.iter().position(over) else { return false };
            self.plans.remove(nth);
        }
        true
    }

    /// Whether nothing was ever told.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.plans.is_empty()
    }

    /// The breaks as the last word has them, in order of time.
    #[must_use]
    pub fn breaks(&self) -> Vec<Break> {
        let mut breaks: Vec<_> = self.current().map(Plan::shown).collect();
        breaks.sort_by_key(|shown| shown.from);
        breaks
    }

    /// What a segment that begins at `start` (nanoseconds since the epoch, on its line) says.
    #[must_use]
    pub fn events(&self, start: u64) -> Vec<Event> {
        let near = |plan: &&Plan| plan.from.saturating_sub(start) <= AHEAD;
        self.plans.iter().filter(near).flat_map(|plan| plan.events(start)).collect()
    }

    fn tell(&mut self, now: u64) -> Told {
        self.last = self.last.wrapping_add(1);
        Told { number: self.last, since: now + SOON }
    }

    fn current(&self) -> impl Iterator<Item = &Plan> {
        self.plans.iter().filter(|plan| plan.withdrawn.is_none())
    }

    fn current_mut(&mut self, id: u32) -> Option<&mut Plan> {
        self.plans.iter_mut().find(|plan| plan.withdrawn.is_none() && plan.id == id)
    }
}

impl Plan {
    /// Where it ends, as far as that is known.
    fn to(&self) -> Option<u64> {
        self.end.map(|(at, _)| at).or_else(|| Some(self.from + self.duration?))
    }

    fn shown(&self) -> Break {
        let out = Message::Out { at: self.from, duration: self.duration };
        let back = self.to().map(|at| section(self.id, Message::Back { at }).into());
        Break {
            id: self.id,
            number: self.out.number,
            from: self.from,
            to: self.to(),
            duration: self.duration,
            out: section(self.id, out).into(),
            back,
        }
    }

    fn events(&self, start: u64) -> impl Iterator<Item = Event> {
        // A segment that begins behind the instant says nothing of it any more.
        let says = |told: Told, at: u64| told.since <= start && start <= at && at - start <= AHEAD;
        let stands = match self.withdrawn {
            None => true,
            Some(Withdrawn::Moved(since) | Withdrawn::Cancelled(Told { since, .. })) => start < since,
        };
        let announced = (stands && says(self.out, self.from)).then(|| {
            let message = Message::Out { at: self.from, duration: self.duration };
            self.event(self.out, self.from, self.duration, message)
        });
        let cancelled = match self.withdrawn {
            Some(Withdrawn::Cancelled(told)) if says(told, self.from) => {
                Some(self.event(told, self.from, Some(0), Message::Cancel))
            }
            _ => None,
        };
        let ended = self.end.filter(|(at, told)| says(*told, *at));
        let ended = ended.map(|(at, told)| self.event(told, at, Some(0), Message::Back { at }));
        [announced, cancelled, ended].into_iter().flatten()
    }

    fn event(&self, told: Told, at: u64, duration: Option<u64>, message: Message) -> Event {
        Event {
            scheme: SPLICE.to_owned(),
            value: String::new(),
            id: told.number,
            at,
            duration,
            data: section(self.id, message).into(),
        }
    }
}

/// The segment's line at an instant or next after it.
fn line(grid: &Grid, nanos: u64) -> u64 {
    let before = grid.position(nanos.saturating_sub(1), NANOS as u32).segment;
    grid.rate.nanos_of(grid.first_frame(Position { segment: before + 1, part: 0 }))
}
