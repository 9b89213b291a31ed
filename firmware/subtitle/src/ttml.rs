//! Timed text for Smooth Streaming: documents of the W3C's TTML 1 (DFXP), a fragment each.

use std::fmt::Write as _;

use crate::{
    Cue, Row,
    cue::{clock_time, corner, millis, percent},
};

/// How far the safe area reaches, in hundredths of a percent.
const SAFE_END: u32 = 9000;

/// A document of these cues in UTF-8. Its times count from `zero`, in nanoseconds since the epoch. `language` is a tag of RFC
/// 5646; what is none is left out.
///
/// A paragraph stands in a region whose upper left corner is that of its text.
#[must_use]
pub fn document(cues: &[Cue], language: Option<&str>, zero: u64) -> String {
    let is_tag = |tag: &&str| tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let mut corners: Vec<_> = cues.iter().flat_map(Cue::blocks).map(corner).collect();
    corners.sort_unstable();
    corners.dedup();
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <tt xmlns=\"http://www.w3.org/ns/ttml\" xmlns:tts=\"http://www.w3.org/ns/ttml#styling\" xml:lang=\"{}\">\n\
         <head><layout>\n{}</layout></head>\n\
         <body><div>\n{}</div></body>\n\
         </tt>\n",
        language.filter(is_tag).unwrap_or_default(),
        corners.into_iter().fold(String::new(), |out, corner| out + &region(corner)),
        cues.iter().fold(String::new(), |out, cue| out + &paragraphs(cue, zero)),
    )
}

fn name((left, top): (u32, u32)) -> String {
    format!("r{left}-{top}")
}

/// From its corner to the end of the safe area.
fn region(corner @ (left, top): (u32, u32)) -> String {
    let (width, height) = (SAFE_END.saturating_sub(left), SAFE_END.saturating_sub(top));
    format!(
        "<region xml:id=\"{}\" tts:origin=\"{} {}\" tts:extent=\"{} {}\" tts:displayAlign=\"before\" \
         tts:textAlign=\"left\"/>\n",
        name(corner),
        percent(left),
        percent(top),
        percent(width),
        percent(height)
    )
}

fn paragraphs(cue: &Cue, zero: u64) -> String {
    let (begin, end) = (millis(cue.begin, zero), millis(cue.end, zero));
    if begin >= end {
        return String::new();
    }
    let (begin, end) = (clock_time(begin), clock_time(end));
    cue.blocks().fold(String::new(), |mut out, block| {
        let region = name(corner(block));
        let rows = block.iter().map(row).collect::<Vec<_>>().join("<br/>");
        // Writing to text does not fail.
        let _ = writeln!(out, "<p begin=\"{begin}\" end=\"{end}\" region=\"{region}\">{rows}</p>");
        out
    })
}

fn row(row: &Row) -> String {
    row.spans.iter().fold(String::new(), |line, span| {
        let text = escaped(&span.text);
        line + &if span.italic { format!("<span tts:fontStyle=\"italic\">{text}</span>") } else { text }
    })
}

/// Without the characters that XML does not have (W3C XML 1.0, 2.2) and other controls.
fn escaped(text: &str) -> String {
    let is_kept = |character: &char| !character.is_control() && !matches!(character, '\u{fffe}' | '\u{ffff}');
    text.chars().filter(is_kept).fold(String::new(), |mut out, character| {
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
    use roxmltree::{Document, Node};

    use super::*;
    use crate::{Span, cue::plain};

    const TTML: &str = "http://www.w3.org/ns/ttml";
    const STYLING: &str = "http://www.w3.org/ns/ttml#styling";

    fn all<'a>(document: &'a Document, name: &'static str) -> Vec<Node<'a, 'a>> {
        document.descendants().filter(|node| node.has_tag_name((TTML, name))).collect()
    }

    #[test]
    fn a_document_is_read_back() {
        let second = media::NANOS;
        let mut low = plain(15, 4, "a < b & ");
        low.spans.push(Span { text: "so".into(), italic: true });
        let cues = [
            Cue { begin: 9 * second, end: 10 * second, rows: vec![plain(14, 4, "Hey"), low] },
            Cue { begin: 11 * second, end: 12 * second, rows: vec![plain(1, 0, "up"), plain(14, 4, "low")] },
        ];
        let text = document(&cues, Some("en-GB"), 8 * second);
        let read = Document::parse(&text).unwrap();
        let tt = read.root_element();
        assert_eq!(tt.attribute(("http://www.w3.org/XML/1998/namespace", "lang")), Some("en-GB"));
        let regions = all(&read, "region");
        assert_eq!(regions.len(), 2);
        assert_eq!(regions[1].attribute((STYLING, "origin")), Some("20.00% 79.33%"));
        assert_eq!(regions[1].attribute((STYLING, "extent")), Some("70.00% 10.67%"));
        let ids: Vec<_> = regions
            .iter()
            .map(|node| node.attribute(("http://www.w3.org/XML/1998/namespace", "id")))
            .collect();
        let paragraphs = all(&read, "p");
        assert!(paragraphs.iter().all(|node| ids.contains(&node.attribute("region"))), "{text}");
        let times: Vec<_> = paragraphs.iter().map(|node| node.attribute("begin").unwrap()).collect();
        assert_eq!(times, ["00:00:01.000", "00:00:03.000", "00:00:03.000"]);
        let words: String =
            paragraphs[0].descendants().filter_map(|node| node.text().filter(|_| node.is_text())).collect();
        assert_eq!((words.as_str(), all(&read, "br").len()), ("Heya < b & so", 1));
        assert_eq!(all(&read, "span")[0].attribute((STYLING, "fontStyle")), Some("italic"));
    }

    proptest! {
        #[test]
        fn any_text_and_language_make_a_document(text in any::<String>(), language in any::<String>()) {
            let cue = Cue { begin: 0, end: media::NANOS, rows: vec![plain(15, 0, &text)] };
            let text = document(&[cue], Some(&language), 0);
            let read = Document::parse(&text);
            prop_assert_eq!(read.map(|read| all(&read, "p").len()), Ok(1));
        }
    }
}
