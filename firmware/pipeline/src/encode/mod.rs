//! Encoder families behind one interface: pictures in, H.264 samples out, all renditions on the same slots.
//!
//! A family is a module with a [`Family`] value in [`FAMILIES`]. It owns everything from the raw picture to the
//! bitstream, its scaler chain included, so that a family on a GPU keeps pictures there. No type of a family is
//! visible outside its module. The board names the families to try, [`choose`] takes the first that passes its
//! start-up test.

mod nothing;
mod rungs;
mod software;
mod sound;
mod tap;
mod trial;
mod v4l2m2m;
mod va;

use std::{
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use channel::captions::Triplet;
use gst::prelude::*;
use link::Refusal;
use media::{Codec, Coding, FrameRate, Grid, Profile, RateControl, Rendition, Sample};

pub use sound::{BLOCK, SoundEncoder};

use crate::{
    error::Error,
    frame::{Frame, info},
};

/// A family's start-up test has this long; a driver that takes longer is taken to hang.
const TRIAL: Duration = Duration::from_secs(4);

/// One way to encode pictures.
pub trait Family: Sync {
    /// Its name in board files.
    fn name(&self) -> &'static str;

    /// Makes sure that it encodes every rendition of `plan` on this machine, by trying where a driver may fail; the
    /// error says in plain words why it does not.
    fn prepare(&'static self, plan: &Plan) -> Result<Builder, String>;

    /// Running encoders that give no sample for this long are taken to hang: chips have a pace, a processor may be busy.
    fn patience(&self) -> Duration {
        Duration::from_secs(1)
    }
}

/// Starts one encoder per rendition of a plan.
pub type Builder = Arc<dyn Fn(&Plan, &Outlet) -> Result<Box<dyn Ladder>, Error> + Send + Sync>;

/// What a family encodes.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The channel's grid.
    pub grid: Grid,
    /// Best quality first.
    pub renditions: Vec<Rendition>,
    /// Pixels per second that the software family can encode at its fastest setting.
    pub software_budget: u64,
    /// How the encoders spend their bits.
    pub rate_control: RateControl,
}

/// One picture on its way into the encoders.
#[derive(Clone, Debug)]
pub struct Picture {
    /// The raw picture, of any size.
    pub frame: Frame,
    /// Its frame slot, counted from the epoch.
    pub slot: u64,
    /// When it was captured: nanoseconds since the epoch.
    pub captured: u64,
    /// What is said with it.
    pub captions: Vec<Triplet>,
    /// Decoding must be able to begin here, on every rendition.
    pub sync: bool,
}

/// The running encoders of a channel.
pub trait Ladder: Send {
    /// Whether every encoder can take another picture now.
    fn has_room(&self) -> bool;

    /// Gives a picture to every rendition. Slots rise from call to call.
    fn push(&mut self, picture: &Picture) -> Result<(), Error>;

    /// From about the next picture on each rendition has so many bits per second, at most those it was started with.
    fn tune(&mut self, bitrates: &[u32]) -> Result<(), Error>;

    /// Its settings in plain words.
    fn describe(&self) -> String;

    /// Ends every encoder after what was pushed has come out.
    fn finish(self: Box<Self>) -> Result<(), Error>;
}

/// One encoded sample and the codec parameters it was made with.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// Track index: the rendition's, or for sound the number of renditions.
    pub track: u8,
    /// The codec parameters, shared by all samples of a track until they change.
    pub codec: Arc<Codec>,
    /// The sample.
    pub sample: Sample,
}

/// Where encoded samples go. Bounded: an encoder waits when the socket does, and then gets no more pictures.
pub type Outlet = mpsc::SyncSender<Encoded>;

/// Every family this build knows.
const FAMILIES: [&dyn Family; 4] = [&va::VAAPI, &va::VA, &v4l2m2m::V4l2m2m, &software::Software];

/// A family that works here.
pub struct Chosen {
    /// Its name in board files.
    pub family: &'static str,
    /// Starts its encoders.
    pub build: Builder,
    /// As [`Family::patience`] says.
    pub patience: Duration,
}

/// The first of `families` that works here; each is told to `trying` before it is touched, with those refused so far.
pub fn choose(
    families: &[String],
    plan: &Plan,
    mut trying: impl FnMut(&str, &[Refusal]) -> Result<(), Error>,
) -> Result<Chosen, Error> {
    if plan.renditions.is_empty() {
        return Ok(Chosen { family: nothing::NAME, build: nothing::builder(), patience: Duration::MAX });
    }
    let mut refused = Vec::new();
    for name in families {
        trying(name, &refused)?;
        let tried = match FAMILIES.iter().find(|family| family.name() == name.as_str()) {
            Some(family) => prepare(*family, plan)?.map(|build| (*family, build)),
            None => Err("not in this release".to_owned()),
        };
        match tried {
            Ok((family, build)) => {
                return Ok(Chosen { family: family.name(), build, patience: family.patience() });
            }
            Err(reason) => {
                tracing::warn!(family = name, reason, "encoder family refused");
                refused.push(Refusal { family: name.clone(), reason });
            }
        }
    }
    Err(Error::NoFamily(refused.pop()))
}

