//! An input that is not there when the box wakes up: the slate until it comes, the ladder it deserves when it comes.

use std::{fs, path::Path, time::Duration};

use riser_tests::{Riserd, footage, riserd::PATIENCE, wait};
use tempfile::TempDir;

fn input(path: &Path) -> String {
    format!("[channel.input]\nkind = 'file'\npath = '{}'\n", path.display())
}

fn whole_segments(riserd: &Riserd, track: &str, count: usize) {
    riserd.wait_for_segments(&[track, "audio"], count);
}

#[test]
fn a_late_input_gets_its_own_ladder_and_a_missing_one_keeps_its_rewind() {
    let folder = TempDir::new().unwrap();
    let clip = footage::short_clip(folder.path(), 8, 4);
    let away = folder.path().join("away.mp4");
    fs::rename(&clip, &away).unwrap();

    // Nothing is known of the input: the slate comes at 720p30.
    let mut riserd = Riserd::start(&input(&clip));
    whole_segments(&riserd, "720p", 2);
    assert_eq!(riserd.state("/channels/0/input/state"), "no_device");
    assert_eq!(riserd.state("/channels/0/frame_rate"), "30");

    // It comes, 640x360 at 24 frames/s, and no ladder is stretched beyond it.
    fs::rename(&away, &clip).unwrap();
    wait::until("it is planned for", PATIENCE, || riserd.state("/channels/0/frame_rate") == "24");
    whole_segments(&riserd, "360p", 2);
    assert_eq!(riserd.state("/channels/0/input/state"), "ok");
    assert_eq!(riserd.playlist("720p").map(|playlist| playlist.text), None);
    assert_eq!(riserd.count("/processes/1/restarts"), 0, "planned anew is not broken");

    // The box wakes up without it: what it was is remembered, so the stream goes on with its rewind.
    let oldest = riserd.playlist("360p").unwrap().segments[0].number;
    wait::until("a segment is recorded", PATIENCE, || riserd.count("/store/seconds") > 1);
    riserd.terminate();
    riserd.wait();
    fs::rename(&clip, &away).unwrap();
    riserd.start_again();
    let resumed = wait::for_some("it goes on", Duration::from_secs(20), || {
        let playlist = riserd.playlist("360p")?;
        (!playlist.ended && playlist.breaks() == 1).then_some(playlist)
    });
    assert_eq!(resumed.segments[0].number, oldest, "{}", resumed.text);
    assert_eq!(riserd.state("/channels/0/input/state"), "no_device");
    assert_eq!(riserd.state("/channels/0/frame_rate"), "24");

    // It comes again as it was: nothing changes but the picture.
    fs::rename(&away, &clip).unwrap();
    wait::until("the input is back", PATIENCE, || riserd.state("/channels/0/input/state") == "ok");
    let number = riserd.playlist("360p").unwrap().last_whole().unwrap();
    riserd.wait_for("360p", number + 2);
    let playlist = riserd.playlist("360p").unwrap();
    assert_eq!(playlist.breaks(), 1, "{}", playlist.text);
    assert_eq!(riserd.count("/processes/1/restarts"), 0);
}
