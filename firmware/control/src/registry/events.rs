//! What the engines tell. What does not fit the state that something is in changes nothing.

use channel::life::{self, ChannelEvent, ProgramCommand, ProgramEvent};
use media::Grid;

use super::{Context, Effect, Event, Registry};
use crate::Recorded;

impl Registry {
    /// Notes what has happened, and says what must be done now.
    pub fn event(&mut self, event: Event, context: &mut Context<'_>) -> Vec<Effect> {
        match event {
            Event::ChannelStarted(name) => {
                self.channel_event(&name, ChannelEvent::Started, "", context.now_ms);
            }
            Event::ChannelStopped(name, reason) => {
                self.channel_event(&name, ChannelEvent::Stopped, &reason, context.now_ms);
            }
            Event::ChannelFailed(name, reason) => {
                if self.channel_event(&name, ChannelEvent::Failed, &reason, context.now_ms) {
                    return self.end_programs(&name, &reason, context.now_ms);
                }
            }
            Event::ChannelDeleted(name) => {
                let deleting = |channel: &crate::Channel| channel.state == life::Channel::Deleting;
                if self.objects.channels.get(&name).is_some_and(deleting) {
                    self.edit().channels.remove(&name);
                    self.forget_breaks();
                }
            }
            Event::ProgramBegan { program, grid, first } => self.began(&program, grid, first, context),
            Event::ProgramFailed { program, reason } => self.failed(&program, &reason, context),
            Event::ProgramEnded { program, last } => self.ended(&program, last, context),
            Event::StreamChanged { channel, grid, first } => {
                for program in self.running(&channel) {
                    self.go_on(&program, grid, first, context);
                }
            }
        }
        Vec::new()
    }

    /// Programs of a channel that cannot record any more: what has begun must be ended, the rest is stopped.
    pub(super) fn end_programs(&mut self, channel: &str, reason: &str, now: u64) -> Vec<Effect> {
        let mut effects = Vec::new();
        for (id, program) in self.edit().programs.iter_mut().filter(|(_, of)| of.channel == channel) {
            if let Ok(state) = program.state.on(ProgramCommand::Stop) {
                program.enter(state, now, reason);
                effects.push(program.end(id));
            } else if program.state == life::Program::Starting {
                program.enter(life::Program::Stopped, now, reason);
            }
        }
        effects
    }

    fn channel_event(&mut self, name: &str, event: ChannelEvent, reason: &str, now: u64) -> bool {
        let channel = self.edit().channels.get_mut(name);
        let next = channel.and_then(|channel| Some((channel.state.on(event).ok()?, channel)));
        if let Some((state, channel)) = next {
            channel.enter(state, now, reason);
            return true;
        }
        false
    }

    /// Ids of a channel's programs that record.
    fn running(&self, channel: &str) -> Vec<String> {
        let programs = self.objects.programs.iter();
        let running = programs.filter(|(_, of)| of.channel == channel && of.state == life::Program::Running);
        running.map(|(id, _)| id.clone()).collect()
    }

    fn began(&mut self, id: &str, grid: Grid, first: u64, context: &mut Context<'_>) {
        let Ok(program) = self.program(id) else { return };
        let asset = program.asset.clone();
        if program.state == life::Program::Running {
            self.go_on(id, grid, first, context);
        } else if self.program_event(id, ProgramEvent::Began, "", context.now_ms) {
            self.record(&asset, grid, first);
        }
    }

    fn failed(&mut self, id: &str, reason: &str, context: &Context<'_>) {
        let last = self.last_of(id, context);
        if self.program_event(id, ProgramEvent::Failed, reason, context.now_ms) {
            self.finish(id, last, context);
        }
    }

    fn ended(&mut self, id: &str, last: Option<u64>, context: &Context<'_>) {
        // Why it had to end, where it was not asked to, is worth keeping.
        let reason = self.program(id).map(|program| program.reason.clone()).unwrap_or_default();
        if self.program_event(id, ProgramEvent::Ended, &reason, context.now_ms) {
            self.finish(id, last, context);
        }
    }

