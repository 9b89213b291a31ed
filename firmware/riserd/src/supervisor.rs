//! Keeps one channel running: starts its worker, feeds the line, lays the slate while there is no worker.
//!
//! Health is samples out: a worker that gives none is ended and started again, whatever else it does.

mod plans;

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use channel::{
    families::{Cause, Families, Refused},
    shed::Shed,
};
use clock::Clock;
use control::Tuning;
use link::{FromWorker, InputChoice, SoundWish, ToWorker, Unable};
use media::Grid;
use store::Reader;
use tokio::{
    net::UnixListener,
    process::{Child, Command},
    sync::{mpsc, watch},
    time::{MissedTickBehavior, interval, sleep, timeout},
};

use crate::{
    cameras::Cameras,
    error::Error,
    facts::Facts,
    line::Line,
    plan::Plan,
    planner::Planner,
    pulse::{Pulse, START},
    session::Session,
    thermometer::Reading,
};

/// How often the slate is laid and the worker's health looked at.
const ROUND: Duration = Duration::from_millis(100);
/// The slate stays this far behind the clock, so that a worker that comes back finds its first part still open.
const BEHIND: u64 = 200_000_000;
/// A worker that is told to stop has this long to drain.
const DRAIN: Duration = Duration::from_secs(3);
/// A worker that was killed has this long to be gone.
const DYING: Duration = Duration::from_secs(1);
/// A worker that lived shorter than this is started again only after a pause that doubles up to [`LONGEST_PAUSE`].
const SHORT_LIFE: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// What one channel needs.
pub struct Supervisor {
    /// The worker's program.
    pub program: PathBuf,
    /// Where its socket is made.
    pub socket: PathBuf,
    /// The box's name.
    pub name: String,
    /// The channel's name.
    pub channel: String,
    /// Which input it looks for.
    pub input: InputChoice,
    /// Which camera is which.
    pub cameras: Cameras,
    /// What it needs of its sound.
    pub sound: SoundWish,
    /// The encoder families it may use.
    pub families: Families,
    /// What it gives up while its encoders do not keep up or the box is hot.
    pub shed: Shed,
    /// Makes the plan when the first worker has told what its input gives.
    pub planner: Planner,
    /// The timeline's clock.
    pub clock: Clock,
    /// Where to note what is true.
    pub facts: Facts,
    /// Who is told what the channel comes to.
    pub news: mpsc::Sender<News>,
    /// What was changed while it ran.
    pub tuning: watch::Receiver<Tuning>,
    /// How warm the box is.
    pub temperature: watch::Receiver<Option<Reading>>,
    /// Becomes true when the channel is to end.
    pub stop: watch::Receiver<bool>,
}

/// What a channel comes to.
#[derive(Clone)]
pub enum News {
    /// It writes this stream from now on.
    Writes {
        /// The channel.
        channel: String,
        /// The stream's grid.
        grid: Grid,
        /// How the stream is read.
        reader: Reader,
    },
    /// Its encoders are up.
    Runs(String),
    /// It has ended, with the reason where it was not told to.
    Ended(String, Option<String>),
}

/// What the first worker's report decides, for it and all that follow.
struct Running {
    plan: Plan,
    line: Line,
    /// The input has not been seen yet: the plan is for one that is expected.
    expected: bool,
}

/// How a worker's life ends in order.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// It has closed its connection, or the channel ends.
    Gone,
    /// The input came and is another than the plan was made for.
    Replanned,
}

impl Supervisor {
    /// Runs the channel until told to stop.
    pub async fn run(mut self) -> Result<(), Error> {
        // What a daemon that was killed left behind is in the way of a new socket.
        let _ = std::fs::remove_file(&self.socket);
        let listener = UnixListener::bind(&self.socket).map_err(Error::Socket)?;
        let mut running = None;
        let mut pause = Duration::ZERO;
        while !*self.stop.borrow() {
            let born = Instant::now();
            let ended = match self.spawn() {
                Ok(mut worker) => {
                    let ended = self.life(&listener, &mut worker, &mut running).await;
                    self.bury(worker, &mut running).await;
                    ended
                }
                // One that cannot be started for the first time is a matter of the installation.
                Err(error) if running.is_none() => return Err(error),
                Err(error) => Err(error),
            };
            if *self.stop.borrow() {
                break;
            }
            let (cause, reason) = match ended {
                Ok(End::Replanned) => continue,
                Ok(End::Gone) => (Cause::Unknown, "the worker ended".to_owned()),
                Err(error) => (error.cause(), error.to_string()),
            };
            self.families.ended(self.clock.now(), cause, &reason);
            self.facts.families(&self.families);
            tracing::warn!(%reason, "worker is started again");
            self.facts.worker("gone", &reason, None);
            self.facts.restarted();
            pause = match born.elapsed() {
                lived if lived >= SHORT_LIFE => Duration::ZERO,
                _ => (pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE),
            };
            self.wait(pause, &mut running).await;
        }
        self.facts.channel("stopping", "");
        if let Some(Running { line, .. }) = running {
            line.finish();
        }
        // The name only takes up room.
        let _ = std::fs::remove_file(&self.socket);
        Ok(())
    }

