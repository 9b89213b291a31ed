//! WebVTT (W3C): segments for HLS, and what a `wvtt` sample holds of a cue.

use crate::{
    Cue, Row,
    cue::{clock_time, corner, millis, percent},
};

/// Ticks per second of MPEG-2 systems, and the bits of their times.
const CLOCK: u32 = 90_000;
const TIME_BITS: u32 = 33;

/// A segment for HLS (draft-pantos-hls-rfc8216bis, 3.1.4). Its local time zero is `begin`, the segment's own begin in
/// nanoseconds since the epoch, mapped to the same time of the other tracks: 90 kHz since the epoch, without what is beyond
/// 33 bits.
#[must_use]
pub fn segment(cues: &[Cue], begin: u64) -> String {
    let time = media::ticks(begin, CLOCK) % (1 << TIME_BITS);
    let mut out = format!("WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:{time},LOCAL:00:00:00.000\n");
    for cue in cues {
        let (from, to) = (millis(cue.begin, begin), millis(cue.end, begin));
        // A cue must end later than it begins.
        if from >= to {
            continue;
        }
        for (settings, text) in payloads(cue) {
            out += &format!("\n{} --> {} {settings}\n{text}\n", clock_time(from), clock_time(to));
        }
    }
    out
}

/// Settings and text of a cue, once for each block of rows that stand directly below each other: a WebVTT cue has one place.
/// They go into `sttg` and `payl` of ISO/IEC 14496-30.
#[must_use]
pub fn payloads(cue: &Cue) -> Vec<(String, String)> {
    cue.blocks().map(|block| (settings(block), text(block))).collect()
}

/// Where a block stands: the edges of its box.
fn settings(block: &[Row]) -> String {
    let (left, top) = corner(block);
    format!("line:{} position:{} align:start", percent(top), percent(left))
}

fn text(block: &[Row]) -> String {
    let row = |row: &Row| {
        row.spans.iter().fold(String::new(), |line, span| {
            let text = escaped(&span.text);
            line + &if span.italic { format!("<i>{text}</i>") } else { text }
        })
    };
    block.iter().map(row).collect::<Vec<_>>().join("\n")
}

/// Without what ends a cue, begins a tag or hides: line ends and other controls, and the three signs of markup.
fn escaped(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).fold(String::new(), |mut out, character| {
        match character {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            _ => out.push(character),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Span, cue::plain};

    #[test]
    fn a_segment_is_written() {
        let second = media::NANOS;
        let begin = 1_790_000_000 * second;
        let slanted = Span { text: "so".into(), italic: true };
        let mut low = plain(15, 6, "you & I <");
        low.spans.push(slanted);
        let cues = [
            Cue { begin: begin + second / 2, end: begin + 2 * second, rows: vec![plain(14, 4, "Hey"), low] },
            Cue {
                begin: begin + 2 * second,
                end: begin + 2 * second + 1000,
                rows: vec![plain(1, 0, "brief")],
            },
            Cue {
                begin: begin + 2 * second,
                end: begin + 3 * second,
                rows: vec![plain(1, 0, "a-->b"), plain(15, 0, "below")],
            },
        ];
        assert_eq!(
            segment(&cues, begin),
            "WEBVTT\n\
             X-TIMESTAMP-MAP=MPEGTS:4366661632,LOCAL:00:00:00.000\n\
             \n\
             00:00:00.500 --> 00:00:02.000 line:79.33% position:20.00% align:start\n\
             Hey\n\
             you &amp; I &lt;<i>so</i>\n\
             \n\
             00:00:02.000 --> 00:00:03.000 line:10.00% position:10.00% align:start\n\
             a--&gt;b\n\
             \n\
             00:00:02.000 --> 00:00:03.000 line:84.66% position:10.00% align:start\n\
             below\n"
        );
        assert_eq!(segment(&[], begin).lines().count(), 2);
    }

    proptest! {
        #[test]
        fn no_text_ends_its_cue(text in any::<String>()) {
            let cue = Cue { begin: 0, end: media::NANOS, rows: vec![plain(15, 0, &text)] };
            let [(_, payload)] = &payloads(&cue)[..] else { panic!("a block") };
            prop_assert!(!payload.contains(['\n', '\r', '<', '>', '\0']));
        }
    }
}
