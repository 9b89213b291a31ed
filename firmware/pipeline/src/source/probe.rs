//! Which V4L2 cameras there are, which modes they offer, and the rule that picks one.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use link::Wish;
use media::FrameRate;
use rustix::io::Errno;
use v4l::{Device, FourCC, frameinterval::FrameIntervalEnum, video::Capture};

use super::{
    signal::{Input, Signal},
    timings::Timings,
};
use crate::monitor::Loss;

/// Where the kernel lists its V4L2 nodes.
const CLASS: &str = "/sys/class/video4linux";

/// A camera and the mode to run it in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Camera {
    /// Its device node.
    pub device: PathBuf,
    /// Its name as the driver gives it.
    pub name: String,
    /// The mode chosen.
    pub mode: Mode,
    /// The digital signal at its input, where it has such a one.
    pub signal: Option<Timings>,
}

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

/// V4L2 codings that can be read, best first, with GStreamer's caps for them.
const CODINGS: [(&str, &str, Option<&str>); 9] = [
    ("NV12", "video/x-raw", Some("NV12")),
    ("YU12", "video/x-raw", Some("I420")),
    ("YUYV", "video/x-raw", Some("YUY2")),
    ("UYVY", "video/x-raw", Some("UYVY")),
    ("RGB3", "video/x-raw", Some("RGB")),
    ("BGR3", "video/x-raw", Some("BGR")),
    ("MJPG", "image/jpeg", None),
    ("JPEG", "image/jpeg", None),
    ("H264", "video/x-h264", None),
];

