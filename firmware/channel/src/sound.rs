//! Gives every sound block of the channel its samples: whatever arrives is laid at its place on a sample-exact
//! timeline, holes are silence.
//!
//! Positions are sample frames since the epoch at the channel's sample rate; blocks begin at multiples of their
//! length, so two boxes cut the same blocks.

use std::collections::VecDeque;

/// Sound waiting for its block, and the place of the next block.
#[derive(Clone, Debug)]
pub struct Blocks {
    channels: usize,
    block: usize,
    /// Position of the first frame in `waiting`; the next block begins here.
    head: u64,
    waiting: VecDeque<i16>,
    /// Position where the source's next frames go if they follow without a hole.
    follows: Option<u64>,
    tolerance: u64,
}

impl Blocks {
    /// Blocks of `block` frames; the first begins at `head`, a multiple of it.
    ///
    /// A source whose timestamps wander by less than `tolerance` frames is laid without a hole or a cut.
    #[must_use]
    pub fn new(channels: u16, block: u32, head: u64, tolerance: u32) -> Self {
        Self {
            channels: usize::from(channels),
            block: block as usize,
            head,
            waiting: VecDeque::new(),
            follows: None,
            tolerance: u64::from(tolerance),
        }
    }

    /// Where the next block begins.
    #[must_use]
    pub fn head(&self) -> u64 {
        self.head
    }

    /// Lays interleaved samples whose first frame was captured at `position`. What lies before the next block is
    /// cut off, what lies more than 10 s ahead of it is not taken.
    pub fn lay(&mut self, position: u64, samples: &[i16]) {
        let position = match self.follows {
            Some(follows) if follows.abs_diff(position) <= self.tolerance => follows,
            _ => position,
        };
        let frames = samples.len() / self.channels;
        let end = position + frames as u64;
        self.follows = Some(end);
        let furthest = self.head + 10 * 48_000;
        if end <= self.head || end > furthest {
            return;
        }
        let from = position.max(self.head);
        let samples = &samples[self.index(from - position)..frames * self.channels];
        let at = self.index(from - self.head);
        if at + samples.len() > self.waiting.len() {
            self.waiting.resize(at + samples.len(), 0);
        }
        for (slot, sample) in self.waiting.range_mut(at..).zip(samples) {
            *slot = *sample;
        }
    }

    /// Whether all of the next block has arrived.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.waiting.len() >= self.block * self.channels
    }

    /// The next block: what has arrived of it, and silence.
    pub fn take(&mut self) -> Vec<i16> {
        let wanted = self.block * self.channels;
        if !self.is_full() {
            self.waiting.resize(wanted, 0);
        }
        self.head += self.block as u64;
        self.waiting.drain(..wanted).collect()
    }

    /// Forgets where the source stood: its next samples are laid by their own timestamps.
    pub fn break_off(&mut self) {
        self.follows = None;
    }

    fn index(&self, frames: u64) -> usize {
        usize::try_from(frames).map_or(usize::MAX, |frames| frames * self.channels)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEAD: u64 = 1024 * 84_157_527_566;

    #[test]
    fn holes_are_silence_and_the_past_is_cut_off() {
        let mut blocks = Blocks::new(1, 4, HEAD, 0);
        blocks.lay(HEAD - 2, &[1, 2, 3]);
        blocks.lay(HEAD + 3, &[4, 5]);
        assert!(blocks.is_full());
        assert_eq!(blocks.take(), [3, 0, 0, 4]);
        assert!(!blocks.is_full());
        assert_eq!(blocks.take(), [5, 0, 0, 0]);
        assert_eq!(blocks.head(), HEAD + 8);
        blocks.lay(HEAD, &[9; 4]);
        assert!(!blocks.is_full());
    }

    #[test]
    fn wandering_timestamps_are_joined() {
        let mut blocks = Blocks::new(2, 4, HEAD, 10);
        blocks.lay(HEAD, &[1, 1, 2, 2]);
        blocks.lay(HEAD + 5, &[3, 3, 4, 4]);
        assert!(blocks.is_full());
        assert_eq!(blocks.take(), [1, 1, 2, 2, 3, 3, 4, 4]);
    }

    proptest! {
        #[test]
        fn a_steady_source_passes_through_untouched(
            chunks in prop::collection::vec(1usize..700, 1..40),
            late in 0u64..300,
        ) {
            let mut blocks = Blocks::new(1, 64, HEAD, 0);
            let (mut position, mut taken) = (HEAD + late, Vec::new());
            for frames in chunks {
                let samples: Vec<i16> = (0..frames as u64).map(|nth| ((position + nth) % 997) as i16).collect();
                blocks.lay(position, &samples);
                position += frames as u64;
                while blocks.is_full() {
                    taken.extend(blocks.take());
                }
            }
            for (at, sample) in (HEAD..).zip(taken) {
                let want = if at < HEAD + late { 0 } else { (at % 997) as i16 };
                prop_assert_eq!(sample, want);
            }
        }
    }
}
