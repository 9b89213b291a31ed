//! Carries out what the registry grants: starts and stops channels, begins and ends programs, and tells the registry what
//! came of it.
//!
//! One task owns the registry. A command is applied, made durable, shown to the store (pins) and to viewers, carried
//! out and only then answered; what takes longer is an operation, which ends with the event that answers its effect.

mod effects;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use control::{
    Answer, Command, Context, Effect, Event, Gallery, Operations, Refusal, Registry, Request, Requests,
};
use media::Grid;
use origin::Origin;
use store::{Opening, Reader};
use tokio::{
    sync::{mpsc, watch},
    task::{JoinHandle, JoinSet, block_in_place, spawn_blocking},
    time::{MissedTickBehavior, interval},
};

use crate::{
    crew::{Crew, Roster},
    error::Error,
    house::House,
    ledger::Ledger,
    program::{self, Note},
    show::Show,
    supervisor::News,
    thumbnails::{self, Job},
    token,
};

use self::effects::THUMBNAILS;
pub use self::effects::album;

/// How often the registry notes what recordings had to give up.
const GIVEN_UP: Duration = Duration::from_secs(5);
/// Thumbnail jobs that may wait.
const JOBS: usize = 64;

/// The owner of the registry.
pub struct Engine {
    house: Arc<House>,
    registry: Registry,
    ledger: Ledger,
    crew: Crew,
    roster: Roster,
    origin: Origin,
    gallery: Gallery,
    operations: Operations,
    /// Operations under way, by what they do to what.
    under_way: BTreeMap<(&'static str, String), String>,
    /// The stream that each running channel writes.
    streams: BTreeMap<String, (Grid, Reader)>,
    /// The last segment of each asset whose program is ending.
    closing: BTreeMap<String, u64>,
    /// Channels, and programs that begin once they give something.
    beginnings: Vec<(String, String)>,
    /// Channels that begin anew once they have ended.
    resetting: BTreeSet<String>,
    /// What programs wait for.
    waits: JoinSet<Note>,
    jobs: mpsc::Sender<Job>,
    jobs_done: mpsc::Receiver<thumbnails::Done>,
    photographer: JoinHandle<()>,
    news: mpsc::Receiver<News>,
}

impl Engine {
    /// An engine over what was kept, which viewers and managers see from now on; nothing runs yet.
    pub fn new(
        house: Arc<House>,
        registry: Registry,
        ledger: Ledger,
        origin: Origin,
        gallery: Gallery,
        roster: Roster,
    ) -> Self {
        let (crew, news) = Crew::new(Arc::clone(&house), roster.clone());
        let (jobs, waiting) = mpsc::channel(JOBS);
        let (done, jobs_done) = mpsc::channel(JOBS);
        let photographer =
            tokio::spawn(thumbnails::work(house.program.clone(), roster.clone(), waiting, done));
        let engine = Self {
            house,
            registry,
            ledger,
            crew,
            roster,
            origin,
            gallery,
            operations: Operations::default(),
            under_way: BTreeMap::new(),
            streams: BTreeMap::new(),
            closing: BTreeMap::new(),
            beginnings: Vec::new(),
            resetting: BTreeSet::new(),
            waits: JoinSet::new(),
            jobs,
            jobs_done,
            photographer,
            news,
        };
        engine.show();
        engine
    }

    /// Goes on where the box ended, then does what is asked until `stop` changes, then ends the channels.
    ///
    /// # Errors
    /// [`Error::Store`] where the recording on the disk does not fit the settings.
    pub async fn run(
        mut self,
        opening: Opening,
        requests: Requests,
        stop: watch::Receiver<bool>,
    ) -> Result<(), Error> {
        let resumed = self.resume(opening).await;
        if resumed.is_ok() {
            self.serve(requests, stop).await;
        }
        self.waits.shutdown().await;
        drop((self.jobs, self.jobs_done, self.news));
        self.photographer.abort();
        // An error says that it was aborted.
        let _ = self.photographer.await;
        self.crew.wind_down().await;
        resumed
    }

