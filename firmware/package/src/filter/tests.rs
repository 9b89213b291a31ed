use super::*;

fn read(json: &str) -> Result<Filter, serde_json::Error> {
    serde_json::from_str(json)
}

fn wrong(json: &str) -> (String, String) {
    let Problem { field, problem } = read(json).unwrap().check().unwrap_err();
    (field, problem)
}

#[test]
fn a_filter_is_read_as_it_is_written() {
    let json = r#"{"presentation_time_range":{"start":1,"end":2,"presentation_window":600000000,"live_backoff":0,"timescale":10000000,"force_end":true},"tracks":[[{"property":"type","operator":"equal","value":"video"},{"property":"bitrate","operator":"not_equal","value":"0-2427000"}],[{"property":"name","operator":"equal","value":"audio"},{"property":"language","operator":"equal","value":"de-AT"},{"property":"codec","operator":"equal","value":"mp4a"}]],"first_quality":2200000}"#;
    let filter = read(json).unwrap();
    assert_eq!(filter.check(), Ok(()));
    assert_eq!(serde_json::to_string(&filter).unwrap(), json);
    assert_eq!(read("{}").unwrap(), Filter::default());
    let range = read(r#"{"presentation_time_range":{}}"#).unwrap().presentation_time_range;
    assert_eq!(range, Some(PresentationTimeRange::default()));
}

#[test]
fn what_is_not_known_is_refused() {
    for json in [
        r#"{"track":[]}"#,
        r#"{"presentation_time_range":{"begin":1}}"#,
        r#"{"presentation_time_range":{"start":-1}}"#,
        r#"{"tracks":[[{"property":"type","operator":"equal","value":"video","case":1}]]}"#,
        r#"{"tracks":[[{"property":"fourcc","operator":"equal","value":"avc1"}]]}"#,
        r#"{"tracks":[[{"property":"type","operator":"like","value":"video"}]]}"#,
    ] {
        assert!(read(json).is_err(), "{json}");
    }
}

#[test]
fn problems_name_the_field() {
    for (json, field, problem) in [
        (r#"{"presentation_time_range":{"timescale":0}}"#, "timescale", "is zero"),
        (r#"{"presentation_time_range":{"start":5,"end":5}}"#, "end", "is not after start"),
        (r#"{"presentation_time_range":{"force_end":true}}"#, "force_end", "needs an end"),
        (
            r#"{"presentation_time_range":{"end":9223372036854775807,"force_end":true}}"#,
            "force_end",
            "needs an end",
        ),
        (
            r#"{"presentation_time_range":{"presentation_window":599999999}}"#,
            "presentation_window",
            "is less than 60 seconds",
        ),
        (
            r#"{"presentation_time_range":{"live_backoff":300001,"timescale":1000}}"#,
            "live_backoff",
            "is more than 300 seconds",
        ),
    ] {
        assert_eq!(wrong(json), (format!("presentation_time_range.{field}"), problem.to_owned()), "{json}");
    }
    let condition = |property: &str, value: &str| {
        let fine = r#"{"property":"type","operator":"equal","value":"video"}"#;
        wrong(&format!(
            r#"{{"tracks":[[{fine}],[{fine},{{"property":"{property}","operator":"equal","value":"{value}"}}]]}}"#
        ))
    };
    let long = "x".repeat(65);
    for (property, value) in [
        ("type", "Video"),
        ("name", ""),
        ("name", long.as_str()),
        ("language", "de_AT"),
        ("codec", "avc1.64001f"),
        ("codec", "a b1"),
        ("bitrate", "2-1"),
        ("bitrate", "-5"),
        ("bitrate", "+5"),
        ("bitrate", "1-"),
        ("bitrate", "1-2-3"),
        ("bitrate", "99999999999999999999"),
    ] {
        assert_eq!(condition(property, value).0, "tracks[1][1].value", "{property} {value}");
    }
    assert_eq!(wrong(r#"{"tracks":[[]]}"#), ("tracks[0]".to_owned(), "has no conditions".to_owned()));
    assert_eq!(wrong(r#"{"first_quality":0}"#).0, "first_quality");
    let many = Filter { tracks: vec![Vec::new(); 33], ..Filter::default() };
    assert_eq!(many.check().unwrap_err().field, "tracks");
}

#[test]
fn the_greatest_value_sets_no_bound() {
    let range = PresentationTimeRange {
        start: Some(UNBOUNDED),
        end: Some(UNBOUNDED),
        presentation_window: Some(UNBOUNDED),
        live_backoff: Some(UNBOUNDED),
        ..PresentationTimeRange::default()
    };
    let filter = Filter { presentation_time_range: Some(range), ..Filter::default() };
    assert_eq!(filter.check(), Ok(()));
    let grid = media::Grid::new("25".parse().unwrap(), 1600, 200);
    assert_eq!(limits::Limits::of(&[&filter], &grid), limits::Limits::default());
    assert_eq!(UNBOUNDED, 9_223_372_036_854_775_807);
}
