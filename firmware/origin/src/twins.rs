//! What many viewers want lies in RAM twice: as bytes, and in a file of the kernel's. A connection without TLS is sent the file, so
//! that the bytes are not copied for each viewer.
//!
//! Whoever writes to a connection has nothing but bytes; where they lie tells of which file they are ([`Twins::find`]).

use std::{
    collections::BTreeMap,
    io::Write as _,
    os::fd::OwnedFd,
    sync::{Arc, PoisonError, RwLock},
};

use bytes::Bytes;
use rustix::fs::{MemfdFlags, memfd_create};

/// Fewer bytes are copied as quickly as they are sent otherwise.
pub const WORTH: usize = 64 << 10;
/// Fewer bytes get no file: each takes one of the process's file handles.
pub(crate) const LEAST: usize = 256 << 10;

/// The twins there are. Clones share them.
#[derive(Clone, Default)]
pub struct Twins(Arc<RwLock<BTreeMap<usize, Twin>>>);

/// Bytes that lie in a file, too.
struct Twin {
    len: usize,
    place: Place,
}

/// Where bytes lie in a file, which nobody changes.
#[derive(Clone)]
pub struct Place {
    /// The file.
    pub file: Arc<OwnedFd>,
    /// Where they begin in it.
    pub offset: u64,
}

/// Bytes that are known to lie in a file until this is dropped.
pub(crate) struct Known {
    twins: Twins,
    bytes: Bytes,
}

impl Known {
    /// Where no copy but the file's is sent.
    pub(crate) fn bytes(&self) -> &Bytes {
        &self.bytes
    }
}

impl Twins {
    /// The file of these bytes, where they have one.
    #[must_use]
    pub fn find(&self, bytes: &[u8]) -> Option<Place> {
        if bytes.len() < WORTH {
            return None;
        }
        let twins = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let begin = bytes.as_ptr().addr();
        let (at, twin) = twins.range(..=begin).next_back()?;
        let within = begin - at;
        let fits = within + bytes.len() <= twin.len;
        fits.then(|| Place { file: Arc::clone(&twin.place.file), offset: twin.place.offset + within as u64 })
    }

    /// Puts pieces together, in RAM and in a file.
    ///
    /// # Errors
    /// Where the kernel has no file for them.
    pub(crate) fn make(&self, pieces: &[Bytes]) -> std::io::Result<Known> {
        let bytes = Bytes::from(pieces.concat());
        let mut file = std::fs::File::from(memfd_create("riser-segment", MemfdFlags::CLOEXEC)?);
        file.write_all(&bytes)?;
        let place = Place { file: Arc::new(file.into()), offset: 0 };
        let mut twins = self.0.write().unwrap_or_else(PoisonError::into_inner);
        twins.insert(bytes.as_ptr().addr(), Twin { len: bytes.len(), place });
        Ok(Known { twins: self.clone(), bytes })
    }
}

impl Drop for Known {
    fn drop(&mut self) {
        // Before the bytes go: their place in memory may be another's then.
        let mut twins = self.twins.0.write().unwrap_or_else(PoisonError::into_inner);
        twins.remove(&self.bytes.as_ptr().addr());
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use super::*;

    #[test]
    fn bytes_lie_in_their_file_as_long_as_they_are_known() {
        let twins = Twins::default();
        let pieces: Vec<_> = [1, 2].map(|byte| Bytes::from(vec![byte; 3 * WORTH])).into();
        let known = twins.make(&pieces).unwrap();
        let bytes = known.bytes().clone();
        assert_eq!(bytes, pieces.concat());
        for (from, to) in [(0, 6 * WORTH), (1, 5 * WORTH), (3 * WORTH, 4 * WORTH)] {
            let Place { file, offset } = twins.find(&bytes[from..to]).unwrap();
            let mut found = vec![0; to - from];
            std::fs::File::from(file.try_clone().unwrap()).read_exact_at(&mut found, offset).unwrap();
            assert_eq!(found, bytes[from..to]);
        }
        assert!(twins.find(&bytes[..WORTH - 1]).is_none(), "too short");
        assert!(twins.find(&pieces[0]).is_none(), "others that are alike");
        drop(known);
        assert!(twins.find(&bytes).is_none());
    }
}
