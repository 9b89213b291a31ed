//! The built-in test signal: drawn for exactly the slot it is shown in, so its burnt-in clock is frame-exact and
//! two boxes draw the same pictures.

use channel::{signal::Observation, sound::Blocks};
use link::{PictureFormat, Wish};
use media::FrameRate;

use super::{Pictures, Shown, Sounds};
use crate::{
    error::Error,
    frame::Pool,
    monitor::{Count, Monitor},
    picture::{Size, testsignal::TestSignal},
    tone,
};

/// The test signal before it runs.
pub struct Test {
    name: String,
    width: u16,
    height: u16,
}

impl Test {
    /// The test signal in the wished size and rate; 1280x720 at 30 frames/s where nothing is wished.
    pub fn open(wish: Wish, name: &str, monitor: &Monitor) -> Self {
        let (width, height) = match (wish.width, wish.height) {
            (Some(width), Some(height)) => (width, height),
            (None, Some(height)) => {
                (u16::try_from(u32::from(height) * 16 / 9).unwrap_or(u16::MAX) & !1, height)
            }
            (Some(width), None) => (width, u16::try_from(u32::from(width) * 9 / 16).unwrap_or(u16::MAX) & !1),
            (None, None) => (1280, 720),
        };
        let rate = wish.rate.unwrap_or_else(|| FrameRate::new(30, 1).expect("30 is a frame rate"));
        let format = PictureFormat { width, height, rate, coding: "drawn".to_owned() };
        monitor.found("test signal", format, "tone");
        monitor.observe(Observation::Locked);
        Self { name: name.to_owned(), width, height }
    }

    /// Begins to draw.
    pub fn begin(self, rate: FrameRate, monitor: &Monitor) -> Result<(TestPictures, TestSounds), Error> {
        let (width, height) = (u32::from(self.width), u32::from(self.height));
        let pictures = TestPictures {
            signal: TestSignal::new(
                Size { width: width as usize, height: height as usize },
                rate,
                &self.name,
            ),
            pool: Pool::new(width, height)?,
            rate,
            monitor: monitor.clone(),
        };
        Ok((pictures, TestSounds))
    }
}

/// Draws the test signal.
pub struct TestPictures {
    signal: TestSignal,
    pool: Pool,
    rate: FrameRate,
    monitor: Monitor,
}

impl Pictures for TestPictures {
    fn take(&mut self, slot: u64, _deadline: u64) -> Result<Option<Shown>, Error> {
        let frame = self.pool.draw(|out| self.signal.draw(slot, out))?;
        self.monitor.count(Count::In);
        Ok(Some(Shown { frame, captured: self.rate.nanos_of(slot), captions: Vec::new() }))
    }
}

/// Makes the tone: one pair.
pub struct TestSounds;

impl Sounds for TestSounds {
    fn lay(&mut self, pairs: &mut [Blocks], until: u64) {
        let Some(blocks) = pairs.first_mut() else { return };
        let from = blocks.head();
        let frames = usize::try_from(until.saturating_sub(from)).unwrap_or(0);
        let mut samples = vec![0; frames * 2];
        tone::fill(from, &mut samples);
        blocks.lay(from, &samples);
    }

    fn is_silent(&self, pair: usize) -> bool {
        pair > 0
    }
}
