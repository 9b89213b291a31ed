//! What a box's encoders can do, and which channel has which share of it.

use std::collections::BTreeMap;

use media::{Coding, FrameRate, Rendition};

/// What a pixel of HEVC costs in software, as a multiple of one of H.264: x265 against x264, both `ultrafast`.
pub const H265_IN_SOFTWARE: u64 = 4;

/// What encoders can do for one channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Pixels per second of H.264 that the box can scale and encode in all.
    pub pixels_per_second: u64,
    /// How many of them other channels take.
    pub taken: u64,
    /// What a pixel of HEVC costs, as a multiple of one of H.264.
    pub h265: u64,
}

impl Budget {
    /// What a ladder asks of the encoders, in pixels per second of H.264.
    #[must_use]
    pub fn load(&self, renditions: &[Rendition], rate: FrameRate) -> u64 {
        let cost = |rendition: &Rendition| match rendition.coding {
            Coding::H264 => rendition.pixels(),
            Coding::H265 => rendition.pixels() * self.h265,
        };
        let pixels: u64 = renditions.iter().map(cost).sum();
        pixels * u64::from(rate.num()) / u64::from(rate.den())
    }

    /// Whether there is room for a load beside what is taken.
    #[must_use]
    pub fn holds(&self, load: u64) -> bool {
        self.taken.saturating_add(load) <= self.pixels_per_second
    }

    /// A load in percent of the whole, rounded up.
    #[must_use]
    pub fn percent(&self, load: u64) -> u64 {
        load.saturating_mul(100).div_ceil(self.pixels_per_second.max(1))
    }
}

/// Encoders that share one budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Chips made for it.
    Hardware,
    /// The processor.
    Software,
}

/// Who takes how much of which encoders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shares(BTreeMap<String, (Kind, u64)>);

impl Shares {
    /// What channels other than those named take of a kind, in pixels per second of H.264.
    #[must_use]
    pub fn taken(&self, kind: Kind, but: &[&str]) -> u64 {
        let others =
            self.0.iter().filter(|(channel, (of, _))| *of == kind && !but.contains(&channel.as_str()));
        others.map(|(_, (_, load))| load).sum()
    }

    /// A channel takes this share, and gives back the one it had.
    pub fn take(&mut self, channel: &str, kind: Kind, load: u64) {
        self.0.insert(channel.to_owned(), (kind, load));
    }

    /// A channel ends.
    pub fn give_back(&mut self, channel: &str) {
        self.0.remove(channel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_share_what_is_of_their_kind() {
        let mut shares = Shares::default();
        shares.take("a", Kind::Hardware, 60);
        shares.take("b", Kind::Software, 5);
        shares.take("c", Kind::Hardware, 30);
        assert_eq!((shares.taken(Kind::Hardware, &["a"]), shares.taken(Kind::Hardware, &[])), (30, 90));
        shares.take("a", Kind::Software, 7);
        assert_eq!((shares.taken(Kind::Hardware, &[]), shares.taken(Kind::Software, &["b"])), (30, 7));
        shares.give_back("a");
        assert_eq!(shares.taken(Kind::Software, &[]), 5);
    }

    #[test]
    fn what_is_taken_leaves_less_room() {
        let budget = Budget { pixels_per_second: 1000, taken: 400, h265: 4 };
        assert!(budget.holds(600) && !budget.holds(601));
        assert_eq!((budget.percent(601), budget.percent(0)), (61, 0));
        assert!(!Budget { taken: u64::MAX, ..budget }.holds(u64::MAX), "no overflow");
    }
}
