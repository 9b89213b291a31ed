//! A decoder of one CEA-608 caption channel (ANSI/CTA-608-E; 47 CFR 15.119): pop-on, roll-up and paint-on captions.
//!
//! Colours, underlining and flashing are not kept; text mode is not read. A code that has no effect in the present mode is not
//! carried out.
//!
//! Every character has an age, which counts from the code that began its caption or row: the last of RCL, RUx, RDC, EOC and,
//! with roll-up captions, CR. After [`MEMORY`] it is taken off. The standard recommends as much for what stands without being
//! renewed; counting from the beginning of the caption instead of its display makes the screen depend on nothing older.

mod line21;
mod memory;

use cea608_types::tables::{Code, Control, PreambleAddressCode};

use line21::{Line21, Said};
use memory::{COLUMNS, Cell, ROWS};

use crate::Channel;

pub(crate) use memory::Memory;

/// Nanoseconds that a character stands at most, from the code that began its caption or row: 16 s (ANSI/CTA-608-E, C.9). No
/// older pair has to be known to tell what stands on the screen.
pub const MEMORY: u64 = 16 * media::NANOS;

/// The rows of a roll-up caption whose RUx was not heard: the fewest there are.
const ROLL_UP_UNHEARD: usize = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    PopOn,
    /// With so many rows.
    RollUp(usize),
    PaintOn,
}

/// What a pair has done to the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Nothing that is seen.
    None,
    /// Characters have been painted or erased one by one: more may follow with the next pair.
    Painted,
    /// The screen is another at once.
    Switched,
}

/// One channel's state.
#[derive(Clone, Debug)]
pub(crate) struct Decoder {
    line21: Line21,
    /// None until a code has told it.
    mode: Option<Mode>,
    /// The channel carries text mode, not captions.
    text_mode: bool,
    displayed: Memory,
    loaded: Memory,
    /// 0 to 14; with roll-up captions the base row.
    row: usize,
    /// 0 to 32: behind the last column the next character replaces the one there.
    column: usize,
    italic: bool,
    /// What the age of the next character counts from.
    since: u64,
}

impl Decoder {
    pub(crate) fn new(channel: Channel) -> Self {
        Self {
            line21: Line21::new(channel),
            mode: None,
            text_mode: false,
            displayed: Memory::default(),
            loaded: Memory::default(),
            row: ROWS - 1,
            column: 0,
            italic: false,
            since: 0,
        }
    }

    /// What is displayed.
    pub(crate) fn displayed(&self) -> &Memory {
        &self.displayed
    }

    /// Reads a pair of the channel's field.
    pub(crate) fn take(&mut self, at: u64, pair: [u8; 2]) -> Change {
        match self.line21.hear(at, pair) {
            None => Change::None,
            Some(Said::Again(control)) => {
                // As if only the second had been heard, as by a decoder that begins between the two.
                self.begin(at, control);
                Change::None
            }
            Some(Said::Control(code, control)) => {
                let change = self.control(code, control);
                self.begin(at, control);
                change
            }
            Some(Said::Text(text)) => {
                text.into_iter().flatten().fold(Change::None, |_, character| self.write(character))
            }
        }
    }

    /// Has ages count from this time if the code, already carried out, begins a caption or a row.
    fn begin(&mut self, at: u64, control: Control) {
        let begins = match control {
            Control::ResumeCaptionLoading
            | Control::RollUp2
            | Control::RollUp3
            | Control::RollUp4
            | Control::ResumeDirectionCaptioning
            | Control::EndOfCaption => true,
            Control::CarriageReturn => !self.text_mode && matches!(self.mode, Some(Mode::RollUp(_))),
            _ => false,
        };
        if begins {
            self.since = at;
        }
    }

    fn control(&mut self, code: Code, control: Control) -> Change {
        match control {
            Control::ResumeCaptionLoading => self.resume(Mode::PopOn),
            Control::ResumeDirectionCaptioning => self.resume(Mode::PaintOn),
            Control::RollUp2 => self.roll_up(2),
            Control::RollUp3 => self.roll_up(3),
            Control::RollUp4 => self.roll_up(4),
            Control::TextRestart | Control::ResumeTextDisplay => {
                self.text_mode = true;
                Change::None
            }
            Control::EndOfCaption => {
                self.resume(Mode::PopOn);
                std::mem::swap(&mut self.displayed, &mut self.loaded);
                Change::Switched
            }
            Control::EraseDisplayedMemory => {
                self.displayed = Memory::default();
                Change::Switched
            }
            Control::EraseNonDisplayedMemory => {
                self.loaded = Memory::default();
                Change::None
            }
            _ if self.text_mode => Change::None,
            _ => self.edit(code, control),
        }
    }

