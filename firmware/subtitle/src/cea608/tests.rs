//! What the codes do to the screen.

use proptest::prelude::*;

use super::*;
use crate::{Row, Span, cue::plain};

const FRAME: u64 = 33_366_667;

const RCL: [u8; 2] = [0x14, 0x20];
const BS: [u8; 2] = [0x14, 0x21];
const DER: [u8; 2] = [0x14, 0x24];
const RU2: [u8; 2] = [0x14, 0x25];
const RU3: [u8; 2] = [0x14, 0x26];
const RDC: [u8; 2] = [0x14, 0x29];
const TR: [u8; 2] = [0x14, 0x2a];
const EDM: [u8; 2] = [0x14, 0x2c];
const CR: [u8; 2] = [0x14, 0x2d];
const ENM: [u8; 2] = [0x14, 0x2e];
const EOC: [u8; 2] = [0x14, 0x2f];
/// Rows 15, 14 and 1, without indent.
const ROW_15: [u8; 2] = [0x14, 0x70];
const ROW_14: [u8; 2] = [0x14, 0x50];
const ROW_1: [u8; 2] = [0x11, 0x50];
/// Row 15 from column 28 on.
const INDENT_28: [u8; 2] = [0x14, 0x7e];
const TAB_2: [u8; 2] = [0x17, 0x22];
const ITALICS: [u8; 2] = [0x11, 0x2e];
const WHITE: [u8; 2] = [0x11, 0x20];

/// The decoder behind these pairs, a frame apart, each code said twice.
fn decoder(pairs: &[[u8; 2]]) -> Decoder {
    let mut decoder = Decoder::new(Channel::Cc1);
    let doubled = pairs.iter().flat_map(|pair| {
        let times = if (0x10..0x20).contains(&pair[0]) { 2 } else { 1 };
        std::iter::repeat_n(*pair, times)
    });
    for (nth, pair) in (0..).zip(doubled) {
        decoder.take(nth * FRAME, pair);
    }
    decoder
}

fn screen(pairs: &[[u8; 2]]) -> Vec<Row> {
    decoder(pairs).displayed().text(media::NANOS)
}

#[test]
fn pop_on_captions_are_seen_when_they_are_whole() {
    let loading = [RCL, ENM, ROW_14, *b"He", *b"y\0", ROW_15, TAB_2, *b"yo", *b"u!"];
    assert_eq!(screen(&loading), []);
    let loaded = [&loading[..], &[EOC]].concat();
    let seen = [plain(14, 0, "Hey"), plain(15, 2, "you!")];
    assert_eq!(screen(&loaded), seen);
    // The next is loaded behind it, swapped in and back.
    let next = [&loaded[..], &[RCL, ENM, ROW_1, *b"Ne", *b"xt"]].concat();
    assert_eq!(screen(&next), seen);
    assert_eq!(screen(&[&next[..], &[EOC]].concat()), [plain(1, 0, "Next")]);
    assert_eq!(screen(&[&next[..], &[EOC, ROW_1, *b"?!", EOC]].concat())[0], plain(1, 0, "?!"));
    assert_eq!(screen(&[&loaded[..], &[EDM]].concat()), []);
}

#[test]
fn roll_up_captions_roll() {
    let rows = [RU2, CR, ROW_15, *b"on", *b"e\0", RU2, CR, ROW_15, *b"tw", *b"o\0"];
    assert_eq!(screen(&rows), [plain(14, 0, "one"), plain(15, 0, "two")]);
    let third = [&rows[..], &[CR, *b"3\0"]].concat();
    assert_eq!(screen(&third), [plain(14, 0, "two"), plain(15, 0, "3")]);
    // With more rows there is room for what comes, with fewer what is above goes.
    let more = [&rows[..], &[RU3, CR, *b"3\0"]].concat();
    assert_eq!(screen(&more), [plain(13, 0, "one"), plain(14, 0, "two"), plain(15, 0, "3")]);
    assert_eq!(screen(&[&more[..], &[RU2]].concat()), [plain(14, 0, "two"), plain(15, 0, "3")]);
    // The base row takes the others along, and stays low enough for them.
    assert_eq!(screen(&[&third[..], &[ROW_1]].concat()), [plain(1, 0, "two"), plain(2, 0, "3")]);
}

#[test]
fn modes_wipe_what_they_must() {
    let pop_on = [RCL, ROW_15, *b"ab", EOC];
    assert_eq!(screen(&[&pop_on[..], &[RU2]].concat()), []);
    assert_eq!(screen(&[&pop_on[..], &[RDC, ROW_15, *b"c\0"]].concat()), [plain(15, 0, "cb")]);
    let roll_up = [RU2, ROW_15, *b"ab"];
    assert_eq!(screen(&[&roll_up[..], &[RCL, ROW_15, *b"c\0"]].concat()), [plain(15, 0, "ab")]);
}

