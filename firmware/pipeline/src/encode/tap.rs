//! What leaves an encoder, as samples of the channel's grid.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use channel::captions::Triplet;
use media::{Codec, Coding, FrameRate, Sample};

use super::{Encoded, Outlet, Picture, Plan};
use crate::captions;

/// Capture times are remembered for this many slots, far more than an encoder holds.
const REMEMBERED: usize = 256;

/// What is known of the pictures on their way through the encoders. Clones share it.
#[derive(Clone, Debug)]
pub struct OnTheirWay(Arc<Known>);

#[derive(Debug)]
struct Known {
    /// The slot of the first one; encoders count time from it, as some let their own time begin with their first picture.
    first: OnceLock<u64>,
    captured: [AtomicU64; REMEMBERED],
    /// With the slots that they belong to; few pictures have any.
    captions: Mutex<VecDeque<(u64, Arc<[Triplet]>)>>,
}

impl OnTheirWay {
    /// Nothing is on its way.
    pub fn new() -> Self {
        let captured = std::array::from_fn(|_| AtomicU64::new(0));
        Self(Arc::new(Known { first: OnceLock::new(), captured, captions: Mutex::default() }))
    }

    /// A picture is on its way. Gives the slots since the first.
    pub fn note(&self, picture: &Picture) -> u64 {
        let slot = picture.slot;
        self.at(slot).store(picture.captured, Ordering::Relaxed);
        if !picture.captions.is_empty() {
            let mut captions = self.captions();
            if captions.len() == REMEMBERED {
                captions.pop_front();
            }
            captions.push_back((slot, picture.captions.as_slice().into()));
        }
        slot - self.0.first.get_or_init(|| slot)
    }

    /// The slot of the picture `since` slots after the first, and when it was captured.
    fn find(&self, since: u64) -> Option<(u64, u64)> {
        let slot = self.0.first.get()? + since;
        Some((slot, self.at(slot).load(Ordering::Relaxed)))
    }

    /// What is said with the picture of `slot`.
    fn said(&self, slot: u64) -> Option<Arc<[Triplet]>> {
        self.captions().iter().find(|(at, _)| *at == slot).map(|(_, said)| Arc::clone(said))
    }

    fn captions(&self) -> MutexGuard<'_, VecDeque<(u64, Arc<[Triplet]>)>> {
        self.0.captions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn at(&self, slot: u64) -> &AtomicU64 {
        &self.0.captured[usize::try_from(slot % REMEMBERED as u64).unwrap_or(0)]
    }
}

/// Turns what leaves one encoder into samples.
pub struct Tap {
    track: u8,
    rate: FrameRate,
    on_their_way: OnTheirWay,
    out: Outlet,
    coding: Coding,
    codec: Option<(gst::Caps, Arc<Codec>)>,
}

impl Tap {
    /// The tap of the rendition at `track` of `plan`.
    pub fn new(plan: &Plan, track: usize, on_their_way: &OnTheirWay, out: &Outlet) -> Self {
        Self {
            track: u8::try_from(track).unwrap_or(u8::MAX),
            rate: plan.grid.rate,
            on_their_way: on_their_way.clone(),
            out: out.clone(),
            coding: plan.renditions[track].coding,
            codec: None,
        }
    }

    /// The end of the encoder's pipeline: takes length-prefixed access units with their parameter sets in the caps.
    pub fn sink(mut self) -> gst_app::AppSink {
        let (media_type, format) = match self.coding {
            Coding::H264 => ("video/x-h264", "avc"),
            Coding::H265 => ("video/x-h265", "hvc1"),
        };
        let caps =
            gst::Caps::builder(media_type).field("stream-format", format).field("alignment", "au").build();
        let take = move |sink: &gst_app::AppSink| {
            let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
            let encoded = self.encoded(&sample).ok_or(gst::FlowError::Error)?;
            self.out.send(encoded).map_err(|_| gst::FlowError::Eos)?;
            Ok(gst::FlowSuccess::Ok)
        };
        let callbacks = gst_app::AppSinkCallbacks::builder().new_sample(take).build();
        gst_app::AppSink::builder().caps(&caps).sync(false).callbacks(callbacks).build()
    }

    fn encoded(&mut self, sample: &gst::Sample) -> Option<Encoded> {
        let codec = self.codec(sample.caps()?)?;
        let buffer = sample.buffer()?;
        // Some encoders move their timestamps by 1000 hours and say so in the segment.
        let segment = sample.segment()?.downcast_ref::<gst::ClockTime>()?;
        let since = self.rate.frame_at(segment.to_running_time(buffer.pts()?)?.nseconds());
        let (slot, captured) = self.on_their_way.find(since)?;
        let duration = self.rate.frame_duration();
        let data = buffer.map_readable().ok()?;
        let data = match self.on_their_way.said(slot) {
            Some(said) => captions::insert(self.coding, &data, &said).into(),
            None => Bytes::copy_from_slice(&data),
        };
        let sample = Sample {
            decode_time: slot * u64::from(duration),
            duration,
            composition_offset: 0,
            sync: is_idr(self.coding, &data),
            filler: false,
            captured,
            data,
        };
        Some(Encoded { track: self.track, codec, sample })
    }

