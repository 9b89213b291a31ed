//! Decides what the channel encodes, remembers what its input gave, and opens its line into the store.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use clock::Clock;
use link::PictureFormat;
use media::Grid;
use origin::Origin;
use settings::Settings;
use store::Store;

use crate::{
    error::Error,
    line::Line,
    plan::{self, Plan},
};

/// Makes plans for one channel and lines to carry them out.
pub struct Planner {
    settings: Arc<Settings>,
    board: Arc<board::Board>,
    store: Arc<Store>,
    origin: Origin,
    clock: Clock,
    memory: Memory,
}

impl Planner {
    /// A planner that remembers in `state_dir` of the settings.
    pub fn new(
        settings: Arc<Settings>,
        board: Arc<board::Board>,
        store: Arc<Store>,
        origin: Origin,
        clock: Clock,
    ) -> Self {
        let memory = Memory { path: settings.state_dir.join("last-input.json") };
        Self { settings, board, store, origin, clock, memory }
    }

    /// The plan for an input that gives `format`. One that is not there is expected to give what it gave last time: so a
    /// box that wakes up before its camera goes on with the stream it had.
    pub fn plan(&self, format: Option<&PictureFormat>) -> Plan {
        let last = self.memory.recall();
        if let Some(format) = format
            && last.as_ref() != Some(format)
            && let Err(error) = self.memory.keep(format)
        {
            tracing::warn!(%error, path = %self.memory.path.display(), "the input's format is not remembered");
        }
        let clock = link::Clock { offset: self.clock.offset() };
        Plan::new(&self.settings, &self.board, format.or(last.as_ref()), clock)
    }

    /// Opens the line into the channel's stream on this grid, and shows viewers that stream.
    pub fn line(&self, grid: Grid) -> Result<Line, Error> {
        let name = &self.settings.channel.name;
        let (writer, reader) = self.store.stream(name, grid).map_err(Error::Store)?;
        let last = writer.last();
        let recorded = last.map_or(0, |last| plan::start_of(&grid, last));
        let behind = recorded.saturating_sub(self.clock.now()) / media::NANOS;
        if behind > 0 {
            tracing::warn!(
                seconds = behind,
                "the system's clock is behind the recording: the timeline goes on from there"
            );
        }
        self.clock.reach(recorded);
        self.origin.begin(name, reader);
        Ok(Line::new(grid, writer, last))
    }
}

/// What the input gave, over restarts.
struct Memory {
    path: PathBuf,
}

impl Memory {
    /// None where nothing was kept or it cannot be read: it is made anew with the next input.
    fn recall(&self) -> Option<PictureFormat> {
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
    use media::{Codec, FrameRate, Layout, LayoutId, Track};
    use store::{Disk, NewPart};
    use tempfile::TempDir;

    use super::*;

    fn planner(folder: &Path) -> Planner {
        let document =
            format!("state_dir = '{}'\n[dvr]\nsize = '64MiB'\nextent = '4MiB'\n", folder.display());
        let settings = Arc::new(settings::parse(&document).unwrap());
        let store = Arc::new(Store::open(plan::store(&settings), Arc::new(Disk)).unwrap());
        let clock = Clock::from_system();
        let config = origin::Config { channels: vec!["main".to_owned()], web: folder.to_owned() };
        let origin = Origin::new(config, clock.clone());
        Planner::new(settings, Arc::default(), store, origin, clock)
    }

    /// Records one segment of one track.
    fn record(planner: &Planner, grid: Grid, segment: u64) {
        let codec = Codec::Aac { config: Bytes::new(), sample_rate: 48_000, channels: 2 };
        let name = "audio".to_owned();
        let tracks = vec![Track { name, timescale: 48_000, bitrate: 1, language: None, codec }];
        let (mut writer, _) = planner.store.stream("main", grid).unwrap();
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
            Arc::into_inner(first.store).unwrap().close();
            let second = planner(folder.path());
            drop(second.line(grid).unwrap());
            let moved = second.clock.now().saturating_sub(now());
            if last == future {
                assert!(second.clock.now() >= plan::start_of(&grid, last), "moved by {moved} ns");
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
