//! Which input of which DeckLink card is meant.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Which card a channel wants: the one that all that is said here is true of, or the first one where nothing is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardChoice {
    /// Its number among those that can capture, from 0; nothing else counts then.
    pub device: Option<u32>,
    /// Its name, which has a number in it where there are several of a kind: `DeckLink Duo (2)`.
    pub name: Option<String>,
    /// The serial number of the card; those of several inputs have one for all.
    pub serial: Option<String>,
    /// The plug that is captured.
    pub connection: Connection,
}

/// A plug of a card.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Connection {
    /// The one that the driver is set to.
    #[default]
    Auto,
    /// SDI.
    Sdi,
    /// HDMI.
    Hdmi,
    /// SDI over fibre.
    OpticalSdi,
    /// Analogue, on three wires.
    Component,
    /// Analogue, on one wire.
    Composite,
    /// Analogue, on two wires.
    Svideo,
}

impl Connection {
    /// As the settings say it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Sdi => "sdi",
            Self::Hdmi => "hdmi",
            Self::OpticalSdi => "optical-sdi",
            Self::Component => "component",
            Self::Composite => "composite",
            Self::Svideo => "svideo",
        }
    }
}

/// As the settings say it: `name "DeckLink Duo (2)", serial "1A2B"`; empty where any will do.
impl fmt::Display for CardChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { device, name, serial, .. } = self;
        let said = [
            device.map(|device| format!("number {device}")),
            name.as_ref().map(|name| format!("name \"{name}\"")),
            serial.as_ref().map(|serial| format!("serial \"{serial}\"")),
        ];
        f.write_str(&said.into_iter().flatten().collect::<Vec<_>>().join(", "))
    }
}
