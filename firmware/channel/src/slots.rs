//! Gives every frame slot of the channel one picture, whatever the camera's clock does.
//!
//! Pictures come with their capture time; slots are frame numbers since the epoch. A picture takes the slot nearest
//! to its capture time, but follows its predecessor's slot as long as it is no more than three quarters of a frame
//! off, so jitter around half a frame does not make pairs of repeated and dropped pictures. A clock that drifts
//! costs one repeat or one drop for each whole frame of drift.

use media::FrameRate;

/// What becomes of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is shown in this slot.
    Shown(u64),
    /// Its slot is filled already.
    Dropped,
}

/// Assigns slots to the pictures of one live source.
#[derive(Clone, Debug)]
pub struct Slots {
    rate: FrameRate,
    last: Option<u64>,
}

impl Slots {
    /// No picture has come yet.
    #[must_use]
    pub fn new(rate: FrameRate) -> Self {
        Self { rate, last: None }
    }

    /// The slot of a picture captured at `captured` nanoseconds since the epoch.
    pub fn place(&mut self, captured: u64) -> Fate {
        let nearest = self.rate.frame_at(captured);
        let slot = match self.last {
            Some(last) if self.is_near(captured, last + 1) => last + 1,
            Some(last) if nearest <= last => return Fate::Dropped,
            _ => nearest,
        };
        self.last = Some(slot);
        Fate::Shown(slot)
    }

    fn is_near(&self, captured: u64, slot: u64) -> bool {
        let frame = self.rate.nanos_of(4) / 4;
        self.rate.nanos_of(slot).abs_diff(captured) <= frame / 4 * 3
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: u64 = 1_795_360_588_000_000_000;

    fn rate() -> FrameRate {
        FrameRate::new(30, 1).unwrap()
    }

    fn fates(times: impl Iterator<Item = u64>) -> Vec<Fate> {
        let mut slots = Slots::new(rate());
        times.map(|time| slots.place(time)).collect()
    }

    fn shown(fates: &[Fate]) -> Vec<u64> {
        fates
            .iter()
            .filter_map(|fate| if let Fate::Shown(slot) = fate { Some(*slot) } else { None })
            .collect()
    }

    #[test]
    fn a_drifting_camera_costs_one_frame_in_its_drift() {
        for (interval, frames) in [(33_300_000u64, 3000u64), (33_366_667, 3000)] {
            let fates = fates((0..frames).map(|nth| START + nth * interval));
            let slots = shown(&fates);
            let span = slots[slots.len() - 1] - slots[0] + 1;
            let drift = (frames * interval).abs_diff(rate().nanos_of(frames)) / 33_333_333;
            assert!(frames.abs_diff(span) <= drift + 1, "{frames} pictures over {span} slots");
            assert!(frames as usize - slots.len() <= drift as usize + 1);
        }
    }

    #[test]
    fn a_pause_leaves_its_slots_empty() {
        let slots = shown(&fates([START, START + 33_333_333, START + 400_000_000].into_iter()));
        assert_eq!(slots[2] - slots[1], 11);
    }

    proptest! {
        /// Jitter below a quarter of a frame at any phase neither repeats nor drops.
        #[test]
        fn jitter_is_absorbed(phase in 0u64..33_333_333, jitter in prop::collection::vec(0u64..8_000_000, 100)) {
            let times = jitter.iter().enumerate().map(|(nth, jitter)| START + phase + nth as u64 * 33_333_333 + jitter);
            let fates = fates(times);
            prop_assert_eq!(fates.len(), shown(&fates).len());
            prop_assert!(shown(&fates).windows(2).all(|pair| pair[1] == pair[0] + 1));
        }
    }
}
