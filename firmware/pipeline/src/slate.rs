//! Encodes the slate that `riserd` shows while it has no worker, with the very parameters of the live encoders.

use std::{sync::mpsc::sync_channel, time::Duration};

use link::Start;

use crate::{
    encode::{BLOCK, Builder, Encoded, Picture, Plan, SoundEncoder},
    error::Error,
    pace::StandIn,
};

/// Silent blocks pushed; the encoder has settled before the last of them.
const SILENCE: u64 = 8;

/// One segment of pictures per rendition and one frame of silence per sound; decode times count from 0.
pub fn encode(start: &Start, build: &Builder) -> Result<Vec<Encoded>, Error> {
    let frames = u64::from(start.grid.frames_per_segment());
    let room = usize::try_from(frames).unwrap_or(1) * start.renditions.len() + 16;
    let (out, encoded) = sync_channel(room);

    let frame = StandIn::for_renditions(&start.renditions, &start.name)?.moment()?;
    let plan = Plan {
        grid: start.grid,
        renditions: start.renditions.clone(),
        software_budget: start.software_budget,
        rate_control: start.rate_control,
    };
    let mut ladder = build(&plan, &out)?;
    for slot in 0..frames {
        // At twice the pace of live, so that the live encoders feel little of it.
        std::thread::sleep(Duration::from_nanos(start.grid.rate.nanos_of(1) / 2));
        while !ladder.has_room() {
            std::thread::sleep(Duration::from_millis(5));
        }
        ladder.push(&Picture {
            frame: frame.clone(),
            slot,
            captured: 0,
            captions: Vec::new(),
            sync: slot == 0,
        })?;
    }
    ladder.finish()?;
    let mut slate: Vec<_> = encoded.try_iter().collect();

    for (nth, sound) in start.sounds.iter().enumerate() {
        let track = u8::try_from(start.renditions.len() + nth).unwrap_or(u8::MAX);
        let mut encoder = SoundEncoder::start(sound, track, out.clone())?;
        encoder.begin(u64::from(BLOCK));
        for _ in 0..SILENCE {
            encoder.push(vec![0; BLOCK as usize * usize::from(sound.channels)])?;
        }
        encoder.finish()?;
        slate.extend(encoded.try_iter().last());
    }
    Ok(slate)
}
