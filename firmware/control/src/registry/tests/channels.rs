use super::*;
use crate::Tuning;

#[test]
fn a_channel_lives_through_all_its_states() {
    let mut the = Bench::new(Limits::default());
    the.create_channel("main");
    let name = || "main".to_owned();
    for (command, effect, during, event, after) in [
        (
            Command::StartChannel(name()),
            Effect::StartChannel(name()),
            life::Channel::Starting,
            Event::ChannelStarted(name()),
            life::Channel::Running,
        ),
        (
            Command::ResetChannel(name()),
            Effect::ResetChannel(name()),
            life::Channel::Starting,
            Event::ChannelStarted(name()),
            life::Channel::Running,
        ),
        (
            Command::StopChannel(name()),
            Effect::StopChannel(name()),
            life::Channel::Stopping,
            Event::ChannelStopped(name(), String::new()),
            life::Channel::Stopped,
        ),
    ] {
        let granted = the.ask(command).unwrap();
        assert_eq!((granted.id.as_str(), granted.effects), ("main", vec![effect]));
        assert_eq!(the.state("main"), during);
        the.now += 5;
        assert_eq!(the.tell(event), []);
        assert_eq!((the.state("main"), the.registry.objects.channels["main"].since), (after, the.now));
    }
    let granted = the.ask(Command::DeleteChannel(name())).unwrap();
    assert_eq!(granted.effects, [Effect::DeleteChannel(name())]);
    the.tell(Event::ChannelDeleted(name()));
    assert!(the.registry.objects.channels.is_empty());
}

#[test]
fn a_channel_is_tuned_while_it_runs_until_its_settings_change() {
    let mut the = Bench::new(Limits::default());
    the.create_channel("main");
    let tuning = |gop_ms| Tuning { bitrates: [("720p".to_owned(), 1_000_000)].into(), gop_ms };
    let tune = |gop_ms| Command::TuneChannel { name: "main".into(), tuning: tuning(gop_ms) };
    assert_eq!(
        the.refused(tune(None)),
        "channel `main` is stopped: only a running channel can be tuned; change its settings instead"
    );
    the.ask(Command::StartChannel("main".into())).unwrap();
    assert_eq!(the.ask(tune(Some(400))).unwrap().effects, [Effect::TuneChannel("main".into())]);
    assert_eq!(the.registry.objects.channels["main"].tuning, tuning(Some(400)));
    assert_eq!(
        the.refused(tune(Some(500))),
        "`gop_ms`: found 500, expected one of 200, 400, 800, 1600: whole parts that make up a whole segment"
    );
    the.tell(Event::ChannelStarted("main".into()));
    the.ask(Command::StopChannel("main".into())).unwrap();
    the.tell(Event::ChannelStopped("main".into(), String::new()));
    assert_eq!(the.registry.objects.channels["main"].tuning, tuning(Some(400)));
    let settings = the.registry.objects.channels["main"].settings.clone();
    the.ask(Command::ChangeChannel(Box::new(settings))).unwrap();
    assert_eq!(the.registry.objects.channels["main"].tuning, Tuning::default());
}

#[test]
fn an_error_while_starting_stops_and_says_why() {
    let mut the = Bench::new(Limits::default());
    the.create_channel("main");
    the.ask(Command::StartChannel("main".into())).unwrap();
    the.tell(Event::ChannelFailed("main".into(), "no encoder".into()));
    let channel = &the.registry.objects.channels["main"];
    assert_eq!((channel.state, channel.reason.as_str()), (life::Channel::Stopped, "no encoder"));
    the.ask(Command::StartChannel("main".into())).unwrap();
    assert_eq!(the.registry.objects.channels["main"].reason, "");
}

#[test]
fn illegal_transitions_name_the_state() {
    let mut the = Bench::live();
    let main = || "main".to_owned();
    for (command, refusal) in [
        (Command::StartChannel(main()), "channel `main` is running: only a stopped channel can be started"),
        (Command::DeleteChannel(main()), "channel `main` is running: only a stopped channel can be deleted"),
        (
            Command::ChangeChannel(channel("main").into()),
            "channel `main` is running: only a stopped channel can be changed",
        ),
        (Command::StartChannel("b".into()), "there is no channel `b`"),
        (Command::StopChannel(String::new()), "there is no channel ``"),
        (Command::ChangeChannel(channel("b").into()), "there is no channel `b`"),
        (Command::CreateChannel(channel("main").into()), "there is a channel `main` already"),
        (
            Command::CreateChannel(channel("a/b").into()),
            "`name`: 1 to 32 letters (a to z), digits or `-` are allowed",
        ),
    ] {
        assert_eq!(the.refused(command), refusal);
    }
    let program = the.create_program("Council", None);
    the.record(&program);
    for command in [Command::StopChannel(main()), Command::ResetChannel(main())] {
        assert_eq!(the.refused(command), "channel `main` is running: its programs must be stopped first");
    }
    the.end(&program);
    the.ask(Command::StopChannel(main())).unwrap();
    the.tell(Event::ChannelStopped(main(), String::new()));
    assert_eq!(
        the.refused(Command::DeleteChannel(main())),
        "channel `main` is stopped: its programs must be deleted first"
    );
}

