//! Subtitles: ffprobe finds the packets of a `wvtt` track, without a hole.

use std::fs;

use riser_cmaf::text::{Cue, init, segment};

use crate::probe;

#[test]
fn ffprobe_reads_the_text_that_was_written() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("text.mp4");
    let begin = 1_745_000_000_000;
    let cue = |begin, end, text: &str| Cue { begin, end, settings: "line:79.33%".into(), text: text.into() };
    let cues = [cue(begin + 500, begin + 1700, "one &amp; all"), cue(begin + 2000, begin + 5000, "two")];
    let mut file = init(Some("deu"), 1000).unwrap().to_vec();
    for nth in 0..3 {
        let line = begin + u64::from(nth) * 1600;
        file.extend(segment(nth + 1, line, line + 1600, &cues).unwrap());
    }
    fs::write(&path, file).unwrap();
    let stream = probe(&path, &["-show_entries", "stream=codec_tag_string,time_base:stream_tags=language"]);
    assert_eq!(stream, ["codec_tag_string=wvtt", "time_base=1/1000", "TAG:language=deu"]);
    // Of text without a decoder, ffprobe 5.1 does not tell durations: a packet lasts until the next.
    let packets = probe(&path, &["-show_entries", "packet=pts,size"]);
    let packet = |(from, size): (u64, u64)| [format!("pts={}", begin + from), format!("size={size}")];
    // Eight bytes of each box: two without text, three with.
    let (none, one, two) = (8, 8 + 19 + 8 + 13, 8 + 19 + 8 + 3);
    let expected = [(0, none), (500, one), (1600, one), (1700, none), (2000, two), (3200, two)];
    assert_eq!(packets, expected.map(packet).concat());
}
