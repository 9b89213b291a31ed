//! Random walks of commands, answers of the engines, restarts and stray events.

use proptest::prelude::*;

use super::*;
use crate::ProgramChange;

/// One step: what kind, and three numbers from which everything else is taken.
type Step = (u8, u8, u8, u8);

struct Walk {
    the: Bench,
    /// What the engines have not answered yet.
    pending: Vec<Effect>,
}

fn limits() -> Limits {
    Limits { channels: 3, running_programs: 2, assets: 12, marks: 3, filters: 2, ..Limits::default() }
}

impl Walk {
    /// With two channels that run.
    fn new() -> Self {
        let mut the = Bench::new(limits());
        for name in ["main", "c1"] {
            the.create_channel(name);
            the.ask(Command::StartChannel(name.into())).unwrap();
            the.tell(Event::ChannelStarted(name.into()));
        }
        Self { the, pending: Vec::new() }
    }

    fn step(&mut self, (kind, a, b, c): Step) -> Result<(), TestCaseError> {
        self.the.now += u64::from(c) * 700;
        let before = self.the.registry.clone();
        match kind {
            0..=71 => {
                let command = self.command(kind % 24, a, b, c);
                self.granted(command, &before)?;
            }
            72..=113 if !self.pending.is_empty() => {
                let effect = self.pending.remove(usize::from(a) % self.pending.len());
                let event = self.answer(&effect, b.is_multiple_of(8));
                self.told(event, &before)?;
            }
            114..=117 => {
                let event = self.stray(a, b, c);
                self.told(event, &before)?;
            }
            118 => self.restart(b),
            119 => self.the.kept = (!b.is_multiple_of(3)).then(|| 10 + u64::from(c)),
            _ => {}
        }
        self.check()
    }

    fn granted(&mut self, command: Command, before: &Registry) -> Result<(), TestCaseError> {
        match self.the.ask(command.clone()) {
            Err(_) => prop_assert_eq!(&self.the.registry, before, "{:?} was refused", command),
            Ok(Granted { effects, .. }) => {
                match &command {
                    Command::CreateChannel(_) => prop_assert!(before.objects.channels.len() < 3),
                    Command::StopChannel(name) | Command::ResetChannel(name) => {
                        prop_assert_eq!(before.busy(name), 0);
                    }
                    Command::DeleteAsset(id) => {
                        prop_assert!(before.objects.programs.values().all(|program| program.asset != *id));
                    }
                    Command::DeleteProgram(_) => {}
                    _ => self.nothing_lost(before)?,
                }
                self.pending.extend(effects);
            }
        }
        Ok(())
    }

    fn told(&mut self, event: Option<Event>, before: &Registry) -> Result<(), TestCaseError> {
        if let Some(event) = event {
            let effects = self.the.tell(event);
            self.pending.extend(effects);
        }
        self.nothing_lost(before)
    }

    /// Whatever was recorded is there still, and as much of it as was promised.
    fn nothing_lost(&self, before: &Registry) -> Result<(), TestCaseError> {
        for (id, asset) in &before.objects.assets {
            let now = self.the.registry.objects.assets.get(id);
            prop_assert!(now.is_some(), "asset {} is gone", id);
            if !asset.recording {
                prop_assert!(now.is_some_and(|now| asset.range.is_none() || now.range == asset.range));
            }
        }
        Ok(())
    }

    fn restart(&mut self, b: u8) {
        let saved = self.the.registry.save();
        self.the.registry = Registry::load(&saved, limits()).unwrap();
        let declared = ["main", "c1"].into_iter().take(usize::from(b % 3)).map(channel).collect();
        self.the.registry.declare(declared, self.the.now);
        self.pending = self.the.registry.resume(self.the.now);
    }

