//! Commands on channels.

use channel::life::{self, ChannelCommand};

use super::{Context, Effect, Granted, Registry, assets::check_delivery, illegal, not_found, room};
use crate::{Channel, Refusal, Tuning, names};

impl Registry {
    pub(super) fn create_channel(
        &mut self,
        settings: settings::Channel,
        context: &Context<'_>,
    ) -> Result<Granted, Refusal> {
        names::channel("name", &settings.name)?;
        let name = settings.name.clone();
        if self.objects.channels.contains_key(&name) {
            return Err(Refusal::Conflict(format!("there is a channel `{name}` already")));
        }
        room(self.objects.channels.len(), self.limits.channels, "channels")?;
        check_delivery("delivery", &settings.delivery, context)?;
        let channel = Channel::new(settings, false, context.now_ms);
        self.edit().channels.insert(name.clone(), channel);
        Ok(Granted::new(name, []))
    }

    pub(super) fn change_channel(
        &mut self,
        settings: settings::Channel,
        context: &Context<'_>,
    ) -> Result<Granted, Refusal> {
        let name = settings.name.clone();
        let channel = self.channel(&name)?;
        channel.state.changeable().map_err(|why| illegal("channel", &name, why))?;
        undeclared(&name, channel)?;
        check_delivery("delivery", &settings.delivery, context)?;
        let channel = self.channel_mut(&name)?;
        (channel.settings, channel.tuning) = (settings, Tuning::default());
        Ok(Granted::new(name, []))
    }

    pub(super) fn tune_channel(&mut self, name: String, tuning: Tuning) -> Result<Granted, Refusal> {
        let channel = self.channel(&name)?;
        channel.state.tunable().map_err(|why| illegal("channel", &name, why))?;
        if let Some(gop) = tuning.gop_ms {
            let field = "gop_ms".to_owned();
            channel.settings.check_gop(gop).map_err(|problem| Refusal::Invalid { field, problem })?;
        }
        self.channel_mut(&name)?.tuning = tuning;
        Ok(Granted::new(name.clone(), [Effect::TuneChannel(name)]))
    }

    pub(super) fn start_channel(&mut self, name: String, context: &Context<'_>) -> Result<Granted, Refusal> {
        self.steer(&name, ChannelCommand::Start, context)?;
        Ok(Granted::new(name.clone(), [Effect::StartChannel(name)]))
    }

    pub(super) fn stop_channel(&mut self, name: String, context: &Context<'_>) -> Result<Granted, Refusal> {
        self.steer(&name, ChannelCommand::Stop { busy: self.busy(&name) }, context)?;
        Ok(Granted::new(name.clone(), [Effect::StopChannel(name)]))
    }

    pub(super) fn reset_channel(&mut self, name: String, context: &Context<'_>) -> Result<Granted, Refusal> {
        self.steer(&name, ChannelCommand::Reset { busy: self.busy(&name) }, context)?;
        Ok(Granted::new(name.clone(), [Effect::ResetChannel(name)]))
    }

    pub(super) fn delete_channel(&mut self, name: String, context: &Context<'_>) -> Result<Granted, Refusal> {
        undeclared(&name, self.channel(&name)?)?;
        let programs = self.objects.programs.values().filter(|program| program.channel == name).count();
        self.steer(&name, ChannelCommand::Delete { programs }, context)?;
        Ok(Granted::new(name.clone(), [Effect::DeleteChannel(name)]))
    }

    /// Programs of a channel that have not stopped.
    pub(super) fn busy(&self, channel: &str) -> usize {
        let programs = self.objects.programs.values();
        programs.filter(|of| of.channel == channel && of.state != life::Program::Stopped).count()
    }

    pub(super) fn channel(&self, name: &str) -> Result<&Channel, Refusal> {
        self.objects.channels.get(name).ok_or_else(|| not_found("channel", name))
    }

    pub(super) fn channel_mut(&mut self, name: &str) -> Result<&mut Channel, Refusal> {
        self.edit().channels.get_mut(name).ok_or_else(|| not_found("channel", name))
    }

    fn steer(&mut self, name: &str, command: ChannelCommand, context: &Context<'_>) -> Result<(), Refusal> {
        let state = self.channel(name)?.state.on(command).map_err(|why| illegal("channel", name, why))?;
        self.channel_mut(name)?.enter(state, context.now_ms, "");
        Ok(())
    }
}

impl Channel {
    /// A stopped channel.
    pub(super) fn new(settings: settings::Channel, declared: bool, now: u64) -> Self {
        Self {
            settings,
            declared,
            tuning: Tuning::default(),
            state: life::Channel::Stopped,
            since: now,
            reason: String::new(),
        }
    }

    pub(super) fn enter(&mut self, state: life::Channel, now: u64, reason: &str) {
        (self.state, self.since) = (state, now);
        reason.clone_into(&mut self.reason);
    }
}

fn undeclared(name: &str, channel: &Channel) -> Result<(), Refusal> {
    if channel.declared {
        return Err(Refusal::Conflict(format!(
            "channel `{name}` stands in the settings file: it can be changed and deleted only there"
        )));
    }
    Ok(())
}
