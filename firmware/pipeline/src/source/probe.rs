//! Looks for a camera that gives pictures, and asks its driver for the modes it offers.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use channel::{
    cameras,
    mode::{self, Choice, Intervals, Mode, Sizes, Wanted},
};
use link::Wish;
use media::{CameraChoice, FrameRate};
use rustix::io::Errno;
use v4l::{Device, FourCC, frameinterval::FrameIntervalEnum, framesize::FrameSizeEnum, video::Capture};

use super::{
    sighting::Sighting,
    signal::{Input, Signal},
    timings::Timings,
};
use crate::monitor::Loss;

/// A camera and the mode to run it in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Camera {
    /// Its device node.
    pub device: PathBuf,
    /// Which one it is, where the kernel says so.
    pub identity: Option<media::Camera>,
    /// The mode chosen.
    pub mode: Mode,
    /// Why this one.
    pub why: String,
    /// The digital signal at its input, where it has such a one.
    pub signal: Option<Timings>,
}

/// Why there is no camera at a device node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// What to call it.
    pub state: Loss,
    /// In plain words.
    pub reason: String,
    /// The node that is there all the same.
    pub node: Option<PathBuf>,
}

/// The chosen one of the cameras that are plugged in.
pub fn chosen(choice: &CameraChoice, wish: Wish, seen: &[Sighting]) -> Result<Camera, Missing> {
    if let Some(device) = &choice.device {
        return camera(device, wish, seen).map_err(|missing| missing.because_of("channel.input.device"));
    }
    if choice.is_any() {
        return first_camera(wish, seen);
    }
    let cameras: Vec<_> = seen.iter().map(|sighting| sighting.camera.clone()).collect();
    let Some(place) = cameras::pick(&cameras, choice) else {
        let reason = format!("no camera with {choice} is plugged in");
        let missing = Missing { state: Loss::NoDevice, reason, node: None };
        return Err(missing.because_of("channel.input"));
    };
    camera(&seen[place].node, wish, seen).map_err(|missing| missing.because_of("channel.input"))
}

impl Missing {
    /// Names the setting that led to it, where that may be wrong.
    fn because_of(mut self, setting: &str) -> Self {
        if self.state != Loss::NoSignal {
            self.reason = format!("{} ({setting})", self.reason);
        }
        self
    }
}

/// The first camera that gives pictures the box can read. Where there is only one without a signal, that is what is missing.
fn first_camera(wish: Wish, seen: &[Sighting]) -> Result<Camera, Missing> {
    let mut dark = None;
    for sighting in seen {
        match camera(&sighting.node, wish, seen) {
            Ok(camera) => return Ok(camera),
            Err(missing) if missing.state == Loss::NoSignal => dark = dark.or(Some(missing)),
            Err(_) => {}
        }
    }
    let reason = "no camera is plugged in".to_owned();
    Err(dark.unwrap_or(Missing { state: Loss::NoDevice, reason, node: None }))
}

/// The camera at `device`, a device node or a link to one.
fn camera(device: &Path, wish: Wish, seen: &[Sighting]) -> Result<Camera, Missing> {
    let missing = |(state, words): (Loss, String), node: Option<&Path>| {
        let reason = format!("{} {words}", device.display());
        Missing { state, reason, node: node.map(Path::to_owned) }
    };
    let node = fs::canonicalize(device).map_err(|error| missing(unopened(&error), None))?;
    // Closed at once: some drivers allow one handle only.
    let signal = Input::open(&node).ok().and_then(|input| {
        input.introduce();
        input.follow()
    });
    let opened = Device::with_path(&node).map_err(|error| missing(unopened(&error), Some(&node)))?;
    let sighting = seen.iter().find(|sighting| sighting.node == node);
    let wanted = Wanted { size: wish.width.zip(wish.height), lines: wish.lines, rate: wish.rate };
    let modes = of_signal(modes(&opened, signal, wanted), signal, wanted);
    let choice = mode::choose(&modes, wanted, sighting.and_then(|sighting| sighting.speed));
    let Choice { mode, why } = choice.ok_or_else(|| missing(modeless(&node), Some(&node)))?;
    let identity = sighting.map(|sighting| sighting.camera.clone());
    Ok(Camera { device: node, identity, mode, why, signal })
}

/// What it means that a node cannot be opened.
fn unopened(error: &io::Error) -> (Loss, String) {
    match Errno::from_io_error(error) {
        Some(Errno::NOENT) => (Loss::NoDevice, "is not there".to_owned()),
        Some(Errno::NODEV | Errno::NXIO) => (Loss::NoDevice, "has no device behind it".to_owned()),
        _ => (Loss::Unsupported, format!("cannot be opened: {error}")),
    }
}

/// What it means that a node offers no mode: some drivers offer none while there is no signal.
fn modeless(node: &Path) -> (Loss, String) {
    match Input::open(node).map(|input| input.signal()) {
        Ok(Signal::Lost(words)) => (Loss::NoSignal, format!("gives no pictures: {words}")),
        _ => (Loss::Unsupported, "gives no pictures that the box can read".to_owned()),
    }
}

/// Of a grabber that scales, the modes in the size of its signal, if no other is wished: to scale up is of no use, and what
/// is too much is scaled down with the ladder.
fn of_signal(modes: Vec<Mode>, signal: Option<Timings>, wanted: Wanted) -> Vec<Mode> {
    let is_whole = |mode: &Mode| {
        signal.is_some_and(|signal| {
            (u32::from(mode.width), u32::from(mode.height)) == (signal.width, signal.height)
        })
    };
    if wanted.size.is_some() || !modes.iter().any(is_whole) {
        return modes;
    }
    modes.into_iter().filter(is_whole).collect()
}

