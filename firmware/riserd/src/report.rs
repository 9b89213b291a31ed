//! The box's state as the status tells it, gathered from what each part knows of itself.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use channel::heat::{Heat, Limits};
use control::{
    Alarm, BoxState, ChannelState, Gallery, Health, Objects, ProcessState, Program, ProgramState, Recorded,
    Snapshot, StoreState, TemperatureState,
};
use media::NANOS;
use store::Recovery;
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval},
};

use crate::{alarms, crew::Roster, endpoints::Known, house::House, ledger::Trouble, thermometer::Reading};

/// How often the snapshot is renewed.
const SNAPSHOT: Duration = Duration::from_millis(250);

/// A rewind longer than this is not told: nothing is recorded, or next to nothing.
const UNTOLD: Duration = Duration::from_hours(24 * 366);
/// A disk that has not caught up for so long is slow: a part waits for a fraction of a second.
pub const SLOW: Duration = Duration::from_secs(5);

/// What the snapshot is made from.
pub struct Report {
    house: Arc<House>,
    roster: Roster,
    gallery: Gallery,
    trouble: Trouble,
    started: Instant,
    /// Milliseconds since the epoch when it started.
    since: u64,
    /// Since when each alarm holds.
    raised: Mutex<BTreeMap<String, u64>>,
}

impl Report {
    /// A report of a box that has just started.
    pub fn new(house: Arc<House>, roster: Roster, gallery: Gallery, trouble: Trouble) -> Self {
        let since = house.clock.now() / 1_000_000;
        Self { house, roster, gallery, trouble, started: Instant::now(), since, raised: Mutex::default() }
    }

    /// Keeps the snapshot true until `ended` changes.
    pub async fn publish_always(self, snapshot: Snapshot, mut ended: watch::Receiver<bool>) {
        let mut often = interval(SNAPSHOT);
        often.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = often.tick() => snapshot.publish(self.state()),
                _ = ended.changed() => return,
            }
        }
    }

    /// What is true now.
    pub fn state(&self) -> BoxState {
        let House { settings, clock, store, .. } = &*self.house;
        let (status, objects) = (store.status(), self.gallery.objects());
        let uptime = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let own = ProcessState {
            name: "riserd".to_owned(),
            health: Health { state: "running".to_owned(), since: self.since, reason: String::new() },
            pid: Some(std::process::id()),
            restarts: 0,
        };
        let (channels, workers) = self.channels(&objects);
        let now = clock.now() / 1_000_000;
        let store = self.store(&status, &objects);
        let temperature = self.house.temperature.borrow().as_ref().map(temperature);
        let mut alarms = alarms::of(&status, &store, &objects, &channels, self.trouble.read());
        alarms.extend(temperature.as_ref().and_then(alarms::heat));
        self.date(&mut alarms, now);
        BoxState {
            name: settings.name.clone(),
            version: env!("CARGO_PKG_VERSION"),
            board: settings.board.id.clone(),
            now,
            uptime,
            clock_error: clock.error(),
            channels,
            programs: programs(&status, &objects),
            store,
            endpoints: self.house.endpoints.iter().map(Known::state).collect(),
            authority: self.house.authority.clone(),
            temperature,
            processes: std::iter::once(own).chain(workers).collect(),
            alarms,
        }
    }

    /// The channels, whether they run or not, and the workers of those that do.
    fn channels(&self, objects: &Objects) -> (Vec<ChannelState>, Vec<ProcessState>) {
        let mut noted: BTreeMap<String, (ChannelState, ProcessState)> = BTreeMap::new();
        for facts in self.roster.read() {
            let (channel, worker) = facts.read();
            noted.insert(channel.name.clone(), (channel, worker));
        }
        let (mut channels, mut workers) = (Vec::new(), Vec::new());
        for (name, known) in &objects.channels {
            let (mut state, worker) = match noted.remove(name) {
                Some((state, worker)) => (state, Some(worker)),
                None => (
                    crate::facts::Facts::new(name, self.house.clock.clone(), self.house.cameras.clone())
                        .read()
                        .0,
                    None,
                ),
            };
            state.life = known.state.to_string();
            if worker.is_none() {
                let (since, reason) = (known.since, known.reason.clone());
                state.health = Health { state: known.state.to_string(), since, reason };
                let reason = "the channel has not run".to_owned();
                state.input.health = Health { state: "closed".to_owned(), since, reason };
            }
            channels.push(state);
            workers.extend(worker.filter(|_| known.state != channel::life::Channel::Stopped));
        }
        (channels, workers)
    }

    fn store(&self, status: &store::Status, objects: &Objects) -> StoreState {
        let (state, since, reason) = match (&status.failure, &status.recovery) {
            (Some(failure), _) => ("not_recording", millis(failure.since), failure.reason.clone()),
            (None, Recovery::Rebuilding { done, total, damage }) => {
                let damage = damage.as_ref().map(|damage| format!(": {damage}")).unwrap_or_default();
                ("recovering", self.since, format!("{done} of {total} extents read again{damage}"))
            }
            (None, _) if status.behind >= SLOW => {
                let since = SystemTime::now().checked_sub(status.behind).unwrap_or(UNIX_EPOCH);
                ("slow", millis(since), "the disk does not keep up with the recording".to_owned())
            }
            (None, _) => ("ok", self.since, String::new()),
        };
        let seconds = status
            .streams
            .iter()
            .map(|stream| (stream.segments as u64).saturating_mul(stream.grid.segment_nanos()) / NANOS);
        StoreState {
            health: Health { state: state.to_owned(), since, reason },
            size: status.size,
            used: status.used,
            written: status.written,
            seconds: seconds.max().unwrap_or(0),
            seconds_behind: status.behind.as_secs(),
            not_recorded: status.dropped,
            seconds_promised: promised(self.house.settings.dvr.window, objects),
            seconds_predicted: match status.failure {
                Some(_) => 0,
                None => status.predicted.min(UNTOLD).as_secs(),
            },
            pinned: status.pinned,
            quarantined: status.quarantined,
            bad_extents: status.extents.bad as u64,
            rate: status.rate,
        }
    }

    /// Gives each alarm the time since which it holds without a break.
    fn date(&self, alarms: &mut [Alarm], now: u64) {
        let mut raised = self.raised.lock().unwrap_or_else(PoisonError::into_inner);
        raised.retain(|id, _| alarms.iter().any(|alarm| alarm.id == *id));
        for alarm in alarms {
            alarm.since = *raised.entry(alarm.id.clone()).or_insert(now);
        }
    }
}

