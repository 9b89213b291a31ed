//! What can be asked of the box, and what it answers. Every door (management API, later MQTT and the front panel)
//! sends these through [`Door`](crate::Door).

use access::Delivery;
use package::filter::Filter;
use serde::{Deserialize, Serialize};

use crate::Tuning;

/// A wish.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Makes a channel, stopped.
    CreateChannel(Box<settings::Channel>),
    /// Replaces what a stopped channel encodes; the name stays.
    ChangeChannel(Box<settings::Channel>),
    /// Changes what a channel that runs, or starts, encodes without a gap; what is not in it is as the settings say.
    TuneChannel {
        /// The channel's name.
        name: String,
        /// All that differs.
        tuning: Tuning,
    },
    /// Starts a stopped channel.
    StartChannel(String),
    /// Stops a running channel whose programs have all stopped.
    StopChannel(String),
    /// Ends and begins a running channel's encoding anew; its programs must have stopped.
    ResetChannel(String),
    /// Deletes a stopped channel that has no programs. Its assets stay.
    DeleteChannel(String),
    /// Makes a program, stopped, with an empty asset.
    CreateProgram(NewProgram),
    /// Changes a program; what may change when is said at [`ProgramChange`].
    ChangeProgram {
        /// Its id.
        id: String,
        /// What becomes different.
        change: ProgramChange,
    },
    /// Starts recording; into a new asset where the last one holds something.
    StartProgram(String),
    /// Ends recording: what it recorded becomes video on demand.
    StopProgram(String),
    /// Deletes a stopped program. Its assets stay.
    DeleteProgram(String),
    /// Lets viewers in.
    Publish {
        /// The asset's id.
        asset: String,
        /// The path piece it gets, 1 to 64 letters, digits, `-` and `_`; none for one nobody can guess.
        locator: Option<String>,
    },
    /// Keeps viewers out; what is recorded stays.
    Unpublish(String),
    /// Deletes an asset to which no program refers, and frees what only it has protected.
    DeleteAsset(String),
    /// Makes an asset of a range of another one, without copying.
    Clip {
        /// The asset it is taken from.
        asset: String,
        /// Its name.
        name: String,
        /// Milliseconds since the epoch where it begins.
        from: u64,
        /// Milliseconds since the epoch where it ends.
        to: u64,
    },
    /// Names a moment or stretch of an asset.
    Mark {
        /// The asset's id.
        asset: String,
        /// The name.
        name: String,
        /// Milliseconds since the epoch; none: now.
        at: Option<u64>,
        /// Milliseconds since the epoch where a stretch ends.
        until: Option<u64>,
    },
    /// Removes a mark.
    Unmark {
        /// The asset's id.
        asset: String,
        /// The mark's id.
        mark: String,
    },
    /// Makes or replaces a filter.
    PutFilter {
        /// The asset whose it is; none for a global one.
        asset: Option<String>,
        /// Its name: 1 to 64 letters, digits, `-` and `_`.
        name: String,
        /// What it does.
        filter: Filter,
    },
    /// Removes a filter.
    DeleteFilter {
        /// The asset whose it is; none for a global one.
        asset: Option<String>,
        /// Its name.
        name: String,
    },
    /// Has a stopped endpoint serve viewers again.
    StartEndpoint(String),
    /// Has an endpoint serve nobody, over restarts of the box, too.
    StopEndpoint(String),
    /// Says through which protocols an asset can be had, and how it is encrypted on the way.
    Deliver {
        /// The asset's id.
        asset: String,
        /// All of its delivery policies.
        delivery: Delivery,
    },
    /// Announces an ad break of a running channel, or moves one that is ahead.
    AnnounceBreak {
        /// The channel's name.
        channel: String,
        /// By which ad systems know it; not 0.
        id: u32,
        /// Milliseconds since the epoch where it begins; none for as soon as may be.
        at: Option<u64>,
        /// Milliseconds that it lasts; none for until it is ended.
        duration: Option<u64>,
    },
    /// Ends an ad break that is under way, or cancels one that is ahead.
    EndBreak {
        /// The channel's name.
        channel: String,
        /// Its id.
        id: u32,
    },
    /// Has a running channel's segments tell players of an event.
    Tell {
        /// The channel's name.
        channel: String,
        /// The event.
        message: Message,
    },
    /// Makes an asset's thumbnails.
    MakeThumbnails(String),
}

