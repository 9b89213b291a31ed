//! The slate: what viewers see while there is nothing to show.

use super::{Colour, Rect, ViewMut, font};

const GROUND: Colour = Colour { y: 30, u: 134, v: 125 };
const RULE: Colour = Colour { y: 120, u: 150, v: 104 };
const TITLE: u8 = 215;
const TEXT: u8 = 140;

/// Rows of a title at most.
const TITLE_ROWS: usize = 2;

/// Draws `title` in large and `lines` in smaller letters in the middle of `out`, on a calm dark ground.
///
/// What is too wide is broken between words; letters shrink where the text would not fit. What still does
/// not fit ends in an ellipsis or is left out from the end.
pub fn draw(title: &str, lines: &[&str], out: &mut ViewMut<'_>) {
    let size = out.size();
    out.fill(out.bounds(), GROUND);
    let room = size.width - size.width / 10;
    let height = size.height - size.height / 10;
    let side = size.height.min(size.width * 9 / 16);
    let title_scale = ((side + 27) / 54).max(1);
    let body_scale = ((side + 54) / 135).max(1);
    let title = Block::fitting(&[title], title_scale, room, height, TITLE_ROWS);
    let rest = height.saturating_sub(title.height() + font::HEIGHT * body_scale);
    let body = Block::fitting(lines, body_scale, room, rest, usize::MAX);

    let gap = font::HEIGHT * body_scale;
    let text = title.height() + if body.rows.is_empty() { 0 } else { gap + body.height() };
    let top = size.height.saturating_sub(text) / 2;
    title.draw(top, TITLE, out);
    if !body.rows.is_empty() {
        let thickness = (side / 180).max(1);
        let y = top + title.height() + (gap.saturating_sub(thickness)) / 2;
        let width = size.width / 6;
        out.fill(Rect { x: (size.width - width) / 2, y, width, height: thickness }, RULE);
        body.draw(top + title.height() + gap, TEXT, out);
    }
}

/// Rows of centred text in one size.
struct Block {
    rows: Vec<String>,
    scale: usize,
}

impl Block {
    /// The text in the greatest scale up to `scale` in which it fits; at scale 1 it is cut to fit.
    fn fitting(lines: &[&str], scale: usize, width: usize, height: usize, max_rows: usize) -> Self {
        for scale in (1..=scale).rev() {
            let columns = font::columns(width, scale);
            let rows: Vec<_> = lines.iter().flat_map(|line| wrap(line, columns)).collect();
            let block = Self { rows, scale };
            let whole = lines.iter().flat_map(|line| line.split_whitespace());
            let unbroken = whole.map(|word| word.chars().count()).all(|length| length <= columns);
            if unbroken && block.rows.len() <= max_rows && block.height() <= height {
                return block;
            }
        }
        let columns = font::columns(width, 1);
        let fitting = (height / line_height(1)).min(max_rows);
        let mut rows: Vec<_> = lines.iter().flat_map(|line| wrap(line, columns)).collect();
        if rows.len() > fitting {
            rows.truncate(fitting);
            if let Some(last) = rows.last_mut() {
                *last = font::clip(&format!("{last}..."), columns);
            }
        }
        Self { rows, scale: 1 }
    }

    fn height(&self) -> usize {
        self.rows.len() * line_height(self.scale)
    }

    fn draw(&self, top: usize, level: u8, out: &mut ViewMut<'_>) {
        for (row, text) in self.rows.iter().enumerate() {
            let x = out.size().width.saturating_sub(font::width(text, self.scale)) / 2;
            font::draw(out, (x, top + row * line_height(self.scale)), self.scale, text, level);
        }
    }
}

fn line_height(scale: usize) -> usize {
    (font::HEIGHT + 2) * scale
}

/// Breaks a line between words into rows of up to `columns` characters; a longer word is clipped.
fn wrap(line: &str, columns: usize) -> Vec<String> {
    let mut rows: Vec<String> = Vec::new();
    for word in line.split_whitespace() {
        let word = font::clip(word, columns);
        match rows.last_mut() {
            Some(row) if row.chars().count() + 1 + word.chars().count() <= columns => {
                row.push(' ');
                row.push_str(&word);
            }
            _ => rows.push(word),
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::picture::{Picture, Size};

    fn slate(width: usize, height: usize, title: &str, lines: &[&str]) -> Picture {
        let mut picture = Picture::black(Size { width, height });
        draw(title, lines, &mut picture.view_mut());
        picture
    }

    /// Rows, and columns, from the first to the last sample of this luma level.
    fn extent(picture: &Picture, level: u8) -> Option<[usize; 4]> {
        let view = picture.view();
        let luma = view.planes()[0];
        let rows: Vec<_> = (0..luma.size().height).filter(|&y| luma.row(y).contains(&level)).collect();
        let columns: Vec<_> =
            (0..luma.size().width).filter(|&x| rows.iter().any(|&y| luma.row(y)[x] == level)).collect();
        Some([*rows.first()?, *rows.last()?, *columns.first()?, *columns.last()?])
    }

    #[test]
    fn the_title_alone_is_in_the_middle() {
        let [top, bottom, left, right] = extent(&slate(640, 360, "HHHH", &[]), TITLE).unwrap();
        assert!((left + right).abs_diff(639) <= 1, "{left} to {right}");
        assert!((top + bottom).abs_diff(359) <= 40, "{top} to {bottom}");
        assert!(bottom - top >= 360 / 12, "it is large");
    }

    #[test]
    fn lines_follow_the_title_in_smaller_letters() {
        let picture = slate(640, 360, "No signal", &["Camera 1", "HDMI"]);
        let ([_, title, ..], [lines, ..]) =
            (extent(&picture, TITLE).unwrap(), extent(&picture, TEXT).unwrap());
        assert!(title < lines);
        assert!(extent(&picture, RULE.y).unwrap()[0] > title);
    }

    #[test]
    fn long_text_stays_within_the_margins() {
        let words = "a picture was last seen on this connector some time before the box was moved ".repeat(9);
        let word = "x".repeat(500);
        for lines in [[words.as_str(), "end"], [word.as_str(), "end"]] {
            let picture = slate(320, 180, &words, &lines);
            for level in [TITLE, TEXT] {
                let [top, bottom, left, right] = extent(&picture, level).unwrap();
                assert!(
                    top >= 8 && bottom < 172 && left >= 15 && right < 305,
                    "{top} {bottom} {left} {right}"
                );
            }
        }
    }

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrap("no picture  since noon", 10), ["no picture", "since noon"]);
        assert_eq!(wrap("unbreakable it is", 6), ["unb...", "it is"]);
        assert!(wrap(" ", 5).is_empty());
    }

    proptest! {
        #[test]
        fn any_size_and_text_gives_a_slate(
            width in 1usize..300, height in 1usize..300, title in ".{0,60}", line in ".{0,200}",
        ) {
            let picture = slate(width, height, &title, &[&line, "", &title]);
            prop_assert_eq!(picture.view().planes()[0].row(height - 1)[0], GROUND.y);
        }
    }
}
