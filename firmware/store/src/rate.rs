//! How many bytes a second are recorded, over the last minutes. Pure.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// What is counted together.
const STEP: Duration = Duration::from_secs(30);
/// Five minutes: key frames and quiet scenes even out, a channel that stops is noticed.
const STEPS: usize = 10;

/// Bytes of the last minutes.
#[derive(Default)]
pub(crate) struct Rate {
    /// Since when, how many; newest last.
    steps: VecDeque<(Instant, u64)>,
}

impl Rate {
    pub(crate) fn add(&mut self, bytes: u64, now: Instant) {
        match self.steps.back_mut() {
            Some((since, sum)) if now.duration_since(*since) < STEP => *sum += bytes,
            _ => self.steps.push_back((now, bytes)),
        }
        if self.steps.len() > STEPS {
            self.steps.pop_front();
        }
    }

    /// Bytes a second; 0 where nothing was recorded for minutes.
    pub(crate) fn at(&self, now: Instant) -> u64 {
        let recent = |since: &Instant| now.duration_since(*since) <= STEP * STEPS as u32;
        let recent = self.steps.iter().filter(|(since, _)| recent(since));
        let Some(since) = recent.clone().map(|(since, _)| *since).min() else { return 0 };
        let millis = now.duration_since(since).as_millis().max(1000);
        let bytes: u64 = recent.map(|(_, bytes)| bytes).sum();
        u64::try_from(u128::from(bytes) * 1000 / millis).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_mean_of_the_last_minutes_and_falls_to_nothing() {
        let (mut rate, begin) = (Rate::default(), Instant::now());
        let at = |seconds| begin + Duration::from_secs(seconds);
        assert_eq!(rate.at(begin), 0);
        (0..600).for_each(|second| rate.add(1000, at(second)));
        assert!((990..=1010).contains(&rate.at(at(600))), "{}", rate.at(at(600)));
        (600..900).for_each(|second| rate.add(3000, at(second)));
        assert!((2980..=3020).contains(&rate.at(at(900))), "{}", rate.at(at(900)));
        assert_eq!(rate.at(at(1500)), 0);
    }
}
