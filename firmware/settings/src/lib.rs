//! The operator's document: what one box shall do, written by hand in TOML.
//!
//! Every field has a default, so an empty document is a working box. Unknown fields are refused, and every
//! [`Error`] names the field, the line and what is allowed there.

mod channel;
mod content_key;
mod endpoint;
mod human;
mod input;

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use serde::{Deserialize, Deserializer, Serialize};

pub use channel::{Audio, AudioTrack, Captions, Channel, Channels, Preset, Rung, SessionData};
pub use content_key::{ContentKey, System, SystemName, TokenKind, TokenRule};
pub use document::Error;
pub use endpoint::{Endpoint, Signature};
pub use human::Bytes;
pub use input::{Input, Source};

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
    pub viewers: Endpoint,
    /// More doors for viewers.
    #[serde(rename = "endpoint", skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<Endpoint>,
    /// What content is encrypted with.
    #[serde(rename = "content_key", skip_serializing_if = "Vec::is_empty")]
    pub content_keys: Vec<ContentKey>,
    /// The door for technicians.
    #[serde(deserialize_with = "document::table")]
    pub management: Management,
    /// The live channels.
    #[serde(rename = "channel")]
    pub channels: Channels,
    /// How many of what there may be.
    #[serde(deserialize_with = "document::table")]
    pub limits: Limits,
    /// How much of the past is kept.
    #[serde(deserialize_with = "document::table")]
    pub dvr: Dvr,
    /// The kind of box.
    #[serde(deserialize_with = "document::table")]
    pub board: Board,
}

/// `[management]`: the HTTP server of the status and the controls.
///
/// On the loopback interface it needs nothing more. On any other address it asks for the bearer token that the box made at
/// its first start (`management-token` in the state folder), and for TLS or the plain statement that there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Management {
    /// Address and port.
    #[serde(deserialize_with = "address")]
    pub listen: SocketAddr,
    /// The certificate chain in PEM.
    #[serde(deserialize_with = "some_path", skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// The certificate's private key in PEM.
    #[serde(deserialize_with = "some_path", skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
    /// TLS with a certificate of the box's own authority.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub own_certificate: bool,
    /// The token and all answers may go over the network unencrypted: the exception for a network that is trusted.
    pub plain_http: bool,
}

/// `[limits]`: how many of what there may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Channels, 1 to 32.
    #[serde(deserialize_with = "document::within::<1, 32, _>")]
    pub channels: u32,
    /// Programs that run on one channel at a time, 1 to 16.
    #[serde(deserialize_with = "document::within::<1, 16, _>")]
    pub programs: u32,
    /// The longest archive window of a program.
    #[serde(deserialize_with = "archive_window", serialize_with = "human::write_duration")]
    pub archive_window: Duration,
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
    /// Disk space that recordings and kept assets leave to the live window; none for an eighth of `size`.
    #[serde(deserialize_with = "dvr_reserve", skip_serializing_if = "Option::is_none")]
    pub reserve: Option<Bytes>,
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
            viewers: Endpoint::default(),
            endpoints: Vec::new(),
            content_keys: Vec::new(),
            management: Management::default(),
            channels: Channels::default(),
            limits: Limits::default(),
            dvr: Dvr::default(),
            board: Board::default(),
        }
    }
}

impl Default for Management {
    fn default() -> Self {
        let listen = (Ipv4Addr::LOCALHOST, 8081).into();
        Self { listen, certificate: None, key: None, own_certificate: false, plain_http: false }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { channels: 5, programs: 3, archive_window: Duration::from_hours(25) }
    }
}

impl Management {
    /// The rules between fields.
    fn check(&self) -> Result<(), Refusal> {
        identity("management", &self.certificate, &self.key, self.own_certificate)?;
        let encrypted = self.certificate.is_some() || self.own_certificate;
        if !self.listen.ip().is_loopback() && !encrypted && !self.plain_http {
            let problem = "this address is reached from outside the box: give `own_certificate = true`, or `certificate` \
                           and `key`, for TLS, or `plain_http = true` if the token may be read by the network";
            return refuse("management.listen", problem);
        }
        Ok(())
    }
}

impl Default for Dvr {
    fn default() -> Self {
        Self {
            size: Bytes::gib(4),
            window: Duration::from_secs(4 * 3600),
            reserve: None,
            extent: Bytes::mib(64),
        }
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
    let checked = settings.check().and_then(|()| settings.channels.check(settings.limits.channels));
    checked.map_err(|refusal| Error::at(text, &refusal.path, refusal.problem))?;
    Ok(settings)
}

/// That what says how a listener shows who it is goes together.
fn identity(
    field: &str,
    certificate: &Option<PathBuf>,
    key: &Option<PathBuf>,
    own: bool,
) -> Result<(), Refusal> {
    let (given, missing) = match (certificate, key) {
        (Some(_), None) => ("certificate", "key"),
        (None, Some(_)) => ("key", "certificate"),
        (Some(_), Some(_)) if own => {
            let problem = "there is `certificate` already: give one of the two";
            return refuse(&format!("{field}.own_certificate"), problem);
        }
        _ => return Ok(()),
    };
    refuse(&format!("{field}.{given}"), format!("`{field}.{missing}` belongs to it"))
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
        self.check_endpoints()?;
        self.check_content_keys()?;
        let has_key = |name: &str| self.content_keys.iter().any(|key| key.name == name);
        self.channels.check_delivery(has_key)?;
        self.management.check()?;
        let Dvr { size, extent, reserve, .. } = self.dvr;
        if let Some(reserve) = reserve.filter(|reserve| *reserve > size) {
            return refuse("dvr.reserve", format!("{reserve} is more than the whole ring of {size}"));
        }
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

fn some_path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    absolute_path(deserializer).map(Some)
}

fn dvr_size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
    human::bytes(deserializer, Bytes::mib(64)..=Bytes::gib(64 * 1024))
}

fn dvr_reserve<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Bytes>, D::Error> {
    human::bytes(deserializer, Bytes::mib(4)..=Bytes::gib(64 * 1024)).map(Some)
}

fn archive_window<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    const DAY: u64 = 24 * 3600;
    human::duration(deserializer, Duration::from_mins(5)..=Duration::from_secs(366 * DAY))
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
