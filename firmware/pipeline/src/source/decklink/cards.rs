//! Which DeckLink cards there are, as GStreamer's plug-in lists them, and which one is meant.
//!
//! The plug-in asks the driver once in the life of a process. So it is not touched before there is a device node, and when
//! nodes come or go afterwards the worker has to begin anew.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use gst::prelude::*;
use media::CardChoice;

/// Where the driver has its nodes.
const NODES: &str = "/dev/blackmagic";
/// The library of the driver, which the plug-in loads, and where it may lie.
const LIBRARY: &str = "libDeckLinkAPI.so";
const FOLDERS: [&str; 5] =
    ["/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"];
/// What the plug-in has it as.
const PROVIDER: &str = "decklinkdeviceprovider";

/// An input of a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// As the driver calls it; one of several has its number in it.
    pub name: String,
    /// What kind of card it is.
    pub model: String,
    /// The serial number of the whole card.
    pub serial: Option<String>,
    /// What does not change with the order of plugging; the place in the driver's list where it has no such number.
    pub id: i64,
    /// Channels of sound that it can embed.
    pub channels: usize,
    /// It tells by itself which signal it has.
    pub detects: bool,
}

/// Why there are no cards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Absent {
    /// Because of this; it may be looked again.
    Missing(String),
    /// They are others than they were when the driver was asked.
    Stale,
}

/// The cards of this machine.
#[derive(Default)]
pub struct Cards {
    /// The nodes that there were when the driver was asked.
    asked: OnceLock<Vec<PathBuf>>,
}

impl Cards {
    /// Those that can capture, in the driver's order.
    pub fn list(&self) -> Result<Vec<Card>, Absent> {
        let nodes = nodes(Path::new(NODES));
        let installed = FOLDERS.iter().any(|folder| Path::new(folder).join(LIBRARY).exists());
        if let Some(words) = missing(installed, !nodes.is_empty()).filter(|_| self.asked.get().is_none()) {
            return Err(Absent::Missing(words.to_owned()));
        }
        if *self.asked.get_or_init(|| nodes.clone()) != nodes {
            return Err(Absent::Stale);
        }
        let provider = gst::DeviceProviderFactory::by_name(PROVIDER).ok_or_else(|| {
            Absent::Missing(
                "GStreamer's DeckLink elements (gstreamer1.0-plugins-bad) are not installed".to_owned(),
            )
        })?;
        let listed = provider.devices();
        let sources = listed.iter().filter(|device| device.has_classes("Video/Source"));
        let cards: Vec<_> = sources
            .filter_map(|device| device.properties().and_then(|properties| card(&properties)))
            .collect();
        match cards.is_empty() {
            true => Err(Absent::Missing("the DeckLink driver knows no card that can capture".to_owned())),
            false => Ok(cards),
        }
    }
}

/// What speaks against asking the driver, by whether its library is there and whether it has nodes.
fn missing(installed: bool, nodes: bool) -> Option<&'static str> {
    match (installed, nodes) {
        (_, true) => None,
        (false, false) => Some("the DeckLink driver (Desktop Video) is not installed"),
        (true, false) => Some(
            "no DeckLink card is plugged in, or the driver (Desktop Video) is not loaded into the kernel",
        ),
    }
}

fn nodes(folder: &Path) -> Vec<PathBuf> {
    let mut nodes: Vec<_> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    nodes.sort();
    nodes
}

/// As the plug-in describes it.
fn card(properties: &gst::StructureRef) -> Option<Card> {
    let text = |field: &str| properties.get::<String>(field).ok();
    let name = text("display-name").or_else(|| text("model-name"))?;
    Some(Card {
        model: text("model-name").unwrap_or_else(|| name.clone()),
        name,
        serial: text("serial-number"),
        // It is left out where it is 0.
        id: properties.get("persistent-id").unwrap_or(0),
        channels: properties.get::<u32>("max-channels").map_or(2, |channels| channels as usize),
        detects: properties.get("supports-format-detection").unwrap_or(true),
    })
}

