//! Encoder families over VA-API, with the real elements over a driver in software: what they give, and what becomes of a
//! channel when they fail. Nothing here tells the speed of hardware.

use std::time::Duration;

use riser_tests::{
    Riserd,
    gpu::Gpu,
    pictures::{self, LARGE},
    riserd::{SMALL, TRACKS},
    tuning, wait,
};
use serde_json::json;

const BOARD: &str = "[board]\nid = 'gpu'\n";

fn start(gpu: &Gpu) -> Riserd {
    let riserd = Riserd::start_with(gpu.arguments(), &format!("{SMALL}{BOARD}"));
    riserd.wait_for_segments(&TRACKS, 2);
    riserd
}

/// The alarm that tells of families that do not work; none where all do.
fn alarm(riserd: &Riserd) -> Option<String> {
    let alarms = riserd.state("/alarms");
    let alarm = alarms.as_array().unwrap().iter().find(|alarm| alarm["id"] == "encoder-main")?;
    assert_eq!(alarm["severity"], "warning");
    Some(alarm["reason"].as_str().unwrap().to_owned())
}

fn family(riserd: &Riserd) -> String {
    riserd.state("/channels/0/encoder_family").as_str().unwrap().to_owned()
}

/// Every picture of some segments is there, at its place, and can be read without those before.
fn whole(riserd: &Riserd, track: &str, first: u64, last: u64) {
    for number in first..=last {
        let film = pictures::decode(&riserd.film(track, [number]), LARGE);
        assert_eq!(film.len(), 48, "segment {number}");
        for (picture, slot) in film.iter().zip(number * 48..) {
            let shown = pictures::frame_number(picture, LARGE);
            assert_eq!(shown.map(u64::from), Some(slot & u64::from(u32::MAX)), "segment {number}");
        }
    }
}

#[test]
fn both_plug_ins_encode_every_picture_at_its_place() {
    for (name, element) in [("vaapi", "vaapih264enc"), ("va", "vah264enc")] {
        let gpu = Gpu::new(&[name, "software"], &[]);
        let hevc = "[[channel.ladder]]\nheight = 360\nbitrate = 400000\ncodec = 'h265'\n";
        let riserd = Riserd::start_with(gpu.arguments(), &format!("{SMALL}{hevc}{BOARD}"));
        riserd.wait_for_segments(&["360p", "360p-h265", "180p", "audio"], 2);
        assert_eq!((family(&riserd).as_str(), alarm(&riserd)), (name, None));
        let encoder = riserd.state("/channels/0/encoder");
        println!("{encoder}");
        assert!(encoder.as_str().unwrap().contains(element));
        let last = riserd.playlist("360p").unwrap().last_whole().unwrap();
        whole(&riserd, "360p", last, last);
        riserd.wait_for("360p-h265", last);
        whole(&riserd, "360p-h265", last, last);
        let log = gpu.log();
        for size in ["640x360", "320x180"] {
            let opened = log.lines().find(|line| line.contains("event=open") && line.contains(size));
            assert!(opened.unwrap().contains("mode=cbr"), "{log}");
        }
        drop(riserd);
        assert!(!gpu.log().contains("event=fault"), "{}", gpu.log());
    }
}

#[test]
fn a_board_whose_only_family_fails_says_so() {
    for families in [&["vaapi"][..], &["vaapi", "va"]] {
        let gpu = Gpu::new(families, &[("SOFT_VA_INIT_FAILS", "1")]);
        let riserd = Riserd::start_with(gpu.arguments(), &format!("{SMALL}{BOARD}"));
        wait::until("the alarm", Duration::from_secs(20), || {
            alarm(&riserd)
                .is_some_and(|told| families.iter().all(|family| told.contains(&format!("{family}: "))))
        });
        assert_eq!(riserd.state("/channels/0/encoders_refused").as_array().unwrap().len(), families.len());
        wait::until("the reason", Duration::from_secs(20), || {
            let reason = riserd.state("/channels/0/reason");
            reason.as_str().unwrap().contains("no VA-API driver offers")
        });
    }
}

