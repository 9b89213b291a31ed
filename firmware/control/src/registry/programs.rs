//! Commands on programs.

use std::collections::BTreeMap;

use access::Delivery;
use channel::life::{self, ProgramCommand};

use super::{Context, Granted, Registry, fresh, illegal, not_found};
use crate::{
    Asset, NewProgram, Program, ProgramChange, Refusal,
    names::{self, invalid},
};

/// The smallest quota in bytes: below, hardly a segment fits.
const LEAST_QUOTA: u64 = 1 << 20;

impl Registry {
    pub(super) fn create_program(
        &mut self,
        new: NewProgram,
        context: &mut Context<'_>,
    ) -> Result<Granted, Refusal> {
        names::title("name", &new.name)?;
        names::description("description", &new.description)?;
        self.check_window(new.archive_window)?;
        check_quota(new.quota)?;
        let none = || invalid("channel", format!("there is no channel `{}`", new.channel));
        let channel = self.objects.channels.get(&new.channel).ok_or_else(none)?;
        if channel.state == life::Channel::Deleting {
            return Err(channel_is(&new.channel, channel.state, "it takes no more programs"));
        }
        let id = fresh(&self.objects.programs, context)?;
        let delivery = channel.settings.delivery.clone();
        let asset = Asset { delivery, ..Asset::empty(&new.name, &new.channel, &id, context.now_ms) };
        let asset = self.add_asset(asset, context)?;
        let program = Program {
            channel: new.channel,
            name: new.name,
            description: new.description,
            archive_window: new.archive_window,
            quota: new.quota,
            state: life::Program::Stopped,
            since: context.now_ms,
            reason: String::new(),
            asset,
            created: context.now_ms,
        };
        self.edit().programs.insert(id.clone(), program);
        Ok(Granted::new(id, []))
    }

    pub(super) fn change_program(&mut self, id: String, change: ProgramChange) -> Result<Granted, Refusal> {
        let program = self.program(&id)?;
        let same = change.archive_window.is_none_or(|window| window == program.archive_window)
            && change.quota.is_none_or(|quota| quota == program.quota);
        if !same {
            program.state.changeable().map_err(|why| illegal("program", &id, why))?;
            self.check_window(change.archive_window.flatten())?;
            check_quota(change.quota.flatten())?;
        }
        if let Some(name) = change.name {
            names::title("name", &name)?;
            self.rename_program(&id, name)?;
        }
        if let Some(description) = &change.description {
            names::description("description", description)?;
        }
        let program = self.program_mut(&id)?;
        program.description = change.description.unwrap_or_else(|| program.description.clone());
        program.archive_window = change.archive_window.unwrap_or(program.archive_window);
        program.quota = change.quota.unwrap_or(program.quota);
        Ok(Granted::new(id, []))
    }

    pub(super) fn start_program(
        &mut self,
        id: String,
        context: &mut Context<'_>,
    ) -> Result<Granted, Refusal> {
        let program = self.program(&id)?;
        let (asset, channel) = (program.asset.clone(), program.channel.clone());
        let of_channel = self.channel(&channel)?.state;
        let starting = program.state.on(ProgramCommand::Start { channel: of_channel });
        if program.state == life::Program::Stopped && of_channel != life::Channel::Running {
            return Err(channel_is(
                &channel,
                of_channel,
                "a program can be started only while it is running",
            ));
        }
        let state = starting.map_err(|why| illegal("program", &id, why))?;
        let allowed = self.limits.running_programs;
        if self.busy(&channel) >= allowed {
            return Err(Refusal::Conflict(format!(
                "{allowed} programs of channel `{channel}` are running, more are not allowed: stop one first"
            )));
        }
        let used = self.asset(&asset)?.range.is_some();
        let asset = if used { self.next_asset(&id, context)? } else { asset };
        let program = self.program_mut(&id)?;
        program.asset = asset;
        program.enter(state, context.now_ms, "");
        let begin = program.begin(&id);
        Ok(Granted::new(id, [begin]))
    }

    pub(super) fn stop_program(&mut self, id: String, context: &Context<'_>) -> Result<Granted, Refusal> {
        let state = self.program(&id)?.state.on(ProgramCommand::Stop);
        let state = state.map_err(|why| illegal("program", &id, why))?;
        let program = self.program_mut(&id)?;
        program.enter(state, context.now_ms, "");
        let end = program.end(&id);
        Ok(Granted::new(id, [end]))
    }

