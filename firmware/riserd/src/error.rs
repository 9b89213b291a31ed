//! What keeps the daemon from starting or a channel from running.

use std::{io, path::PathBuf};

use channel::families::Cause;

/// What keeps the daemon from starting or a channel from running; the texts are for the technician.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The settings file cannot be read.
    #[error("settings {path}: {source}", path = path.display())]
    ReadSettings {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The settings are not valid.
    #[error("settings {path}: {source}", path = path.display())]
    Settings {
        /// Their path.
        path: PathBuf,
        /// The field, the line and what is allowed.
        source: settings::Error,
    },
    /// The board's description is not valid.
    #[error("board.id: {0}")]
    Board(#[source] board::Error),
    /// A folder cannot be made.
    #[error("state_dir: {path}: {source}", path = path.display())]
    StateDir {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The state is another daemon's.
    #[error("state_dir: {path}: another riserd runs on it", path = .0.display())]
    Taken(PathBuf),
    /// An address cannot be listened on.
    #[error("{field}: {address}: {source}")]
    Listen {
        /// The settings' field.
        field: String,
        /// The address.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// A policy of other sites cannot be read.
    #[error("{field}: {path}: {source}", path = path.display())]
    ReadPolicy {
        /// The settings' field.
        field: String,
        /// Its path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A content key, a key of signatures, or what verifies tokens cannot be used. What stands in the file is not told.
    #[error("{field}: {path}: {problem}", path = path.display())]
    ContentKey {
        /// The settings' field.
        field: String,
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The registry of channels, programs and assets cannot be read.
    #[error("registry: {0}")]
    Registry(#[source] store::Error),
    /// The registry is of a release that this one cannot read.
    #[error("{path}: {source}", path = path.display())]
    OtherRegistry {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: control::Error,
    },
    /// The management token cannot be read or made.
    #[error("management token {path}: {source}", path = path.display())]
    Token {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The box's own certificate authority can be neither read nor made.
    #[error("the box's own certificates: {path}: {problem}", path = path.display())]
    Authority {
        /// Its file or folder.
        path: PathBuf,
        /// Why.
        problem: String,
    },
    /// The certificate or key of a listener cannot be used.
    #[error("{field}: {path}: {problem}", path = path.display())]
    Certificate {
        /// The settings' field.
        field: String,
        /// The file.
        path: PathBuf,
        /// Why.
        problem: String,
    },
    /// The store cannot be opened.
    #[error("dvr: {0}")]
    Store(#[source] store::Error),
    /// A sample or track cannot be muxed.
    #[error("muxer: {0}")]
    Mux(#[source] cmaf::Error),
    /// A worker cannot be started.
    #[error("worker {program}: {source}", program = program.display())]
    StartWorker {
        /// Its program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The socket to a worker broke.
    #[error("worker's socket: {0}")]
    Socket(#[source] io::Error),
    /// A worker said something that cannot be understood.
    #[error("worker's message: {0}")]
    Message(#[from] link::Error),
    /// A worker is of another release.
    #[error("the worker speaks version {0} of the link, riserd {expected}", expected = link::VERSION)]
    Version(u32),
    /// A worker gave up.
    #[error("{0}")]
    Worker(String),
    /// A worker gave up because of its encoders.
    #[error("{0}")]
    Encoder(String),
    /// A worker gave no samples.
    #[error("no sample for {0} ms")]
    Hang(u128),
}

impl Error {
    /// What the end of a worker with this error says of its encoders.
    pub fn cause(&self) -> Cause {
        match self {
            Self::Encoder(_) | Self::Hang(_) => Cause::Encoder,
            // The connection breaks where a worker crashes.
            Self::Socket(_) => Cause::Unknown,
            _ => Cause::Other,
        }
    }

    /// Whether it stays until somebody changes the settings, so that starting again does not help.
    pub fn is_lasting(&self) -> bool {
        let wrong = |error: &store::Error| error.kind() == store::Kind::Invalid;
        match self {
            Self::ReadSettings { .. }
            | Self::ReadPolicy { .. }
            | Self::Settings { .. }
            | Self::Board(_)
            | Self::OtherRegistry { .. }
            | Self::ContentKey { .. }
            | Self::Certificate { .. } => true,
            Self::Store(error) => wrong(error),
            _ => false,
        }
    }
}
