//! What `riserd` and a channel's `riser-pipeline` say to each other over their Unix socket, and its wire form.
//!
//! ```text
//! worker -> riserd    Hello            who speaks, which version
//! riserd -> worker    Open             which input to look for
//! worker -> riserd    Input            what was found, or why nothing was
//! riserd -> worker    Start            grid, renditions, sound, clock
//! worker -> riserd    Trying           which encoder family is touched next
//! worker -> riserd    Unable           none works: another start follows
//! worker -> riserd    Tracks           codec parameters and the part where its samples begin
//! worker -> riserd    Sample ...       encoded samples, in decode order on each track
//! worker -> riserd    Slate ...        samples that may stand in when the worker is gone
//! worker -> riserd    Input ...        whenever the input's state changes, and each second
//! worker -> riserd    Levels ...       how loud the sounds are, ten times a second
//! riserd -> worker    Tune             other bitrates and key frames
//! riserd -> worker    Clock ...        each second
//! riserd -> worker    Stop             drain and exit
//! ```
//! Samples are binary, everything else is JSON inside the same framing (see [`wire`]). Both ends are built
//! together; [`VERSION`] only guards against a worker left over from another release.

pub mod wire;

use std::{fmt, path::PathBuf};

use media::{
    Camera, CameraChoice, Captions, CardChoice, FrameRate, Grid, Levels, Position, RateControl, Rendition,
    Sample, Sound, Track,
};
use serde::{Deserialize, Serialize};

pub use wire::{Decoder, Error};

/// Version of these messages.
pub const VERSION: u32 = 4;

/// From a worker to `riserd`.
#[derive(Clone, Debug, PartialEq)]
pub enum FromWorker {
    /// First message.
    Hello(Hello),
    /// What is known of the input now.
    Input(Box<InputReport>),
    /// An encoder family is about to be tried: what ends the worker before its tracks is that family's doing.
    Trying(Trying),
    /// None of the families works; another start is waited for.
    Unable(Unable),
    /// The encoders are up.
    Tracks(Tracks),
    /// One encoded sample.
    Sample {
        /// Index into [`Tracks::tracks`].
        track: u8,
        /// The sample.
        sample: Sample,
    },
    /// One sample of the track's slate, in order; the first is a sync sample. Decode times count from 0.
    Slate {
        /// Index into [`Tracks::tracks`].
        track: u8,
        /// The sample.
        sample: Sample,
    },
    /// How loud the sounds are, in the order of [`Start::sounds`].
    Levels(Vec<Levels>),
    /// Something that cannot be worked around; the worker ends after it.
    Failed(Failed),
}

/// From `riserd` to a worker.
#[derive(Clone, Debug, PartialEq)]
pub enum ToWorker {
    /// Which input to look for.
    Open {
        /// The input.
        choice: InputChoice,
        /// Box name, shown in the test signal.
        name: String,
        /// What is wanted of its sound.
        sound: SoundWish,
    },
    /// Begin to encode.
    Start(Box<Start>),
    /// Other settings for the encoders, from the next segment on.
    Tune(Tuning),
    /// The timeline's clock, slewed.
    Clock(Clock),
    /// Drain and exit.
    Stop,
}

/// First message of a worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    /// [`VERSION`] of the worker.
    pub version: u32,
    /// Its process id.
    pub pid: u32,
}

/// Which input a channel wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputChoice {
    /// A camera where there is one, else the test signal.
    Auto {
        /// Which one.
        camera: CameraChoice,
        /// The size and rate to prefer.
        wish: Wish,
    },
    /// A V4L2 camera.
    Camera {
        /// Which one.
        camera: CameraChoice,
        /// The size and rate to prefer.
        wish: Wish,
    },
    /// An input of a DeckLink card.
    Decklink {
        /// Which one.
        card: CardChoice,
    },
    /// A media file in a loop.
    File {
        /// Its path.
        path: PathBuf,
    },
    /// The built-in test signal.
    Test {
        /// Its size and rate.
        wish: Wish,
    },
}

/// A preferred picture format; what is absent is chosen by rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// Width in pixels.
    pub width: Option<u16>,
    /// Height in pixels.
    pub height: Option<u16>,
    /// Lines of the highest rendition: more would be scaled down.
    pub lines: Option<u16>,
    /// Frames per second.
    pub rate: Option<FrameRate>,
}

/// What is wanted of an input's sound.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoundWish {
    /// How many pairs may be asked for.
    pub pairs: u16,
    /// The ALSA device to take in place of the one on the camera's own.
    pub card: Option<String>,
}

