//! The catalogue in sled 0.34.7, with what sled itself does not do.
//!
//! - Its `flush()` never calls fsync: after each one `<index>/db` is fdatasynced through a second descriptor.
//! - A cut while it creates its files leaves something that cannot be opened: a `READY` marker is written
//!   once they are durable, and an index without it is thrown away.
//! - It panics on damage, while opening and later: every call is caught, and an index that panics is set
//!   aside as `index.bad-<unix seconds>` (one is kept) and built again from the extents.
//! - A silent loss of its tail is found by counting records (see [`reconcile`](crate::reconcile)).

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{self, Receiver},
    },
    thread::{self, JoinHandle},
    time::{Duration, SystemTime},
};

use crate::{
    Error, Io,
    catalogue::{Batch, Catalogue, Opened, Opener, Pair, STORE},
    io::File,
};

/// sled takes 2 to 4 times this.
const CACHE: u64 = 16 << 20;
/// A million keys open in half a second; what takes this long does not end.
const OPEN_TIMEOUT: Duration = Duration::from_secs(30);
const READY: &str = "READY";

/// Opens `<dir>/index`. After a power cut sled reads its whole log again: a second for a week of recording.
pub(crate) struct SledOpener {
    dir: PathBuf,
    io: Arc<dyn Io>,
    /// What was begun ahead of time.
    begun: Mutex<Option<Opening>>,
}

/// sled on a thread of its own: damaged files have made it panic and loop.
struct Opening {
    answer: Receiver<Result<sled::Db, Error>>,
    thread: JoinHandle<()>,
}

struct Sled {
    db: sled::Db,
    log: Arc<dyn File>,
    path: PathBuf,
}

impl Opener for SledOpener {
    fn begin(&self) {
        let path = self.dir.join("index");
        if self.is_ready(&path) {
            // What cannot be begun now is told when it is opened.
            *self.begun() = Opening::begin(&path).ok();
        }
    }

    fn open(&self, store: &str, damage: Option<String>) -> Result<Opened, Error> {
        let path = self.dir.join("index");
        let names = self.io.list(&self.dir).map_err(Error::disk("list", &self.dir))?;
        let exists = names.iter().any(|name| name == "index");
        let ready = exists && self.is_ready(&path);
        if exists && !ready {
            self.io.remove(&path).map_err(Error::disk("remove unfinished", &path))?;
        }
        if !ready {
            return Ok(Opened { catalogue: self.create(&path, store)?, damage: None });
        }
        let damage = match damage {
            Some(damage) => damage,
            None => match self.open_db(&path).and_then(|index| Ok((index.get(STORE)?, index))) {
                Ok((Some(name), index)) if name == store.as_bytes() => {
                    return Ok(Opened { catalogue: Arc::new(index), damage: None });
                }
                Ok(_) => "it belongs to another store".to_owned(),
                Err(Error::Catalogue { reason, damaged: true, .. }) => reason,
                Err(error) => return Err(error),
            },
        };
        self.set_aside(&path, &names)?;
        Ok(Opened { catalogue: self.create(&path, store)?, damage: Some(damage) })
    }
}

impl Opening {
    fn begin(path: &Path) -> Result<Self, Error> {
        let (sender, answer) = mpsc::sync_channel(1);
        let config = sled::Config::new()
            .path(path)
            .cache_capacity(CACHE)
            .flush_every_ms(None)
            .mode(sled::Mode::HighThroughput);
        let thread = thread::Builder::new().name("store-index-open".into()).spawn(move || {
            // The receiver is gone after a timeout; then the handle is dropped here.
            let _ = sender.send(guard("open", || config.open()));
        });
        let thread =
            thread.map_err(|error| Error::Thread { name: "store-index-open", reason: error.to_string() })?;
        Ok(Self { answer, thread })
    }

    fn wait(self) -> Result<sled::Db, Error> {
        let db = self.answer.recv_timeout(OPEN_TIMEOUT).map_err(|_| Error::Catalogue {
            operation: "open",
            reason: format!("no answer in {} s", OPEN_TIMEOUT.as_secs()),
            damaged: true,
        })?;
        // It has sent its only message. After a timeout it cannot be joined and ends by itself, if ever.
        drop(self.thread.join());
        db
    }
}

