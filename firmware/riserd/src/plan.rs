//! From the operator's settings and the board to each part's own configuration.

use std::time::Duration;

use channel::{
    budget::{Budget, H265_IN_SOFTWARE, Kind},
    families::Families,
    ladder::{
        self, Rung, Source, Wanted,
        presets::{self, Preset},
    },
    shed::Shed,
};
use control::Tuning;
use link::{InputChoice, PictureFormat, SoundWish, Start, Wish};
use media::{FrameRate, Grid, Position, Sound};
use settings::Settings;

use crate::house::House;

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
        window: settings.dvr.window + origin::LINGER,
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
        lines: wanted(channel).most_lines(),
        rate: channel.frame_rate,
    };
    let camera = input.camera();
    match input.source() {
        settings::Source::Auto => InputChoice::Auto { camera, wish },
        settings::Source::Camera => InputChoice::Camera { camera, wish },
        settings::Source::Decklink => InputChoice::Decklink { card: input.card() },
        settings::Source::File(path) => InputChoice::File { path: path.into() },
        settings::Source::Test => InputChoice::Test { wish },
    }
}

/// What a channel needs of its input's sound.
pub fn sound_wish(channel: &settings::Channel, start: &Start) -> SoundWish {
    let pairs = start.sounds.iter().map(|sound| sound.pair).max().unwrap_or(1);
    SoundWish { pairs, card: channel.input.sound().map(str::to_owned) }
}

/// What a channel encodes: fixed when its input is first seen, the same for every worker that follows.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What the worker is told.
    pub start: Start,
    /// What was left out of the ladder and why.
    pub notes: Vec<String>,
    /// What it asks of the encoders, in pixels per second of H.264.
    pub load: u64,
    /// The same in percent of all that they can do.
    pub percent: u64,
}

impl Plan {
    /// The plan for an input that gives `format`, or for one that is not there yet. `families` are of one kind, and
    /// `budget` is theirs.
    pub fn new(
        house: &House,
        channel: &settings::Channel,
        families: Vec<String>,
        format: Option<&PictureFormat>,
        budget: &Budget,
    ) -> Self {
        let source = source(channel, format);
        let ladder = ladder::plan(source, &wanted(channel), budget);
        let start = Start {
            name: house.settings.name.clone(),
            grid: Grid::new(source.rate, channel.segment_ms, channel.part_ms),
            renditions: ladder.renditions,
            sounds: sounds(&channel.audio),
            captions: channel.captions.iter().map(captions).collect(),
            families,
            rate_control: channel.rate_control,
            tuning: link::Tuning { bitrates: Vec::new(), gop_parts: 0 },
            software_budget: budget_of(&house.board, Kind::Software).pixels_per_second,
            clock: link::Clock { offset: house.clock.offset() },
        };
        let start = link::Start { tuning: tuning(channel, &start, &Tuning::default()), ..start };
        Self { start, notes: ladder.notes, load: ladder.load, percent: budget.percent(ladder.load) }
    }

    /// The plan without the highest renditions that are given up; one always stays. It keeps its share of the encoders.
    pub fn without(mut self, shed: &Shed) -> Self {
        let highest = shed.renditions().min(self.start.renditions.len().saturating_sub(1));
        self.start.tuning.bitrates.drain(..highest);
        for rendition in self.start.renditions.drain(..highest) {
            self.notes.push(format!("{} left out: {}", rendition.name, shed.why()));
        }
        self
    }

    /// Whether it makes the same of an input as the other plan.
    pub fn encodes_like(&self, other: &Self) -> bool {
        (self.start.grid, &self.start.renditions) == (other.start.grid, &other.start.renditions)
    }
}

/// The sounds of a channel: `audio`, `audio-2` ..., each one pair of the input's.
fn sounds(audio: &settings::Audio) -> Vec<Sound> {
    let first = settings::AudioTrack { pair: 1, language: None };
    let tracks = if audio.track.is_empty() { std::slice::from_ref(&first) } else { &audio.track };
    let sound = |(nth, track): (usize, &settings::AudioTrack)| Sound {
        name: if nth == 0 { "audio".to_owned() } else { format!("audio-{}", nth + 1) },
        pair: u16::try_from(track.pair).unwrap_or(u16::MAX),
        bitrate: audio.bitrate,
        sample_rate: 48_000,
        channels: 2,
        language: track.language.clone().or_else(|| audio.language.clone()),
    };
    tracks.iter().enumerate().map(sound).collect()
}

