//! The disk as the store sees it: a dozen calls behind a trait, so that tests can make it fail, fill up,
//! hang or lose power. Only sled's own calls do not come through here.

use std::{
    fs, io,
    num::NonZeroU64,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::fs::FileExt,
    },
    path::Path,
    sync::Arc,
};

use rustix::fs::{Advice, FallocateFlags};

/// A file system.
pub trait Io: Send + Sync + 'static {
    /// Makes a directory and its parents; no error where it exists.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;
    /// Opens a file for reading and writing; [`io::ErrorKind::NotFound`] where there is none.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>>;
    /// Opens a file for reading and writing, an empty one where there was none.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>>;
    /// Names in a directory, in no order.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
    /// Renames a file or directory.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file, or a directory with all it holds.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes a directory's names durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Bytes that can still be allocated on the file system of `dir`.
    fn free(&self, dir: &Path) -> io::Result<u64>;
}

/// An open file.
pub trait File: Send + Sync {
    /// Bytes in the file.
    fn size(&self) -> io::Result<u64>;
    /// Fills `buf` from `offset`; [`io::ErrorKind::UnexpectedEof`] where the file ends before.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()>;
    /// Writes all of `data` at `offset`.
    fn write_at(&self, data: &[u8], offset: u64) -> io::Result<()>;
    /// Makes everything written so far durable (fdatasync).
    fn sync_data(&self) -> io::Result<()>;
    /// Grows the file to `size` bytes of zeros, with the room reserved where the file system can.
    fn allocate(&self, size: u64) -> io::Result<()>;
    /// What the kernel can send from, where there is one.
    fn handle(&self) -> Option<BorrowedFd<'_>> {
        None
    }
    /// What is kept of it in RAM and is on the disk, too, need not be kept: it is read from the disk next time.
    fn forget(&self) {}
    /// Its first `len` bytes will be read soon: a disk that is told of many files reads them beside one another.
    fn expect(&self, _len: u64) {}
}

/// The real disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl Io for Disk {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        fs::create_dir_all(dir)
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(fs::File::options().read(true).write(true).open(path)?))
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let mut options = fs::File::options();
        Ok(Arc::new(options.read(true).write(true).create(true).truncate(false).open(path)?))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        fs::read_dir(dir)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        if fs::symlink_metadata(path)?.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        fs::File::open(dir)?.sync_all()
    }

    fn free(&self, dir: &Path) -> io::Result<u64> {
        let stat = rustix::fs::statvfs(dir)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}

impl File for fs::File {
    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        self.read_exact_at(buf, offset)
    }

    fn write_at(&self, data: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(data, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        fs::File::sync_data(self)
    }

    fn allocate(&self, size: u64) -> io::Result<()> {
        match rustix::fs::fallocate(self, FallocateFlags::empty(), 0, size) {
            // Where nothing can be reserved, the zero-writing that follows takes the room.
            Err(rustix::io::Errno::OPNOTSUPP) => self.set_len(size)?,
            done => done?,
        }
        // The new size is needed after a power cut; fdatasync carries it.
        fs::File::sync_data(self)
    }

    fn handle(&self) -> Option<BorrowedFd<'_>> {
        Some(self.as_fd())
    }

    fn expect(&self, len: u64) {
        // Advice: where it is not taken, they are read one after the other.
        let _ = rustix::fs::fadvise(self, 0, NonZeroU64::new(len), Advice::WillNeed);
    }

    fn forget(&self) {
        // Advice: where it is not taken, what is in RAM is verified.
        let _ = rustix::fs::fadvise(self, 0, None, Advice::DontNeed);
    }
}
