//! A box in miniature: a registry, a clock, ids, and a store that keeps a stretch of every stream.

mod assets;
mod breaks;
mod channels;
mod document;
mod programs;
mod walk;

use std::collections::BTreeMap;

use channel::life;
use media::Grid;

use super::*;
use crate::{Asset, NewProgram, Program};

/// A Wednesday in 2023, on a line of 1.6 s.
const NOW: u64 = 1_700_000_000_000;
const SEGMENT: u64 = 1600;

struct Bench {
    registry: Registry,
    now: u64,
    ids: u64,
    /// Segments that are kept before the newest one; none where nobody knows.
    kept: Option<u64>,
}

impl Bench {
    fn new(limits: Limits) -> Self {
        Self { registry: Registry::new(limits), now: NOW, ids: 0, kept: Some(100_000) }
    }

    /// With the channel `main`, running.
    fn live() -> Self {
        let mut this = Self::new(Limits::default());
        this.create_channel("main");
        this.ask(Command::StartChannel("main".into())).unwrap();
        this.tell(Event::ChannelStarted("main".into()));
        this
    }

    fn with<R>(&mut self, act: impl FnOnce(&mut Registry, &mut Context<'_>) -> R) -> R {
        let (ids, now, kept) = (&mut self.ids, self.now, self.kept);
        let mut new_id = || {
            *ids += 1;
            format!("id-{ids}")
        };
        let kept = |_: &str, grid: &Grid| {
            let edge = segment(grid, now) - 1;
            kept.map(|kept| (edge.saturating_sub(kept), edge))
        };
        let (grid, has_key) = (|_: &str| Some(grid()), |name: &str| name == "house");
        let mut context =
            Context { now_ms: now, new_id: &mut new_id, kept: &kept, has_key: &has_key, grid: &grid };
        act(&mut self.registry, &mut context)
    }

    fn ask(&mut self, command: Command) -> Result<Granted, Refusal> {
        self.with(|registry, context| registry.apply(command, context))
    }

    /// A command that must be refused and change nothing.
    fn refused(&mut self, command: Command) -> String {
        let before = self.registry.clone();
        let refusal = self.ask(command.clone()).expect_err(&format!("{command:?}"));
        assert_eq!(self.registry, before, "{command:?}");
        refusal.to_string()
    }

    fn tell(&mut self, event: Event) -> Vec<Effect> {
        self.with(|registry, context| registry.event(event, context))
    }

    fn create_channel(&mut self, name: &str) {
        self.ask(Command::CreateChannel(channel(name).into())).unwrap();
    }

    fn create_program(&mut self, name: &str, archive_window: Option<u64>) -> String {
        self.ask(Command::CreateProgram(NewProgram { archive_window, ..program(name) })).unwrap().id
    }

    /// Begins to record with the segment of this moment.
    fn record(&mut self, program: &str) {
        self.ask(Command::StartProgram(program.into())).unwrap();
        self.tell(began(program, grid(), self.now));
    }

    fn end(&mut self, program: &str) {
        self.ask(Command::StopProgram(program.into())).unwrap();
        let last = Some(segment(&grid(), self.now) - 1);
        self.tell(Event::ProgramEnded { program: program.into(), last });
    }

    /// A finished asset of a minute.
    fn asset(&mut self) -> (String, String) {
        let program = self.create_program("Council", None);
        self.record(&program);
        self.now += 60_000;
        self.end(&program);
        let asset = self.program(&program).asset.clone();
        (program, asset)
    }

    fn program(&self, id: &str) -> &Program {
        &self.registry.objects.programs[id]
    }

    fn asset_of(&self, program: &str) -> &Asset {
        &self.registry.objects.assets[&self.program(program).asset]
    }

    fn state(&self, channel: &str) -> life::Channel {
        self.registry.objects.channels[channel].state
    }
}

fn grid() -> Grid {
    Grid::new("25".parse().unwrap(), 1600, 200)
}

fn other_grid() -> Grid {
    Grid::new("30000/1001".parse().unwrap(), 1600, 200)
}

fn segment(grid: &Grid, ms: u64) -> u64 {
    grid.rate.frame_at(ms * 1_000_000) / u64::from(grid.frames_per_segment())
}

fn channel(name: &str) -> settings::Channel {
    settings::Channel { name: name.into(), ..settings::Channel::default() }
}

fn program(name: &str) -> NewProgram {
    NewProgram {
        channel: "main".into(),
        name: name.into(),
        description: String::new(),
        archive_window: None,
        quota: None,
    }
}

fn began(program: &str, grid: Grid, ms: u64) -> Event {
    Event::ProgramBegan { program: program.into(), grid, first: segment(&grid, ms) }
}

fn clip(asset: &str, from: u64, to: u64) -> Command {
    Command::Clip { asset: asset.into(), name: "Vote".into(), from, to }
}

fn mark(asset: &str, at: Option<u64>, until: Option<u64>) -> Command {
    Command::Mark { asset: asset.into(), name: "Vote".into(), at, until }
}

fn publish(asset: &str, locator: Option<&str>) -> Command {
    Command::Publish { asset: asset.into(), locator: locator.map(str::to_owned) }
}
