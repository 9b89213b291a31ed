//! The channel's two loops: one gives the encoders a picture for every frame slot, one a block of sound for every
//! block of time, on the timeline's clock and whatever the source does.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use channel::sound::Blocks;
use clock::Clock;
use link::{InputState, Tuning};
use media::{Grid, NANOS, Sound};

use crate::{
    encode::{BLOCK, Ladder, Picture, SoundEncoder},
    error::Error,
    frame::{Frame, Pool},
    monitor::{Count, Monitor},
    picture::slate,
    source::{Pictures, Sounds},
};

/// How long a slot waits for its picture.
const PATIENCE: u64 = NANOS / 10;
/// How long the last picture is shown again before the slate takes its place; not at all once the input is known to
/// be lost.
const HOLD: u64 = NANOS;
/// Slots this late are left out, to catch up.
const LATE: u64 = NANOS / 2;
/// How long a block waits for its sound.
const SOUND_PATIENCE: u64 = NANOS / 5;
/// Sound timestamps that wander less than this, in sample frames, are joined without a hole (25 ms).
const WANDER: u32 = 1200;

/// What both loops share.
#[derive(Clone, Debug)]
pub struct Pace {
    /// The timeline's clock.
    pub clock: Clock,
    /// Set when the worker ends.
    pub stop: Arc<AtomicBool>,
    /// Where to count.
    pub monitor: Monitor,
    /// What the encoders are to be given with the next segment.
    pub tuning: Arc<Mutex<Option<Tuning>>>,
}

impl Pace {
    /// From the next segment on the encoders have these settings.
    pub fn tune(&self, tuning: Tuning) {
        *self.tuning.lock().unwrap_or_else(PoisonError::into_inner) = Some(tuning);
    }

    fn tuned(&self) -> Option<Tuning> {
        self.tuning.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// Gives `ladder` one picture for each slot from `first` on, until stopped.
pub fn pictures(
    pace: &Pace,
    grid: &Grid,
    first: u64,
    mut source: Box<dyn Pictures>,
    mut ladder: Box<dyn Ladder>,
    mut stand_in: StandIn,
) -> Result<(), Error> {
    let mut last: Option<(u64, Frame)> = None;
    let mut gop_parts = grid.parts_per_segment;
    for slot in first.. {
        let due = grid.rate.nanos_of(slot);
        pace.clock.sleep_until(due);
        if pace.stopped() {
            break;
        }
        let begins = slot == first || grid.begins_segment(slot);
        if begins && let Some(tuning) = pace.tuned() {
            ladder.tune(&tuning.bitrates)?;
            gop_parts = tuning.gop_parts;
        }
        let sync = begins || grid.begins_group(slot, gop_parts);
        let overloaded = pace.clock.now() > due + LATE || !ladder.has_room();
        // The last frame of a part is never left out: no part lasts longer than it may, or has none.
        if overloaded && !sync && !grid.ends_part(slot) {
            pace.monitor.count(Count::Skipped);
            continue;
        }
        let (frame, captured) = match source.take(slot, due + PATIENCE)? {
            Some(shown) => {
                last = Some((due, Arc::clone(&shown.frame)));
                (shown.frame, shown.captured)
            }
            None => match &last {
                Some((since, frame)) if due - since < HOLD && pace.monitor.is_ok() => {
                    pace.monitor.count(Count::Repeated);
                    (Arc::clone(frame), due)
                }
                _ => {
                    last = None;
                    pace.monitor.count(Count::Slate);
                    (stand_in.frame(&pace.monitor)?, due)
                }
            },
        };
        ladder.push(&Picture { frame, slot, captured, sync })?;
        pace.monitor.count(Count::Out);
    }
    ladder.finish()
}

/// Gives `encoder` one block of sound after the other, from one block before `first` (sample frames since the
/// epoch) on, until stopped.
pub fn sound(
    pace: &Pace,
    sound: &Sound,
    first: u64,
    mut source: Box<dyn Sounds>,
    mut encoder: SoundEncoder,
) -> Result<(), Error> {
    let mut blocks = Blocks::new(sound.channels, BLOCK, first - u64::from(BLOCK), WANDER);
    while !pace.stopped() {
        let end = blocks.head() + u64::from(BLOCK);
        let due = media::nanos(end, sound.sample_rate);
        pace.clock.sleep_until(due);
        source.lay(&mut blocks, end);
        let overdue = source.is_silent() || pace.clock.now() > due + SOUND_PATIENCE;
        match blocks.take(overdue) {
            Some(block) => encoder.push(block)?,
            None => pace.clock.sleep_until(pace.clock.now() + NANOS / 200),
        }
    }
    encoder.finish()
}

/// The picture shown while the source gives none.
pub struct StandIn {
    pool: Pool,
    name: String,
    drawn: Option<(u64, Frame)>,
}

impl StandIn {
    /// A slate of this size for the box called `name`.
    pub fn new(width: u32, height: u32, name: &str) -> Result<Self, Error> {
        Ok(Self { pool: Pool::new(width, height)?, name: name.to_owned(), drawn: None })
    }

    /// The slate for what `monitor` says now; drawn anew when that changes.
    pub fn frame(&mut self, monitor: &Monitor) -> Result<Frame, Error> {
        let revision = monitor.revision();
        match &self.drawn {
            Some((drawn, frame)) if *drawn == revision => Ok(Arc::clone(frame)),
            _ => {
                let frame = self.draw("No signal", &[&self.name, in_short(monitor.report().state)])?;
                self.drawn = Some((revision, Arc::clone(&frame)));
                Ok(frame)
            }
        }
    }

    /// The slate for a moment without a worker.
    pub fn moment(&self) -> Result<Frame, Error> {
        self.draw("One moment, please", &[&self.name])
    }

    fn draw(&self, title: &str, lines: &[&str]) -> Result<Frame, Error> {
        self.pool.draw(|out| slate::draw(title, lines, out))
    }
}

/// What viewers may know of an input's state; the technician reads the reason in the status.
fn in_short(state: InputState) -> &'static str {
    match state {
        InputState::Opening => "Looking for the camera",
        InputState::NoDevice => "The camera is not there",
        InputState::NoSignal => "The camera gives no picture",
        InputState::Unsupported => "The picture cannot be read",
        InputState::Frozen
        | InputState::Black
        | InputState::Silent
        | InputState::Clipping
        | InputState::Ok => "Waiting for a picture",
    }
}