#[test]
fn both_plug_ins_are_tuned_without_a_gap() {
    for name in ["vaapi", "va"] {
        let gpu = Gpu::new(&[name, "software"], &[]);
        let riserd = start(&gpu);
        tuning::tune(&riserd);
        assert_eq!((family(&riserd).as_str(), alarm(&riserd)), (name, None));
    }
}

#[test]
fn a_family_that_fails_its_test_is_stepped_down_from_and_told() {
    let cases = [
        (("SOFT_VA_WITHOUT", "h264"), "vaapi: no VA-API driver offers `vaapih264enc`"),
        (("SOFT_VA_INIT_FAILS", "1"), "va: no VA-API driver offers `vah264enc`"),
        (("SOFT_VA_FAIL_AT", "2"), "vaapi: encoder of"),
        (("SOFT_VA_MAX_SIZE", "320x240"), "vaapi: "),
    ];
    for (knob, words) in cases {
        let gpu = Gpu::new(&["vaapi", "va", "software"], &[knob]);
        let riserd = start(&gpu);
        let told = alarm(&riserd).expect("an alarm");
        println!("{knob:?}: {told}");
        assert_eq!(family(&riserd), "software");
        assert!(told.contains(words) && told.contains("va: "), "{told}");
        assert_eq!(riserd.count("/processes/1/restarts"), 0, "the worker is only given another plan");
    }
}

#[test]
fn a_driver_that_hangs_or_crashes_in_its_test_takes_only_its_family_along() {
    for (knob, words) in [("SOFT_VA_HANG_AT", "does not return"), ("SOFT_VA_ABORT_AT", "ended 2 times while")]
    {
        let once = tempfile::tempdir().unwrap();
        let once = once.path().join("done").to_string_lossy().into_owned();
        // A crash is forgiven once, so it has to come again; a hang is not.
        let knobs: &[(&str, &str)] = match knob {
            "SOFT_VA_HANG_AT" => &[(knob, "2"), ("SOFT_VA_FAULT_ONCE", &once)],
            _ => &[(knob, "2")],
        };
        let gpu = Gpu::new(&["vaapi", "software"], knobs);
        let riserd = start(&gpu);
        let told = alarm(&riserd).expect("an alarm");
        println!("{told}");
        assert_eq!(family(&riserd), "software");
        assert!(told.contains(words), "{told}");
        let last = riserd.playlist("360p").unwrap().last_whole().unwrap();
        whole(&riserd, "360p", last, last);
    }
}

#[test]
fn an_encoder_that_breaks_is_built_anew_and_the_timeline_stays() {
    for (name, knobs) in [
        ("vaapi", &["SOFT_VA_FAIL_AT", "SOFT_VA_HANG_AT", "SOFT_VA_ABORT_AT"][..]),
        ("va", &["SOFT_VA_HANG_AT"]),
    ] {
        for &knob in knobs {
            let folder = tempfile::tempdir().unwrap();
            let once = folder.path().join("done").to_string_lossy().into_owned();
            let knobs = [(knob, "100"), ("SOFT_VA_FAULT_ONCE", &*once), ("SOFT_VA_FAULT_SIZE", "640x360")];
            let gpu = Gpu::new(&[name, "software"], &knobs);
            let riserd = start(&gpu);
            let init = riserd.init("360p");
            wait::until("the fault strikes", Duration::from_secs(10), || gpu.log().contains("event=fault"));
            let back = wait::until("a new worker runs", Duration::from_secs(10), || {
                riserd.count("/processes/1/restarts") == 1 && riserd.state("/processes/1/state") == "running"
            });
            println!("{name} {knob}: built anew in {} ms", back.as_millis());
            assert!(back < Duration::from_secs(5), "2 s where nothing else competes for the machine");
            assert_eq!(
                (family(&riserd).as_str(), alarm(&riserd)),
                (name, None),
                "once is no reason to step down"
            );
            let last = riserd.playlist("360p").unwrap().last_whole().unwrap();
            riserd.wait_for("360p", last + 2);
            let playlist = riserd.playlist("360p").unwrap();
            assert_eq!(playlist.breaks(), 0, "{}", playlist.text);
            assert!(playlist.segments.iter().all(|segment| !segment.gap), "{}", playlist.text);
            assert_eq!(riserd.init("360p"), init);
            whole(&riserd, "360p", last + 2, last + 2);
        }
    }
}

