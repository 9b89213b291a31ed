use proptest::prelude::*;

use super::*;

const SECOND: u64 = 1_000_000_000;
const MILLI: u64 = 1_000_000;

const MOVING: Observation<'_> =
    Observation::Picture(Picture { mean: 100, brightest: 200, change: Some(Change { mean: 80, most: 900 }) });
const SAME: Observation<'_> =
    Observation::Picture(Picture { mean: 100, brightest: 200, change: Some(Change { mean: 0, most: 0 }) });
const BLACK: Observation<'_> =
    Observation::Picture(Picture { mean: 16, brightest: 17, change: Some(Change { mean: 0, most: 0 }) });
const SPEECH: Observation<'_> = Observation::Sound(Sound { peak: 20_000, rms: 3_000, clipped: 0 });
const SILENCE: Observation<'_> = Observation::Sound(Sound { peak: 3, rms: 1, clipped: 0 });
const LOUD: Observation<'_> = Observation::Sound(Sound { peak: 32_767, rms: 20_000, clipped: 9_000 });

/// What it is called, what is observed, the state at the end and since which millisecond.
type Case<'a> = (&'a str, &'a [(u64, Observation<'a>)], State, u64);

/// An input of which these things were observed, each at its millisecond.
fn after(course: &[(u64, Observation<'_>)]) -> Signal {
    let mut signal = Signal::new(0);
    course.iter().for_each(|(at, observation)| signal.observe(at * MILLI, *observation));
    signal
}

#[test]
fn courses_and_where_they_lead() {
    use Observation::{Absent, Changed, Locked, NoSound, Nothing, Quiet, Unlocked, Unsupported};
    let table: &[Case<'_>] = &[
        ("nothing is known", &[(5, Nothing)], State::Opening, 0),
        ("a camera that is there", &[(5, Locked)], State::Ok, 5),
        ("one that is not", &[(5, Absent("no camera"))], State::NoDevice, 5),
        ("no signal from the beginning", &[(5, Unlocked("no lock")), (205, Nothing)], State::NoSignal, 5),
        ("and before it is told", &[(5, Unlocked("no lock")), (204, Nothing)], State::Opening, 0),
        ("pictures stay away", &[(5, Locked), (1_090, Quiet(90 * MILLI, ""))], State::NoSignal, 90),
        ("they never came", &[(1_005, Quiet(5 * MILLI, ""))], State::NoSignal, 5),
        (
            "they stay away of what is back from a loss",
            &[(5, Absent("")), (900, Locked), (2_000, Quiet(1_000 * MILLI, "")), (2_001, Nothing)],
            State::NoSignal,
            1_000,
        ),
        (
            "a blip of the cable",
            &[(5, Locked), (50, Unlocked("")), (249, Locked), (900, Nothing)],
            State::Ok,
            5,
        ),
        ("plugged in", &[(5, Absent("")), (900, Locked), (1400, Nothing)], State::Ok, 900),
        ("plugged in, not settled", &[(5, Absent("")), (900, Locked), (1399, Nothing)], State::NoDevice, 5),
        (
            "a loose contact",
            &[(5, Absent("")), (900, Locked), (1300, Absent("")), (1600, Locked)],
            State::NoDevice,
            5,
        ),
        ("plugged in, dark", &[(5, Absent("")), (900, Unlocked("")), (1400, Nothing)], State::NoSignal, 900),
        ("unplugged while dark", &[(5, Unlocked("")), (900, Absent(""))], State::NoDevice, 900),
        ("interlaced", &[(5, Locked), (90, Unsupported("1080i"))], State::Unsupported, 90),
        ("a slide", &[(5, Locked), (90, SAME), (10_090, SAME)], State::Frozen, 90),
        ("a slide for 9 s", &[(5, Locked), (90, SAME), (9_090, MOVING), (20_000, MOVING)], State::Ok, 5),
        ("after a slide", &[(5, Locked), (90, SAME), (10_090, MOVING), (10_590, MOVING)], State::Ok, 10_090),
        ("a lens cap", &[(5, Locked), (90, BLACK), (5_090, BLACK)], State::Black, 90),
        ("a lens cap is not frozen", &[(5, Locked), (90, BLACK), (60_090, BLACK)], State::Black, 90),
        ("muted", &[(5, Locked), (90, SILENCE), (10_090, SILENCE)], State::Silent, 90),
        (
            "a camera without a microphone",
            &[(5, Locked), (90, SILENCE), (91, NoSound), (20_000, Nothing)],
            State::Ok,
            5,
        ),
        ("too loud", &[(5, Locked), (90, LOUD), (590, LOUD)], State::Clipping, 90),
        ("one beat", &[(5, Locked), (90, LOUD), (290, SPEECH), (2_000, SPEECH)], State::Ok, 5),
        (
            "loud bars",
            &[(5, Locked), (90, LOUD), (590, SPEECH), (5_000, LOUD), (9_000, SPEECH)],
            State::Clipping,
            90,
        ),
        (
            "muted and a slide",
            &[(5, Locked), (80, SILENCE), (90, SAME), (10_080, Nothing), (10_090, Nothing)],
            State::Frozen,
            90,
        ),
        ("both at once", &[(5, Locked), (80, SILENCE), (90, SAME), (10_090, Nothing)], State::Frozen, 90),
        (
            "signal lost in a slide",
            &[(5, Locked), (90, SAME), (11_000, Unlocked("")), (11_200, Nothing)],
            State::NoSignal,
            11_000,
        ),
        (
            "and back",
            &[(5, Locked), (90, SAME), (11_000, Unlocked("")), (11_300, Locked), (11_900, SAME)],
            State::Ok,
            11_300,
        ),
        (
            "noise after the loss",
            &[(5, Locked), (90, Unlocked("")), (95, BLACK), (9_000, BLACK)],
            State::NoSignal,
            90,
        ),
        ("another format", &[(5, Locked), (90, Changed)], State::Ok, 5),
    ];
    for (what, course, state, since) in table {
        let signal = after(course);
        assert_eq!((signal.state(), signal.since()), (*state, since * MILLI), "{what}");
    }
}

#[test]
fn reasons_are_the_observers_or_plain_words() {
    let signal = after(&[(0, Observation::Unsupported("1920x1080i50 is interlaced"))]);
    assert_eq!(signal.reason(), "1920x1080i50 is interlaced");
    let mut signal = after(&[(0, Observation::Absent("no camera is plugged in"))]);
    assert_eq!(signal.reason(), "no camera is plugged in");
    signal.observe(SECOND, Observation::Absent("camera X was unplugged"));
    assert_eq!((signal.reason(), signal.since()), ("camera X was unplugged", 0));
    let signal = after(&[(0, Observation::Locked), (1, SAME), (20_000, SAME)]);
    assert!(signal.reason().starts_with("the same picture for 10 s"), "{}", signal.reason());
    assert_eq!(after(&[(0, Observation::Locked)]).reason(), "");
    for state in [State::Frozen, State::Black, State::Silent] {
        let told = format!("{} s", state.hold().on / SECOND);
        assert!(state.words().contains(&told), "{state:?} is told after {told}");
    }
}

#[test]
fn every_change_of_the_lock_is_counted_and_dated() {
    use Observation::{Absent, Changed, Locked, Unlocked};
    let signal = after(&[(0, Locked), (10, Locked)]);
    assert_eq!((signal.lock_changes(), signal.lock_changed()), (0, None));
    let signal = after(&[(0, Unlocked("")), (10, Locked)]);
    assert_eq!((signal.lock_changes(), signal.lock_changed()), (1, Some(10 * MILLI)));
    let signal = after(&[(0, Locked), (10, Unlocked("")), (20, Locked), (30, Changed), (90, Locked)]);
    assert_eq!((signal.lock_changes(), signal.lock_changed()), (3, Some(30 * MILLI)), "blips too");
    let signal = after(&[(0, Absent("")), (10, Unlocked("")), (20, Absent(""))]);
    assert_eq!(signal.lock_changes(), 0, "there was none to change");
}

#[test]
fn whether_pictures_can_be_had_is_known_before_it_is_told() {
    let mut signal = Signal::new(0);
    assert!(signal.is_lost());
    signal.observe(1, Observation::Locked);
    assert!(!signal.is_lost());
    signal.observe(2, Observation::Unlocked("no carrier"));
    assert_eq!((signal.is_lost(), signal.state()), (true, State::Ok));
}

#[test]
fn the_order_is_fixed() {
    let order = "NoDevice NoSignal Unsupported Frozen Black Silent Clipping";
    assert_eq!(CONDITIONS.map(|state| format!("{state:?}")).join(" "), order);
    assert!(CONDITIONS.is_sorted() && CONDITIONS.iter().all(|state| *state < State::Ok));
}

fn observation() -> impl Strategy<Value = Observation<'static>> {
    prop_oneof![
        1 => Just(Observation::Absent("absent")),
        1 => Just(Observation::Unlocked("unlocked")),
        1 => Just(Observation::Unsupported("unsupported")),
        4 => Just(Observation::Locked),
        1 => Just(Observation::Changed),
        4 => Just(MOVING),
        4 => Just(SAME),
        4 => Just(BLACK),
        4 => Just(SPEECH),
        4 => Just(SILENCE),
        4 => Just(LOUD),
        1 => Just(Observation::NoSound),
        1 => Just(Observation::Nothing),
    ]
}

proptest! {
    /// Whatever is observed: `since` only goes forward and is never ahead, the state is the gravest condition that is
    /// told, and one state follows itself no sooner than its hold-off unless a graver one was in between.
    #[test]
    fn states_hold_what_they_promise(
        course in prop::collection::vec((0u64..4000, observation()), 1..400),
    ) {
        let mut signal = Signal::new(0);
        let (mut now, mut since, mut changes) = (0, 0, 0);
        // When each state was left last for a lesser one.
        let mut left: Vec<(State, u64)> = Vec::new();
        for (step, observation) in course {
            now += step * MILLI;
            let before = signal.state();
            signal.observe(now, observation);
            prop_assert!(signal.since() >= since && signal.since() <= now);
            prop_assert!(signal.lock_changes() >= changes && signal.lock_changed() <= Some(now));
            (since, changes) = (signal.since(), signal.lock_changes());
            let told = CONDITIONS.into_iter().zip(&signal.conditions);
            let gravest = told.filter(|(_, condition)| condition.told().is_some()).map(|(state, _)| state).next();
            if let Some(gravest) = gravest {
                prop_assert_eq!(signal.state(), gravest);
            } else {
                prop_assert!(matches!(signal.state(), State::Ok | State::Opening));
            }
            if signal.state() == before {
                continue;
            }
            if before < signal.state() {
                left.push((before, now));
            }
            if let Some((_, then)) = left.iter().rev().find(|(state, _)| *state == signal.state()) {
                prop_assert!(now - then >= signal.state().hold().on);
            }
        }
    }

    /// A clock that is set back changes nothing.
    #[test]
    fn time_does_not_run_backwards(back in 0u64..50) {
        let mut signal = after(&[(60, Observation::Locked)]);
        signal.observe(back * MILLI, Observation::Absent("gone"));
        prop_assert_eq!((signal.state(), signal.since()), (State::NoDevice, 60 * MILLI));
    }
}
