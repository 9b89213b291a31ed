//! Encoder families behind one interface: pictures in, H.264 samples out, all renditions on the same slots.
//!
//! A family is a module with a [`Family`] value in [`FAMILIES`]. It owns everything from the raw picture to the
//! bitstream, its scaler chain included, so that a family on a GPU keeps pictures there. No type of a family is
//! visible outside its module. The board names the families to try, [`choose`] takes the first whose probe passes.

mod software;
mod sound;

use std::sync::{Arc, mpsc::SyncSender};

use link::Start;
use media::{Codec, Grid, Rendition, Sample};

pub use sound::{BLOCK, SoundEncoder};

use crate::{error::Error, frame::Frame};

/// One way to encode pictures.
pub trait Family: Sync {
    /// Its name in board files.
    fn name(&self) -> &'static str;

    /// Whether it can work on this machine; the error says in plain words why not.
    fn probe(&self) -> Result<(), String>;

    /// Starts one encoder per rendition.
    fn build(&self, plan: &Plan, out: &Outlet) -> Result<Box<dyn Ladder>, Error>;
}

/// What a family encodes.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The channel's grid.
    pub grid: Grid,
    /// Best quality first.
    pub renditions: Vec<Rendition>,
    /// Pixels per second that the software family can encode at its fastest setting.
    pub software_budget: u64,
    /// A slot at or before the first that will be pushed; encoders count time from it.
    pub origin: u64,
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
    /// Decoding must be able to begin here, on every rendition.
    pub sync: bool,
}

/// The running encoders of a channel.
pub trait Ladder: Send {
    /// Whether every encoder can take another picture now.
    fn has_room(&self) -> bool;

    /// Gives a picture to every rendition. Slots rise from call to call.
    fn push(&mut self, picture: &Picture) -> Result<(), Error>;

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
pub type Outlet = SyncSender<Encoded>;

/// Every family this build knows.
const FAMILIES: [&dyn Family; 1] = [&software::Software];

/// The first family of `start.families` that works here.
pub fn choose(start: &Start) -> Result<&'static dyn Family, Error> {
    let mut refused = Vec::new();
    for name in &start.families {
        let family = FAMILIES.iter().find(|family| family.name() == name.as_str());
        match family.map(|family| family.probe().map(|()| *family)) {
            Some(Ok(family)) => {
                if !refused.is_empty() {
                    tracing::warn!(
                        family = name,
                        "encoder family chosen after others were refused: {}",
                        refused.join("; ")
                    );
                }
                return Ok(family);
            }
            Some(Err(reason)) => refused.push(format!("{name}: {reason}")),
            None => refused.push(format!("{name}: not in this release")),
        }
    }
    Err(Error::NoFamily(refused.join("; ")))
}
