//! Segments of one stretch as one file with an index: the on-demand profile (DASH, 8.3).

use std::fmt;

/// A file: a track's init segment, an index, and its segments from one to another. Its text is its address beside the manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File<'a> {
    /// The track's name.
    pub track: &'a str,
    /// Number of its first segment.
    pub first: u64,
    /// Number of its last segment.
    pub last: u64,
}

impl fmt::Display for File<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { track, first, last } = self;
        write!(f, "{track}/{first}-{last}.mp4")
    }
}
