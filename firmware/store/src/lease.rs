//! Who reads which extent: an extent is not overwritten under a reader that still has time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Extents that may be read, by id.
#[derive(Debug, Default)]
pub(crate) struct Leases(Mutex<HashMap<u32, State>>);

#[derive(Debug)]
struct State {
    generation: u64,
    readers: usize,
    /// About to be overwritten: nobody new may read.
    leaving: bool,
}

/// The right to read one generation of an extent, until dropped.
#[derive(Debug)]
pub(crate) struct Lease {
    leases: Arc<Leases>,
    id: u32,
    generation: u64,
}

impl Leases {
    /// Lets an extent be read.
    pub(crate) fn open(&self, id: u32, generation: u64) {
        self.lock().insert(id, State { generation, readers: 0, leaving: false });
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
