use access::{Delivery, Policy, Protection};

use super::*;
use crate::Recorded;

fn filter(json: &str) -> package::filter::Filter {
    serde_json::from_str(json).unwrap()
}

#[test]
fn an_asset_is_published_and_unpublished_in_any_state() {
    let mut the = Bench::live();
    let id = the.create_program("Council", None);
    let asset = the.program(&id).asset.clone();
    the.ask(publish(&asset, Some("a_b-C"))).unwrap();
    the.record(&id);
    the.ask(publish(&asset, Some("a_b-C"))).unwrap();
    the.ask(publish(&asset, None)).unwrap();
    assert_eq!(
        the.refused(publish(&asset, Some("other"))),
        format!("asset `{asset}` is published as `a_b-C`: unpublish it first")
    );
    the.ask(Command::Unpublish(asset.clone())).unwrap();
    assert_eq!(
        the.refused(Command::Unpublish(asset.clone())),
        format!("asset `{asset}` is not published: only a published asset can be unpublished")
    );
    the.now += 60_000;
    the.end(&id);
    let range = the.asset_of(&id).range;
    the.ask(publish(&asset, None)).unwrap();
    let locator = the.asset_of(&id).locator.clone().unwrap();
    assert!(locator.starts_with("id-") && the.asset_of(&id).range == range);
    let other = the.create_program("Other", None);
    let other = the.program(&other).asset.clone();
    assert_eq!(
        the.refused(publish(&other, Some(&locator))),
        format!("locator `{locator}` belongs to another asset")
    );
    for odd in ["", "a/b", "..", "ä", "a b"] {
        assert!(the.refused(publish(&other, Some(odd))).starts_with("`locator`: "), "{odd}");
    }
    assert_eq!(the.refused(publish("x", None)), "there is no asset `x`");
}

#[test]
fn an_asset_outlives_its_program_and_goes_only_when_deleted() {
    let mut the = Bench::live();
    let (id, asset) = the.asset();
    let delete = || Command::DeleteAsset(asset.clone());
    assert_eq!(
        the.refused(delete()),
        format!("program `{id}` refers to asset `{asset}`: delete the program first")
    );
    let clipped = the.ask(clip(&asset, NOW + 1000, NOW + 5000)).unwrap().id;
    assert_eq!(the.ask(Command::DeleteProgram(id)).unwrap().effects, []);
    assert_eq!(the.registry.objects.assets[&asset].program, None);
    assert_eq!(the.ask(delete()).unwrap().effects, [Effect::DropAsset(asset.clone())]);
    let clipped = &the.registry.objects.assets[&clipped];
    assert!(clipped.parent.is_none() && clipped.range.is_some(), "a clip needs nothing of its parent");
    assert_eq!(the.registry.pins().len(), 1);
    assert_eq!(the.refused(delete()), format!("there is no asset `{asset}`"));
}

#[test]
fn an_asset_is_not_deleted_while_it_is_recorded() {
    let mut the = Bench::live();
    let id = the.create_program("Council", None);
    the.record(&id);
    let asset = the.program(&id).asset.clone();
    assert_eq!(
        the.refused(Command::DeleteAsset(asset.clone())),
        format!("asset `{asset}` is recording: its program must be stopped first")
    );
    assert_eq!(
        the.refused(Command::MakeThumbnails(asset.clone())),
        format!("asset `{asset}` is recording: thumbnails are made of what is complete")
    );
    the.now += SEGMENT;
    the.end(&id);
    let granted = the.ask(Command::MakeThumbnails(asset.clone())).unwrap();
    assert_eq!(granted.effects, [Effect::MakeThumbnails(asset)]);
}

#[test]
fn a_clip_is_exact_to_the_frame() {
    let mut the = Bench::live();
    let (_, asset) = the.asset();
    let id = the.ask(clip(&asset, NOW + 1601, NOW + 3199)).unwrap().id;
    let first = segment(&grid(), NOW);
    let clipped = &the.registry.objects.assets[&id];
    // 1601 ms is nearest to the frame at 1600 ms, 3199 ms to the one at 3200 ms.
    let nanos = |ms: u64| Some((NOW + ms) * 1_000_000);
    let expected = Recorded {
        begun: None,
        grid: grid(),
        first: first + 1,
        last: Some(first + 1),
        from: nanos(1600),
        to: nanos(3200),
    };
    assert_eq!(
        (clipped.range, &clipped.parent, &clipped.channel[..]),
        (Some(expected), &Some(asset), "main")
    );
    // A clip of a clip stays within it, and what it answers as its ends can be asked for.
    let whole = the.ask(clip(&id, NOW + 1600, NOW + 3200)).unwrap().id;
    assert_eq!(the.registry.objects.assets[&whole].range, Some(expected));
    let end = NOW + 3200;
    for (from, to, refusal) in [
        (NOW + 1500, NOW + 1700, format!("`from`: the asset begins at {}", NOW + 1600)),
        (NOW + 1600, NOW + 3300, format!("`to`: the asset ends at {end}")),
    ] {
        assert_eq!(the.refused(clip(&id, from, to)), refusal);
    }
}

