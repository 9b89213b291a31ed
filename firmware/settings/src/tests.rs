use proptest::prelude::*;

use super::*;
use media::{Coding, Connection};

/// Every field, as the operator's handbook shows them.
const FULL: &str = r#"
name = "Town hall 1"
state_dir = "/data/riser"

[viewers]
listen = "[::]:80"
allow = ["10.0.0.0/22", "192.0.2.7"]
max_age = "10min"

[[endpoint]]
name = "press-1"
listen = "[::]:82"
trusted_proxies = ["10.1.0.1(255.255.0.0)"]
cross_domain_policy = "/data/crossdomain.xml"

[management]
listen = "127.0.0.1:81"

[channel]
name = "council-2"
frame_rate = "30000/1001"
segment_ms = 2000
part_ms = 250

[channel.input]
kind = "camera"
device = "/dev/video2"
width = 1280
height = 720

[channel.audio]
bitrate = 96000

[[channel.ladder]]
height = 720
bitrate = 3000000

[[channel.ladder]]
height = 720
bitrate = 2000000
codec = "h265"

[[channel.ladder]]
height = 360
bitrate = 800000

[dvr]
size = "16GB"
window = "90min"
extent = "128MiB"

[board]
id = "qemu-x86-64"
"#;

#[test]
fn an_empty_document_is_the_default_and_the_default_round_trips() {
    let settings = parse("").unwrap();
    assert_eq!(settings, Settings::default());
    assert_eq!(parse(&toml::to_string(&settings).unwrap()).unwrap(), settings);
    assert_eq!(settings.channels[0].input.source(), Source::Auto);
    assert!(settings.channels[0].input.camera().is_any());
}

#[test]
fn every_field_is_read_and_written_back() {
    let settings = parse(FULL).unwrap();
    assert_eq!(settings.name, "Town hall 1");
    assert_eq!(settings.viewers.listen, "[::]:80".parse().unwrap());
    assert_eq!(settings.channels[0].frame_rate, Some("30000/1001".parse().unwrap()));
    assert_eq!(settings.channels[0].input.source(), Source::Camera);
    assert_eq!(settings.channels[0].input.camera().device.as_deref(), Some("/dev/video2".as_ref()));
    assert_eq!(settings.channels[0].input.size(), Some((1280, 720)));
    assert_eq!(
        settings.channels[0].ladder[1..],
        [
            Rung { height: 720, bitrate: 2_000_000, codec: Coding::H265 },
            Rung { height: 360, bitrate: 800_000, codec: Coding::H264 }
        ]
    );
    assert_eq!(settings.dvr.size, Bytes::new(16_000_000_000));
    assert_eq!(settings.dvr.window, Duration::from_secs(5400));
    assert_eq!(parse(&toml::to_string(&settings).unwrap()).unwrap(), settings);
}

#[test]
fn a_camera_is_named_by_what_stays() {
    let text =
        "[channel.input]\nkind = 'camera'\nname = 'Stage left'\nport = 'usb-0000:00:14.0-2'\nserial = '8F2C'";
    let settings = parse(text).unwrap();
    let camera = settings.channels[0].input.camera();
    assert_eq!(camera.to_string(), "name \"Stage left\", serial \"8F2C\", port \"usb-0000:00:14.0-2\"");
    assert_eq!(parse(&toml::to_string(&settings).unwrap()).unwrap(), settings);
    for (more, path) in
        [("name = 'a'\ndevice = '/dev/video0'", "input.name"), ("serial = ' '", "input.serial")]
    {
        let error = parse(&format!("[channel.input]\nkind = 'camera'\n{more}")).unwrap_err().to_string();
        assert!(error.contains(path), "{error}");
    }
    let error = parse("[channel.input]\nkind = 'test'\nport = 'a'").unwrap_err().to_string();
    assert!(error.contains("input.port") && error.contains("have a port"), "{error}");
}