/// The furthest rewind that anything promises, in seconds.
fn promised(window: Duration, objects: &Objects) -> u64 {
    let running =
        objects.programs.values().filter(|program| program.state == channel::life::Program::Running);
    let windows = running.filter_map(|program| program.archive_window);
    windows.max().unwrap_or(0).max(window.as_secs())
}

fn temperature(reading: &Reading) -> TemperatureState {
    let Reading { zone, celsius, heat, limits: Limits { hot, cool } } = reading;
    let state = match heat {
        Heat::Cool => "cool",
        Heat::Warm => "warm",
        Heat::Hot => "hot",
    };
    TemperatureState {
        state: state.to_owned(),
        zone: zone.clone(),
        celsius: *celsius,
        hot: *hot,
        cool: *cool,
    }
}

fn programs(status: &store::Status, objects: &Objects) -> Vec<ProgramState> {
    let mut programs: Vec<ProgramState> = objects
        .programs
        .iter()
        .map(|(id, program)| {
            let asset = objects.assets.get(&program.asset);
            let range = asset.and_then(|asset| asset.range);
            let pin = status.pins.iter().find(|pin| pin.id == program.asset);
            let segment = range.map_or(0, |range| range.grid.segment_nanos());
            let stream = range.and_then(|range| {
                status
                    .streams
                    .iter()
                    .find(|stream| stream.channel == program.channel && stream.grid == range.grid)
            });
            // What is shown and not on the disk is not recorded.
            let newest = range.and_then(|range| range.last.or(stream?.acknowledged).or(stream?.newest));
            let oldest = range.map(|range| range.first).max(pin.and_then(|pin| pin.first));
            let held = newest.zip(oldest).map_or(0, |(newest, oldest)| (newest + 1).saturating_sub(oldest));
            let seconds = held.saturating_mul(segment) / NANOS;
            ProgramState {
                id: id.clone(),
                name: program.name.clone(),
                channel: program.channel.clone(),
                state: program.state.to_string(),
                seconds: program.archive_window.map_or(seconds, |window| seconds.min(window)),
                bytes: pin.map_or(0, |pin| pin.bytes),
                lost_seconds: range.map_or(0, |range| lost(program, &range, status)).saturating_mul(segment)
                    / NANOS,
                published: asset.and_then(|asset| asset.locator.clone()),
            }
        })
        .collect();
    programs.sort_by(|one, other| (&one.channel, &one.name).cmp(&(&other.channel, &other.name)));
    programs
}

/// Segments that a program should still have and has not: the disk or its quota had no room for them.
pub fn lost(program: &Program, range: &Recorded, status: &store::Status) -> u64 {
    let begun = range.begun.filter(|_| program.archive_window.is_none());
    let gone = begun.map_or(0, |begun| range.first.saturating_sub(begun));
    // What went in the middle, because others hold what is older, is known since the start only.
    let pin = status.pins.iter().find(|pin| pin.id == program.asset);
    gone.max(pin.map_or(0, |pin| pin.lost))
}

fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
