//! What stands on the screen for a while.

/// A stretch of time in which the screen does not change. A screen without text has no cue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cue {
    /// Where it begins, in nanoseconds since the epoch.
    pub begin: u64,
    /// Where it ends.
    pub end: u64,
    /// The rows with text, from above.
    pub rows: Vec<Row>,
}

/// A row of text on a screen of 15 rows and 32 columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// 1, the highest, to 15.
    pub row: u8,
    /// 0 to 31: where the first character stands.
    pub column: u8,
    /// The text, piece by piece; the first begins and the last ends with a character that is seen.
    pub spans: Vec<Span>,
}

/// Characters in one style.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The characters, as they stand: nothing is escaped.
    pub text: String,
    /// Whether they are slanted.
    pub italic: bool,
}

impl Cue {
    /// Rows that stand directly below each other, from above: what one box on the screen holds.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = &[Row]> {
        self.rows.chunk_by(|above, below| below.row == above.row.saturating_add(1))
    }
}

/// The upper left corner of a block in hundredths of a percent of the picture's width and height. The rows and columns fill the
/// safe area, the middle 80 % of both (47 CFR 15.119(d) and (n); W3C, "Conversion of CTA-608/708 Captions to WebVTT").
pub(crate) fn corner(block: &[Row]) -> (u32, u32) {
    let column = block.iter().map(|row| row.column).min().unwrap_or(0).min(31);
    let row = block.first().map_or(1, |row| row.row).clamp(1, 15);
    (1000 + u32::from(column) * 250, 1000 + u32::from(row - 1) * 8000 / 15)
}

/// Hundredths of a percent as text: `79.33%`.
pub(crate) fn percent(hundredths: u32) -> String {
    format!("{}.{:02}%", hundredths / 100, hundredths % 100)
}

/// Milliseconds from `zero` to `at`, to the nearest one.
pub(crate) fn millis(at: u64, zero: u64) -> u64 {
    const MILLI: u64 = media::NANOS / 1000;
    (at.saturating_sub(zero)).saturating_add(MILLI / 2) / MILLI
}

/// `01:02:03.004`.
pub(crate) fn clock_time(millis: u64) -> String {
    let (seconds, minutes) = (millis / 1000, millis / 60_000);
    format!("{:02}:{:02}:{:02}.{:03}", minutes / 60, minutes % 60, seconds % 60, millis % 1000)
}

/// A row of plain text, for tests.
#[cfg(test)]
pub(crate) fn plain(row: u8, column: u8, text: &str) -> Row {
    Row { row, column, spans: vec![Span { text: text.into(), italic: false }] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_next_to_each_other_are_a_block() {
        let rows = [1, 2, 4, 14, 15].map(|row| plain(row, row, "x"));
        let cue = Cue { begin: 0, end: 1, rows: rows.to_vec() };
        let blocks: Vec<Vec<u8>> =
            cue.blocks().map(|block| block.iter().map(|row| row.row).collect()).collect();
        assert_eq!(blocks, [vec![1, 2], vec![4], vec![14, 15]]);
    }

    #[test]
    fn the_screen_is_the_safe_area() {
        let at = |row, column| {
            let (left, top) = corner(&[plain(row, column, "x")]);
            (percent(left), percent(top))
        };
        assert_eq!(at(1, 0), ("10.00%".into(), "10.00%".into()));
        assert_eq!(at(15, 31), ("87.50%".into(), "84.66%".into()));
    }

    #[test]
    fn times_are_rounded_to_milliseconds() {
        assert_eq!(clock_time(millis(3_723_004_499_999 + 7, 7)), "01:02:03.004");
        assert_eq!(clock_time(millis(1_500_000, 1_000_000)), "00:00:00.001");
        assert_eq!(millis(5, 9), 0);
        assert_eq!(clock_time(millis(u64::MAX, 0)), "5124095:34:33.709");
    }
}
