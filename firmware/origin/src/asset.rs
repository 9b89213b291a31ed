//! What a program records, or recorded: shown live while it runs and as video on demand afterwards, under one name.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use access::Delivery;
use media::{Break, Grid, Window};
use package::{filter::Filter, hints::Hints};
use store::{Reader, Recording};
use tokio::sync::{Mutex, watch};

use crate::{error::Error, presentation::segments, shelf::Shelf};

/// How long a window that was read from the recording is shown: what is quarantined or found again meanwhile comes late by
/// this much.
const FRESH: Duration = Duration::from_secs(10);

/// An asset as the origin is told of it.
#[derive(Clone)]
pub struct Asset {
    /// Its id, which no other asset has or had.
    pub id: String,
    /// Its name, for the file that a download becomes.
    pub name: String,
    /// The path piece under which viewers find it; none while it is not published.
    pub locator: Option<String>,
    /// The stream, while it is recorded.
    pub live: Option<Reader>,
    /// The stream's recording.
    pub recording: Recording,
    /// The grid of its segments' numbers.
    pub grid: Grid,
    /// The segment that began it: presentation time zero.
    pub begun: u64,
    /// The first segment it may show.
    pub first: u64,
    /// The last segment it may show; none while nothing limits it.
    pub last: Option<u64>,
    /// Segments that a running program keeps; none for all.
    pub window: Option<u64>,
    /// Nothing will be added to it.
    pub ended: bool,
    /// Where it begins, exact to the frame, in nanoseconds since the epoch; none: with its first segment.
    pub from: Option<u64>,
    /// Where it ends; none: with its last segment.
    pub to: Option<u64>,
    /// Filters of its own.
    pub filters: Arc<BTreeMap<String, Filter>>,
    /// Its delivery policies.
    pub delivery: Arc<Delivery>,
    /// All ad breaks of its channel, oldest first.
    pub breaks: Arc<[Break]>,
    /// What players are told beside its media.
    pub hints: Arc<Hints>,
    /// The folder of its thumbnails, which need not exist.
    pub thumbnails: PathBuf,
}

impl Asset {
    /// The stream while it is recorded and shown live.
    pub(crate) fn live(&self) -> Option<&Reader> {
        self.live.as_ref().filter(|_| !self.ended)
    }

    /// What it shows of its stream's live window, and of what it has stopped to show so long ago at the most.
    pub(crate) fn clip(&self, window: &Window, beyond: Duration) -> Window {
        let newest = window.history.last().map_or(0, |segment| segment.number);
        let edge = newest.min(self.last.unwrap_or(u64::MAX));
        let beyond = segments(&self.grid, beyond);
        let oldest = self.window.map_or(0, |segments| (edge + 1).saturating_sub(segments + beyond));
        window.clip(self.first.max(oldest), self.last.unwrap_or(u64::MAX), false)
    }

    /// Presentation time zero in nanoseconds since the epoch.
    pub(crate) fn zero(&self) -> u64 {
        let position = media::Position { segment: self.begun, part: 0 };
        self.grid.rate.nanos_of(self.grid.first_frame(position))
    }
}

/// An asset that viewers look at: it changes under them from live to video on demand.
pub(crate) struct Exhibit {
    asset: watch::Sender<Arc<Asset>>,
    /// What was read of an asset that has ended.
    read: Mutex<Option<Read>>,
    shelf: Shelf,
}

struct Read {
    first: u64,
    last: Option<u64>,
    when: Instant,
    window: Arc<Window>,
}

impl Exhibit {
    pub(crate) fn new(asset: Asset) -> Self {
        Self { asset: watch::Sender::new(Arc::new(asset)), read: Mutex::default(), shelf: Shelf::default() }
    }

    /// It is this from now on.
    pub(crate) fn becomes(&self, asset: Asset) {
        self.asset.send_replace(Arc::new(asset));
    }

    pub(crate) fn asset(&self) -> Arc<Asset> {
        Arc::clone(&self.asset.borrow())
    }

    /// Its texts.
    pub(crate) fn shelf(&self) -> &Shelf {
        &self.shelf
    }

    /// Sees the asset change.
    pub(crate) fn changes(&self) -> watch::Receiver<Arc<Asset>> {
        self.asset.subscribe()
    }

    /// What an asset that has ended shows.
    pub(crate) async fn recorded(&self, asset: &Asset) -> Result<Arc<Window>, Error> {
        let last = asset.last.ok_or(Error::Empty)?;
        // Held while it is read: who comes at the same time waits for the same reading.
        let mut read = self.read.lock().await;
        let fresh = |read: &&Read| {
            (read.first, read.last) == (asset.first, asset.last) && read.when.elapsed() < FRESH
        };
        if let Some(read) = read.as_ref().filter(fresh) {
            return Ok(Arc::clone(&read.window));
        }
        let window = asset.recording.window(asset.first, last).await?;
        let window = Arc::new(Window { ended: asset.ended, ..window });
        *read = Some(Read {
            first: asset.first,
            last: asset.last,
            when: Instant::now(),
            window: Arc::clone(&window),
        });
        Ok(window)
    }

    /// Lets go of what was read, and of the texts, which hold on to it; false where it is being read just now.
    pub(crate) fn forget(&self) -> bool {
        self.shelf.clear();
        self.read.try_lock().map(|mut read| *read = None).is_ok()
    }
}
