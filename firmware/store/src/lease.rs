//! Who reads which extent: an extent is not overwritten under a reader that still has time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use crate::{Error, io::File};

/// Extents that may be read, by id.
#[derive(Default)]
pub(crate) struct Leases(Mutex<HashMap<u32, State>>);

struct State {
    generation: u64,
    readers: usize,
    /// About to be overwritten: nobody new may read.
    leaving: bool,
    /// Its file, while a reader has it open: all share one handle.
    file: Option<Weak<dyn File>>,
}

/// The right to read one generation of an extent, until dropped.
pub(crate) struct Lease {
    leases: Arc<Leases>,
    id: u32,
    generation: u64,
}

impl Leases {
    /// Lets an extent be read.
    pub(crate) fn open(&self, id: u32, generation: u64) {
        self.lock().insert(id, State { generation, readers: 0, leaving: false, file: None });
    }

    /// Whether that generation can be read from now on.
    pub(crate) fn gives(&self, id: u32, generation: u64) -> bool {
        self.lock().get(&id).is_some_and(|state| !state.leaving && state.generation == generation)
    }

    /// Lets nobody new read it; the readers it still has.
    pub(crate) fn close(&self, id: u32) -> usize {
        self.lock().get_mut(&id).map_or(0, |state| {
            state.leaving = true;
            state.readers
        })
    }

    /// It is overwritten from now on; whoever still reads it is told by [`Lease::holds`].
    pub(crate) fn revoke(&self, id: u32) {
        self.lock().remove(&id);
    }

    /// A lease, where that generation is (still) to be read.
    pub(crate) fn take(self: &Arc<Self>, id: u32, generation: u64) -> Option<Lease> {
        let mut states = self.lock();
        let state = states.get_mut(&id)?;
        if state.leaving || state.generation != generation {
            return None;
        }
        state.readers += 1;
        Some(Lease { leases: Arc::clone(self), id, generation })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u32, State>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    /// Whether what was read under the lease was not overwritten meanwhile.
    pub(crate) fn holds(&self) -> bool {
        self.leases.lock().get(&self.id).is_some_and(|state| state.generation == self.generation)
    }
}

impl Lease {
    /// Whether it is to be let go of soon: the extent is about to be overwritten.
    pub(crate) fn is_leaving(&self) -> bool {
        let states = self.leases.lock();
        states.get(&self.id).is_none_or(|state| state.leaving || state.generation != self.generation)
    }

    /// The extent's file, the one that others read it through where there are some.
    pub(crate) fn file(
        &self,
        open: impl FnOnce() -> Result<Arc<dyn File>, Error>,
    ) -> Result<Arc<dyn File>, Error> {
        let shared = {
            let states = self.leases.lock();
            let state = states.get(&self.id).filter(|state| state.generation == self.generation);
            state.and_then(|state| state.file.as_ref()?.upgrade())
        };
        if let Some(file) = shared {
            return Ok(file);
        }
        // A disk that hangs keeps nobody else.
        let file = open()?;
        if let Some(state) = self.leases.lock().get_mut(&self.id)
            && state.generation == self.generation
        {
            state.file = Some(Arc::downgrade(&file));
        }
        Ok(file)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(state) = self.leases.lock().get_mut(&self.id)
            && state.generation == self.generation
        {
            state.readers -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leaving_extent_keeps_its_readers_and_takes_no_more() {
        let leases = Arc::new(Leases::default());
        leases.open(3, 7);
        assert!(leases.take(3, 6).is_none() && leases.take(4, 7).is_none());
        let lease = leases.take(3, 7).unwrap();
        assert_eq!(leases.close(3), 1);
        assert!(leases.take(3, 7).is_none() && lease.holds());
        drop(lease);
        assert_eq!(leases.close(3), 0);
    }

    #[test]
    fn a_revoked_lease_does_not_hold_and_does_not_count_in_the_next_generation() {
        let leases = Arc::new(Leases::default());
        leases.open(3, 7);
        let late = leases.take(3, 7).unwrap();
        leases.revoke(3);
        leases.open(3, 8);
        assert!(!late.holds());
        drop(late);
        let _current = leases.take(3, 8).unwrap();
        assert_eq!(leases.close(3), 1);
    }
}
