//! Ad breaks in Media Playlists: as date ranges (RFC 8216bis, 4.4.5.1) and as the tags of before there were any, which ad systems
//! still read: `EXT-X-CUE-OUT`, `-CONT`, `EXT-X-CUE-IN` and `EXT-OATCLS-SCTE35`, and the classic cloud live service's `EXT-X-CUE`.

use std::fmt::{self, Write as _};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use media::Break;

use crate::text::{Exact, Hex, Seconds};

/// The date ranges of all breaks. They stand before the segments, so that delta updates have them, too. The end of a break is told
/// once the playlist reaches it, `end` in microseconds since the epoch.
pub(super) fn ranges(out: &mut String, breaks: &[Break], end: u64) -> fmt::Result {
    for shown in breaks {
        let head = format!(
            "#EXT-X-DATERANGE:ID=\"{}-{}\",START-DATE=\"{}\"",
            shown.id,
            shown.number,
            Exact(shown.from)
        );
        out.push_str(&head);
        if let Some(duration) = shown.duration {
            write!(out, ",PLANNED-DURATION={}", Seconds(duration / 1000))?;
        }
        writeln!(out, ",SCTE35-OUT=0x{}", Hex(&shown.out))?;
        if let (Some(to), Some(back)) = (shown.to.filter(|to| to / 1000 <= end), &shown.back) {
            writeln!(out, "{head},DURATION={},SCTE35-IN=0x{}", Seconds((to - shown.from) / 1000), Hex(back))?;
        }
    }
    Ok(())
}

/// The tags before a segment that lasts from one instant to another, in microseconds since the epoch; it is the `first` of its
/// playlist. What begins or ends nearest to its own beginning does so with it: MPEG-TS has longer segments than breaks go by.
pub(super) fn tags(out: &mut String, breaks: &[Break], (from, to): (u64, u64), first: bool) -> fmt::Result {
    let half = to.saturating_sub(from) / 2;
    let here = |instant: u64| from <= instant + half && instant < from + half.max(1);
    let before = |instant: u64| instant + half < from;
    for shown in breaks {
        let (begins, ends) = (shown.from / 1000, shown.to.map(|to| to / 1000));
        if ends.is_some_and(here) {
            // One that is over before the next segment of these is not worth a cut.
            out.push_str(if here(begins) { "" } else { "#EXT-X-CUE-IN\n" });
        } else if here(begins) {
            write_cue(out, shown, None)?;
            writeln!(out, "#EXT-OATCLS-SCTE35:{}", BASE64_STANDARD.encode(&shown.out))?;
            out.push_str("#EXT-X-CUE-OUT");
            if let Some(duration) = shown.duration {
                write!(out, ":{}", Seconds(duration / 1000))?;
            }
            out.push('\n');
        } else if before(begins) && ends.is_none_or(|end| !before(end)) {
            let elapsed = from - begins;
            if first {
                write_cue(out, shown, Some(elapsed))?;
            }
            write!(out, "#EXT-X-CUE-OUT-CONT:ElapsedTime={}", Seconds(elapsed))?;
            if let Some(duration) = shown.duration {
                write!(out, ",Duration={}", Seconds(duration / 1000))?;
            }
            out.push('\n');
        }
    }
    Ok(())
}

/// The classic service's tag. `elapsed` microseconds of the break have gone by where its beginning is not listed any more.
fn write_cue(out: &mut String, shown: &Break, elapsed: Option<u64>) -> fmt::Result {
    write!(out, "#EXT-X-CUE:ID=\"{}\",TYPE=\"scte35\"", shown.id)?;
    write!(out, ",DURATION={}", Seconds(shown.duration.unwrap_or(0) / 1000))?;
    write!(out, ",TIME={}", Seconds(shown.from / 1000))?;
    if let Some(elapsed) = elapsed {
        write!(out, ",ELAPSED={}", Seconds(elapsed))?;
    }
    writeln!(out, ",CUE=\"{}\"", BASE64_STANDARD.encode(&shown.out))
}
