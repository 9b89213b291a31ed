//! Every folder of `board-configs` is a board that loads.

use std::{fs, path::Path};

use crate::Error;

pub(crate) fn check(root: &Path) -> Result<Vec<String>, Error> {
    let folder = root.join("board-configs");
    let entries = fs::read_dir(&folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = entries.map_err(|source| Error::Read { path: folder.clone(), source })?;
    let mut boards: Vec<_> = entries
        .iter()
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    boards.sort();
    if boards.is_empty() {
        return Ok(vec!["board-configs: no board is described".to_owned()]);
    }
    let load = |id: &String| board::load(id, |file| fs::read_to_string(folder.join(file))).err();
    Ok(boards.iter().filter_map(load).map(|error| format!("board-configs/{error}")).collect())
}
