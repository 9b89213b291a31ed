//! A caption memory: the characters of one screen, each with the time that its age counts from.

use crate::{Row, Span};

use super::MEMORY;

/// Rows and columns of the screen (47 CFR 15.119(d)).
pub(super) const ROWS: usize = 15;
pub(super) const COLUMNS: usize = 32;

/// A character on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) character: char,
    pub(super) italic: bool,
    /// When the caption or row that it belongs to began.
    pub(super) since: u64,
}

impl Cell {
    /// When it is taken off the screen.
    fn ends(&self) -> u64 {
        self.since.saturating_add(MEMORY)
    }
}

/// What is displayed, or what is being loaded.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    rows: [[Option<Cell>; COLUMNS]; ROWS],
}

impl Memory {
    pub(super) fn put(&mut self, row: usize, column: usize, cell: Option<Cell>) {
        if let Some(place) = self.rows.get_mut(row).and_then(|row| row.get_mut(column)) {
            *place = cell;
        }
    }

    /// Erases a row from a column on.
    pub(super) fn erase_to_end(&mut self, row: usize, column: usize) {
        let cells = self.rows.get_mut(row).and_then(|row| row.get_mut(column..));
        cells.into_iter().flatten().for_each(|cell| *cell = None);
    }

    /// Moves rows `top..=base` up by one; the last is empty then.
    pub(super) fn roll(&mut self, top: usize, base: usize) {
        if let Some(window) = self.rows.get_mut(top..=base) {
            window.rotate_left(1);
            self.rows[base] = Default::default();
        }
    }

    /// Leaves rows `top..=base` only, and has them end with row `to`.
    pub(super) fn move_window(&mut self, top: usize, base: usize, to: usize) {
        let mut moved = Self::default();
        for (nth, row) in (top..=base).rev().enumerate() {
            if let (Some(row), Some(to)) = (self.rows.get(row), to.checked_sub(nth)) {
                moved.rows[to] = *row;
            }
        }
        *self = moved;
    }

    fn cells(&self) -> impl Iterator<Item = &Cell> {
        self.rows.iter().flatten().flatten()
    }

    /// When the next of the characters that stand at this time is taken off.
    pub(crate) fn next_end(&self, at: u64) -> Option<u64> {
        self.cells().map(Cell::ends).filter(|end| *end > at).min()
    }

    /// The rows with text at this time.
    pub(crate) fn text(&self, at: u64) -> Vec<Row> {
        let rows = (1..).zip(&self.rows).filter_map(|(number, cells)| {
            let standing = cells.map(|cell| cell.filter(|cell| cell.ends() > at));
            text_of(number, &standing)
        });
        rows.collect()
    }
}

/// A row without the spaces around its text; none where there is nothing else.
fn text_of(number: u8, cells: &[Option<Cell>; COLUMNS]) -> Option<Row> {
    let seen = |cell: &Option<Cell>| cell.is_some_and(|cell| cell.character != ' ');
    let (first, last) = (cells.iter().position(seen)?, cells.iter().rposition(seen)?);
    let mut spans: Vec<Span> = Vec::new();
    for cell in &cells[first..=last] {
        let character = cell.map_or(' ', |cell| cell.character);
        match (spans.last_mut(), cell) {
            // Where there is no character, the style goes on.
            (Some(span), cell) if cell.is_none_or(|cell| cell.italic == span.italic) => {
                span.text.push(character);
            }
            _ => {
                let italic = cell.is_some_and(|cell| cell.italic);
                spans.push(Span { text: character.into(), italic });
            }
        }
    }
    Some(Row { row: number, column: u8::try_from(first).unwrap_or(0), spans })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cue::plain;

    fn write(memory: &mut Memory, row: usize, column: usize, text: &str, since: u64) {
        for (character, column) in text.chars().zip(column..) {
            memory.put(row, column, Some(Cell { character, italic: false, since }));
        }
    }

    #[test]
    fn every_character_ends_for_itself() {
        let mut memory = Memory::default();
        write(&mut memory, 14, 2, " old", 5);
        write(&mut memory, 14, 8, "new ", 9);
        assert_eq!(memory.text(9), [plain(15, 3, "old  new")]);
        assert_eq!(memory.next_end(9), Some(5 + MEMORY));
        assert_eq!(memory.text(5 + MEMORY), [plain(15, 8, "new")]);
        assert_eq!(memory.next_end(5 + MEMORY), Some(9 + MEMORY));
        assert_eq!((memory.text(9 + MEMORY), memory.next_end(9 + MEMORY)), (vec![], None));
    }

    #[test]
    fn rows_roll_and_move() {
        let mut memory = Memory::default();
        for (row, text) in [(11, "a"), (12, "b"), (13, "c")] {
            write(&mut memory, row, 0, text, 0);
        }
        memory.roll(12, 13);
        assert_eq!(memory.text(0), [plain(12, 0, "a"), plain(13, 0, "c")]);
        memory.move_window(12, 13, 4);
        assert_eq!(memory.text(0), [plain(4, 0, "c")]);
        // Nothing lies above the screen or below it.
        memory.move_window(0, 14, 1);
        memory.put(15, 0, None);
        memory.roll(3, 15);
        memory.erase_to_end(15, 32);
        assert_eq!(memory.text(0), []);
    }

    #[test]
    fn slanted_text_is_a_span() {
        let mut memory = Memory::default();
        for (column, (character, italic)) in [('a', false), (' ', false), ('b', true)].into_iter().enumerate()
        {
            memory.put(0, column, Some(Cell { character, italic, since: 0 }));
        }
        let span = |text: &str, italic| Span { text: text.into(), italic };
        assert_eq!(memory.text(0)[0].spans, [span("a ", false), span("b", true)]);
    }
}
