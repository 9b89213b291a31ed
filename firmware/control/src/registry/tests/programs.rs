use super::*;
use crate::{ProgramChange, Recorded};

#[test]
fn a_program_records_into_its_asset() {
    let mut the = Bench::live();
    let program = the.create_program("Council", Some(300));
    assert_eq!((&the.asset_of(&program).name[..], the.asset_of(&program).range), ("Council", None));
    let granted = the.ask(Command::StartProgram(program.clone())).unwrap();
    let asset = the.program(&program).asset.clone();
    let begin =
        Effect::BeginProgram { program: program.clone(), asset: asset.clone(), channel: "main".into() };
    assert_eq!((&granted.id, &granted.effects), (&program, &vec![begin]));
    assert_eq!(the.registry.pins(), []);

    the.tell(began(&program, grid(), the.now));
    let first = segment(&grid(), the.now);
    let range = Recorded { grid: grid(), begun: None, first, last: None, from: None, to: None };
    assert_eq!((the.asset_of(&program).range, the.asset_of(&program).recording), (Some(range), true));
    let pinned = Pinned {
        asset: asset.clone(),
        channel: "main".into(),
        grid: grid(),
        first,
        last: None,
        window: Some(300),
        quota: None,
    };
    assert_eq!(the.registry.pins(), std::slice::from_ref(&pinned));

    // Longer than its window: what is older is gone for good.
    the.now += 1000 * SEGMENT;
    the.end(&program);
    let last = first + 999;
    let range = Recorded { begun: Some(first), first: last - 187, last: Some(last), ..range };
    assert_eq!((the.asset_of(&program).range, the.asset_of(&program).recording), (Some(range), false));
    assert_eq!(the.registry.pins(), [Pinned { first: last - 187, last: Some(last), window: None, ..pinned }]);
}

#[test]
fn a_program_started_again_gets_a_new_asset_and_the_old_one_stays() {
    let mut the = Bench::live();
    let (program, first) = the.asset();
    the.ask(publish(&first, Some("council"))).unwrap();
    the.record(&program);
    let second = the.program(&program).asset.clone();
    assert_ne!(first, second);
    let assets = &the.registry.objects.assets;
    assert_eq!((&assets[&second].name[..], &assets[&second].locator), ("Council 2", &None));
    assert_eq!(assets[&first].locator.as_deref(), Some("council"));
    the.now += SEGMENT;
    the.end(&program);
    the.ask(Command::DeleteAsset(first)).unwrap();
    the.record(&program);
    assert_eq!(the.asset_of(&program).name, "Council 3");
}

#[test]
fn a_program_that_recorded_nothing_keeps_its_asset() {
    let mut the = Bench::live();
    let program = the.create_program("Council", None);
    let asset = the.program(&program).asset.clone();
    for ending in [
        Event::ProgramEnded { program: program.clone(), last: None },
        Event::ProgramEnded { program: program.clone(), last: Some(1) },
        Event::ProgramFailed { program: program.clone(), reason: "the disk has failed".into() },
    ] {
        the.record(&program);
        the.tell(ending);
        assert_eq!((the.asset_of(&program).range, &the.program(&program).asset), (None, &asset));
    }
    assert_eq!(the.program(&program).reason, "the disk has failed");
    let granted = the.ask(Command::DeleteProgram(program)).unwrap();
    assert_eq!(granted.effects, [Effect::DropAsset(asset)]);
    assert!(the.registry.objects.assets.is_empty());
}

#[test]
fn only_so_many_programs_of_a_channel_run_at_once() {
    let mut the = Bench::live();
    let programs: Vec<_> = (0..4).map(|nth| the.create_program(&format!("p{nth}"), None)).collect();
    for program in &programs[..3] {
        the.record(program);
    }
    let start = || Command::StartProgram(programs[3].clone());
    assert_eq!(
        the.refused(start()),
        "3 programs of channel `main` are running, more are not allowed: stop one first"
    );
    // One that still stops counts.
    the.ask(Command::StopProgram(programs[0].clone())).unwrap();
    the.refused(start());
    the.tell(Event::ProgramEnded { program: programs[0].clone(), last: None });
    the.ask(start()).unwrap();
}

#[test]
fn what_is_wrong_with_a_program_is_said_by_field() {
    let mut the = Bench::live();
    let create = Command::CreateProgram;
    let window = "`archive_window`: 300 to 90000 seconds are allowed, or null for a recording";
    for (command, refusal) in [
        (create(NewProgram { archive_window: Some(299), ..program("a") }), window),
        (create(NewProgram { archive_window: Some(90_001), ..program("a") }), window),
        (
            create(NewProgram { quota: Some(0), ..program("a") }),
            "`quota`: at least 1048576 bytes are needed, or null for no limit",
        ),
        (create(NewProgram { channel: "b".into(), ..program("a") }), "`channel`: there is no channel `b`"),
        (
            create(NewProgram { description: "x".repeat(257), ..program("a") }),
            "`description`: at most 256 characters are allowed",
        ),
        (
            create(program("<a>")),
            "`name`: 1 to 256 letters (a to z), digits, `-` and spaces are allowed, \
             with a letter or digit at both ends",
        ),
        (Command::StartProgram("x".into()), "there is no program `x`"),
        (Command::StopProgram("x".into()), "there is no program `x`"),
        (Command::DeleteProgram("x".into()), "there is no program `x`"),
    ] {
        assert_eq!(the.refused(command), refusal);
    }
}

