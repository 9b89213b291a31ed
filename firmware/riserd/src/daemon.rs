//! Starts every part with its own configuration and ends them in order.

use std::{fs, io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use axum::Router;
use clock::Clock;
use control::Snapshot;
use origin::Origin;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use settings::Settings;
use store::{Disk, Store};
use tokio::{
    net::TcpListener,
    runtime::Runtime,
    signal::unix::{SignalKind, signal},
    sync::watch,
    task::JoinHandle,
    time::{MissedTickBehavior, interval, sleep, timeout},
};

use crate::{
    door::Door,
    error::Error,
    facts::Facts,
    plan,
    planner::Planner,
    report::Report,
    supervisor::{Supervisor, socket},
};

/// After the channel's end viewers have this long to learn of it.
const FAREWELL: Duration = Duration::from_millis(2500);
/// A connection on which nothing moves for this long is closed; no answer is waited for longer.
const PATIENCE: Duration = Duration::from_secs(60);
/// Connections to the management interface.
const MANAGERS: usize = 64;
/// More viewers than this no box serves.
const MOST_HANDLES: u64 = 16 << 10;
/// File handles that are not for viewers: managers, the store, the worker, readers of the recording.
const RESERVED: u64 = 256;
/// Requests under way have this long to end.
const DRAIN: Duration = Duration::from_secs(2);

/// The command line.
#[derive(Clone, Debug)]
pub struct Arguments {
    /// The operator's document.
    pub config: PathBuf,
    /// The folder of board descriptions.
    pub board_configs: PathBuf,
    /// The folder of the viewer page.
    pub web: PathBuf,
    /// The worker's program.
    pub pipeline: PathBuf,
}

/// Runs the box until SIGTERM or SIGINT.
pub fn run(arguments: Arguments) -> Result<(), Error> {
    let settings = read_settings(&arguments)?;
    let board =
        board::load(&settings.board.id, |file| fs::read_to_string(arguments.board_configs.join(file)))
            .map_err(Error::Board)?;
    let run_dir = settings.state_dir.join("run");
    let state_dir = |source| Error::StateDir { path: run_dir.clone(), source };
    fs::create_dir_all(&run_dir).map_err(state_dir)?;
    // Held to the end: two daemons would take each other's worker and recording away.
    let lock = fs::File::create(run_dir.join("lock")).map_err(state_dir)?;
    lock.try_lock().map_err(|error| match error {
        fs::TryLockError::WouldBlock => Error::Taken(settings.state_dir.clone()),
        fs::TryLockError::Error(source) => state_dir(source),
    })?;
    if !arguments.web.join("index.html").is_file() {
        tracing::warn!(web = %arguments.web.display(), "there is no viewer page in this folder");
    }
    let runtime = Runtime::new().map_err(Error::Socket)?;
    runtime.block_on(serve(arguments, Arc::new(settings), Arc::new(board), run_dir))
}

fn read_settings(arguments: &Arguments) -> Result<Settings, Error> {
    let path = &arguments.config;
    let text =
        fs::read_to_string(path).map_err(|source| Error::ReadSettings { path: path.clone(), source })?;
    settings::parse(&text).map_err(|source| Error::Settings { path: path.clone(), source })
}

async fn serve(
    arguments: Arguments,
    settings: Arc<Settings>,
    board: Arc<board::Board>,
    run_dir: PathBuf,
) -> Result<(), Error> {
    let mut terminate = signal(SignalKind::terminate()).map_err(Error::Socket)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::Socket)?;
    let clock = Clock::from_system();
    // Listening first: an address that is taken is known before anything else has begun.
    let viewers = listen("viewers.listen", settings.viewers.listen).await?;
    let management = listen("management.listen", settings.management.listen).await?;
    let store = Arc::new(Store::open(plan::store(&settings), Arc::new(Disk)).map_err(Error::Store)?);

    let name = settings.channel.name.clone();
    let config = origin::Config { channels: vec![name.clone()], web: arguments.web.clone() };
    let origin = Origin::new(config, clock.clone());
    let facts = Facts::new(&name, clock.clone());
    let report = Report::new(Arc::clone(&settings), clock.clone(), facts.clone());
    let snapshot = Snapshot::new(report.state(&store));

    let planner =
        Planner::new(Arc::clone(&settings), board, Arc::clone(&store), origin.clone(), clock.clone());
    let places = usize::try_from(file_handles().saturating_sub(RESERVED)).unwrap_or(usize::MAX).max(MANAGERS);
    let (end, ended) = watch::channel(false);
    let (stop, stopped) = watch::channel(false);
    let supervisor = Supervisor {
        program: arguments.pipeline.clone(),
        socket: socket(&run_dir, &name),
        name: settings.name.clone(),
        input: plan::input(&settings),
        planner,
        clock: clock.clone(),
        facts,
        stop: stopped.clone(),
    };
    let mut parts = Parts {
        channel: tokio::spawn(supervisor.run()),
        doors: [
            open(Door::new(viewers, places, PATIENCE), origin.router(), ended.clone()),
            open(Door::new(management, MANAGERS, PATIENCE), console::router(snapshot.clone()), ended.clone()),
        ],
        keeper: tokio::spawn(keep_time(clock, ended.clone())),
        reporter: tokio::spawn(report.publish_always(Arc::clone(&store), snapshot, ended)),
        store,
        stop,
        end,
    };
    tracing::info!(viewers = %settings.viewers.listen, management = %settings.management.listen, "riserd is up");
    let result = tokio::select! {
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
        result = &mut parts.channel => Some(flatten(result)),
    };
    tracing::info!("riserd ends");
    parts.wind_down(result).await
}

