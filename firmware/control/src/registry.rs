//! The rules: who may be started, stopped, changed and deleted when, and what follows from it.
//!
//! [`Registry`] is pure. A command is granted as a whole or refused as a whole; a granted one names the
//! [`Effect`]s that the engines must carry out, and what they tell comes back as [`Event`]s. The caller makes
//! [`Registry::save`] durable before it carries out effects and before it answers.

mod assets;
mod breaks;
mod channels;
mod document;
mod endpoints;
mod events;
mod filters;
mod moments;
mod programs;
mod resume;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, ops::RangeInclusive, sync::Arc};

use media::Grid;

use crate::{Command, Objects, Refusal};

/// How many of what there may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Channels.
    pub channels: usize,
    /// Programs of one channel that are not stopped.
    pub running_programs: usize,
    /// Seconds of an archive window.
    pub archive_window: RangeInclusive<u64>,
    /// Assets; every program has at least one, so this bounds programs too.
    pub assets: usize,
    /// Marks of one asset.
    pub marks: usize,
    /// Global filters, and filters of one asset.
    pub filters: usize,
    /// Announcements of ad breaks of one channel that are remembered.
    pub breaks: usize,
    /// Bytes of what [`Registry::save`] gives.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            channels: 5,
            running_programs: 3,
            archive_window: 300..=90_000,
            assets: 500,
            marks: 200,
            filters: 64,
            breaks: 1000,
            bytes: 8 << 20,
        }
    }
}

/// Tells what is kept of a channel's stream on a grid: its first and last whole segment.
pub type Kept<'a> = dyn Fn(&str, &Grid) -> Option<(u64, u64)> + 'a;

/// What a command or event needs to know of the world.
pub struct Context<'a> {
    /// Milliseconds since the epoch.
    pub now_ms: u64,
    /// An id that nothing has had before and nobody can guess: 1 to 64 letters, digits, `-` and `_`.
    pub new_id: &'a mut dyn FnMut() -> String,
    /// The first and last whole segment that is still kept of a channel's stream on a grid; none where nothing is, or
    /// nobody knows yet.
    pub kept: &'a Kept<'a>,
    /// Whether there is a content key of this name.
    pub has_key: &'a dyn Fn(&str) -> bool,
    /// The grid of the stream that a channel writes; none while it writes none.
    pub grid: &'a dyn Fn(&str) -> Option<Grid>,
}

/// A command that is granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The id or name of what it is about; of the new thing where it makes one.
    pub id: String,
    /// What must be done now, in this order.
    pub effects: Vec<Effect>,
}

/// Something for an engine to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Answered by [`Event::ChannelStarted`] or [`Event::ChannelFailed`].
    StartChannel(String),
    /// Answered by [`Event::ChannelStopped`] or [`Event::ChannelFailed`].
    StopChannel(String),
    /// Answered as [`StartChannel`](Self::StartChannel).
    ResetChannel(String),
    /// The channel's tuning has changed. Not answered.
    TuneChannel(String),
    /// The channel's segments tell players of this. Not answered.
    Tell {
        /// The channel's name.
        channel: String,
        /// What they tell.
        event: media::Event,
    },
    /// Answered by [`Event::ChannelDeleted`] or [`Event::ChannelFailed`].
    DeleteChannel(String),
    /// Answered by [`Event::ProgramBegan`] or [`Event::ProgramFailed`].
    BeginProgram {
        /// The program's id.
        program: String,
        /// The id of the asset that it records into.
        asset: String,
        /// The channel's name.
        channel: String,
    },
    /// Answered by [`Event::ProgramEnded`] or [`Event::ProgramFailed`].
    EndProgram {
        /// The program's id.
        program: String,
        /// The id of the asset that it recorded into.
        asset: String,
        /// The channel's name.
        channel: String,
    },
    /// Makes the thumbnails of the asset with this id. Not answered.
    MakeThumbnails(String),
    /// Frees all that was made for the asset with this id, which is gone. Not answered.
    DropAsset(String),
}

/// What has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The channel is live.
    ChannelStarted(String),
    /// The channel could not do what was asked: its name and why, in plain words.
    ChannelFailed(String, String),
    /// The channel has wound down: its name and why, empty where it was asked to.
    ChannelStopped(String, String),
    /// All that belonged to the channel has been cleared away.
    ChannelDeleted(String),
    /// The program records. One that records already goes on; on another grid, into a new asset.
    ProgramBegan {
        /// Its id.
        program: String,
        /// The grid that its channel is on.
        grid: Grid,
        /// The first segment that it has.
        first: u64,
    },
    /// The program could not begin or broke off; what it has stays.
    ProgramFailed {
        /// Its id.
        program: String,
        /// Why, in plain words.
        reason: String,
    },
    /// The program's end is known.
    ProgramEnded {
        /// Its id.
        program: String,
        /// The last segment that it has; none where it has nothing.
        last: Option<u64>,
    },
    /// The channel goes on with this grid. Each of its running programs that is on another one keeps what it has as
    /// a finished asset and goes on into a new one.
    StreamChanged {
        /// The channel's name.
        channel: String,
        /// The grid that it is on now.
        grid: Grid,
        /// The first segment on that grid.
        first: u64,
    },
}

/// A range of a stream that an asset needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinned {
    /// The asset's id.
    pub asset: String,
    /// The channel's name.
    pub channel: String,
    /// The grid that the numbers count on.
    pub grid: Grid,
    /// The first segment.
    pub first: u64,
    /// The last segment; none: all that comes.
    pub last: Option<u64>,
    /// Seconds before the newest segment that are needed; none: all from the first. Only while it is recorded.
    pub window: Option<u64>,
    /// The most bytes. Only while it is recorded.
    pub quota: Option<u64>,
}