#[test]
fn clips_and_marks_stay_within_what_there_is() {
    let mut the = Bench::live();
    let (_, asset) = the.asset();
    let now = the.now;
    for (from, to, refusal) in [
        (NOW + 2000, NOW + 2000, "`to`: must be after `from`".to_owned()),
        (NOW + 2000, NOW + 1000, "`to`: must be after `from`".to_owned()),
        (NOW + 2000, NOW + 2001, "`to`: must be at least one frame after `from`".to_owned()),
        (NOW + 2000, now + 1, "`to`: lies in the future".to_owned()),
        (u64::MAX - 1, u64::MAX, "`from`: lies in the future".to_owned()),
        (0, NOW + 2000, format!("`from`: the asset begins at {NOW}")),
        (NOW + 2000, now, format!("`to`: the asset ends at {}", now - now % SEGMENT)),
    ] {
        assert_eq!(the.refused(clip(&asset, from, to)), refusal);
    }
    for (at, until, refusal) in [
        (None, None, format!("`at`: the asset ends at {}", now - now % SEGMENT)),
        (Some(NOW + 9), Some(NOW + 9), "`until`: must be after `at`".to_owned()),
        (Some(now + 1), None, "`at`: lies in the future".to_owned()),
        (Some(NOW + 9), Some(now + 1), "`until`: lies in the future".to_owned()),
        (Some(NOW - 100), None, format!("`at`: the asset begins at {NOW}")),
    ] {
        assert_eq!(the.refused(mark(&asset, at, until)), refusal);
    }
    let empty = the.create_program("Empty", None);
    let empty = the.program(&empty).asset.clone();
    for command in [clip(&empty, NOW, NOW + 1000), mark(&empty, None, None)] {
        let refusal = format!("asset `{empty}` is empty: nothing has been recorded into it yet");
        assert_eq!(the.refused(command), refusal);
    }
}

#[test]
fn what_has_expired_cannot_be_clipped() {
    let mut the = Bench::live();
    let windowed = the.create_program("Window", Some(300));
    let whole = the.create_program("All", None);
    for program in [&windowed, &whole] {
        the.record(program);
    }
    the.now += 1000 * SEGMENT;
    let [windowed, whole] = [&windowed, &whole].map(|program| the.program(program).asset.clone());
    let (early, late) = (NOW + 10_000, the.now - 60_000);
    // Older than the window, though the other program has kept it.
    let oldest = the.now - 188 * SEGMENT;
    let refusal = format!("`from`: what is still kept begins at {oldest}");
    assert_eq!(the.refused(clip(&windowed, early, late)), refusal);
    assert!(matches!(the.ask(clip(&windowed, early, late)), Err(Refusal::Expired { .. })));
    the.ask(clip(&windowed, oldest, the.now)).unwrap();
    the.ask(clip(&whole, early, the.now)).unwrap();
    the.kept = Some(99);
    let oldest = the.now - 100 * SEGMENT;
    assert_eq!(
        the.refused(mark(&whole, Some(early), None)),
        format!("`at`: what is still kept begins at {oldest}")
    );
    the.kept = None;
    assert!(matches!(the.ask(clip(&whole, late, the.now)), Err(Refusal::Expired { .. })));
}

#[test]
fn marks_name_moments_and_stretches() {
    let mut the = Bench::live();
    the.registry.limits.marks = 2;
    let id = the.create_program("Council", None);
    the.record(&id);
    the.now += 10_000;
    let asset = the.program(&id).asset.clone();
    let moment = the.ask(mark(&asset, None, None)).unwrap().id;
    the.ask(mark(&asset, Some(NOW + 1), Some(the.now))).unwrap();
    let marks = &the.asset_of(&id).marks;
    assert_eq!((marks[&moment].at, marks[&moment].until), (the.now, None));
    let full = "2 marks of an asset are allowed, and there are as many: delete one first";
    assert_eq!(the.refused(mark(&asset, None, None)), full);
    let unmark = || Command::Unmark { asset: asset.clone(), mark: moment.clone() };
    the.ask(unmark()).unwrap();
    assert_eq!(the.refused(unmark()), format!("there is no mark `{moment}`"));
}

