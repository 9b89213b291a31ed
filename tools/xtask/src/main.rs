//! Checks of the house that the compiler does not make: `cargo xtask layers | tidy | boards`.
//!
//! Each prints one line for each finding and ends with status 1 if there is one.

mod boards;
mod graph;
mod layers;
mod purity;
mod source;
mod tidy;

use std::{
    io,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("`{command}` could not be run: {source}")]
    Run { command: String, source: io::Error },
    #[error("`{command}` failed: {answer}")]
    Refused { command: String, answer: String },
    #[error("`cargo metadata` gave an unknown form: {0}")]
    Metadata(#[from] serde_json::Error),
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let check = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["layers"] => layers::check,
        ["tidy"] => tidy::check,
        ["boards"] => boards::check,
        _ => {
            eprintln!("usage: cargo xtask layers | tidy | boards");
            return ExitCode::from(2);
        }
    };
    match check(&root()) {
        Ok(findings) if findings.is_empty() => ExitCode::SUCCESS,
        Ok(findings) => {
            findings.iter().for_each(|finding| println!("{finding}"));
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::from(2)
        }
    }
}

/// The repository: two folders above this crate.
fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    here.ancestors().nth(2).map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// Standard output of a command run in `root`.
fn output(root: &Path, program: &str, arguments: &[&str]) -> Result<String, Error> {
    let command = format!("{program} {}", arguments.join(" "));
    let run = Command::new(program).args(arguments).current_dir(root).output();
    let output = run.map_err(|source| Error::Run { command: command.clone(), source })?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(Error::Refused { command, answer: String::from_utf8_lossy(&output.stderr).trim().to_owned() })
    }
}

/// Text files of the repository, tracked or about to be, with their paths below `root`.
fn files(root: &Path) -> Result<Vec<(String, String)>, Error> {
    let names = output(root, "git", &["ls-files", "--cached", "--others", "--exclude-standard", "-z"])?;
    let mut files = Vec::new();
    for name in names.split_terminator('\0') {
        match std::fs::read_to_string(root.join(name)) {
            Ok(text) => files.push((name.to_owned(), text)),
            // Pictures and the like; a file that is deleted but still listed; a link to a folder.
            Err(error) if skipped(&error) => {}
            Err(source) => return Err(Error::Read { path: name.into(), source }),
        }
    }
    Ok(files)
}

fn skipped(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, IsADirectory, NotFound};
    matches!(error.kind(), InvalidData | NotFound | IsADirectory)
}
