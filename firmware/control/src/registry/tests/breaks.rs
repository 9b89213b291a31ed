use super::*;
use crate::Message;

fn announce(id: u32, ahead: Option<u64>) -> Command {
    let at = ahead.map(|ahead| NOW + ahead);
    Command::AnnounceBreak { channel: "main".into(), id, at, duration: Some(30_000) }
}

fn end(id: u32) -> Command {
    Command::EndBreak { channel: "main".into(), id }
}

fn tell(message: Message) -> Command {
    Command::Tell { channel: "main".into(), message }
}

#[test]
fn breaks_are_announced_moved_cancelled_and_ended() {
    let mut bench = Bench::live();
    assert_eq!(bench.ask(announce(7, None)).unwrap().effects, []);
    let shown = |bench: &Bench| bench.registry.objects.breaks["main"].breaks();
    // The first line after 4 s.
    assert_eq!(shown(&bench)[0].from / 1_000_000, NOW + 4800);
    bench.ask(announce(7, Some(20_000))).unwrap();
    assert_eq!(shown(&bench)[0].from / 1_000_000, NOW + 20_800);
    assert!(bench.refused(announce(8, Some(21_000))).contains("do not overlap"));
    assert!(bench.refused(announce(8, Some(3000))).starts_with("`at`: a break must be known 4 s before"));
    bench.now += 18_000;
    assert!(bench.refused(announce(7, Some(60_000))).contains("less than 4 s"));
    assert!(bench.refused(end(7)).contains("less than 4 s"));
    bench.now += 4000;
    assert!(bench.refused(announce(7, Some(60_000))).contains("an id of its own"));
    bench.ask(end(7)).unwrap();
    assert_eq!(shown(&bench)[0].to.map(|to| to / 1_000_000), Some(NOW + 24_000));
    bench.now += 4000;
    assert_eq!(bench.refused(end(7)), "there is no ad break ahead or under way `7`");
    assert_eq!(Registry::load(&bench.registry.save(), Limits::default()).unwrap(), bench.registry);
}

#[test]
fn what_an_asset_shows_is_remembered() {
    let mut bench = Bench::new(Limits { breaks: 2, ..Limits::default() });
    bench.create_channel("main");
    bench.ask(Command::StartChannel("main".into())).unwrap();
    bench.tell(Event::ChannelStarted("main".into()));
    let program = bench.create_program("Council", None);
    bench.record(&program);
    let later = |bench: &mut Bench| bench.now += 60_000;
    bench.ask(announce(1, Some(5000))).unwrap();
    later(&mut bench);
    bench.end(&program);
    for id in [2, 3, 4] {
        let command = Command::AnnounceBreak { channel: "main".into(), id, at: None, duration: Some(10_000) };
        bench.ask(command).unwrap();
        later(&mut bench);
    }
    let ids: Vec<_> = bench.registry.objects.breaks["main"].breaks().iter().map(|shown| shown.id).collect();
    assert_eq!(ids, [1, 4]);
}

#[test]
fn with_the_channel_and_its_assets_its_breaks_are_forgotten() {
    let mut bench = Bench::live();
    let program = bench.create_program("Council", None);
    bench.record(&program);
    bench.ask(announce(1, None)).unwrap();
    bench.now += 60_000;
    let asset = bench.registry.objects.programs[&program].asset.clone();
    bench.end(&program);
    bench.ask(Command::DeleteProgram(program)).unwrap();
    bench.ask(Command::StopChannel("main".into())).unwrap();
    bench.tell(Event::ChannelStopped("main".into(), String::new()));
    bench.ask(Command::DeleteChannel("main".into())).unwrap();
    bench.tell(Event::ChannelDeleted("main".into()));
    assert_eq!(bench.registry.objects.breaks.len(), 1, "the asset shows them");
    bench.ask(Command::DeleteAsset(asset)).unwrap();
    assert!(bench.registry.objects.breaks.is_empty());
}

#[test]
fn only_a_running_channel_tells() {
    let mut bench = Bench::new(Limits::default());
    bench.create_channel("main");
    assert!(bench.refused(announce(1, None)).starts_with("channel `main` is stopped"));
    assert!(bench.refused(end(1)).starts_with("channel `main` is stopped"));
    let mut bench = Bench::live();
    let message = Message {
        scheme: "https://aomedia.org/emsg/ID3".to_owned(),
        value: String::new(),
        data: b"ID3".to_vec(),
        at: None,
        duration: None,
    };
    let before = bench.registry.clone();
    let effects = bench.ask(tell(message.clone())).unwrap().effects;
    assert!(
        matches!(&effects[..], [Effect::Tell { channel, event }] if channel == "main" && event.at == NOW * 1_000_000)
    );
    assert_eq!(bench.registry, before, "nothing to keep");
    for (wrong, field) in [
        (Message { scheme: "no scheme".into(), ..message.clone() }, "scheme"),
        (Message { value: "a b".into(), ..message.clone() }, "value"),
        (Message { data: Vec::new(), ..message.clone() }, "data"),
        (Message { data: vec![0; 8193], ..message.clone() }, "data"),
        (Message { at: Some(NOW - 60_001), ..message }, "at"),
    ] {
        assert!(bench.refused(tell(wrong)).starts_with(&format!("`{field}`: ")), "{field}");
    }
}