    /// Codes about what is being written.
    fn edit(&mut self, code: Code, control: Control) -> Change {
        match control {
            Control::CarriageReturn => self.carriage_return(),
            Control::PreambleAddress(preamble) => self.address(preamble),
            Control::Backspace if self.back() => self.put(None),
            Control::Backspace => Change::None,
            Control::DeleteToEndOfRow => {
                self.write_with(|memory, row, column| memory.erase_to_end(row, column))
            }
            Control::TabOffset1 => self.tab(1),
            Control::TabOffset2 => self.tab(2),
            Control::TabOffset3 => self.tab(3),
            Control::MidRow(style) => {
                self.italic = false;
                let change = self.write(' ');
                self.italic = style.italics();
                change
            }
            Control::TransparentSpace => self.advance(None),
            _ => {
                let Some(character) = code.char() else { return Change::None };
                // One of the extended ones replaces the one before it, which was for decoders that lack it.
                if code.needs_backspace() {
                    self.back();
                }
                self.write(character)
            }
        }
    }

    fn resume(&mut self, mode: Mode) -> Change {
        (self.mode, self.text_mode) = (Some(mode), false);
        Change::None
    }

    /// RUx: rows above a smaller window go; captions of another mode go altogether (47 CFR 15.119(f)(1)).
    fn roll_up(&mut self, rows: usize) -> Change {
        let before = self.mode.replace(Mode::RollUp(rows));
        self.text_mode = false;
        if let Some(Mode::RollUp(before)) = before {
            if rows < before {
                let base = self.row;
                self.displayed.move_window(base.saturating_sub(rows - 1), base, base);
                return Change::Switched;
            }
            return self.set_base(self.row, rows);
        }
        (self.displayed, self.loaded) = Default::default();
        (self.row, self.column, self.italic) = (ROWS - 1, 0, false);
        Change::Switched
    }

    /// CR: only roll-up captions have it, so where no mode has been heard, it is theirs.
    fn carriage_return(&mut self) -> Change {
        let &mut Mode::RollUp(rows) = self.mode.get_or_insert(Mode::RollUp(ROLL_UP_UNHEARD)) else {
            return Change::None;
        };
        self.displayed.roll(self.row.saturating_sub(rows - 1), self.row);
        (self.column, self.italic) = (0, false);
        Change::Switched
    }

    /// PAC: the row, an indent or none, and the style.
    fn address(&mut self, preamble: PreambleAddressCode) -> Change {
        let row = usize::from(preamble.row()).min(ROWS - 1);
        (self.column, self.italic) = (usize::from(preamble.column()), preamble.italics());
        if let Some(Mode::RollUp(rows)) = self.mode {
            return self.set_base(row, rows);
        }
        self.row = row;
        Change::None
    }

    /// Has the roll-up caption end with this row, or as high above as it has room.
    fn set_base(&mut self, row: usize, rows: usize) -> Change {
        let (from, to) = (self.row, row.max(rows - 1));
        if from == to {
            return Change::None;
        }
        self.displayed.move_window(from.saturating_sub(rows - 1), from, to);
        self.row = to;
        Change::Switched
    }

    fn tab(&mut self, columns: usize) -> Change {
        self.column = (self.column + columns).min(COLUMNS - 1);
        Change::None
    }

    /// Moves the cursor back, if it can.
    fn back(&mut self) -> bool {
        let moved = self.column > 0;
        self.column = self.column.saturating_sub(1);
        moved
    }

    fn write(&mut self, character: char) -> Change {
        self.advance(Some(Cell { character, italic: self.italic, since: self.since }))
    }

    /// Writes at the cursor and moves it on. In no mode yet, nothing is written.
    fn advance(&mut self, cell: Option<Cell>) -> Change {
        if self.mode.is_none() || self.text_mode {
            return Change::None;
        }
        let change = self.put(cell);
        self.column = (self.column + 1).min(COLUMNS);
        change
    }

    fn put(&mut self, cell: Option<Cell>) -> Change {
        self.write_with(|memory, row, column| memory.put(row, column.min(COLUMNS - 1), cell))
    }

    /// Changes the memory that is being written.
    fn write_with(&mut self, change: impl FnOnce(&mut Memory, usize, usize)) -> Change {
        match self.mode {
            Some(Mode::PopOn) => {
                change(&mut self.loaded, self.row, self.column);
                Change::None
            }
            Some(Mode::PaintOn | Mode::RollUp(_)) => {
                change(&mut self.displayed, self.row, self.column);
                Change::Painted
            }
            None => Change::None,
        }
    }
}

#[cfg(test)]
mod tests;
