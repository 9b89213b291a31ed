//! Caption streams, written by hand: every code twice, with odd parity.

use std::fmt::Write as _;

use riser_subtitle::read::Picture;

pub(crate) const SECOND: u64 = 1_000_000_000;

/// All characters of two bytes, special and extended, in the order of their codes, but for five for which ffmpeg has another
/// sign than the standard: ‘ ' — • │.
pub(crate) const CHARACTERS: [&str; 5] =
    ["®°½¿™¢£♪àèâêîôû", "ÁÉÓÚÜü¡*", "©℠“”ÀÂÇÈÊËëÎÏïÔÙùÛ«»", "ÃãÍÌìÒòÕõ{}\\^_|~", "ÄäÖöß¥¤ÅåØø┌┐└┘"];

/// Their codes; the extended ones have a substitute before them.
const SPECIAL: &str = "®°½¿™¢£♪à\u{0}èâêîôû";
const EXTENDED: [&str; 2] = ["ÁÉÓÚÜü‘¡*'—©℠•“”ÀÂÇÈÊËëÎÏïÔÙùÛ«»", "ÃãÍÌìÒòÕõ{}\\^_|~ÄäÖöß¥¤│ÅåØø┌┐└┘"];
/// Basic characters that are not those of ASCII.
const BASIC: [(char, u8); 9] = [
    ('á', 0x2a),
    ('é', 0x5c),
    ('í', 0x5e),
    ('ó', 0x5f),
    ('ú', 0x60),
    ('ç', 0x7b),
    ('÷', 0x7c),
    ('Ñ', 0x7d),
    ('ñ', 0x7e),
];

/// First and second byte of a PAC of the rows from 1 on.
const PREAMBLES: [(u8, u8); 15] = [
    (0x11, 0x40),
    (0x11, 0x60),
    (0x12, 0x40),
    (0x12, 0x60),
    (0x15, 0x40),
    (0x15, 0x60),
    (0x16, 0x40),
    (0x16, 0x60),
    (0x17, 0x40),
    (0x17, 0x60),
    (0x10, 0x40),
    (0x13, 0x40),
    (0x13, 0x60),
    (0x14, 0x40),
    (0x14, 0x60),
];

/// Pairs that are sent from a time on, one with each frame.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    pub(crate) at: u64,
    pub(crate) pairs: Vec<[u8; 2]>,
}

impl Line {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn at(self, second: u64) -> Self {
        Self { at: second * SECOND, ..self }
    }

    /// EDM.
    pub(crate) fn wipe(self) -> Self {
        self.code(0x14, 0x2c)
    }

    /// Rows of a caption that is shown when it is whole: row, column (in fours), text.
    pub(crate) fn pop_on(self, rows: &[(u8, u8, &str)]) -> Self {
        let start = self.code(0x14, 0x20).code(0x14, 0x2e);
        rows.iter().fold(start, |line, (row, column, text)| line.row(*row, *column, text)).code(0x14, 0x2f)
    }

    /// Rows of a caption that is shown as it comes.
    pub(crate) fn paint_on(self, rows: &[(u8, u8, &str)]) -> Self {
        let start = self.code(0x14, 0x29);
        rows.iter().fold(start, |line, (row, column, text)| line.row(*row, *column, text))
    }

    /// The next row of a roll-up caption of so many rows.
    pub(crate) fn roll_up(self, rows: u8, base: u8, text: &str) -> Self {
        self.code(0x14, 0x23 + rows).code(0x14, 0x2d).row(base, 0, text)
    }

    fn row(self, row: u8, column: u8, text: &str) -> Self {
        let (first, second) = PREAMBLES[usize::from(row - 1)];
        self.code(first, second | 0x10 | ((column / 4) << 1)).text(text)
    }

    fn code(mut self, first: u8, second: u8) -> Self {
        self.pairs.extend([[first, second]; 2]);
        self
    }

    /// `{i}` and `{/i}` are mid-row codes, which stand for the space beside them.
    fn text(mut self, text: &str) -> Self {
        let text = text.replace(" {i}", "\u{1}").replace("{i}", "\u{1}").replace("{/i} ", "\u{2}");
        let text = text.replace("{/i}", "\u{2}");
        let mut half = None;
        for character in text.chars() {
            if let Some(byte) = basic(character) {
                match half.take() {
                    Some(first) => self.pairs.push([first, byte]),
                    None => half = Some(byte),
                }
                continue;
            }
            if let Some(first) = half.take() {
                self.pairs.push([first, 0]);
            }
            self = self.two_bytes(character);
        }
        self.pairs.extend(half.map(|first| [first, 0]));
        self
    }

    fn two_bytes(mut self, character: char) -> Self {
        let position = |table: &str| {
            table.chars().position(|other| other == character).map(|nth| u8::try_from(nth).unwrap())
        };
        match character {
            '\u{1}' => return self.code(0x11, 0x2e),
            '\u{2}' => return self.code(0x11, 0x20),
            _ => {}
        }
        if let Some(nth) = position(SPECIAL) {
            return self.code(0x11, 0x30 + nth);
        }
        let table = EXTENDED.iter().position(|table| table.contains(character)).unwrap();
        self.pairs.push([b'?', 0]);
        self.code(0x12 + u8::try_from(table).unwrap(), 0x20 + position(EXTENDED[table]).unwrap())
    }
}

fn basic(character: char) -> Option<u8> {
    let other = BASIC.iter().find(|(other, _)| *other == character).map(|(_, byte)| *byte);
    let same = |byte: u8| !BASIC.iter().any(|(_, other)| *other == byte) && !b"`{|}~\\^_*'".contains(&byte);
    let ascii = || u8::try_from(character).ok().filter(|byte| (0x20..0x7f).contains(byte) && same(*byte));
    other.or_else(ascii)
}

/// Nanoseconds of so many frames of NTSC.
pub(crate) fn frames(count: usize) -> u64 {
    count as u64 * 1001 * SECOND / 30_000
}

/// The stream as Scenarist SCC.
pub(crate) fn scc(lines: &[Line]) -> String {
    let odd = |byte: u8| byte | u8::from(byte.count_ones().is_multiple_of(2)) << 7;
    let mut out = String::from("Scenarist_SCC V1.0\n");
    for Line { at, pairs } in lines {
        let seconds = at / SECOND;
        write!(out, "\n{:02}:{:02}:{:02}:00\t", seconds / 3600, seconds / 60 % 60, seconds % 60).unwrap();
        let words = pairs.iter().map(|[first, second]| format!("{:02x}{:02x}", odd(*first), odd(*second)));
        out += &words.collect::<Vec<_>>().join(" ");
        out.push('\n');
    }
    out
}

/// The stream as pictures carry it.
pub(crate) fn pictures(lines: &[Line]) -> Vec<Picture> {
    let picture = |line: &Line, nth: usize, [first, second]: [u8; 2]| Picture {
        at: line.at + frames(nth),
        units: vec![[0xfc, first, second]],
    };
    let of = |line: &Line| -> Vec<Picture> {
        line.pairs.iter().enumerate().map(|(nth, pair)| picture(line, nth, *pair)).collect()
    };
    lines.iter().flat_map(of).collect()
}
