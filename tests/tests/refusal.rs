//! Bad input: what is wrong is named, and the box ends or goes on as it should.

use std::{
    fs,
    net::TcpListener,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use riser_tests::{
    Riserd, peers,
    riserd::{self, SMALL, TRACKS},
    wait,
};
use tempfile::TempDir;

/// Wrong usage and wrong settings (sysexits.h): nobody starts the box again for them.
const EX_USAGE: i32 = 64;
/// What may be otherwise next time.
const EX_FAILURE: i32 = 1;
const EX_CONFIG: i32 = 78;

/// Runs `riserd` on a document to its end; its status and what it said.
fn run(document: &str) -> (ExitStatus, String) {
    let folder = TempDir::new().unwrap();
    let settings = folder.path().join("settings.toml");
    fs::write(&settings, document).unwrap();
    run_with(&["--config", &settings.to_string_lossy()])
}

fn run_with(arguments: &[&str]) -> (ExitStatus, String) {
    let mut child = riserd::command().args(arguments).stderr(Stdio::piped()).spawn().unwrap();
    let begun = std::time::Instant::now();
    let status = wait::for_some("riserd ends", Duration::from_secs(15), || {
        if begun.elapsed() > Duration::from_secs(10) {
            let _ = child.kill();
        }
        child.try_wait().unwrap()
    });
    let said = std::io::read_to_string(child.stderr.take().unwrap()).unwrap();
    (status, said)
}

/// A document with free addresses in front of `settings`.
fn document(settings: &str) -> (TempDir, String) {
    let state = TempDir::new().unwrap();
    let [viewers, management] = riserd::free_addresses();
    let document = riserd::document(state.path(), viewers, management, settings);
    (state, document)
}

#[test]
fn settings_that_are_wrong_end_the_box_and_name_the_field() {
    for (settings, named) in [
        ("[channel\n", "line"),
        ("[[board]]\nid = 'qemu'\n", "`board`: found sequence"),
        ("[[channel]]\n[[channel]]\n", "channel[1].name"),
        ("[channel]\nsegmentms = 2000\n", "channel.segmentms"),
        ("[[endpoint]]\nname = 'a'\nallow = ['10.0.0.1/33']\n", "`endpoint[0].allow`: the prefix"),
        ("[channel]\nsegment_ms = 'long'\n", "channel.segment_ms"),
        ("[channel]\nsegment_ms = 1700\npart_ms = 300\n", "channel.part_ms"),
        ("[channel.input]\nkind = 'tape'\n", "channel.input.kind"),
        ("[channel.input]\nkind = 'file'\n", "channel.input.path"),
        ("[channel.input]\nkind = 'test'\nwidth = 640\n", "channel.input.width"),
        ("[[channel.ladder]]\nheight = 361\nbitrate = 500000\n", "channel.ladder[0].height"),
        ("[[channel.ladder]]\nheight = 360\n", "channel.ladder[0]"),
    ] {
        let (_state, document) = document(settings);
        let (status, said) = run(&document);
        assert_eq!(status.code(), Some(EX_CONFIG), "{settings}: {said}");
        assert!(said.contains(named) && said.contains("line"), "{settings} should name {named}: {said}");
        assert_eq!(said.lines().count(), 1, "one plain line: {said}");
    }
}

#[test]
fn a_policy_that_is_not_there_ends_the_box() {
    let endpoint = "[[endpoint]]\nname = 'a'\nlisten = '127.0.0.1:0'\ncross_domain_policy = '/none/x.xml'\n";
    let (_state, document) = document(endpoint);
    let (status, said) = run(&document);
    assert_eq!(status.code(), Some(EX_CONFIG), "{said}");
    assert!(said.contains("endpoint[0].cross_domain_policy: /none/x.xml"), "{said}");
}

#[test]
fn an_unknown_board_ends_the_box() {
    let (_state, document) = document("[board]\nid = 'no-such-board'\n");
    let (status, said) = run(&document);
    assert_eq!(status.code(), Some(EX_CONFIG), "{said}");
    assert!(said.contains("board") && said.contains("no-such-board"), "{said}");
}

#[test]
fn a_taken_port_ends_the_box() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = holder.local_addr().unwrap();
    let [free, _] = riserd::free_addresses();
    let state = TempDir::new().unwrap();
    for (field, viewers, management) in [("viewers.listen", taken, free), ("management.listen", free, taken)]
    {
        let (status, said) = run(&riserd::document(state.path(), viewers, management, ""));
        assert_eq!(status.code(), Some(EX_FAILURE), "{said}");
        assert!(said.contains(field) && said.contains(&taken.to_string()), "{field}: {said}");
    }
}

