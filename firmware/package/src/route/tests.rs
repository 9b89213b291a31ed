use proptest::prelude::*;

use super::*;

fn parse(target: &str) -> Result<Route, Error> {
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    Route::parse(path, query)
}

fn wrong(target: &str) -> (Field, Reason) {
    match parse(target) {
        Err(Error::Parse { field, reason }) => (field, reason),
        other => panic!("{target}: {other:?}"),
    }
}

#[test]
fn every_resource_is_told_apart() {
    for target in [
        "/time",
        "/live/main/master.m3u8",
        "/live/main/master.m3u8?filter=A",
        "/live/main/manifest.mpd",
        "/live/main/manifest.mpd?filter=A;b-c;D_1",
        "/live/main/ts/master.m3u8?filter=A",
        "/live/main/ts/720p/media.m3u8",
        "/live/main/ts/720p/368172000.ts?filter=A",
        "/live/main/ts/media.m3u8",
        "/live/main/hds/manifest.f4m?filter=A;B",
        "/live/main/hds/720p.abst",
        "/vod/show/hds/720p/Seg1-Frag4294967295?filter=A",
        "/live/main/smooth.ism/Manifest?filter=A;B",
        "/vod/show/smooth.ism/Manifest(format=fmp4-v20)",
        "/live/main/smooth.ism/QualityLevels(600000)/Fragments(video=17900000000000000)",
        "/live/main/smooth.ism/QualityLevels(128000)/FragmentInfo(audio-2=0)",
        "/live/main/smooth.ism/QualityLevels(128000)/RawFragments(audio=1)",
        "/live/main/smooth.ism/QualityLevels(600000)/KeyFrames(video=1)",
        "/live/main/smooth.ism/QualityLevels(600000)/Manifest(video,format=m3u8-aapl)?filter=A",
        "/live/main/smooth.ism/QualityLevels(600000)/Manifest(video,format=m3u8-aapl,type=keyframes)",
        "/vod/show/aes-128/smooth.ism/QualityLevels(1)/Manifest(audio,format=m3u8-aapl-v3)?token=t",
        "/live/main/subtitles/CC1/media.m3u8?filter=A&_HLS_msn=5&_HLS_part=0",
        "/live/main/subtitles/CC1/1102500000.vtt",
        "/live/main/subtitles/CC1/1102500000.7.vtt",
        "/vod/show/subtitles/CC1/init.mp4",
        "/vod/show/subtitles/CC1/t0.m4s",
        "/vod/show/ts/audio/media.m3u8?filter=A;B",
        "/live/main/720p/media.m3u8?filter=A;B&_HLS_msn=5",
        "/live/main/720p/media.m3u8",
        "/live/main/720p/media.m3u8?_HLS_msn=0",
        "/live/main/720p/media.m3u8?_HLS_msn=1102500000&_HLS_part=7&_HLS_skip=YES",
        "/live/main/720p/media.m3u8?_HLS_skip=v2",
        "/live/main/720p/iframes.m3u8?filter=A",
        "/live/main/720p/i1102500000.m4s",
        "/live/main/720p/init-00ff00ff00ff00ff.mp4",
        "/live/main/audio/1102500000.m4s",
        "/live/main/audio/1102500000.0.m4s",
        "/live/main/audio/t18446744073709551615.m4s",
        "/live/a-B_9/t/t0.m4s",
        "/vod/show/master.m3u8",
        "/vod/show/manifest.mpd?filter=A",
        "/vod/show/720p/media.m3u8?_HLS_skip=v2",
        "/vod/show/720p/init-00ff00ff00ff00ff.mp4",
        "/vod/show/audio/1102500000.m4s",
        "/vod/show/audio/1102500000.0.m4s",
        "/vod/show/audio/t0.m4s",
        "/vod/show/download.mp4",
        "/vod/show/download.mp4?start=0&end=1767225600000&tracks=720p;audio",
        "/vod/show/download.mp4?tracks=audio",
        "/vod/show/thumbnails.vtt",
        "/keys/house",
        "/keys/house?token=a.b-c_d~%2B%2F%3D",
        "/vod/show/cenc/master.m3u8?filter=A&token=t",
        "/vod/show/cenc/manifest.mpd?token=t&timeline=live",
        "/vod/show/cbcs/720p/media.m3u8?token=t&_HLS_msn=5",
        "/vod/show/cbcs/720p/7.0.m4s",
        "/vod/show/cenc/smooth.ism/Manifest",
        "/live/main/aes-128/ts/720p/media.m3u8?token=t",
        "/live/main/aes-128/ts/720p/7.ts",
        "/live/main/cenc/media.m3u8",
        "/vod/show/thumbnails-0.jpg",
        "/vod/show/thumbnails-4294967295.jpg",
    ] {
        assert_eq!(parse(target).unwrap().to_string(), target);
    }
}

