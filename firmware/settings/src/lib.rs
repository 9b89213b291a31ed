//! The operator's document: what one box shall do, written by hand in TOML.
//!
//! Every field has a default, so an empty document is a working box. Unknown fields are refused, and every
//! [`Error`] names the field, the line and what is allowed there.

mod channel;
mod human;

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use serde::{Deserialize, Deserializer, Serialize};

pub use channel::{Audio, Channel, Input, Rung, Source};
pub use document::Error;
pub use human::Bytes;

/// The whole document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The box's name, shown in the test signal: letters, digits, spaces, `-`, `_` and `.`, 1 to 32 of them.
    #[serde(deserialize_with = "box_name")]
    pub name: String,
    /// Where the box keeps its state; an absolute path. The store lies in `store` below it.
    #[serde(deserialize_with = "absolute_path")]
    pub state_dir: PathBuf,
    /// The door for viewers.
    #[serde(deserialize_with = "document::table")]
    pub viewers: Viewers,
    /// The door for technicians.
    #[serde(deserialize_with = "document::table")]
    pub management: Management,
    /// The live channel.
    #[serde(deserialize_with = "document::table")]
    pub channel: Channel,
    /// How much of the past is kept.
    #[serde(deserialize_with = "document::table")]
    pub dvr: Dvr,
    /// The kind of box.
    #[serde(deserialize_with = "document::table")]
    pub board: Board,
}

/// `[viewers]`: the HTTP server that everybody may reach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Viewers {
    /// Address and port.
    #[serde(deserialize_with = "address")]
    pub listen: SocketAddr,
}

/// `[management]`: the HTTP server of the status and the controls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Management {
    /// Address and port, on the loopback interface.
    #[serde(deserialize_with = "loopback_address")]
    pub listen: SocketAddr,
}

/// `[dvr]`: the part of the past that viewers can seek in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Dvr {
    /// Disk space for media, at least four extents.
    #[serde(deserialize_with = "dvr_size")]
    pub size: Bytes,
    /// How far back viewers can seek, as far as `size` reaches.
    #[serde(deserialize_with = "dvr_window", serialize_with = "human::write_duration")]
    pub window: Duration,
    /// Size of one file of the ring.
    #[serde(deserialize_with = "dvr_extent")]
    pub extent: Bytes,
}

/// `[board]`: which board description applies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Board {
    /// A folder of `board-configs`.
    #[serde(deserialize_with = "board_id")]
    pub id: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: "riser".into(),
            state_dir: "/var/lib/riser".into(),
            viewers: Viewers::default(),
            management: Management::default(),
            channel: Channel::default(),
            dvr: Dvr::default(),
            board: Board::default(),
        }
    }
}

impl Default for Viewers {
    fn default() -> Self {
        Self { listen: (Ipv4Addr::UNSPECIFIED, 8080).into() }
    }
}

impl Default for Management {
    fn default() -> Self {
        Self { listen: (Ipv4Addr::LOCALHOST, 8081).into() }
    }
}

impl Default for Dvr {
    fn default() -> Self {
        Self { size: Bytes::gib(4), window: Duration::from_secs(4 * 3600), extent: Bytes::mib(64) }
    }
}

impl Default for Board {
    fn default() -> Self {
        Self { id: "generic-x86-64".into() }
    }
}

/// Reads and checks the operator's document.
///
/// # Errors
/// At the first field that is unknown or not allowed.
pub fn parse(text: &str) -> Result<Settings, Error> {
    let settings: Settings = document::parse(text)?;
    let checked = settings.check().and_then(|()| settings.channel.check());
    checked.map_err(|refusal| Error::at(text, &refusal.path, refusal.problem))?;
    Ok(settings)
}

/// A field that does not go with another one.
struct Refusal {
    path: String,
    problem: String,
}

fn refuse(path: &str, problem: impl Into<String>) -> Result<(), Refusal> {
    Err(Refusal { path: path.to_owned(), problem: problem.into() })
}

impl Settings {
    /// The rules between fields.
    fn check(&self) -> Result<(), Refusal> {
        if self.viewers.listen == self.management.listen {
            return refuse(
                "management.listen",
                format!("{} already serves the viewers", self.management.listen),
            );
        }
        let Dvr { size, extent, .. } = self.dvr;
        let least = Bytes::new(4 * extent.get());
        if size < least {
            let problem = format!("{size} is too little: four extents of {extent} need {least}");
            return refuse("dvr.size", problem);
        }
        Ok(())
    }
}

fn box_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let allowed = "1 to 32 letters, digits, spaces, `-`, `_` or `.`";
    document::text(deserializer, allowed, |text| named(text, " -_."))
}

fn board_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let allowed = "the name of a folder in board-configs: 1 to 32 letters, digits or `-`";
    document::text(deserializer, allowed, |text| named(text, "-"))
}

/// `text`, where it is 1 to 32 ASCII letters, digits or characters of `also`.
fn named(text: &str, also: &str) -> Option<String> {
    let fits = text.chars().all(|c| c.is_ascii_alphanumeric() || also.contains(c));
    (fits && (1..=32).contains(&text.len())).then(|| text.to_owned())
}

fn absolute_path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
    document::text(deserializer, "an absolute path such as \"/var/lib/riser\"", |text| {
        text.starts_with('/').then(|| text.into())
    })
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    document::text(deserializer, "an address and port such as \"0.0.0.0:8080\" or \"[::]:8080\"", |text| {
        text.parse().ok()
    })
}

fn loopback_address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let allowed = "a loopback address and port such as \"127.0.0.1:8081\", \
                   because management has no authentication yet and must not be reached from outside the box";
    document::text(deserializer, allowed, |text| {
        text.parse().ok().filter(|address: &SocketAddr| address.ip().is_loopback())
    })
}

fn dvr_size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
    human::bytes(deserializer, Bytes::mib(64)..=Bytes::gib(64 * 1024))
}

fn dvr_extent<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
    human::bytes(deserializer, Bytes::mib(4)..=Bytes::gib(1))
}

fn dvr_window<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    const DAY: u64 = 24 * 3600;
    human::duration(deserializer, Duration::from_mins(1)..=Duration::from_secs(31 * DAY))
}

#[cfg(test)]
mod tests;
