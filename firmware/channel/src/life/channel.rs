//! A channel's life.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Illegal;

/// Where a channel is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// It encodes nothing; only now may it be changed or deleted.
    #[default]
    Stopped,
    /// It was asked to run and does not yet.
    Starting,
    /// It is live; the input may be lost meanwhile.
    Running,
    /// It was asked to stop and still winds down.
    Stopping,
    /// It goes away.
    Deleting,
}

/// What is asked of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelCommand {
    /// Begin to encode.
    Start,
    /// End encoding.
    Stop {
        /// Programs of the channel that have not stopped.
        busy: usize,
    },
    /// End and begin encoding anew.
    Reset {
        /// Programs of the channel that have not stopped.
        busy: usize,
    },
    /// Go away.
    Delete {
        /// Programs that belong to the channel, in whatever state.
        programs: usize,
    },
}

/// What a channel's engine tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelEvent {
    /// It is live.
    Started,
    /// It could not do what was asked.
    Failed,
    /// It has wound down.
    Stopped,
}

/// A command or an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelInput {
    /// What is asked.
    Command(ChannelCommand),
    /// What has happened.
    Event(ChannelEvent),
}

impl From<ChannelCommand> for ChannelInput {
    fn from(command: ChannelCommand) -> Self {
        Self::Command(command)
    }
}

impl From<ChannelEvent> for ChannelInput {
    fn from(event: ChannelEvent) -> Self {
        Self::Event(event)
    }
}

impl Channel {
    /// The state after `input`.
    ///
    /// # Errors
    /// When this state does not take it.
    pub fn on(self, input: impl Into<ChannelInput>) -> Result<Self, Illegal> {
        match input.into() {
            ChannelInput::Command(command) => self.command(command),
            ChannelInput::Event(event) => self.event(event),
        }
    }

    /// Whether what it encodes may be changed.
    ///
    /// # Errors
    /// In every state but [`Stopped`](Self::Stopped).
    pub fn changeable(self) -> Result<(), Illegal> {
        match self {
            Self::Stopped => Ok(()),
            _ => self.refuse("only a stopped channel can be changed"),
        }
    }

    /// Whether what it encodes can be tuned without a gap.
    ///
    /// # Errors
    /// Where it does not encode.
    pub fn tunable(self) -> Result<(), Illegal> {
        match self {
            Self::Starting | Self::Running => Ok(()),
            _ => self.refuse("only a running channel can be tuned; change its settings instead"),
        }
    }

    /// The state's word, as the API shows it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Deleting => "deleting",
        }
    }

    fn command(self, command: ChannelCommand) -> Result<Self, Illegal> {
        use ChannelCommand::{Delete, Reset, Start, Stop};
        match (self, command) {
            (Self::Stopped, Start) => Ok(Self::Starting),
            (Self::Running, Stop { busy: 0 }) => Ok(Self::Stopping),
            (Self::Running, Reset { busy: 0 }) => Ok(Self::Starting),
            (Self::Running, Stop { .. } | Reset { .. }) => self.refuse("its programs must be stopped first"),
            (Self::Stopped, Delete { programs: 0 }) => Ok(Self::Deleting),
            (Self::Stopped, Delete { .. }) => self.refuse("its programs must be deleted first"),
            (_, Start) => self.refuse("only a stopped channel can be started"),
            (_, Stop { .. }) => self.refuse("only a running channel can be stopped"),
            (_, Reset { .. }) => self.refuse("only a running channel can be reset"),
            (_, Delete { .. }) => self.refuse("only a stopped channel can be deleted"),
        }
    }

    fn event(self, event: ChannelEvent) -> Result<Self, Illegal> {
        use ChannelEvent::{Failed, Started, Stopped};
        match (self, event) {
            (Self::Starting, Started) => Ok(Self::Running),
            (Self::Stopping, Stopped) => Ok(Self::Stopped),
            // Whatever was being done is over; a deletion that failed leaves the channel as it was.
            (Self::Starting | Self::Running | Self::Stopping | Self::Deleting, Failed) => Ok(Self::Stopped),
            (_, Started) => self.refuse("it was not being started"),
            (_, Stopped) => self.refuse("it was not being stopped"),
            (_, Failed) => self.refuse("nothing was being done that could fail"),
        }
    }

    fn refuse<T>(self, why: &'static str) -> Result<T, Illegal> {
        Err(Illegal { state: self.word(), why })
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