#[test]
fn percent_encoding_and_foreign_parameters() {
    let plain = parse("/live/main/720p/media.m3u8?_HLS_msn=5").unwrap();
    assert_eq!(parse("/live/m%61in/720p/media%2Em3u8?tokens=%ZZ&_HLS_ms%6e=%35&&x").unwrap(), plain);
    let filtered = parse("/live/main/manifest.mpd?filter=A;B;C").unwrap();
    assert_eq!(parse("/live/main/manifest.mpd?x=y&f%69lter=A%3BB%3bC").unwrap(), filtered);
    let Route::Manifest { carried, .. } = &filtered else { panic!("{filtered:?}") };
    assert_eq!((carried.filters.len(), carried.to_string().as_str()), (3, "filter=A;B;C"));
    assert_eq!(parse("/live/main/master.m3u8?_HLS_part=x").unwrap().to_string(), "/live/main/master.m3u8");
}

#[test]
fn smooth_addresses_are_read_tolerantly() {
    let same = |one: &str, other: &str| {
        let base = "/live/main/smooth.ism/";
        assert_eq!(parse(&format!("{base}{one}")).unwrap(), parse(&format!("{base}{other}")).unwrap());
    };
    same("manifest", "Manifest");
    same("MANIFEST(%20Format=FMP4-v20,%20filter=A;B)", "Manifest(format=fmp4-v20)?filter=A;B");
    same("Manifest(encryption=)", "Manifest");
    same("qualitylevels(5,hardwareProfile=1)/fragments(video=7,x=y)", "QualityLevels(5)/Fragments(video=7)");
    same(
        "qualitylevels(5)/MANIFEST(video,filter=A,FORMAT=M3U8-aapl)",
        "QualityLevels(5)/Manifest(video,format=m3u8-cmaf)?filter=A",
    );
    let refused = |file: &str| wrong(&format!("/live/main/smooth.ism/{file}"));
    assert_eq!(refused("Manifest(format=mp3)"), (Field::Format, Reason::NotAFormat));
    assert_eq!(refused("Manifest(filter=A)?filter=B"), (Field::Filter, Reason::Repeated));
    assert_eq!(refused("QualityLevels(x)/Fragments(video=7)"), (Field::Bitrate, Reason::NotANumber));
    assert_eq!(refused("QualityLevels(4294967296)/Fragments(video=7)"), (Field::Bitrate, Reason::TooGreat));
    assert_eq!(refused("QualityLevels(1)/Fragments(=7)"), (Field::Stream, Reason::Empty));
    assert_eq!(refused("QualityLevels(1)/Fragments(video)"), (Field::DecodeTime, Reason::NotANumber));
    assert_eq!(refused("QualityLevels(1)/Manifest(video)"), (Field::Format, Reason::NotAFormat));
    assert_eq!(
        refused("QualityLevels(x)/Manifest(video,format=m3u8-aapl)"),
        (Field::Bitrate, Reason::NotANumber)
    );
    assert_eq!(refused("Manifest(encryption=rot13)"), (Field::Encryption, Reason::NotOffered));
    for file in [
        "Manifest()x",
        "Levels(1)/Fragments(video=7)",
        "QualityLevels(1)/Fragment(video=7)",
        "QualityLevels(1",
    ] {
        assert_eq!(parse(&format!("/live/main/smooth.ism/{file}")), Err(Error::NotFound), "{file}");
    }
}

