//! Ladders for people who do not want to make one.

use media::{Coding, FrameRate, Profile};

use super::Rung;

/// A named ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// The rungs; heights that the input does not have are left out.
    pub rungs: &'static [Rung],
    /// Frames per second that it never exceeds; faster inputs are shown at half their rate.
    pub most_frames: Option<u32>,
}

/// The box's own choice: 1080p, 720p, 540p, 360p.
pub const STANDARD: [Rung; 4] = [
    Rung::h264(1080, 6_000_000),
    Rung::h264(720, 3_000_000),
    Rung::h264(540, 1_600_000),
    Rung::h264(360, 800_000),
];

/// The seven layers of the classic cloud live service's `Default720p`.
pub const DEFAULT_720P: Preset = Preset {
    rungs: &[
        Rung::h264(720, 3_500_000),
        main(540, 2_200_000),
        main(396, 1_350_000),
        main(288, 850_000),
        main(216, 550_000),
        baseline(192, 350_000),
        baseline(192, 200_000),
    ],
    most_frames: Some(30),
};

/// Fast pictures: every frame, and bits for them.
pub const SPORT: Preset = Preset {
    rungs: &[
        Rung::h264(1080, 9_000_000),
        Rung::h264(720, 6_000_000),
        Rung::h264(540, 3_200_000),
        Rung::h264(360, 1_400_000),
    ],
    most_frames: None,
};

/// Noisy pictures, as of a camera in the dark: few rungs, and bits for the noise.
pub const LOW_LIGHT: Preset = Preset {
    rungs: &[Rung::h264(720, 4_500_000), Rung::h264(540, 2_600_000), Rung::h264(360, 1_300_000)],
    most_frames: Some(30),
};

const fn main(height: u16, bitrate: u32) -> Rung {
    Rung { height, bitrate, coding: Coding::H264, profile: Profile::Main }
}

const fn baseline(height: u16, bitrate: u32) -> Rung {
    Rung { height, bitrate, coding: Coding::H264, profile: Profile::Baseline }
}

impl Preset {
    /// The rate at which an input of `rate` is shown: halved until it is not too fast, so that every picture stays for
    /// as long as any other (60 becomes 30, 59.94 becomes 29.97, 50 becomes 25).
    #[must_use]
    pub fn rate(&self, rate: FrameRate) -> FrameRate {
        let Some(most) = self.most_frames else { return rate };
        let mut shown = rate;
        while u64::from(shown.num()) > u64::from(most) * u64::from(shown.den())
            && let Some(half) = half(shown)
        {
            shown = half;
        }
        shown
    }
}

/// Half a rate; none where there is no such rate.
pub(crate) fn half(rate: FrameRate) -> Option<FrameRate> {
    match rate.num() % 2 {
        0 => FrameRate::new(rate.num() / 2, rate.den()).ok(),
        _ => FrameRate::new(rate.num(), rate.den() * 2).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        budget::Budget,
        ladder::{Source, Wanted, plan},
    };

    #[test]
    fn fast_inputs_are_shown_at_half_their_rate() {
        let shown = |rate: &str| DEFAULT_720P.rate(rate.parse().unwrap()).to_string();
        for (rate, at) in
            [("60", "30"), ("60000/1001", "30000/1001"), ("50", "25"), ("25", "25"), ("30", "30")]
        {
            assert_eq!(shown(rate), at);
        }
        assert_eq!(SPORT.rate("60".parse().unwrap()).to_string(), "60");
    }

    #[test]
    fn the_seven_layers_come_out_in_their_sizes() {
        let source = Source { width: 1920, height: 1080, rate: "30".parse().unwrap() };
        let budget = Budget { pixels_per_second: u64::MAX, taken: 0, h265: 1 };
        let ladder = plan(source, &Wanted::Rungs(DEFAULT_720P.rungs.to_vec()), &budget);
        let sizes: Vec<_> = ladder.renditions.iter().map(|r| (r.width, r.height, r.bitrate / 1000)).collect();
        // The service writes 340x192, which is not quite 16:9.
        let expected = [
            (1280, 720, 3500),
            (960, 540, 2200),
            (704, 396, 1350),
            (512, 288, 850),
            (384, 216, 550),
            (342, 192, 350),
            (342, 192, 200),
        ];
        assert_eq!(sizes, expected);
        assert_eq!(ladder.renditions[6].name, "192p-200k");
    }
}
