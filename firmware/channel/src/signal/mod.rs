//! What is true of an input: one state out of all that is observed, with its beginning and its reason.
//!
//! Of all conditions that hold, the gravest is the state, in the order of [`State`]. Each has a hold-off in both directions
//! ([`State::hold`]), so a blip of a bad plug is counted ([`Signal::lock_changes`]) but not told. `since` is when the state
//! began, not when the hold-off had passed, and it only goes forward: a graver condition that began before the state that
//! it takes the place of is dated with that state.
//!
//! Frozen, black, silent and clipping are judged by the source's own pictures and sound only, never by what the channel
//! shows in their place. Where there is no picture that could be judged they are not known, and begin anew afterwards.

mod hold;
mod measure;
#[cfg(test)]
mod tests;

pub use hold::Hold;
pub use measure::{Change, Picture, Sound};

use hold::Condition;

/// What an input is like, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// There is no such device or file.
    NoDevice,
    /// The device is there, pictures are not.
    NoSignal,
    /// Pictures or sound that the box cannot read.
    Unsupported,
    /// The same picture all the time: the source hangs, or a slide is shown.
    Frozen,
    /// Nothing can be seen on the pictures.
    Black,
    /// Nothing can be heard.
    Silent,
    /// The sound is driven too hard.
    Clipping,
    /// Nothing of all this.
    Ok,
    /// Nothing is known yet.
    Opening,
}

/// Those that are conditions, in order.
const CONDITIONS: [State; 7] = [
    State::NoDevice,
    State::NoSignal,
    State::Unsupported,
    State::Frozen,
    State::Black,
    State::Silent,
    State::Clipping,
];

impl State {
    /// Its hold-off. What the kernel says is told at once, and a plug that is pushed in must have settled before it counts
    /// as in. Pictures and sound are given the time that a pause of the show takes; clipping comes and goes with the music.
    #[must_use]
    pub const fn hold(self) -> Hold {
        match self {
            Self::NoDevice | Self::Unsupported => Hold::millis(0, 500),
            Self::NoSignal => Hold::millis(200, 500),
            Self::Frozen => Hold::millis(10_000, 500),
            Self::Black => Hold::millis(5_000, 500),
            Self::Silent => Hold::millis(10_000, 500),
            Self::Clipping => Hold::millis(500, 5_000),
            Self::Ok | Self::Opening => Hold::millis(0, 0),
        }
    }

    /// Why, for those where the observation does not say it itself.
    const fn words(self) -> &'static str {
        match self {
            Self::Frozen => {
                "the same picture for 10 s or longer: the source hangs, or it shows a slide or a test card"
            }
            Self::Black => "the picture has been black for 5 s or longer: look at the lens and at the source",
            Self::Silent => {
                "no sound for 10 s or longer (below -60 dBFS): look at the microphone and at the source's level"
            }
            Self::Clipping => "the sound is too loud and is distorted: turn the source's level down",
            Self::Opening => "looking for the input",
            _ => "",
        }
    }

    /// Its place among the conditions; none for what is not one.
    fn place(self) -> Option<usize> {
        CONDITIONS.iter().position(|condition| *condition == self)
    }

    /// There are no pictures in it.
    const fn is_loss(self) -> bool {
        matches!(self, Self::NoDevice | Self::NoSignal | Self::Unsupported)
    }
}