    /// A running program goes on: where its channel is on another grid, into a new asset.
    fn go_on(&mut self, id: &str, grid: Grid, first: u64, context: &mut Context<'_>) {
        let Some(range) = self.recorded_by(id) else { return };
        if range.grid == grid {
            return;
        }
        let last = self.last_of(id, context);
        self.finish(id, last, context);
        let asset = if self.recorded_by(id).is_some() {
            self.next_asset(id, context)
        } else {
            self.program(id).map(|program| program.asset.clone())
        };
        match asset {
            Ok(asset) => {
                if let Ok(program) = self.program_mut(id) {
                    program.asset.clone_from(&asset);
                }
                self.record(&asset, grid, first);
            }
            Err(refusal) => {
                let reason = format!("the channel's frame rate or segments have changed: {refusal}");
                self.program_event(id, ProgramEvent::Ended, &reason, context.now_ms);
            }
        }
    }

    fn program_event(&mut self, id: &str, event: ProgramEvent, reason: &str, now: u64) -> bool {
        let program = self.edit().programs.get_mut(id);
        let next = program.and_then(|program| Some((program.state.on(event).ok()?, program)));
        if let Some((state, program)) = next {
            program.enter(state, now, reason);
            return true;
        }
        false
    }

    fn record(&mut self, asset: &str, grid: Grid, first: u64) {
        if let Some(asset) = self.edit().assets.get_mut(asset) {
            asset.range = Some(Recorded { grid, begun: None, first, last: None, from: None, to: None });
            asset.recording = true;
        }
    }

    /// What a program's asset has of the stream.
    fn recorded_by(&self, id: &str) -> Option<Recorded> {
        self.objects.assets.get(&self.objects.programs.get(id)?.asset)?.range
    }

    /// The last segment that a program can have. Where nobody knows what is kept it is the one of this moment: too
    /// much costs nothing, too little would lose what was recorded.
    fn last_of(&self, id: &str, context: &Context<'_>) -> Option<u64> {
        let range = self.recorded_by(id)?;
        let kept = (context.kept)(&self.objects.programs.get(id)?.channel, &range.grid);
        let now = || range.grid.rate.frame_at(context.now_ms.saturating_mul(1_000_000));
        Some(kept.map_or_else(|| now() / u64::from(range.grid.frames_per_segment()), |(_, last)| last))
    }

    /// A program's asset becomes what it stays: from now on it does not slide.
    fn finish(&mut self, id: &str, last: Option<u64>, context: &Context<'_>) {
        let Some(program) = self.objects.programs.get(id) else { return };
        let (id, window) = (program.asset.clone(), program.archive_window);
        let Some(asset) = self.edit().assets.get_mut(&id) else { return };
        asset.recording = false;
        asset.range = asset.range.and_then(|range| {
            let last = last.filter(|last| *last >= range.first)?;
            let oldest = (context.kept)(&asset.channel, &range.grid).map_or(0, |(oldest, _)| oldest);
            let first = range.first_shown(last, window);
            let first = if oldest <= last { first.max(oldest) } else { first };
            let begun = range.begun.or((first != range.first).then_some(range.first));
            Some(Recorded { begun, first, last: Some(last), ..range })
        });
    }
}

impl Registry {
    /// The disk has given up what a recording asset had before segment `first`; false where nothing changes by that.
    pub fn give_up(&mut self, asset: &str, first: u64) -> bool {
        let before =
            |asset: &crate::Asset| asset.recording && asset.range.is_some_and(|range| range.first < first);
        if !self.objects.assets.get(asset).is_some_and(before) {
            return false;
        }
        if let Some(range) = self.edit().assets.get_mut(asset).and_then(|asset| asset.range.as_mut()) {
            range.begun = range.begun.or(Some(range.first));
            range.first = first;
        }
        true
    }
}

impl crate::Program {
    /// What ends it.
    pub(super) fn end(&self, id: &str) -> Effect {
        let (program, asset, channel) = (id.to_owned(), self.asset.clone(), self.channel.clone());
        Effect::EndProgram { program, asset, channel }
    }

    /// What begins it.
    pub(super) fn begin(&self, id: &str) -> Effect {
        let (program, asset, channel) = (id.to_owned(), self.asset.clone(), self.channel.clone());
        Effect::BeginProgram { program, asset, channel }
    }
}
