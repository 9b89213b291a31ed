//! Segments as bytes: from RAM, else from the extents, under a lease and checked.

use std::{path::Path, sync::Arc};

use bytes::Bytes;
use media::Window;

use crate::{
    Error, Io,
    catalogue::{Catalogue, seg},
    entry::{Entry, Place},
    extent::{Placed, path, read_chunk, read_head, read_record},
    held::Held,
    io::File,
    lease::{Lease, Leases},
    ring::open_extent,
    shared::{Message, Shared},
};

/// Where a segment of a track is; the track's index is that in the segment's layout.
pub(crate) enum Located {
    /// Index and chunks.
    Ram(usize, Vec<Bytes>),
    /// Index.
    Disk(usize),
}

impl Located {
    /// The track's index.
    pub(crate) fn index(&self) -> usize {
        match self {
            Self::Ram(index, _) | Self::Disk(index) => *index,
        }
    }
}

/// An extent that is read: not overwritten while it has time.
pub(crate) struct Opened {
    pub(crate) id: u32,
    pub(crate) lease: Lease,
    pub(crate) file: Arc<dyn File>,
}

/// A track's share of one part line.
pub(crate) enum Found<T> {
    Chunk(T),
    /// The track has no chunk in this line.
    Nothing,
    Damage,
}

/// What reading a record gives.
type Taken<T> = std::io::Result<Found<T>>;

/// Finds a closed segment; `track` is the track's name.
pub(crate) fn locate(
    window: &Window,
    held: Option<&Held>,
    track: &str,
    number: u64,
) -> Result<Located, Error> {
    let no_track = || Error::NoSuchTrack { track: track.to_owned(), number };
    if let Some(held) = held {
        let index = held.layout.index_of(track).ok_or_else(no_track)?;
        let track = held.tracks.get(index).filter(|track| track.closed && !track.parts.is_empty());
        let track = track.ok_or(Error::NotFound(number))?;
        return Ok(Located::Ram(index, track.parts.iter().map(|part| part.data.clone()).collect()));
    }
    let Some(segment) = window.history.get(number) else {
        let expired = window.history.first().is_some_and(|first| number < first.number);
        return Err(if expired { Error::Gone(number) } else { Error::NotFound(number) });
    };
    if segment.gap {
        return Err(Error::Corrupt(number));
    }
    let layout = window.layout_by_id(segment.layout).ok_or(Error::NotFound(number))?;
    layout.index_of(track).map(Located::Disk).ok_or_else(no_track)
}

/// Reads one segment from the disk. Damage that it finds is marked in the windows and told to the committer.
pub(crate) fn read<T>(
    shared: &Shared,
    stream: u16,
    number: u64,
    take: impl FnMut(&Opened, &Placed) -> Taken<T>,
) -> Result<Vec<T>, Error> {
    let catalogue = shared.catalogue().ok_or(Error::NotOpen)?;
    let dir = shared.extents_dir();
    let source = Source { io: &*shared.io, dir: &dir, size: shared.config.extent, leases: &shared.leases };
    let result = source.segment(&*catalogue, stream, number, take);
    match &result {
        Err(Error::Corrupt(_)) => {
            tracing::error!(stream, number, "segment fails its checksum");
            shared.mark_gap(stream, number);
            shared.hint(Message::Doubt { stream, number });
        }
        // It may be the disk, or only these blocks of it.
        Err(Error::Disk { .. }) => shared.hint(Message::Doubt { stream, number }),
        _ => {}
    }
    result
}

/// Takes a track's whole chunk, checked.
pub(crate) fn chunk(track: usize) -> impl Fn(&Opened, &Placed) -> Taken<Bytes> {
    move |opened, placed| {
        let Some(index) = index_of(placed, track) else { return Ok(Found::Nothing) };
        Ok(read_chunk(&*opened.file, placed, index)?.map_or(Found::Damage, |data| Found::Chunk(data.into())))
    }
}

/// Takes the first bytes of a track's chunk, unchecked, and how long it is.
pub(crate) fn head(track: usize, len: usize) -> impl Fn(&Opened, &Placed) -> Taken<(Bytes, u32)> {
    move |opened, placed| {
        let Some(index) = index_of(placed, track) else { return Ok(Found::Nothing) };
        let data = read_head(&*opened.file, placed, index, len)?;
        Ok(Found::Chunk((data.into(), placed.record.chunks[index].len)))
    }
}

/// Which of a record's chunks is the track's.
pub(crate) fn index_of(placed: &Placed, track: usize) -> Option<usize> {
    placed.record.chunks.iter().position(|chunk| usize::from(chunk.track) == track)
}

/// The disk as a reader sees it.
struct Source<'a> {
    io: &'a dyn Io,
    dir: &'a Path,
    size: u64,
    leases: &'a Arc<Leases>,
}

impl Source<'_> {
    /// What `take` gives for each of the segment's records.
    fn segment<T>(
        &self,
        catalogue: &dyn Catalogue,
        stream: u16,
        number: u64,
        mut take: impl FnMut(&Opened, &Placed) -> Taken<T>,
    ) -> Result<Vec<T>, Error> {
        let value = catalogue.get(&seg(stream, number))?.ok_or(Error::Gone(number))?;
        let entry = Entry::decode(&value)?;
        if entry.quarantined {
            return Err(Error::Corrupt(number));
        }
        if entry.torn {
            return Err(Error::Gone(number));
        }
        let mut taken = Vec::with_capacity(entry.places.len());
        let mut open: Option<Opened> = None;
        for place in entry.places {
            if open.as_ref().is_none_or(|opened| opened.id != place.extent) {
                let lease = self.leases.take(place.extent, place.generation).ok_or(Error::Gone(number))?;
                let file = lease.file(|| open_extent(self.io, self.dir, place.extent))?;
                open = Some(Opened { id: place.extent, lease, file });
            }
            let Some(opened) = &open else { continue };
            let found = self.record(opened, place, &mut take);
            // Overwritten while it was read: whatever that gave is not the segment.
            if !opened.lease.holds() {
                return Err(Error::Gone(number));
            }
            match found? {
                Found::Chunk(chunk) => taken.push(chunk),
                Found::Nothing => {}
                Found::Damage => return Err(Error::Corrupt(number)),
            }
        }
        Ok(taken)
    }

    fn record<T>(
        &self,
        opened: &Opened,
        place: Place,
        take: &mut impl FnMut(&Opened, &Placed) -> Taken<T>,
    ) -> Result<Found<T>, Error> {
        let failed = |error| Error::disk("read", path(self.dir, place.extent))(error);
        let placed = read_record(&*opened.file, place.generation, u64::from(place.offset), self.size)
            .map_err(failed)?;
        placed.map_or(Ok(Found::Damage), |placed| take(opened, &placed).map_err(failed))
    }
}
