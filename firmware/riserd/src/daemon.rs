//! Starts every part with its own configuration and ends them in order.

use std::{fs, io, path::PathBuf, sync::Arc, time::Duration};

use clock::Clock;
use control::{Gallery, Snapshot};
use origin::Origin;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use settings::Settings;
use store::{Disk, Io, Store};
use tokio::{
    runtime::Runtime,
    signal::unix::{SignalKind, signal},
    sync::{Semaphore, watch},
    task::{JoinError, JoinHandle},
    time::{MissedTickBehavior, interval, sleep, timeout},
};

use crate::{
    cameras::Cameras,
    content_keys,
    crew::Roster,
    endpoints::{self, Opening},
    engine::Engine,
    entrance::{self, Certificates, Entrance, MANAGERS},
    error::Error,
    house::House,
    ledger::Ledger,
    plan, rehearsal,
    report::Report,
    show,
    thermometer::Thermometer,
};

/// After the channel's end viewers have this long to learn of it.
const FAREWELL: Duration = Duration::from_millis(2500);
/// More viewers than this no box serves.
const MOST_HANDLES: u64 = 16 << 10;
/// File handles that are not for viewers: managers, the store, the worker, readers of the recording, segments that many want.
const RESERVED: u64 = 384;
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
    /// Where the kernel tells of its sensors.
    pub sys: PathBuf,
}

/// Runs the box until SIGTERM or SIGINT.
pub fn run(arguments: Arguments) -> Result<(), Error> {
    let settings = read_settings(&arguments)?;
    let board =
        board::load(&settings.board.id, |file| fs::read_to_string(arguments.board_configs.join(file)))
            .map_err(Error::Board)?;
    // The lock is held to the end: two daemons would take each other's worker and recording away.
    let (run_dir, _lock) = run_dir(&settings)?;
    if !arguments.web.join("index.html").is_file() {
        tracing::warn!(web = %arguments.web.display(), "there is no viewer page in this folder");
    }
    let runtime = Runtime::new().map_err(Error::Socket)?;
    runtime.block_on(serve(arguments, Arc::new(settings), Arc::new(board), run_dir))
}

