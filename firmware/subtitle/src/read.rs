//! The cues of a stretch of time, from its pictures and from those of [`MEMORY`] before it.
//!
//! A cue ends where the screen changes: where a caption is swapped in or wiped, a row rolls, or something has stood too long.
//! Characters that are painted one by one would make a cue each. They wait for the next full second of the epoch, or for the
//! next change of another kind, whichever comes first: a row that is typed grows by at most a cue a second, and is never more
//! than a second late. The seconds are the epoch's, not those since the first character, so that segments agree on them.

use crate::{
    Channel, Cue, MEMORY, Row, Unit,
    cea608::{Change, Decoder, Memory},
};

/// The captions of a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// When it is presented, in nanoseconds since the epoch.
    pub at: u64,
    /// What it carries: [`sei::units`](crate::sei::units).
    pub units: Vec<Unit>,
}

/// What stands on the screen within `from..to`, cut to it, in order and without overlap.
///
/// The pictures come in the order of presentation, from [`MEMORY`] before `from` on; earlier and later ones are not looked at.
///
/// The cues of segments that follow each other are those of one reading of the whole (where a cue goes on in the next segment,
/// in two pieces) if the stream says again what a decoder cannot know that has just begun:
/// - Before the text of a pop-on or paint-on caption come RCL or RDC and a PAC; before that of a roll-up row come RUx, CR and a
///   PAC, in this order. PACs lie no higher than the rows of the roll-up caption take.
/// - CR is said in roll-up mode only, and there is no text mode in the channel.
///
/// Other streams are read as well as can be, each segment for itself: text whose caption or row began earlier than [`MEMORY`]
/// before is missing, a roll-up caption whose RUx was earlier has two rows, and one without PAC ends with row 15.
pub fn cues(channel: Channel, pictures: impl Iterator<Item = Picture>, from: u64, to: u64) -> Vec<Cue> {
    let mut decoder = Decoder::new(channel);
    let mut screen = Screen::new(from, to);
    let earliest = from.saturating_sub(MEMORY);
    for Picture { at, units } in pictures.filter(|picture| (earliest..to).contains(&picture.at)) {
        let at = at.max(screen.now);
        screen.pass(at, &decoder);
        for pair in channel.pairs(&units) {
            match decoder.take(at, pair) {
                Change::None => {}
                Change::Painted => screen.painted(),
                Change::Switched => screen.show(&decoder),
            }
        }
    }
    screen.pass(to, &decoder);
    screen.finish()
}

/// What is shown of a decoder's memory, and since when.
struct Screen {
    from: u64,
    to: u64,
    now: u64,
    /// The memory as it was shown last; characters leave it by their age.
    shown: Memory,
    /// When the next of them leaves.
    ends: Option<u64>,
    /// When what has been painted is shown.
    due: Option<u64>,
    /// The text since the last change, and when that was.
    rows: Vec<Row>,
    since: u64,
    cues: Vec<Cue>,
}

impl Screen {
    fn new(from: u64, to: u64) -> Self {
        let (shown, rows, cues) = Default::default();
        Self { from, to, now: 0, shown, ends: None, due: None, rows, since: 0, cues }
    }

    /// Time goes on to `at`, and what was to happen until then happens.
    fn pass(&mut self, at: u64, decoder: &Decoder) {
        while let Some(next) = self.due.into_iter().chain(self.ends).min().filter(|next| *next <= at) {
            self.now = next;
            if self.due == Some(next) {
                self.show(decoder);
            } else {
                self.change();
            }
        }
        self.now = self.now.max(at);
    }

    fn painted(&mut self) {
        let second = media::NANOS;
        self.due.get_or_insert_with(|| (self.now / second + 1).saturating_mul(second));
    }

    /// Shows what the decoder displays.
    fn show(&mut self, decoder: &Decoder) {
        self.due = None;
        self.shown = decoder.displayed().clone();
        self.change();
    }

    /// Takes off what has stood too long; the cue ends if the text is another then.
    fn change(&mut self) {
        self.ends = self.shown.next_end(self.now);
        let rows = self.shown.text(self.now);
        if rows != self.rows {
            let rows = std::mem::replace(&mut self.rows, rows);
            self.cue(self.now, rows);
            self.since = self.now;
        }
    }

    /// The text that has stood until `end`.
    fn cue(&mut self, end: u64, rows: Vec<Row>) {
        let (begin, end) = (self.since.max(self.from), end.min(self.to));
        if begin >= end || rows.is_empty() {
            return;
        }
        match self.cues.last_mut() {
            // Something else has stood for no time between.
            Some(last) if last.end == begin && last.rows == rows => last.end = end,
            _ => self.cues.push(Cue { begin, end, rows }),
        }
    }

    fn finish(mut self) -> Vec<Cue> {
        let rows = std::mem::take(&mut self.rows);
        self.cue(self.to, rows);
        self.cues
    }
}

#[cfg(test)]
mod tests;
