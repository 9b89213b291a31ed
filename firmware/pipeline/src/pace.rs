//! The channel's two loops: one gives the encoders a picture for every frame slot, one a block of each sound for every
//! block of time, on the timeline's clock and whatever the source does.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use channel::{captions::Captions, levels::Meter, sound::Blocks};
use clock::Clock;
use link::{InputState, Tuning};
use media::{Grid, NANOS, Rendition};

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
    let mut captions = Captions::default();
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
                captions.bring(&shown.captions);
                (shown.frame, shown.captured)
            }
            None => match &last {
                Some((since, frame)) if due - since < HOLD && pace.monitor.is_ok() => {
                    pace.monitor.count(Count::Repeated);
                    (Arc::clone(frame), due)
                }
                _ => {
                    if last.take().is_some() {
                        captions.wipe();
                    }
                    pace.monitor.count(Count::Slate);
                    (stand_in.frame(&pace.monitor)?, due)
                }
            },
        };
        let captions = captions.take(grid.rate);
        ladder.push(&Picture { frame, slot, captured, captions, sync })?;
        pace.monitor.count(Count::Out);
    }
    ladder.finish()
}

/// One sound of the channel on its way from the source to its encoder.
pub struct SoundTrack {
    /// Its pair of the source's sound, counted from 0.
    pub pair: usize,
    /// How loud it is.
    pub meter: Meter,
    /// Takes its blocks.
    pub encoder: SoundEncoder,
}

/// Gives the encoders of `tracks` one block of sound after the other, from one block before `first` (sample frames since the
/// epoch, `rate` of them a second) on, until stopped. `source` has `pairs` of sounds.
pub fn sound(
    pace: &Pace,
    rate: u32,
    first: u64,
    pairs: usize,
    mut source: Box<dyn Sounds>,
    mut tracks: Vec<SoundTrack>,
) -> Result<(), Error> {
    let mut blocks = vec![Blocks::new(2, BLOCK, first - u64::from(BLOCK), WANDER); pairs];
    for end in (first..).step_by(BLOCK as usize) {
        let due = media::nanos(end, rate);
        pace.clock.sleep_until(due);
        source.lay(&mut blocks, end);
        while !pace.stopped()
            && pace.clock.now() <= due + SOUND_PATIENCE
            && (0..pairs).any(|pair| !blocks[pair].is_full() && !source.is_silent(pair))
        {
            pace.clock.sleep_until(pace.clock.now() + NANOS / 200);
            source.lay(&mut blocks, end);
        }
        if pace.stopped() {
            break;
        }
        let taken: Vec<_> = blocks.iter_mut().map(Blocks::take).collect();
        let mut heard = Vec::new();
        for track in &mut tracks {
            let block = taken[track.pair].clone();
            heard.extend(track.meter.hear(&block));
            track.encoder.push(block)?;
        }
        if !heard.is_empty() {
            pace.monitor.loud(heard);
        }
    }
    tracks.into_iter().try_for_each(|track| track.encoder.finish())
}

/// The picture shown while the source gives none.
pub struct StandIn {
    pool: Pool,
    name: String,
    drawn: Option<(u64, Frame)>,
}

impl StandIn {
    /// A slate of the size of the best of `renditions` for the box called `name`.
    pub fn for_renditions(renditions: &[Rendition], name: &str) -> Result<Self, Error> {
        // Where there are none nobody sees it.
        let (width, height) = renditions.first().map_or((320, 180), |top| (top.width, top.height));
        Ok(Self { pool: Pool::new(u32::from(width), u32::from(height))?, name: name.to_owned(), drawn: None })
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
