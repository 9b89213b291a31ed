//! What a segment's chunks hold.

use std::ops::Range;

use bytes::Bytes;
use media::{Event, Sample};
use mp4_atom::{Emsg, EmsgTimestamp, FourCC, Mfhd, Prft, ReferenceTime, Styp, Tfdt, Tfhd, Trun, TrunEntry};

use super::{
    boxes::{Boxes, RawBox},
    init::{Defaults, InitTrack},
};
use crate::{Error, ntp};

/// Samples in one chunk; a whole minute at 240 frames/s has a quarter of it.
const MAX_SAMPLES: u32 = 1 << 16;
/// `sample_is_non_sync_sample` (ISO/IEC 14496-12, 8.8.3.1).
const IS_NON_SYNC: u32 = 0x0001_0000;

/// A chunk of a segment: one `moof` and the `mdat` that follows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkInfo {
    /// Its bytes in the segment, from `styp` or `prft` where it has one to the end of its `mdat`.
    pub range: Range<usize>,
    /// A `styp` before it says that a segment begins here.
    pub first_of_segment: bool,
    /// A `styp` before it says that this is the track's last segment (brand `lmsg`).
    pub last_of_track: bool,
    /// Sequence number (`mfhd`).
    pub sequence: u32,
    /// Its track.
    pub track_id: u32,
    /// Decode time of its first sample, in ticks (`tfdt`).
    pub decode_time: u64,
    /// What its `prft` says, where it has one.
    pub reference: Option<ProducerReference>,
    /// Its samples in decode order; none is empty.
    pub samples: Vec<SampleInfo>,
}

/// Wall-clock time of one instant of the track (`prft`, ISO/IEC 14496-12, 8.16.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerReference {
    /// Presentation time in ticks.
    pub media_time: u64,
    /// The instant: nanoseconds since the Unix epoch.
    pub nanos: u64,
    /// The instant is that of capture or of arrival at the encoder (flags 24 or 0), not a later or arbitrary one.
    pub captured: bool,
}

/// A sample of a chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleInfo {
    /// Ticks of the track's timescale.
    pub decode_time: u64,
    /// Ticks it lasts.
    pub duration: u32,
    /// Presentation time less decode time, in ticks.
    pub composition_offset: i32,
    /// Decoding can begin here.
    pub sync: bool,
    /// Its payload in the segment.
    pub payload: Range<usize>,
}

/// Reads the chunks of a segment, or of any whole number of chunks.
///
/// Chunks must say all there is to say of their samples, as CMAF wants it; see [`read_samples`] for others.
///
/// # Errors
/// The first box that is missing, cut short, malformed or not of CMAF, with its offset in `segment`.
pub fn read_segment(segment: &[u8]) -> Result<Vec<ChunkInfo>, Error> {
    chunks(segment, None)
}

/// Reads one track's samples of a segment, without copying their payload; fields that the chunks leave out
/// come from the init segment.
///
/// [`Sample::captured`] counts from the chunk's `prft`, where it says when something was captured, else it is the
/// presentation time taken as time since the epoch. [`Sample::filler`] is not in the segment and is `false`.
///
/// # Errors
/// As [`read_segment`].
pub fn read_samples(track: &InitTrack, segment: &Bytes) -> Result<Vec<Sample>, Error> {
    let mut samples = Vec::new();
    for chunk in chunks(segment, Some(track))? {
        let reference = chunk.reference.filter(|reference| reference.captured);
        samples.extend(chunk.samples.into_iter().map(|sample| Sample {
            decode_time: sample.decode_time,
            duration: sample.duration,
            composition_offset: sample.composition_offset,
            sync: sample.sync,
            filler: false,
            captured: captured(reference, &sample, track.timescale),
            data: segment.slice(sample.payload),
        }));
    }
    Ok(samples)
}

