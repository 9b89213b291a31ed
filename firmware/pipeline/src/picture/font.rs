//! A small bitmap font for burnt-in text: printable ASCII, enlarged by whole factors.
//!
//! A glyph is 5 x 9 dots, of which 7 stand on the baseline and 2 hang below it. Enlarged, the steps of its diagonals
//! are filled to straight edges, as teletext decoders have done since the SAA5050: text looks drawn at any size.

use super::ViewMut;

/// Dots from one character to the next.
pub const ADVANCE: usize = 6;
/// Dots of a capital letter's height, from its top to the baseline.
pub const ASCENT: usize = 7;
/// Dots from the top of a capital letter to the end of a descender.
pub const HEIGHT: usize = 9;
/// Dots of a character's width, without the gap to the next.
const WIDTH: usize = 5;

/// Columns of samples that `text` takes at `scale`, without the gap after its last character.
#[must_use]
pub fn width(text: &str, scale: usize) -> usize {
    (text.chars().count() * ADVANCE).saturating_sub(ADVANCE - WIDTH) * scale
}

/// How many characters fit into `width` samples at `scale`.
#[must_use]
pub fn columns(width: usize, scale: usize) -> usize {
    (width / scale.max(1) + ADVANCE - WIDTH) / ADVANCE
}

/// The text itself, or as much of its beginning as fits into `columns` characters together with an ellipsis.
#[must_use]
pub fn clip(text: &str, columns: usize) -> String {
    const ELLIPSIS: &str = "...";
    if text.chars().count() <= columns {
        return text.to_owned();
    }
    let kept = columns.saturating_sub(ELLIPSIS.len());
    text.chars().take(kept).chain(ELLIPSIS.chars()).take(columns).collect()
}

/// Draws one line of text in luma `level`, its top left corner at (`x`, `y`); chroma stays as it is.
///
/// What is outside the picture is left out. Characters the font lacks are drawn as an empty box.
pub fn draw(out: &mut ViewMut<'_>, (x, y): (usize, usize), scale: usize, text: &str, level: u8) {
    let width = out.size().width;
    let lefts = (x..width).step_by((ADVANCE * scale).max(1));
    for (glyph, left) in text.chars().map(glyph).zip(lefts) {
        draw_glyph(out, (left, y), scale, glyph, level);
    }
}

fn draw_glyph(out: &mut ViewMut<'_>, (left, top): (usize, usize), scale: usize, glyph: &Glyph, level: u8) {
    let size = out.size();
    let luma = &mut out.planes_mut()[0];
    let dots = (0..HEIGHT).flat_map(|row| (0..WIDTH).map(move |column| (row, column)));
    for (row, column) in dots {
        let x = left + column * scale;
        for step in 0..scale {
            let y = top + row * scale + step;
            if y >= size.height || x >= size.width {
                break;
            }
            let line = &mut luma.row_mut(y)[x..];
            let (from_left, from_right) = glyph.dot(row, column, scale, step);
            let reach = scale.min(line.len());
            line[..from_left.min(reach)].fill(level);
            line[(scale - from_right).min(reach)..reach].fill(level);
        }
    }
}

/// Rows from the top, in each the dots from the left as bits from [`WIDTH`]` - 1` down.
#[derive(Clone, Copy)]
struct Glyph([u8; HEIGHT]);

impl Glyph {
    /// Whether a dot is set; those around the glyph are not.
    fn is_set(&self, row: Option<usize>, column: Option<usize>) -> bool {
        let (Some(row), Some(column)) = (row, column) else { return false };
        row < HEIGHT && column < WIDTH && self.0[row] >> (WIDTH - 1 - column) & 1 == 1
    }

    /// How many samples from the left and from the right edge of an enlarged dot its line `step` has to be filled.
    ///
    /// An unset dot in the inner corner of two that touch only diagonally is filled up to the line between them.
    fn dot(&self, row: usize, column: usize, scale: usize, step: usize) -> (usize, usize) {
        if self.is_set(Some(row), Some(column)) {
            return (scale, 0);
        }
        let corner = |column_beside: Option<usize>| {
            let filled = |row_beside: Option<usize>| {
                self.is_set(Some(row), column_beside)
                    && self.is_set(row_beside, Some(column))
                    && !self.is_set(row_beside, column_beside)
            };
            let above = if filled(row.checked_sub(1)) { scale - 1 - step } else { 0 };
            let below = if filled(Some(row + 1)) { step } else { 0 };
            above.max(below)
        };
        (corner(column.checked_sub(1)), corner(Some(column + 1)))
    }
}