/// What is observed of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observation<'a> {
    /// The device or file is not there, because of this.
    Absent(&'a str),
    /// It is there, but gives no signal, because of this.
    Unlocked(&'a str),
    /// It is there, but has given nothing since then, because of this.
    Quiet(u64, &'a str),
    /// It is there with a signal that cannot be read: which one.
    Unsupported(&'a str),
    /// It gives pictures that can be read.
    Locked,
    /// It gives other pictures than before, by size, rate or kind.
    Changed,
    /// A picture of the source.
    Picture(Picture),
    /// A stretch of the source's sound.
    Sound(Sound),
    /// The source has no sound, or not any more.
    NoSound,
    /// Nothing; time goes by.
    Nothing,
}

/// The state of one input.
#[derive(Clone, Debug)]
pub struct Signal {
    now: u64,
    conditions: [Condition; CONDITIONS.len()],
    /// The words of the losses, each as they were observed last.
    losses: [String; 3],
    /// Whether there is a lock; none while nothing was observed.
    locked: Option<bool>,
    lock_changes: u64,
    lock_changed: Option<u64>,
    state: State,
    since: u64,
}

impl Signal {
    /// Nothing is known at `now`: nanoseconds, as all times here.
    #[must_use]
    pub fn new(now: u64) -> Self {
        Self {
            now,
            conditions: CONDITIONS.map(|state| Condition::new(state.hold())),
            losses: Default::default(),
            locked: None,
            lock_changes: 0,
            lock_changed: None,
            state: State::Opening,
            since: now,
        }
    }

    /// This is observed at `now`. A time before the last one counts as that one.
    pub fn observe(&mut self, now: u64, observation: Observation<'_>) {
        self.now = self.now.max(now);
        match observation {
            Observation::Absent(reason) => self.lose(State::NoDevice, self.now, reason),
            Observation::Unlocked(reason) => self.lose(State::NoSignal, self.now, reason),
            Observation::Quiet(since, reason) => self.lose(State::NoSignal, since.min(self.now), reason),
            Observation::Unsupported(reason) => self.lose(State::Unsupported, self.now, reason),
            Observation::Locked => self.lock(true, self.now),
            Observation::Changed => self.changed(self.now),
            // Of a source that is known to be lost this is noise, or was on its way.
            Observation::Picture(_) | Observation::Sound(_) if self.is_lost() => {}
            Observation::Picture(picture) => {
                self.see(State::Black, picture.is_black());
                self.see(State::Frozen, picture.is_same());
            }
            Observation::Sound(sound) => {
                self.see(State::Silent, sound.is_silent());
                self.see(State::Clipping, sound.is_clipping());
            }
            Observation::NoSound => self.forget(&[State::Silent, State::Clipping]),
            Observation::Nothing => {}
        }
        self.conditions.iter_mut().for_each(|condition| condition.pass(self.now));
        self.judge();
    }

    /// What is true.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// Since when.
    #[must_use]
    pub fn since(&self) -> u64 {
        self.since
    }

    /// Why, in plain words; empty when all is well.
    #[must_use]
    pub fn reason(&self) -> &str {
        let loss = self.state.place().and_then(|place| self.losses.get(place));
        loss.map_or(self.state.words(), String::as_str)
    }

    /// How often the lock was lost, had again or changed to another format, blips included, since the beginning.
    #[must_use]
    pub fn lock_changes(&self) -> u64 {
        self.lock_changes
    }

    /// When it changed last.
    #[must_use]
    pub fn lock_changed(&self) -> Option<u64> {
        self.lock_changed
    }

    /// No pictures can be had now, told or not: nothing was observed yet, or a loss.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.locked != Some(true)
    }

    fn lose(&mut self, loss: State, began: u64, reason: &str) {
        if let Some(words) = loss.place().and_then(|place| self.losses.get_mut(place)) {
            reason.clone_into(words);
        }
        self.lock(false, began);
        for state in CONDITIONS.into_iter().filter(|state| state.is_loss()) {
            let since = if state == loss { began } else { self.now };
            self.see_since(state, since, state == loss);
        }
    }

    fn lock(&mut self, locked: bool, at: u64) {
        if self.locked.is_some_and(|before| before != locked) {
            self.changed(at);
        }
        self.locked = Some(locked);
        if locked {
            CONDITIONS.into_iter().filter(|state| state.is_loss()).for_each(|state| self.see(state, false));
        }
    }

    fn changed(&mut self, at: u64) {
        self.lock_changes += 1;
        self.lock_changed = self.lock_changed.max(Some(at));
    }

    fn see(&mut self, state: State, holds: bool) {
        if let Some(place) = state.place() {
            self.conditions[place].see(self.now, holds);
        }
    }

    fn see_since(&mut self, state: State, began: u64, holds: bool) {
        if let Some(place) = state.place() {
            self.conditions[place].see_since(began, self.now, holds);
        }
    }

    fn forget(&mut self, states: &[State]) {
        for place in states.iter().filter_map(|state| state.place()) {
            self.conditions[place].forget(self.now);
        }
    }

    /// Takes the gravest condition that is told for the state.
    fn judge(&mut self) {
        if self.locked.is_none() {
            return;
        }
        let told = CONDITIONS.into_iter().zip(&self.conditions);
        let gravest = told.filter_map(|(state, condition)| Some((state, condition.told()?))).next();
        let (state, began) = match gravest {
            Some(gravest) => gravest,
            // A loss that is too young to be told: what was true before is told a little longer.
            None if self.state == State::Opening && self.is_lost() => return,
            None if self.state == State::Opening => (State::Ok, self.now),
            None => (State::Ok, self.conditions.iter().map(Condition::ended).max().unwrap_or(0)),
        };
        if state != self.state {
            (self.state, self.since) = (state, self.since.max(began));
        }
        if state.is_loss() {
            self.forget(&CONDITIONS[3..]);
        }
    }
}
