//! `[channel]`: one live line from its input to its renditions.

use std::ops::Deref;

use access::Delivery;
use document::within;
use media::{Coding, FrameRate, RateControl};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Error, Refusal, input::Input, named, refuse};

/// `[channel]`, or `[[channel]]` for each of several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channels {
    all: Vec<Channel>,
    listed: bool,
}

impl Channels {
    /// The rules between fields, of each and of all.
    pub(crate) fn check(&self, most: u32) -> Result<(), Refusal> {
        if self.all.len() > most as usize {
            let problem = format!("{} are too many: `limits.channels` is {most}", self.all.len());
            return refuse("channel", problem);
        }
        for (nth, channel) in self.all.iter().enumerate() {
            let path = if self.listed { format!("channel[{nth}]") } else { "channel".to_owned() };
            if self.all[..nth].iter().any(|other| other.name == channel.name) {
                return refuse(&format!("{path}.name"), format!("there are two channels `{}`", channel.name));
            }
            channel.check().map_err(|refusal| Refusal {
                path: format!("{path}.{}", refusal.path),
                problem: refusal.problem,
            })?;
        }
        Ok(())
    }
}

impl Channels {
    /// Their delivery policies, by the names of the keys there are.
    pub(crate) fn check_delivery(&self, has_key: impl Fn(&str) -> bool) -> Result<(), Refusal> {
        for (nth, channel) in self.all.iter().enumerate() {
            let path = if self.listed { format!("channel[{nth}]") } else { "channel".to_owned() };
            let checked = channel.delivery.check(&has_key);
            checked
                .map_err(|(field, problem)| Refusal { path: format!("{path}.delivery{field}"), problem })?;
        }
        Ok(())
    }
}

impl Default for Channels {
    fn default() -> Self {
        Self { all: vec![Channel::default()], listed: false }
    }
}

impl Deref for Channels {
    type Target = [Channel];

    fn deref(&self) -> &[Channel] {
        &self.all
    }
}

impl Serialize for Channels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (&self.all[..], self.listed) {
            ([only], false) => only.serialize(serializer),
            (all, _) => all.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Channels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        document::tables(deserializer).map(|(all, listed)| Self { all, listed })
    }
}

/// `[channel]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Channel {
    /// The name in every address of the channel: 1 to 32 letters, digits or `-`.
    #[serde(deserialize_with = "channel_name")]
    pub name: String,
    /// Frames per second; none to follow the input.
    #[serde(deserialize_with = "rate_or_auto", serialize_with = "write_rate")]
    pub frame_rate: Option<FrameRate>,
    /// Wanted duration of a segment in milliseconds, 1000 to 6000; a whole number of parts.
    #[serde(deserialize_with = "within::<1000, 6000, _>")]
    pub segment_ms: u32,
    /// Wanted duration of a part in milliseconds, 128 to 1000: below, parts of whole sound frames differ by more than
    /// RFC 8216bis allows (4.4.3.7: no part shorter than 85 % of the target).
    #[serde(deserialize_with = "within::<128, 1000, _>")]
    pub part_ms: u32,
    /// Where pictures and sound come from.
    pub input: Input,
    /// The sound that viewers get.
    pub audio: Audio,
    /// Captions in the input's pictures that players are told of; all come through, named or not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub captions: Vec<Captions>,
    /// A ladder of the box's; none where there is a [`ladder`](Self::ladder), or to have the box choose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<Preset>,
    /// How the encoders spend their bits.
    pub rate_control: RateControl,
    /// Milliseconds from one key frame to the next: a whole number of parts, of which a segment is a whole number of times as
    /// long. None: one key frame in a segment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gop_ms: Option<u32>,
    /// The wanted renditions, highest first; empty for the box's own choice of 1080, 720, 540 and 360 lines.
    pub ladder: Vec<Rung>,
    /// Through which protocols it can be had, and how it is encrypted on the way; its programs' assets begin with the same.
    #[serde(skip_serializing_if = "Delivery::is_empty")]
    pub delivery: Delivery,
    /// Data that HLS players find in the Multivariant Playlist, for the pages around them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub session_data: Vec<SessionData>,
    /// Where players ask which of several servers to take: an `https` or `http` URL.
    #[serde(deserialize_with = "steering", skip_serializing_if = "Option::is_none")]
    pub steering: Option<String>,
}

/// `[[channel.session_data]]`: a value by its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionData {
    /// In reverse domain order, such as `org.example.title`: 1 to 128 letters, digits, `.`, `-` or `_`.
    #[serde(deserialize_with = "data_id")]
    pub id: String,
    /// Up to 1024 characters on one line, without double quotes.
    #[serde(deserialize_with = "data_value")]
    pub value: String,
    /// The language that it is in; none where it is in none.
    #[serde(default, deserialize_with = "language", skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

