//! `[channel.input]`: where a channel's pictures and sound come from.

use std::path::{Path, PathBuf};

use document::{number_or_text, within};
use media::{CameraChoice, CardChoice, Connection};
use serde::{Deserialize, Deserializer, Serialize};

use crate::{Refusal, channel::even, refuse};

/// `[channel.input]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Input {
    kind: Kind,
    #[serde(deserialize_with = "device", skip_serializing_if = "Option::is_none")]
    device: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    serial: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<Connection>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sound: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<PathBuf>,
    #[serde(deserialize_with = "width", skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    #[serde(deserialize_with = "height", skip_serializing_if = "Option::is_none")]
    height: Option<u32>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    #[default]
    Auto,
    Camera,
    Decklink,
    File,
    Test,
}

/// What an [`Input`] asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source<'a> {
    /// A camera where there is one, otherwise the test signal.
    Auto,
    /// A V4L2 camera or capture card.
    Camera,
    /// A DeckLink card.
    Decklink,
    /// A media file, played as if live, again and again.
    File(&'a Path),
    /// The built-in test signal.
    Test,
}

impl Input {
    /// What is asked for.
    ///
    /// # Panics
    /// Never on settings that came through [`parse`](crate::parse).
    #[must_use]
    pub fn source(&self) -> Source<'_> {
        match self.kind {
            Kind::Auto => Source::Auto,
            Kind::Camera => Source::Camera,
            Kind::Decklink => Source::Decklink,
            Kind::File => {
                Source::File(self.path.as_deref().expect("`check` refused a file input without a path"))
            }
            Kind::Test => Source::Test,
        }
    }

    /// Which camera is asked for, where it is to be one.
    #[must_use]
    pub fn camera(&self) -> CameraChoice {
        let Self { device, name, port, serial, .. } = self.clone();
        CameraChoice { device, name, port, serial, ..CameraChoice::default() }
    }

    /// Which DeckLink card is asked for, where it is to be one.
    #[must_use]
    pub fn card(&self) -> CardChoice {
        let Self { name, serial, connection, .. } = self.clone();
        CardChoice { device: self.number(), name, serial, connection: connection.unwrap_or_default() }
    }

    /// The device as the number of a card.
    fn number(&self) -> Option<u32> {
        self.device.as_ref()?.to_str()?.parse().ok()
    }

    /// The ALSA device whose sound is taken; none for the card on the camera's own device.
    #[must_use]
    pub fn sound(&self) -> Option<&str> {
        self.sound.as_deref()
    }

    /// Wanted width and height in pixels: a wish that a camera may not meet.
    #[must_use]
    pub fn size(&self) -> Option<(u32, u32)> {
        self.width.zip(self.height)
    }

    fn may_be_camera(&self) -> bool {
        matches!(self.kind, Kind::Auto | Kind::Camera)
    }

    pub(crate) fn check(&self) -> Result<(), Refusal> {
        let file = self.kind == Kind::File;
        if file && self.path.as_ref().is_none_or(|path| path.as_os_str().is_empty()) {
            return refuse("input.path", "kind \"file\" needs the path of a media file");
        }
        if self.path.is_some() && !file {
            return refuse("input.path", "only kind \"file\" has a path");
        }
        let card = self.kind == Kind::Decklink;
        self.check_device(card)?;
        if self.connection.is_some() && !card {
            return refuse("input.connection", "only kind \"decklink\" has a connection");
        }
        if let Some(sound) = &self.sound {
            if !self.may_be_camera() {
                return refuse("input.sound", "only the kinds \"auto\" and \"camera\" have a sound card");
            }
            if sound.trim().is_empty() || sound.len() > 128 || sound.contains(char::is_control) {
                return refuse("input.sound", "is no ALSA device such as \"hw:1\" or \"hw:CARD=Mixer\"");
            }
        }
        for (field, value) in [("name", &self.name), ("port", &self.port), ("serial", &self.serial)] {
            let Some(value) = value else { continue };
            let path = format!("input.{field}");
            if !self.may_be_camera() && (!card || field == "port") {
                let kinds = match field {
                    "port" => "\"auto\" and \"camera\"",
                    _ => "\"auto\", \"camera\" and \"decklink\"",
                };
                return refuse(&path, format!("only the kinds {kinds} have a {field}"));
            }
            if self.device.is_some() {
                return refuse(
                    &path,
                    "a camera or card is chosen by its device or by what else is known of it, not by both",
                );
            }
            if value.trim().is_empty() {
                return refuse(&path, "is empty; leave it out for any");
            }
        }
        if self.width.is_some() != self.height.is_some() {
            let given = if self.width.is_some() { "width" } else { "height" };
            return refuse(&format!("input.{given}"), "width and height belong together: give both or none");
        }
        for (field, pixels) in [("width", self.width), ("height", self.height)] {
            let path = format!("input.{field}");
            match pixels {
                Some(_) if file => return refuse(&path, "a file is played at its own size"),
                Some(_) if card => return refuse(&path, "a DeckLink card gives the size of its signal"),
                Some(pixels) => even(&path, pixels)?,
                None => {}
            }
        }
        Ok(())
    }

    fn check_device(&self, card: bool) -> Result<(), Refusal> {
        match (&self.device, self.number()) {
            (Some(_), _) if !card && !self.may_be_camera() => {
                refuse("input.device", "only the kinds \"auto\", \"camera\" and \"decklink\" have a device")
            }
            (Some(_), None) if card => {
                refuse("input.device", "is the number of a DeckLink card: 0 for the first one")
            }
            (Some(_), Some(_)) if !card => {
                refuse("input.device", "is no camera's node such as \"/dev/video0\"")
            }
            _ => Ok(()),
        }
    }
}

fn device<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    number_or_text(deserializer, "a device node or the number of a DeckLink card", |text| {
        Some(PathBuf::from(text))
    })
    .map(Some)
}

fn width<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    within::<160, 3840, _>(deserializer).map(Some)
}

fn height<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    within::<90, 2160, _>(deserializer).map(Some)
}
