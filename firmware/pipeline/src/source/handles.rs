//! Gives a lost device back to the kernel: closes the handles that a library has forgotten.
//!
//! A node that is still open somewhere stays taken after unplugging, so the same camera comes back under another name, and some
//! drivers give nothing but ENODEV until the last handle is closed. `v4l2src` closes its own as soon as none of its pictures is
//! in use, if it is told so at the worker's start; releases of GStreamer differ in what they forget.

use std::{
    fs::{self, File},
    io,
    mem::ManuallyDrop,
    os::{
        fd::{FromRawFd, OwnedFd, RawFd},
        unix::fs::{FileTypeExt, MetadataExt},
    },
    path::Path,
    thread,
    time::{Duration, Instant},
};

const ROUND: Duration = Duration::from_millis(50);

/// A character device by its number, which outlives its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number(u64);

impl Number {
    /// The number of the device at this node.
    pub fn of(node: &Path) -> io::Result<Self> {
        Ok(Self(fs::metadata(node)?.rdev()))
    }

    /// Waits until this process has no handle to the device, at most for `grace`; what is still open then is closed. The
    /// result says how many had to be: each stays behind as a handle to `/dev/null`.
    ///
    /// To be called when nobody in this process uses the device any more.
    pub fn let_go(self, grace: Duration) -> io::Result<usize> {
        let begun = Instant::now();
        loop {
            let open = self.handles()?;
            if open.is_empty() {
                return Ok(0);
            }
            if begun.elapsed() > grace {
                return open.iter().try_for_each(|handle| blind(*handle)).map(|()| open.len());
            }
            thread::sleep(ROUND);
        }
    }

    /// This process's handles to the device.
    pub fn handles(self) -> io::Result<Vec<RawFd>> {
        let to_device = |path: &Path| {
            fs::metadata(path).is_ok_and(|file| file.file_type().is_char_device() && file.rdev() == self.0)
        };
        let entries = fs::read_dir("/proc/self/fd")?.flatten();
        let handles = entries.filter(|entry| to_device(&entry.path()));
        Ok(handles.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect())
    }
}

/// Puts `/dev/null` under a handle's number: closed it is, but the number stays taken, so that whoever believes to own it
/// and closes it some day closes nobody else's file.
#[expect(unsafe_code, reason = "the handle's owner is lost, only its number is known")]
fn blind(handle: RawFd) -> io::Result<()> {
    let null = File::open("/dev/null")?;
    // SAFETY: the number was seen open and its owner does not use it. It is not closed here, only replaced in one step.
    let mut lost = ManuallyDrop::new(unsafe { OwnedFd::from_raw_fd(handle) });
    Ok(rustix::io::dup2(null, &mut lost)?)
}

#[cfg(test)]
mod tests {
    use std::os::fd::{AsRawFd, IntoRawFd};

    use super::*;

    const GRACE: Duration = Duration::from_secs(1);

    #[test]
    fn a_forgotten_handle_is_closed_and_its_number_stays_taken() {
        let zero = Number::of(Path::new("/dev/zero")).unwrap();
        let forgotten = File::open("/dev/zero").unwrap().into_raw_fd();
        assert_eq!(zero.handles().unwrap(), [forgotten]);
        assert_eq!(zero.let_go(GRACE).unwrap(), 1);
        assert_eq!(zero.handles().unwrap(), [0; 0]);
        assert!(fs::read(format!("/proc/self/fd/{forgotten}")).unwrap().is_empty());
        assert_eq!(zero.let_go(GRACE).unwrap(), 0);
    }

    #[test]
    fn a_handle_that_is_still_in_use_is_waited_for() {
        let full = Number::of(Path::new("/dev/full")).unwrap();
        let used = File::open("/dev/full").unwrap();
        assert_eq!(full.handles().unwrap(), [used.as_raw_fd()]);
        let user = thread::spawn(move || drop(used));
        assert_eq!(full.let_go(GRACE).unwrap(), 0);
        user.join().unwrap();
    }
}