/// A ladder of the box's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Preset {
    /// Seven layers of at most 720 lines and 30 frames a second, those of the classic cloud live service.
    #[serde(rename = "default-720p")]
    Default720p,
    /// 1080, 720, 540 and 360 lines with every frame, and bits for fast pictures.
    #[serde(rename = "sport")]
    Sport,
    /// 720, 540 and 360 lines of at most 30 frames a second, and bits for noise.
    #[serde(rename = "low-light")]
    LowLight,
    /// No pictures: the sounds alone.
    #[serde(rename = "audio-only")]
    AudioOnly,
}

/// `[channel.audio]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Audio {
    /// AAC, bits per second.
    #[serde(deserialize_with = "within::<32_000, 512_000, _>")]
    pub bitrate: u32,
    /// What is spoken: a language tag of RFC 5646, for players and filters.
    #[serde(deserialize_with = "language", skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The sounds that viewers choose from, the usual one first; empty for the first pair alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub track: Vec<AudioTrack>,
}

/// `[[channel.audio.track]]`: one pair of the input's sound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AudioTrack {
    /// Which pair, 1 to 8: pair 2 is the third and fourth channel of a camera, or the second sound of a file.
    #[serde(deserialize_with = "within::<1, 8, _>")]
    pub pair: u32,
    /// What is spoken there; none for what [`Audio::language`] says.
    #[serde(default, deserialize_with = "language", skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

/// `[[channel.captions]]`: captions that the pictures carry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Captions {
    /// `CC1` to `CC4` (CEA-608) or `SERVICE1` to `SERVICE63` (CEA-708).
    #[serde(deserialize_with = "service")]
    pub service: String,
    /// What they are written in; none where it is not known.
    #[serde(default, deserialize_with = "language", skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Players are given them as subtitles, too, for those that do not look into pictures: of CEA-608 only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub subtitles: bool,
}

/// `[[channel.ladder]]`: one wanted rendition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rung {
    /// Lines, even; the width follows from the input's shape.
    #[serde(deserialize_with = "within::<90, 2160, _>")]
    pub height: u32,
    /// Bits per second.
    #[serde(deserialize_with = "within::<50_000, 50_000_000, _>")]
    pub bitrate: u32,
    /// `h264`, which every player reads, or `h265`.
    #[serde(default)]
    pub codec: Coding,
}

/// Renditions a ladder may have.
const RUNGS: usize = 12;

/// Values of a session.
const SESSION_DATA: usize = 32;

/// Sounds a channel may have.
const SOUNDS: usize = 8;

impl Default for Channel {
    fn default() -> Self {
        Self {
            name: "main".into(),
            frame_rate: None,
            segment_ms: 1600,
            part_ms: 200,
            input: Input::default(),
            audio: Audio::default(),
            captions: Vec::new(),
            preset: None,
            rate_control: RateControl::Constant,
            gop_ms: None,
            ladder: Vec::new(),
            delivery: Delivery::default(),
            session_data: Vec::new(),
            steering: None,
        }
    }
}

impl Default for Audio {
    fn default() -> Self {
        Self { bitrate: 128_000, language: None, track: Vec::new() }
    }
}

impl Audio {
    fn check(&self) -> Result<(), Refusal> {
        if self.track.len() > SOUNDS {
            let problem = format!("{} sounds are too many, {SOUNDS} are allowed", self.track.len());
            return refuse("audio.track", problem);
        }
        for (nth, track) in self.track.iter().enumerate() {
            if self.track[..nth].iter().any(|other| other.pair == track.pair) {
                let problem = format!("pair {} is a track already", track.pair);
                return refuse(&format!("audio.track[{nth}].pair"), problem);
            }
        }
        Ok(())
    }
}

