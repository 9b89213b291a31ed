//! What happens once, when the daemon starts: the settings file's channels, and what was going on before.

use channel::life;

use super::{Effect, Registry};
use crate::{Channel, Tuning};

/// Why something stopped with the settings file.
const GONE: &str = "the channel no longer stands in the settings file";

impl Registry {
    /// Takes over the settings file's channels: there is each of them, as the file has it. One that the file has no
    /// more is stopped and becomes a channel like any other. Before [`resume`](Self::resume); `now` in milliseconds
    /// since the epoch.
    pub fn declare(&mut self, declared: Vec<settings::Channel>, now: u64) {
        let objects = self.edit();
        let mut gone = Vec::new();
        for (name, channel) in objects.channels.iter_mut().filter(|(_, channel)| channel.declared) {
            if declared.iter().all(|settings| settings.name != *name) {
                channel.declared = false;
                channel.enter(life::Channel::Stopped, now, GONE);
                gone.push(name.clone());
            }
        }
        for settings in declared {
            let name = settings.name.clone();
            let known =
                objects.channels.remove(&name).filter(|channel| channel.state != life::Channel::Deleting);
            let mut channel = known.unwrap_or_else(|| Channel::new(settings.clone(), true, now));
            if channel.settings != settings {
                channel.tuning = Tuning::default();
            }
            (channel.settings, channel.declared) = (settings, true);
            objects.channels.insert(name, channel);
        }
        for name in gone {
            // The effects that belong to this follow with `resume`.
            self.end_programs(&name, GONE, now);
        }
    }

    /// Takes up what was going on when the daemon ended: declared channels and those that were running start,
    /// running programs go on recording into their assets, what was half done is finished. Once, after
    /// [`load`](Self::load) and [`declare`](Self::declare); `now` in milliseconds since the epoch.
    pub fn resume(&mut self, now: u64) -> Vec<Effect> {
        let mut effects = Vec::new();
        for (name, channel) in &mut self.edit().channels {
            effects.extend(channel.resume(name, now));
        }
        let objects = self.edit();
        for (id, program) in &mut objects.programs {
            let state = objects.channels.get(&program.channel).map(|channel| channel.state);
            let live = state == Some(life::Channel::Starting);
            match program.state {
                life::Program::Stopped => {}
                life::Program::Starting | life::Program::Running if live => effects.push(program.begin(id)),
                life::Program::Starting => {
                    program.enter(life::Program::Stopped, now, "its channel was not running");
                }
                life::Program::Running => {
                    program.enter(life::Program::Stopping, now, "its channel was not running");
                    effects.push(program.end(id));
                }
                life::Program::Stopping => effects.push(program.end(id)),
            }
        }
        effects
    }
}

impl Channel {
    /// Nothing of it runs. A channel that was starting or running, or is declared, starts.
    fn resume(&mut self, name: &str, now: u64) -> Option<Effect> {
        match self.state {
            life::Channel::Deleting => Some(Effect::DeleteChannel(name.to_owned())),
            life::Channel::Starting | life::Channel::Running => {
                self.enter(life::Channel::Starting, now, "");
                Some(Effect::StartChannel(name.to_owned()))
            }
            life::Channel::Stopped | life::Channel::Stopping if self.declared => {
                self.enter(life::Channel::Starting, now, "");
                Some(Effect::StartChannel(name.to_owned()))
            }
            life::Channel::Stopping => {
                self.enter(life::Channel::Stopped, now, "");
                None
            }
            life::Channel::Stopped => None,
        }
    }
}
