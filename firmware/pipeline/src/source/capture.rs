//! One capture of a camera: its pictures and its sound by GStreamer, and its signal by the driver, until it breaks off.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use channel::mode::Mode;
use gst::prelude::*;
use gst_video::VideoInfo;
use link::PictureFormat;
use media::FrameRate;

use super::{
    SYS,
    card::Card,
    coding::{self, make},
    live::Shared,
    paired, probe, sighting,
    signal::{self, Signal},
    watch::News,
};
use crate::{bus, error::Error, frame, monitor::Count};

/// How often it is looked whether pictures arrive and the pipelines run: nothing outside this process is asked.
const ROUND: Duration = Duration::from_millis(250);
/// A driver that tells of changes of its signal is asked all the same, for those it forgets.
const SELDOM: Duration = Duration::from_secs(5);
/// How often one is asked that does not.
const OFTEN: Duration = Duration::from_secs(1);

/// Why a capture broke off.
#[derive(Debug)]
pub enum Break {
    /// There are no pictures any more, because of this.
    Lost(String),
    /// The signal is another one, which is to be captured at once.
    Changed(String),
}

/// Captures one camera until the worker ends, or it breaks off before.
pub fn capture(shared: &Arc<Shared>, camera: &probe::Camera) -> Result<(), Break> {
    let lost = |reason: &str| Break::Lost(reason.to_owned());
    let mut input = signal::Input::open(&camera.device)
        .inspect_err(|error| tracing::info!(device = %camera.device.display(), %error, "signal not watched"))
        .ok();
    // Where the receiver could not be set to it, it is no reason to begin anew.
    let begun = input.as_ref().and_then(signal::Input::timings);
    let changed = |input: Option<&signal::Input>| {
        let seen = input.and_then(signal::Input::timings)?;
        let known = [camera.signal, begun].contains(&Some(seen));
        (!known).then(|| Break::Changed(format!("its signal is {seen} now")))
    };
    shared.arrivals.begin();
    watch(shared, input.as_ref()).map_err(lost)?;
    let pictures =
        picture_pipeline(shared, camera).and_then(started).map_err(|error| Break::Lost(error.to_string()))?;
    let tell_sound = |sounds: &Option<Card>, words: &str| {
        shared.monitor.found(&title(camera), format(camera), words);
        shared.is_sounding(sounds.as_ref().map_or(0, Card::channels));
    };
    let (mut sounds, words) = sound(shared, camera);
    tell_sound(&sounds, &words);
    shared.monitor.is_run(camera.identity.as_ref(), &camera.why);
    let (mut asked, mut broken) = (Instant::now(), 0);
    while !shared.ended() {
        let News { devices, input: told } = shared.watch.wait(input.as_ref(), ROUND);
        let warnings = pictures.warnings();
        (broken..warnings).for_each(|_| shared.monitor.count(Count::Broken));
        broken = warnings;
        if let Some(reason) = pictures.failure() {
            // The driver may refuse to change to a new signal while it is captured.
            return Err(changed(input.as_ref()).unwrap_or(Break::Lost(reason)));
        }
        if devices {
            if !camera.device.exists() {
                return Err(lost("was unplugged"));
            }
            shared.monitor.sighted(&sighting::all(Path::new(SYS)));
            // Of a camera that is plugged in, the pictures may come before the sound.
            if sounds.is_none() {
                let words;
                (sounds, words) = sound(shared, camera);
                tell_sound(&sounds, &words);
            }
        }
        if let Some(reason) = sounds.as_ref().and_then(Card::failure) {
            tracing::warn!(reason, "the camera's sound has ended");
            sounds = None;
            tell_sound(&sounds, &format!("silence: the camera's sound has ended: {reason}"));
        }
        shared.arrivals.check();
        if told {
            input.iter_mut().for_each(signal::Input::take_events);
        }
        let often = input.as_ref().is_some_and(|input| !input.is_subscribed());
        if !told && asked.elapsed() < if often { OFTEN } else { SELDOM } {
            continue;
        }
        asked = Instant::now();
        watch(shared, input.as_ref()).map_err(lost)?;
        if let Some(changed) = changed(input.as_ref()) {
            return Err(changed);
        }
    }
    Ok(())
}

/// Looks at the signal, where that is possible.
fn watch(shared: &Shared, input: Option<&signal::Input>) -> Result<(), &'static str> {
    match input.map_or(Signal::There, signal::Input::signal) {
        Signal::There => shared.arrivals.signal_there(),
        Signal::Lost(words) => shared.arrivals.signal_lost(words),
        Signal::Gone => return Err("does not answer any more"),
    }
    Ok(())
}

/// The camera, its node and its signal, as a person would name it.
pub fn title(camera: &probe::Camera) -> String {
    let signal = camera.signal.map(|signal| format!(", signal {signal}")).unwrap_or_default();
    let model = camera.identity.as_ref().map_or("camera", |identity| &identity.model);
    format!("{model} ({}{signal})", camera.device.display())
}

