//! Where a presentation's segments come from: a stream that is live, or what was recorded of one.

use bytes::Bytes;
use media::Window;
use store::{Places, Reader, Recording};

use crate::error::Error;

/// Where segments come from.
pub(crate) enum Source<'a> {
    Live(Reader),
    /// By a window that lists them.
    Recorded(Recording, &'a Window),
}

impl Source<'_> {
    /// The chunks of a closed segment.
    pub(crate) async fn segment(&self, track: &str, number: u64) -> Result<Vec<Bytes>, Error> {
        Ok(match self {
            Self::Live(reader) => reader.segment(track, number).await?,
            Self::Recorded(recording, window) => recording.segment(window, track, number).await?,
        })
    }

    /// Its chunks in RAM; none where it is not there.
    pub(crate) fn held(&self, track: &str, number: u64) -> Result<Option<Vec<Bytes>>, Error> {
        Ok(match self {
            Self::Live(reader) => reader.held(track, number)?,
            Self::Recorded(recording, window) => recording.held(window, track, number)?,
        })
    }

    /// Where it lies on the disk; none where the disk does not have it.
    pub(crate) async fn places(&self, track: &str, number: u64) -> Result<Option<Places>, Error> {
        Ok(match self {
            Self::Live(reader) => reader.places(track, number).await?,
            Self::Recorded(recording, window) => recording.places(window, track, number).await?,
        })
    }
}