#[test]
fn filters_are_global_or_of_an_asset() {
    let mut the = Bench::live();
    the.registry.limits.filters = 1;
    let (_, asset) = the.asset();
    let put = |asset: Option<&String>, name: &str, json: &str| Command::PutFilter {
        asset: asset.cloned(),
        name: name.into(),
        filter: filter(json),
    };
    let video = r#"{"tracks":[[{"property":"type","operator":"equal","value":"video"}]]}"#;
    the.ask(put(None, "tv", "{}")).unwrap();
    the.ask(put(Some(&asset), "tv", video)).unwrap();
    the.ask(put(None, "tv", video)).unwrap();
    assert_eq!(
        the.refused(put(None, "web", "{}")),
        "1 filters are allowed, and there are as many: delete one first"
    );
    assert!(the.refused(put(None, "a/b", "{}")).starts_with("`name`: "));
    let late = r#"{"presentation_time_range":{"live_backoff":3010000000}}"#;
    let refusal = the.refused(put(None, "tv", late));
    assert!(refusal.starts_with("`presentation_time_range.live_backoff`: "), "{refusal}");
    assert_eq!(the.refused(put(Some(&"x".into()), "tv", "{}")), "there is no asset `x`");
    let delete = || Command::DeleteFilter { asset: None, name: "tv".into() };
    the.ask(delete()).unwrap();
    assert_eq!(the.refused(delete()), "there is no filter `tv`");
    assert_eq!(the.registry.objects.assets[&asset].filters.len(), 1);
}

#[test]
fn an_asset_is_delivered_as_its_channel_until_it_is_told_otherwise() {
    let delivery = |protection, key: Option<&str>| {
        let key = key.map(str::to_owned);
        Delivery(vec![Policy { protocols: Vec::new(), protection, key }])
    };
    let guarded = delivery(Protection::Cenc, Some("house"));
    let mut the = Bench::new(Limits::default());
    let with = |name: &str, delivery: &Delivery| {
        let settings = settings::Channel { delivery: delivery.clone(), ..super::channel(name) };
        Command::CreateChannel(settings.into())
    };
    let unknown = delivery(Protection::Cenc, Some("none"));
    assert_eq!(the.refused(with("main", &unknown)), "`delivery[0].key`: there is no content key `none`");
    the.ask(with("main", &guarded)).unwrap();
    the.ask(Command::StartChannel("main".into())).unwrap();
    the.tell(Event::ChannelStarted("main".into()));
    let (program, asset) = the.asset();
    assert_eq!(the.registry.objects.assets[&asset].delivery, guarded);
    let clipped = the.ask(clip(&asset, NOW, NOW + 1000)).unwrap().id;
    let open = delivery(Protection::Clear, None);
    let deliver = |asset: &str, delivery: &Delivery| Command::Deliver {
        asset: asset.to_owned(),
        delivery: delivery.clone(),
    };
    assert_eq!(the.refused(deliver(&asset, &unknown)), "`policies[0].key`: there is no content key `none`");
    assert_eq!(the.refused(deliver("x", &open)), "there is no asset `x`");
    the.ask(deliver(&asset, &open)).unwrap();
    // The next recording of the same program is kept as the last one.
    the.ask(Command::StartProgram(program.clone())).unwrap();
    let next = the.program(&program).asset.clone();
    let delivered = |asset: &str| &the.registry.objects.assets[asset].delivery;
    assert_eq!((delivered(&asset), delivered(&next), delivered(&clipped)), (&open, &open, &guarded));
    let loaded = Registry::load(&the.registry.save(), Limits::default()).unwrap();
    assert_eq!(loaded.objects, the.registry.objects);
}

#[test]
fn assets_and_bytes_are_bounded() {
    let mut the = Bench::live();
    let (program, asset) = the.asset();
    the.registry.limits.assets = 2;
    the.ask(clip(&asset, NOW, NOW + 1000)).unwrap();
    let full = "2 assets are allowed, and there are as many: delete one first";
    for command in [
        clip(&asset, NOW, NOW + 1000),
        Command::CreateProgram(super::program("a")),
        Command::StartProgram(program.clone()),
    ] {
        assert_eq!(the.refused(command), full);
    }
    the.registry.limits.bytes = the.registry.save().len();
    let refusal = the.refused(mark(&asset, Some(NOW), None));
    assert!(refusal.starts_with("programs, assets, marks and filters together may take "), "{refusal}");
    the.ask(Command::DeleteProgram(program)).unwrap();
}