#[test]
fn the_addresses_of_the_classic_service_lead_to_the_same() {
    for (target, canonical) in [
        ("/{L}/My%20event.ism/Manifest", "/vod/{L}/smooth.ism/Manifest"),
        ("/{L}/a.ism/manifest(format=fmp4-v20)", "/vod/{L}/smooth.ism/Manifest(format=fmp4-v20)"),
        ("/{L}/a.ism/Manifest(format=mpd-time-csf,filter=A;B)", "/vod/{L}/manifest.mpd?filter=A;B"),
        ("/{L}/a.ism/Manifest(format=mpd-time-cmaf)", "/vod/{L}/manifest.mpd"),
        ("/{L}/a.ism/Manifest(format=M3U8-aapl,%20filter=A)", "/vod/{L}/master.m3u8?filter=A"),
        ("/{L}/a.ism/Manifest(format=m3u8-cmaf)", "/vod/{L}/master.m3u8"),
        ("/{L}/a.ism/Manifest(filter=A,format=m3u8-aapl-v3)", "/vod/{L}/ts/master.m3u8?filter=A"),
        ("/{L}/a.ism/Manifest(format=m3u8-aapl-v3,audio-only=false)", "/vod/{L}/ts/master.m3u8"),
        ("/{L}/a.ISM/Manifest(format=f4m-f4f)", "/vod/{L}/hds/manifest.f4m"),
        ("/{L}/a.ism/QualityLevels(5)/Fragments(v=7)", "/vod/{L}/smooth.ism/QualityLevels(5)/Fragments(v=7)"),
        ("/{L}/a.ism/720p/7.m4s", "/vod/{L}/720p/7.m4s"),
        ("/{L}/a.ism/ts/720p/media.m3u8?filter=A", "/vod/{L}/ts/720p/media.m3u8?filter=A"),
        ("/{L}/a.ism/hds/720p/Seg9-Frag7", "/vod/{L}/hds/720p/Seg1-Frag7"),
        ("/{L}/a.ism/Manifest(format=m3u8-aapl,encryption=cbc)", "/vod/{L}/aes-128/master.m3u8"),
        (
            "/{L}/a.ism/Manifest(encryption=CBCS-aapl,format=m3u8-aapl)?token=t",
            "/vod/{L}/cbcs/master.m3u8?token=t",
        ),
        ("/{L}/a.ism/Manifest(format=mpd-time-csf,encryption=cenc)", "/vod/{L}/cenc/manifest.mpd"),
        ("/{L}/a.ism/Manifest(encryption=cenc)", "/vod/{L}/cenc/smooth.ism/Manifest"),
        ("/live/main/preview.isml/manifest", "/live/main/smooth.ism/Manifest"),
        ("/live/main/a.ism/Manifest(format=m3u8-aapl)", "/live/main/master.m3u8"),
        ("/vod/{L}/a.ism/Manifest(format=f4m-f4f)", "/vod/{L}/hds/manifest.f4m"),
    ] {
        let of = |text: &str| text.replace("{L}", "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0");
        let mut route = parse(&of(target)).unwrap();
        if let Route::MuxedMaster { place, .. } | Route::HdsManifest { place, .. } = &mut route {
            *place = Place::Beside;
        }
        assert_eq!(route.to_string(), of(canonical), "{target}");
    }
    let muxed = |target: &str| match parse(target) {
        Ok(Route::MuxedMaster { audio_only, place, .. }) => (audio_only, place),
        other => panic!("{other:?}"),
    };
    assert_eq!(muxed("/L/a.ism/Manifest(format=m3u8-aapl-v3)"), (true, Place::Folder));
    assert_eq!(muxed("/L/a.ism/Manifest(format=m3u8-aapl-v3,audio-only=False)"), (false, Place::Folder));
    assert_eq!(muxed("/vod/L/ts/master.m3u8"), (true, Place::Beside));
    for target in ["/L/a.ism/", "/L/a.ism", "/L/a.mp4/Manifest", "/L/a.ism/Manifests", "/a.ism/Manifest"] {
        assert_eq!(parse(target), Err(Error::NotFound), "{target}");
    }
    assert_eq!(wrong("/./a.ism/Manifest"), (Field::Locator, Reason::Character));
}