impl Channel {
    /// Reads one channel from JSON, as it comes over the management interface.
    ///
    /// # Errors
    /// At the first field that is unknown or not allowed; its path begins at the channel.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        let channel: Self = document::parse_json(text)?;
        match channel.check() {
            Ok(()) => Ok(channel),
            Err(Refusal { path, problem }) => Err(Error::Field { path, line: 1, problem }),
        }
    }

    /// Whether key frames can be so many milliseconds apart.
    ///
    /// # Errors
    /// Why they cannot, and how far they could be apart.
    pub fn check_gop(&self, gop_ms: u32) -> Result<(), String> {
        let parts = self.segment_ms / self.part_ms;
        let possible =
            (1..=parts).filter(|group| parts.is_multiple_of(*group)).map(|group| group * self.part_ms);
        let possible: Vec<_> = possible.collect();
        if possible.contains(&gop_ms) {
            return Ok(());
        }
        let possible: Vec<_> = possible.iter().map(ToString::to_string).collect();
        Err(format!(
            "found {gop_ms}, expected one of {}: whole parts that make up a whole segment",
            possible.join(", ")
        ))
    }

    /// The rules between fields.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        if !self.segment_ms.is_multiple_of(self.part_ms) {
            let (segment, part) = (self.segment_ms, self.part_ms);
            return refuse(
                "part_ms",
                format!("a segment of {segment} ms is not a whole number of parts of {part} ms"),
            );
        }
        if let Some(gop) = self.gop_ms {
            self.check_gop(gop).map_err(|problem| Refusal { path: "gop_ms".to_owned(), problem })?;
        }
        self.input.check()?;
        self.audio.check()?;
        for (nth, captions) in self.captions.iter().enumerate() {
            if self.captions[..nth].iter().any(|other| other.service == captions.service) {
                let problem = format!("`{}` is named already", captions.service);
                return refuse(&format!("captions[{nth}].service"), problem);
            }
            if captions.subtitles && !captions.service.starts_with("CC") {
                let problem = "only `CC1` to `CC4` (CEA-608) can be made into subtitles";
                return refuse(&format!("captions[{nth}].subtitles"), problem);
            }
        }
        if self.session_data.len() > SESSION_DATA {
            let problem = format!("{} are too many, {SESSION_DATA} are allowed", self.session_data.len());
            return refuse("session_data", problem);
        }
        for (nth, data) in self.session_data.iter().enumerate() {
            let same = |other: &SessionData| other.id == data.id && other.language == data.language;
            if self.session_data[..nth].iter().any(same) {
                let problem = format!("`{}` is there already in this language", data.id);
                return refuse(&format!("session_data[{nth}].id"), problem);
            }
        }
        if self.preset == Some(Preset::AudioOnly) && !self.captions.is_empty() {
            return refuse("captions", "`audio-only` has no pictures, which would carry them");
        }
        if self.preset.is_some() && !self.ladder.is_empty() {
            return refuse("preset", "a preset is a ladder: give `preset` or `ladder`, not both");
        }
        if self.ladder.len() > RUNGS {
            let problem = format!("{} renditions are too many, {RUNGS} are allowed", self.ladder.len());
            return refuse("ladder", problem);
        }
        for (nth, rung) in self.ladder.iter().enumerate() {
            let path = format!("ladder[{nth}].height");
            even(&path, rung.height)?;
            let same = |above: &&Rung| above.codec == rung.codec;
            if self.ladder[..nth].iter().filter(same).any(|above| above.height <= rung.height) {
                return refuse(
                    &path,
                    "each rendition must have fewer lines than the one before it of its codec",
                );
            }
        }
        Ok(())
    }
}

/// Encoders halve both sides for colour.
pub(crate) fn even(path: &str, pixels: u32) -> Result<(), Refusal> {
    if pixels.is_multiple_of(2) {
        Ok(())
    } else {
        refuse(path, format!("{pixels} is odd, pictures need even sides"))
    }
}

fn channel_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    document::text(deserializer, "1 to 32 letters, digits or `-`", |text| named(text, "-"))
}

fn data_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    document::text(deserializer, "1 to 128 letters, digits, `.`, `-` or `_`", |text| {
        let letters = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
        (letters && (1..=128).contains(&text.len())).then(|| text.to_owned())
    })
}

fn data_value<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    document::text(deserializer, "up to 1024 characters on one line, without double quotes", |text| {
        let plain = text.chars().all(|char| !char.is_control() && char != '"');
        (plain && text.chars().count() <= 1024).then(|| text.to_owned())
    })
}

fn steering<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    document::text(deserializer, "an `https` or `http` URL", |text| {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
        (plain && !rest.is_empty() && text.len() <= 1024).then(|| Some(text.to_owned()))
    })
}

fn rate_or_auto<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<FrameRate>, D::Error> {
    let allowed = "\"auto\" or frames per second from 1 to 240, such as 25 or \"30000/1001\"";
    document::number_or_text(deserializer, allowed, |text| match text {
        "auto" => Some(None),
        rate => rate.parse().ok().map(Some),
    })
}

fn write_rate<S: Serializer>(rate: &Option<FrameRate>, serializer: S) -> Result<S::Ok, S::Error> {
    match rate {
        Some(rate) => serializer.collect_str(rate),
        None => serializer.serialize_str("auto"),
    }
}

fn service<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    document::text(deserializer, "`CC1` to `CC4` or `SERVICE1` to `SERVICE63`", |text| {
        let number = |prefix| text.strip_prefix(prefix).filter(|number| !number.starts_with(['0', '+']));
        let within = |prefix, most| {
            number(prefix).and_then(|number| number.parse::<u8>().ok()).is_some_and(|n| n <= most)
        };
        (within("CC", 4) || within("SERVICE", 63)).then(|| text.to_owned())
    })
}

/// Subtags of 1 to 8 letters and digits, the first of 2 or 3 letters (RFC 5646, 2.1).
fn language<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    document::text(deserializer, "a language tag such as \"en\" or \"pt-BR\"", |text| {
        let primary = text.split('-').next().unwrap_or_default();
        let fits =
            |tag: &str| (1..=8).contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let begins =
            (2..=3).contains(&primary.len()) && primary.bytes().all(|byte| byte.is_ascii_alphabetic());
        (begins && text.len() <= 35 && text.split('-').all(fits)).then(|| Some(text.to_owned()))
    })
}
