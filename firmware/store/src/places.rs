//! Where a segment's bytes lie on the disk, for those who have the kernel send them from there.

use std::{
    io::{self, IoSliceMut},
    os::fd::{AsFd, BorrowedFd},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use rustix::io::{ReadWriteFlags, preadv2};
use tokio::task;

use crate::{
    Error,
    extent::Placed,
    io::File,
    lease::Leases,
    reader::on_thread,
    shared::Shared,
    source::{self, Found, Opened, index_of},
};

/// The kernel's pages come and go in stretches of at least so many bytes: one byte of each tells of the rest.
const STRETCH: u64 = 64 << 10;
/// What was in the kernel's RAM is not looked for again for so long: what was used last goes last.
const LOOKED: Duration = Duration::from_secs(2);

/// A segment of one track, whose bytes passed their checksums when they were looked for.
pub struct Places {
    leases: Arc<Leases>,
    chunks: Vec<Arc<Spot>>,
    crc: u32,
}

/// A chunk's bytes in an extent, which may have been overwritten since.
struct Spot {
    extent: u32,
    generation: u64,
    file: Arc<dyn File>,
    offset: u64,
    len: u32,
    crc: u32,
    /// When all of it was in the kernel's RAM, in milliseconds since `found`; 0: not known.
    in_ram: AtomicU64,
    found: Instant,
}

/// A stretch of an extent that is not overwritten while this is held, unless [`is_leaving`](Self::is_leaving) has been so for
/// ten seconds.
#[derive(Clone)]
pub struct Stored {
    opened: Arc<Opened>,
    spot: Arc<Spot>,
    offset: u64,
    len: u64,
}

/// Looks for the chunks of a segment's track; none where the disk does not have it, or its files have no handle to send from.
pub(crate) async fn find(
    shared: &Arc<Shared>,
    stream: u16,
    number: u64,
    track: usize,
) -> Result<Option<Places>, Error> {
    let shared = Arc::clone(shared);
    on_thread(move || {
        let mut scratch = Vec::new();
        let take = |opened: &Opened, placed: &Placed| spot(opened, placed, track, &mut scratch);
        let chunks = match source::read(&shared, stream, number, take) {
            Ok(chunks) => chunks,
            Err(Error::Gone(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let sendable = !chunks.is_empty() && chunks.iter().all(|spot| spot.file.handle().is_some());
        let crc = chunks.iter().fold(0, |crc, spot| crc32c::crc32c_combine(crc, spot.crc, spot.len as usize));
        Ok(sendable.then(|| Places {
            leases: Arc::clone(&shared.leases),
            chunks: chunks.into_iter().map(Arc::new).collect(),
            crc,
        }))
    })
    .await
}

/// Where a record has the track's chunk, checked.
fn spot(opened: &Opened, placed: &Placed, track: usize, scratch: &mut Vec<u8>) -> io::Result<Found<Spot>> {
    let Some(index) = index_of(placed, track) else { return Ok(Found::Nothing) };
    let chunk = placed.record.chunks[index];
    let (offset, len) = (placed.offset_of(index), chunk.len as usize);
    if scratch.len() < len {
        scratch.resize(len, 0);
    }
    opened.file.read_at(&mut scratch[..len], offset)?;
    if crc32c::crc32c(&scratch[..len]) != chunk.crc {
        return Ok(Found::Damage);
    }
    Ok(Found::Chunk(Spot {
        extent: opened.id,
        generation: placed.record.generation,
        file: Arc::clone(&opened.file),
        offset,
        len: chunk.len,
        crc: chunk.crc,
        in_ram: AtomicU64::new(0),
        found: Instant::now(),
    }))
}

impl Places {
    /// CRC-32C of all its bytes.
    #[must_use]
    pub fn crc(&self) -> u32 {
        self.crc
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.chunks.iter().map(|spot| u64::from(spot.len)).sum()
    }

    /// How many stretches it lies in.
    #[must_use]
    pub fn count(&self) -> usize {
        self.chunks.len()
    }

    /// Its bytes, kept from being overwritten; none where they are, or are about to be.
    #[must_use]
    pub fn open(&self) -> Option<Vec<Stored>> {
        let mut stored: Vec<Stored> = Vec::with_capacity(self.chunks.len());
        for spot in &self.chunks {
            let opened = match stored.last() {
                Some(last) if last.opened.id == spot.extent => Arc::clone(&last.opened),
                _ => {
                    let lease = self.leases.take(spot.extent, spot.generation)?;
                    Arc::new(Opened { id: spot.extent, lease, file: Arc::clone(&spot.file) })
                }
            };
            stored.push(Stored {
                opened,
                spot: Arc::clone(spot),
                offset: spot.offset,
                len: u64::from(spot.len),
            });
        }
        Some(stored)
    }
}

impl Stored {
    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.len
    }

    /// Where it begins in its file.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Its file, for reading.
    #[must_use]
    pub fn handle(&self) -> Option<BorrowedFd<'_>> {
        self.opened.file.handle()
    }

    /// Whether it is to be let go of: its extent is about to be overwritten.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        self.opened.lease.is_leaving()
    }

    /// What of it lies from one byte to before another.
    #[must_use]
    pub fn slice(&self, from: u64, to: u64) -> Self {
        let (from, to) = (from.min(self.len), to.min(self.len));
        Self { offset: self.offset + from, len: to.saturating_sub(from), ..self.clone() }
    }

    /// Whether the kernel has it in RAM, as far as a few of its bytes tell: then sending it does not wait for the disk.
    #[must_use]
    pub fn is_in_ram(&self) -> bool {
        let Some(handle) = self.handle() else { return false };
        let spot = &*self.spot;
        let now = u64::try_from(spot.found.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
        let looked = spot.in_ram.load(Ordering::Relaxed);
        if looked > 0 && now.saturating_sub(looked) < LOOKED.as_millis() as u64 {
            return true;
        }
        let len = u64::from(spot.len);
        let mut probes = (0..len).step_by(STRETCH as usize).chain([len.saturating_sub(1)]);
        let is_in_ram = probes.all(|at| read_now(handle, &mut [0], spot.offset + at));
        if is_in_ram {
            spot.in_ram.store(now, Ordering::Relaxed);
        }
        is_in_ram
    }

    /// Has the kernel read it into RAM. Waits for the disk.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn fetch(&self) -> io::Result<()> {
        let mut scratch = vec![0; STRETCH as usize];
        for at in (0..self.len).step_by(STRETCH as usize) {
            let len = STRETCH.min(self.len - at) as usize;
            self.opened.file.read_at(&mut scratch[..len], self.offset + at)?;
        }
        Ok(())
    }

    /// Its bytes, at once where the kernel has them in RAM.
    ///
    /// # Errors
    /// Where it cannot be read, or was overwritten meanwhile.
    pub async fn read(self) -> io::Result<Bytes> {
        let mut data = vec![0; self.len as usize];
        if self.handle().is_some_and(|handle| read_now(handle, &mut data, self.offset)) {
            return self.unless_overwritten(data);
        }
        let reading = task::spawn_blocking(move || {
            self.opened.file.read_at(&mut data, self.offset)?;
            self.unless_overwritten(data)
        });
        reading.await.map_err(io::Error::other)?
    }

    fn unless_overwritten(&self, data: Vec<u8>) -> io::Result<Bytes> {
        if self.opened.lease.holds() {
            Ok(data.into())
        } else {
            Err(io::Error::other("overwritten meanwhile"))
        }
    }
}

/// Fills `data` with what the kernel has in RAM; false where it has not all of it.
fn read_now(handle: BorrowedFd<'_>, data: &mut [u8], offset: u64) -> bool {
    let wanted = data.len();
    let read = preadv2(handle.as_fd(), &mut [IoSliceMut::new(data)], offset, ReadWriteFlags::NOWAIT);
    read.is_ok_and(|read| read == wanted)
}