#[test]
fn unknown_paths_are_not_found() {
    for target in [
        "",
        "/",
        "/live",
        "/live/",
        "/live/main",
        "/live/main/",
        "/live/main/master.m3u",
        "/live/main/720p/media.mpd",
        "/live/main/720p/1.m4s/",
        "/live/main/720p/../audio/1.m4s",
        "/time/",
        "/LIVE/main/master.m3u8",
        "/vod/show",
        "/vod/show/",
        "/vod/show/download.mp3",
        "/vod/show/thumbnails.jpg",
        "/vod/show/download.mp4/",
        "/live/main/download.mp4",
        "/live/main/thumbnails.vtt",
        "/live/main/thumbnails-0.jpg",
    ] {
        assert_eq!(parse(target), Err(Error::NotFound), "{target}");
    }
}

#[test]
fn errors_name_the_field_and_the_reason() {
    use Field as F;
    use Reason as R;
    let long = format!("/live/{}/master.m3u8", "x".repeat(65));
    for (target, field, reason) in [
        ("/live/a%2/master.m3u8", F::Path, R::Encoding),
        ("/live/a%ff/master.m3u8", F::Path, R::Encoding),
        (long.as_str(), F::Channel, R::TooLong),
        ("/live//master.m3u8", F::Channel, R::Empty),
        ("/live/a.b/manifest.mpd", F::Channel, R::Character),
        ("/live/%C3%A9/manifest.mpd", F::Channel, R::Character),
        ("/live/a/../1.m4s", F::Track, R::Character),
        ("/live/a//media.m3u8", F::Track, R::Empty),
        ("/live/a/b/init-00FF00FF00FF00FF.mp4", F::Layout, R::NotALayout),
        ("/live/a/b/init-ff.mp4", F::Layout, R::NotALayout),
        ("/live/a/b/.m4s", F::Number, R::NotANumber),
        ("/live/a/b/+1.m4s", F::Number, R::NotANumber),
        ("/live/a/b/01.m4s", F::Number, R::NotANumber),
        ("/live/a/b/18446744073709551616.m4s", F::Number, R::TooGreat),
        ("/live/a/b/1.x.m4s", F::Part, R::NotANumber),
        ("/live/a/b/1.4294967296.m4s", F::Part, R::TooGreat),
        ("/live/a/b/t.m4s", F::DecodeTime, R::NotANumber),
        ("/live/a/b/media.m3u8?_HLS_msn", F::HlsMsn, R::NotANumber),
        ("/live/a/b/media.m3u8?_HLS_msn=-1", F::HlsMsn, R::NotANumber),
        ("/live/a/b/media.m3u8?_HLS_msn=1&_HLS_msn=1", F::HlsMsn, R::Repeated),
        ("/live/a/b/media.m3u8?_HLS_msn=%4", F::HlsMsn, R::Encoding),
        ("/live/a/b/media.m3u8?_HLS_part=1", F::HlsPart, R::WithoutMsn),
        ("/live/a/b/media.m3u8?_HLS_skip=yes", F::HlsSkip, R::NotASkip),
        ("/vod//master.m3u8", F::Locator, R::Empty),
        ("/vod/a.b/download.mp4", F::Locator, R::Character),
        ("/vod/a/master.m3u8?filter=", F::Filter, R::Empty),
        ("/vod/a/master.m3u8?filter", F::Filter, R::Empty),
        ("/vod/a/master.m3u8?filter=A;;B", F::Filter, R::Empty),
        ("/vod/a/master.m3u8?filter=A;", F::Filter, R::Empty),
        ("/vod/a/master.m3u8?filter=A;B;C;D", F::Filter, R::TooMany),
        ("/vod/a/manifest.mpd?filter=A&filter=B", F::Filter, R::Repeated),
        ("/vod/a/manifest.mpd?filter=A B", F::Filter, R::Character),
        ("/vod/a/manifest.mpd?filter=A%", F::Filter, R::Encoding),
        ("/vod/a/b/media.m3u8?filter=%22", F::Filter, R::Character),
        ("/vod/a/download.mp4?start=1.5", F::From, R::NotANumber),
        ("/vod/a/download.mp4?start=-1", F::From, R::NotANumber),
        ("/vod/a/download.mp4?end=18446744073709551616", F::To, R::TooGreat),
        ("/vod/a/download.mp4?start=5&end=5", F::To, R::NotAfterStart),
        ("/vod/a/download.mp4?start=1&start=1", F::From, R::Repeated),
        ("/vod/a/download.mp4?tracks=a;b;a", F::Tracks, R::Repeated),
        ("/vod/a/download.mp4?tracks=;", F::Tracks, R::Empty),
        ("/vod/a/thumbnails-01.jpg", F::Sheet, R::NotANumber),
        ("/vod/a/thumbnails-.jpg", F::Sheet, R::NotANumber),
        ("/vod/a/thumbnails-4294967296.jpg", F::Sheet, R::TooGreat),
    ] {
        assert_eq!(wrong(target), (field, reason), "{target}");
    }
    assert_eq!(
        parse("/live/a/b/media.m3u8?_HLS_part=1").unwrap_err().to_string(),
        "_HLS_part: needs _HLS_msn"
    );
}