impl SledOpener {
    pub(crate) fn new(dir: PathBuf, io: Arc<dyn Io>) -> Self {
        Self { dir, io, begun: Mutex::default() }
    }

    fn begun(&self) -> MutexGuard<'_, Option<Opening>> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether its files were once complete.
    fn is_ready(&self, path: &Path) -> bool {
        self.io.open(&path.join(READY)).is_ok()
    }

    fn create(&self, path: &Path, store: &str) -> Result<Arc<dyn Catalogue>, Error> {
        let index = self.open_db(path)?;
        let mut batch = Batch::default();
        batch.insert(STORE.to_vec(), store.as_bytes().to_vec())?;
        index.commit(&batch)?;
        let failed = |operation| Error::disk(operation, path);
        let conf = self.io.open(&path.join("conf")).map_err(failed("open conf of"))?;
        conf.sync_data().map_err(failed("sync conf of"))?;
        for dir in [&path.join("blobs"), path, &self.dir] {
            self.io.sync_dir(dir).map_err(Error::disk("sync", dir))?;
        }
        let ready = self.io.create(&path.join(READY)).map_err(failed("mark ready"))?;
        ready.sync_data().map_err(failed("mark ready"))?;
        self.io.sync_dir(path).map_err(failed("mark ready"))?;
        Ok(Arc::new(index))
    }

    fn open_db(&self, path: &Path) -> Result<Sled, Error> {
        let begun = self.begun().take();
        let db = begun.map_or_else(|| Opening::begin(path), Ok)?.wait()?;
        let log = self.io.open(&path.join("db")).map_err(Error::disk("open", path.join("db")))?;
        Ok(Sled { db, log, path: path.to_owned() })
    }

    fn set_aside(&self, path: &Path, names: &[String]) -> Result<(), Error> {
        for old in names.iter().filter(|name| name.starts_with("index.bad-")) {
            let old = self.dir.join(old);
            self.io.remove(&old).map_err(Error::disk("remove", &old))?;
        }
        let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |age| age.as_secs());
        let bad = self.dir.join(format!("index.bad-{seconds}"));
        self.io.rename(path, &bad).map_err(Error::disk("set aside", path))?;
        self.io.sync_dir(&self.dir).map_err(Error::disk("sync", &self.dir))
    }
}

impl Catalogue for Sled {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        guard("get", || Ok(self.db.get(key)?.map(|value| value.to_vec())))
    }

    fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Pair>, Error> {
        let to_vecs = |pair: sled::Result<(sled::IVec, sled::IVec)>| {
            pair.map(|(key, value)| (key.to_vec(), value.to_vec()))
        };
        guard("scan", || self.db.range(from..to).take(limit).map(to_vecs).collect())
    }

    fn commit(&self, batch: &Batch) -> Result<(), Error> {
        let mut changes = sled::Batch::default();
        for (key, value) in &batch.changes {
            match value {
                Some(value) => changes.insert(key.as_slice(), value.as_slice()),
                None => changes.remove(key.as_slice()),
            }
        }
        guard("commit", || {
            self.db.apply_batch(changes)?;
            self.db.flush()
        })?;
        // After a failed fdatasync the kernel may hold the pages for clean: sled must read them again.
        self.log.sync_data().map_err(|error| Error::Catalogue {
            operation: "fdatasync",
            reason: format!("{}: {error}", self.path.display()),
            damaged: false,
        })
    }
}

/// Runs a sled call; its panics mean damage.
fn guard<T>(operation: &'static str, call: impl FnOnce() -> sled::Result<T>) -> Result<T, Error> {
    let (reason, damaged) = match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => return Ok(value),
        // It reports a damaged length or checksum as an I/O error of these kinds, too.
        Ok(Err(sled::Error::Io(error))) => (
            error.to_string(),
            matches!(error.kind(), std::io::ErrorKind::InvalidData | std::io::ErrorKind::UnexpectedEof),
        ),
        Ok(Err(error)) => (error.to_string(), true),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            (format!("panicked: {}", text.unwrap_or_default()), true)
        }
    };
    Err(Error::Catalogue { operation, reason, damaged })
}