    fn spawn(&self) -> Result<Child, Error> {
        let start = |source| Error::StartWorker { program: self.program.clone(), source };
        let child = Command::new(&self.program)
            .arg("--socket")
            .arg(&self.socket)
            .stdin(Stdio::null())
            // Ctrl-C in a terminal is for this process: the worker is told, and drains.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(start)?;
        self.facts.worker("starting", "", child.id());
        Ok(child)
    }

    /// One worker from its greeting to its end.
    async fn life(
        &mut self,
        listener: &UnixListener,
        worker: &mut Child,
        running: &mut Option<Running>,
    ) -> Result<End, Error> {
        let mut session = self.greet(listener, worker, running).await?;
        let open = ToWorker::Open {
            choice: self.cameras.resolve(&self.input),
            name: self.name.clone(),
            sound: self.sound.clone(),
        };
        session.send(&open).await?;
        let (mut round, mut second) = (interval(ROUND), interval(Duration::from_secs(1)));
        round.set_missed_tick_behavior(MissedTickBehavior::Delay);
        second.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut pulse = Pulse::new();
        let mut format = None;
        let mut counted = None;
        loop {
            tokio::select! {
                message = session.receive() => match message? {
                    Some(FromWorker::Unable(Unable { reason })) => {
                        let tried = self.families.clone();
                        self.families.ended(self.clock.now(), Cause::Encoder, &reason);
                        if self.families.left().eq(tried.left()) {
                            return Err(Error::Encoder(reason));
                        }
                        self.facts.families(&self.families);
                        self.start(format.as_ref(), &mut session, running).await?;
                    }
                    Some(FromWorker::Input(report)) => {
                        self.facts.input(&report);
                        format.clone_from(&report.format);
                        if !session.started {
                            self.start(report.format.as_ref(), &mut session, running).await?;
                            continue;
                        }
                        let other = self.replan(report.format.as_ref(), running);
                        if let Some(plan) = other.or_else(|| self.shed(&report, &mut counted, running)) {
                            session.send(&ToWorker::Stop).await?;
                            self.drain(&mut session, running).await?;
                            self.carry_out(plan, false, running)?;
                            return Ok(End::Replanned);
                        }
                    }
                    Some(message) => self.hear(message, &mut pulse, running)?,
                    None => return Ok(End::Gone),
                },
                _ = round.tick() => {
                    pulse.check()?;
                    self.round(pulse.beats(), running);
                }
                _ = second.tick() => {
                    // One that has ended may have said why: its last words are still to be read.
                    let _ = session.send(&ToWorker::Clock(self.offset())).await;
                }
                Ok(()) = self.tuning.changed() => self.tune(&mut session, running).await,
                _ = self.stop.changed() => {
                    session.send(&ToWorker::Stop).await?;
                    return self.drain(&mut session, running).await.map(|()| End::Gone);
                }
            }
        }
    }

    /// Waits for the worker's connection and its greeting, laying the slate meanwhile.
    async fn greet(
        &mut self,
        listener: &UnixListener,
        worker: &mut Child,
        running: &mut Option<Running>,
    ) -> Result<Session, Error> {
        let deadline = Instant::now() + START;
        let mut round = interval(ROUND);
        let mut session = None;
        loop {
            tokio::select! {
                accepted = listener.accept(), if session.is_none() => {
                    session = Some(Session::new(accepted.map_err(Error::Socket)?.0));
                }
                message = greeting(&mut session) => {
                    return match (message?, session) {
                        (Some(FromWorker::Hello(hello)), Some(session)) if hello.version == link::VERSION => {
                            Ok(session)
                        }
                        (Some(FromWorker::Hello(hello)), _) => Err(Error::Version(hello.version)),
                        _ => Err(Error::Worker("the worker did not greet".to_owned())),
                    };
                }
                status = worker.wait() => {
                    let status = status.map_err(Error::Socket)?;
                    return Err(Error::Worker(format!("the worker ended before it greeted: {status}")));
                }
                _ = round.tick() => {
                    self.round(false, running);
                    if Instant::now() > deadline {
                        return Err(Error::Hang(START.as_millis()));
                    }
                }
                _ = self.stop.changed() => return Err(Error::Worker("told to stop".to_owned())),
            }
        }
    }

