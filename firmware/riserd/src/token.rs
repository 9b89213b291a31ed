//! The bearer token of the management interface: made at the first start, readable by the box's owner only.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use control::Secret;

use crate::error::Error;

/// Random bytes in a token.
const BYTES: usize = 32;

/// The token in `state_dir/management-token`; a new one where there is none.
pub fn token(state_dir: &Path) -> Result<Secret, Error> {
    let path = state_dir.join("management-token");
    let failed = |source| Error::Token { path: path.clone(), source };
    match fs::read_to_string(&path) {
        Ok(text) if text.trim().len() >= BYTES => return Ok(Secret::new(text.trim())),
        Ok(_) => return Err(failed(io::Error::other("it is too short; delete it and a new one is made"))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let text = random().map_err(failed)?;
    let new = path.with_extension("new");
    // What a start that was cut off left behind.
    let _ = fs::remove_file(&new);
    let written =
        fs::File::options().write(true).create_new(true).mode(0o600).open(&new).and_then(|mut file| {
            writeln!(file, "{text}")?;
            file.sync_all()
        });
    written.and_then(|()| fs::rename(&new, &path)).map_err(failed)?;
    Ok(Secret::new(&text))
}

/// Hexadecimal digits that nobody can guess.
pub fn random() -> io::Result<String> {
    let mut bytes = [0; BYTES];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// An id that nothing has had before and nobody can guess.
///
/// # Panics
/// Where the kernel gives no random bytes: it always does once it has started the first process.
pub fn id() -> String {
    let mut id = random().expect("the kernel gives random bytes");
    id.truncate(BYTES);
    id
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_token_is_made_once_and_for_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let first = token(folder.path()).unwrap();
        let path = folder.path().join("management-token");
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(
            (text.trim().len(), fs::metadata(&path).unwrap().permissions().mode() & 0o777),
            (64, 0o600)
        );
        assert!(first.matches(text.trim()) && token(folder.path()).unwrap().matches(text.trim()));
        assert!(!format!("{first:?}").contains(text.trim()));
        fs::write(&path, "short").unwrap();
        assert!(token(folder.path()).unwrap_err().to_string().contains("too short"));
    }
}
