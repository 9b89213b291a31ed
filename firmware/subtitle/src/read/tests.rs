//! Cues in time, and that segments agree.

use proptest::prelude::*;

use super::*;
use crate::cue::plain;

const SECOND: u64 = media::NANOS;
/// Where the streams begin: a full second of the epoch.
const BEGIN: u64 = 1_790_000_000 * SECOND;

/// The picture of a frame of NTSC.
fn frame(nth: u64) -> u64 {
    BEGIN + nth * 1001 * SECOND / 30_000
}

/// A stream of a pair with each picture; padding is left out.
fn pictures(pairs: &[[u8; 2]]) -> Vec<Picture> {
    let picture = |(nth, [first, second]): (u64, &[u8; 2])| Picture {
        at: frame(nth),
        units: vec![[0xfc, *first, *second]; usize::from((*first, *second) != (0, 0))],
    };
    (0..).zip(pairs).map(picture).collect()
}

fn twice(code: [u8; 2]) -> [[u8; 2]; 2] {
    [code, code]
}

fn read(pictures: &[Picture], from: u64, to: u64) -> Vec<Cue> {
    cues(Channel::Cc1, pictures.iter().cloned(), from, to)
}

fn text(text: &str) -> impl Iterator<Item = [u8; 2]> {
    text.as_bytes().chunks(2).map(|two| [two[0], two.get(1).copied().unwrap_or(0)])
}

#[test]
fn a_cue_lasts_from_swap_to_wipe() {
    let mut pairs = vec![[0, 0]; 10];
    pairs.extend([[0x14, 0x20], [0x14, 0x70], *b"ab", [0x14, 0x2f]]);
    pairs.resize(100, [0, 0]);
    pairs.push([0x14, 0x2c]);
    let pictures = pictures(&pairs);
    let cue = Cue { begin: frame(13), end: frame(100), rows: vec![plain(15, 0, "ab")] };
    assert_eq!(read(&pictures, BEGIN, BEGIN + 9 * SECOND), std::slice::from_ref(&cue));
    // Cut, and gone after its time.
    let (from, to) = (BEGIN + SECOND, BEGIN + 2 * SECOND);
    assert_eq!(read(&pictures, from, to), [Cue { begin: from, end: to, ..cue.clone() }]);
    let standing = read(&pictures[..100], BEGIN, BEGIN + 60 * SECOND);
    assert_eq!(standing, [Cue { end: frame(10) + MEMORY, ..cue }]);
    assert_eq!(read(&pictures[..100], frame(10) + MEMORY, BEGIN + 60 * SECOND), []);
}

#[test]
fn a_row_that_is_typed_grows_by_the_second() {
    let mut pairs = vec![[0x14, 0x26], [0x14, 0x2d], [0x14, 0x70]];
    pairs.extend(text(&"x".repeat(20)));
    pairs.resize(35, [0, 0]);
    pairs.extend(text("yyzz"));
    pairs.resize(50, [0, 0]);
    pairs.extend([[0x14, 0x2d], *b"go"]);
    let found = read(&pictures(&pairs), BEGIN, BEGIN + 4 * SECOND);
    let (x, y) = ("x".repeat(20), "x".repeat(20) + "yyzz");
    let second = |nth| BEGIN + nth * SECOND;
    let expected = [
        (second(1), frame(50), vec![plain(15, 0, &x)]),
        (frame(50), second(2), vec![plain(14, 0, &y)]),
        (second(2), second(4), vec![plain(14, 0, &y), plain(15, 0, "go")]),
    ];
    assert_eq!(found, expected.map(|(begin, end, rows)| Cue { begin, end, rows }));
}

#[test]
fn pictures_far_apart_and_out_of_order_are_read() {
    let picture = |at, first, second| Picture { at, units: vec![[0xfc, first, second]] };
    let odd = [
        picture(u64::MAX - 1, 0x14, 0x29),
        picture(5, b'a', b'b'),
        picture(0, 0x14, 0x29),
        picture(u64::MAX - 1, b'a', b'b'),
    ];
    for (from, to) in [(0, u64::MAX), (u64::MAX, u64::MAX), (u64::MAX, 0), (7, 7)] {
        assert!(
            read(&odd, from, to).iter().all(|cue| from <= cue.begin && cue.begin < cue.end && cue.end <= to)
        );
    }
}

/// A caption or row as broadcasters send them.
#[derive(Clone, Debug)]
struct Caption {
    /// 0: pop-on, 1: paint-on, 2 to 4: roll-up with so many rows.
    mode: u8,
    /// 4 to 15, so that a roll-up caption has room.
    row: u8,
    indent: u8,
    text: String,
    italic: bool,
    doubled: bool,
    /// Wipes the screen or what was loaded first.
    wipe: bool,
    /// Frames until the next, and between the text and the code that shows it.
    pause: usize,
    wait: usize,
    /// What another channel says meanwhile.
    aside: Option<String>,
}