fn name() -> impl Strategy<Value = Name> {
    "[A-Za-z0-9_-]{1,64}".prop_map(Name)
}

fn directives() -> impl Strategy<Value = Directives> {
    let reload = (any::<u64>(), any::<Option<u32>>()).prop_map(|(msn, part)| Awaited { msn, part });
    let skip = prop::sample::select(vec![Skip::Yes, Skip::V2]);
    (prop::option::of(reload), prop::option::of(skip)).prop_map(|(reload, skip)| Directives { reload, skip })
}

fn source() -> impl Strategy<Value = Source> {
    let encryption = prop::option::of(prop::sample::select(&Encryption::ALL[..]));
    (name(), any::<bool>(), encryption).prop_map(|(name, live, encryption)| {
        let presentation = if live { Presentation::Live(name) } else { Presentation::Vod(name) };
        Source { presentation, encryption }
    })
}

fn filters() -> impl Strategy<Value = Filters> {
    prop::collection::vec(name(), 0..=3).prop_map(|names| Filters::parse(&listed("filter", &names)).unwrap())
}

/// A parameter with names in it, or nothing.
fn listed(parameter: &str, names: &[Name]) -> String {
    let names: Vec<&str> = names.iter().map(|name| &**name).collect();
    if names.is_empty() { String::new() } else { format!("{parameter}={}", names.join(";")) }
}

fn of_an_asset() -> impl Strategy<Value = Route> {
    let stretch = (any::<Option<u64>>(), any::<Option<u64>>());
    let stretch = stretch.prop_map(|(from, to)| (from, to.filter(|to| from.is_none_or(|from| from < *to))));
    let tracks = prop::collection::hash_set(name(), 0..4).prop_map(|names| names.into_iter().collect());
    let vod = || name().prop_map(|name| Source { presentation: Presentation::Vod(name), encryption: None });
    prop_oneof![
        (vod(), stretch, tracks, filters()).prop_map(|(source, (from, to), tracks, filters)| {
            Route::Download { source, from, to, tracks, filters }
        }),
        (vod(), filters()).prop_map(|(source, filters)| Route::OnDemand { source, filters }),
        (vod(), name(), any::<(u64, u64)>()).prop_map(|(source, track, (first, last))| Route::File {
            source,
            track,
            first,
            last
        }),
        vod().prop_map(|source| Route::Thumbnails { source }),
        (vod(), any::<u32>()).prop_map(|(source, number)| Route::Sheet { source, number }),
    ]
}

fn token() -> impl Strategy<Value = Option<Token>> {
    prop::option::of("[!-~]{1,20}").prop_map(|text| {
        let encoded: String = text.unwrap_or_default().bytes().map(|byte| format!("%{byte:02x}")).collect();
        Token::parse(&format!("token={encoded}")).unwrap()
    })
}

fn carried() -> impl Strategy<Value = Carried> {
    (filters(), token()).prop_map(|(filters, token)| Carried { filters, token })
}

