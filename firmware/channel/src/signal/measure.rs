//! What is measured of pictures and sound, and from which values on it means something.
//!
//! Luma counts from 16 (black) to 235 (white), sound from -32768 to 32767.

/// Mean luma up to which a picture may be black: a closed lens with its noise.
pub const DARK_MEAN: u8 = 20;
/// Luma up to which its brightest spot may come.
pub const DARK_BRIGHTEST: u8 = 40;
/// Difference of two pictures, on average over their cells, up to which they may be the same: hundredths of a level.
/// A camera's noise is more even where it is averaged over a cell, what a codec makes of a still picture is less.
pub const SAME_MEAN: u32 = 2;
/// Difference in the cell that differs most up to which they may be the same: hundredths of a level. A mouse pointer is more.
pub const SAME_MOST: u32 = 50;
/// Root mean square up to which sound is silence: -60 dBFS.
pub const SILENT_RMS: u32 = 32;
/// Share of samples at full scale from which on sound clips: millionths.
pub const CLIPPED_SHARE: u32 = 500;

/// One picture, and how it differs from one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Mean luma.
    pub mean: u8,
    /// Luma of the brightest cell.
    pub brightest: u8,
    /// How it differs from the one that it is compared with; none where there is none.
    pub change: Option<Change>,
}

/// How two pictures differ, in hundredths of a level of luma.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// On average over the cells.
    pub mean: u32,
    /// In the cell that differs most.
    pub most: u32,
}

impl Picture {
    /// Nothing can be seen on it.
    #[must_use]
    pub fn is_black(&self) -> bool {
        self.mean <= DARK_MEAN && self.brightest <= DARK_BRIGHTEST
    }

    /// It shows what the other one did. A black one does not count: that it stays the same is no news.
    #[must_use]
    pub fn is_same(&self) -> bool {
        !self.is_black() && self.change.is_some_and(Change::is_none)
    }
}

impl Change {
    /// It is too small to be one.
    #[must_use]
    pub fn is_none(self) -> bool {
        self.mean <= SAME_MEAN && self.most <= SAME_MOST
    }
}

/// A stretch of sound, all channels together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sound {
    /// The largest sample, without its sign.
    pub peak: u16,
    /// Root mean square.
    pub rms: u32,
    /// Samples at full scale: millionths of all.
    pub clipped: u32,
}

impl Sound {
    /// Nothing can be heard of it.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.rms <= SILENT_RMS
    }

    /// It is driven too hard.
    #[must_use]
    pub fn is_clipping(&self) -> bool {
        self.clipped >= CLIPPED_SHARE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pictures_mean() {
        let picture = |mean, brightest, change: Option<(u32, u32)>| {
            let change = change.map(|(mean, most)| Change { mean, most });
            let picture = Picture { mean, brightest, change };
            (picture.is_black(), picture.is_same())
        };
        for (what, measured, meaning) in [
            ("a lens cap, still", picture(16, 17, Some((0, 0))), (true, false)),
            ("a lens cap with noise", picture(19, 38, Some((90, 300))), (true, false)),
            ("the moon over a dark stage", picture(17, 120, Some((9, 60))), (false, false)),
            ("a fog", picture(40, 40, Some((9, 40))), (false, false)),
            ("a slide", picture(120, 235, Some((0, 0))), (false, true)),
            ("a slide, coded again", picture(120, 235, Some((2, 50))), (false, true)),
            ("a slide with a mouse pointer", picture(120, 235, Some((0, 120))), (false, false)),
            ("the first of all", picture(120, 235, None), (false, false)),
        ] {
            assert_eq!(measured, meaning, "{what}");
        }
    }

    #[test]
    fn what_sound_means() {
        let sound = |peak, rms, clipped| {
            let sound = Sound { peak, rms, clipped };
            (sound.is_silent(), sound.is_clipping())
        };
        for (what, measured, meaning) in [
            ("digital silence", sound(0, 0, 0), (true, false)),
            ("a converter's own noise", sound(90, 20, 0), (true, false)),
            ("a quiet hall", sound(400, 60, 0), (false, false)),
            ("speech, well driven", sound(24_000, 4_000, 0), (false, false)),
            ("one sample at full scale in 200 ms", sound(32_767, 9_000, 52), (false, false)),
            ("a loud band", sound(32_768, 20_000, 3_000), (false, true)),
        ] {
            assert_eq!(measured, meaning, "{what}");
        }
    }
}
