//! Schema of `board-configs`: what one kind of box has and can do.
//!
//! A board is a folder `board-configs/<id>/` with a `board.toml`. It names a description that it extends
//! (`inherit = "base"`, or another board's id) and says only what differs: tables merge field by field, lists and
//! values replace the inherited ones.

mod load;

use serde::{Deserialize, Deserializer};

pub use load::{Error, load};

/// A whole description: what [`load`] gives has every field filled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Board {
    /// The name of its folder: lower case letters, digits, `-`.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// One sentence for people.
    pub description: String,
    /// How pictures are encoded.
    pub encoder: Encoder,
    /// What the box can do at most.
    pub limits: Limits,
    /// How warm it may be; none where nothing is known of that.
    pub temperature: Option<Temperature>,
    /// Inputs that are built in, by the name printed beside them; may be empty.
    #[serde(rename = "connector")]
    pub connectors: Vec<Connector>,
    #[serde(deserialize_with = "parent")]
    inherit: Option<String>,
}

/// `[encoder]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Encoder {
    /// Encoder families in order of preference; the first one that passes its self-test is taken.
    pub families: Vec<Family>,
    /// What the encoders in hardware can do, all channels together; there whenever [`families`](Self::families) has one.
    pub hardware: Option<Hardware>,
    /// What encoding in software can do; there whenever [`families`](Self::families) has [`Family::Software`].
    pub software: Option<Software>,
}

/// A way to encode H.264, and HEVC where it can.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// VA-API through the elements of gstreamer-vaapi.
    Vaapi,
    /// VA-API through the elements of GStreamer's `va` plugin.
    Va,
    /// A V4L2 memory-to-memory encoder, as on most ARM chips.
    V4l2m2m,
    /// x264 and x265 on the processor.
    Software,
}

/// `[encoder.hardware]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hardware {
    /// Pixels that may be scaled and encoded in a second, over all renditions of all channels. A picture of 1920x1080 at 60
    /// a second is 124 million.
    #[serde(deserialize_with = "document::within::<1_000_000, 4_000_000_000, _>")]
    pub pixels_per_second: u32,
}

/// `[encoder.software]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Software {
    /// Pixels that one processor core may be asked to scale and encode in a second, over all renditions, with
    /// x264 `ultrafast`, so that the rest of the box still has its share.
    #[serde(deserialize_with = "document::within::<1_000_000, 2_000_000_000, _>")]
    pub pixels_per_second_per_core: u32,
}

/// `[limits]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Channels that may run at the same time.
    #[serde(deserialize_with = "document::within::<1, 16, _>")]
    pub channels: u32,
}

/// `[temperature]`: at which its channels encode less.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Temperature {
    /// Thermal zones by the kernel's name for their kind (`/sys/class/thermal/thermal_zone*/type`); the first one that the
    /// running box has is looked at.
    pub zones: Vec<String>,
    /// From so many degrees Celsius on renditions are given up.
    #[serde(deserialize_with = "document::within::<40, 125, _>")]
    pub hot: u32,
    /// Below so many they are taken back.
    #[serde(deserialize_with = "document::within::<30, 120, _>")]
    pub cool: u32,
}

/// `[[connector]]`: a socket of the box.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connector {
    /// The name printed beside it.
    pub name: String,
    /// Where the kernel finds what is plugged in: `usb:1-1`, `pci:0000:03:00.0`, `platform:fe801000.csi`.
    #[serde(deserialize_with = "bus")]
    pub bus: String,
}

impl Software {
    /// The budget of a box with `cores` processor cores, in pixels per second.
    #[must_use]
    pub fn pixels_per_second(&self, cores: u32) -> u64 {
        u64::from(self.pixels_per_second_per_core) * u64::from(cores)
    }
}

impl Board {
    /// What a whole description must have: the field and what is wrong with it.
    fn check(&self, folder: &str) -> Result<(), (String, String)> {
        let refuse = |path: &str, problem: String| Err((path.to_owned(), problem));
        if self.id != folder {
            return refuse("id", format!("must be the name of its folder, `{folder}`"));
        }
        if self.description.trim().is_empty() {
            return refuse("description", "missing: one sentence that says what box this is".into());
        }
        if self.encoder.families.is_empty() {
            return refuse("encoder.families", "missing: at least one encoder family".into());
        }
        if self.encoder.families.contains(&Family::Software) && self.encoder.software.is_none() {
            let problem = "missing, though `software` is one of the encoder families";
            return refuse("encoder.software.pixels_per_second_per_core", problem.into());
        }
        let hardware = |family: &Family| *family != Family::Software;
        if self.encoder.families.iter().any(hardware) && self.encoder.hardware.is_none() {
            let problem = "missing, though not every encoder family is `software`";
            return refuse("encoder.hardware.pixels_per_second", problem.into());
        }
        if self.limits.channels == 0 {
            return refuse("limits.channels", "missing: how many channels may run at the same time".into());
        }
        if let Some(Temperature { zones, hot, cool }) = &self.temperature {
            if zones.is_empty() {
                return refuse("temperature.zones", "missing: at least one thermal zone".into());
            }
            if *hot == 0 {
                return refuse("temperature.hot", "missing: from how many °C on it is too hot".into());
            }
            if cool >= hot {
                let problem = format!("{cool} must be below temperature.hot, {hot}");
                return refuse("temperature.cool", problem);
            }
        }
        if let Some(family) = twice(&self.encoder.families) {
            return refuse(&format!("encoder.families[{family}]"), "this family is named twice".into());
        }
        let names: Vec<_> = self.connectors.iter().map(|connector| &connector.name).collect();
        if let Some(connector) = twice(&names) {
            return refuse(&format!("connector[{connector}].name"), "another connector has this name".into());
        }
        Ok(())
    }
}

/// Index of the first item that equals an earlier one.
fn twice<T: PartialEq>(items: &[T]) -> Option<usize> {
    (1..items.len()).find(|&at| items[..at].contains(&items[at]))
}

fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    document::text(deserializer, "1 to 32 lower case letters, digits or `-`", valid_id)
}

fn parent<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    document::text(deserializer, "\"base\" or the id of another board", |text| valid_id(text).map(Some))
}

fn valid_id(text: &str) -> Option<String> {
    let fits = text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    (fits && (1..=32).contains(&text.len())).then(|| text.to_owned())
}

fn bus<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let allowed = "a bus path such as \"usb:1-1\", \"pci:0000:03:00.0\" or \"platform:fe801000.csi\"";
    document::text(deserializer, allowed, |text| {
        let (bus, path) = text.split_once(':')?;
        (matches!(bus, "usb" | "pci" | "platform") && !path.is_empty()).then(|| text.to_owned())
    })
}

#[cfg(test)]
mod tests;