/// The card that is meant, or why there is none.
pub fn pick<'a>(cards: &'a [Card], choice: &CardChoice) -> Result<&'a Card, String> {
    let said = |wanted: &Option<String>, is: &[&str]| {
        wanted.as_ref().is_none_or(|wanted| is.iter().any(|is| is.eq_ignore_ascii_case(wanted.trim())))
    };
    let found = match choice.device {
        Some(number) => cards.get(number as usize),
        None => cards.iter().find(|card| {
            let id = card.id.to_string();
            said(&choice.name, &[&card.name, &card.model])
                && said(&choice.serial, &[card.serial.as_deref().unwrap_or_default(), &id])
        }),
    };
    found.ok_or_else(|| {
        let names: Vec<_> = cards.iter().map(|card| format!("\"{}\"", card.name)).collect();
        format!("no DeckLink card has {choice}; there are {} (channel.input)", names.join(", "))
    })
}

/// How many channels a card is asked for, so that `pairs` are among them as far as it has them; none where it has no sound.
pub fn channels(card: &Card, pairs: usize) -> Option<usize> {
    let offered = || [2, 8, 16].into_iter().filter(|channels| *channels <= card.channels);
    offered().find(|channels| *channels >= pairs * 2).or_else(|| offered().next_back())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(name: &str, id: i64, serial: Option<&str>) -> Card {
        gst::init().unwrap();
        let mut properties = gst::Structure::builder("properties")
            .field("device-number", 0u32)
            .field("model-name", "DeckLink Duo 2")
            .field("display-name", name)
            .field("max-channels", 16u32)
            .field("supports-format-detection", true)
            .build();
        if let Some(serial) = serial {
            properties.set("serial-number", serial);
        }
        if id != 0 {
            properties.set("persistent-id", id);
        }
        card(&properties).unwrap()
    }

    #[test]
    fn a_card_is_chosen_by_what_stays_the_same() {
        let cards = [
            described("DeckLink Duo (1)", 0, Some("1A2B")),
            described("DeckLink Duo (2)", 77, Some("1A2B")),
            described("DeckLink Mini", 9, None),
        ];
        let id = |choice: CardChoice| pick(&cards, &choice).map(|card| card.id);
        let any = CardChoice::default;
        assert_eq!(id(any()), Ok(0));
        assert_eq!(id(CardChoice { device: Some(1), ..any() }), Ok(77));
        assert_eq!(id(CardChoice { name: Some("decklink mini".into()), ..any() }), Ok(9));
        assert_eq!(id(CardChoice { serial: Some("77".into()), ..any() }), Ok(77), "its own number");
        let second =
            CardChoice { name: Some("DeckLink Duo (2)".into()), serial: Some("1a2b".into()), ..any() };
        assert_eq!(id(second), Ok(77));
        let none = id(CardChoice { device: Some(3), ..any() }).unwrap_err();
        assert!(none.starts_with("no DeckLink card has number 3; there are \"DeckLink Duo (1)\""), "{none}");
    }

    #[test]
    fn as_many_channels_are_asked_for_as_are_needed_and_there() {
        let of = |most: usize| Card { channels: most, ..described("A card", 1, None) };
        assert_eq!([1, 2, 4, 5, 8].map(|pairs| channels(&of(16), pairs)), [2, 8, 8, 16, 16].map(Some));
        assert_eq!([1, 8].map(|pairs| channels(&of(8), pairs)), [2, 8].map(Some));
        assert_eq!(channels(&of(0), 1), None);
    }

    #[test]
    fn what_is_missing_is_said_plainly() {
        assert_eq!(missing(false, false), Some("the DeckLink driver (Desktop Video) is not installed"));
        assert!(missing(true, false).is_some_and(|words| words.contains("no DeckLink card is plugged in")));
        assert_eq!((missing(false, true), missing(true, true)), (None, None));
    }

    #[test]
    fn nodes_that_come_after_the_driver_was_asked_are_not_seen_by_it() {
        let cards = Cards::default();
        cards.asked.set(vec!["/dev/blackmagic/gone".into()]).unwrap();
        assert_eq!(cards.list(), Err(Absent::Stale));
    }
}