/// An event that players are told of by an `emsg` box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What kind of message: a URI.
    pub scheme: String,
    /// Which of that kind.
    pub value: String,
    /// The message.
    pub data: Vec<u8>,
    /// Milliseconds since the epoch; none: now.
    pub at: Option<u64>,
    /// Milliseconds that it lasts; none where nobody knows.
    pub duration: Option<u64>,
}

/// A program to be made.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewProgram {
    /// The channel.
    pub channel: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Seconds kept and shown; none: a recording.
    #[serde(default)]
    pub archive_window: Option<u64>,
    /// The most bytes on the disk.
    #[serde(default)]
    pub quota: Option<u64>,
}

/// What becomes different; what is none stays. Name and description may change at any time, the rest while the
/// program is stopped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProgramChange {
    /// Its name.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Seconds kept and shown; null: a recording.
    #[serde(deserialize_with = "given")]
    pub archive_window: Option<Option<u64>>,
    /// The most bytes on the disk; null: no limit of its own.
    #[serde(deserialize_with = "given")]
    pub quota: Option<Option<u64>>,
}

/// A field that is there, be it null.
fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<u64>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// What became of a wish that was granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Done; the id or name of what it was about.
    Done(String),
    /// Begun; the operation by whose id it can be followed.
    Begun(Operation),
}

/// Something that takes its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Operation {
    /// Its id.
    pub id: String,
    /// What it does: `start channel` ...
    pub kind: String,
    /// The id or name of what it is about.
    pub target: String,
    /// How it goes.
    pub state: Progress,
    /// Why it failed, in plain words; empty otherwise.
    pub reason: String,
    /// When it began, in milliseconds since the epoch.
    pub begun: u64,
    /// When it ended.
    pub ended: Option<u64>,
}

/// How an operation goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Progress {
    /// It is not over.
    InProgress,
    /// It has done what was asked.
    Succeeded,
    /// It has not.
    Failed,
}

/// Why a wish is not granted; nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such thing.
    #[error("there is no {what} `{id}`")]
    NotFound {
        /// `channel`, `program`, `asset`, `mark`, `filter`, `operation`.
        what: &'static str,
        /// What was asked for.
        id: String,
    },
    /// Not in this state.
    #[error("{what} `{id}` is {state}: {problem}")]
    State {
        /// `channel` or `program` or `asset`.
        what: &'static str,
        /// Which.
        id: String,
        /// The state it is in.
        state: String,
        /// What must be before.
        problem: String,
    },
    /// Something else has that name, refers to it, or a limit is reached.
    #[error("{0}")]
    Conflict(String),
    /// A field is not allowed.
    #[error("`{field}`: {problem}")]
    Invalid {
        /// The field.
        field: String,
        /// What is wrong and what is allowed.
        problem: String,
    },
    /// What was asked for has expired.
    #[error("`{field}`: {problem}")]
    Expired {
        /// The field.
        field: String,
        /// What is still kept.
        problem: String,
    },
    /// The box cannot do it now.
    #[error("{0}")]
    Unavailable(String),
}

/// Reads a channel's settings as they come over the management interface.
///
/// # Errors
/// [`Refusal::Invalid`] with the first field that is unknown or not allowed; the field is empty where the text is not
/// JSON.
pub fn channel_from_json(text: &str) -> Result<Box<settings::Channel>, Refusal> {
    settings::Channel::from_json(text).map(Box::new).map_err(|error| match error {
        settings::Error::Field { path, problem, .. } => Refusal::Invalid { field: path, problem },
        other => Refusal::Invalid { field: String::new(), problem: other.to_string() },
    })
}
