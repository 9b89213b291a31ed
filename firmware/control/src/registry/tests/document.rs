use serde_json::{Value, json};

use super::*;
use crate::Error;

/// Everything there can be, in one document.
fn full() -> Bench {
    let mut the = Bench::live();
    let (_, asset) = the.asset();
    the.ask(publish(&asset, Some("council"))).unwrap();
    the.ask(clip(&asset, NOW + 100, NOW + 2100)).unwrap();
    the.ask(mark(&asset, Some(NOW + 100), Some(NOW + 200))).unwrap();
    for asset in [None, Some(asset)] {
        the.ask(Command::PutFilter { asset, name: "tv".into(), filter: Default::default() }).unwrap();
    }
    let running = the.create_program("Running", Some(300));
    the.record(&running);
    the
}

fn load(value: &Value) -> Result<Registry, Error> {
    Registry::load(value.to_string().as_bytes(), Limits::default())
}

#[test]
fn what_is_saved_loads_and_unknown_fields_are_left_out() {
    let the = full();
    let mut value: Value = serde_json::from_slice(&the.registry.save()).unwrap();
    assert_eq!(load(&value).unwrap(), the.registry);
    value["later"] = json!(1);
    value["objects"]["later"] = json!([1]);
    value["objects"]["channels"]["main"]["later"] = json!({});
    assert_eq!(load(&value).unwrap(), the.registry);
}

#[test]
fn another_version_or_text_is_refused() {
    let mut value: Value = serde_json::from_slice(&full().registry.save()).unwrap();
    value["version"] = json!(2);
    let error = load(&value).unwrap_err().to_string();
    assert_eq!(error, "the registry has version 2, this release reads version 1");
    for bad in ["", "{}", "[]", "{\"version\":1}", "{\"version\":\"1\"}", "\0"] {
        assert!(matches!(Registry::load(bad.as_bytes(), Limits::default()), Err(Error::Read(_))), "{bad}");
    }
}

#[test]
fn a_document_that_contradicts_itself_is_refused() {
    let value: Value = serde_json::from_slice(&full().registry.save()).unwrap();
    let objects = &full().registry.objects.clone();
    let (program, _) = objects.programs.iter().find(|(_, p)| p.state == life::Program::Running).unwrap();
    let (clip, _) = objects.assets.iter().find(|(_, asset)| asset.parent.is_some()).unwrap();
    for (path, wrong, says) in [
        ("/channels/main/settings/name".to_owned(), json!("hall"), "another name"),
        ("/channels/main/settings/input/kind".into(), json!("file"), "needs the path"),
        (format!("/programs/{program}/channel"), json!("hall"), "its channel is not there"),
        (format!("/programs/{program}/asset"), json!("x"), "its asset is not there"),
        (format!("/programs/{program}/asset"), json!(clip), "belongs to another program"),
        (format!("/programs/{program}/state"), json!("stopped"), "in another state"),
        (format!("/assets/{clip}/parent"), json!("x"), "clipped from is not there"),
        (format!("/assets/{clip}/program"), json!("x"), "its program is not there"),
        (format!("/assets/{clip}/locator"), json!("council"), "belongs to another asset"),
        (format!("/assets/{clip}/recording"), json!(true), "no program records into it"),
        (format!("/assets/{clip}/range/last"), json!(null), "do not agree"),
        (format!("/assets/{clip}/range/last"), json!(5), "impossible"),
        (format!("/assets/{clip}/range/last"), json!(u64::MAX), "impossible"),
        (format!("/assets/{clip}/range/grid/frames_per_part"), json!(0), "impossible"),
        (format!("/assets/{clip}/range/to"), json!(5), "impossible"),
    ] {
        let mut value = value.clone();
        *value.pointer_mut(&format!("/objects{path}")).expect(&path) = wrong;
        let error = load(&value).expect_err(&path);
        assert!(matches!(error, Error::Check(_)) && error.to_string().contains(says), "{path}: {error}");
    }
}