fn caption() -> impl Strategy<Value = Caption> {
    let style = (0u8..=4, 4u8..=15, 0u8..8, "[ -)a-zA-Z]{0,30}", any::<bool>());
    let way = (any::<bool>(), any::<bool>(), 0usize..200, 0usize..60, prop::option::of("[a-z]{2,6}"));
    (style, way).prop_map(|((mode, row, indent, text, italic), (doubled, wipe, pause, wait, aside))| {
        Caption { mode, row, indent, text, italic, doubled, wipe, pause, wait, aside }
    })
}

/// The preamble address code of a row with an indent of so many times four.
fn preamble(row: u8, indent: u8) -> [u8; 2] {
    const FIRST: [(u8, u8); 15] = [
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
    let (first, second) = FIRST[usize::from(row - 1)];
    [first, second | 0x10 | indent << 1]
}

impl Caption {
    fn codes(&self) -> Vec<[u8; 2]> {
        let (mode, wipe) = match self.mode {
            0 => (0x20, 0x2e),
            1 => (0x29, 0x2c),
            rows => (0x23 + rows, 0x2c),
        };
        let roll = (self.mode > 1).then_some([0x14, 0x2d]);
        let wipe = self.wipe.then_some([0x14, wipe]);
        let style = self.italic.then_some([0x11, 0x2e]);
        let codes = [[0x14, mode]].into_iter().chain(wipe).chain(roll);
        codes.chain([preamble(self.row, self.indent)]).chain(style).collect()
    }

    fn pairs(&self, pairs: &mut Vec<[u8; 2]>) {
        let copies = if self.doubled { 2 } else { 1 };
        let say = |pairs: &mut Vec<_>, code| pairs.extend(std::iter::repeat_n(code, copies));
        self.codes().into_iter().for_each(|code| say(pairs, code));
        let (head, tail) = self.text.split_at(self.text.len() / 4 * 2);
        pairs.extend(text(head));
        if let Some(aside) = &self.aside {
            // The other channel, and back without a word about the mode.
            pairs.extend(twice([0x1c, 0x25]).into_iter().chain(text(aside)));
            say(pairs, [0x17, 0x21]);
        }
        pairs.extend(text(tail));
        pairs.extend(vec![[0, 0]; self.wait]);
        if self.mode == 0 {
            say(pairs, [0x14, 0x2f]);
        }
        pairs.extend(vec![[0, 0]; self.pause]);
    }
}

/// Cues with those put together that go on in the next segment.
fn joined(cues: impl Iterator<Item = Cue>) -> Vec<Cue> {
    let mut joined: Vec<Cue> = Vec::new();
    for cue in cues {
        match joined.last_mut() {
            Some(last) if last.end == cue.begin && last.rows == cue.rows => last.end = cue.end,
            _ => joined.push(cue),
        }
    }
    joined
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn segments_show_what_one_reading_shows(
        captions in prop::collection::vec(caption(), 1..40),
        still in prop::option::of((any::<prop::sample::Index>(), 300usize..900)),
        lengths in prop::collection::vec(1u64..8_000_000_000, 1..20),
    ) {
        let mut pairs = Vec::new();
        let still = still.map(|(at, frames)| (at.index(captions.len()), frames));
        for (nth, caption) in captions.iter().enumerate() {
            caption.pairs(&mut pairs);
            let silence = still.filter(|(at, _)| *at == nth).map_or(0, |(_, frames)| frames);
            pairs.extend(vec![[0, 0]; silence]);
        }
        let pictures = pictures(&pairs);
        let end = frame(pairs.len() as u64) + 20 * SECOND;
        let whole = read(&pictures, 0, end);
        prop_assert!(whole.iter().all(|cue| !cue.rows.is_empty() && cue.begin < cue.end));
        let mut lines = vec![0, BEGIN];
        for length in lengths.iter().cycle() {
            let line = lines[lines.len() - 1] + length.max(&(end - BEGIN).div_ceil(200));
            lines.push(line.min(end));
            if line >= end {
                break;
            }
        }
        let segments = lines.windows(2).flat_map(|line| read(&pictures, line[0], line[1]));
        prop_assert_eq!(joined(segments), whole);
    }

    #[test]
    fn any_pairs_make_cues_in_order(
        pairs in prop::collection::vec(any::<[u8; 2]>(), 0..600),
        from in 0u64..20, length in 0u64..20,
    ) {
        let (from, to) = (BEGIN + from * SECOND, BEGIN + (from + length) * SECOND);
        let found = read(&pictures(&pairs), from, to);
        prop_assert!(found.iter().all(|cue| from <= cue.begin && cue.begin < cue.end && cue.end <= to));
        prop_assert!(found.windows(2).all(|two| two[0].end <= two[1].begin));
        prop_assert!(found.len() <= 3 * pairs.len() + 1);
    }
}
