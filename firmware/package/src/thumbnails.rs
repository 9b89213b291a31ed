//! The index of a presentation's thumbnails: WebVTT whose cues name tiles of sprite sheets.
//!
//! ```text
//! 00:00:10.000 --> 00:00:20.000
//! thumbnails-0.jpg#xywh=160,0,160,90
//! ```
//! Sheets are numbered from 0 and filled row by row; the addresses are relative to the index, and `xywh` is a Media Fragment in
//! pixels (W3C Media Fragments URI, 4.2.2), which players take for thumbnails on their seek bar.

use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};

/// All thumbnails of an asset: tiles that follow one another at even distances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Album {
    /// The sheets that they lie on.
    pub sheets: Sheets,
    /// Where the first tile begins, in nanoseconds since the epoch.
    pub from: u64,
    /// Nanoseconds that each tile is shown.
    pub interval: u64,
    /// Bytes of the largest sheet.
    pub largest: u64,
}

impl Album {
    /// The set of a Period that begins at `start`, nanoseconds since the epoch (DASH-IF IOP 4.3, 6.2.6).
    pub(crate) fn write_set(&self, out: &mut String, id: usize, start: u64) -> fmt::Result {
        let Sheets { tile_width, tile_height, columns, rows } = self.sheets;
        let lasts = (self.interval * u64::from(columns) * u64::from(rows) / 1000).max(1);
        writeln!(out, "    <AdaptationSet id=\"{id}\" contentType=\"image\" mimeType=\"image/jpeg\">")?;
        write!(out, "      <SegmentTemplate media=\"thumbnails-$Number$.jpg\" startNumber=\"0\"")?;
        write!(out, " timescale=\"1000000\" duration=\"{lasts}\"")?;
        if let Some(offset) = start.checked_sub(self.from).filter(|offset| *offset >= 1000) {
            write!(out, " presentationTimeOffset=\"{}\"", offset / 1000)?;
        }
        let bandwidth = self.largest.saturating_mul(8_000_000) / lasts;
        write!(out, "/>\n      <Representation id=\"thumbnails\" bandwidth=\"{bandwidth}\"")?;
        writeln!(out, " width=\"{}\" height=\"{}\">", tile_width * columns, tile_height * rows)?;
        write!(
            out,
            "        <EssentialProperty schemeIdUri=\"http://dashif.org/guidelines/thumbnail_tile\""
        )?;
        writeln!(out, " value=\"{columns}x{rows}\"/>")?;
        out.write_str("      </Representation>\n    </AdaptationSet>\n")
    }
}

/// The shape of every sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sheets {
    /// Width of one tile in pixels.
    pub tile_width: u32,
    /// Height of one tile in pixels.
    pub tile_height: u32,
    /// Tiles beside each other.
    pub columns: u32,
    /// Tiles one below the other in a full sheet.
    pub rows: u32,
}

/// Renders the index. Tile `n` is shown from `starts[n]` to the next start, the last one to `end`.
///
/// Times are milliseconds from the presentation's beginning. A tile whose time would be empty has no cue.
#[must_use]
pub fn vtt(sheets: &Sheets, starts: &[u64], end: u64) -> String {
    let mut out = String::with_capacity(16 + 72 * starts.len());
    out.push_str("WEBVTT\n");
    let ends = starts.iter().skip(1).copied().chain(std::iter::once(end));
    for ((tile, start), end) in (0_u64..).zip(starts).zip(ends).filter(|((_, start), end)| end > start) {
        let (sheet, x, y) = sheets.place(tile);
        let Sheets { tile_width, tile_height, .. } = sheets;
        let (from, to) = (Timestamp(*start), Timestamp(end));
        write!(out, "\n{from} --> {to}\nthumbnails-{sheet}.jpg#xywh={x},{y},{tile_width},{tile_height}\n")
            .expect("a String takes any text");
    }
    out
}

impl Sheets {
    /// The sheet that holds a tile, and where in it.
    fn place(&self, tile: u64) -> (u64, u64, u64) {
        let (columns, rows) = (u64::from(self.columns.max(1)), u64::from(self.rows.max(1)));
        let (sheet, within) = (tile / (columns * rows), tile % (columns * rows));
        let (column, row) = (within % columns, within / columns);
        (sheet, column * u64::from(self.tile_width), row * u64::from(self.tile_height))
    }
}

/// Milliseconds as a WebVTT timestamp (WebVTT, 4.1): `01:02:03.004`.
struct Timestamp(u64);

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, millis) = (self.0 / 1000, self.0 % 1000);
        let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(f, "{hours:02}:{minutes:02}:{seconds:02}.{millis:03}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHEETS: Sheets = Sheets { tile_width: 160, tile_height: 90, columns: 2, rows: 2 };

    #[test]
    fn tiles_are_counted_row_by_row_and_sheet_by_sheet() {
        let text = vtt(&SHEETS, &[0, 1600, 3200, 4800, 360_000_000], 360_001_040);
        let want = "WEBVTT

00:00:00.000 --> 00:00:01.600
thumbnails-0.jpg#xywh=0,0,160,90

00:00:01.600 --> 00:00:03.200
thumbnails-0.jpg#xywh=160,0,160,90

00:00:03.200 --> 00:00:04.800
thumbnails-0.jpg#xywh=0,90,160,90

00:00:04.800 --> 100:00:00.000
thumbnails-0.jpg#xywh=160,90,160,90

100:00:00.000 --> 100:00:01.040
thumbnails-1.jpg#xywh=0,0,160,90
";
        assert_eq!(text, want);
    }

    #[test]
    fn a_tile_without_time_has_no_cue_and_keeps_its_place() {
        let text = vtt(&SHEETS, &[5, 5, 9], 9);
        assert_eq!(text, "WEBVTT\n\n00:00:00.005 --> 00:00:00.009\nthumbnails-0.jpg#xywh=160,0,160,90\n");
        assert_eq!(vtt(&SHEETS, &[], 9), "WEBVTT\n");
        let odd = Sheets { columns: 0, rows: 0, ..SHEETS };
        assert!(vtt(&odd, &[0, 1], 2).ends_with("thumbnails-1.jpg#xywh=0,0,160,90\n"));
    }
}
