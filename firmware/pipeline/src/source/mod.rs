//! Where pictures and sound come from, behind two small traits.
//!
//! A source never paces: the channel's loops ask it for the picture of a slot or the sound up to a position, and show
//! the last picture or the slate when it has none. So the encoders never see a source come, go or change.

mod arrivals;
mod camera;
mod capture;
mod card;
mod coding;
mod decklink;
mod file;
mod follow;
mod handles;
mod ioctl;
mod live;
mod paired;
mod pass;
mod probe;
mod sighting;
mod signal;
mod test;
mod timings;
mod uevents;
mod watch;

use std::path::Path;

use channel::{captions::Triplet, sound::Blocks};
use clock::Clock;
use link::{InputChoice, SoundWish};
use media::{CameraChoice, FrameRate};

pub use sighting::Sighting;

use crate::{error::Error, frame::Frame, monitor::Monitor};

/// Where the kernel tells of its devices.
const SYS: &str = "/sys";

/// What is said of a sound of `pairs` pairs where `wanted` are: the others are silent.
fn told(sound: &str, pairs: usize, wanted: usize) -> String {
    match wanted {
        _ if pairs == 0 || pairs >= wanted => sound.to_owned(),
        _ if pairs + 1 == wanted => format!("{sound}; no pair {wanted}: silence"),
        _ => format!("{sound}; no pairs {} to {wanted}: silence", pairs + 1),
    }
}

/// A picture for a slot.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The picture.
    pub frame: Frame,
    /// When it was captured: nanoseconds since the epoch.
    pub captured: u64,
    /// What it and those that were left out before it carried.
    pub captions: Vec<Triplet>,
}

/// A source of pictures.
pub trait Pictures: Send {
    /// The picture for `slot`, waited for until `deadline` (nanoseconds since the epoch); none where the last one
    /// is to be shown again. Slots rise from call to call.
    fn take(&mut self, slot: u64, deadline: u64) -> Result<Option<Shown>, Error>;
}

/// A source of sounds: pairs of channels at 48 kHz.
pub trait Sounds: Send {
    /// Lays what it has of each pair for positions before `until` (sample frames since the epoch), without waiting.
    fn lay(&mut self, pairs: &mut [Blocks], until: u64);

    /// Whether nothing of a pair is to be expected now: a block need not wait for it.
    fn is_silent(&self, pair: usize) -> bool;
}

/// An input that was looked for.
pub enum Source {
    /// A camera, there or missing.
    Camera(camera::Camera),
    /// A DeckLink card, there or missing.
    Decklink(decklink::Decklink),
    /// A media file, there or missing.
    File(Box<file::Film>),
    /// The test signal.
    Test(test::Test),
}

/// A source that has begun: its pictures and its sound.
pub type Begun = (Box<dyn Pictures>, Box<dyn Sounds>);

impl Source {
    /// Looks for the input and what of its `sound` is wanted. What was found, or why nothing was, is told to `monitor`; an
    /// input that may still come is looked for again by itself.
    pub fn open(
        choice: &InputChoice,
        name: &str,
        sound: &SoundWish,
        clock: &Clock,
        monitor: &Monitor,
    ) -> Self {
        let open = |choice: &CameraChoice, wish| {
            Self::Camera(camera::Camera::open(
                choice.clone(),
                wish,
                sound.clone(),
                clock.clone(),
                monitor.clone(),
            ))
        };
        let test = |wish| Self::Test(test::Test::open(wish, name, monitor));
        match choice {
            InputChoice::Auto { camera, wish } => {
                let seen = sighting::all(Path::new(SYS));
                if probe::chosen(camera, *wish, &seen).is_ok() { open(camera, *wish) } else { test(*wish) }
            }
            InputChoice::Camera { camera, wish } => open(camera, *wish),
            InputChoice::Decklink { card } => Self::Decklink(decklink::Decklink::open(
                card.clone(),
                sound.clone(),
                clock.clone(),
                monitor.clone(),
            )),
            InputChoice::Test { wish } => test(*wish),
            InputChoice::File { path } => {
                Self::File(Box::new(file::Film::open(path, usize::from(sound.pairs), monitor)))
            }
        }
    }

    /// Begins to give pictures and sound from `first_slot` on a grid of `rate`.
    pub fn begin(self, rate: FrameRate, first_slot: u64, monitor: &Monitor) -> Result<Begun, Error> {
        Ok(match self {
            Self::Camera(camera) => {
                let (pictures, sounds) = camera.begin(rate);
                (Box::new(pictures), Box::new(sounds))
            }
            Self::Decklink(card) => {
                let (pictures, sounds) = card.begin(rate);
                (Box::new(pictures), Box::new(sounds))
            }
            Self::File(film) => {
                let (pictures, sounds) = film.begin(rate, first_slot, monitor);
                (Box::new(pictures), Box::new(sounds))
            }
            Self::Test(test) => {
                let (pictures, sounds) = test.begin(rate, monitor)?;
                (Box::new(pictures), Box::new(sounds))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn pairs_that_an_input_does_not_have_are_told() {
        let told = |pairs, wanted| super::told("a card", pairs, wanted);
        assert_eq!([told(2, 1), told(2, 2)], ["a card"; 2]);
        assert_eq!(told(1, 2), "a card; no pair 2: silence");
        assert_eq!(told(1, 8), "a card; no pairs 2 to 8: silence");
        assert_eq!(told(0, 2), "a card", "which is silence anyway");
    }
}
