//! A program's life.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Illegal;

/// Where a program is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Program {
    /// It records nothing; only now may its window be changed or it be deleted.
    #[default]
    Stopped,
    /// It was asked to record and does not yet.
    Starting,
    /// It records.
    Running,
    /// It was asked to stop and its end is not known yet.
    Stopping,
}

/// What is asked of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgramCommand {
    /// Begin to record.
    Start {
        /// The channel's state: only a running one can be recorded.
        channel: super::Channel,
    },
    /// End recording.
    Stop,
}

/// What a program's engine tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgramEvent {
    /// It records.
    Began,
    /// It could not begin, or broke off.
    Failed,
    /// Its end is known.
    Ended,
}

/// A command or an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgramInput {
    /// What is asked.
    Command(ProgramCommand),
    /// What has happened.
    Event(ProgramEvent),
}

impl From<ProgramCommand> for ProgramInput {
    fn from(command: ProgramCommand) -> Self {
        Self::Command(command)
    }
}

impl From<ProgramEvent> for ProgramInput {
    fn from(event: ProgramEvent) -> Self {
        Self::Event(event)
    }
}

impl Program {
    /// The state after `input`.
    ///
    /// # Errors
    /// When this state does not take it.
    pub fn on(self, input: impl Into<ProgramInput>) -> Result<Self, Illegal> {
        match input.into() {
            ProgramInput::Command(command) => self.command(command),
            ProgramInput::Event(event) => self.event(event),
        }
    }

    /// Whether its archive window and quota may be changed.
    ///
    /// # Errors
    /// In every state but [`Stopped`](Self::Stopped).
    pub fn changeable(self) -> Result<(), Illegal> {
        self.stopped("its archive window and quota can be changed only while it is stopped")
    }

    /// Whether it may be deleted.
    ///
    /// # Errors
    /// In every state but [`Stopped`](Self::Stopped).
    pub fn deletable(self) -> Result<(), Illegal> {
        self.stopped("only a stopped program can be deleted")
    }

    /// The state's word, as the API shows it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
        }
    }

    fn command(self, command: ProgramCommand) -> Result<Self, Illegal> {
        use super::Channel;
        match (self, command) {
            (Self::Stopped, ProgramCommand::Start { channel: Channel::Running }) => Ok(Self::Starting),
            (Self::Stopped, ProgramCommand::Start { .. }) => self.refuse("its channel must be running"),
            (Self::Running, ProgramCommand::Stop) => Ok(Self::Stopping),
            (_, ProgramCommand::Start { .. }) => self.refuse("only a stopped program can be started"),
            (_, ProgramCommand::Stop) => self.refuse("only a running program can be stopped"),
        }
    }

    fn event(self, event: ProgramEvent) -> Result<Self, Illegal> {
        use ProgramEvent::{Began, Ended, Failed};
        match (self, event) {
            (Self::Starting, Began) => Ok(Self::Running),
            (Self::Starting | Self::Running | Self::Stopping, Failed) => Ok(Self::Stopped),
            // A program may also end by itself, where the disk's rules end it.
            (Self::Running | Self::Stopping, Ended) => Ok(Self::Stopped),
            (_, Began) => self.refuse("it was not being started"),
            (_, Ended) => self.refuse("it was not recording"),
            (_, Failed) => self.refuse("nothing was being done that could fail"),
        }
    }

    fn stopped(self, why: &'static str) -> Result<(), Illegal> {
        if self == Self::Stopped { Ok(()) } else { self.refuse(why) }
    }

    fn refuse<T>(self, why: &'static str) -> Result<T, Illegal> {
        Err(Illegal { state: self.word(), why })
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
