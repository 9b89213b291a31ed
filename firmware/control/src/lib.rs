//! The one door to the box: what it is doing, what can be asked of it, and the rules by which that is granted.
//!
//! ```text
//! console --Command--> Door ==bounded==> Requests --> riserd: Registry --effects--> the engines
//!    ^                                                   |    ^-----------events--------'
//!    '----reads------- Gallery, Snapshot <---publishes---'
//! ```
//! [`Registry`] is pure: it owns the [`Objects`], grants or refuses every [`Command`] and says which effects
//! follow. `riserd` carries them out and tells the registry what has happened.
//!
//! [`Snapshot`] and [`Gallery`] are read without waiting.

mod command;
mod door;
mod error;
mod gallery;
mod loudness;
mod names;
mod objects;
mod operations;
pub mod registry;
mod rehearsal;
mod secret;
mod state;

pub use command::{
    Answer, Command, Message, NewProgram, Operation, ProgramChange, Progress, Refusal, channel_from_json,
};
pub use door::{Door, Request, Requests};
pub use error::Error;
pub use gallery::Gallery;
pub use loudness::{Listen, Loudness, SoundLevels};
pub use objects::{Asset, Channel, Endpoint, Mark, Objects, Program, Recorded, Tuning};
pub use operations::Operations;
pub use registry::{Context, Effect, Event, Granted, Kept, Limits, Pinned, Registry};
pub use rehearsal::{Alternative, Part, Rehearsal, Rehearse};
pub use secret::Secret;
pub use state::{
    Alarm, BoxState, ChannelState, EncoderRefusal, EndpointState, Health, InputState, ProcessState,
    ProgramState, RenditionState, Snapshot, StoreState, TemperatureState,
};
