//! The box's state as the status tells it, gathered from what each part knows of itself.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use clock::Clock;
use control::{BoxState, Health, Snapshot, StoreState};
use settings::Settings;
use store::{Recovery, Store};
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval},
};

use crate::facts::Facts;

/// How often the snapshot is renewed.
const SNAPSHOT: Duration = Duration::from_millis(250);

/// What the snapshot is made from.
pub struct Report {
    settings: Arc<Settings>,
    clock: Clock,
    started: Instant,
    /// Milliseconds since the epoch when it started.
    since: u64,
    facts: Facts,
}

impl Report {
    /// A report of a box that has just started.
    pub fn new(settings: Arc<Settings>, clock: Clock, facts: Facts) -> Self {
        let since = clock.now() / 1_000_000;
        Self { settings, clock, started: Instant::now(), since, facts }
    }

    /// Keeps the snapshot true until `ended` changes.
    pub async fn publish_always(
        self,
        store: Arc<Store>,
        snapshot: Snapshot,
        mut ended: watch::Receiver<bool>,
    ) {
        let mut often = interval(SNAPSHOT);
        often.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = often.tick() => snapshot.publish(self.state(&store)),
                _ = ended.changed() => return,
            }
        }
    }

    /// What is true now.
    pub fn state(&self, store: &Store) -> BoxState {
        let (channel, worker) = self.facts.read();
        let uptime = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let own = control::ProcessState {
            name: "riserd".to_owned(),
            health: Health { state: "running".to_owned(), since: self.since, reason: String::new() },
            pid: Some(std::process::id()),
            restarts: 0,
        };
        BoxState {
            name: self.settings.name.clone(),
            version: env!("CARGO_PKG_VERSION"),
            board: self.settings.board.id.clone(),
            now: self.clock.now() / 1_000_000,
            uptime,
            clock_error: self.clock.error(),
            channel,
            store: self.store(&store.status()),
            processes: vec![own, worker],
        }
    }

    fn store(&self, status: &store::Status) -> StoreState {
        let millis = |time: std::time::SystemTime| {
            let since = time.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        };
        let (state, since, reason) = match (&status.failure, &status.recovery) {
            (Some(failure), _) => ("not_recording", millis(failure.since), failure.reason.clone()),
            (None, Recovery::Rebuilding { done, total, damage }) => {
                let damage = damage.as_ref().map(|damage| format!(": {damage}")).unwrap_or_default();
                ("recovering", self.since, format!("{done} of {total} extents read again{damage}"))
            }
            (None, _) => ("ok", self.since, String::new()),
        };
        let mut streams = status.streams.iter();
        let stream = streams.rfind(|stream| stream.channel == self.settings.channel.name);
        let seconds = stream.map_or(0, |stream| {
            (stream.segments as u64).saturating_mul(stream.grid.segment_nanos()) / media::NANOS
        });
        StoreState {
            health: Health { state: state.to_owned(), since, reason },
            size: status.size,
            used: status.used,
            written: status.written,
            seconds,
            not_recorded: status.dropped,
        }
    }
}