/// Where sockets are made, locked for this daemon. Where the disk takes nothing they are made elsewhere: live needs them.
fn run_dir(settings: &Settings) -> Result<(PathBuf, fs::File), Error> {
    let prepare = |dir: PathBuf| {
        let lock = fs::create_dir_all(&dir).and_then(|()| fs::File::create(dir.join("lock")));
        lock.map(|lock| (dir.clone(), lock)).map_err(|source| Error::StateDir { path: dir, source })
    };
    let takes_nothing = |source: &io::Error| {
        matches!(source.kind(), io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::StorageFull)
    };
    let (dir, lock) = match prepare(settings.state_dir.join("run")) {
        Err(Error::StateDir { path, source }) if takes_nothing(&source) => {
            tracing::error!(path = %path.display(), %source, "nothing will be recorded or kept");
            prepare(std::env::temp_dir().join(format!("riserd-{}", std::process::id())))?
        }
        prepared => prepared?,
    };
    lock.try_lock().map_err(|error| match error {
        fs::TryLockError::WouldBlock => Error::Taken(settings.state_dir.clone()),
        fs::TryLockError::Error(source) => Error::StateDir { path: dir.clone(), source },
    })?;
    Ok((dir, lock))
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
    let keys = content_keys::read(&settings)?;
    // Listening first: an address that is taken is known before anything else has begun.
    let certificates = Certificates::open(&settings)?;
    let endpoints = endpoints::open(&settings, &certificates).await?;
    let management = entrance::listen("management.listen".to_owned(), settings.management.listen).await?;
    let (end, ended) = watch::channel(false);
    let entrance = Entrance::new(&settings, management, &certificates)?;
    let trust = certificates.authority.as_ref().map(|authority| origin::Trust {
        pem: authority.pem().to_owned(),
        fingerprint: authority.fingerprint().to_owned(),
    });

    let io: Arc<dyn Io> = Arc::new(Disk);
    let (ledger, mut registry) = Ledger::open(&settings.state_dir, Arc::clone(&io), plan::limits(&settings))?;
    registry.declare(settings.channels.to_vec(), clock.now() / 1_000_000);
    let names = settings.every_endpoint().map(|(_, endpoint)| endpoint.name.as_str());
    registry.declare_endpoints(names, clock.now() / 1_000_000);
    let config = plan::store(&settings, show::pins(&registry));
    let (store, opening) = Store::begin(config, io).map_err(Error::Store)?;
    let store = Arc::new(store);
    let origin = Origin::new(
        origin::Config {
            web: arguments.web.clone(),
            window: settings.dvr.window,
            keys,
            trust: trust.clone(),
        },
        clock.clone(),
    );
    let program = arguments.pipeline.clone();
    let thermometer = board.temperature.as_ref().and_then(|limits| Thermometer::find(&arguments.sys, limits));
    let house = Arc::new(House {
        settings: Arc::clone(&settings),
        board,
        store,
        clock: clock.clone(),
        program,
        run_dir,
        cameras: Cameras::open(&settings.state_dir),
        shares: Arc::default(),
        signals: Arc::default(),
        endpoints: endpoints.iter().map(Opening::known).collect(),
        authority: trust.map(|trust| trust.fingerprint),
        temperature: thermometer.as_ref().map_or_else(|| watch::channel(None).1, Thermometer::readings),
    });

    let (gallery, roster) = (Gallery::new(Arc::clone(registry.objects())), Roster::default());
    let report = Report::new(Arc::clone(&house), roster.clone(), gallery.clone(), ledger.trouble());
    let snapshot = Snapshot::new(report.state());
    let (door, requests) = control::Door::new(gallery.clone());
    let managed = console::router(
        snapshot.clone(),
        gallery.clone(),
        door,
        rehearsal::stage(&house),
        roster.listen(),
        entrance.guard(),
        origin.downloads(),
    );
    let engine = Engine::new(Arc::clone(&house), registry, ledger, origin.clone(), gallery, roster);

    let places = usize::try_from(file_handles().saturating_sub(RESERVED)).unwrap_or(usize::MAX).max(MANAGERS);
    let places = Arc::new(Semaphore::new(places));
    let viewers = endpoints.into_iter().map(|endpoint| {
        endpoint.serve(|endpoint| origin.router(endpoint), Arc::clone(&places), ended.clone())
    });
    let viewers: Vec<_> = viewers.collect();
    let (stop, stopped) = watch::channel(false);
    let mut parts = Parts {
        engine: tokio::spawn(engine.run(opening, requests, stopped)),
        doors: viewers.into_iter().chain([entrance.open(managed, ended.clone())]).collect(),
        keeper: tokio::spawn(keep_time(clock, ended.clone())),
        thermometer: thermometer.map(|thermometer| tokio::spawn(thermometer.read_always(ended.clone()))),
        reporter: tokio::spawn(report.publish_always(snapshot, ended)),
        house,
        stop,
        end,
    };
    tracing::info!(viewers = %settings.viewers.listen, management = %settings.management.listen, "riserd is up");
    let ended = tokio::select! {
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
        joined = &mut parts.engine => Some(joined),
    };
    tracing::info!("riserd ends");
    parts.wind_down(ended).await
}

/// What runs until it is told to end.
struct Parts {
    engine: JoinHandle<Result<(), Error>>,
    doors: Vec<JoinHandle<()>>,
    keeper: JoinHandle<()>,
    thermometer: Option<JoinHandle<()>>,
    reporter: JoinHandle<()>,
    house: Arc<House>,
    /// Ends the engine and its channels.
    stop: watch::Sender<bool>,
    /// Ends everything else.
    end: watch::Sender<bool>,
}

impl Parts {
    /// Ends the channels, where the engine has not `ended` by itself, and after them everything else.
    async fn wind_down(self, ended: Option<Result<Result<(), Error>, JoinError>>) -> Result<(), Error> {
        // Nobody waits for these: the receivers may be gone already.
        let _ = self.stop.send(true);
        let joined = match ended {
            Some(joined) => joined,
            None => self.engine.await,
        };
        let outcome = joined.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
        if outcome.is_ok() {
            sleep(FAREWELL).await;
        }
        let _ = self.end.send(true);
        for door in self.doors {
            let _ = timeout(DRAIN, door).await;
        }
        let _ = tokio::join!(self.keeper, self.reporter);
        if let Some(thermometer) = self.thermometer {
            let _ = thermometer.await;
        }
        if let Some(house) = Arc::into_inner(self.house)
            && let Some(store) = Arc::into_inner(house.store)
        {
            store.close();
        }
        outcome
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