fn captions(captions: &settings::Captions) -> media::Captions {
    media::Captions {
        service: captions.service.clone(),
        language: captions.language.clone(),
        subtitles: captions.subtitles,
    }
}

/// The encoder families of a board.
pub fn families(board: &board::Board) -> Families {
    Families::new(board.encoder.families.iter().map(family))
}

/// The families that a worker may try: those that are left, as far as the same ladder fits them. A ladder for a chip is
/// too much for a processor.
pub fn of_one_kind(families: &Families) -> Vec<String> {
    let first = families.left().next().map(kind);
    families.left().take_while(|family| Some(kind(family)) == first).map(str::to_owned).collect()
}

/// Which encoders a family uses.
pub fn kind(family: &str) -> Kind {
    if family == SOFTWARE { Kind::Software } else { Kind::Hardware }
}

/// What a board's encoders of a kind can do, with nothing taken.
pub fn budget_of(board: &board::Board, kind: Kind) -> Budget {
    let (pixels_per_second, h265) = match kind {
        Kind::Hardware => (board.encoder.hardware.map(|chips| u64::from(chips.pixels_per_second)), 1),
        Kind::Software => {
            let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
            let cores = u32::try_from(cores).unwrap_or(u32::MAX);
            (board.encoder.software.map(|software| software.pixels_per_second(cores)), H265_IN_SOFTWARE)
        }
    };
    Budget { pixels_per_second: pixels_per_second.unwrap_or(u64::MAX), taken: 0, h265 }
}

/// What the encoders of `start` are given where the channel is tuned so.
pub fn tuning(channel: &settings::Channel, start: &Start, tuned: &Tuning) -> link::Tuning {
    let bitrate = |rendition: &media::Rendition| {
        tuned
            .bitrates
            .get(&rendition.name)
            .map_or(rendition.bitrate, |&bitrate| bitrate.min(rendition.bitrate))
    };
    let gop = tuned.gop_ms.or(channel.gop_ms);
    link::Tuning {
        bitrates: start.renditions.iter().map(bitrate).collect(),
        gop_parts: gop.map_or(start.grid.parts_per_segment, |gop| gop / channel.part_ms),
    }
}

/// What a channel encodes from where its input gives `format`, at the rate at which it is shown.
pub fn source(channel: &settings::Channel, format: Option<&PictureFormat>) -> Source {
    let thirty = || FrameRate::new(30, 1).expect("30 is a frame rate");
    let rate = channel.frame_rate.or(format.map(|format| format.rate)).unwrap_or_else(thirty);
    let rate = channel.preset.and_then(preset).map_or(rate, |preset| preset.rate(rate));
    let wished = channel.input.size().map(|(width, height)| (pixels(width), pixels(height)));
    let (width, height) = format.map(|format| (format.width, format.height)).or(wished).unwrap_or(UNKNOWN);
    Source { width, height, rate }
}

/// The ladder that a channel's settings ask for.
pub fn wanted(channel: &settings::Channel) -> Wanted {
    match channel.preset {
        Some(name) => preset(name).map_or(Wanted::SoundAlone, |preset| Wanted::Rungs(preset.rungs.to_vec())),
        None if channel.ladder.is_empty() => Wanted::Standard,
        None => Wanted::Rungs(channel.ladder.iter().map(rung).collect()),
    }
}

fn rung(rung: &settings::Rung) -> Rung {
    Rung { coding: rung.codec, ..Rung::h264(pixels(rung.height), rung.bitrate) }
}

/// What a preset does with pictures, where it has any.
fn preset(preset: settings::Preset) -> Option<Preset> {
    match preset {
        settings::Preset::Default720p => Some(presets::DEFAULT_720P),
        settings::Preset::Sport => Some(presets::SPORT),
        settings::Preset::LowLight => Some(presets::LOW_LIGHT),
        settings::Preset::AudioOnly => None,
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
