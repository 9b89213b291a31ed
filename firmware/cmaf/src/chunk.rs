//! CMAF chunks (ISO/IEC 23000-19, 7.3.2.3): `[styp] prft [emsg ...] moof mdat` with one track in it.

use bytes::Bytes;
use media::{Event, Sample, Track};
use mp4_atom::{
    BufMut, Emsg, EmsgTimestamp, Encode, FourCC, Mfhd, Moof, Styp, Tfdt, Tfhd, Traf, Trun, TrunEntry,
};

use crate::{Error, TRACK_ID, ntp};

/// `sample_depends_on` = 2: decodable alone (ISO/IEC 14496-12, 8.8.3.1).
const SYNC: u32 = 0x0200_0000;
/// `sample_depends_on` = 1 and `sample_is_non_sync_sample`.
const NON_SYNC: u32 = 0x0101_0000;

/// "The UTC time has a consistent, small (ideally zero) offset from the real time of the experience depicted in
/// the media at `media_time`" (ISO/IEC 14496-12:2022, 8.16.5.3, flags 24): what DASH calls `captured`.
const CAPTURED: u32 = 24;

/// More than `styp`, `prft`, `moof` without samples and the header of `mdat` take together.
const HEADERS: usize = 256;
const SAMPLE_ENTRY: usize = 16;
pub(crate) const MDAT_HEADER: usize = 8;

/// Writes one track's chunks, numbering them.
#[derive(Clone, Debug)]
pub struct ChunkWriter {
    track: String,
    timescale: u32,
    sequence: u32,
    /// The `emsg` boxes of the next chunk.
    events: Vec<u8>,
}

impl ChunkWriter {
    /// A writer whose first chunk gets this sequence number; it rises by one with every chunk and wraps.
    #[must_use]
    pub fn new(track: &Track, first_sequence: u32) -> Self {
        let Track { name, timescale, .. } = track;
        Self { track: name.clone(), timescale: *timescale, sequence: first_sequence, events: Vec::new() }
    }

    /// Has the next chunk tell of an event: an `emsg` of version 1 at the track's own time (ISO/IEC 23009-1, 5.10.3.3).
    ///
    /// # Errors
    /// [`Error::Encode`] where the box cannot be written.
    pub fn tell(&mut self, event: &Event) -> Result<(), Error> {
        let duration = event.duration.map(|duration| media::ticks(duration, self.timescale));
        let emsg = Emsg {
            timescale: self.timescale,
            presentation_time: EmsgTimestamp::Absolute(media::ticks(event.at, self.timescale)),
            // The greatest: nobody knows.
            event_duration: duration.and_then(|ticks| u32::try_from(ticks).ok()).unwrap_or(u32::MAX),
            id: event.id,
            scheme_id_uri: event.scheme.clone(),
            value: event.value.clone(),
            message_data: event.data.to_vec(),
        };
        emsg.encode(&mut self.events).map_err(|error| self.refused(&error))
    }

    /// The chunk of these samples, and the next sequence number spent.
    ///
    /// `styp` stands before the first chunk of a segment, with brand `lmsg` before the last of the track
    /// (ISO/IEC 23009-1, 6.3.4.2). `prft` says when the first sample was captured.
    ///
    /// # Errors
    /// No samples, a hole or overlap between two of them, an empty sample, a time out of range, or more than 4 GiB.
    /// The sequence number is then not spent.
    pub fn write(
        &mut self,
        samples: &[Sample],
        first_of_segment: bool,
        last_of_track: bool,
    ) -> Result<Bytes, Error> {
        let first = samples.first().ok_or_else(|| Error::NoSamples { track: self.track.clone() })?;
        let mdat = self.check(samples)?;
        let presentation = first
            .decode_time
            .checked_add_signed(i64::from(first.composition_offset))
            .ok_or_else(|| self.bad(0, "is presented outside the timeline"))?;
        let headers = HEADERS + self.events.len();
        let mut out = Vec::with_capacity(headers + SAMPLE_ENTRY * samples.len() + mdat as usize);
        styp(&mut out, first_of_segment, last_of_track)
            .and_then(|()| prft(&mut out, first.captured, presentation))
            .map_err(|error| self.refused(&error))?;
        out.extend_from_slice(&self.events);
        moof(&mut out, self.sequence, samples).map_err(|error| self.refused(&error))?;
        out.extend_from_slice(&mdat.to_be_bytes());
        out.extend_from_slice(b"mdat");
        for sample in samples {
            out.extend_from_slice(&sample.data);
        }
        self.sequence = self.sequence.wrapping_add(1);
        self.events.clear();
        Ok(out.into())
    }