    async fn serve(&mut self, mut requests: Requests, mut stop: watch::Receiver<bool>) {
        let mut often = interval(GIVEN_UP);
        often.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                Some(request) = requests.next() => self.hear(request),
                Some(news) = self.news.recv() => self.learn(news),
                Some(note) = self.waits.join_next() => match note {
                    Ok(note) => self.take(note),
                    Err(error) => tracing::error!(%error, "a program's wait panicked"),
                },
                Some((asset, result)) = self.jobs_done.recv() => {
                    self.end(THUMBNAILS, &asset, result);
                    if !self.registry.objects().assets.contains_key(&asset) {
                        self.carry_out(Effect::DropAsset(asset));
                    }
                    self.show_operations();
                }
                _ = often.tick() => {
                    self.give_up();
                    if self.ledger.trouble().read().is_some() {
                        self.keep();
                    }
                }
                _ = stop.changed() => return,
            }
        }
    }

    /// Starts what ran when the box ended, and the channels of the settings file: their workers come up while the disk is
    /// asked what it holds, which everything else waits for.
    async fn resume(&mut self, opening: Opening) -> Result<(), Error> {
        let effects = self.registry.resume(self.now());
        self.keep();
        let (channels, others): (Vec<_>, Vec<_>) =
            effects.into_iter().partition(|effect| matches!(effect, Effect::StartChannel(_)));
        for effect in channels {
            self.carry_out(effect);
        }
        let opened = spawn_blocking(move || opening.wait()).await;
        opened.expect("a wait for an answer neither panics nor is cancelled").map_err(Error::Store)?;
        self.show();
        for effect in others {
            self.carry_out(effect);
        }
        self.show_operations();
        Ok(())
    }

    /// Notes what the disk had no room for: a restart must not claim it again.
    fn give_up(&mut self) {
        let mut changed = false;
        let objects = Arc::clone(self.registry.objects());
        let has_quota = |id: &str| {
            let mut programs = objects.programs.values();
            programs.any(|program| program.asset == *id && program.quota.is_some())
        };
        let status = self.house.store.status();
        for pin in status.pins.iter().filter(|pin| pin.lost > 0 || has_quota(&pin.id)) {
            changed |= self.registry.give_up(&pin.id, pin.from);
        }
        if changed {
            self.keep();
            self.show();
        }
    }

    fn hear(&mut self, request: Request) {
        let answer = self.grant(request.command.clone());
        if let Err(refusal) = &answer {
            tracing::info!(%refusal, "refused");
        }
        self.show_operations();
        request.answer(answer);
    }

    fn grant(&mut self, command: Command) -> Result<Answer, Refusal> {
        let clip = matches!(command, Command::Clip { .. });
        if clip {
            self.give_up();
        }
        let (before, finished) = (self.registry.clone(), self.house.store.finished());
        let granted = self.apply(command)?;
        let same = Arc::ptr_eq(before.objects(), self.registry.objects());
        if !same && let Err(error) = block_in_place(|| self.ledger.keep(&self.registry)) {
            self.registry = before;
            // What was refused must not come back with the next start.
            self.keep();
            return Err(Refusal::Unavailable(format!("this cannot be kept on the disk: {error}")));
        }
        self.show();
        if clip && let Err(refusal) = self.check_clip(&granted.id, finished) {
            self.registry = before;
            self.keep();
            self.show();
            return Err(refusal);
        }
        let mut operation = None;
        for effect in granted.effects {
            operation = self.carry_out(effect).or(operation);
        }
        let operation = operation.and_then(|id| self.operations.get(&id).cloned());
        Ok(operation.map_or(Answer::Done(granted.id), Answer::Begun))
    }

    /// Whether what the clip holds is there, now that nothing of it can expire any more, and leaves the reserve alone.
    /// Before it, finished assets held `finished` bytes.
    fn check_clip(&self, id: &str, finished: u64) -> Result<(), Refusal> {
        let objects = self.registry.objects();
        let Some((asset, range)) = objects.assets.get(id).and_then(|asset| Some((asset, asset.range?)))
        else {
            return Ok(());
        };
        let store = &self.house.store;
        let recording = store.recording(&asset.channel, range.grid);
        if recording.kept().is_none_or(|(first, _)| first > range.first) {
            let problem = "it has just been given up: the disk is full".to_owned();
            return Err(Refusal::Expired { field: "from".to_owned(), problem });
        }
        let status = store.status();
        if let Some(failure) = &status.failure
            && range.last.is_some_and(|last| !recording.is_recorded(last))
        {
            return Err(Refusal::Unavailable(format!("it is not recorded: {}", failure.reason)));
        }
        let (room, holds) = (status.size.saturating_sub(status.reserve), store.finished());
        if holds > room.max(finished) {
            return Err(Refusal::Conflict(format!(
                "the disk has no room for it: assets would hold {} MiB of the {} MiB that they may have; delete some first",
                holds >> 20,
                room >> 20
            )));
        }
        Ok(())
    }

    fn apply(&mut self, command: Command) -> Result<control::Granted, Refusal> {
        self.in_context(|registry, context| registry.apply(command, context))
    }

    /// Lets the registry decide with what it needs to know of the world.
    fn in_context<T>(&mut self, decide: impl FnOnce(&mut Registry, &mut Context<'_>) -> T) -> T {
        let (store, now_ms) = (Arc::clone(&self.house.store), self.now());
        let kept = move |channel: &str, grid: &Grid| store.recording(channel, *grid).kept();
        let house = Arc::clone(&self.house);
        let has_key = move |name: &str| house.settings.content_keys.iter().any(|key| key.name == name);
        let streams = &self.streams;
        let grid = move |channel: &str| streams.get(channel).map(|(grid, _)| *grid);
        let mut context =
            Context { now_ms, new_id: &mut token::id, kept: &kept, has_key: &has_key, grid: &grid };
        decide(&mut self.registry, &mut context)
    }

    fn learn(&mut self, news: News) {
        match news {
            News::Writes { channel, grid, reader } => {
                self.origin.begin(&channel, reader.clone());
                let before = self.streams.insert(channel.clone(), (grid, reader.clone()));
                for (_, program) in self.beginnings.extract_if(.., |(of, _)| *of == channel) {
                    self.waits.spawn(program::begin(program, grid, reader.clone()));
                }
                if before.is_some_and(|(known, _)| known != grid) {
                    self.waits.spawn(program::changed(channel, grid, reader, self.house.clock.now()));
                }
                self.show();
            }
            News::Runs(channel) => self.event(Event::ChannelStarted(channel)),
            News::Ended(channel, reason) => {
                self.crew.ended(&channel);
                if self.resetting.remove(&channel) && reason.is_none() {
                    self.start(&channel);
                    return;
                }
                self.streams.remove(&channel);
                self.beginnings.retain(|(of, _)| *of != channel);
                match reason {
                    Some(reason) => self.event(Event::ChannelFailed(channel, reason)),
                    None => self.event(Event::ChannelStopped(channel, String::new())),
                }
            }
        }
        self.show_operations();
    }

    fn take(&mut self, note: Note) {
        match note {
            Note::Began { program, grid, first } => {
                self.event(Event::ProgramBegan { program, grid, first });
            }
            Note::NotBegun { program, reason } => self.not_begun(program, reason),
            Note::Ended { program, last } => self.event(effects::ended(program, last)),
            Note::Changed { channel, grid, first } => {
                self.event(Event::StreamChanged { channel, grid, first });
            }
        }
        self.show_operations();
    }

    /// Nothing has come to record. A program that goes on after a restart has all the time it takes.
    fn not_begun(&mut self, program: String, reason: String) {
        let known = self.registry.objects().programs.get(&program);
        let running = known.filter(|known| known.state == channel::life::Program::Running);
        match running.and_then(|known| self.streams.get(&known.channel)) {
            Some((grid, reader)) => {
                self.waits.spawn(program::begin(program, *grid, reader.clone()));
            }
            None => self.event(Event::ProgramFailed { program, reason }),
        }
    }

    /// Tells the registry what has happened, and does what follows.
    fn event(&mut self, event: Event) {
        if matches!(event, Event::ProgramEnded { .. } | Event::ProgramFailed { .. }) {
            self.give_up();
        }
        let before = Arc::clone(self.registry.objects());
        let effects = self.in_context(|registry, context| registry.event(event.clone(), context));
        self.close_operations(&event);
        if !Arc::ptr_eq(&before, self.registry.objects()) {
            self.keep();
            let objects = Arc::clone(self.registry.objects());
            self.closing.retain(|asset, _| objects.assets.get(asset).is_some_and(|asset| asset.recording));
            self.show();
        }
        if let Event::ProgramEnded { program, .. } | Event::ProgramFailed { program, .. } = &event
            && let Some(program) = before.programs.get(program)
        {
            let asset = program.asset.clone();
            self.photograph(&asset);
        }
        for effect in effects {
            self.carry_out(effect);
        }
    }

    /// Makes the registry durable; a disk that fails is told of, and tried again with the next change.
    fn keep(&mut self) {
        if let Err(error) = block_in_place(|| self.ledger.keep(&self.registry)) {
            tracing::error!(%error, "the registry cannot be kept");
        }
    }

    /// Shows the store what to spare, viewers what there is, and managers all of it.
    fn show(&self) {
        let objects = self.registry.objects();
        let breaks = crate::show::breaks(objects);
        let show =
            Show { house: &self.house, objects, streams: &self.streams, breaks, closing: &self.closing };
        self.house.store.set_pins(crate::show::pins(&self.registry));
        self.house.endpoints.iter().for_each(|endpoint| endpoint.obey(objects));
        self.origin.set_channels(show.channels());
        self.origin.set_assets(show.assets(), objects.filters.clone());
        self.gallery.show(Arc::clone(objects));
    }

    fn show_operations(&self) {
        self.gallery.show_operations(self.operations.clone());
    }

    fn now(&self) -> u64 {
        self.house.clock.now() / 1_000_000
    }
}
