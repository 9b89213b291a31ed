//! From a board's id to its whole description: read, check, follow `inherit`, merge.

use std::io;

use serde::Deserialize;
use toml::{Table, Value};

use crate::Board;

/// Why a board could not be loaded. File names are relative to `board-configs`.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read.
    #[error("{file}: {source}")]
    Read {
        /// The file.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// A file, or the whole that it makes with what it inherits, is not a board description.
    #[error("{file}, {source}")]
    Check {
        /// The file to change.
        file: String,
        /// The field, its line and what is wrong with it.
        source: document::Error,
    },
}

struct File {
    name: String,
    text: String,
    table: Table,
    inherit: Option<String>,
}

/// Loads the board `id`; `read` gives the text of a file of `board-configs`, such as `generic-x86-64/board.toml`.
///
/// # Errors
/// With the file, the field and the line.
pub fn load(id: &str, read: impl Fn(&str) -> io::Result<String>) -> Result<Board, Error> {
    let own = open(format!("{id}/board.toml"), &read)?;
    let mut files = vec![own];
    while let Some(File { name, text, inherit: Some(parent), .. }) = files.last() {
        let next = if parent == "base" { "base.toml".to_owned() } else { format!("{parent}/board.toml") };
        if files.iter().any(|file| file.name == next) {
            let source =
                document::Error::at(text, "inherit", format!("{next} inherits from this file in turn"));
            return Err(Error::Check { file: name.clone(), source });
        }
        files.push(open(next, &read)?);
    }
    let own = &files[0];
    let refuse = |path: &str, problem: &str| Error::Check {
        file: own.name.clone(),
        source: document::Error::at(&own.text, path, problem),
    };
    let mut whole = Table::new();
    for file in files.iter().rev() {
        merge(&mut whole, &file.table);
    }
    let board = Board::deserialize(whole).map_err(|error| refuse("inherit", error.message()))?;
    board.check(id).map_err(|(path, problem)| refuse(&path, &problem))?;
    Ok(board)
}

fn open(name: String, read: impl Fn(&str) -> io::Result<String>) -> Result<File, Error> {
    let text = read(&name).map_err(|source| Error::Read { file: name.clone(), source })?;
    let parsed = document::parse::<Board>(&text).and_then(|board| Ok((board, document::parse(&text)?)));
    match parsed {
        Ok((board, table)) => Ok(File { name, text, table, inherit: board.inherit }),
        Err(source) => Err(Error::Check { file: name, source }),
    }
}

fn merge(below: &mut Table, above: &Table) {
    for (key, value) in above {
        match (below.get_mut(key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => merge(below, above),
            _ => {
                below.insert(key.clone(), value.clone());
            }
        }
    }
}
