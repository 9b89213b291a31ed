//! Why what was kept of the registry cannot be used.

/// What failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The text is not a registry.
    #[error("the registry cannot be read: {0}")]
    Read(#[source] serde_json::Error),
    /// Another release wrote it, in a form that this one does not know.
    #[error("the registry has version {found}, this release reads version {known}")]
    Version {
        /// The version it has.
        found: u64,
        /// The version that can be read.
        known: u64,
    },
    /// It can be read but contradicts itself.
    #[error("the registry contradicts itself: {0}")]
    Check(String),
}
