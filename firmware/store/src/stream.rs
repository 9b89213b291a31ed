//! One stream: its live window behind a lock that only its writer and the committer take, and the picture of
//! it that readers load without waiting.

use std::sync::{
    Arc, Mutex, MutexGuard, OnceLock, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use arc_swap::ArcSwap;
use media::{Grid, Window};
use tokio::{sync::Notify, time::Instant};

use crate::{held::Held, live::Live};

/// A channel on a grid.
pub(crate) struct Stream {
    pub(crate) channel: String,
    pub(crate) grid: Grid,
    /// Its id on disk, once the disk has said which.
    pub(crate) id: OnceLock<u16>,
    /// It has a writer.
    pub(crate) writing: AtomicBool,
    /// When it was opened.
    pub(crate) born: Instant,
    /// Its history from before this process is in the window.
    pub(crate) loaded: AtomicBool,
    live: Mutex<Live>,
    picture: ArcSwap<Picture>,
    changed: Notify,
}

/// What readers see.
pub(crate) struct Picture {
    pub(crate) window: Arc<Window>,
    /// Nothing will be put in front of the window any more, but by a repair of the catalogue.
    pub(crate) whole: bool,
    /// Segments in RAM, in order of number.
    held: Vec<Arc<Held>>,
}

impl Stream {
    pub(crate) fn new(channel: String, grid: Grid, live: Live) -> Self {
        let picture = ArcSwap::from_pointee(Picture::of(&live));
        Self {
            channel,
            grid,
            id: OnceLock::new(),
            writing: AtomicBool::new(false),
            born: Instant::now(),
            loaded: AtomicBool::new(false),
            live: Mutex::new(live),
            picture,
            changed: Notify::new(),
        }
    }

    /// Changes the live window, shows it and wakes whoever waits.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Live) -> T) -> T {
        let mut live = self.lock();
        let result = change(&mut live);
        // Published under the lock: a later picture never makes room for an earlier one.
        self.picture.store(Arc::new(Picture::of(&live)));
        drop(live);
        self.changed.notify_waiters();
        result
    }

    /// Looks at the live window.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Live) -> T) -> T {
        look(&self.lock())
    }

    pub(crate) fn picture(&self) -> arc_swap::Guard<Arc<Picture>> {
        self.picture.load()
    }

    pub(crate) fn changed(&self) -> &Notify {
        &self.changed
    }

    /// Takes the one place of a writer; false where there is one.
    pub(crate) fn claim(&self) -> bool {
        !self.writing.swap(true, Ordering::AcqRel)
    }

    fn lock(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Picture {
    fn of(live: &Live) -> Self {
        Self { window: Arc::new(live.window()), whole: live.is_whole(), held: live.held() }
    }

    /// The oldest segment in RAM.
    pub(crate) fn first_held(&self) -> Option<u64> {
        self.held.first().map(|held| held.number)
    }

    /// A segment in RAM.
    pub(crate) fn held(&self, number: u64) -> Option<&Held> {
        self.held.binary_search_by_key(&number, |held| held.number).ok().map(|at| &*self.held[at])
    }
}