#[test]
fn a_second_daemon_on_the_same_state_ends_and_harms_nothing() {
    let riserd = Riserd::live(SMALL, &TRACKS, 1);
    let [viewers, management] = riserd::free_addresses();
    let (status, said) = run(&riserd::document(riserd.state_dir(), viewers, management, ""));
    assert_eq!(status.code(), Some(EX_FAILURE), "{said}");
    assert!(said.contains("state_dir") && said.contains("another riserd"), "{said}");
    let last = riserd.playlist("360p").unwrap().last_whole().unwrap();
    riserd.wait_for("360p", last + 2);
    assert_eq!(riserd.count("/processes/1/restarts"), 0);
}

#[test]
fn wrong_usage_is_told() {
    for (arguments, named) in [
        (&["--config"][..], "config"),
        (&[], "--config is missing"),
        (&["--config", "x.toml", "--colour", "red"], "--colour"),
    ] {
        let (status, said) = run_with(arguments);
        assert_eq!(status.code(), Some(EX_USAGE), "{said}");
        assert!(said.contains(named) && said.contains("usage:"), "{said}");
    }
    let (status, said) = run_with(&["--config", "/no/such/settings.toml"]);
    assert_eq!(status.code(), Some(EX_CONFIG), "{said}");
    assert!(said.contains("/no/such/settings.toml"), "{said}");
}

#[test]
fn a_missing_camera_is_told_and_viewers_see_the_slate() {
    let settings = SMALL.replace("kind = \"test\"", "kind = 'camera'\ndevice = '/dev/video99'");
    input_is_refused(&settings, "no_device", ["channel.input.device", "/dev/video99"]);
}

#[test]
fn a_missing_file_is_told_and_viewers_see_the_slate() {
    input_is_refused(
        &file_input("/no/such/clip.mp4"),
        "no_device",
        ["channel.input.path", "/no/such/clip.mp4"],
    );
}

#[test]
fn a_file_without_pictures_is_told_and_viewers_see_the_slate() {
    let folder = TempDir::new().unwrap();
    let sound = folder.path().join("sound.mp4").to_string_lossy().into_owned();
    peers::ffmpeg(&["-f", "lavfi", "-i", "sine=duration=2", "-c:a", "aac", &sound], Duration::from_secs(20));
    input_is_refused(&file_input(&sound), "unsupported", ["channel.input.path", "no video"]);
}

#[test]
fn a_file_that_is_no_film_is_told_and_viewers_see_the_slate() {
    let folder = TempDir::new().unwrap();
    let text = folder.path().join("text.mp4");
    fs::write(&text, "not a film\n".repeat(1000)).unwrap();
    input_is_refused(&file_input(&text.to_string_lossy()), "unsupported", ["channel.input.path", "text.mp4"]);
}

fn file_input(path: &str) -> String {
    format!(
        "[channel.input]\nkind = 'file'\npath = '{path}'\n[[channel.ladder]]\nheight = 180\nbitrate = 200000\n"
    )
}

/// The box is up, says why its input gives nothing, and viewers have something to play.
fn input_is_refused(settings: &str, state: &str, named: [&str; 2]) {
    let riserd = Riserd::start(settings);
    wait::until(&format!("input is {state}"), Duration::from_secs(10), || {
        riserd.state("/channels/0/input/state") == state
    });
    riserd.wait_for_segments(&["180p", "audio"], 1);
    let slate = || riserd.count("/channels/0/input/slate") > 0;
    wait::until("the slate is counted", Duration::from_secs(5), slate);
    let input = riserd.state("/channels/0/input");
    println!("{}", input["reason"]);
    assert_eq!(input["state"], state, "{input}");
    let reason = input["reason"].as_str().unwrap();
    assert!(named.iter().all(|named| reason.contains(named)), "{named:?} in {input}");
    assert!(input["since"].as_u64() > Some(0) && input["frames_in"] == 0, "{input}");
    assert_eq!(riserd.count("/processes/1/restarts"), 0, "a bad input is no reason to end the worker");
}

#[test]
fn a_recording_too_large_for_its_disk_is_told_and_live_goes_on() {
    let riserd = Riserd::start_edited(SMALL, |document| {
        document.replace("'64MiB'", "'64TiB'").replace("'4MiB'", "'1GiB'")
    });
    riserd.wait_for_segments(&TRACKS, 2);
    let store = riserd.state("/store");
    let reason = store["reason"].as_str().unwrap();
    assert_eq!(store["state"], "not_recording", "{store}");
    assert!(reason.contains("bytes free") && reason.contains("smaller `size`"), "{reason}");
}
