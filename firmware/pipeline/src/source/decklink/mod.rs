//! A DeckLink card through GStreamer's plug-in: looked for until it is there, captured in whatever its signal is.
//!
//! The plug-in follows the signal by itself (`mode=auto`), so another one is no reason to begin anew. No such card was seen
//! by this code yet: all but the driver's own list and its two elements is tested with others in their place.

mod cards;
mod chain;
#[cfg(test)]
mod tests;

use std::{
    sync::{
        Arc,
        mpsc::{SyncSender, sync_channel},
    },
    thread::JoinHandle,
    time::Duration,
};

use clock::Clock;
use link::SoundWish;
use media::{CardChoice, Connection, FrameRate};

use super::{
    live::{LivePictures, LiveSounds, Shared},
    told,
};
use crate::{
    error::Error,
    monitor::{Loss, Monitor},
};
use cards::{Absent, Card, Cards};
use chain::{Chain, Sources};

/// How often it is looked whether a capture runs and what it gives.
const ROUND: Duration = Duration::from_millis(100);
/// How often a missing card is looked for: a look at a folder, or one at the plug-in's own list.
const RESCAN: Duration = Duration::from_secs(1);
/// After this a card that could not be captured is tried again.
const AGAIN: Duration = Duration::from_secs(5);
/// The box waits so long for a signal before it plans without one: a driver needs a moment to find out which it is.
const FIRST: Duration = Duration::from_secs(2);

/// The driver as the box knows it.
trait Driver: Send + 'static {
    /// The cards that can capture.
    fn cards(&self) -> Result<Vec<Card>, Absent>;

    /// Elements for an input, with so many channels of sound.
    fn sources(&self, card: &Card, connection: Connection, channels: Option<usize>)
    -> Result<Sources, Error>;
}

/// Blackmagic's, by GStreamer's plug-in.
#[derive(Default)]
struct DesktopVideo {
    cards: Cards,
}

impl Driver for DesktopVideo {
    fn cards(&self) -> Result<Vec<Card>, Absent> {
        self.cards.list()
    }

    fn sources(
        &self,
        card: &Card,
        connection: Connection,
        channels: Option<usize>,
    ) -> Result<Sources, Error> {
        chain::sources(card, connection, channels)
    }
}

/// A card that is being captured or looked for.
pub struct Decklink {
    shared: Arc<Shared>,
    keeper: JoinHandle<()>,
}

impl Decklink {
    /// Looks for the card and begins to capture it; goes on looking if it is not there.
    pub fn open(choice: CardChoice, sound: SoundWish, clock: Clock, monitor: Monitor) -> Self {
        Self::by(DesktopVideo::default(), choice, sound, clock, monitor)
    }

    fn by(driver: impl Driver, choice: CardChoice, sound: SoundWish, clock: Clock, monitor: Monitor) -> Self {
        let shared = Arc::new(Shared::new(sound, clock, monitor));
        let (known, first) = sync_channel(1);
        let keeper = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || Keeper { shared, driver, choice, known }.keep()
        });
        // Where nothing is known by then, the channel is planned for what there was last time.
        let _ = first.recv_timeout(FIRST);
        Self { shared, keeper }
    }

    /// Begins to hand out pictures and sound.
    pub fn begin(self, rate: FrameRate) -> (LivePictures, LiveSounds) {
        self.shared.begin(rate, self.keeper)
    }
}

/// Keeps a capture going, on a thread of its own.
struct Keeper<D> {
    shared: Arc<Shared>,
    driver: D,
    choice: CardChoice,
    /// Told once it is known what the input gives, or that it is missing.
    known: SyncSender<()>,
}

impl<D: Driver> Keeper<D> {
    fn keep(&self) {
        while !self.shared.ended() {
            let pause = match self.look() {
                Ok(card) => {
                    let reason = match self.capture(&card) {
                        Ok(()) => return,
                        Err(reason) => reason,
                    };
                    tracing::warn!(card = card.name, reason, "capture ended");
                    self.lose(Loss::NoSignal, &format!("{}: {reason}", card.name));
                    AGAIN
                }
                Err((loss, reason)) => {
                    self.lose(loss, &reason);
                    RESCAN
                }
            };
            self.shared.is_sounding(0);
            self.shared.watch.wait(None, pause);
        }
    }

    fn lose(&self, loss: Loss, reason: &str) {
        self.shared.monitor.lost(loss, reason);
        self.is_known();
    }

    /// Whoever waits has heard it already where there is no room.
    fn is_known(&self) {
        let _ = self.known.try_send(());
    }

    /// The card that is meant, or why it cannot be captured.
    fn look(&self) -> Result<Card, (Loss, String)> {
        let cards = self.driver.cards().map_err(|absent| match absent {
            Absent::Missing(reason) => (Loss::NoDevice, reason),
            Absent::Stale => {
                let reason = "DeckLink cards were plugged in or out";
                self.shared.wear_out(reason);
                (Loss::NoDevice, reason.to_owned())
            }
        })?;
        let card = cards::pick(&cards, &self.choice).map_err(|reason| (Loss::NoDevice, reason))?;
        if !card.detects {
            let reason = format!("{} cannot tell which signal it has, and the box has to know", card.name);
            return Err((Loss::Unsupported, reason));
        }
        Ok(card.clone())
    }

    /// Captures a card until the worker ends, or says why it ended before.
    fn capture(&self, card: &Card) -> Result<(), String> {
        let shared = &self.shared;
        let pairs = usize::from(shared.sound.pairs);
        let channels = cards::channels(card, pairs);
        let words = channels.map_or("silence: the card has no sound".to_owned(), |channels| {
            told(&format!("embedded, {channels} channels"), channels.div_ceil(2), pairs)
        });
        let begun = self
            .driver
            .sources(card, self.choice.connection, channels)
            .and_then(|sources| Chain::begin(shared, sources));
        let chain = begun.map_err(|error| error.to_string())?;
        shared.is_sounding(channels.unwrap_or(0).min(pairs * 2));
        shared.monitor.is_run(None, "as the signal is");
        let mut known = None;
        while !shared.ended() {
            shared.watch.wait(None, ROUND);
            if let Some(reason) = chain.failure() {
                return Err(match known {
                    Some(_) => reason,
                    None => format!("cannot be captured, perhaps another program has it: {reason}"),
                });
            }
            shared.arrivals.check();
            // Without a signal the driver gives pictures of some size all the same.
            let seen = if shared.monitor.is_ok() { chain.format() } else { None };
            if let Some((signal, format)) = seen.clone().filter(|_| seen != known) {
                shared.monitor.found(&format!("{} (signal {signal})", card.name), format, &words);
                known = seen;
                self.is_known();
            }
        }
        Ok(())
    }
}
