//! The lives of channels and programs as pure state machines.
//!
//! ```text
//!            Start                 Started                 Stop                  Stopped
//! Stopped ----------> Starting --------------> Running ----------> Stopping --------------> Stopped
//!    | ^                | ^                       |                   |                        ^
//!    | |     Failed     | |         Reset         |                   |         Failed         |
//!    | '----------------' '-----------------------'                   '------------------------'
//!    |  Delete
//!    '---------> Deleting (ends with the channel; Failed: Stopped again)
//! ```
//! A program's life is the same with `Began` and `Ended`, without reset and deletion. What a command needs besides
//! its state, such as programs that have all stopped, comes with it as a number, so that every rule stands here.
//! A running channel whose worker dies stays running: that is supervision's business, not life's. One that cannot be
//! supervised any more has `Failed`.

mod channel;
mod program;
#[cfg(test)]
mod tests;

pub use channel::{Channel, ChannelCommand, ChannelEvent, ChannelInput};
pub use program::{Program, ProgramCommand, ProgramEvent, ProgramInput};

/// Why a state does not take a command or event; nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is {state}: {why}")]
pub struct Illegal {
    /// The state's word, as the API shows it.
    pub state: &'static str,
    /// What must be before, in plain words.
    pub why: &'static str,
}
