use std::{collections::HashMap, io};

use super::*;

const BASE: &str = r#"
description = "what all share"
[encoder]
families = ["va", "software"]
[encoder.hardware]
pixels_per_second = 500000000
[encoder.software]
pixels_per_second_per_core = 60000000
[limits]
channels = 1
[[connector]]
name = "USB 1"
bus = "usb:1-1"
"#;

fn load_from(id: &str, files: &[(&str, &str)]) -> Result<Board, String> {
    let files: HashMap<_, _> = files.iter().copied().collect();
    let read = |name: &str| {
        files.get(name).map(|text| (*text).to_owned()).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    };
    load(id, read).map_err(|error| error.to_string())
}

/// The answer to a board `it` that extends `BASE`.
fn load_it(text: &str) -> Result<Board, String> {
    load_from("it", &[("base.toml", BASE), ("it/board.toml", text)])
}

#[test]
fn tables_merge_and_lists_replace() {
    let board =
        load_it("id = 'it'\ninherit = 'base'\nencoder.families = ['software']\nlimits.channels = 2").unwrap();
    assert_eq!(board.description, "what all share");
    assert_eq!(board.encoder.families, [Family::Software]);
    assert_eq!(board.encoder.hardware.unwrap().pixels_per_second, 500_000_000);
    assert_eq!(board.encoder.software.unwrap().pixels_per_second(4), 240_000_000);
    assert_eq!(board.limits.channels, 2);
    assert_eq!(board.connectors[0].bus, "usb:1-1");
}

#[test]
fn a_board_may_extend_another_board() {
    let board = load_from(
        "rev-b",
        &[
            ("base.toml", BASE),
            ("rev-a/board.toml", "id = 'rev-a'\ninherit = 'base'\nlimits.channels = 3\ndescription = 'A'"),
            ("rev-b/board.toml", "id = 'rev-b'\ninherit = 'rev-a'\ndescription = 'B'\nconnector = []"),
        ],
    )
    .unwrap();
    assert_eq!((board.id.as_str(), board.description.as_str(), board.limits.channels), ("rev-b", "B", 3));
    assert!(board.connectors.is_empty());
}

#[test]
fn bad_boards_are_refused_with_file_line_and_field() {
    for (text, expected) in [
        ("id = 'it'\ninherit = 'none'", "none/board.toml: entity not found"),
        (
            "id = 'it'\ninherit = 'it'",
            "it/board.toml, line 2, `inherit`: it/board.toml inherits from this file in turn",
        ),
        ("id = 'at'\ninherit = 'base'", "it/board.toml, line 1, `id`: must be the name of its folder, `it`"),
        ("inherit = 'base'", "it/board.toml, line 1, `id`: must be the name of its folder, `it`"),
        (
            "id = 'it'",
            "it/board.toml, line 1, `description`: missing: one sentence that says what box this is",
        ),
        (
            "id = 'it'\ndescription = 'x'\nencoder.families = ['software']",
            "it/board.toml, line 3, `encoder.software.pixels_per_second_per_core`: \
             missing, though `software` is one of the encoder families",
        ),
        (
            "id = 'it'\ndescription = 'x'\nencoder.families = ['va']",
            "it/board.toml, line 3, `encoder.hardware.pixels_per_second`: \
             missing, though not every encoder family is `software`",
        ),
        (
            "id = 'it'\ninherit = 'base'\n[encoder]\nfamilies = ['nvenc']",
            "it/board.toml, line 4, `encoder.families[0]`: \
             found `nvenc`, expected one of `vaapi`, `va`, `v4l2m2m`, `software`",
        ),
        (
            "id = 'it'\ninherit = 'base'\nencoder.families = ['va', 'va']",
            "it/board.toml, line 3, `encoder.families[1]`: this family is named twice",
        ),
        (
            "id = 'it'\ninherit = 'base'\n[limits]\nchanels = 2",
            "it/board.toml, line 4, `limits.chanels`: there is no such setting; expected `channels`",
        ),
        (
            "id = 'it'\ninherit = 'base'\n[temperature]\nzones = ['x']\nhot = 80\ncool = 80",
            "it/board.toml, line 6, `temperature.cool`: 80 must be below temperature.hot, 80",
        ),
        (
            "id = 'it'\ninherit = 'base'\n[temperature]\nzones = []\nhot = 80\ncool = 70",
            "it/board.toml, line 4, `temperature.zones`: missing: at least one thermal zone",
        ),
        (
            "id = 'it'\ninherit = 'base'\n[[connector]]\nname = 'A'\nbus = 'isa:1'",
            "it/board.toml, line 5, `connector[0].bus`: found string \"isa:1\", expected a bus path such as \
             \"usb:1-1\", \"pci:0000:03:00.0\" or \"platform:fe801000.csi\"",
        ),
        (
            "id = ",
            "it/board.toml, line 1: this is not TOML: string values must be quoted, expected literal string",
        ),
    ] {
        assert_eq!(load_it(text).unwrap_err(), expected, "\n{text}");
    }
}

#[test]
fn two_boards_that_extend_each_other_are_refused() {
    let files = [("a/board.toml", "id = 'a'\ninherit = 'b'"), ("b/board.toml", "id = 'b'\ninherit = 'a'")];
    let expected = "b/board.toml, line 2, `inherit`: a/board.toml inherits from this file in turn";
    assert_eq!(load_from("a", &files).unwrap_err(), expected);
}