impl Mode {
    /// The caps that make `v4l2src` run in this mode.
    pub fn caps(&self) -> gst::Caps {
        let known = CODINGS.iter().find(|(coding, ..)| *coding == self.coding);
        let (_, media_type, format) = known.copied().unwrap_or(("", "video/x-raw", None));
        let rate = gst::Fraction::new(self.rate.num().cast_signed(), self.rate.den().cast_signed());
        let mut caps = gst::Caps::builder(media_type)
            .field("width", i32::from(self.width))
            .field("height", i32::from(self.height))
            .field("framerate", rate);
        if let Some(format) = format {
            caps = caps.field("format", format);
        }
        caps.build()
    }
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

/// The first camera that gives pictures the box can read; nodes of metadata and of sound give none. Where there is only one
/// without a signal, that is what is missing.
pub fn first_camera(wish: Wish) -> Result<Camera, Missing> {
    let mut dark = None;
    for node in nodes(Path::new(CLASS)) {
        match camera(&Path::new("/dev").join(node), wish) {
            Ok(camera) => return Ok(camera),
            Err(missing) if missing.state == Loss::NoSignal => dark = dark.or(Some(missing)),
            Err(_) => {}
        }
    }
    let reason = "no camera is plugged in".to_owned();
    Err(dark.unwrap_or(Missing { state: Loss::NoDevice, reason, node: None }))
}

/// The names of the V4L2 capture nodes, in the order of their numbers.
fn nodes(class: &Path) -> Vec<String> {
    let number = |name: &str| name.strip_prefix("video")?.parse::<u32>().ok();
    let names = fs::read_dir(class).into_iter().flatten().flatten();
    let mut nodes: Vec<_> = names
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter_map(|name| Some((number(&name)?, name)))
        .collect();
    nodes.sort();
    nodes.into_iter().map(|(_, name)| name).collect()
}

/// The camera at `device`, a device node or a link to one.
pub fn camera(device: &Path, wish: Wish) -> Result<Camera, Missing> {
    let missing = |(state, words): (Loss, String), node: Option<&Path>| {
        let reason = format!("{} {words}", device.display());
        Missing { state, reason, node: node.map(Path::to_owned) }
    };
    let node = fs::canonicalize(device).map_err(|error| missing(unopened(&error), None))?;
    // Closed at once: some drivers allow one handle only.
    let signal = Input::open(&node).ok().and_then(|input| input.follow());
    let opened = Device::with_path(&node).map_err(|error| missing(unopened(&error), Some(&node)))?;
    let modes = of_signal(modes(&opened, signal), signal, wish);
    let mode = choose(&modes, wish).ok_or_else(|| missing(modeless(&node), Some(&node)))?;
    let name = node.file_name().map(|node| Path::new(CLASS).join(node).join("name"));
    let name = name.and_then(|name| fs::read_to_string(name).ok()).unwrap_or_else(|| "camera".to_owned());
    Ok(Camera { device: node, name: name.trim().to_owned(), mode, signal })
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
fn of_signal(modes: Vec<Mode>, signal: Option<Timings>, wish: Wish) -> Vec<Mode> {
    let is_whole = |mode: &Mode| {
        signal.is_some_and(|signal| {
            (u32::from(mode.width), u32::from(mode.height)) == (signal.width, signal.height)
        })
    };
    if wish.width.is_some() || wish.height.is_some() || !modes.iter().any(is_whole) {
        return modes;
    }
    modes.into_iter().filter(is_whole).collect()
}

/// Every mode whose coding can be read. A driver that answers one question with an error is asked the others; one that does
/// not say how many pictures it gives is taken to give those of its signal.
fn modes(device: &Device, signal: Option<Timings>) -> Vec<Mode> {
    let unsaid = signal.and_then(|signal| signal.rate);
    let mut modes = Vec::new();
    for format in device.enum_formats().unwrap_or_default() {
        let Ok(coding) = format.fourcc.str() else { continue };
        if !CODINGS.iter().any(|(known, ..)| *known == coding) {
            continue;
        }
        for size in device.enum_framesizes(format.fourcc).unwrap_or_default() {
            for (width, height) in sizes(size.size) {
                let rates = rates(device, format.fourcc, (width, height), unsaid);
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

/// The sizes of one answer; of a range, the common sizes in it.
fn sizes(size: v4l::framesize::FrameSizeEnum) -> Vec<(u32, u32)> {
    const COMMON: [(u32, u32); 6] =
        [(1920, 1080), (1280, 720), (960, 540), (640, 480), (640, 360), (320, 180)];
    match size {
        v4l::framesize::FrameSizeEnum::Discrete(size) => vec![(size.width, size.height)],
        v4l::framesize::FrameSizeEnum::Stepwise(range) => {
            let fits = |&(width, height): &(u32, u32)| {
                (range.min_width..=range.max_width).contains(&width)
                    && (range.min_height..=range.max_height).contains(&height)
                    && (width - range.min_width).is_multiple_of(range.step_width.max(1))
                    && (height - range.min_height).is_multiple_of(range.step_height.max(1))
            };
            COMMON.into_iter().filter(fits).collect()
        }
    }
}

/// The rates of one size; of a range, the common ones in it. A driver that names none is taken to give `unsaid`, else 30.
fn rates(
    device: &Device,
    coding: FourCC,
    (width, height): (u32, u32),
    unsaid: Option<FrameRate>,
) -> Vec<FrameRate> {
    let mut rates = Vec::new();
    for interval in device.enum_frameintervals(coding, width, height).unwrap_or_default() {
        match interval.interval {
            FrameIntervalEnum::Discrete(interval) => {
                rates.extend(FrameRate::nearest_standard(interval.denominator, interval.numerator));
            }
            FrameIntervalEnum::Stepwise(range) => {
                let seconds = |fraction: v4l::Fraction| {
                    (u64::from(fraction.numerator), u64::from(fraction.denominator))
                };
                let (shortest, longest) = (seconds(range.min), seconds(range.max));
                let within = |rate: &u32| {
                    let rate = u64::from(*rate);
                    shortest.0 * rate <= shortest.1 && longest.0 * rate >= longest.1
                };
                rates.extend(
                    [60, 50, 30, 25, 15, 10]
                        .iter()
                        .filter(|rate| within(rate))
                        .filter_map(|rate| FrameRate::new(*rate, 1).ok()),
                );
            }
        }
    }
    if rates.is_empty() {
        rates.extend(unsaid.map_or_else(|| FrameRate::new(30, 1), Ok));
    }
    rates
}

/// The best mode: what is wished first, then at least 25 frames/s, then the largest picture up to 1080p, then the
/// highest rate up to 60, then the coding that costs least to read.
pub fn choose(modes: &[Mode], wish: Wish) -> Option<Mode> {
    let rank = |mode: &&Mode| {
        let off = |wished: Option<u16>, got: u16| wished.map_or(0, |wished| wished.abs_diff(got));
        let unwished = u32::from(off(wish.width, mode.width)) + u32::from(off(wish.height, mode.height));
        let rate = mode.rate.num() / mode.rate.den();
        let rate_unwished = wish.rate.is_some_and(|wished| wished != mode.rate);
        let pixels = u32::from(mode.width) * u32::from(mode.height);
        let too_large =
            wish.width.is_none() && wish.height.is_none() && (mode.width > 1920 || mode.height > 1080);
        let coding = CODINGS.iter().position(|(coding, ..)| *coding == mode.coding);
        let best_rate = std::cmp::Reverse(rate.min(60));
        (
            unwished,
            rate_unwished,
            too_large,
            wish.rate.is_none() && rate < 25,
            std::cmp::Reverse(pixels),
            best_rate,
            coding,
        )
    };
    modes.iter().min_by_key(rank).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(coding: &str, width: u16, height: u16, rate: u32) -> Mode {
        Mode { coding: coding.into(), width, height, rate: FrameRate::new(rate, 1).unwrap() }
    }

    fn usb2_webcam() -> Vec<Mode> {
        vec![
            mode("YUYV", 1920, 1080, 5),
            mode("YUYV", 640, 480, 30),
            mode("MJPG", 1920, 1080, 30),
            mode("MJPG", 1280, 720, 60),
            mode("MJPG", 3840, 2160, 30),
            mode("H264", 1920, 1080, 30),
        ]
    }

    #[test]
    fn nodes_are_taken_in_the_order_of_their_numbers() {
        let class = tempfile::tempdir().unwrap();
        for node in ["video10", "video2", "vbi0", "v4l-subdev1", "video", "video99999999999999999999"] {
            fs::create_dir(class.path().join(node)).unwrap();
        }
        assert_eq!(nodes(class.path()), ["video2", "video10"]);
        assert_eq!(nodes(&class.path().join("none")), [""; 0]);
    }

    #[test]
    fn what_is_no_camera_says_so_in_plain_words() {
        let folder = tempfile::tempdir().unwrap();
        let said = |name: &str| {
            let device = folder.path().join(name);
            let missing = camera(&device, Wish::default()).unwrap_err();
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
    fn the_largest_fluent_picture_wins() {
        assert_eq!(choose(&usb2_webcam(), Wish::default()), Some(mode("MJPG", 1920, 1080, 30)));
    }

    #[test]
    fn wishes_come_first() {
        let wish = Wish { width: Some(640), height: Some(480), rate: None };
        assert_eq!(choose(&usb2_webcam(), wish), Some(mode("YUYV", 640, 480, 30)));
        let wish = Wish { rate: Some(FrameRate::new(60, 1).unwrap()), ..Wish::default() };
        assert_eq!(choose(&usb2_webcam(), wish), Some(mode("MJPG", 1280, 720, 60)));
        assert_eq!(choose(&[], wish), None);
    }

    #[test]
    fn a_grabber_is_run_in_the_size_of_its_signal_unless_another_is_wished() {
        let rate = FrameRate::new(25, 1).ok();
        let signal = Some(Timings { width: 1280, height: 720, interlaced: false, rate });
        let modes =
            || vec![mode("YUYV", 1920, 1080, 25), mode("YUYV", 1280, 720, 25), mode("YUYV", 640, 360, 25)];
        assert_eq!(of_signal(modes(), signal, Wish::default()), [mode("YUYV", 1280, 720, 25)]);
        assert_eq!(of_signal(modes(), None, Wish::default()), modes());
        let wish = Wish { height: Some(360), ..Wish::default() };
        assert_eq!(of_signal(modes(), signal, wish), modes());
        let odd = signal.map(|signal| Timings { width: 1024, ..signal });
        assert_eq!(of_signal(modes(), odd, Wish::default()), modes());
    }

    #[test]
    fn raw_pictures_are_preferred_where_nothing_else_differs() {
        let modes = [mode("MJPG", 1280, 720, 30), mode("YUYV", 1280, 720, 30)];
        assert_eq!(choose(&modes, Wish::default()).unwrap().coding, "YUYV");
    }
}