/// What the camera gives once its fields have become whole pictures.
pub fn format(camera: &probe::Camera) -> PictureFormat {
    let Mode { coding, width, height, rate } = camera.mode.clone();
    let fields = camera.signal.is_some_and(|signal| signal.interlaced);
    // One picture for each field: 1080i50 moves fifty times a second.
    let doubled = FrameRate::new(rate.num() * 2, rate.den()).ok().filter(|_| fields);
    PictureFormat { width, height, rate: doubled.unwrap_or(rate), coding }
}

/// The sound of the card that is wanted, or the camera's own, where it can be had, and what to say of it.
fn sound(shared: &Arc<Shared>, camera: &probe::Camera) -> (Option<Card>, String) {
    let own = || paired::sound_card(Path::new(SYS), &camera.device);
    let Some(name) = shared.sound.card.clone().or_else(own) else {
        return (None, "silence: the camera has no sound".to_owned());
    };
    match Card::open(shared, &name) {
        Ok(card) => {
            let channels = card.channels();
            let words = format!("ALSA {name}, {channels} channels");
            let words = super::told(&words, channels.div_ceil(2), usize::from(shared.sound.pairs));
            (Some(card), words)
        }
        Err(error) => {
            tracing::warn!(card = name, %error, "no sound from the camera's card");
            (None, format!("silence: ALSA {name} cannot be opened"))
        }
    }
}

fn started(pipeline: bus::Pipeline) -> Result<bus::Pipeline, Error> {
    pipeline.play().map(|()| pipeline)
}

fn picture_pipeline(shared: &Arc<Shared>, camera: &probe::Camera) -> Result<bus::Pipeline, Error> {
    let source = make("v4l2src")?;
    source.set_property_from_str("device", &camera.device.to_string_lossy());
    let filter = make("capsfilter")?;
    filter.set_property("caps", coding::caps(&camera.mode));
    let mut chain = vec![source, filter];
    chain.extend(coding::decoder(&camera.mode.coding)?);
    // Pictures that need no conversion lie in the driver's memory, and keep the camera taken while they are shown.
    let is_lent = camera.mode.coding == "YU12";
    chain.extend(picture_tail(shared, is_lent)?);
    live("capture", &chain)
}

/// The elements between raw pictures and the arrivals: whole pictures with square pixels are made of them. `is_lent`: as they
/// come they lie in the memory of a driver, which waits for it.
pub(super) fn picture_tail(shared: &Arc<Shared>, is_lent: bool) -> Result<Vec<gst::Element>, Error> {
    let shared = Arc::clone(shared);
    let take = move |sink: &gst_app::AppSink| {
        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
        let captured = shared.captured(sink, &sample).ok_or(gst::FlowError::Error)?;
        let info = sample
            .caps()
            .and_then(|caps| VideoInfo::from_caps(caps).ok())
            .ok_or(gst::FlowError::NotNegotiated)?;
        let buffer = match sample.buffer().ok_or(gst::FlowError::Error)? {
            lent if is_lent => lent.copy_deep().map_err(|_| gst::FlowError::Error)?,
            own => own.to_owned(),
        };
        drop(sample);
        let (frame, captions) = frame::arrived(buffer, &info).map_err(|_| gst::FlowError::Error)?;
        shared.arrivals.picture(captured, frame, &captions);
        Ok(gst::FlowSuccess::Ok)
    };
    let callbacks = gst_app::AppSinkCallbacks::builder().new_sample(take).build();
    let sink = gst_app::AppSink::builder().caps(&frame::caps()).sync(false).callbacks(callbacks).build();
    Ok(vec![make("deinterlace")?, make("videoconvert")?, make("videoscale")?, sink.upcast()])
}

/// A pipeline whose timestamps are readings of the system's monotonic clock.
pub(super) fn live(what: &'static str, chain: &[gst::Element]) -> Result<bus::Pipeline, Error> {
    let pipeline = bus::Pipeline::new(what);
    pipeline.add(&chain.iter().collect::<Vec<_>>())?;
    pipeline.inner().use_clock(Some(&gst::SystemClock::obtain()));
    Ok(pipeline)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::timings::Timings;

    #[test]
    fn a_signal_in_fields_is_shown_with_a_picture_for_each() {
        let rate = |text: &str| text.parse::<FrameRate>().unwrap();
        let told = |pictures: &str, interlaced: bool| {
            let (width, height) = (1920, 1080);
            let signal = Timings { width: width.into(), height: height.into(), interlaced, rate: None };
            let mode = Mode { coding: "UYVY".to_owned(), width, height, rate: rate(pictures) };
            let camera = probe::Camera {
                device: "/dev/video0".into(),
                identity: None,
                mode,
                why: String::new(),
                signal: Some(signal),
            };
            format(&camera).rate
        };
        assert_eq!(told("25", true), rate("50"));
        assert_eq!(told("30000/1001", true), rate("60000/1001"));
        assert_eq!(told("50", false), rate("50"));
    }
}