/// The owner of all objects.
#[derive(Clone, Debug, PartialEq)]
pub struct Registry {
    objects: Arc<Objects>,
    limits: Limits,
}

impl Registry {
    /// Nothing yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { objects: Arc::default(), limits }
    }

    /// All objects as they are now; cheap to keep.
    #[must_use]
    pub fn objects(&self) -> &Arc<Objects> {
        &self.objects
    }

    /// Grants a command and does all of it that is not an effect.
    ///
    /// # Errors
    /// Why it is not granted; then nothing has changed.
    pub fn apply(&mut self, command: Command, context: &mut Context<'_>) -> Result<Granted, Refusal> {
        let mut next = self.clone();
        let granted = next.grant(command, context)?;
        next.fits_after(self)?;
        *self = next;
        Ok(granted)
    }

    /// What every asset that holds something needs of its stream.
    #[must_use]
    pub fn pins(&self) -> Vec<Pinned> {
        let pinned = |(id, asset): (&String, &crate::Asset)| {
            let range = asset.range?;
            let program = self.recorder_of(asset);
            Some(Pinned {
                asset: id.clone(),
                channel: asset.channel.clone(),
                grid: range.grid,
                first: range.first,
                last: range.last,
                window: program.and_then(|program| program.archive_window),
                quota: program.and_then(|program| program.quota),
            })
        };
        self.objects.assets.iter().filter_map(pinned).collect()
    }

    fn grant(&mut self, command: Command, context: &mut Context<'_>) -> Result<Granted, Refusal> {
        match command {
            Command::CreateChannel(settings) => self.create_channel(*settings, context),
            Command::ChangeChannel(settings) => self.change_channel(*settings, context),
            Command::StartChannel(name) => self.start_channel(name, context),
            Command::TuneChannel { name, tuning } => self.tune_channel(name, tuning),
            Command::StopChannel(name) => self.stop_channel(name, context),
            Command::ResetChannel(name) => self.reset_channel(name, context),
            Command::DeleteChannel(name) => self.delete_channel(name, context),
            Command::CreateProgram(new) => self.create_program(new, context),
            Command::ChangeProgram { id, change } => self.change_program(id, change),
            Command::StartProgram(id) => self.start_program(id, context),
            Command::StopProgram(id) => self.stop_program(id, context),
            Command::DeleteProgram(id) => self.delete_program(id),
            Command::Publish { asset, locator } => self.publish(asset, locator, context),
            Command::Unpublish(asset) => self.unpublish(asset),
            Command::DeleteAsset(asset) => self.delete_asset(asset),
            Command::Clip { asset, name, from, to } => self.clip(&asset, name, from..to, context),
            Command::Mark { asset, name, at, until } => self.mark(&asset, name, at, until, context),
            Command::Unmark { asset, mark } => self.unmark(&asset, mark),
            Command::PutFilter { asset, name, filter } => self.put_filter(asset, name, filter),
            Command::DeleteFilter { asset, name } => self.delete_filter(asset, name),
            Command::StartEndpoint(name) => self.steer_endpoint(name, false, context),
            Command::StopEndpoint(name) => self.steer_endpoint(name, true, context),
            Command::Deliver { asset, delivery } => self.deliver(asset, delivery, context),
            Command::AnnounceBreak { channel, id, at, duration } => {
                self.announce_break(channel, id, at, duration, context)
            }
            Command::EndBreak { channel, id } => self.end_break(channel, id, context),
            Command::Tell { channel, message } => self.tell(channel, message, context),
            Command::MakeThumbnails(asset) => self.make_thumbnails(asset),
        }
    }

    /// Whether there is room for all of it; what makes less of it is always granted.
    fn fits_after(&self, before: &Self) -> Result<(), Refusal> {
        let bytes = self.save().len();
        if bytes <= self.limits.bytes || bytes <= before.save().len() {
            return Ok(());
        }
        Err(Refusal::Conflict(format!(
            "programs, assets, marks and filters together may take {} bytes: delete some first",
            self.limits.bytes
        )))
    }

    /// Room for one more asset, of a program or clipped.
    fn room_for_asset(&self) -> Result<(), Refusal> {
        room(self.objects.assets.len(), self.limits.assets, "assets")
    }

    /// The objects, to be changed.
    fn edit(&mut self) -> &mut Objects {
        Arc::make_mut(&mut self.objects)
    }
}

impl Granted {
    fn new(id: impl Into<String>, effects: impl Into<Vec<Effect>>) -> Self {
        Self { id: id.into(), effects: effects.into() }
    }
}

fn room(there_are: usize, allowed: usize, what: &str) -> Result<(), Refusal> {
    if there_are < allowed {
        Ok(())
    } else {
        Err(Refusal::Conflict(format!(
            "{allowed} {what} are allowed, and there are as many: delete one first"
        )))
    }
}

/// An id that nothing in `taken` has.
fn fresh<T>(taken: &BTreeMap<String, T>, context: &mut Context<'_>) -> Result<String, Refusal> {
    const TRIES: usize = 8;
    let mut ids = (0..TRIES).map(|_| (context.new_id)());
    ids.find(|id| !taken.contains_key(id))
        .ok_or_else(|| Refusal::Unavailable("no id could be found that is not taken".to_owned()))
}

fn not_found(what: &'static str, id: &str) -> Refusal {
    Refusal::NotFound { what, id: id.to_owned() }
}

fn illegal(what: &'static str, id: &str, illegal: channel::life::Illegal) -> Refusal {
    let channel::life::Illegal { state, why } = illegal;
    Refusal::State { what, id: id.to_owned(), state: state.to_owned(), problem: why.to_owned() }
}
