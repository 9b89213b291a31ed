//! Any stored samples, and any units at any times, are read: cues in order within what was asked for, rows on the screen.
#![no_main]

use libfuzzer_sys::fuzz_target;
use media::Coding;
use subtitle::{Channel, Cue, read, sei, webvtt};

/// Times, the stretch asked for, units, samples.
type Input<'a> = (u64, (u32, u32), Vec<(u32, Vec<[u8; 3]>)>, Vec<&'a [u8]>);

fuzz_target!(|input: Input| {
    let (start, (from, length), units, samples) = input;
    let mut at = start;
    let mut pictures: Vec<read::Picture> = Vec::new();
    for (step, units) in units {
        at = at.saturating_add(u64::from(step));
        pictures.push(read::Picture { at, units });
    }
    for sample in samples {
        for coding in [Coding::H264, Coding::H265] {
            let units = sei::units(coding, sample);
            assert!(units.len() <= sample.len() / 3);
            at = at.saturating_add(33_366_667);
            pictures.push(read::Picture { at, units });
        }
    }
    let from = start.saturating_add(u64::from(from));
    let to = from.saturating_add(u64::from(length));
    for name in ["CC1", "CC2", "CC3", "CC4"] {
        let channel = Channel::of(name).expect("it is a channel");
        let cues = read::cues(channel, pictures.iter().cloned(), from, to);
        check(&cues, from, to);
        assert!(webvtt::segment(&cues, from).starts_with("WEBVTT\n"));
    }
});

fn check(cues: &[Cue], from: u64, to: u64) {
    assert!(cues.windows(2).all(|two| two[0].end <= two[1].begin));
    for cue in cues {
        assert!(from <= cue.begin && cue.begin < cue.end && cue.end <= to && !cue.rows.is_empty());
        for row in &cue.rows {
            let length: usize = row.spans.iter().map(|span| span.text.chars().count()).sum();
            assert!((1..=15).contains(&row.row) && usize::from(row.column) + length <= 32);
        }
    }
}
