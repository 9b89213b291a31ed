//! What a granted command sets going, and the operations by which it is followed.

use std::path::PathBuf;

use control::{Effect, Event};

use super::Engine;
use crate::{house::House, program, thumbnails::Job, token};

const START_CHANNEL: &str = "start channel";
const RESET_CHANNEL: &str = "reset channel";
const STOP_CHANNEL: &str = "stop channel";
const START_PROGRAM: &str = "start program";
const STOP_PROGRAM: &str = "stop program";
pub(super) const THUMBNAILS: &str = "make thumbnails";

impl Engine {
    /// Does what the registry wants; the operation that this begins.
    pub(super) fn carry_out(&mut self, effect: Effect) -> Option<String> {
        match effect {
            Effect::StartChannel(name) => {
                self.start(&name);
                Some(self.begin(START_CHANNEL, &name))
            }
            Effect::ResetChannel(name) => {
                self.resetting.insert(name.clone());
                self.crew.stop(&name);
                Some(self.begin(RESET_CHANNEL, &name))
            }
            Effect::TuneChannel(name) => {
                if let Some(channel) = self.registry.objects().channels.get(&name) {
                    self.crew.tune(&name, channel.tuning.clone());
                }
                None
            }
            Effect::Tell { channel, event } => {
                if !self.house.signals.of(&channel).tell(event) {
                    tracing::warn!(channel, "an event is lost: too many wait for the next part");
                }
                None
            }
            Effect::StopChannel(name) => {
                let id = self.begin(STOP_CHANNEL, &name);
                if !self.crew.stop(&name) {
                    self.event(Event::ChannelStopped(name, String::new()));
                }
                Some(id)
            }
            Effect::DeleteChannel(name) => {
                self.roster.forget(&name);
                self.house.signals.forget(&name);
                self.streams.remove(&name);
                self.event(Event::ChannelDeleted(name));
                None
            }
            Effect::BeginProgram { program, channel, .. } => {
                let id = self.begin(START_PROGRAM, &program);
                match self.streams.get(&channel) {
                    Some((grid, reader)) => {
                        self.waits.spawn(program::begin(program, *grid, reader.clone()));
                    }
                    // The channel is being started again; what ends it ends the program, too.
                    None => self.beginnings.push((channel, program)),
                }
                Some(id)
            }
            Effect::EndProgram { program, asset, channel } => {
                let id = self.begin(STOP_PROGRAM, &program);
                self.end_program(program, asset, &channel);
                Some(id)
            }
            Effect::MakeThumbnails(asset) => self.photograph(&asset),
            Effect::DropAsset(asset) => {
                let folder = self.album(&asset);
                if let Err(error) = std::fs::remove_dir_all(&folder)
                    && error.kind() != std::io::ErrorKind::NotFound
                {
                    tracing::warn!(folder = %folder.display(), %error, "thumbnails are left behind");
                }
                None
            }
        }
    }

    pub(super) fn end_program(&mut self, program: String, asset: String, channel: &str) {
        let objects = self.registry.objects();
        let range = objects.assets.get(&asset).and_then(|asset| asset.range);
        let stream =
            self.streams.get(channel).filter(|(grid, _)| range.is_some_and(|range| range.grid == *grid));
        match (stream, range) {
            (Some((_, reader)), Some(range)) => {
                let recording = self.house.store.recording(channel, range.grid);
                let shown = program::newest(&reader.window());
                let last =
                    shown.max(recording.kept().map(|(_, last)| last)).unwrap_or(range.first).max(range.first);
                self.waits.spawn(program::end(program, range.first, last, reader.clone(), recording));
                self.closing.insert(asset, last);
                self.show();
            }
            (_, Some(range)) => {
                let kept = self.house.store.recording(channel, range.grid).kept();
                let last = kept.map(|(_, last)| last).filter(|last| *last >= range.first);
                self.event(ended(program, last));
            }
            (_, None) => self.event(Event::ProgramEnded { program, last: None }),
        }
    }

    pub(super) fn start(&mut self, name: &str) {
        if let Some(channel) = self.registry.objects().channels.get(name) {
            self.crew.start(&channel.settings, channel.tuning.clone());
        }
    }

    pub(super) fn close_operations(&mut self, event: &Event) {
        match event {
            Event::ChannelStarted(name) => {
                self.end(START_CHANNEL, name, Ok(()));
                self.end(RESET_CHANNEL, name, Ok(()));
            }
            Event::ChannelFailed(name, reason) => {
                self.end(RESET_CHANNEL, name, Err(reason.clone()));
                self.end(START_CHANNEL, name, Err(reason.clone()));
                self.end(STOP_CHANNEL, name, Err(reason.clone()));
            }
            Event::ChannelStopped(name, reason) => {
                self.end(
                    START_CHANNEL,
                    name,
                    Err(if reason.is_empty() { "stopped" } else { reason }.to_owned()),
                );
                self.end(STOP_CHANNEL, name, Ok(()));
            }
            Event::ProgramBegan { program, .. } => self.end(START_PROGRAM, program, Ok(())),
            Event::ProgramFailed { program, reason } => {
                self.end(START_PROGRAM, program, Err(reason.clone()));
                self.end(STOP_PROGRAM, program, Err(reason.clone()));
            }
            Event::ProgramEnded { program, .. } => {
                self.end(START_PROGRAM, program, Err("stopped".to_owned()));
                self.end(STOP_PROGRAM, program, Ok(()));
            }
            Event::ChannelDeleted(_) | Event::StreamChanged { .. } => {}
        }
    }

    pub(super) fn begin(&mut self, kind: &'static str, target: &str) -> String {
        let id = token::id();
        self.operations.begin(kind, target, self.now(), id.clone());
        self.under_way.insert((kind, target.to_owned()), id.clone());
        id
    }

    pub(super) fn end(&mut self, kind: &'static str, target: &str, outcome: Result<(), String>) {
        if let Some(id) = self.under_way.remove(&(kind, target.to_owned())) {
            self.operations.end(&id, self.now(), outcome);
        }
    }

    /// Puts an asset in the queue for thumbnails.
    pub(super) fn photograph(&mut self, asset: &str) -> Option<String> {
        let objects = self.registry.objects();
        let known = objects.assets.get(asset)?;
        let range = known.range?;
        let recording = self.house.store.recording(&known.channel, range.grid);
        let last = range.last.or_else(|| recording.kept().map(|(_, last)| last))?;
        let job =
            Job { asset: asset.to_owned(), recording, range: (range.first, last), folder: self.album(asset) };
        if let Some(id) = self.under_way.get(&(THUMBNAILS, asset.to_owned())) {
            return Some(id.clone());
        }
        let id = self.begin(THUMBNAILS, asset);
        if self.jobs.try_send(job).is_err() {
            self.end(THUMBNAILS, asset, Err("too many assets wait for theirs".to_owned()));
        }
        Some(id)
    }

    pub(super) fn album(&self, asset: &str) -> PathBuf {
        album(&self.house, asset)
    }
}

/// What a program's end tells the registry. Where nobody knows what it has, the registry takes all it can have: too much
/// costs room, too little would lose what was recorded.
pub fn ended(program: String, last: Option<u64>) -> Event {
    match last {
        Some(_) => Event::ProgramEnded { program, last },
        None => {
            let reason = "it has ended while nobody could say what of it is on the disk".to_owned();
            Event::ProgramFailed { program, reason }
        }
    }
}

/// Where an asset's thumbnails lie.
pub fn album(house: &House, asset: &str) -> PathBuf {
    house.settings.state_dir.join("thumbnails").join(asset)
}
