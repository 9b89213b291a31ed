//! Which of the modes that a camera offers it is run in, and why that one.
//!
//! In this order: the wished size; what the port can carry; the wished rate, else a fluent one; no more than HD where no more
//! is needed; the lines that the ladder needs; the highest rate up to 60; the smallest picture; raw before MJPEG before
//! H.264 before HEVC, as each costs more to decode than the one before it.

mod range;
#[cfg(test)]
mod tests;
mod words;

use std::cmp::Reverse;

use media::FrameRate;

pub use range::{Intervals, Sizes};

/// One way a camera can give pictures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mode {
    /// The coding's four letters: `YUYV`, `MJPG`.
    pub coding: String,
    /// Width in pixels.
    pub width: u16,
    /// Height in pixels.
    pub height: u16,
    /// Frames per second.
    pub rate: FrameRate,
}

/// What the channel would like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Width and height of the settings.
    pub size: Option<(u16, u16)>,
    /// Lines of the highest rendition, where the settings say: more would be scaled down.
    pub lines: Option<u16>,
    /// Frames per second of the channel.
    pub rate: Option<FrameRate>,
}

/// A mode and why it was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The mode.
    pub mode: Mode,
    /// In plain words: `USB 2 port: 1080p30 only as MJPEG`.
    pub why: String,
}

/// The speed of a USB port in Mbit/s, as the kernel names it; none for any other bus, which carries what is offered.
pub type Port = Option<u32>;

/// How pictures of a coding are compressed, what costs least to decode first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Compression {
    Raw,
    Mjpeg,
    H264,
    Hevc,
}

/// V4L2's names of the codings that can be read, the best first, and the bits of a pixel where they are raw.
const CODINGS: [(&str, Compression, u64); 10] = [
    ("NV12", Compression::Raw, 12),
    ("YU12", Compression::Raw, 12),
    ("YUYV", Compression::Raw, 16),
    ("UYVY", Compression::Raw, 16),
    ("RGB3", Compression::Raw, 24),
    ("BGR3", Compression::Raw, 24),
    ("MJPG", Compression::Mjpeg, 0),
    ("JPEG", Compression::Mjpeg, 0),
    ("H264", Compression::H264, 0),
    ("HEVC", Compression::Hevc, 0),
];
/// Lines and columns that are enough where nothing is said: HD.
const HD: (u16, u16) = (1920, 1080);
/// Frames a second below which movement is jerky, and beyond which more are of no use.
const FLUENT: u64 = 23;
const MOST: u64 = 60;

/// Whether pictures of this coding can be read.
#[must_use]
pub fn is_known(coding: &str) -> bool {
    known(coding).is_some()
}

/// The mode to run a camera in, of all that it offers over a port of this speed; none where it offers none that can be read.
#[must_use]
pub fn choose(offered: &[Mode], wanted: Wanted, port: Port) -> Option<Choice> {
    let readable = || offered.iter().filter(|mode| is_known(&mode.coding));
    let mode = readable().min_by_key(|mode| mode.rank(wanted, port))?;
    Some(Choice { mode: mode.clone(), why: words::why(mode, offered, wanted, port) })
}

impl Mode {
    /// The lowest is chosen.
    fn rank(&self, wanted: Wanted, port: Port) -> impl Ord + use<> {
        let rate = self.millihertz().min(MOST * 1000);
        (
            self.off_size(wanted),
            !self.is_carried(port),
            self.off_rate(wanted),
            wanted.size.is_none() && self.is_beyond(wanted.lines.unwrap_or(0)),
            self.lines_short(wanted),
            Reverse(rate),
            u32::from(self.width) * u32::from(self.height),
            self.millihertz(),
            CODINGS.iter().position(|(name, ..)| *name == self.coding),
        )
    }

    /// By how many pixels the wished size is missed.
    fn off_size(&self, wanted: Wanted) -> u32 {
        let off =
            |(width, height)| u32::from(self.width.abs_diff(width)) + u32::from(self.height.abs_diff(height));
        wanted.size.map_or(0, off)
    }

    /// How badly the rate is missed: one that is a whole number of times too high only costs pictures that are left out.
    fn off_rate(&self, wanted: Wanted) -> u8 {
        let rate = self.millihertz();
        let jerky = rate < FLUENT * 1000;
        match wanted.rate.map(millihertz) {
            None => u8::from(jerky),
            Some(wished) if rate == wished => 0,
            Some(wished) if rate > wished && rate.is_multiple_of(wished) => 1,
            Some(wished) if rate > wished => 2,
            Some(_) if !jerky => 3,
            Some(_) => 4,
        }
    }

    /// Larger than HD, and than the ladder needs.
    fn is_beyond(&self, lines: u16) -> bool {
        self.height > HD.1.max(lines) || (self.width > HD.0 && lines <= HD.1)
    }

    /// Lines that the ladder needs and the mode has not.
    fn lines_short(&self, wanted: Wanted) -> u16 {
        if wanted.size.is_some() {
            return 0;
        }
        wanted.lines.unwrap_or(HD.1).saturating_sub(self.height)
    }

    fn is_carried(&self, port: Port) -> bool {
        let bits = known(&self.coding).map_or(0, |(_, bits)| bits);
        let pixels = u64::from(self.width) * u64::from(self.height) * self.millihertz() / 1000;
        port.is_none_or(|speed| pixels * bits <= carried(speed))
    }

    fn compression(&self) -> Compression {
        known(&self.coding).map_or(Compression::Raw, |(compression, _)| compression)
    }

    fn millihertz(&self) -> u64 {
        millihertz(self.rate)
    }
}

/// Bits per second of one camera that a USB port can carry at all, whichever kind of transfer it uses.
fn carried(speed: u32) -> u64 {
    u64::from(speed) * 1_000_000 * 2 / 3
}

fn known(coding: &str) -> Option<(Compression, u64)> {
    let found = CODINGS.iter().find(|(name, ..)| *name == coding);
    found.map(|(_, compression, bits)| (*compression, *bits))
}

fn millihertz(rate: FrameRate) -> u64 {
    u64::from(rate.num()) * 1000 / u64::from(rate.den())
}
