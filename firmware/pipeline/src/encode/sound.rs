//! AAC by `avenc_aac`.
//!
//! The encoder holds back one block and does not correct its timestamps, so its n-th packet decodes to the block
//! before the n-th: packets are stamped by count, the first (the encoder's own run-in) is left out.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use gst::prelude::*;
use media::{Codec, NANOS, Sample, Sound};

use super::{Encoded, Outlet};
use crate::{bus, error::Error};

/// Sample frames in one AAC-LC access unit.
pub const BLOCK: u32 = 1024;

/// The sound encoder of a channel.
#[derive(Debug)]
pub struct SoundEncoder {
    source: gst_app::AppSrc,
    pipeline: bus::Pipeline,
    sound: Sound,
    first: Arc<OnceLock<u64>>,
    pushed: u64,
}

impl SoundEncoder {
    /// Starts the encoder, which takes a moment, before it is known where its samples begin.
    pub fn start(sound: &Sound, track: u8, out: Outlet) -> Result<Self, Error> {
        let caps = gst::Caps::builder("audio/x-raw")
            .field("format", "S16LE")
            .field("layout", "interleaved")
            .field("rate", sound.sample_rate.cast_signed())
            .field("channels", i32::from(sound.channels))
            .build();
        let source = gst_app::AppSrc::builder()
            .caps(&caps)
            .format(gst::Format::Time)
            .max_buffers(64)
            .block(true)
            .build();
        let convert =
            gst::ElementFactory::make("audioconvert").build().map_err(|_| Error::Element("audioconvert"))?;
        let encoder = gst::ElementFactory::make("avenc_aac")
            .property("bitrate", sound.bitrate.cast_signed())
            .build()
            .map_err(|_| Error::Element("avenc_aac"))?;
        let sink_caps =
            gst::Caps::builder("audio/mpeg").field("mpegversion", 4).field("stream-format", "raw").build();
        let first = Arc::new(OnceLock::new());
        let mut tap =
            Tap { track, sound: sound.clone(), first: Arc::clone(&first), packets: 0, out, codec: None };
        let take = move |sink: &gst_app::AppSink| {
            let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
            tap.take(&sample)
        };
        let callbacks = gst_app::AppSinkCallbacks::builder().new_sample(take).build();
        let sink = gst_app::AppSink::builder().caps(&sink_caps).sync(false).callbacks(callbacks).build();
        let pipeline = bus::Pipeline::chain(
            "sound encoder",
            &[source.upcast_ref(), &convert, &encoder, sink.upcast_ref()],
        )?;
        pipeline.play()?;
        Ok(Self { source, pipeline, sound: sound.clone(), first, pushed: 0 })
    }

    /// The first sample is that of the block which begins at `first` (sample frames since the epoch). Blocks are
    /// pushed from one before `first`.
    pub fn begin(&mut self, first: u64) {
        // An encoder begins once.
        let _ = self.first.set(first);
    }

    /// Encodes the next block: [`BLOCK`] interleaved sample frames.
    pub fn push(&mut self, block: Vec<i16>) -> Result<(), Error> {
        if let Some(reason) = self.pipeline.failure() {
            return Err(error(reason));
        }
        let bytes: Vec<u8> = block.into_iter().flat_map(i16::to_le_bytes).collect();
        let mut buffer = gst::Buffer::from_slice(bytes);
        let timed = buffer.make_mut();
        let nanos = |blocks: u64| blocks * u64::from(BLOCK) * NANOS / u64::from(self.sound.sample_rate);
        timed.set_pts(gst::ClockTime::from_nseconds(nanos(self.pushed)));
        timed.set_duration(gst::ClockTime::from_nseconds(nanos(self.pushed + 1) - nanos(self.pushed)));
        self.pushed += 1;
        self.source.push_buffer(buffer).map(|_| ()).map_err(|flow| error(format!("{flow:?}")))
    }

    /// Ends the encoder after what was pushed has come out.
    pub fn finish(self) -> Result<(), Error> {
        let ended = self.source.end_of_stream().map(|_| ()).map_err(|flow| format!("{flow:?}"));
        ended.and_then(|()| self.pipeline.wait_for_end()).map_err(error)
    }
}

fn error(reason: String) -> Error {
    Error::Sound(reason)
}

struct Tap {
    track: u8,
    sound: Sound,
    first: Arc<OnceLock<u64>>,
    /// Packets that came out so far. The first is the run-in; the second decodes to the block before `first`.
    packets: u64,
    out: Outlet,
    codec: Option<Arc<Codec>>,
}

impl Tap {
    fn take(&mut self, sample: &gst::Sample) -> Result<gst::FlowSuccess, gst::FlowError> {
        let packet = self.packets;
        self.packets += 1;
        if packet < 2 {
            return Ok(gst::FlowSuccess::Ok);
        }
        let codec = self.codec(sample).ok_or(gst::FlowError::NotNegotiated)?;
        let data =
            sample.buffer().and_then(|buffer| buffer.map_readable().ok()).ok_or(gst::FlowError::Error)?;
        let first = self.first.get().ok_or(gst::FlowError::Error)?;
        let decode_time = first + (packet - 2) * u64::from(BLOCK);
        let sample = Sample {
            decode_time,
            duration: BLOCK,
            composition_offset: 0,
            sync: true,
            filler: false,
            captured: media::nanos(decode_time, self.sound.sample_rate),
            data: Bytes::copy_from_slice(&data),
        };
        let encoded = Encoded { track: self.track, codec, sample };
        self.out.send(encoded).map(|()| gst::FlowSuccess::Ok).map_err(|_| gst::FlowError::Eos)
    }

    fn codec(&mut self, sample: &gst::Sample) -> Option<Arc<Codec>> {
        if self.codec.is_none() {
            let config = sample.caps()?.structure(0)?.get::<gst::Buffer>("codec_data").ok()?;
            let config = Bytes::copy_from_slice(&config.map_readable().ok()?);
            let Sound { sample_rate, channels, .. } = self.sound;
            self.codec = Some(Arc::new(Codec::Aac { config, sample_rate, channels }));
        }
        self.codec.clone()
    }
}