    fn hear(
        &mut self,
        message: FromWorker,
        pulse: &mut Pulse,
        running: &mut Option<Running>,
    ) -> Result<(), Error> {
        match message {
            // The greeting is over, the rest is heard where the worker can be answered.
            FromWorker::Hello(_) | FromWorker::Input(_) | FromWorker::Unable(_) => {}
            FromWorker::Trying(trying) => {
                self.families.trying(&trying.family, &refused(trying.refused));
                self.facts.families(&self.families);
            }
            FromWorker::Tracks(tracks) => {
                self.families.runs();
                self.facts.families(&self.families);
                self.facts.encoder(&tracks.family, &tracks.encoder);
                pulse.announced(tracks.tracks.len());
                if let Some(Running { line, .. }) = running {
                    line.announce(tracks)?;
                    self.tell(News::Runs(self.channel.clone()));
                }
            }
            FromWorker::Sample { track, sample } => {
                pulse.sample(usize::from(track));
                if let Some(Running { line, .. }) = running {
                    line.sample(usize::from(track), sample);
                }
            }
            FromWorker::Levels(levels) => self.facts.levels(&levels),
            FromWorker::Slate { track, sample } => {
                if let Some(Running { line, .. }) = running {
                    line.slate(usize::from(track), sample);
                }
            }
            FromWorker::Failed(failed) if failed.encoder => return Err(Error::Encoder(failed.reason)),
            FromWorker::Failed(failed) => return Err(Error::Worker(failed.reason)),
        }
        Ok(())
    }

    /// Lays the slate where no samples come, and notes what is true.
    fn round(&self, live: bool, running: &mut Option<Running>) {
        let Some(Running { line, .. }) = running else { return };
        let until = self.clock.now().saturating_sub(BEHIND);
        if live {
            line.fill_between(until)
        } else {
            line.fill(until)
        }
        match (live, line.on_slate()) {
            (true, false) => self.facts.channel("running", ""),
            (_, true) => self.facts.channel("slate", "the encoder gives nothing or is being started again"),
            (false, false) if line.tracks().is_empty() => {
                let reason = self.families.failing().map_or("", |failing| &failing.reason);
                self.facts.channel("starting", reason);
            }
            (false, false) => self.facts.channel("starting", "the encoder is being started again"),
        }
        if live {
            self.facts.worker_runs();
        }
        self.facts.line(line);
    }

    /// Takes what a stopping worker still has.
    async fn drain(&mut self, session: &mut Session, running: &mut Option<Running>) -> Result<(), Error> {
        let rest = async {
            while let Some(message) = session.receive().await? {
                if let (FromWorker::Sample { track, sample }, Some(Running { line, .. })) =
                    (message, &mut *running)
                {
                    line.sample(usize::from(track), sample);
                }
            }
            Ok(())
        };
        timeout(DRAIN, rest).await.unwrap_or(Ok(()))
    }

    /// Lets `pause` go by, laying the slate.
    async fn wait(&mut self, pause: Duration, running: &mut Option<Running>) {
        let end = Instant::now() + pause;
        while Instant::now() < end {
            self.round(false, running);
            tokio::select! {
                () = sleep(ROUND.min(end - Instant::now())) => {}
                _ = self.stop.changed() => return,
            }
        }
    }

    /// Ends a worker; one that was told to stop may end by itself. One that a driver holds fast is not waited for.
    async fn bury(&self, mut worker: Child, running: &mut Option<Running>) {
        if *self.stop.borrow() && timeout(DRAIN, worker.wait()).await.is_ok() {
            return;
        }
        // It is gone already or is going now.
        let _ = worker.start_kill();
        let killed = Instant::now();
        while timeout(ROUND, worker.wait()).await.is_err() {
            self.round(false, running);
            if killed.elapsed() > DYING {
                tracing::error!(pid = worker.id(), "the worker does not die: a driver holds it");
                return;
            }
        }
    }

    fn tell(&self, news: News) {
        if self.news.try_send(news).is_err() {
            tracing::error!(channel = self.channel, "news of the channel is lost: nobody listens");
        }
    }

    fn offset(&self) -> link::Clock {
        link::Clock { offset: self.clock.offset() }
    }
}

fn refused(told: Vec<link::Refusal>) -> Vec<Refused> {
    told.into_iter().map(|link::Refusal { family, reason }| Refused { family, reason }).collect()
}

/// The first message of a worker that has connected.
async fn greeting(session: &mut Option<Session>) -> Result<Option<FromWorker>, Error> {
    match session {
        Some(session) => session.receive().await,
        None => std::future::pending().await,
    }
}

/// Where the socket of a channel's worker lies.
pub fn socket(run_dir: &Path, channel: &str) -> PathBuf {
    run_dir.join(format!("{channel}.sock"))
}
