//! What the box is doing now, as one snapshot that every door to it reads.
//!
//! Every state that can be wrong carries `since` (milliseconds since the epoch) and `reason` (plain words, empty
//! when all is well).

use std::sync::Arc;

use arc_swap::ArcSwap;
use serde::Serialize;

/// The state of the whole box.
#[derive(Clone, Debug, Serialize)]
pub struct BoxState {
    /// The box's name.
    pub name: String,
    /// Release of the firmware.
    pub version: &'static str,
    /// The board's id.
    pub board: String,
    /// The timeline's clock now: milliseconds since the epoch.
    pub now: u64,
    /// Milliseconds since `riserd` started.
    pub uptime: u64,
    /// Nanoseconds by which the timeline's clock differs from the system's; it is slewed towards 0.
    pub clock_error: i64,
    /// The channels, in order of their names.
    pub channels: Vec<ChannelState>,
    /// The programs, in order of their channels.
    pub programs: Vec<ProgramState>,
    /// The DVR store.
    pub store: StoreState,
    /// The doors for viewers, the first one first.
    pub endpoints: Vec<EndpointState>,
    /// The SHA-256 of the box's own certificate authority; null where no listener shows certificates of it.
    pub authority: Option<String>,
    /// How warm the box is; null where that is not known.
    pub temperature: Option<TemperatureState>,
    /// The box's processes.
    pub processes: Vec<ProcessState>,
    /// What somebody should look at, the gravest first; empty when all is well.
    pub alarms: Vec<Alarm>,
}

/// A door for viewers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EndpointState {
    /// Its name.
    pub name: String,
    /// `running`, or `stopped`: it serves nobody.
    pub state: &'static str,
    /// Its address and port.
    pub listen: String,
    /// It speaks TLS only.
    pub tls: bool,
    /// Requests since `riserd` started.
    pub requests: u64,
    /// Those among them of addresses that are not allowed, and those that nobody has signed who must.
    pub refused: u64,
    /// Those among them for which there was no room.
    pub turned_away: u64,
    /// Bytes that have gone out since `riserd` started.
    pub sent: u64,
    /// Bits per second that go out, lately.
    pub egress: u64,
    /// Content keys and licences that were given.
    pub keys: u64,
    /// Content keys and licences that were refused, to an address or for a token.
    pub keys_refused: u64,
}

/// A state word with its `since` and `reason`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Health {
    /// One word; which ones there are is said where it is used.
    pub state: String,
    /// Since when, in milliseconds since the epoch.
    pub since: u64,
    /// Why, in plain words; empty when all is well.
    pub reason: String,
}

/// A channel.
#[derive(Clone, Debug, Serialize)]
pub struct ChannelState {
    /// Its name.
    pub name: String,
    /// Where it is in its life: `stopped`, `starting`, `running`, `stopping`, `deleting`.
    pub life: String,
    /// How it does: `starting`, `running`, `slate` (no worker gives samples), `stopping`, `stopped`.
    #[serde(flatten)]
    pub health: Health,
    /// Its input.
    pub input: InputState,
    /// Frames per second of its grid.
    pub frame_rate: String,
    /// Milliseconds in one segment and in one part.
    pub segment_ms: u64,
    /// Milliseconds in one part.
    pub part_ms: u64,
    /// Encoder family in use, by its name in board files.
    pub encoder_family: String,
    /// Encoder family and settings in use, in plain words.
    pub encoder: String,
    /// What its ladder takes of all that the board's encoders of that kind can do.
    pub encoder_percent: u64,
    /// Families of the board that do not work, since the channel was started.
    pub encoders_refused: Vec<EncoderRefusal>,
    /// What is given up because the encoders do not keep up or the box is hot, in plain words; empty where nothing is.
    pub shed: String,
    /// What was left out of the ladder and why.
    pub notes: Vec<String>,
    /// The tracks, in order.
    pub renditions: Vec<RenditionState>,
    /// Samples that came too late or did not fit, since the start.
    pub samples_refused: u64,
    /// Samples that stand in for missing ones, since the start.
    pub samples_filled: u64,
}

/// An encoder family that does not work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EncoderRefusal {
    /// By its name in board files.
    pub family: String,
    /// Why, in plain words.
    pub reason: String,
}

/// A program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProgramState {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its channel's name.
    pub channel: String,
    /// Where it is in its life: `stopped`, `starting`, `running`, `stopping`.
    pub state: String,
    /// Seconds that it keeps and shows; what the box missed is not counted.
    pub seconds: u64,
    /// Bytes of the ring that it holds.
    pub bytes: u64,
    /// Seconds of its past that the disk had to give up.
    pub lost_seconds: u64,
    /// Where viewers find it: the locator of `/vod/{locator}/`; none while it is not published.
    pub published: Option<String>,
}

/// Something that somebody should look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Alarm {
    /// What it is about, the same word as long as it lasts: `dvr-promise`, `dvr-disk` ...
    pub id: String,
    /// `warning` (before it matters) or `error`.
    pub severity: String,
    /// Since when, in milliseconds since the epoch.
    pub since: u64,
    /// What is wrong and what can be done, in plain words.
    pub reason: String,
}