#[test]
fn a_carriage_return_is_of_a_roll_up_caption() {
    assert_eq!(
        screen(&[ROW_14, *b"??", CR, ROW_15, *b"on", CR, *b"to"]),
        [plain(14, 0, "on"), plain(15, 0, "to")]
    );
    assert_eq!(screen(&[RDC, ROW_14, *b"on", CR, *b"ly"]), [plain(14, 0, "only")]);
}

#[test]
fn what_is_written_can_be_mended() {
    assert_eq!(screen(&[RDC, ROW_15, *b"ab", *b"cd", BS, BS, *b"e\0"]), [plain(15, 0, "abe")]);
    assert_eq!(screen(&[RDC, ROW_15, *b"ab", *b"cd", ROW_15, TAB_2, DER]), [plain(15, 0, "ab")]);
    assert_eq!(screen(&[RDC, ROW_15, BS, *b"ab"]), [plain(15, 0, "ab")]);
    // Behind the last column the character there is replaced.
    let full = [RDC, INDENT_28, *b"ab", *b"cd", *b"ef"];
    assert_eq!(screen(&full), [plain(15, 28, "abcf")]);
    assert_eq!(screen(&[&full[..], &[BS, *b"g\0"]].concat()), [plain(15, 28, "abcg")]);
}

#[test]
fn special_and_extended_characters_are_read() {
    // ♪ of two bytes; é within the basic ones; É and ß in place of what stands for them.
    let pairs = [RDC, ROW_15, [0x11, 0x37], [0x5c, b'E'], [0x12, 0x21], *b"s\0", [0x13, 0x34]];
    assert_eq!(screen(&pairs), [plain(15, 0, "♪éÉß")]);
    // A transparent space.
    assert_eq!(screen(&[RDC, ROW_15, *b"ab", [0x11, 0x39], *b"c\0"]), [plain(15, 0, "ab c")]);
}

#[test]
fn style_takes_a_column() {
    let span = |text: &str, italic| Span { text: text.into(), italic };
    let spans = screen(&[RDC, ROW_15, *b"a\0", ITALICS, *b"bc", WHITE, *b"d\0"]).remove(0).spans;
    assert_eq!(spans, [span("a ", false), span("bc", true), span(" d", false)]);
    let slanted = screen(&[RDC, [0x14, 0x6e], *b"ab"]).remove(0);
    assert_eq!((slanted.column, slanted.spans), (0, vec![span("ab", true)]));
}

#[test]
fn text_mode_is_no_caption() {
    let pairs = [RU2, CR, ROW_15, *b"on", TR, *b"no", CR, ROW_1, BS, *b"no", RU2, CR, *b"to"];
    assert_eq!(screen(&pairs), [plain(14, 0, "on"), plain(15, 0, "to")]);
}

#[test]
fn age_counts_from_the_code_that_begins_a_caption() {
    let mut decoder = decoder(&[RCL, ENM, ROW_15, *b"ab", EOC]);
    // The second RCL came with the second pair.
    assert_eq!(decoder.displayed().next_end(media::NANOS), Some(FRAME + MEMORY));
    for (pair, at) in [(RDC, 20), (ROW_15, 21), (*b"cd", 22)] {
        decoder.take(at * media::NANOS, pair);
    }
    assert_eq!(decoder.displayed().text(22 * media::NANOS), [plain(15, 0, "cd")]);
    assert_eq!(decoder.displayed().next_end(22 * media::NANOS), Some(20 * media::NANOS + MEMORY));
}

proptest! {
    #[test]
    fn any_pairs_are_read(pairs in prop::collection::vec(any::<[u8; 2]>(), 0..400)) {
        let mut decoders = [Channel::Cc1, Channel::Cc2, Channel::Cc3, Channel::Cc4].map(Decoder::new);
        for (nth, pair) in pairs.into_iter().enumerate() {
            // Control codes often.
            let pair = if nth % 2 == 0 { [pair[0] & 0x1f | 0x10, pair[1]] } else { pair };
            for decoder in &mut decoders {
                decoder.take(u64::MAX - 400 + nth as u64, pair);
                let text = decoder.displayed().text(0);
                prop_assert!(text.len() <= ROWS);
                for row in text {
                    let length = row.spans.iter().map(|span| span.text.chars().count()).sum::<usize>();
                    prop_assert!((1..=15).contains(&row.row) && usize::from(row.column) + length <= COLUMNS);
                }
            }
        }
    }
}
