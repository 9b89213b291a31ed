//! The choice of the next extent, against one that looks at everything.

use std::time::Duration;

use proptest::prelude::*;

use super::fixture::grid;
use crate::{Pin, extent::Range, retention::Retention};

#[derive(Clone, Debug)]
enum Step {
    Seal(u64),
    Take,
    Pin { id: u8, from: u64, len: Option<u64>, window: Option<u64> },
    Unpin(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let pin = (0u8..6, 0u64..60, prop::option::of(0u64..20), prop::option::of(1u64..30));
    prop_oneof![
        6 => (1u64..5).prop_map(Step::Seal),
        4 => Just(Step::Take),
        2 => pin.prop_map(|(id, from, len, window)| Step::Pin { id, from, len, window }),
        1 => (0u8..6).prop_map(Step::Unpin),
    ]
}

fn range(first: u64, last: u64) -> Range {
    let (channel, segments) = ("main".to_owned(), (last - first + 1) as u32);
    Range { id: 1, channel, grid: grid(), first, last, discontinuity: 0, bytes: 1000, segments }
}

/// First segment that the pin protects.
fn start(pin: &Pin, edge: u64) -> u64 {
    let segments = |window: Duration| window.as_millis().div_ceil(400) as u64;
    match (pin.to, pin.window) {
        (None, Some(window)) => pin.from.max(edge.saturating_sub(segments(window))),
        _ => pin.from,
    }
}

proptest! {
    #[test]
    fn no_finished_pin_loses_anything_and_the_oldest_of_the_rest_goes(steps in prop::collection::vec(step(), 1..120)) {
        let mut retention = Retention::default();
        let mut pins: Vec<Pin> = Vec::new();
        let mut extents: Vec<(u32, u64, u64)> = Vec::new();
        let (mut next, mut edge, mut id) = (0u64, 0u64, 0u32);
        for step in steps {
            match step {
                Step::Seal(len) => {
                    // The last one reaches into the next extent now and then.
                    let first = if len == 4 && id > 0 { edge } else { next };
                    (edge, next, id) = (first + len, first + len + 1, id + 1);
                    retention.set_active(Some(&[range(first, edge)]));
                    retention.set_active(None);
                    retention.seal(id, id.into(), &[range(first, edge)]);
                    extents.push((id, first, edge));
                }
                Step::Pin { id, from, len, window } => {
                    pins.retain(|pin| pin.id != id.to_string());
                    let window = window.map(|segments| Duration::from_millis(segments * 400));
                    let (channel, to) = ("main".to_owned(), len.map(|len| from + len));
                    pins.push(Pin { id: id.to_string(), channel, grid: grid(), from, to, window, quota: None });
                    retention.set(pins.clone());
                }
                Step::Unpin(id) => {
                    pins.retain(|pin| pin.id != id.to_string());
                    retention.set(pins.clone());
                }
                Step::Take => {
                    let touches = |pin: &Pin, first: u64, last: u64| {
                        last >= start(pin, edge) && pin.to.is_none_or(|to| first <= to)
                    };
                    // Without a limit no pin gives up anything.
                    let given = retention.status().iter().any(|pin| pin.lost > 0);
                    let loose = extents.iter().find(|&&(_, first, last)| {
                        !pins.iter().any(|pin| touches(pin, first, last))
                    });
                    let expected = loose.map(|&(id, ..)| id);
                    let taken = retention.take(usize::MAX);
                    if !given {
                        prop_assert_eq!(taken, expected);
                    }
                    if let Some(id) = taken {
                        extents.retain(|&(known, ..)| known != id);
                    }
                }
            }
            let held = extents.iter().filter(|&&(_, first, last)| {
                pins.iter().any(|pin| last >= start(pin, edge) && pin.to.is_none_or(|to| first <= to))
            });
            prop_assert_eq!(retention.pinned(), held.count());
        }
        // With no room at all, all but what finished pins need goes, oldest of the loose first.
        while let Some(id) = retention.take(0) {
            let at = extents.iter().position(|&(known, ..)| known == id).unwrap();
            let (_, first, last) = extents.remove(at);
            let finished = pins.iter().filter_map(|pin| Some((pin.from, pin.to?)));
            prop_assert!(!finished.into_iter().any(|(from, to)| last >= from && first <= to));
        }
        for (_, first, last) in extents {
            prop_assert!(pins.iter().any(|pin| pin.to.is_some_and(|to| last >= pin.from && first <= to)));
        }
    }
}

#[test]
fn a_choice_among_many_extents_costs_no_look_at_each() {
    let mut retention = Retention::default();
    let pin = |id: u64, from: u64, to| Pin {
        id: id.to_string(),
        channel: "main".into(),
        grid: grid(),
        from,
        to,
        window: None,
        quota: None,
    };
    let mut time = |count: u32| {
        for id in 1..=count {
            retention.seal(id, id.into(), &[range(u64::from(id) * 20, u64::from(id) * 20 + 19)]);
        }
        let pins = (0..100).map(|nth| pin(nth, nth * 2000, Some(nth * 2000 + 100)));
        retention.set(pins.chain([pin(1000, 40, None)]).collect());
        // The first one makes room for the limit; what follows is the steady state.
        retention.take(count as usize / 2);
        let begin = std::time::Instant::now();
        for id in count + 1..=count + 100 {
            retention.seal(id, id.into(), &[]);
            assert!(retention.take(count as usize / 2).is_some());
        }
        let each = begin.elapsed() / 100;
        retention.clear();
        each
    };
    let (few, many) = (time(1000), time(14_000));
    println!("expiry: {few:?} of 1,000 extents, {many:?} of 14,000");
    assert!(many < few * 10 + Duration::from_micros(100), "{few:?} {many:?}");
}

#[test]
fn a_recording_over_its_quota_lets_its_oldest_go_and_does_not_count_as_lasting() {
    let pin = |id: &str, to, quota| Pin {
        id: id.into(),
        channel: "main".into(),
        grid: grid(),
        from: 0,
        to,
        window: None,
        quota,
    };
    let mut retention = Retention::new(vec![pin("small", None, Some(3000))]);
    for id in 1..=10u32 {
        retention.seal(id, id.into(), &[range(u64::from(id) * 20, u64::from(id) * 20 + 19)]);
    }
    let status = &retention.status()[0];
    assert_eq!((status.bytes, status.from, retention.pinned(), retention.lasting()), (3000, 160, 3, 0));
    retention.set(vec![pin("small", None, Some(3000)), pin("done", Some(45), None), pin("all", None, None)]);
    assert_eq!((retention.pinned(), retention.lasting()), (10, 10));
    retention.set(vec![pin("small", None, Some(3000)), pin("done", Some(45), None)]);
    assert_eq!((retention.pinned(), retention.lasting()), (5, 2));
    retention.forget(1);
    assert_eq!(retention.lasting(), 1);
}
