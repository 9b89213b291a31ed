//! A worker's life: greet `riserd`, look for the input, encode it until told to stop.

use std::{
    io::{Read, Write},
    net::Shutdown,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, sync_channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use bytes::BytesMut;
use channel::levels::Meter;
use clock::Clock;
use link::{Decoder, Failed, FromWorker, Hello, Start, ToWorker, Tracks, Trying, Unable, wire::Message};
use media::{Codec, Position, Sound, Track};

use crate::{
    encode::{self, BLOCK, Chosen, Encoded, Plan, SoundEncoder},
    error::Error,
    monitor::Monitor,
    pace::{self, Pace, SoundTrack, StandIn},
    slate,
    source::Source,
};

/// Encoded samples that may wait for the socket: two seconds of a channel of five tracks at 50 frames/s.
const WAITING: usize = 512;
/// From the moment the encoders stand to the first slot.
const RUN_UP: u64 = 15_000_000;
/// How often the state of the input is looked at, and how often it is sent when nothing changed.
const ROUND: Duration = Duration::from_millis(50);
const REPORT: Duration = Duration::from_secs(1);
/// The slate is encoded when the channel has run this long, not to slow its start.
const SLATE_AFTER: Duration = Duration::from_millis(1500);

/// Runs one worker to its end.
pub fn run(socket: &Path) -> Result<(), Error> {
    gst::init().map_err(Error::Gstreamer)?;
    let mut wire = Wire::connect(socket)?;
    wire.send(&FromWorker::Hello(Hello { version: link::VERSION, pid: std::process::id() }))?;
    match work(&mut wire) {
        Err(error @ (Error::Closed | Error::Socket { .. })) => Err(error),
        Err(error) => {
            wire.send(&FromWorker::Failed(Failed {
                reason: error.to_string(),
                encoder: error.is_encoders(),
            }))?;
            Err(error)
        }
        Ok(()) => Ok(()),
    }
}

fn work(wire: &mut Wire) -> Result<(), Error> {
    let ToWorker::Open { choice, name, sound } = wire.receive()? else { return Err(Error::Closed) };
    let clock = Clock::from_system();
    let monitor = Monitor::new(clock.clone());
    let source = Source::open(&choice, &name, &sound, &clock, &monitor);
    wire.send(&FromWorker::Input(Box::new(monitor.report())))?;
    let Some((start, chosen)) = choose(wire)? else { return Ok(()) };
    clock.set_offset(start.clock.offset);

    let stop = Arc::new(AtomicBool::new(false));
    let pace = Pace { clock, stop: Arc::clone(&stop), monitor, tuning: Arc::default() };
    let listener = wire.listen(&pace)?;
    let ended = encode(wire, &start, chosen, (source, usize::from(sound.pairs)), &pace);
    stop.store(true, Ordering::Relaxed);
    wire.hang_up();
    join(listener)?;
    ended
}

/// What to encode and by which family; none if told to stop before. Where no family works `riserd` thinks of something else.
fn choose(wire: &mut Wire) -> Result<Option<(Box<Start>, Chosen)>, Error> {
    while let Some(start) = wait_for_start(wire)? {
        let tried = encode::choose(&start.families, &plan(&start), |family, refused| {
            wire.send(&FromWorker::Trying(Trying { family: family.to_owned(), refused: refused.to_vec() }))
        });
        match tried {
            Ok(chosen) => return Ok(Some((start, chosen))),
            Err(Error::NoFamily(last)) => {
                wire.send(&FromWorker::Unable(Unable { reason: Error::NoFamily(last).to_string() }))?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

fn plan(start: &Start) -> Plan {
    Plan {
        grid: start.grid,
        renditions: start.renditions.clone(),
        software_budget: start.software_budget,
        rate_control: start.rate_control,
    }
}

/// What to encode; none if told to stop before. `riserd` tells the time meanwhile, and again with the start.
fn wait_for_start(wire: &mut Wire) -> Result<Option<Box<Start>>, Error> {
    loop {
        match wire.receive()? {
            ToWorker::Start(start) => return Ok(Some(start)),
            ToWorker::Stop => return Ok(None),
            ToWorker::Open { .. } | ToWorker::Clock(_) | ToWorker::Tune(_) => {}
        }
    }
}

/// Starts the encoders and their loops and sends what they give, until stopped or broken.
fn encode(
    wire: &mut Wire,
    start: &Start,
    chosen: Chosen,
    (source, pairs): (Source, usize),
    pace: &Pace,
) -> Result<(), Error> {
    let (grid, rate) = (start.grid, start.grid.rate);
    let (out, encoded) = sync_channel(WAITING);
    let ladder = (chosen.build)(&plan(start), &out)?;
    pace.tune(start.tuning.clone());
    let encoder = ladder.describe();
    let stand_in = StandIn::for_renditions(&start.renditions, &start.name)?;

    let mut sound_tracks = sound_tracks(start, &out)?;
    drop(out);

    let first = grid.next_part(pace.clock.now() + RUN_UP);
    let first_slot = grid.first_frame(first);
    let sound_rate = start.sounds[0].sample_rate;
    let first_block = grid.line(first, sound_rate).next_multiple_of(u64::from(BLOCK));
    sound_tracks.iter_mut().for_each(|track| track.encoder.begin(first_block));
    let (pictures, sounds) = source.begin(rate, first_slot, &pace.monitor)?;

    let picture_loop = spawn("pictures", pace, move |pace| {
        pace::pictures(pace, &grid, first_slot, pictures, ladder, stand_in)
    });
    let sound_loop = spawn("sound", pace, move |pace| {
        pace::sound(pace, sound_rate, first_block, pairs, sounds, sound_tracks)
    });
    let (slate_out, slates) = sync_channel(1);
    let (slate_start, build) = (start.clone(), Arc::clone(&chosen.build));
    let slate_maker = spawn("slate", pace, move |pace| {
        let begun = Instant::now();
        while begun.elapsed() < SLATE_AFTER && !pace.stop.load(Ordering::Relaxed) {
            thread::sleep(ROUND);
        }
        if !pace.stop.load(Ordering::Relaxed) {
            // The receiver is gone only when the worker ends, and then nobody needs a slate.
            let _ = slate_out.send(slate::encode(&slate_start, &build)?);
        }
        Ok(())
    });

    let codecs = vec![None; start.renditions.len() + start.sounds.len()];
    let mut sender = Sender { start, chosen, encoder, first, codecs, held: Vec::new() };
    let sent = sender.run(wire, &encoded, &slates, pace);
    pace.stop.store(true, Ordering::Relaxed);
    if let Err(Error::EncoderHangs { .. }) = sent {
        // A thread that a driver does not let go of cannot be joined; the process ends and takes it along.
        return sent;
    }
    // Whatever is still on its way is sent, so that the loops can end.
    let drained = sent.and_then(|()| encoded.iter().try_for_each(|encoded| sender.send(wire, encoded)));
    drop(encoded);
    let joined = [picture_loop, sound_loop, slate_maker].map(join);
    joined.into_iter().collect::<Result<(), _>>().and(drained)
}

/// An encoder for every sound.
fn sound_tracks(start: &Start, out: &encode::Outlet) -> Result<Vec<SoundTrack>, Error> {
    let track = |(nth, sound): (usize, &Sound)| {
        let index = u8::try_from(start.renditions.len() + nth).unwrap_or(u8::MAX);
        let encoder = SoundEncoder::start(sound, index, out.clone())?;
        Ok(SoundTrack { pair: usize::from(sound.pair) - 1, meter: Meter::new(), encoder })
    };
    start.sounds.iter().enumerate().map(track).collect()
}

fn spawn<F>(name: &str, pace: &Pace, run: F) -> JoinHandle<Result<(), Error>>
where
    F: FnOnce(&Pace) -> Result<(), Error> + Send + 'static,
{
    let pace = pace.clone();
    let run = move || {
        let mut alone = Alone { stop: &pace.stop, well: false };
        let ended = run(&pace);
        alone.well = ended.is_ok();
        drop(alone);
        ended
    };
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(run)
        .expect("a thread can be started at the worker's start")
}

/// One loop that breaks or panics takes the others with it.
struct Alone<'a> {
    stop: &'a AtomicBool,
    well: bool,
}

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        if !self.well {
            self.stop.store(true, Ordering::Relaxed);
        }
    }
}

fn join(thread: JoinHandle<Result<(), Error>>) -> Result<(), Error> {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Sends samples; the first ones are held back until the codec parameters of every track are known.
struct Sender<'a> {
    start: &'a Start,
    chosen: Chosen,
    encoder: String,
    first: Position,
    codecs: Vec<Option<Arc<Codec>>>,
    held: Vec<Encoded>,
}

impl Sender<'_> {
    fn run(
        &mut self,
        wire: &mut Wire,
        encoded: &Receiver<Encoded>,
        slates: &Receiver<Vec<Encoded>>,
        pace: &Pace,
    ) -> Result<(), Error> {
        let mut reported = (0, Instant::now());
        // `riserd` waits for the first ones.
        let mut last_samples = vec![None::<Instant>; self.codecs.len()];
        while !pace.stop.load(Ordering::Relaxed) {
            match encoded.recv_timeout(ROUND) {
                Ok(encoded) => {
                    last_samples[usize::from(encoded.track)] = Some(Instant::now());
                    self.send(wire, encoded)?;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            let quiet = |last: &Option<Instant>| last.map_or(Duration::ZERO, |last| last.elapsed());
            let hangs = |last: &Option<Instant>| quiet(last) > self.chosen.patience;
            if let Some(track) = last_samples.iter().position(hangs) {
                let rendition = self.name(u8::try_from(track).unwrap_or(u8::MAX));
                return Err(Error::EncoderHangs { rendition, quiet: quiet(&last_samples[track]) });
            }
            // It is compared with the live parameters, which a slow machine may have later.
            if self.codecs.iter().all(Option::is_some)
                && let Ok(slate) = slates.try_recv()
            {
                self.send_slate(wire, slate)?;
            }
            if let Some(levels) = pace.monitor.take_levels() {
                wire.send(&FromWorker::Levels(levels))?;
            }
            let revision = pace.monitor.revision();
            if revision != reported.0 || reported.1.elapsed() > REPORT {
                reported = (revision, Instant::now());
                wire.send(&FromWorker::Input(Box::new(pace.monitor.report())))?;
            }
        }
        Ok(())
    }

    fn send(&mut self, wire: &mut Wire, encoded: Encoded) -> Result<(), Error> {
        match &self.codecs[usize::from(encoded.track)] {
            Some(known) if Arc::ptr_eq(known, &encoded.codec) || *known == encoded.codec => {}
            Some(_) => {
                let rendition = self.name(encoded.track);
                return Err(Error::Encoder { rendition, reason: "changed its codec parameters".to_owned() });
            }
            None => {
                self.codecs[usize::from(encoded.track)] = Some(Arc::clone(&encoded.codec));
                self.held.push(encoded);
                if self.codecs.iter().all(Option::is_some) {
                    self.announce(wire)?;
                }
                return Ok(());
            }
        }
        if self.codecs.iter().any(Option::is_none) {
            self.held.push(encoded);
            return Ok(());
        }
        wire.send(&FromWorker::Sample { track: encoded.track, sample: encoded.sample })
    }

    fn announce(&mut self, wire: &mut Wire) -> Result<(), Error> {
        let codecs: Vec<Codec> = self.codecs.iter().flatten().map(|codec| Codec::clone(codec)).collect();
        let track = |(index, codec): (usize, Codec)| {
            let rendition = self.start.renditions.get(index);
            let sound = self.sound(index);
            let timescale = match &codec {
                Codec::H264 { rate, .. } | Codec::H265 { rate, .. } => rate.timescale(),
                Codec::Aac { sample_rate, .. } => *sample_rate,
            };
            Track {
                name: self.name(u8::try_from(index).unwrap_or(u8::MAX)),
                timescale,
                bitrate: rendition
                    .map_or(sound.map_or(0, |sound| sound.bitrate), |rendition| rendition.bitrate),
                language: sound.and_then(|sound| sound.language.clone()),
                captions: if rendition.is_some() { self.start.captions.clone() } else { Vec::new() },
                codec,
            }
        };
        let tracks = codecs.into_iter().enumerate().map(track).collect();
        wire.send(&FromWorker::Tracks(Tracks {
            tracks,
            first: self.first,
            family: self.chosen.family.to_owned(),
            encoder: self.encoder.clone(),
        }))?;
        std::mem::take(&mut self.held)
            .into_iter()
            .try_for_each(|held| wire.send(&FromWorker::Sample { track: held.track, sample: held.sample }))
    }

    /// Sends the slate if it was made with the parameters of the live encoders.
    fn send_slate(&self, wire: &mut Wire, slate: Vec<Encoded>) -> Result<(), Error> {
        let same =
            |encoded: &Encoded| self.codecs[usize::from(encoded.track)].as_ref() == Some(&encoded.codec);
        if let Some(other) = slate.iter().find(|encoded| !same(encoded)) {
            tracing::error!(
                track = self.name(other.track),
                "the slate's codec parameters differ from the live ones"
            );
            return Ok(());
        }
        slate.into_iter().try_for_each(|encoded| {
            wire.send(&FromWorker::Slate { track: encoded.track, sample: encoded.sample })
        })
    }

    fn name(&self, track: u8) -> String {
        let rendition = self.start.renditions.get(usize::from(track)).map(|rendition| &rendition.name);
        rendition.or(self.sound(usize::from(track)).map(|sound| &sound.name)).cloned().unwrap_or_default()
    }

    /// The sound that is this track.
    fn sound(&self, track: usize) -> Option<&Sound> {
        track.checked_sub(self.start.renditions.len()).and_then(|nth| self.start.sounds.get(nth))
    }
}

/// The socket to `riserd`.
struct Wire {
    path: PathBuf,
    stream: UnixStream,
    decoder: Decoder,
    scratch: BytesMut,
}

impl Wire {
    fn connect(path: &Path) -> Result<Self, Error> {
        let socket = |source| Error::Socket { path: path.to_owned(), source };
        let stream = UnixStream::connect(path).map_err(socket)?;
        Ok(Self { path: path.to_owned(), stream, decoder: Decoder::default(), scratch: BytesMut::new() })
    }

    fn send(&mut self, message: &FromWorker) -> Result<(), Error> {
        self.scratch.clear();
        message.encode(&mut self.scratch);
        self.stream.write_all(&self.scratch).map_err(|source| self.error(source))
    }

    fn receive(&mut self) -> Result<ToWorker, Error> {
        receive(&mut self.stream, &mut self.decoder, &self.path)
    }

    /// Listens for what `riserd` says from now on: the clock, and when to stop.
    fn listen(&mut self, pace: &Pace) -> Result<JoinHandle<Result<(), Error>>, Error> {
        let mut stream = self.stream.try_clone().map_err(|source| self.error(source))?;
        let (mut decoder, path) = (std::mem::take(&mut self.decoder), self.path.clone());
        Ok(spawn("listener", pace, move |pace| {
            loop {
                match receive(&mut stream, &mut decoder, &path) {
                    Ok(ToWorker::Clock(clock)) => pace.clock.set_offset(clock.offset),
                    Ok(ToWorker::Tune(tuning)) => pace.tune(tuning),
                    Ok(ToWorker::Stop) | Err(Error::Closed | Error::Socket { .. }) => {
                        pace.stop.store(true, Ordering::Relaxed);
                        return Ok(());
                    }
                    Ok(ToWorker::Open { .. } | ToWorker::Start(_)) => {}
                    Err(error) => return Err(error),
                }
            }
        }))
    }

    /// Ends the listener; what was sent still arrives.
    fn hang_up(&self) {
        // A socket that is closed already needs no closing.
        let _ = self.stream.shutdown(Shutdown::Read);
    }

    fn error(&self, source: std::io::Error) -> Error {
        Error::Socket { path: self.path.clone(), source }
    }
}

fn receive(stream: &mut UnixStream, decoder: &mut Decoder, path: &Path) -> Result<ToWorker, Error> {
    loop {
        if let Some(message) = decoder.message()? {
            return Ok(message);
        }
        let mut bytes = [0; 4096];
        let count =
            stream.read(&mut bytes).map_err(|source| Error::Socket { path: path.to_owned(), source })?;
        if count == 0 {
            return Err(Error::Closed);
        }
        decoder.buffer().extend_from_slice(&bytes[..count]);
    }
}
