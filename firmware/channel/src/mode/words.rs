//! Why a mode was chosen, in one plain sentence.

use media::FrameRate;

use super::{Compression, Mode, Port, Wanted, millihertz};

/// Why `chosen` is the best of `offered`.
pub fn why(chosen: &Mode, offered: &[Mode], wanted: Wanted, port: Port) -> String {
    let name = name(chosen);
    let as_what = match chosen.compression() {
        Compression::Raw => return format!("{name} raw{}", unmet(chosen, wanted)),
        Compression::Mjpeg => "MJPEG",
        Compression::H264 => "H.264",
        Compression::Hevc => "HEVC",
    };
    let same_size = |mode: &&Mode| {
        mode.compression() == Compression::Raw && (mode.width, mode.height) == (chosen.width, chosen.height)
    };
    let raw = || offered.iter().filter(same_size);
    let possible = raw().filter(|mode| mode.is_carried(port)).max_by_key(|mode| mode.millihertz());
    let bus = bus(port);
    let reason = match (possible, raw().next(), bus) {
        (Some(raw), _, Some(bus)) => {
            format!("{name} as {as_what}; raw would be {} on a {bus}", self::name(raw))
        }
        (Some(raw), _, None) => format!("{name} as {as_what}; raw would be {}", self::name(raw)),
        (None, Some(_), Some(bus)) => format!("{name} as {as_what}; raw is more than a {bus} carries"),
        (None, _, Some(bus)) => format!("{bus}: {name} only as {as_what}"),
        (None, _, None) => format!("{name} only as {as_what}"),
    };
    reason + &unmet(chosen, wanted)
}

/// What the channel asks for and does not get.
fn unmet(chosen: &Mode, wanted: Wanted) -> String {
    let slower = |rate: FrameRate| chosen.millihertz() < millihertz(rate);
    let small = wanted.lines.is_some() && chosen.lines_short(wanted) > 0;
    if chosen.off_size(wanted) == 0 && !small && !wanted.rate.is_some_and(slower) {
        return String::new();
    }
    let size = match (wanted.size, wanted.lines) {
        (Some((width, height)), _) => shape(width, height),
        (None, Some(lines)) => format!("{lines}p"),
        (None, None) => String::new(),
    };
    match (size.as_str(), wanted.rate) {
        ("", Some(rate)) => format!("; the channel asks for {} frames/s", hertz(rate)),
        (size, rate) => format!("; the channel asks for {size}{}", rate.map(hertz).unwrap_or_default()),
    }
}

/// `1080p30`, `640x480p29.97`.
fn name(mode: &Mode) -> String {
    shape(mode.width, mode.height) + &hertz(mode.rate)
}

fn shape(width: u16, height: u16) -> String {
    match u32::from(width) * 9 == u32::from(height) * 16 {
        true => format!("{height}p"),
        false => format!("{width}x{height}p"),
    }
}

fn hertz(rate: FrameRate) -> String {
    let hundredths = (u64::from(rate.num()) * 100 + u64::from(rate.den()) / 2) / u64::from(rate.den());
    match (hundredths / 100, hundredths % 100) {
        (whole, 0) => whole.to_string(),
        (whole, part) => format!("{whole}.{part:02}"),
    }
}

/// The port as a technician would name it.
fn bus(port: Port) -> Option<&'static str> {
    port.map(|speed| match speed {
        0..=12 => "USB 1 port",
        13..=480 => "USB 2 port",
        _ => "USB 3 port",
    })
}