#[test]
fn a_card_is_named_by_number_or_by_what_stays() {
    let read = |more: &str| parse(&format!("[channel.input]\nkind = 'decklink'\n{more}"));
    let settings = read("device = 1\nconnection = 'optical-sdi'").unwrap();
    let input = &settings.channels[0].input;
    assert_eq!(input.source(), Source::Decklink);
    assert_eq!((input.card().device, input.card().connection), (Some(1), Connection::OpticalSdi));
    assert_eq!(parse(&toml::to_string(&settings).unwrap()).unwrap(), settings);
    let settings = read("name = 'DeckLink Duo (2)'\nserial = '1A2B'").unwrap();
    let card = settings.channels[0].input.card();
    assert_eq!(card.to_string(), "name \"DeckLink Duo (2)\", serial \"1A2B\"");
    for (more, field) in [
        ("device = '/dev/video0'", "device"),
        ("device = 1\nserial = 'a'", "serial"),
        ("port = 'a'", "port"),
        ("sound = 'hw:1'", "sound"),
        ("width = 640\nheight = 360", "width"),
        ("connection = 'usb'", "connection"),
    ] {
        let error = read(more).unwrap_err().to_string();
        assert!(error.contains(&format!("`channel.input.{field}`")), "{more}: {error}");
    }
    for text in ["kind = 'camera'\ndevice = 0", "kind = 'test'\nconnection = 'sdi'"] {
        let error = parse(&format!("[channel.input]\n{text}")).unwrap_err().to_string();
        assert!(error.contains("`channel.input."), "{error}");
    }
}

#[test]
fn a_frame_rate_may_be_a_number() {
    let settings = parse("channel.frame_rate = 25").unwrap();
    assert_eq!(settings.channels[0].frame_rate, Some("25".parse().unwrap()));
}

#[test]
fn bad_documents_are_refused_in_plain_words() {
    let documents = include_str!("../tests/bad-documents.txt").split("\n====\n");
    let mut seen = 0;
    for case in documents {
        let (document, expected) = case.split_once("\n----\n").expect("each case is document, line, message");
        let error = parse(document).expect_err(document).to_string();
        assert_eq!(error, expected.trim_end(), "\n{document}");
        seen += 1;
    }
    assert!(seen > 25, "{seen} cases");
}

#[test]
fn channels_are_one_table_or_a_list() {
    let one = parse("[channel]\nname = \"a\"").unwrap();
    assert_eq!(one.channels.iter().map(|channel| channel.name.as_str()).collect::<Vec<_>>(), ["a"]);
    let two = parse("[[channel]]\nname = \"a\"\n[channel.input]\nkind = \"test\"\n[[channel]]\nname = \"b\"")
        .unwrap();
    assert_eq!(two.channels.iter().map(|channel| channel.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(
        (two.channels[0].input.source(), two.channels[1].input.source()),
        (Source::Test, Source::Auto)
    );
    assert_eq!(parse("").unwrap().channels.len(), 1);
}

#[test]
fn a_channel_comes_and_goes_as_json() {
    let text = r#"{"name": "hall", "frame_rate": 25, "input": {"kind": "test"}, "ladder": [{"height": 360, "bitrate": 500000}]}"#;
    let channel = Channel::from_json(text).unwrap();
    assert_eq!((channel.name.as_str(), channel.ladder[0].height), ("hall", 360));
    let again = Channel::from_json(&serde_json::to_string(&channel).unwrap()).unwrap();
    assert_eq!(again, channel);
    let refused = |text: &str| Channel::from_json(text).unwrap_err().to_string();
    assert_eq!(
        refused(r#"{"nam": "hall"}"#).split(';').next().unwrap(),
        "line 1, `nam`: there is no such setting"
    );
    assert!(refused(r#"{"audio": {"language": "english!"}}"#).contains("`audio.language`"));
    assert!(refused(r#"{"audio": {"bitrate": 1}}"#).contains("`audio.bitrate`: found integer `1`, expected"));
    assert!(refused(r#"{"input": {"kind": "file"}}"#).contains("`input.path`"));
    assert!(refused("{\"name\"").starts_with("this is not JSON"));
    assert!(refused(r#"{"name": "hall"} x"#).starts_with("this is not JSON"));
}

proptest! {
    #[test]
    fn any_text_is_answered(text in "(?s).{0,200}") {
        let _ = parse(&text);
    }

    #[test]
    fn any_edit_of_a_full_document_is_answered(
        at in 0..FULL.len(),
        remove in 0usize..40,
        insert in "[\\[\\]\"'=.a-z0-9{}\n-]{0,12}",
    ) {
        let end = FULL.len().min(at + remove);
        let edited = format!("{}{insert}{}", &FULL[..at], &FULL[end..]);
        if let Err(error) = parse(&edited) {
            prop_assert!((1..=1 + edited.matches('\n').count()).contains(&error.line()));
        }
    }
}