/// Every mode whose coding can be read. A driver that answers one question with an error is asked the others; one that does
/// not say how many pictures it gives is taken to give those of its signal.
fn modes(device: &Device, signal: Option<Timings>, wanted: Wanted) -> Vec<Mode> {
    let own_size = signal.map(|signal| (signal.width, signal.height));
    let unsaid = signal.and_then(|signal| signal.rate);
    let mut modes = Vec::new();
    for format in device.enum_formats().unwrap_or_default() {
        let Ok(coding) = format.fourcc.str() else { continue };
        if !mode::is_known(coding) {
            continue;
        }
        for size in device.enum_framesizes(format.fourcc).unwrap_or_default() {
            for (width, height) in sizes(size.size, wanted, own_size) {
                let rates = rates(device, format.fourcc, (width, height), wanted, unsaid);
                let (Ok(width), Ok(height)) = (u16::try_from(width), u16::try_from(height)) else { continue };
                modes.extend(rates.into_iter().map(|rate| Mode {
                    coding: coding.to_owned(),
                    width,
                    height,
                    rate,
                }));
            }
        }
    }
    modes
}

fn sizes(size: FrameSizeEnum, wanted: Wanted, own: Option<(u32, u32)>) -> Vec<(u32, u32)> {
    match size {
        FrameSizeEnum::Discrete(size) => vec![(size.width, size.height)],
        FrameSizeEnum::Stepwise(range) => {
            let widths = (range.min_width..=range.max_width, range.step_width);
            let heights = (range.min_height..=range.max_height, range.step_height);
            Sizes { widths, heights }.common(wanted, own)
        }
    }
}

/// The rates of one size. A driver that names none is taken to give `unsaid`, else 30.
fn rates(
    device: &Device,
    coding: FourCC,
    (width, height): (u32, u32),
    wanted: Wanted,
    unsaid: Option<FrameRate>,
) -> Vec<FrameRate> {
    let seconds = |interval: v4l::Fraction| (interval.numerator, interval.denominator);
    let mut rates = Vec::new();
    for interval in device.enum_frameintervals(coding, width, height).unwrap_or_default() {
        match interval.interval {
            FrameIntervalEnum::Discrete(interval) => {
                rates.extend(FrameRate::nearest_standard(interval.denominator, interval.numerator));
            }
            FrameIntervalEnum::Stepwise(range) => {
                let intervals = Intervals { shortest: seconds(range.min), longest: seconds(range.max) };
                rates.extend(intervals.common(wanted));
            }
        }
    }
    if rates.is_empty() {
        rates.extend(unsaid.map_or_else(|| FrameRate::new(30, 1), Ok));
    }
    rates
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(coding: &str, width: u16, height: u16, rate: u32) -> Mode {
        Mode { coding: coding.into(), width, height, rate: FrameRate::new(rate, 1).unwrap() }
    }

    #[test]
    fn what_is_no_camera_says_so_in_plain_words() {
        let folder = tempfile::tempdir().unwrap();
        let said = |name: &str| {
            let device = folder.path().join(name);
            let missing = camera(&device, Wish::default(), &[]).unwrap_err();
            let words = missing.reason.strip_prefix(&format!("{} ", device.display())).unwrap().to_owned();
            (missing.state, words)
        };
        fs::write(folder.path().join("file"), "").unwrap();
        assert_eq!(said("none"), (Loss::NoDevice, "is not there".to_owned()));
        let unreadable = "gives no pictures that the box can read".to_owned();
        assert_eq!(said("file"), (Loss::Unsupported, unreadable));
        let unplugged = unopened(&io::Error::from_raw_os_error(Errno::NODEV.raw_os_error()));
        assert_eq!(unplugged, (Loss::NoDevice, "has no device behind it".to_owned()));
    }

    #[test]
    fn a_camera_that_is_not_there_is_named_as_the_settings_do() {
        let said = |choice: CameraChoice| chosen(&choice, Wish::default(), &[]).unwrap_err().reason;
        assert_eq!(said(CameraChoice::default()), "no camera is plugged in");
        let serial = CameraChoice { serial: Some("8F2C".into()), ..CameraChoice::default() };
        assert_eq!(said(serial), "no camera with serial \"8F2C\" is plugged in (channel.input)");
        let device = CameraChoice { device: Some("/dev/video99".into()), ..CameraChoice::default() };
        assert_eq!(said(device), "/dev/video99 is not there (channel.input.device)");
    }

    #[test]
    fn a_grabber_is_run_in_the_size_of_its_signal_unless_another_is_wished() {
        let rate = FrameRate::new(25, 1).ok();
        let signal = Some(Timings { width: 1280, height: 720, interlaced: false, rate });
        let modes =
            || vec![mode("YUYV", 1920, 1080, 25), mode("YUYV", 1280, 720, 25), mode("YUYV", 640, 360, 25)];
        assert_eq!(of_signal(modes(), signal, Wanted::default()), [mode("YUYV", 1280, 720, 25)]);
        assert_eq!(of_signal(modes(), None, Wanted::default()), modes());
        let wanted = Wanted { size: Some((640, 360)), ..Wanted::default() };
        assert_eq!(of_signal(modes(), signal, wanted), modes());
        let odd = signal.map(|signal| Timings { width: 1024, ..signal });
        assert_eq!(of_signal(modes(), odd, Wanted::default()), modes());
    }
}