    pub(super) fn delete_program(&mut self, id: String) -> Result<Granted, Refusal> {
        let program = self.program(&id)?;
        program.state.deletable().map_err(|why| illegal("program", &id, why))?;
        let last = program.asset.clone();
        let objects = self.edit();
        objects.programs.remove(&id);
        let own = |asset: &&mut Asset| asset.program.as_ref() == Some(&id);
        for asset in objects.assets.values_mut().filter(own) {
            asset.program = None;
        }
        let empty = objects.assets.get(&last).is_some_and(|asset| asset.range.is_none());
        // Nothing can ever come into it.
        let effects = if empty { vec![self.drop_asset(last)] } else { Vec::new() };
        Ok(Granted::new(id, effects))
    }

    /// A new asset for a program whose last one holds something, by the program's name and a number.
    pub(super) fn next_asset(&mut self, id: &str, context: &mut Context<'_>) -> Result<String, Refusal> {
        let program = self.program(id)?;
        let own = |asset: &&Asset| asset.program.as_deref() == Some(id);
        let taken: Vec<_> = self.objects.assets.values().filter(own).map(|asset| &asset.name).collect();
        let numbered = (2..).map(|nth| numbered(&program.name, nth));
        let name = numbered.take(taken.len() + 1).find(|name| !taken.contains(&name));
        let name = name.unwrap_or_else(|| program.name.clone());
        let delivery = self.asset(&program.asset)?.delivery.clone();
        let asset = Asset { delivery, ..Asset::empty(&name, &program.channel, id, context.now_ms) };
        self.add_asset(asset, context)
    }

    pub(super) fn add_asset(&mut self, asset: Asset, context: &mut Context<'_>) -> Result<String, Refusal> {
        self.room_for_asset()?;
        let id = fresh(&self.objects.assets, context)?;
        self.edit().assets.insert(id.clone(), asset);
        Ok(id)
    }

    pub(super) fn program(&self, id: &str) -> Result<&Program, Refusal> {
        self.objects.programs.get(id).ok_or_else(|| not_found("program", id))
    }

    pub(super) fn program_mut(&mut self, id: &str) -> Result<&mut Program, Refusal> {
        self.edit().programs.get_mut(id).ok_or_else(|| not_found("program", id))
    }

    /// The asset follows as long as there is nothing in it.
    fn rename_program(&mut self, id: &str, name: String) -> Result<(), Refusal> {
        let asset = self.program(id)?.asset.clone();
        let asset = self.asset_mut(&asset)?;
        if asset.range.is_none() {
            asset.name.clone_from(&name);
        }
        self.program_mut(id)?.name = name;
        Ok(())
    }

    fn check_window(&self, seconds: Option<u64>) -> Result<(), Refusal> {
        let allowed = &self.limits.archive_window;
        if seconds.is_none_or(|seconds| allowed.contains(&seconds)) {
            return Ok(());
        }
        let (least, most) = (allowed.start(), allowed.end());
        Err(invalid(
            "archive_window",
            format!("{least} to {most} seconds are allowed, or null for a recording"),
        ))
    }
}

impl Program {
    pub(super) fn enter(&mut self, state: life::Program, now: u64, reason: &str) {
        (self.state, self.since) = (state, now);
        reason.clone_into(&mut self.reason);
    }
}

impl Asset {
    fn empty(name: &str, channel: &str, program: &str, now: u64) -> Self {
        Self {
            name: name.to_owned(),
            channel: channel.to_owned(),
            program: Some(program.to_owned()),
            parent: None,
            range: None,
            recording: false,
            locator: None,
            marks: BTreeMap::new(),
            filters: BTreeMap::new(),
            delivery: Delivery::default(),
            created: now,
        }
    }
}

fn check_quota(bytes: Option<u64>) -> Result<(), Refusal> {
    if bytes.is_none_or(|bytes| bytes >= LEAST_QUOTA) {
        return Ok(());
    }
    Err(invalid("quota", format!("at least {LEAST_QUOTA} bytes are needed, or null for no limit")))
}

fn channel_is(name: &str, state: life::Channel, problem: &str) -> Refusal {
    Refusal::State {
        what: "channel",
        id: name.to_owned(),
        state: state.to_string(),
        problem: problem.to_owned(),
    }
}

/// `name 2`, within the length that a name may have.
fn numbered(name: &str, nth: usize) -> String {
    let number = format!(" {nth}");
    let most = names::LONGEST.saturating_sub(number.len());
    let name: String = name.chars().take(most).collect();
    name + &number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_numbered_name_is_a_name() {
        for name in ["a", "Council", &"x".repeat(256), &format!("{}- -x", "x".repeat(252))] {
            for nth in [2, 10, 12_345] {
                assert_eq!(names::title("name", &numbered(name, nth)), Ok(()), "{name}");
            }
        }
    }
}