    fn codec(&mut self, caps: &gst::CapsRef) -> Option<Arc<Codec>> {
        if let Some((known, codec)) = &self.codec
            && known.as_ref() == caps
        {
            return Some(Arc::clone(codec));
        }
        let structure = caps.structure(0)?;
        let config = structure.get::<gst::Buffer>("codec_data").ok()?;
        let config = Bytes::copy_from_slice(&config.map_readable().ok()?);
        let pixels = |field| structure.get::<i32>(field).ok().and_then(|pixels| u16::try_from(pixels).ok());
        let (width, height, rate) = (pixels("width")?, pixels("height")?, self.rate);
        let codec = match self.coding {
            Coding::H264 => Codec::H264 { config, width, height, rate },
            Coding::H265 => Codec::H265 { config, width, height, rate },
        };
        let codec = match &self.codec {
            Some((_, known)) if stands_for(known, &codec) => Arc::clone(known),
            _ => Arc::new(codec),
        };
        self.codec = Some((caps.to_owned(), Arc::clone(&codec)));
        Some(codec)
    }
}

/// Whether viewers who have the parameters `known` can read what `new` says: the same but for a lower level and what
/// only describes the rate. Encoders whose bitrate is tuned say so in their parameter sets, which are also in the samples.
fn stands_for(known: &Codec, new: &Codec) -> bool {
    let ((Codec::H264 { config: before, .. }, Codec::H264 { config: now, .. })
    | (Codec::H265 { config: before, .. }, Codec::H265 { config: now, .. })) = (known, new)
    else {
        return false;
    };
    // ISO/IEC 14496-15, 5.3.3.1 and 8.3.3.1: version, profile and constraints, then the level.
    let level = if matches!(new, Codec::H264 { .. }) { 3 } else { 12 };
    let described = |config: &Bytes| Some((config.get(..level)?.to_vec(), *config.get(level)?));
    let (Some((before, highest)), Some((now, level))) = (described(before), described(now)) else {
        return false;
    };
    known.pictures() == new.pictures() && before == now && level <= highest
}

/// Whether an access unit is an IDR picture (Rec. ITU-T H.264, table 7-1: type 5; H.265, table 7-1: types 19 and 20). The
/// encoders' own word is not taken for it: those of the `va` plugin call a mere I-picture a key frame.
fn is_idr(coding: Coding, access_unit: &[u8]) -> bool {
    let mut rest = access_unit;
    while let Some((length, nal)) = rest.split_first_chunk::<4>() {
        let Some(&header) = nal.first() else { return false };
        let (nal_type, pictures, idr) = match coding {
            Coding::H264 => (header & 0x1f, 1..=5, 5..=5),
            Coding::H265 => (header >> 1 & 0x3f, 0..=31, 19..=20),
        };
        if pictures.contains(&nal_type) {
            return idr.contains(&nal_type);
        }
        rest = nal.get(u32::from_be_bytes(*length) as usize..).unwrap_or_default();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tuned_encoder_keeps_its_parameters_as_long_as_they_are_enough() {
        let rate = FrameRate::new(25, 1).unwrap();
        let h264 = |config: &[u8], width| Codec::H264 {
            config: Bytes::copy_from_slice(config),
            width,
            height: 360,
            rate,
        };
        let known = h264(&[1, 100, 0, 31, 0xff, 0xe1, 7], 640);
        assert!(stands_for(&known, &h264(&[1, 100, 0, 31, 0xff, 0xe1, 9], 640)), "another rate in its HRD");
        assert!(stands_for(&known, &h264(&[1, 100, 0, 30, 0xff, 0xe1, 9], 640)), "a lower level");
        assert!(!stands_for(&known, &h264(&[1, 100, 0, 32, 0xff, 0xe1, 9], 640)), "a higher level");
        assert!(!stands_for(&known, &h264(&[1, 77, 0, 31, 0xff, 0xe1, 9], 640)), "another profile");
        assert!(!stands_for(&known, &h264(&[1, 100, 0, 31, 0xff, 0xe1, 7], 642)), "another size");
        assert!(!stands_for(&known, &h264(&[1, 100], 640)));
        let mut hevc = [1, 1, 0x60, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 93, 0xf0];
        let h265 = |config: &[u8]| Codec::H265 {
            config: Bytes::copy_from_slice(config),
            width: 640,
            height: 360,
            rate,
        };
        let known = h265(&hevc);
        hevc[12] = 63;
        assert!(stands_for(&known, &h265(&hevc)) && !stands_for(&h265(&hevc), &known));
    }

    #[test]
    fn a_key_frame_is_one_that_decoding_can_begin_at() {
        let nal = |header: u8| [0, 0, 0, 2, header, 0xff];
        let unit = |headers: &[u8]| headers.iter().flat_map(|&header| nal(header)).collect::<Vec<_>>();
        assert!(is_idr(Coding::H264, &unit(&[0x09, 0x06, 0x65, 0x65])), "delimiter, SEI, IDR slices");
        assert!(!is_idr(Coding::H264, &unit(&[0x09, 0x06, 0x61])), "an I-picture is none");
        assert!(is_idr(Coding::H265, &unit(&[0x46, 0x4e, 0x26])), "delimiter, SEI, IDR_W_RADL");
        assert!(is_idr(Coding::H265, &unit(&[0x28])), "IDR_N_LP");
        assert!(!is_idr(Coding::H265, &unit(&[0x4e, 0x02])), "TRAIL_R");
        for cut in [&[][..], &[0, 0, 0], &[0, 0, 0, 9, 0x06, 0xff], &unit(&[0x06])] {
            assert!(!is_idr(Coding::H264, cut), "{cut:?}");
        }
    }
}