/// Prepares a family. One that hangs in its driver cannot be let go of: the worker has to end.
fn prepare(family: &'static dyn Family, plan: &Plan) -> Result<Result<Builder, String>, Error> {
    let (done, result) = mpsc::sync_channel(1);
    let plan = plan.clone();
    let trial = thread::spawn(move || {
        // Nobody waits any more where it took too long.
        let _ = done.send(family.prepare(&plan));
    });
    match result.recv_timeout(TRIAL) {
        Ok(prepared) => {
            // It has nothing left to do.
            let _ = trial.join();
            Ok(prepared)
        }
        Err(mpsc::RecvTimeoutError::Disconnected) => match trial.join() {
            Err(panic) => std::panic::resume_unwind(panic),
            Ok(()) => Err(Error::FamilyHangs(family.name())),
        },
        Err(mpsc::RecvTimeoutError::Timeout) => Err(Error::FamilyHangs(family.name())),
    }
}

fn make(element: &'static str) -> Result<gst::Element, Error> {
    gst::ElementFactory::make(element).build().map_err(|_| Error::Element(element))
}

/// Sets a property from its text, as on the command line of `gst-launch-1.0`. Which properties and values there are
/// depends on the release of the element and on the driver.
fn set(element: &gst::Element, property: &str, value: &str) -> Result<(), Error> {
    let refused = || Error::Property {
        element: element.factory().map_or_else(String::new, |factory| factory.name().to_string()),
        property: property.to_owned(),
        value: value.to_owned(),
    };
    let known = element.find_property(property).ok_or_else(refused)?;
    let value = gst::glib::Value::deserialize_with_pspec(value, &known).map_err(|_| refused())?;
    element.set_property_from_value(property, &value);
    Ok(())
}

/// Lets through only a byte stream of what the rendition's profile allows.
fn profile(rendition: &Rendition) -> Result<gst::Element, Error> {
    let (media_type, profile) = match (rendition.coding, rendition.profile) {
        (Coding::H265, _) => ("video/x-h265", "main"),
        (Coding::H264, Profile::High) => ("video/x-h264", "high"),
        (Coding::H264, Profile::Main) => ("video/x-h264", "main"),
        (Coding::H264, Profile::Baseline) => ("video/x-h264", "constrained-baseline"),
    };
    let caps = gst::Caps::builder(media_type)
        .field("profile", profile)
        .field("stream-format", "byte-stream")
        .build();
    let filter = make("capsfilter")?;
    filter.set_property("caps", caps);
    Ok(filter)
}

/// A rate control in plain words.
fn words(control: RateControl) -> &'static str {
    match control {
        RateControl::Constant => "constant bitrate",
        RateControl::Capped => "capped variable bitrate",
    }
}

fn parser(coding: Coding) -> Result<gst::Element, Error> {
    make(match coding {
        Coding::H264 => "h264parse",
        Coding::H265 => "h265parse",
    })
}

/// The caps of raw pictures of this size on their way into an encoder.
fn raw_caps(width: u32, height: u32, rate: FrameRate) -> Result<gst::Caps, Error> {
    let mut caps = info(width, height)?.to_caps().map_err(|_| Error::PictureSize { width, height })?;
    let raw = caps.make_mut();
    raw.set("framerate", gst::Fraction::new(rate.num().cast_signed(), rate.den().cast_signed()));
    raw.set("pixel-aspect-ratio", gst::Fraction::new(1, 1));
    Ok(caps)
}

/// How an encoder is asked for a key frame, by an event in front of the picture.
#[derive(Clone, Copy, Debug)]
enum Ask {
    /// With the next picture. Encoders that give their samples from another thread lose such an event now and then.
    Next,
    /// With the picture of this time. Encoders that shift time, as x264 and x265 do, never find it.
    Timed,
}

/// Pushes one picture into a pipeline; the error says why it takes none.
fn feed(
    source: &gst_app::AppSrc,
    frame: &Frame,
    pts: gst::ClockTime,
    key: Option<Ask>,
) -> Result<(), String> {
    if let Some(ask) = key {
        // Queued in front of the picture, so it meets exactly this one however many wait.
        let event = gst_video::DownstreamForceKeyUnitEvent::builder().all_headers(true);
        source.send_event(match ask {
            Ask::Next => event.build(),
            Ask::Timed => event.running_time(pts).build(),
        });
    }
    let mut buffer = frame.buffer_owned();
    let timed = buffer.make_mut();
    timed.set_pts(pts);
    timed.set_dts(gst::ClockTime::NONE);
    source.push_buffer(buffer).map(|_| ()).map_err(|flow| format!("{flow:?}"))
}
