use media::FrameRate;
use proptest::prelude::*;

use super::*;

const SECOND: u64 = NANOS;
/// On a line of 1.6 s.
const START: u64 = 1_700_000_000 * SECOND;

fn grid() -> Grid {
    Grid::new(FrameRate::new(25, 1).unwrap(), 1600, 200)
}

fn wish(id: u32, from: Option<u64>, duration: Option<u64>) -> Wish {
    Wish {
        id,
        from: from.map(|from| START + from * SECOND),
        duration: duration.map(|length| length * SECOND),
    }
}

/// The begins of segments from `START` on, so many seconds long.
fn segments(seconds: u64) -> impl Iterator<Item = u64> {
    (0..seconds * 10 / 16).map(|nth| START + nth * 1_600_000_000)
}

/// The numbers of the messages that segments have, with the seconds from `START` where each is first and last.
fn told(journal: &Journal) -> Vec<(u32, f64, f64)> {
    let mut told: Vec<(u32, f64, f64)> = Vec::new();
    for start in segments(120) {
        for event in journal.events(start) {
            let at = (start - START) as f64 / 1e9;
            match told.iter_mut().find(|(id, ..)| *id == event.id) {
                Some((_, _, last)) => *last = at,
                None => told.push((event.id, at, at)),
            }
        }
    }
    told
}

#[test]
fn a_break_is_announced_in_the_15_seconds_before_it_and_begins_with_a_segment() {
    let mut journal = Journal::default();
    journal.announce(&grid(), wish(7, Some(40), Some(30)), START).unwrap();
    let shown = journal.breaks();
    assert_eq!(shown.len(), 1);
    assert_eq!((shown[0].from - START, shown[0].to.unwrap() - START), (40 * SECOND, 70_400_000_000));
    assert_eq!(shown[0].duration, Some(30_400_000_000), "to the end of a segment");
    assert_eq!(told(&journal), [(1, 25.6, 40.0)]);
}

#[test]
fn as_soon_as_may_be_is_the_first_segment_after_the_pre_roll() {
    let mut journal = Journal::default();
    journal.announce(&grid(), wish(7, None, None), START).unwrap();
    assert_eq!((journal.breaks()[0].from - START, journal.breaks()[0].to), (4_800_000_000, None));
    assert_eq!(told(&journal), [(1, 1.6, 4.8)], "not in what may have been served already");
    let mut journal = Journal::default();
    assert!(matches!(journal.announce(&grid(), wish(7, Some(3), None), START), Err(Problem::TooSoon(_))));
    assert_eq!(journal.announce(&grid(), wish(7, Some(4), None), START), Ok(()));
}

#[test]
fn the_last_word_counts_until_the_pre_roll() {
    let mut journal = Journal::default();
    let ask = |journal: &mut Journal, wish, at: u64| journal.announce(&grid(), wish, START + at * SECOND);
    ask(&mut journal, wish(7, Some(40), Some(30)), 0).unwrap();
    ask(&mut journal, wish(7, Some(40), Some(30)), 1).unwrap();
    assert_eq!(journal.plans.len(), 1, "said twice");
    ask(&mut journal, wish(7, Some(48), Some(20)), 30).unwrap();
    assert_eq!(journal.breaks().len(), 1);
    assert_eq!(told(&journal), [(1, 25.6, 30.4), (2, 33.6, 48.0)], "one after the other");
    assert_eq!(ask(&mut journal, wish(7, Some(60), Some(20)), 45), Err(Problem::TooLate(7)));
    assert_eq!(ask(&mut journal, wish(7, Some(60), Some(20)), 49), Err(Problem::Used(7)));
    assert_eq!(ask(&mut journal, wish(8, Some(60), Some(20)), 49), Err(Problem::Overlaps(7)));
    assert_eq!(ask(&mut journal, wish(8, Some(80), Some(0)), 49), Err(Problem::Duration));
    ask(&mut journal, wish(8, Some(80), None), 49).unwrap();
    assert_eq!(
        ask(&mut journal, wish(9, Some(3000), None), 49),
        Err(Problem::Overlaps(8)),
        "it has no end yet"
    );
}

#[test]
fn a_break_ahead_is_cancelled_and_one_under_way_is_ended() {
    let mut journal = Journal::default();
    journal.announce(&grid(), wish(7, Some(40), Some(30)), START).unwrap();
    assert_eq!(journal.clone().end(&grid(), 7, START + 37 * SECOND), Err(Problem::TooLate(7)));
    let mut ended = journal.clone();
    journal.end(&grid(), 7, START + 30 * SECOND).unwrap();
    assert_eq!(journal.breaks(), []);
    assert_eq!(told(&journal), [(1, 25.6, 30.4), (2, 32.0, 40.0)]);
    assert_eq!(journal.end(&grid(), 7, START + 31 * SECOND), Err(Problem::Unknown(7)));
    journal.announce(&grid(), wish(7, Some(60), None), START + 31 * SECOND).unwrap();

    ended.end(&grid(), 7, START + 50 * SECOND).unwrap();
    let shown = &ended.breaks()[0];
    assert_eq!((shown.to.unwrap() - START, shown.duration), (51_200_000_000, Some(30_400_000_000)));
    assert_eq!(told(&ended), [(1, 25.6, 40.0), (2, 51.2, 51.2)]);
    assert_eq!(ended.end(&grid(), 7, START + 60 * SECOND), Err(Problem::Unknown(7)));
    assert_eq!(ended.end(&grid(), 1, START), Err(Problem::Unknown(1)));
}

#[test]
fn there_is_room_for_so_many() {
    let mut journal = Journal::default();
    for id in 1..=3 {
        let now = START + 100 * u64::from(id) * SECOND;
        assert!(journal.make_room(2, now, |from, _| from < START + 150 * SECOND), "{id}");
        journal.announce(&grid(), wish(id, None, Some(10)), now).unwrap();
    }
    assert_eq!(journal.breaks().iter().map(|shown| shown.id).collect::<Vec<_>>(), [1, 3]);
    assert!(!journal.make_room(1, START + 200 * SECOND, |_, _| true), "they are needed");
}

proptest! {
    #[test]
    fn what_a_segment_says_does_not_depend_on_what_is_told_later(
        asked in prop::collection::vec((0..40u64, 1..4u32, prop::option::of(0..60u64), prop::option::of(1..30u64), any::<bool>()), 1..12)
    ) {
        let (mut journal, mut now) = (Journal::default(), START);
        for (pause, id, ahead, duration, ends) in asked {
            now += pause * SECOND;
            let before = journal.clone();
            if ends {
                let _ = journal.end(&grid(), id, now);
            } else {
                let from = ahead.map(|ahead| now + ahead * SECOND);
                let _ = journal.announce(&grid(), Wish { id, from, duration: duration.map(|length| length * SECOND) }, now);
            }
            for start in segments(480).filter(|start| *start <= now) {
                prop_assert_eq!(before.events(start), journal.events(start));
            }
            let shown = journal.breaks();
            for pair in shown.windows(2) {
                prop_assert!(pair[0].to.is_some_and(|to| to <= pair[1].from), "{:?}", pair);
            }
            for event in journal.breaks() {
                let segments: Vec<_> = segments(1000).filter(|start| *start <= event.from).collect();
                let has = |start: &u64| journal.events(*start).iter().any(|told| told.id == event.number);
                prop_assert!(segments.iter().any(has), "every break is announced in some segment");
            }
        }
    }
}
