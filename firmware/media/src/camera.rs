//! Which camera is meant: what stays the same however often it is plugged, and in whatever order.

use std::{fmt, path::PathBuf};

use serde::{Deserialize, Serialize};

/// A camera that is plugged in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Camera {
    /// The connector: `usb-0000:00:14.0-2.1` is the first port of a hub in the second port of that controller.
    pub port: String,
    /// What the driver calls it; the same for all of its kind.
    pub model: String,
    /// The serial number, where it has one. Cheap ones share theirs.
    pub serial: Option<String>,
}

/// Which camera a channel wants: the one that all that is said here is true of, or the first one where nothing is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CameraChoice {
    /// Its device node, or a link to it; nothing else counts then.
    pub device: Option<PathBuf>,
    /// The name that the box gave it.
    pub name: Option<String>,
    /// [`Camera::model`] of the one that has the name.
    pub model: Option<String>,
    /// [`Camera::port`]; of a camera with a serial number of its own, the port where it was last.
    pub port: Option<String>,
    /// [`Camera::serial`].
    pub serial: Option<String>,
}

impl CameraChoice {
    /// Whether any camera will do.
    #[must_use]
    pub fn is_any(&self) -> bool {
        *self == Self::default()
    }
}

/// As the settings say it: `serial "8F2C" at port "usb-0000:00:14.0-2"`; empty where any will do.
impl fmt::Display for CameraChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { device, name, port, serial, .. } = self;
        let device = device.as_ref().map(|device| device.display().to_string());
        let said = [
            device,
            name.as_ref().map(|name| format!("name \"{name}\"")),
            serial.as_ref().map(|serial| format!("serial \"{serial}\"")),
            port.as_ref().map(|port| format!("port \"{port}\"")),
        ];
        f.write_str(&said.into_iter().flatten().collect::<Vec<_>>().join(", "))
    }
}