/// What runs until it is told to end.
struct Parts {
    channel: JoinHandle<Result<(), Error>>,
    doors: [JoinHandle<()>; 2],
    keeper: JoinHandle<()>,
    reporter: JoinHandle<()>,
    store: Arc<Store>,
    /// Ends the channel.
    stop: watch::Sender<bool>,
    /// Ends everything else.
    end: watch::Sender<bool>,
}

impl Parts {
    /// Ends the channel, unless it has ended with `result`, and after it everything else.
    async fn wind_down(self, result: Option<Result<(), Error>>) -> Result<(), Error> {
        // Nobody waits for these: the receivers may be gone already.
        let _ = self.stop.send(true);
        let result = match result {
            Some(result) => result,
            None => {
                let result = flatten(self.channel.await);
                sleep(FAREWELL).await;
                result
            }
        };
        let _ = self.end.send(true);
        for door in self.doors {
            let _ = timeout(DRAIN, door).await;
        }
        let _ = tokio::join!(self.keeper, self.reporter);
        if let Some(store) = Arc::into_inner(self.store) {
            store.close();
        }
        result
    }
}

fn flatten(joined: Result<Result<(), Error>, tokio::task::JoinError>) -> Result<(), Error> {
    match joined {
        Ok(result) => result,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// How many file handles the process may have: as many as the system allows it.
fn file_handles() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    // Where it cannot be raised, what there was remains.
    let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    let usable = if raised.is_ok() { limit.maximum } else { limit.current };
    usable.unwrap_or(u64::MAX).min(MOST_HANDLES)
}

async fn listen(field: &'static str, address: SocketAddr) -> Result<TcpListener, Error> {
    let error = |source: io::Error| Error::Listen { field, address: address.to_string(), source };
    TcpListener::bind(address).await.map_err(error)
}

/// Serves `router` until `ended` becomes true.
fn open(door: Door, router: Router, mut ended: watch::Receiver<bool>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let until = async move {
            // A sender that is gone means the same.
            let _ = ended.wait_for(|ended| *ended).await;
        };
        if let Err(error) = axum::serve(door, router).with_graceful_shutdown(until).await {
            tracing::error!(%error, "HTTP server ended");
        }
    })
}

/// Keeps the timeline near the system's clock.
async fn keep_time(clock: Clock, mut ended: watch::Receiver<bool>) {
    let mut second = interval(Duration::from_secs(1));
    second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = second.tick() => clock.slew(),
            _ = ended.changed() => return,
        }
    }
}