#[test]
fn illegal_transitions_name_the_state() {
    let mut the = Bench::live();
    let id = the.create_program("Council", None);
    let stop = Command::StopProgram(id.clone());
    assert_eq!(
        the.refused(stop),
        format!("program `{id}` is stopped: only a running program can be stopped")
    );
    the.record(&id);
    for (command, why) in [
        (Command::StartProgram(id.clone()), "only a stopped program can be started"),
        (Command::DeleteProgram(id.clone()), "only a stopped program can be deleted"),
    ] {
        assert_eq!(the.refused(command), format!("program `{id}` is running: {why}"));
    }
    the.end(&id);
    the.ask(Command::StopChannel("main".into())).unwrap();
    assert_eq!(
        the.refused(Command::StartProgram(id)),
        "channel `main` is stopping: a program can be started only while it is running"
    );
}

#[test]
fn name_and_description_change_at_any_time_the_rest_while_stopped() {
    let mut the = Bench::live();
    let id = the.create_program("Council", Some(600));
    let change = |change| Command::ChangeProgram { id: id.clone(), change };
    let none = ProgramChange::default();
    let rename = ProgramChange { name: Some("Mayor".into()), ..none.clone() };
    the.ask(change(rename)).unwrap();
    assert_eq!(the.asset_of(&id).name, "Mayor", "there is nothing in it yet");
    the.record(&id);
    let both = ProgramChange {
        name: Some("Hall".into()),
        description: Some("Every Monday".into()),
        archive_window: Some(Some(600)),
        ..none.clone()
    };
    the.ask(change(both)).unwrap();
    assert_eq!((&the.program(&id).name[..], &the.asset_of(&id).name[..]), ("Hall", "Mayor"));
    let window = ProgramChange { archive_window: Some(None), ..none.clone() };
    let quota = ProgramChange { quota: Some(Some(1 << 30)), ..none.clone() };
    for wanted in [&window, &quota] {
        assert_eq!(
            the.refused(change(wanted.clone())),
            format!(
                "program `{id}` is running: its archive window and quota can be changed only while it is stopped"
            )
        );
    }
    // A change that is refused in one field changes none.
    let half = ProgramChange { name: Some("Good".into()), description: Some("x".repeat(300)), ..none };
    the.refused(change(half));
    the.end(&id);
    the.ask(change(window)).unwrap();
    the.ask(change(quota)).unwrap();
    assert_eq!((the.program(&id).archive_window, the.program(&id).quota), (None, Some(1 << 30)));
}

#[test]
fn on_another_grid_a_program_goes_on_into_a_new_asset() {
    let mut the = Bench::live();
    let id = the.create_program("Council", None);
    the.record(&id);
    let old = the.program(&id).asset.clone();
    the.ask(publish(&old, Some("council"))).unwrap();
    the.now += 60_000;
    let changed = |grid, ms| Event::StreamChanged { channel: "main".into(), grid, first: segment(&grid, ms) };
    assert_eq!(the.tell(changed(grid(), NOW)), [], "the same grid changes nothing");
    assert_eq!(the.program(&id).asset, old);
    the.tell(changed(other_grid(), the.now));
    let assets = &the.registry.objects.assets;
    let last = Some(segment(&grid(), the.now) - 1);
    assert_eq!((assets[&old].range.unwrap().last, assets[&old].recording), (last, false));
    assert_eq!(assets[&old].locator.as_deref(), Some("council"));
    let new = the.asset_of(&id);
    assert_eq!((&new.name[..], new.range.unwrap().grid, &new.locator), ("Council 2", other_grid(), &None));
    assert_eq!(the.program(&id).state, life::Program::Running);

    // The same after a restart, where nobody knows what is kept: rather too much than too little.
    the.kept = None;
    the.registry.resume(the.now);
    the.now += 60_000;
    the.tell(began(&id, grid(), the.now));
    let assets: BTreeMap<_, _> = the.registry.objects.assets.values().map(|a| (&a.name[..], a)).collect();
    assert_eq!(assets["Council 2"].range.unwrap().last, Some(segment(&other_grid(), the.now)));
    assert_eq!(assets["Council 3"].range.unwrap().grid, grid());
}

#[test]
fn without_room_for_a_new_asset_the_program_ends() {
    let mut the = Bench::live();
    the.registry.limits.assets = 1;
    let id = the.create_program("Council", None);
    the.record(&id);
    the.now += 60_000;
    the.tell(Event::StreamChanged { channel: "main".into(), grid: other_grid(), first: 7 });
    assert_eq!(the.program(&id).state, life::Program::Stopped);
    assert_eq!(
        the.program(&id).reason,
        "the channel's frame rate or segments have changed: \
         1 assets are allowed, and there are as many: delete one first"
    );
    assert!(the.asset_of(&id).range.unwrap().last.is_some());
}

#[test]
fn what_the_disk_gave_up_is_no_longer_claimed() {
    let mut the = Bench::live();
    let program = the.create_program("Council", None);
    the.ask(Command::StartProgram(program.clone())).unwrap();
    the.tell(began(&program, grid(), the.now));
    let asset = the.program(&program).asset.clone();
    let first = the.asset_of(&program).range.unwrap().first;
    assert!(the.registry.give_up(&asset, first + 5));
    assert!(!the.registry.give_up(&asset, first + 5) && !the.registry.give_up("nothing", 9));
    let range = the.asset_of(&program).range.unwrap();
    assert_eq!((range.first, range.begun), (first + 5, Some(first)));
    assert_eq!(the.registry.pins()[0].first, first + 5);
}
