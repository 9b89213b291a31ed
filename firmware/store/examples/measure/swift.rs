//! A disk for filling a store quickly: it acknowledges at once, and what it holds is durable after all is over.

use std::{
    io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use riser_store::{Disk, Io, io::File};

/// Bytes that are written at a time.
const LATE: usize = 1 << 20;
/// No record is of so many zeros.
const ZEROS: usize = 1 << 20;

/// A disk that acknowledges at once and writes a lot at a time. Only for filling: at the end it is flushed.
#[derive(Clone, Default)]
pub struct Swift {
    files: Arc<Mutex<Vec<Weak<SwiftFile>>>>,
}

struct SwiftFile {
    file: Arc<dyn File>,
    /// What is not written yet, and where it goes.
    late: Mutex<(Vec<u8>, u64)>,
}

impl Swift {
    fn take(&self, file: Arc<dyn File>) -> Arc<dyn File> {
        let file = Arc::new(SwiftFile { file, late: Mutex::default() });
        let mut files = lock(&self.files);
        files.retain(|file| file.strong_count() > 0);
        files.push(Arc::downgrade(&file));
        file
    }

    /// Writes what is not written yet.
    pub fn flush(&self) -> io::Result<()> {
        lock(&self.files).iter().filter_map(Weak::upgrade).try_for_each(|file| file.flush())
    }
}

impl SwiftFile {
    fn flush(&self) -> io::Result<()> {
        self.write_late(&mut lock(&self.late))
    }

    fn write_late(&self, (bytes, offset): &mut (Vec<u8>, u64)) -> io::Result<()> {
        self.file.write_at(bytes, *offset)?;
        bytes.clear();
        Ok(())
    }
}

impl Drop for SwiftFile {
    fn drop(&mut self) {
        if let Err(error) = self.flush() {
            eprintln!("measure: {error}");
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Io for Swift {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        Disk.create_dir(dir)
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        Ok(self.take(Disk.open(path)?))
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        Ok(self.take(Disk.create(path)?))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        Disk.list(dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        Disk.rename(from, to)
    }

    /// But for the link to the index: the store takes what it leads to for one that was not finished.
    fn remove(&self, path: &Path) -> io::Result<()> {
        if path.is_symlink() { Ok(()) } else { Disk.remove(path) }
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    /// What is not written takes no room.
    fn free(&self, _: &Path) -> io::Result<u64> {
        Ok(u64::MAX)
    }
}

impl File for SwiftFile {
    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        self.flush()?;
        self.file.read_at(buf, offset)
    }

    /// But for the zeros that prepare an extent: the file reads like that anyway.
    fn write_at(&self, data: &[u8], offset: u64) -> io::Result<()> {
        if data.len() >= ZEROS && data.iter().all(|byte| *byte == 0) {
            return Ok(());
        }
        let mut late = lock(&self.late);
        if late.1 + late.0.len() as u64 != offset || late.0.len() > LATE {
            self.write_late(&mut late)?;
            late.1 = offset;
        }
        late.0.extend_from_slice(data);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    /// All of it is written soon after: nothing need be reserved.
    fn allocate(&self, size: u64) -> io::Result<()> {
        self.file.write_at(&[0], size - 1)
    }
}