/// The events that a segment's `emsg` boxes of version 1 tell of.
///
/// # Errors
/// As [`read_segment`], but of `emsg` boxes only.
pub fn read_events(segment: &[u8]) -> Result<Vec<Event>, Error> {
    let mut events = Vec::new();
    for next in Boxes::new(segment) {
        let next = next?;
        if next.kind.0 != *b"emsg" {
            continue;
        }
        let emsg: Emsg = next.decode()?;
        let EmsgTimestamp::Absolute(time) = emsg.presentation_time else { continue };
        let timescale = emsg.timescale.max(1);
        let known = emsg.event_duration != u32::MAX;
        events.push(Event {
            scheme: emsg.scheme_id_uri,
            value: emsg.value,
            id: emsg.id,
            at: media::nanos(time, timescale),
            duration: known.then(|| media::nanos(emsg.event_duration.into(), timescale)),
            data: emsg.message_data.into(),
        });
    }
    Ok(events)
}

fn captured(reference: Option<ProducerReference>, sample: &SampleInfo, timescale: u32) -> u64 {
    let presentation = sample.decode_time.saturating_add_signed(i64::from(sample.composition_offset));
    match reference {
        None => media::nanos(presentation, timescale),
        Some(ProducerReference { media_time, nanos, .. }) if presentation >= media_time => {
            nanos.saturating_add(media::nanos(presentation - media_time, timescale))
        }
        Some(ProducerReference { media_time, nanos, .. }) => {
            nanos.saturating_sub(media::nanos(media_time - presentation, timescale))
        }
    }
}

/// What stands before a `moof`.
#[derive(Default)]
pub(super) struct Preface {
    start: Option<usize>,
    first_of_segment: bool,
    last_of_track: bool,
    reference: Option<ProducerReference>,
}

fn chunks(segment: &[u8], track: Option<&InitTrack>) -> Result<Vec<ChunkInfo>, Error> {
    let mut chunks = Vec::new();
    let mut preface = Preface::default();
    let mut boxes = Boxes::new(segment);
    while let Some(next) = boxes.next() {
        let next = next?;
        match &next.kind.0 {
            b"styp" => {
                let styp: Styp = next.decode()?;
                let has = |brand| styp.compatible_brands.contains(&FourCC::new(brand));
                preface.start.get_or_insert(next.offset);
                preface.first_of_segment |= has(b"cmfs") || has(b"msdh");
                preface.last_of_track |= has(b"lmsg");
            }
            b"prft" => {
                preface.start.get_or_insert(next.offset);
                preface.reference = Some(reference(&next)?);
            }
            b"moof" => {
                let mdat = mdat(&next, &mut boxes)?;
                let preface = std::mem::take(&mut preface);
                chunks.extend(chunk(&next, mdat.body_offset..mdat.end(), preface, track)?);
            }
            b"mdat" => return Err(next.error("has no `moof` before it")),
            _ => {}
        }
    }
    Ok(chunks)
}

/// The `mdat` of a `moof`; anything else between the two is passed over.
fn mdat<'a>(moof: &RawBox<'_>, boxes: &mut Boxes<'a>) -> Result<RawBox<'a>, Error> {
    for next in boxes {
        let next = next?;
        match &next.kind.0 {
            b"mdat" => return Ok(next),
            b"moof" => break,
            _ => {}
        }
    }
    Err(moof.error("has no `mdat` behind it"))
}

fn reference(prft: &RawBox<'_>) -> Result<ProducerReference, Error> {
    let Prft { ntp_timestamp, media_time, utc_time_semantics, .. } = prft.decode()?;
    let captured = matches!(utc_time_semantics, ReferenceTime::Input | ReferenceTime::RealTime);
    Ok(ProducerReference { media_time, nanos: ntp::to_nanos(ntp_timestamp), captured })
}