    /// Checks every sample; the size of the `mdat` box.
    fn check(&self, samples: &[Sample]) -> Result<u32, Error> {
        let mut expected = samples[0].decode_time;
        let mut mdat = MDAT_HEADER as u32;
        for (index, sample) in samples.iter().enumerate() {
            if sample.decode_time != expected {
                let (track, found) = (self.track.clone(), sample.decode_time);
                return Err(Error::NotContiguous { track, sample: index, expected, found });
            }
            expected = expected
                .checked_add(u64::from(sample.duration))
                .ok_or_else(|| self.bad(index, "ends beyond the 64 bits of a decode time"))?;
            if sample.data.is_empty() {
                return Err(self.bad(index, "is empty"));
            }
            mdat = u32::try_from(sample.data.len())
                .ok()
                .and_then(|len| mdat.checked_add(len))
                .ok_or_else(|| self.bad(index, "makes the chunk larger than 4 GiB"))?;
        }
        Ok(mdat)
    }

    fn refused(&self, error: &mp4_atom::Error) -> Error {
        Error::Encode { track: self.track.clone(), reason: error.to_string() }
    }

    fn bad(&self, sample: usize, reason: &'static str) -> Error {
        Error::Sample { track: self.track.clone(), sample, reason }
    }
}

pub(crate) fn styp(out: &mut Vec<u8>, first_of_segment: bool, last_of_track: bool) -> mp4_atom::Result<()> {
    let mut brands: Vec<FourCC> = match (first_of_segment, last_of_track) {
        (false, false) => return Ok(()),
        (true, _) => vec![b"cmfs".into(), b"cmff".into(), b"cmfl".into(), b"msdh".into()],
        (false, true) => vec![b"cmfl".into()],
    };
    let major_brand = brands[0];
    if last_of_track {
        brands.push(b"lmsg".into());
    }
    Styp { major_brand, minor_version: 0, compatible_brands: brands }.encode(out)
}

/// Always version 1, so that its size does not depend on the time.
fn prft(out: &mut Vec<u8>, captured: u64, media_time: u64) -> mp4_atom::Result<()> {
    out.encode_atom(b"prft", |out| {
        (1 << 24 | CAPTURED).encode(out)?;
        TRACK_ID.encode(out)?;
        ntp::from_nanos(captured).encode(out)?;
        media_time.encode(out)
    })
}

pub(crate) fn moof(out: &mut Vec<u8>, sequence: u32, samples: &[Sample]) -> mp4_atom::Result<()> {
    let mut moof = Moof {
        mfhd: Mfhd { sequence_number: sequence },
        traf: vec![Traf {
            tfhd: tfhd(samples),
            tfdt: Some(Tfdt { base_media_decode_time: samples[0].decode_time }),
            trun: vec![trun(samples)],
            ..Traf::default()
        }],
    };
    let start = out.len();
    moof.encode(out)?;
    // Now that its size is known: the payload begins behind it, counted from its first byte.
    let payload = out.len() - start + MDAT_HEADER;
    moof.traf[0].trun[0].data_offset =
        Some(i32::try_from(payload).map_err(|_| mp4_atom::Error::TooLarge(b"moof".into()))?);
    out.truncate(start);
    moof.encode(out)
}

/// What all samples share; the flags are those of all but perhaps the first.
fn tfhd(samples: &[Sample]) -> Tfhd {
    Tfhd {
        track_id: TRACK_ID,
        default_base_is_moof: true,
        default_sample_duration: shared(samples, |sample| sample.duration),
        default_sample_size: shared(samples, |sample| sample.data.len()).map(|len| len as u32),
        default_sample_flags: shared(&samples[usize::from(samples.len() > 1)..], flags),
        ..Tfhd::default()
    }
}

/// What is not shared, sample by sample.
fn trun(samples: &[Sample]) -> Trun {
    let tfhd = tfhd(samples);
    let reordered = samples.iter().any(|sample| sample.composition_offset != 0);
    let entry = |(index, sample): (usize, &Sample)| TrunEntry {
        duration: tfhd.default_sample_duration.is_none().then_some(sample.duration),
        size: tfhd.default_sample_size.is_none().then_some(sample.data.len() as u32),
        flags: match tfhd.default_sample_flags {
            // The library writes flags that only the first sample has as `first_sample_flags`.
            Some(shared) => (index == 0 && flags(sample) != shared).then_some(flags(sample)),
            None => Some(flags(sample)),
        },
        cts: reordered.then_some(i64::from(sample.composition_offset)),
    };
    let entries: Vec<_> = samples.iter().enumerate().map(entry).collect();
    Trun { data_offset: Some(0), samples: entries.into() }
}

fn flags(sample: &Sample) -> u32 {
    if sample.sync { SYNC } else { NON_SYNC }
}

fn shared<T: PartialEq>(samples: &[Sample], field: impl Fn(&Sample) -> T) -> Option<T> {
    let first = field(samples.first()?);
    samples.iter().all(|sample| field(sample) == first).then_some(first)
}

#[cfg(test)]
mod tests;
