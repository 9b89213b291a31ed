//! Decides what the channel encodes, remembers what its input gave, and opens its line into the store.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use channel::{
    budget::{Budget, Kind},
    families::Families,
};
use control::Tuning;
use link::PictureFormat;
use media::Grid;
use store::Reader;

use crate::{
    error::Error,
    house::House,
    line::Line,
    plan::{self, Plan},
};

/// Makes plans for one channel and lines to carry them out.
pub struct Planner {
    house: Arc<House>,
    channel: settings::Channel,
    memory: Memory,
}

impl Planner {
    /// A planner that remembers in `state_dir` of the settings.
    pub fn new(house: Arc<House>, channel: settings::Channel) -> Self {
        let memory = Memory::of(&house.settings.state_dir, &channel.name);
        Self { house, channel, memory }
    }

    /// The plan for an input that gives `format`. One that is not there is expected to give what it gave last time: so a
    /// box that wakes up before its camera goes on with the stream it had.
    /// It is made for the kind of encoder that `families` begin with, and takes its share of them from now on.
    pub fn plan(&self, families: &Families, format: Option<&PictureFormat>) -> Plan {
        let last = self.memory.recall();
        if let Some(format) = format
            && last.as_ref() != Some(format)
            && let Err(error) = self.memory.keep(format)
        {
            tracing::warn!(%error, path = %self.memory.path.display(), "the input's format is not remembered");
        }
        let families = plan::of_one_kind(families);
        let kind = families.first().map_or(Kind::Software, |family| plan::kind(family));
        let (house, name) = (&*self.house, &self.channel.name);
        let mut shares = house.shares();
        let taken = shares.taken(kind, &[name]);
        let budget = Budget { taken, ..plan::budget_of(&house.board, kind) };
        let plan = Plan::new(house, &self.channel, families, format.or(last.as_ref()), &budget);
        shares.take(name, kind, plan.load);
        plan
    }

    /// What the encoders of a plan are given where the channel is tuned so.
    pub fn tuning(&self, plan: &Plan, tuned: &Tuning) -> link::Tuning {
        plan::tuning(&self.channel, &plan.start, tuned)
    }

    /// Opens the line into the channel's stream on this grid, and says how that stream is read.
    pub fn line(&self, grid: Grid) -> Result<(Line, Reader), Error> {
        let House { store, clock, .. } = &*self.house;
        let name = &self.channel.name;
        let (writer, reader) = store.stream(name, grid).map_err(Error::Store)?;
        let last = writer.last();
        let recorded = last.map_or(0, |last| plan::start_of(&grid, last));
        let behind = recorded.saturating_sub(clock.now()) / media::NANOS;
        if behind > 0 {
            tracing::warn!(
                seconds = behind,
                "the system's clock is behind the recording: the timeline goes on from there"
            );
        }
        clock.reach(recorded);
        Ok((Line::new(grid, writer, last, self.house.signals.of(name)), reader))
    }
}

impl Drop for Planner {
    fn drop(&mut self) {
        self.house.shares().give_back(&self.channel.name);
    }
}

/// What the input gave, over restarts.
pub struct Memory {
    path: PathBuf,
}

impl Memory {
    /// That of a channel.
    pub fn of(state_dir: &Path, channel: &str) -> Self {
        Self { path: state_dir.join(format!("last-input-{channel}.json")) }
    }

    /// None where nothing was kept or it cannot be read: it is made anew with the next input.
    pub fn recall(&self) -> Option<PictureFormat> {
        serde_json::from_slice(&fs::read(&self.path).ok()?).ok()
    }

    fn keep(&self, format: &PictureFormat) -> io::Result<()> {
        let new = self.path.with_extension("new");
        fs::write(&new, serde_json::to_vec(format)?)?;
        fs::File::open(&new)?.sync_all()?;
        fs::rename(&new, &self.path)?;
        fs::File::open(self.path.parent().unwrap_or(Path::new("/")))?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use clock::Clock;
    use media::{Codec, FrameRate, Layout, LayoutId, Track};
    use store::{Disk, NewPart, Store};
    use tempfile::TempDir;

    use super::*;
    use crate::cameras::Cameras;

    fn planner(folder: &Path) -> Planner {
        let document =
            format!("state_dir = '{}'\n[dvr]\nsize = '64MiB'\nextent = '4MiB'\n", folder.display());
        let settings = Arc::new(settings::parse(&document).unwrap());
        let store = Arc::new(Store::open(plan::store(&settings, Vec::new()), Arc::new(Disk)).unwrap());
        let channel = settings.channels[0].clone();
        let house = House {
            settings,
            board: Arc::default(),
            store,
            clock: Clock::from_system(),
            program: PathBuf::new(),
            run_dir: PathBuf::new(),
            cameras: Cameras::open(folder),
            shares: Arc::default(),
            signals: Arc::default(),
            endpoints: Vec::new(),
            authority: None,
            temperature: tokio::sync::watch::channel(None).1,
        };
        Planner::new(Arc::new(house), channel)
    }

    /// Records one segment of one track.
    fn record(planner: &Planner, grid: Grid, segment: u64) {
        let codec = Codec::Aac { config: Bytes::new(), sample_rate: 48_000, channels: 2 };
        let name = "audio".to_owned();
        let tracks =
            vec![Track { name, timescale: 48_000, bitrate: 1, language: None, captions: Vec::new(), codec }];
        let (mut writer, _) = planner.house.store.stream("main", grid).unwrap();
        writer.set_layout(Layout { id: LayoutId(1), tracks, init: vec![Bytes::from_static(b"init")] });
        let (start, data) = (0, Bytes::from_static(b"part"));
        let (duration, independent, filler) = (76_800, true, false);
        let part = NewPart { track: 0, segment, part: 0, start, duration, independent, filler, data };
        writer.push_part(part).unwrap();
        writer.close_segment(0, segment);
    }

    #[test]
    fn a_clock_that_has_fallen_behind_the_recording_is_moved_and_no_other() {
        let folder = TempDir::new().unwrap();
        let grid = Grid::new(FrameRate::new(30, 1).unwrap(), 1600, 200);
        let now = || Clock::from_system().now();
        let future = now() / grid.segment_nanos() + 100;
        for last in [now() / grid.segment_nanos(), future] {
            let first = planner(folder.path());
            record(&first, grid, last);
            let house = Arc::clone(&first.house);
            drop(first);
            Arc::into_inner(Arc::into_inner(house).unwrap().store).unwrap().close();
            let second = planner(folder.path());
            drop(second.line(grid).unwrap());
            let moved = second.house.clock.now().saturating_sub(now());
            if last == future {
                assert!(second.house.clock.now() >= plan::start_of(&grid, last), "moved by {moved} ns");
            } else {
                assert!(moved < media::NANOS / 10, "moved by {moved} ns");
            }
        }
    }

    #[test]
    fn what_the_input_gave_is_remembered_and_damage_is_forgotten() {
        let folder = TempDir::new().unwrap();
        let memory = Memory { path: folder.path().join("last-input.json") };
        assert_eq!(memory.recall(), None);
        let rate = FrameRate::new(30_000, 1001).unwrap();
        let format = PictureFormat { width: 1920, height: 1080, rate, coding: "MJPG".to_owned() };
        memory.keep(&format).unwrap();
        assert_eq!(memory.recall(), Some(format));
        fs::write(&memory.path, "{\"width\": 19").unwrap();
        assert_eq!(memory.recall(), None);
    }
}