/// An input.
#[derive(Clone, Debug, Serialize)]
pub struct InputState {
    /// `closed`, `opening`, the gravest of `no_device`, `no_signal`, `unsupported`, `frozen`, `black`, `silent`, `clipping`,
    /// or `ok`. `since` is when it began; it is told when it has lasted (frozen and silent 10 s, black 5 s).
    #[serde(flatten)]
    pub health: Health,
    /// How often its lock was lost, had again or changed to another format, blips included; counted anew with every worker.
    pub lock_changes: u64,
    /// When it changed last, in milliseconds since the epoch; none where it did not.
    pub lock_changed: Option<u64>,
    /// The device or file.
    pub device: String,
    /// What it gives: `1920x1080 30 MJPG`; empty where nothing is known.
    pub format: String,
    /// Where the sound comes from.
    pub sound: String,
    /// How a camera is run and why so: `USB 2 port: 1080p30 only as MJPEG`; empty for what is no camera, as those that follow.
    pub mode: String,
    /// The name by which the box remembers the camera: its model, with a number where there are several.
    pub name: String,
    /// Its serial number, where it has one.
    pub serial: String,
    /// Where it is plugged in: `usb-0000:00:14.0-2`.
    pub port: String,
    /// `moved from PORT to PORT`, where it was plugged in elsewhere before.
    pub moved: String,
    /// By how many millionths the clock of its sound is faster than the channel's; none where it needs no following, or is not
    /// known yet (half a minute).
    pub sound_drift_ppm: Option<i32>,
    /// Pictures received.
    pub frames_in: u64,
    /// Frame slots given to the encoders.
    pub frames_out: u64,
    /// Slots in which the last picture was shown again.
    pub repeated: u64,
    /// Pictures that came when their slot was filled.
    pub dropped: u64,
    /// Slots in which the slate was shown.
    pub slate: u64,
    /// Slots left out because the encoders could not keep up.
    pub skipped: u64,
    /// Pictures of a camera that could not be decoded.
    pub broken: u64,
}

/// A track and its rate.
#[derive(Clone, Debug, Serialize)]
pub struct RenditionState {
    /// The track's name.
    pub name: String,
    /// The codec as players name it.
    pub codec: String,
    /// Width in pixels; 0 for sound.
    pub width: u16,
    /// Height in pixels; 0 for sound.
    pub height: u16,
    /// Bits per second that the ladder asks of the encoder.
    pub bitrate: u32,
    /// Fewer, which it is tuned to; null where it is as the ladder says.
    pub tuned: Option<u32>,
    /// Bits per second of the last whole segment.
    pub measured: u64,
    /// Samples taken since the start.
    pub samples: u64,
}

/// How warm the box is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TemperatureState {
    /// `cool`, `warm` (what was given up stays away), `hot` (channels give up thumbnails and renditions).
    pub state: String,
    /// The thermal zone, by the kernel's name for its kind.
    pub zone: String,
    /// Degrees Celsius.
    pub celsius: i32,
    /// Degrees Celsius from which on it is hot.
    pub hot: i32,
    /// Degrees Celsius below which it is cool.
    pub cool: i32,
}

/// The DVR store.
#[derive(Clone, Debug, Serialize)]
pub struct StoreState {
    /// `ok`, `recovering`, `slow`, `not_recording`.
    #[serde(flatten)]
    pub health: Health,
    /// Bytes of the ring.
    pub size: u64,
    /// Bytes of it that hold media.
    pub used: u64,
    /// Bytes written since the start, for the wear of the disk: zeros that reserve the room included.
    pub written: u64,
    /// Seconds that can be shown again; what the box missed is not counted.
    pub seconds: u64,
    /// Seconds for which the disk has not caught up with what is to be recorded: a power cut would lose as much.
    pub seconds_behind: u64,
    /// Segments that were shown but could not be recorded.
    pub not_recorded: u64,
    /// Seconds of the past that the settings and programs promise.
    pub seconds_promised: u64,
    /// Seconds of the past that the ring will hold at the present rate.
    pub seconds_predicted: u64,
    /// Bytes that recordings and kept assets hold against expiry.
    pub pinned: u64,
    /// Segments whose bytes were found damaged and are no longer served.
    pub quarantined: u64,
    /// Extents set aside because the disk cannot read or write them.
    pub bad_extents: u64,
    /// Bytes recorded per second, smoothed over minutes.
    pub rate: u64,
}

/// A process of the box.
#[derive(Clone, Debug, Serialize)]
pub struct ProcessState {
    /// Its program.
    pub name: String,
    /// `running`, `starting`, `gone`.
    #[serde(flatten)]
    pub health: Health,
    /// Its process id, while there is one.
    pub pid: Option<u32>,
    /// How often it was started again.
    pub restarts: u32,
}

/// Where the newest snapshot lies. Clones share it; reading never waits.
#[derive(Clone, Debug)]
pub struct Snapshot {
    newest: Arc<ArcSwap<BoxState>>,
}

impl Snapshot {
    /// Begins with this state.
    #[must_use]
    pub fn new(state: BoxState) -> Self {
        Self { newest: Arc::new(ArcSwap::from_pointee(state)) }
    }

    /// Puts a newer state in its place.
    pub fn publish(&self, state: BoxState) {
        self.newest.store(Arc::new(state));
    }

    /// The newest state.
    #[must_use]
    pub fn read(&self) -> Arc<BoxState> {
        self.newest.load_full()
    }
}