fn route() -> impl Strategy<Value = Route> {
    prop_oneof![
        Just(Route::Time),
        (name(), token()).prop_map(|(name, token)| Route::Key { name, token }),
        (source(), carried()).prop_map(|(source, carried)| Route::Master { source, carried }),
        (source(), filters(), any::<bool>()).prop_map(|(source, filters, legacy)| Route::SmoothManifest {
            source,
            filters,
            legacy
        }),
        (source(), any::<u32>(), 0usize..4, name(), any::<u64>()).prop_map(
            |(source, bitrate, share, stream, time)| {
                let share = [Share::Whole, Share::Info, Share::Raw, Share::KeyFrame][share];
                Route::SmoothFragment { source, fragment: Fragment { bitrate, share, stream, time } }
            }
        ),
        (source(), carried(), 0..3).prop_map(|(source, carried, kind)| {
            let (place, audio_only) =
                [(Place::Beside, true), (Place::Folder, true), (Place::Folder, false)][kind as usize];
            Route::MuxedMaster { source, carried, audio_only, place }
        }),
        (source(), filters(), any::<bool>()).prop_map(|(source, filters, beside)| {
            let place = if beside { Place::Beside } else { Place::Folder };
            Route::HdsManifest { source, filters, place }
        }),
        (source(), name(), any::<u32>(), filters()).prop_map(|(source, track, number, filters)| {
            Route::HdsFragment { source, track, number, filters }
        }),
        (source(), name(), filters()).prop_map(|(source, track, filters)| Route::HdsBootstrap {
            source,
            track,
            filters
        }),
        (source(), name(), carried()).prop_map(|(source, track, carried)| Route::MuxedMedia {
            source,
            track,
            carried
        }),
        (source(), name(), any::<u64>(), filters()).prop_map(|(source, track, number, filters)| {
            Route::MuxedSegment { source, track, number, filters }
        }),
        (source(), carried(), prop_oneof![Just(Timeline::OfItsOwn), Just(Timeline::Live)])
            .prop_map(|(source, carried, timeline)| Route::Manifest { source, carried, timeline }),
        (source(), name(), directives(), carried()).prop_map(|(source, track, directives, carried)| {
            Route::Media { source, track, directives, carried }
        }),
        (source(), name(), any::<u64>()).prop_map(|(source, track, id)| Route::Init {
            source,
            track,
            layout: LayoutId(id)
        }),
        (source(), name(), carried()).prop_map(|(source, track, carried)| Route::KeyFrames {
            source,
            track,
            carried
        }),
        (source(), name(), any::<u64>()).prop_map(|(source, track, number)| Route::KeyFrame {
            source,
            track,
            number
        }),
        (source(), name(), any::<u64>()).prop_map(|(source, track, number)| Route::Segment {
            source,
            track,
            number
        }),
        (source(), name(), any::<u64>(), any::<u32>())
            .prop_map(|(source, track, number, part)| { Route::Part { source, track, number, part } }),
        (source(), name(), any::<u64>()).prop_map(|(source, track, decode_time)| Route::Start {
            source,
            track,
            decode_time
        }),
        of_an_asset(),
    ]
}

proptest! {
    #[test]
    fn what_is_written_parses_to_the_same_route(route in route()) {
        prop_assert_eq!(parse(&route.to_string()), Ok(route));
    }

    #[test]
    fn what_parses_has_one_spelling(
        target in "/(live|vod)/[a-c%0-9./-]{1,8}/([a-z0-9]{0,3}/)?(media.m3u8|master.m3u8|download.mp4|a.ism/(manifest|Manifest\\((format=[ a-z0-9-]{0,12}|,|audio-only=false){0,3}\\))|thumbnails-[0-9]{0,3}.jpg|init-[0-9a-f]{15,17}.mp4|iframes.m3u8|[ti]?[0-9.]{1,5}.m4s)(\\?((_HLS_(msn|part|skip)|filter|start|end|tracks)=[0-9Yv2ES;%]{0,3}&?){0,3})?"
    ) {
        if let Ok(route) = parse(&target) {
            prop_assert_eq!(parse(&route.to_string()), Ok(route));
        }
    }

    #[test]
    fn any_text_is_judged(path in any::<String>(), query in any::<Option<String>>()) {
        if let Ok(route) = Route::parse(&path, query.as_deref()) {
            prop_assert_eq!(parse(&route.to_string()), Ok(route));
        }
    }
}
