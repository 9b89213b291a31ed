//! A rack of cards that are not there: all behind the driver's list and its two elements is what a real one goes through.

use std::{
    sync::{Mutex, PoisonError},
    time::Instant,
};

use channel::sound::Blocks;
use gst::prelude::*;
use gst_video::{VideoCaptionMeta, VideoCaptionType};
use link::InputState;

use super::*;
use crate::{
    frame,
    source::{Pictures, Shown, Sounds, coding::make},
};

/// Far beyond what anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);
/// What the pictures carry: one unit of CEA-708.
const CAPTION: [u8; 3] = [0xfc, 0x94, 0x2c];

/// The cards of a driver and, of the one that is captured, the element that tells of its signal.
#[derive(Clone)]
struct Rack {
    cards: Arc<Mutex<Result<Vec<Card>, Absent>>>,
    teller: Arc<Mutex<Option<gst::Element>>>,
    /// What says which signal it is.
    plug: gst::Element,
}

/// Signals as the driver gives them.
const PAL: &str = "format=UYVY,width=720,height=576,framerate=25/1,pixel-aspect-ratio=12/11,\
                   interlace-mode=interleaved,field-order=top-field-first,colorimetry=bt601";
const PAL_10_BIT: &str = "format=v210,width=720,height=576,framerate=25/1,pixel-aspect-ratio=12/11,\
                          interlace-mode=interleaved,field-order=top-field-first,colorimetry=bt601";
const HD: &str = "format=v210,width=1280,height=720,framerate=50/1,pixel-aspect-ratio=1/1,\
                  interlace-mode=progressive,colorimetry=bt709";

impl Rack {
    fn new(cards: Result<Vec<Card>, Absent>) -> Self {
        gst::init().unwrap();
        let plug = make("capsfilter").unwrap();
        let rack = Self { cards: Arc::new(Mutex::new(cards)), teller: Arc::default(), plug };
        rack.plug_in(PAL);
        rack
    }

    /// Another signal at the plug.
    fn plug_in(&self, signal: &str) {
        self.plug.set_property_from_str("caps", &format!("video/x-raw,{signal}"));
    }

    fn set(&self, cards: Result<Vec<Card>, Absent>) {
        *self.cards.lock().unwrap() = cards;
    }

    /// The signal is there or not, as the driver's element tells it: with frames of noise all the time.
    fn signal(&self, is_there: bool) {
        self.teller.lock().unwrap().as_ref().unwrap().set_property("silent", is_there);
    }

    /// The driver itself breaks off.
    fn break_off(&self) {
        let teller = self.teller.lock().unwrap().clone().unwrap();
        let error = gst::message::Error::builder(gst::ResourceError::Read, "the bus has hung itself up");
        teller.post_message(error.src(&teller).build()).unwrap();
    }
}

impl Driver for Rack {
    fn cards(&self) -> Result<Vec<Card>, Absent> {
        self.cards.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn sources(&self, _: &Card, _: Connection, channels: Option<usize>) -> Result<Sources, Error> {
        let teller = make("identity")?;
        teller.static_pad("src").unwrap().add_probe(gst::PadProbeType::BUFFER, |_, info| {
            let picture = info.buffer_mut().unwrap().make_mut();
            VideoCaptionMeta::add(picture, VideoCaptionType::Cea708Raw, &CAPTION);
            gst::PadProbeReturn::Ok
        });
        *self.teller.lock().unwrap() = Some(teller.clone());
        let pictures = make("videotestsrc")?;
        pictures.set_property("is-live", true);
        pictures.set_property_from_str("pattern", "ball");
        let plug = make("capsfilter")?;
        self.plug.bind_property("caps", &plug, "caps").sync_create().build();
        let sounds = channels.map(embedded).unwrap_or_default();
        Ok(Sources { pictures: vec![pictures, plug, teller.clone()], sounds, signal: (teller, "silent") })
    }
}

fn filter(caps: &str) -> gst::Element {
    let filter = make("capsfilter").unwrap();
    filter.set_property_from_str("caps", caps);
    filter
}

/// Sound of so many channels, each of which can be told from the others.
fn embedded(channels: usize) -> Vec<gst::Element> {
    let sounds = make("audiotestsrc").unwrap();
    sounds.set_property("is-live", true);
    sounds.set_property("samplesperbuffer", 480);
    let raw = filter(&format!(
        "audio/x-raw,format=S16LE,rate=48000,channels={channels},layout=interleaved,channel-mask=(bitmask)0"
    ));
    let marked = make("identity").unwrap();
    marked.static_pad("src").unwrap().add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let mut samples = info.buffer_mut().unwrap().make_mut().map_writable().unwrap();
        for frame in samples.chunks_exact_mut(channels * 2) {
            for (channel, sample) in frame.chunks_exact_mut(2).enumerate() {
                sample.copy_from_slice(&level(channel).to_le_bytes());
            }
        }
        gst::PadProbeReturn::Ok
    });
    vec![sounds, raw, marked]
}