fn glyph(character: char) -> &'static Glyph {
    const MISSING: usize = GLYPHS - 1;
    let index = usize::try_from(u32::from(character)).unwrap_or(MISSING);
    &FONT[index.checked_sub(usize::from(b' ')).map_or(MISSING, |index| index.min(MISSING))]
}

/// Printable ASCII and, in the place of DEL, the box for what is missing.
const GLYPHS: usize = 96;
const PER_LINE: usize = 16;
const LINES: usize = GLYPHS / PER_LINE;

static FONT: [Glyph; GLYPHS] = read(&SHEET);

const fn read(sheet: &[&[u8; PER_LINE * ADVANCE - 1]; LINES * HEIGHT]) -> [Glyph; GLYPHS] {
    let mut font = [Glyph([0; HEIGHT]); GLYPHS];
    let mut at = 0;
    while at < GLYPHS * HEIGHT * WIDTH {
        let (glyph, row, column) = (at / (HEIGHT * WIDTH), at / WIDTH % HEIGHT, at % WIDTH);
        let line = sheet[glyph / PER_LINE * HEIGHT + row];
        if line[glyph % PER_LINE * ADVANCE + column] == b'#' {
            font[glyph].0[row] |= 1 << (WIDTH - 1 - column);
        }
        at += 1;
    }
    font
}

