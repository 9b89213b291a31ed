//! The registry of channels, programs and assets on disk: whole at every instant, with the one before beside it.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use control::registry::{Limits, Registry};
use store::{Io, file};

use crate::error::Error;

/// Where the registry is kept.
pub struct Ledger {
    path: PathBuf,
    io: Arc<dyn Io>,
    /// What the file holds, where the last writing of it went well.
    last: Vec<u8>,
    trouble: Trouble,
}

/// Why the last writing of the registry failed, while nobody knows what the file holds. Clones share it.
#[derive(Clone, Default)]
pub struct Trouble(Arc<Mutex<Option<String>>>);

impl Trouble {
    /// The reason; none while all is well.
    pub fn read(&self) -> Option<String> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Option<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ledger {
    /// Reads what was kept, an empty registry where nothing was. What cannot be read is set aside, and the one before it is
    /// taken.
    pub fn open(
        state_dir: &std::path::Path,
        io: Arc<dyn Io>,
        limits: Limits,
    ) -> Result<(Self, Registry), Error> {
        let path = state_dir.join("registry.json");
        let mut ledger = Self { path, io, last: Vec::new(), trouble: Trouble::default() };
        let mut damaged = false;
        for path in [ledger.path.clone(), ledger.before()] {
            let Some(bytes) = file::read(&*ledger.io, &path).map_err(Error::Registry)? else { continue };
            match Registry::load(&bytes, limits.clone()) {
                Ok(registry) => {
                    ledger.last = if damaged { Vec::new() } else { bytes };
                    return Ok((ledger, registry));
                }
                // Another release's: without it everything would be given up.
                Err(error @ control::Error::Version { .. }) => {
                    return Err(Error::OtherRegistry { path, source: error });
                }
                Err(error) => {
                    damaged = true;
                    tracing::error!(path = %path.display(), %error, "the registry is damaged and set aside");
                    let seconds =
                        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
                    let aside = path.with_extension(format!("bad-{seconds}"));
                    let moved = ledger.io.rename(&path, &aside);
                    moved.map_err(|source| Error::StateDir { path, source })?;
                }
            }
        }
        Ok((ledger, Registry::new(limits)))
    }

    /// Keeps it; on return it outlives a power cut.
    pub fn keep(&mut self, registry: &Registry) -> Result<(), store::Error> {
        let bytes = registry.save();
        if bytes == self.last && self.trouble.read().is_none() {
            return Ok(());
        }
        let written = self.write(&bytes);
        *self.trouble.lock() = written.as_ref().err().map(ToString::to_string);
        written.map(|()| self.last = bytes)
    }

    fn write(&self, bytes: &[u8]) -> Result<(), store::Error> {
        if !self.last.is_empty() {
            file::replace(&*self.io, &self.before(), &self.last)?;
        }
        file::replace(&*self.io, &self.path, bytes)
    }

    /// What is wrong with the writing of it.
    pub fn trouble(&self) -> Trouble {
        self.trouble.clone()
    }

    fn before(&self) -> PathBuf {
        self.path.with_extension("json.before")
    }
}
