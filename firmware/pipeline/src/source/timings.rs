//! What a digital signal (HDMI, SDI, DVI) says of its pictures: size, rate, interlaced or not. Pure.

use std::fmt;

use media::FrameRate;
use v4l::v4l_sys::{V4L2_DV_FL_REDUCED_FPS, v4l2_bt_timings};

/// The timings of a digital signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timings {
    /// Width of the picture in pixels.
    pub width: u32,
    /// Height of a whole picture, of both fields where it is interlaced.
    pub height: u32,
    /// Each picture comes as two fields.
    pub interlaced: bool,
    /// Whole pictures per second; none where the driver says nothing sensible.
    pub rate: Option<FrameRate>,
}

impl Timings {
    /// From what the driver says.
    pub fn of(bt: &v4l2_bt_timings) -> Self {
        let &v4l2_bt_timings { width, height, interlaced, pixelclock, flags, .. } = bt;
        let sum = |sides: [u32; 4]| sides.into_iter().map(u64::from).sum::<u64>();
        let line = sum([width, bt.hfrontporch, bt.hsync, bt.hbackporch]);
        let mut lines = sum([height, bt.vfrontporch, bt.vsync, bt.vbackporch]);
        if interlaced != 0 {
            lines += sum([0, bt.il_vfrontporch, bt.il_vsync, bt.il_vbackporch]);
        }
        // Thousandths of a picture in a second.
        let clock = if flags & V4L2_DV_FL_REDUCED_FPS == 0 { pixelclock } else { pixelclock / 1001 * 1000 };
        let millis = clock.saturating_mul(1000).checked_div(line * lines);
        let millis = millis.and_then(|millis| u32::try_from(millis).ok());
        let rate = millis.and_then(|millis| FrameRate::nearest_standard(millis, 1000).ok());
        Self { width, height, interlaced: interlaced != 0, rate }
    }
}

/// As technicians say it: `1920x1080i50` counts fields, `1280x720p60` pictures.
impl fmt::Display for Timings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { width, height, interlaced, rate } = self;
        let scan = if *interlaced { 'i' } else { 'p' };
        write!(f, "{width}x{height}{scan}")?;
        let Some(rate) = rate else { return Ok(()) };
        let (num, den) = (rate.num() * (1 + u32::from(*interlaced)), rate.den());
        let hundredths = (u64::from(num) * 100 + u64::from(den) / 2) / u64::from(den);
        match hundredths % 100 {
            0 => write!(f, "{}", hundredths / 100),
            part => write!(f, "{}.{part:02}", hundredths / 100),
        }
    }
}

#[cfg(test)]
mod tests {
    use v4l::v4l_sys::v4l2_fract;

    use super::*;

    /// Timings of CEA-861: size, blanking of a line, blanking of a picture (of both fields), pixel clock.
    fn bt(size: (u32, u32), blanks: (u32, u32), pixelclock: u64, interlaced: bool) -> v4l2_bt_timings {
        v4l2_bt_timings {
            width: size.0,
            height: size.1,
            interlaced: u32::from(interlaced),
            polarities: 0,
            pixelclock,
            hfrontporch: blanks.0,
            hsync: 0,
            hbackporch: 0,
            vfrontporch: blanks.1,
            vsync: 0,
            vbackporch: 0,
            il_vfrontporch: 0,
            il_vsync: 0,
            il_vbackporch: 0,
            standards: 0,
            flags: 0,
            picture_aspect: v4l2_fract { numerator: 0, denominator: 0 },
            cea861_vic: 0,
            hdmi_vic: 0,
            reserved: [0; 46],
        }
    }

    #[test]
    fn signals_of_a_venue_are_named() {
        for (timings, name, rate) in [
            (bt((1920, 1080), (280, 45), 148_500_000, false), "1920x1080p60", (60, 1)),
            (bt((1920, 1080), (280, 45), 148_351_648, false), "1920x1080p59.94", (60_000, 1001)),
            (bt((1920, 1080), (720, 45), 148_500_000, false), "1920x1080p50", (50, 1)),
            (bt((1920, 1080), (720, 45), 74_250_000, true), "1920x1080i50", (25, 1)),
            (bt((1920, 1080), (280, 45), 74_175_824, true), "1920x1080i59.94", (30_000, 1001)),
            (bt((1280, 720), (370, 30), 74_250_000, false), "1280x720p60", (60, 1)),
            (bt((3840, 2160), (560, 90), 297_000_000, false), "3840x2160p30", (30, 1)),
        ] {
            let seen = Timings::of(&timings);
            assert_eq!(seen.to_string(), name);
            assert_eq!(seen.rate, FrameRate::new(rate.0, rate.1).ok(), "{name}");
        }
    }

    #[test]
    fn a_rate_that_is_slowed_down_for_television_is_known_by_its_flag() {
        let slowed = v4l2_bt_timings {
            flags: V4L2_DV_FL_REDUCED_FPS,
            ..bt((1280, 720), (370, 30), 74_250_000, false)
        };
        assert_eq!(Timings::of(&slowed).to_string(), "1280x720p59.94");
    }

    #[test]
    fn nonsense_is_no_rate() {
        let nothing = Timings::of(&bt((0, 0), (0, 0), 0, false));
        assert_eq!((nothing.rate, nothing.to_string()), (None, "0x0p".to_owned()));
        assert_eq!(Timings::of(&bt((640, 480), (160, 45), 0, false)).rate, None);
        assert_eq!(Timings::of(&bt((1, 1), (0, 0), u64::MAX, true)).rate, None);
    }
}
