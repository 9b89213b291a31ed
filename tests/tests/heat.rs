//! A box that grows hot.

use std::{fs, path::Path, time::Duration};

use riser_tests::{
    riserd::{self, Riserd, SMALL},
    wait,
};
use serde_json::json;
use tempfile::TempDir;

/// A thermal zone with this temperature, as the kernel shows one.
fn is_at(sys: &Path, celsius: u32) {
    let zone = sys.join("class/thermal/thermal_zone0");
    fs::create_dir_all(&zone).unwrap();
    fs::write(zone.join("type"), "cpu-thermal\n").unwrap();
    // Whole at once: the box may look at any time.
    fs::write(zone.join("new"), format!("{celsius}000\n")).unwrap();
    fs::rename(zone.join("new"), zone.join("temp")).unwrap();
}

#[test]
fn a_hot_box_gives_up_thumbnails_then_the_highest_rendition_and_stays_live() {
    let (boards, sys) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    is_at(sys.path(), 60);
    let limits = "encoder.families = ['software']\n[temperature]\nhot = 90\ncool = 80";
    riserd::make_board(boards.path(), "small", limits);
    let arguments = vec!["--board-configs".into(), boards.path().into(), "--sys".into(), sys.path().into()];
    let riserd = Riserd::start_with(arguments, &format!("{SMALL}[board]\nid = 'small'\n"));
    riserd.wait_for_segments(&["360p", "180p", "audio"], 1);
    let cool = json!({ "state": "cool", "zone": "cpu-thermal", "celsius": 60, "hot": 90, "cool": 80 });
    assert_eq!(riserd.state("/temperature"), cool);
    assert_eq!(riserd.state("/alarms"), json!([]));

    is_at(sys.path(), 93);
    let shed = || riserd.state("/channels/0/shed").as_str().unwrap().to_owned();
    let patience = Duration::from_secs(40);
    wait::until("thumbnails wait", patience, || shed() == "the box is hot: thumbnails wait");
    let alarms = riserd.state("/alarms");
    assert_eq!((&alarms[0]["id"], &alarms[1]["id"]), (&json!("overload-main"), &json!("heat")), "{alarms}");
    let told = alarms[1]["reason"].as_str().unwrap();
    assert!(told.starts_with("the box is at 93 °C (cpu-thermal), 90 are too many"), "{told}");
    wait::until("the highest rendition goes", patience, || {
        riserd.state("/channels/0/notes") == json!(["360p left out: the box is hot"])
    });
    is_at(sys.path(), 85);
    let last = riserd.playlist("180p").unwrap().next().0;
    riserd.wait_for("180p", last + 3);
    riserd.wait_for("audio", last + 3);
    assert_eq!(riserd.state("/temperature/state"), "warm");
    let alarms = riserd.state("/alarms");
    assert_eq!(
        (alarms.as_array().unwrap().len(), &alarms[0]["id"]),
        (1, &json!("overload-main")),
        "{alarms}"
    );
    assert_eq!(riserd.count("/processes/1/restarts"), 0);
}