    fn check(&self) -> Result<(), TestCaseError> {
        let registry = &self.the.registry;
        // Also that nothing dangles: `load` checks all references.
        let loaded = Registry::load(&registry.save(), limits());
        prop_assert_eq!(&loaded.map_err(|error| TestCaseError::fail(error.to_string()))?, registry);
        let objects = &registry.objects;
        prop_assert!(objects.assets.len() <= 12);
        for (name, channel) in &objects.channels {
            let busy = registry.busy(name);
            prop_assert!(busy <= 2);
            let winding_down = matches!(channel.state, life::Channel::Stopping | life::Channel::Deleting);
            prop_assert!(busy == 0 || !winding_down);
            let records = objects
                .programs
                .values()
                .filter(|program| program.channel == *name)
                .any(|program| matches!(program.state, life::Program::Starting | life::Program::Running));
            prop_assert!(
                !records || matches!(channel.state, life::Channel::Starting | life::Channel::Running)
            );
        }
        let held = objects.assets.values().filter(|asset| asset.range.is_some()).count();
        prop_assert_eq!(registry.pins().len(), held);
        self.check_pending()
    }

    /// Whatever is on its way somewhere waits for exactly one answer.
    fn check_pending(&self) -> Result<(), TestCaseError> {
        let objects = &self.the.registry.objects;
        for (name, channel) in &objects.channels {
            let waits = |effect: &&Effect| match (effect, channel.state) {
                (Effect::StartChannel(of) | Effect::ResetChannel(of), life::Channel::Starting)
                | (Effect::StopChannel(of), life::Channel::Stopping)
                | (Effect::DeleteChannel(of), life::Channel::Deleting) => of == name,
                _ => false,
            };
            let resting = matches!(channel.state, life::Channel::Stopped | life::Channel::Running);
            prop_assert!(resting || self.pending.iter().any(|effect| waits(&effect)), "channel {}", name);
        }
        for (id, program) in &objects.programs {
            let waits = |effect: &&Effect| match (effect, program.state) {
                (Effect::BeginProgram { program, .. }, life::Program::Starting)
                | (Effect::EndProgram { program, .. }, life::Program::Stopping) => program == id,
                _ => false,
            };
            let resting = matches!(program.state, life::Program::Stopped | life::Program::Running);
            prop_assert!(resting || self.pending.iter().any(|effect| waits(&effect)), "program {}", id);
        }
        Ok(())
    }

    fn command(&self, kind: u8, a: u8, b: u8, c: u8) -> Command {
        let objects = &self.the.registry.objects;
        let name = ["main", "main", "main", "c1", "c1", "c2", "c2", "a/b"][usize::from(a) % 8].to_owned();
        let nth = |keys: Vec<&String>| {
            keys.get(usize::from(a) % (keys.len() + 1)).map_or("x".into(), |id| (*id).clone())
        };
        let program = nth(objects.programs.keys().collect());
        let asset = nth(objects.assets.keys().collect());
        let back = |numbers: u8| self.the.now.saturating_sub(u64::from(numbers) * 900);
        match kind {
            0 => Command::CreateChannel(channel(&name).into()),
            1 => Command::ChangeChannel(settings::Channel { segment_ms: 2000, ..channel(&name) }.into()),
            2 | 3 => Command::StartChannel(name),
            4 => Command::StopChannel(name),
            5 => Command::ResetChannel(name),
            6 => Command::DeleteChannel(name),
            7 => Command::CreateProgram(NewProgram {
                channel: name,
                archive_window: b.is_multiple_of(2).then(|| 290 + u64::from(b)),
                ..super::program("Council")
            }),
            8 => Command::ChangeProgram { id: program, change: change(b) },
            9..=11 | 21 => Command::StartProgram(program),
            12 | 20 => Command::StopProgram(program),
            13 if b.is_multiple_of(3) => Command::DeleteProgram(program),
            13 => Command::StartProgram(program),
            14 if b.is_multiple_of(3) => Command::Unpublish(asset),
            14 => publish(&asset, b.is_multiple_of(2).then_some(["hall", "..", "vote"][usize::from(c) % 3])),
            15 | 22 => Command::DeleteAsset(asset),
            16 | 23 => clip(&asset, back(b), back(c)),
            17 => mark(&asset, (!b.is_multiple_of(3)).then(|| back(b)), c.is_multiple_of(2).then(|| back(c))),
            18 => {
                Command::PutFilter { asset: Some(asset), name: format!("f{b}"), filter: Default::default() }
            }
            _ => Command::MakeThumbnails(asset),
        }
    }

