//! The worker of one channel: capture, conversion to the channel's frame grid, encoding.
//!
//! ```text
//! source (camera, file, test signal) -> pace (one picture a slot, one block of sound a block of time)
//!     -> encode (a family: scaler chain and encoders; AAC) -> worker (socket to riserd)
//! ```
//! Every GStreamer element and vendor driver of the box lives in this process, so a fault in one ends here. The
//! source never decides when a picture is shown and the encoders never see a source change.

mod bus;
mod captions;
mod encode;
mod error;
mod frame;
mod measure;
mod monitor;
mod pace;
pub mod picture;
mod slate;
mod source;
pub mod tone;
mod worker;

pub use error::Error;
pub use worker::run;