#[rustfmt::skip]
const SHEET: [&[u8; PER_LINE * ADVANCE - 1]; LINES * HEIGHT] = [
    b"..... ..#.. .#.#. .#.#. ..#.. ##... .##.. ..#.. ...#. .#... ..... ..... ..... ..... ..... .....",
    b"..... ..#.. .#.#. .#.#. .#### ##..# #..#. ..#.. ..#.. ..#.. ..#.. ..#.. ..... ..... ..... ....#",
    b"..... ..#.. .#.#. ##### #.#.. ...#. #.#.. ..#.. .#... ...#. #.#.# ..#.. ..... ..... ..... ...#.",
    b"..... ..#.. ..... .#.#. .###. ..#.. .#... ..... .#... ...#. .###. ##### ..... ##### ..... ..#..",
    b"..... ..#.. ..... ##### ..#.# .#... #.#.# ..... .#... ...#. #.#.# ..#.. ..... ..... ..... .#...",
    b"..... ..... ..... .#.#. ####. #..## #..#. ..... ..#.. ..#.. ..#.. ..#.. .##.. ..... .##.. #....",
    b"..... ..#.. ..... .#.#. ..#.. ...## .##.# ..... ...#. .#... ..... ..... ..#.. ..... .##.. .....",
    b"..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... .#... ..... ..... .....",
    b"..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... .....",
    b".###. ..#.. .###. .###. ...#. ##### ..##. ##### .###. .###. ..... ..... ...#. ..... .#... .###.",
    b"#...# .##.. #...# #...# ..##. #.... .#... ....# #...# #...# .##.. .##.. ..#.. ..... ..#.. #...#",
    b"#..## ..#.. ....# ....# .#.#. ####. #.... ...#. #...# #...# .##.. .##.. .#... ##### ...#. ....#",
    b"#.#.# ..#.. ...#. ..##. #..#. ....# ####. ..#.. .###. .#### ..... ..... #.... ..... ....# ...#.",
    b"##..# ..#.. ..#.. ....# ##### ....# #...# .#... #...# ....# .##.. .##.. .#... ##### ...#. ..#..",
    b"#...# ..#.. .#... #...# ...#. #...# #...# .#... #...# ...#. .##.. ..#.. ..#.. ..... ..#.. .....",
    b".###. .###. ##### .###. ...#. .###. .###. .#... .###. .##.. ..... .#... ...#. ..... .#... ..#..",
    b"..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... .....",
    b"..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... .....",
    b".###. .###. ####. .###. ####. ##### ##### .###. #...# .###. ..### #...# #.... #...# #...# .###.",
    b"#...# #...# #...# #...# #...# #.... #.... #...# #...# ..#.. ...#. #..#. #.... ##.## #...# #...#",
    b"#.### #...# #...# #.... #...# #.... #.... #.... #...# ..#.. ...#. #.#.. #.... #.#.# ##..# #...#",
    b"#.#.# ##### ####. #.... #...# ####. ####. #.### ##### ..#.. ...#. ##... #.... #.#.# #.#.# #...#",
    b"#.### #...# #...# #.... #...# #.... #.... #...# #...# ..#.. ...#. #.#.. #.... #...# #..## #...#",
    b"#.... #...# #...# #...# #...# #.... #.... #...# #...# ..#.. #..#. #..#. #.... #...# #...# #...#",
    b".###. #...# ####. .###. ####. ##### #.... .#### #...# .###. .##.. #...# ##### #...# #...# .###.",
    b"..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... .....",
    b"..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... .....",
    b"####. .###. ####. .#### ##### #...# #...# #...# #...# #...# ##### .###. ..... .###. ..#.. .....",
    b"#...# #...# #...# #.... ..#.. #...# #...# #...# #...# #...# ....# .#... #.... ...#. .#.#. .....",
    b"#...# #...# #...# #.... ..#.. #...# #...# #...# .#.#. .#.#. ...#. .#... .#... ...#. #...# .....",
    b"####. #...# ####. .###. ..#.. #...# #...# #.#.# ..#.. ..#.. ..#.. .#... ..#.. ...#. ..... .....",
    b"#.... #.#.# #.#.. ....# ..#.. #...# #...# #.#.# .#.#. ..#.. .#... .#... ...#. ...#. ..... .....",
    b"#.... #..#. #..#. ....# ..#.. #...# .#.#. ##.## #...# ..#.. #.... .#... ....# ...#. ..... .....",
    b"#.... .##.# #...# ####. ..#.. .###. ..#.. #...# #...# ..#.. ##### .###. ..... .###. ..... .....",
    b"..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... #####",
    b"..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... .....",
    b".#... ..... #.... ..... ....# ..... ..##. ..... #.... ..#.. ...#. #.... .##.. ..... ..... .....",
    b"..#.. ..... #.... ..... ....# ..... .#... ..... #.... ..... ..... #.... ..#.. ..... ..... .....",
    b"...#. .###. ####. .#### .#### .###. ####. .#### ####. .##.. ..##. #..#. ..#.. ####. ####. .###.",
    b"..... ....# #...# #.... #...# #...# .#... #...# #...# ..#.. ...#. #.#.. ..#.. #.#.# #...# #...#",
    b"..... .#### #...# #.... #...# ##### .#... #...# #...# ..#.. ...#. ##... ..#.. #.#.# #...# #...#",
    b"..... #...# #...# #.... #...# #.... .#... #...# #...# ..#.. ...#. #.#.. ..#.. #.#.# #...# #...#",
    b"..... .#### ####. .#### .#### .#### .#... .#### #...# .###. ...#. #..#. .###. #.#.# #...# .###.",
    b"..... ..... ..... ..... ..... ..... ..... ....# ..... ..... #..#. ..... ..... ..... ..... .....",
    b"..... ..... ..... ..... ..... ..... ..... .###. ..... ..... .##.. ..... ..... ..... ..... .....",
    b"..... ..... ..... ..... .#... ..... ..... ..... ..... ..... ..... ...#. ..#.. .#... ..... #####",
    b"..... ..... ..... ..... .#... ..... ..... ..... ..... ..... ..... ..#.. ..#.. ..#.. ..... #...#",
    b"####. .#### #.##. .#### ####. #...# #...# #...# #...# #...# ##### ..#.. ..#.. ..#.. .#... #...#",
    b"#...# #...# ##... #.... .#... #...# #...# #.#.# .#.#. #...# ...#. .#... ..#.. ...#. #.#.# #...#",
    b"#...# #...# #.... .###. .#... #...# #...# #.#.# ..#.. #...# ..#.. ..#.. ..#.. ..#.. ...#. #...#",
    b"#...# #...# #.... ....# .#... #...# .#.#. #.#.# .#.#. #...# .#... ..#.. ..#.. ..#.. ..... #...#",
    b"####. .#### #.... ####. ..##. .#### ..#.. .#.#. #...# .#### ##### ...#. ..#.. .#... ..... #####",
    b"#.... ....# ..... ..... ..... ..... ..... ..... ..... ....# ..... ..... ..#.. ..... ..... .....",
    b"#.... ....# ..... ..... ..... ..... ..... ..... ..... .###. ..... ..... ..... ..... ..... .....",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::{Picture, Size};

    /// What `text` looks like, `#` where it is drawn.
    fn drawn(size: (usize, usize), at: (usize, usize), scale: usize, text: &str) -> Vec<String> {
        let mut picture = Picture::black(Size { width: size.0, height: size.1 });
        draw(&mut picture.view_mut(), at, scale, text, 235);
        let view = picture.view();
        let luma = view.planes()[0];
        let dots = |y| luma.row(y).iter().map(|&level| if level == 235 { '#' } else { '.' }).collect();
        (0..size.1).map(dots).collect()
    }

    #[test]
    fn a_digit_is_drawn_dot_for_dot() {
        let seven = ["#####", "....#", "...#.", "..#..", ".#...", ".#...", ".#..."];
        assert_eq!(drawn((5, 7), (0, 0), 1, "7"), seven);
    }

    #[test]
    fn diagonals_are_straight_when_enlarged() {
        const SCALE: usize = 4;
        let stroke = drawn((5 * SCALE, 7 * SCALE), (0, 0), SCALE, "/");
        for (row, line) in stroke.iter().enumerate().take(5 * SCALE).skip(2 * SCALE) {
            let run = line.trim_matches('.');
            assert_eq!(run, "#".repeat(2 * SCALE - 1), "row {row}");
            assert_eq!(line.find(run), Some(5 * SCALE - row), "row {row}");
        }
    }

    #[test]
    fn corners_that_touch_stay_square() {
        const SCALE: usize = 4;
        let corner = drawn((5 * SCALE, 7 * SCALE), (0, 0), SCALE, "L");
        assert!(corner[..6 * SCALE].iter().all(|line| line.trim_end_matches('.') == "####"));
        assert!(corner[6 * SCALE..].iter().all(|line| !line.contains('.')));
    }

    #[test]
    fn characters_are_all_different_and_strange_ones_a_box() {
        let looks: Vec<_> = (' '..='~').map(|c| drawn((5, 9), (0, 0), 1, &c.to_string())).collect();
        for (index, look) in looks.iter().enumerate() {
            assert!(!looks[..index].contains(look), "{:?}", char::from(index as u8 + b' '));
        }
        let missing = drawn((5, 9), (0, 0), 1, "\u{e4}");
        assert!(!looks.contains(&missing));
        for strange in ["\u{1f3a5}", "\t", "\u{7f}"] {
            assert_eq!(drawn((5, 9), (0, 0), 1, strange), missing);
        }
    }

    #[test]
    fn text_outside_the_picture_is_left_out() {
        let part = drawn((8, 4), (5, 2), 1, "HH");
        assert_eq!(part, ["........", "........", ".....#..", ".....#.."]);
        assert!(drawn((8, 4), (8, 0), 3, "H").concat().chars().all(|dot| dot == '.'));
        assert!(drawn((8, 4), (0, 0), 0, "H").concat().chars().all(|dot| dot == '.'));
    }

    #[test]
    fn measures_agree_with_each_other() {
        for count in 1..9 {
            for scale in 1..5 {
                let wide = width(&"W".repeat(count), scale);
                assert_eq!((columns(wide, scale), columns(wide - 1, scale)), (count, count - 1));
            }
        }
        assert_eq!((width("", 3), columns(0, 3)), (0, 0));
    }

    #[test]
    fn clipped_text_ends_in_an_ellipsis() {
        let clipped = [0, 2, 4, 5, 6].map(|columns| clip("camera", columns));
        assert_eq!(clipped, ["", "..", "c...", "ca...", "camera"]);
    }
}
