//! Small files that are replaced as a whole: after a power cut there is the old one or the new one.

use std::{ffi::OsString, io::ErrorKind, path::Path};

use crate::{Error, Io};

/// Puts `bytes` in the place of the file at `path`, durably on return.
///
/// # Errors
/// [`Error::Disk`]; the old file is then still there, or the new one.
pub fn replace(io: &dyn Io, path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut name = OsString::from(path);
    name.push(".new");
    let new = Path::new(&name);
    let failed = |operation| Error::disk(operation, path);
    match io.remove(new) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(failed("remove the last attempt at")(error));
        }
        _ => {}
    }
    let file = io.create(new).map_err(failed("create"))?;
    file.write_at(bytes, 0).map_err(failed("write"))?;
    file.sync_data().map_err(failed("fdatasync"))?;
    io.rename(new, path).map_err(failed("replace"))?;
    io.sync_dir(path.parent().unwrap_or(Path::new("."))).map_err(failed("sync the directory of"))
}

/// The bytes of a file; none where there is none.
///
/// # Errors
/// [`Error::Disk`].
pub fn read(io: &dyn Io, path: &Path) -> Result<Option<Vec<u8>>, Error> {
    let failed = |operation| Error::disk(operation, path);
    let file = match io.open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        file => file.map_err(failed("open"))?,
    };
    let size = file.size().map_err(failed("inspect"))?;
    let mut bytes = vec![0; usize::try_from(size).unwrap_or(0)];
    file.read_at(&mut bytes, 0).map_err(failed("read"))?;
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Disk;

    #[test]
    fn a_file_is_replaced_whole_whatever_an_earlier_attempt_left() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("registry.json");
        assert_eq!(read(&Disk, &path).unwrap(), None);
        for bytes in ["a long first version", "short", ""] {
            std::fs::write(dir.path().join("registry.json.new"), "left over from a power cut").unwrap();
            replace(&Disk, &path, bytes.as_bytes()).unwrap();
            assert_eq!(read(&Disk, &path).unwrap().unwrap(), bytes.as_bytes());
        }
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
