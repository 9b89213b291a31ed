//! The start-up test of a family: a few pictures through every encoder, and a hard look at what comes out.
//!
//! A driver that is there may still refuse a size, lose pictures, or give no key frame where one is asked for; this is
//! where it shows, and not in the viewers' pictures.

use std::{fmt, sync::mpsc::sync_channel};

use media::{Coding, Pictures, Rendition};

use super::{Builder, Encoded, Picture, Plan};
use crate::{
    error::Error,
    frame::{Frame, Pool},
    picture::slate,
};

/// Pictures pushed, and the one in their middle that must be a key frame again.
const PICTURES: u64 = 6;
const KEY: u64 = 3;

/// What is wrong with a family.
#[derive(Debug)]
pub enum Flaw {
    /// Encoders of this coding do not give key frames where they are asked for, and only there.
    KeyFrames(Coding, String),
    /// Anything else.
    Other(String),
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeyFrames(_, words) | Self::Other(words) => f.write_str(words),
        }
    }
}

/// Encodes a few pictures with all encoders of `plan`. It does not return if one of them hangs in its driver.
pub fn run(plan: &Plan, build: &Builder) -> Result<(), Flaw> {
    let encoded = encode(plan, build).map_err(|error| Flaw::Other(error.to_string()))?;
    plan.renditions.iter().enumerate().try_for_each(|(track, rendition)| {
        let of_track: Vec<_> = encoded.iter().filter(|encoded| usize::from(encoded.track) == track).collect();
        judge(&of_track, plan, rendition)
    })
}

fn encode(plan: &Plan, build: &Builder) -> Result<Vec<Encoded>, Error> {
    // Room for twice what is expected: nothing waits for anybody.
    let room = usize::try_from(2 * PICTURES).unwrap_or(1) * plan.renditions.len();
    let (out, encoded) = sync_channel(room);
    let frame = picture(plan)?;
    let mut ladder = build(plan, &out)?;
    for slot in 0..PICTURES {
        ladder.push(&Picture {
            frame: frame.clone(),
            slot,
            captured: 0,
            captions: Vec::new(),
            sync: slot % KEY == 0,
        })?;
    }
    ladder.finish()?;
    Ok(encoded.try_iter().collect())
}

fn picture(plan: &Plan) -> Result<Frame, Error> {
    let top = &plan.renditions[0];
    Pool::new(u32::from(top.width), u32::from(top.height))?
        .draw(|out| slate::draw("Self-test", &["of the encoders"], out))
}

/// What is wrong with the samples of one rendition.
fn judge(encoded: &[&Encoded], plan: &Plan, rendition: &Rendition) -> Result<(), Flaw> {
    let Rendition { name, width, height, coding, .. } = rendition;
    let slots = encoded.iter().map(|encoded| encoded.sample.decode_time);
    let duration = u64::from(plan.grid.rate.frame_duration());
    if !slots.eq((0..PICTURES).map(|slot| slot * duration)) {
        let words = format!("{name}: of {PICTURES} pictures {} came out, or at other times", encoded.len());
        return Err(Flaw::Other(words));
    }
    for Encoded { codec, .. } in encoded {
        if let Some(Pictures { width: wide, height: high, .. }) = codec.pictures()
            && (wide, high) != (*width, *height)
        {
            let words = format!("{name}: pictures of {wide}x{high} came out, not of {width}x{height}");
            return Err(Flaw::Other(words));
        }
        if *codec != encoded[0].codec {
            return Err(Flaw::Other(format!("{name}: the codec parameters change on the way")));
        }
    }
    let keys = encoded.iter().map(|encoded| encoded.sample.sync);
    if !keys.eq((0..PICTURES).map(|slot| slot % KEY == 0)) {
        return Err(Flaw::KeyFrames(
            *coding,
            format!("{name}: key frames do not come where they are asked for"),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use media::{Codec, FrameRate, Grid, Profile, RateControl, Sample};

    use super::*;

    fn plan() -> Plan {
        let rate = FrameRate::new(25, 1).unwrap();
        Plan {
            grid: Grid::new(rate, 1600, 200),
            renditions: Vec::new(),
            software_budget: 0,
            rate_control: RateControl::Constant,
        }
    }

    fn good() -> Vec<Encoded> {
        let plan = plan();
        let duration = plan.grid.rate.frame_duration();
        let codec =
            Arc::new(Codec::H264 { config: Bytes::new(), width: 640, height: 360, rate: plan.grid.rate });
        let sample = |slot: u64| Sample {
            decode_time: slot * u64::from(duration),
            duration,
            composition_offset: 0,
            sync: slot.is_multiple_of(3),
            filler: false,
            captured: 0,
            data: Bytes::new(),
        };
        (0..6).map(|slot| Encoded { track: 0, codec: Arc::clone(&codec), sample: sample(slot) }).collect()
    }

    fn verdict(spoil: impl FnOnce(&mut Vec<Encoded>)) -> Result<(), String> {
        let mut encoded = good();
        spoil(&mut encoded);
        let rendition = Rendition {
            name: "360p".to_owned(),
            coding: Coding::H264,
            profile: Profile::High,
            width: 640,
            height: 360,
            bitrate: 1,
        };
        judge(&encoded.iter().collect::<Vec<_>>(), &plan(), &rendition).map_err(|flaw| match flaw {
            Flaw::KeyFrames(..) => "keys".to_owned(),
            Flaw::Other(words) => words,
        })
    }

    #[test]
    fn every_flaw_is_seen() {
        assert_eq!(verdict(|_| {}), Ok(()));
        assert_eq!(verdict(|all| all[3].sample.sync = false), Err("keys".to_owned()));
        assert_eq!(verdict(|all| all[4].sample.sync = true), Err("keys".to_owned()));
        let lost = "360p: of 6 pictures 5 came out, or at other times".to_owned();
        assert_eq!(verdict(|all| drop(all.pop())), Err(lost.clone()));
        assert_eq!(verdict(|all| drop(all.remove(2))), Err(lost));
        assert!(verdict(|all| all[5].sample.decode_time += 1).is_err());
        let other = |height| {
            let config = Bytes::from_static(b"other");
            Arc::new(Codec::H264 { config, width: 640, height, rate: plan().grid.rate })
        };
        assert_eq!(
            verdict(|all| all[0].codec = other(368)),
            Err("360p: pictures of 640x368 came out, not of 640x360".to_owned())
        );
        assert_eq!(
            verdict(|all| all[5].codec = other(360)),
            Err("360p: the codec parameters change on the way".to_owned())
        );
    }
}