    fn answer(&self, effect: &Effect, fails: bool) -> Option<Event> {
        let why = || "no encoder".to_owned();
        Some(match effect {
            Effect::StartChannel(name)
            | Effect::StopChannel(name)
            | Effect::ResetChannel(name)
            | Effect::DeleteChannel(name)
                if fails =>
            {
                Event::ChannelFailed(name.clone(), why())
            }
            Effect::StartChannel(name) | Effect::ResetChannel(name) => Event::ChannelStarted(name.clone()),
            Effect::StopChannel(name) => Event::ChannelStopped(name.clone(), String::new()),
            Effect::DeleteChannel(name) => Event::ChannelDeleted(name.clone()),
            Effect::BeginProgram { program, .. } | Effect::EndProgram { program, .. } if fails => {
                Event::ProgramFailed { program: program.clone(), reason: why() }
            }
            Effect::BeginProgram { program, .. } => began(program, grid(), self.the.now),
            Effect::EndProgram { program, .. } => {
                Event::ProgramEnded { program: program.clone(), last: Some(segment(&grid(), self.the.now)) }
            }
            Effect::TuneChannel(_)
            | Effect::Tell { .. }
            | Effect::MakeThumbnails(_)
            | Effect::DropAsset(_) => return None,
        })
    }

    /// Something that may not fit at all.
    fn stray(&self, a: u8, b: u8, c: u8) -> Option<Event> {
        let objects = &self.the.registry.objects;
        let programs: Vec<_> = objects.programs.keys().cloned().collect();
        let program = programs.get(usize::from(b) % (programs.len() + 1)).cloned().unwrap_or_default();
        let name = ["main", "c1", "c2", "gone"][usize::from(b) % 4].to_owned();
        let grid = if c.is_multiple_of(2) { grid() } else { other_grid() };
        Some(match a % 5 {
            0 => Event::ProgramBegan { program, grid, first: segment(&grid, self.the.now) },
            1 => Event::ProgramEnded { program, last: c.is_multiple_of(2).then_some(u64::from(c)) },
            2 => Event::ChannelStarted("gone".into()),
            3 => Event::ChannelStopped("gone".into(), String::new()),
            _ => Event::StreamChanged { channel: name, grid, first: segment(&grid, self.the.now) },
        })
    }

    /// The engines answer all that is asked of them.
    fn settle(&mut self) -> Result<(), TestCaseError> {
        while let Some(effect) = self.pending.pop() {
            let event = self.answer(&effect, false);
            if let Some(event) = event {
                let effects = self.the.tell(event);
                self.pending.extend(effects);
            }
            self.check()?;
        }
        Ok(())
    }
}

fn change(b: u8) -> ProgramChange {
    ProgramChange {
        name: b.is_multiple_of(2).then(|| format!("Hall {b}")),
        description: b.is_multiple_of(7).then(|| "x".repeat(300)),
        archive_window: b.is_multiple_of(3).then_some(Some(u64::from(b) * 10)),
        quota: b.is_multiple_of(5).then_some(None),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn every_walk_keeps_the_rules(
        steps in prop::collection::vec((0u8..120, any::<u8>(), any::<u8>(), any::<u8>()), 100..400),
    ) {
        let mut walk = Walk::new();
        for step in steps {
            walk.step(step)?;
        }
        walk.settle()?;
        let objects = &walk.the.registry.objects;
        for channel in objects.channels.values() {
            prop_assert!(matches!(channel.state, life::Channel::Stopped | life::Channel::Running));
        }
        for program in objects.programs.values() {
            prop_assert!(matches!(program.state, life::Program::Stopped | life::Program::Running));
        }
    }
}