fn level(channel: usize) -> i16 {
    1000 * (i16::try_from(channel).unwrap() + 1)
}

fn card(channels: usize) -> Card {
    Card {
        name: "DeckLink Duo (2)".into(),
        model: "DeckLink Duo 2".into(),
        serial: Some("1A2B".into()),
        id: 77,
        channels,
        detects: true,
    }
}

/// A channel with an input of the rack.
struct Channel {
    clock: Clock,
    monitor: Monitor,
    pictures: LivePictures,
    sounds: LiveSounds,
    slot: u64,
}

impl Channel {
    fn on(rack: &Rack, pairs: u16) -> Self {
        let clock = Clock::from_system();
        let monitor = Monitor::new(clock.clone());
        let sound = SoundWish { pairs, card: None };
        let card = Decklink::by(rack.clone(), CardChoice::default(), sound, clock.clone(), monitor.clone());
        let (pictures, sounds) = card.begin(rate());
        let slot = rate().frame_at(clock.now());
        Self { clock, monitor, pictures, sounds, slot }
    }

    /// What the next slot shows, waited for as long as it lasts.
    fn next(&mut self) -> Result<Option<Shown>, Error> {
        self.slot += 1;
        self.pictures.take(self.slot, rate().nanos_of(self.slot + 1))
    }

    /// Runs until it is so.
    fn until(&mut self, what: &str, mut reached: impl FnMut(&mut Self, Option<Shown>) -> bool) {
        let end = Instant::now() + PATIENCE;
        loop {
            let shown = self.next().unwrap();
            if reached(self, shown) {
                return;
            }
            self.monitor.revision();
            assert!(Instant::now() < end, "never {what}: {:?}", self.monitor.report());
        }
    }

    fn until_state(&mut self, state: InputState) -> String {
        self.until(&format!("{state:?}"), |channel, _| channel.monitor.report().state == state);
        self.monitor.report().reason
    }
}

fn rate() -> FrameRate {
    FrameRate::new(50, 1).unwrap()
}

#[test]
fn fields_become_pictures_with_their_captions_and_a_loss_is_told() {
    let rack = Rack::new(Ok(vec![card(16)]));
    let mut channel = Channel::on(&rack, 1);
    let mut shown = 0;
    channel.until("20 pictures with captions", |_, picture| {
        shown += u32::from(picture.is_some_and(|picture| picture.captions.contains(&CAPTION)));
        shown == 20
    });
    channel.until_state(InputState::Ok);
    let report = channel.monitor.report();
    assert_eq!(report.device, "DeckLink Duo (2) (signal 720x576i50)");
    let format = report.format.unwrap();
    assert_eq!((format.height, format.rate, format.coding.as_str()), (576, rate(), "UYVY"));
    assert!(format.width > 720, "its pixels were not square: {}", format.width);

    rack.signal(false);
    assert_eq!(channel.until_state(InputState::NoSignal), "no signal at the input");
    let before = channel.monitor.report().frames_in;
    assert!(channel.next().unwrap().is_none(), "what comes meanwhile is noise");
    assert_eq!(channel.monitor.report().frames_in, before);
    rack.signal(true);
    channel.until("a picture again", |_, picture| picture.is_some());
    channel.until_state(InputState::Ok);

    rack.break_off();
    let reason = channel.until_state(InputState::NoSignal);
    assert!(reason.starts_with("DeckLink Duo (2): ") && reason.contains("hung itself up"), "{reason}");
}