#[test]
fn there_are_as_many_channels_as_allowed() {
    let mut the = Bench::new(Limits::default());
    for nth in 0..5 {
        the.create_channel(&format!("c{nth}"));
    }
    let refusal = the.refused(Command::CreateChannel(channel("c5").into()));
    assert_eq!(refusal, "5 channels are allowed, and there are as many: delete one first");
}

#[test]
fn a_stopped_channel_takes_new_settings() {
    let mut the = Bench::new(Limits::default());
    the.create_channel("main");
    let wanted = settings::Channel { segment_ms: 2000, ..channel("main") };
    the.ask(Command::ChangeChannel(wanted.clone().into())).unwrap();
    assert_eq!(the.registry.objects.channels["main"].settings, wanted);
}

#[test]
fn the_settings_file_says_which_channels_there_are() {
    let mut the = Bench::new(Limits::default());
    the.registry.declare(vec![channel("main"), channel("hall")], NOW);
    let effects = the.registry.resume(NOW);
    assert_eq!(effects, [Effect::StartChannel("hall".into()), Effect::StartChannel("main".into())]);
    the.tell(Event::ChannelStarted("main".into()));
    the.tell(Event::ChannelFailed("hall".into(), "no camera".into()));
    for command in [Command::DeleteChannel("hall".into()), Command::ChangeChannel(channel("hall").into())] {
        assert_eq!(
            the.refused(command),
            "channel `hall` stands in the settings file: it can be changed and deleted only there"
        );
    }
    let program = the.create_program("Council", None);
    the.record(&program);

    let changed = settings::Channel { segment_ms: 2000, ..channel("hall") };
    the.registry.declare(vec![changed.clone()], NOW);
    let channels = &the.registry.objects.channels;
    assert!(channels["hall"].declared && channels["hall"].settings == changed);
    assert!(!channels["main"].declared && channels["main"].state == life::Channel::Stopped);
    let effects = the.registry.resume(NOW);
    let asset = the.program(&program).asset.clone();
    let end = Effect::EndProgram { program: program.clone(), asset, channel: "main".into() };
    assert_eq!(effects, [Effect::StartChannel("hall".into()), end]);
    the.tell(Event::ProgramEnded { program: program.clone(), last: None });
    assert_eq!(the.program(&program).reason, "the channel no longer stands in the settings file");
}

#[test]
fn what_was_going_on_goes_on_after_a_restart() {
    let mut the = Bench::live();
    for name in ["halting", "leaving", "idle"] {
        the.create_channel(name);
    }
    the.ask(Command::StartChannel("halting".into())).unwrap();
    the.tell(Event::ChannelStarted("halting".into()));
    the.ask(Command::StopChannel("halting".into())).unwrap();
    the.ask(Command::DeleteChannel("leaving".into())).unwrap();
    let program = the.create_program("Council", None);
    the.record(&program);
    let before = the.asset_of(&program).clone();

    the.registry = Registry::load(&the.registry.save(), Limits::default()).unwrap();
    let asset = the.program(&program).asset.clone();
    let effects = the.registry.resume(the.now);
    assert_eq!(
        effects,
        [
            Effect::DeleteChannel("leaving".into()),
            Effect::StartChannel("main".into()),
            Effect::BeginProgram { program: program.clone(), asset, channel: "main".into() },
        ]
    );
    assert_eq!(the.state("halting"), life::Channel::Stopped);
    assert_eq!(the.state("idle"), life::Channel::Stopped);
    the.tell(Event::ChannelStarted("main".into()));
    the.tell(began(&program, grid(), the.now + 9000));
    assert_eq!((the.program(&program).state, the.asset_of(&program)), (life::Program::Running, &before));
}

#[test]
fn a_channel_that_cannot_start_again_ends_its_programs() {
    let mut the = Bench::live();
    let program = the.create_program("Council", None);
    the.record(&program);
    the.registry.resume(the.now);
    let effects = the.tell(Event::ChannelFailed("main".into(), "no encoder".into()));
    let asset = the.program(&program).asset.clone();
    assert_eq!(effects, [Effect::EndProgram { program: program.clone(), asset, channel: "main".into() }]);
    assert_eq!(the.program(&program).state, life::Program::Stopping);
}