/// The chunk of this `moof` with its payload at `mdat`, unless it belongs to another track than the one asked for.
pub(super) fn chunk(
    moof: &RawBox<'_>,
    mdat: Range<usize>,
    preface: Preface,
    track: Option<&InitTrack>,
) -> Result<Option<ChunkInfo>, Error> {
    let sequence = moof.child(b"mfhd")?.decode::<Mfhd>()?.sequence_number;
    let traf = moof.child(b"traf")?;
    if moof.all(b"traf")?.len() > 1 {
        return Err(moof.error("has several `traf`; a chunk has one track"));
    }
    let tfhd_box = traf.child(b"tfhd")?;
    let tfhd: Tfhd = tfhd_box.decode()?;
    if track.is_some_and(|track| track.id != tfhd.track_id) {
        return Ok(None);
    }
    if tfhd.base_data_offset.is_some() {
        return Err(tfhd_box.error("has a base data offset; payload counts from `moof`"));
    }
    let decode_time = traf.child(b"tfdt")?.decode::<Tfdt>()?.base_media_decode_time;
    let init = track.map_or_else(Defaults::default, |track| track.defaults);
    let end = mdat.end;
    let mut runs = Runs {
        defaults: Defaults {
            duration: tfhd.default_sample_duration.or(init.duration),
            size: tfhd.default_sample_size.or(init.size),
            flags: tfhd.default_sample_flags.or(init.flags),
        },
        moof: moof.offset,
        mdat,
        payload: moof.offset,
        decode_time,
        samples: Vec::new(),
    };
    for trun in traf.all(b"trun")? {
        runs.read(&trun)?;
    }
    Ok(Some(ChunkInfo {
        range: preface.start.unwrap_or(moof.offset)..end,
        first_of_segment: preface.first_of_segment,
        last_of_track: preface.last_of_track,
        sequence,
        track_id: tfhd.track_id,
        decode_time,
        reference: preface.reference,
        samples: runs.samples,
    }))
}

/// Reads the track runs of a chunk one after the other.
struct Runs {
    defaults: Defaults,
    moof: usize,
    mdat: Range<usize>,
    /// Where the next payload begins.
    payload: usize,
    /// When the next sample is decoded.
    decode_time: u64,
    samples: Vec<SampleInfo>,
}

impl Runs {
    fn read(&mut self, trun_box: &RawBox<'_>) -> Result<(), Error> {
        // Before the library makes room for them.
        let count = trun_box
            .body
            .get(4..8)
            .map_or(0, |count| count.iter().fold(0, |count, byte| count << 8 | u32::from(*byte)));
        if count > MAX_SAMPLES - self.samples.len() as u32 {
            return Err(trun_box.error(format!("more than {MAX_SAMPLES} samples in a chunk")));
        }
        let trun: Trun = trun_box.decode()?;
        if let Some(data_offset) = trun.data_offset {
            self.payload = isize::try_from(data_offset)
                .ok()
                .and_then(|data_offset| self.moof.checked_add_signed(data_offset))
                .ok_or_else(|| trun_box.error("the data offset points before the segment"))?;
        }
        for (index, entry) in trun.samples.iter().enumerate() {
            let sample =
                self.sample(entry).map_err(|reason| trun_box.error(format!("sample {index}: {reason}")))?;
            self.payload = sample.payload.end;
            self.samples.push(sample);
        }
        Ok(())
    }

    fn sample(&mut self, entry: TrunEntry) -> Result<SampleInfo, &'static str> {
        let duration = entry.duration.or(self.defaults.duration).ok_or("its duration is nowhere")?;
        let size = entry.size.or(self.defaults.size).ok_or("its size is nowhere")?;
        let flags = entry.flags.or(self.defaults.flags).ok_or("its flags are nowhere")?;
        let composition_offset = i32::try_from(entry.cts.unwrap_or(0))
            .map_err(|_| "its composition offset has more than 31 bits")?;
        if size == 0 {
            return Err("it is empty");
        }
        let end = self.payload.checked_add(size as usize);
        let payload = end
            .map(|end| self.payload..end)
            .filter(|payload| self.mdat.start <= payload.start && payload.end <= self.mdat.end)
            .ok_or("its payload lies outside of `mdat`")?;
        let decode_time = self.decode_time;
        self.decode_time =
            decode_time.checked_add(u64::from(duration)).ok_or("it ends beyond 64 bits of ticks")?;
        Ok(SampleInfo { decode_time, duration, composition_offset, sync: flags & IS_NON_SYNC == 0, payload })
    }
}