/// Everything an encoding worker needs to know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// Box name, shown in the test signal and on the slate.
    pub name: String,
    /// The channel's grid.
    pub grid: Grid,
    /// The ladder, best quality first.
    pub renditions: Vec<Rendition>,
    /// The sounds, at least one; none of a pair beyond those of [`ToWorker::Open`].
    pub sounds: Vec<Sound>,
    /// Captions of the pictures that are named to viewers.
    pub captions: Vec<Captions>,
    /// Encoder families to try, in order of preference; at least one.
    pub families: Vec<String>,
    /// Pixels per second that the software family can encode at its fastest setting on this board.
    pub software_budget: u64,
    /// How the encoders spend their bits.
    pub rate_control: RateControl,
    /// What may change while they run.
    pub tuning: Tuning,
    /// The clock.
    pub clock: Clock,
}

/// What may change while the encoders run, without a gap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tuning {
    /// Bits per second of each rendition, at most those of the ladder.
    pub bitrates: Vec<u32>,
    /// Parts from one key frame to the next; a segment is a whole number of times as long.
    pub gop_parts: u32,
}

/// UTC less the monotonic clock, in nanoseconds: one slewed offset that never steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// Nanoseconds to add to `CLOCK_MONOTONIC`.
    pub offset: i64,
}

/// What is true of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputState {
    /// It is being opened.
    Opening,
    /// There is no such device or file.
    NoDevice,
    /// The device is there, pictures are not.
    NoSignal,
    /// Pictures or sound that the box cannot read.
    Unsupported,
    /// The same picture all the time.
    Frozen,
    /// Nothing can be seen on the pictures.
    Black,
    /// Nothing can be heard.
    Silent,
    /// The sound is driven too hard.
    Clipping,
    /// Pictures arrive.
    Ok,
}

/// The input's state and counters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputReport {
    /// What is true of it.
    pub state: InputState,
    /// When it became so: nanoseconds since the epoch.
    pub since: u64,
    /// Why, in plain words; names the setting where one is wrong.
    pub reason: String,
    /// How often its lock was lost, had again or changed to another format since the worker began, blips included.
    pub lock_changes: u64,
    /// When it changed last: nanoseconds since the epoch.
    pub lock_changed: Option<u64>,
    /// The device or file, as a person would name it.
    pub device: String,
    /// Which camera it is, where it is one.
    pub camera: Option<Camera>,
    /// All cameras that are plugged in, as far as it had to look for them.
    pub cameras: Vec<Camera>,
    /// How a camera is run and why so, in plain words.
    pub mode: String,
    /// What it gives, where it gives something.
    pub format: Option<PictureFormat>,
    /// Where the sound comes from: a device, the file's track, the tone, silence.
    pub sound: String,
    /// By how many millionths the clock of its sound is faster than the channel's, where that is known.
    pub drift_ppm: Option<i32>,
    /// Pictures received.
    pub frames_in: u64,
    /// Frame slots given to the encoders.
    pub frames_out: u64,
    /// Slots filled by showing the last picture again.
    pub repeated: u64,
    /// Pictures that came when their slot was already filled.
    pub dropped: u64,
    /// Slots filled by the slate.
    pub slate: u64,
    /// Slots left out because the encoders could not keep up.
    pub skipped: u64,
    /// Pictures that could not be decoded.
    pub broken: u64,
}

/// Size, rate and format of incoming pictures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PictureFormat {
    /// Width in pixels.
    pub width: u16,
    /// Height in pixels.
    pub height: u16,
    /// Frames per second.
    pub rate: FrameRate,
    /// Pixel or codec format by its usual name: `YUYV`, `MJPG`, `H.264`.
    pub coding: String,
}

/// The encoders are up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tracks {
    /// In the order of [`Start::renditions`], then of [`Start::sounds`].
    pub tracks: Vec<Track>,
    /// Every track's samples begin at this part's line; pictures with a sync sample.
    pub first: Position,
    /// The encoder family in use, by its name in board files.
    pub family: String,
    /// The family and its settings, in plain words.
    pub encoder: String,
}

/// Which encoder family is tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trying {
    /// By its name in board files.
    pub family: String,
    /// Those that were to be preferred and do not work here.
    pub refused: Vec<Refusal>,
}

/// Why a worker cannot encode what it was told to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unable {
    /// Of the family that was tried last, in plain words.
    pub reason: String,
}

/// An encoder family that does not work on this box.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// By its name in board files.
    pub family: String,
    /// Why, in plain words.
    pub reason: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.family, self.reason)
    }
}

/// Why a worker gives up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// In plain words.
    pub reason: String,
    /// It is the fault of the encoder family in use, or tried.
    pub encoder: bool,
}
