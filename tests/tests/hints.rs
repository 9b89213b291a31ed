//! What manifests say to players beside the media: data of the session, and who steers them.

use riser_tests::{
    Riserd,
    riserd::{PATIENCE, SMALL, TRACKS},
    wait,
};
use roxmltree::Document;

#[test]
fn session_data_and_steering_are_told_live_and_on_demand() {
    let settings = format!(
        "{SMALL}
        [[channel.session_data]]
        id = 'example.title'
        value = 'Der Saal'
        language = 'de'
        [[channel.session_data]]
        id = 'example.event'
        value = '17'
        "
    );
    let riserd = Riserd::start_edited(&settings, |text| {
        text.replacen(
            "[channel.input]",
            "[channel]\nsteering = 'https://steer.example/a?b=1&c=2'\n[channel.input]",
            1,
        )
    });
    riserd.wait_for_segments(&TRACKS, 1);
    let (program, _) = riserd.program("Evening show", "show", None);
    wait::until("it has begun", PATIENCE, || riserd.get("/vod/show/360p/media.m3u8").status == 200);
    for source in ["/live/main", "/vod/show"] {
        let text = riserd.get(&format!("{source}/master.m3u8")).text();
        let (_, master) = m3u8_rs::parse_master_playlist(text.as_bytes()).unwrap();
        let data: Vec<_> =
            master.session_data.iter().map(|data| (&*data.data_id, data.language.as_deref())).collect();
        assert_eq!(data, [("example.title", Some("de")), ("example.event", None)], "{text}");
        let steering = "#EXT-X-CONTENT-STEERING:SERVER-URI=\"https://steer.example/a?b=1&c=2\"\n";
        assert!(text.contains(steering), "{text}");
        let text = riserd.get(&format!("{source}/manifest.mpd")).text();
        let mpd = Document::parse(&text).unwrap();
        let found = |name: &str| mpd.descendants().find(|node| node.tag_name().name() == name).unwrap();
        assert_eq!(found("ContentSteering").text(), Some("https://steer.example/a?b=1&c=2"));
        let server = found("ContentSteering").attribute("defaultServiceLocation");
        assert_eq!(found("BaseURL").attribute("serviceLocation"), server);
    }
    riserd.operate(&format!("/programs/{program}/stop"));
    wait::until("it is on demand", PATIENCE, || {
        riserd.get("/vod/show/manifest.mpd").text().contains("type=\"static\"")
    });
    assert!(riserd.get("/vod/show/master.m3u8").text().contains("EXT-X-SESSION-DATA"));
}
