//! From the operator's settings and the board to each part's own configuration.

use std::time::Duration;

use channel::{
    families::Families,
    ladder::{
        self, Budget, Rung, Source,
        presets::{self, Preset},
    },
};
use link::{InputChoice, PictureFormat, Start, Wish};
use media::{FrameRate, Grid, Position, Sound};
use settings::Settings;

/// Segments of this age and younger are served from memory.
const LIVE: Duration = Duration::from_secs(30);
/// Bytes of them that one channel may keep: 8 s of 12 Mbit/s. The rest is read from the disk.
const SHARE: u64 = 12 << 20;

/// The share of the ring that recordings leave to the live windows where the operator does not say.
const RESERVE: u64 = 8;

/// The family without a chip, by its name in board files.
const SOFTWARE: &str = "software";

/// What a channel encodes from while nothing is known of its input.
const UNKNOWN: (u16, u16) = (1280, 720);

/// The store's configuration.
pub fn store(settings: &Settings, pins: Vec<store::Pin>) -> store::Config {
    store::Config {
        dir: settings.state_dir.join("store"),
        size: settings.dvr.size.get(),
        extent: settings.dvr.extent.get(),
        window: settings.dvr.window,
        live: LIVE,
        share: SHARE,
        reserve: settings.dvr.reserve.map_or(settings.dvr.size.get() / RESERVE, |reserve| reserve.get()),
        pins,
    }
}

/// How many of what there may be.
pub fn limits(settings: &Settings) -> control::Limits {
    let limits = &settings.limits;
    let defaults = control::Limits::default();
    let shortest = *defaults.archive_window.start();
    control::Limits {
        channels: limits.channels as usize,
        running_programs: limits.programs as usize,
        archive_window: shortest..=limits.archive_window.as_secs().max(shortest),
        ..defaults
    }
}

/// Which input the worker looks for.
pub fn input(channel: &settings::Channel) -> InputChoice {
    let input = &channel.input;
    let wish = Wish {
        width: input.size().map(|(width, _)| pixels(width)),
        height: input.size().map(|(_, height)| pixels(height)),
        rate: channel.frame_rate,
    };
    match input.source() {
        settings::Source::Auto(device) => InputChoice::Auto { device: device.map(Into::into), wish },
        settings::Source::Camera(device) => InputChoice::Camera { device: device.map(Into::into), wish },
        settings::Source::File(path) => InputChoice::File { path: path.into() },
        settings::Source::Test => InputChoice::Test { wish },
    }
}

/// What a channel encodes: fixed when its input is first seen, the same for every worker that follows.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What the worker is told.
    pub start: Start,
    /// What was left out of the ladder and why.
    pub notes: Vec<String>,
}

impl Plan {
    /// The plan for an input that gives `format`, or for one that is not there yet.
    pub fn new(
        name: &str,
        channel: &settings::Channel,
        board: &board::Board,
        families: &Families,
        format: Option<&PictureFormat>,
        clock: link::Clock,
    ) -> Self {
        let thirty = || FrameRate::new(30, 1).expect("30 is a frame rate");
        let preset = channel.preset.map(preset);
        let rate = channel.frame_rate.or(format.map(|format| format.rate)).unwrap_or_else(thirty);
        let rate = preset.map_or(rate, |preset| preset.rate(rate));
        let wished = channel.input.size().map(|(width, height)| (pixels(width), pixels(height)));
        let (width, height) =
            format.map(|format| (format.width, format.height)).or(wished).unwrap_or(UNKNOWN);
        let families = of_one_kind(families);
        let budget = match families.first() {
            Some(family) if in_hardware(family) => hardware_budget(board),
            _ => software_budget(board),
        };
        let wanted: Vec<_> = match preset {
            Some(preset) => preset.rungs.to_vec(),
            None => channel.ladder.iter().map(rung).collect(),
        };
        let ladder = ladder::plan(Source { width, height, rate }, &wanted, &budget);
        let start = Start {
            name: name.to_owned(),
            grid: Grid::new(rate, channel.segment_ms, channel.part_ms),
            renditions: ladder.renditions,
            sound: Sound {
                bitrate: channel.audio.bitrate,
                sample_rate: 48_000,
                channels: 2,
                language: channel.audio.language.clone(),
            },
            families,
            software_budget: software_budget(board).pixels_per_second,
            clock,
        };
        Self { start, notes: ladder.notes }
    }

    /// Whether it makes the same of an input as the other plan.
    pub fn encodes_like(&self, other: &Self) -> bool {
        (self.start.grid, &self.start.renditions) == (other.start.grid, &other.start.renditions)
    }
}

/// The encoder families of a board.
pub fn families(board: &board::Board) -> Families {
    Families::new(board.encoder.families.iter().map(family))
}

/// The families that a worker may try: those that are left, as far as the same ladder fits them. A ladder for a chip is
/// too much for a processor.
pub fn of_one_kind(families: &Families) -> Vec<String> {
    let first = families.left().next().is_some_and(in_hardware);
    families.left().take_while(|family| in_hardware(family) == first).map(str::to_owned).collect()
}

fn in_hardware(family: &str) -> bool {
    family != SOFTWARE
}

fn hardware_budget(board: &board::Board) -> Budget {
    let budget = board.encoder.hardware.map(|hardware| u64::from(hardware.pixels_per_second));
    Budget { pixels_per_second: budget.unwrap_or(u64::MAX), h265: 1 }
}

fn software_budget(board: &board::Board) -> Budget {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    let cores = u32::try_from(cores).unwrap_or(u32::MAX);
    let budget = board.encoder.software.map(|software| software.pixels_per_second(cores));
    Budget { pixels_per_second: budget.unwrap_or(u64::MAX), h265: ladder::H265_IN_SOFTWARE }
}

fn rung(rung: &settings::Rung) -> Rung {
    Rung { coding: rung.codec, ..Rung::h264(pixels(rung.height), rung.bitrate) }
}

fn preset(preset: settings::Preset) -> Preset {
    match preset {
        settings::Preset::Default720p => presets::DEFAULT_720P,
        settings::Preset::Sport => presets::SPORT,
        settings::Preset::LowLight => presets::LOW_LIGHT,
    }
}

/// When a segment begins, in nanoseconds since the epoch.
pub fn start_of(grid: &Grid, segment: u64) -> u64 {
    grid.rate.nanos_of(grid.first_frame(Position { segment, part: 0 }))
}

fn pixels(pixels: u32) -> u16 {
    u16::try_from(pixels).unwrap_or(u16::MAX)
}

fn family(family: &board::Family) -> String {
    match family {
        board::Family::Vaapi => "vaapi",
        board::Family::Va => "va",
        board::Family::V4l2m2m => "v4l2m2m",
        board::Family::Software => SOFTWARE,
    }
    .to_owned()
}