#[test]
fn encoders_that_do_not_keep_up_give_up_thumbnails_then_the_highest_rendition() {
    let gpu = Gpu::new(&["va", "software"], &[("SOFT_VA_FRAME_MS", "60"), ("SOFT_VA_FAULT_SIZE", "640x360")]);
    let riserd = Riserd::start_with(gpu.arguments(), &format!("{SMALL}{BOARD}"));
    let shed = || riserd.state("/channels/0/shed").as_str().unwrap().to_owned();
    let patience = Duration::from_secs(30);
    wait::until("thumbnails wait", patience, || shed().ends_with(": thumbnails wait"));
    wait::until("the highest rendition goes", patience, || shed().contains("highest rendition is left out"));
    wait::until("the others go on alone", patience, || {
        let renditions = riserd.state("/channels/0/renditions");
        let names: Vec<_> = renditions.as_array().unwrap().iter().map(|of| of["name"].clone()).collect();
        names == ["180p", "audio"]
    });
    assert_eq!(riserd.state("/channels/0/notes"), json!(["360p left out: the encoders do not keep up"]));
    let alarms = riserd.state("/alarms").to_string();
    assert!(alarms.contains("overload-main") && alarms.contains("do not keep up"), "{alarms}");
    let before = riserd.count("/channels/0/input/skipped");
    let last = riserd.playlist("180p").unwrap().next().0;
    riserd.wait_for("180p", last + 2);
    assert_eq!(riserd.count("/channels/0/input/skipped"), before, "the rest keeps up");
    assert_eq!(riserd.count("/processes/1/restarts"), 0);
    let playlist = riserd.playlist("180p").unwrap();
    // Overload from the first picture on leaves no time for a slate, and holes while it lasts; none afterwards.
    let (before, after) = playlist.text.rsplit_once("#EXT-X-MAP").unwrap();
    assert!(before.ends_with("#EXT-X-DISCONTINUITY\n"), "{}", playlist.text);
    assert!(!after.contains("#EXT-X-DISCONTINUITY\n") && !after.contains("GAP"), "{}", playlist.text);
}

#[test]
fn a_family_that_breaks_again_and_again_is_given_up_without_losing_viewers() {
    let gpu = Gpu::new(&["va", "software"], &[("SOFT_VA_FAIL_AT", "100"), ("SOFT_VA_FAULT_SIZE", "640x360")]);
    let riserd = Riserd::start_with(gpu.arguments(), &format!("{SMALL}{BOARD}"));
    wait::until("the family is given up", Duration::from_secs(40), || alarm(&riserd).is_some());
    let told = alarm(&riserd).unwrap();
    println!("{told}");
    assert!(told.contains("broke down 3 times within a minute"), "{told}");
    wait::until("the software encodes", Duration::from_secs(10), || family(&riserd) == "software");
    let last = riserd.playlist("360p").unwrap().next().0;
    riserd.wait_for("360p", last + 2);
    whole(&riserd, "360p", last + 2, last + 2);
    assert_eq!(riserd.count("/processes/1/restarts"), 3);
    let playlist = riserd.playlist("360p").unwrap();
    assert!(playlist.breaks() <= 1, "one discontinuity, to the other encoder: {}", playlist.text);
}