#[test]
fn another_signal_is_followed() {
    let rack = Rack::new(Ok(vec![card(2)]));
    let mut channel = Channel::on(&rack, 1);
    channel.until_state(InputState::Ok);
    for (signal, name, lines) in [(PAL_10_BIT, "720x576i50", 576), (HD, "1280x720p50", 720)] {
        rack.plug_in(signal);
        channel.until(name, |channel, _| {
            let report = channel.monitor.report();
            report.device.ends_with(&format!("(signal {name})"))
                && report.format.is_some_and(|format| format.coding == "v210" && format.rate == rate())
        });
        channel.until("a picture of it", |_, picture| {
            picture.is_some_and(|picture| frame::size(&picture.frame).height == lines)
        });
    }
    channel.until_state(InputState::Ok);
}

#[test]
fn embedded_pairs_keep_apart() {
    let rack = Rack::new(Ok(vec![card(16)]));
    let mut channel = Channel::on(&rack, 4);
    let begin = media::ticks(channel.clock.now(), 48_000).next_multiple_of(480);
    let mut pairs = vec![Blocks::new(2, 480, begin, 0); 4];
    let near = |is: i16, wanted: i16| is.abs_diff(wanted) < 20;
    channel.until("four pairs", |channel, _| {
        channel.sounds.lay(&mut pairs, u64::MAX);
        let mut heard = Vec::new();
        while pairs.iter().all(Blocks::is_full) {
            heard = pairs.iter_mut().map(Blocks::take).collect();
        }
        !heard.is_empty()
            && heard.iter().enumerate().all(|(pair, samples)| {
                let is =
                    |frame: &[i16]| near(frame[0], level(2 * pair)) && near(frame[1], level(2 * pair + 1));
                samples.chunks_exact(2).all(is)
            })
    });
    assert_eq!(channel.monitor.report().sound, "embedded, 8 channels");
    assert!(!channel.sounds.is_silent(3) && channel.sounds.is_silent(4));
}

#[test]
fn a_card_that_comes_is_captured_and_one_that_is_missing_is_named() {
    let reason = "the DeckLink driver (Desktop Video) is not installed";
    let rack = Rack::new(Err(Absent::Missing(reason.into())));
    let mut channel = Channel::on(&rack, 1);
    assert_eq!(channel.until_state(InputState::NoDevice), reason);
    rack.set(Ok(vec![Card { detects: false, ..card(2) }]));
    assert!(channel.until_state(InputState::Unsupported).contains("cannot tell which signal"));
    rack.set(Ok(vec![card(0)]));
    channel.until_state(InputState::Ok);
    assert_eq!(channel.monitor.report().sound, "silence: the card has no sound");
}

#[test]
fn other_cards_than_the_driver_was_asked_for_need_another_worker() {
    let rack = Rack::new(Err(Absent::Stale));
    let mut channel = Channel::on(&rack, 1);
    let error = channel.next().unwrap_err().to_string();
    assert!(error.contains("DeckLink cards were plugged in or out"), "{error}");
}

#[test]
fn the_elements_of_this_gstreamer_take_what_they_are_told() {
    gst::init().unwrap();
    let sources = chain::sources(&card(16), Connection::OpticalSdi, Some(8)).unwrap();
    let [pictures, sounds] = [&sources.pictures[0], &sources.sounds[0]];
    let said = |element: &gst::Element, property: &str| {
        element.property_value(property).serialize().unwrap().to_string()
    };
    assert_eq!([said(pictures, "connection"), said(pictures, "mode")], ["optical-sdi", "auto"]);
    assert_eq!([said(pictures, "persistent-id"), said(sounds, "persistent-id")], ["77", "77"]);
    assert_eq!([said(sounds, "channels"), said(pictures, "output-cc")], ["8", "true"]);
    assert!(!sources.signal.0.property::<bool>(sources.signal.1));
    let every = [
        Connection::Auto,
        Connection::Sdi,
        Connection::Hdmi,
        Connection::Component,
        Connection::Composite,
        Connection::Svideo,
    ];
    for connection in every {
        let sources = chain::sources(&card(0), connection, None).unwrap();
        assert_eq!(said(&sources.pictures[0], "connection"), connection.name());
        assert!(sources.sounds.is_empty());
    }
}
