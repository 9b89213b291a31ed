//! Access units as a transport stream carries them: H.264 with start codes, AAC with ADTS headers.

use std::borrow::Cow;

use media::{Codec, Sample, Track};

use crate::Error;

const START: &[u8] = &[0, 0, 0, 1];
/// An access unit delimiter for any kind of picture (ITU-T H.264, 7.3.2.4): each access unit begins with one
/// (ISO/IEC 13818-1, 2.14.1).
const DELIMITER: &[u8] = &[0, 0, 0, 1, 9, 0xf0];
/// NAL unit types (ITU-T H.264, table 7-1).
const SEQUENCE: u8 = 7;
const DELIMITS: u8 = 9;

/// Sampling frequencies by their index (ISO/IEC 14496-3, table 1.18).
const FREQUENCIES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];
/// An ADTS frame's length has 13 bits.
const LONGEST: usize = 0x1fff;

/// Wraps the samples of one track.
pub(super) struct Wrapper<'a> {
    track: &'a Track,
    form: Form<'a>,
}

enum Form<'a> {
    /// With the parameter sets that stand before each key frame.
    H264(Vec<&'a [u8]>),
    /// With each frame's header but for the frame's length.
    Aac([u8; 7]),
}

impl<'a> Wrapper<'a> {
    pub(super) fn of(track: &'a Track) -> Result<Self, Error> {
        let short = || Error::Config(track.name.clone());
        let form = match &track.codec {
            Codec::H264 { .. } => Form::H264(track.codec.parameter_sets().ok_or_else(short)?),
            Codec::Aac { config, sample_rate, channels } => {
                let object_type = config.first().ok_or_else(short)? >> 3;
                Form::Aac(adts(object_type, *sample_rate, *channels).ok_or_else(|| unfit(track))?)
            }
            Codec::H265 { .. } => return Err(unfit(track)),
        };
        Ok(Self { track, form })
    }

    /// Puts a sample into `out`, without copying what it holds.
    pub(super) fn wrap(&self, sample: &'a Sample, out: &mut Vec<Cow<'a, [u8]>>) -> Result<(), Error> {
        match &self.form {
            Form::H264(sets) => self.access_unit(sets, sample, out),
            Form::Aac(header) => {
                let len = sample.data.len() + header.len();
                if len > LONGEST {
                    return Err(self.cut_short(sample, LONGEST));
                }
                let mut header = *header;
                header[3] |= (len >> 11) as u8;
                header[4] = (len >> 3) as u8;
                header[5] |= (len << 5) as u8;
                out.extend([Cow::Owned(header.to_vec()), Cow::Borrowed(&sample.data[..])]);
                Ok(())
            }
        }
    }

    fn access_unit(
        &self,
        sets: &[&'a [u8]],
        sample: &'a Sample,
        out: &mut Vec<Cow<'a, [u8]>>,
    ) -> Result<(), Error> {
        let mut put = |slice: &'a [u8]| out.push(Cow::Borrowed(slice));
        let units = nal_units(&sample.data).map_err(|at| self.cut_short(sample, at))?;
        let has = |kind: u8| units.iter().any(|unit| unit.first().is_some_and(|first| first & 0x1f == kind));
        put(DELIMITER);
        if sample.sync && !has(SEQUENCE) {
            sets.iter().for_each(|set| {
                put(START);
                put(set);
            });
        }
        for unit in &units {
            if unit.first().is_some_and(|first| first & 0x1f != DELIMITS) {
                put(START);
                put(unit);
            }
        }
        Ok(())
    }

    fn cut_short(&self, sample: &Sample, at: usize) -> Error {
        Error::Sample { track: self.track.name.clone(), decode_time: sample.decode_time, at }
    }
}

fn unfit(track: &Track) -> Error {
    Error::Codec(track.rfc6381())
}

/// The units of a sample, each behind its length in 4 bytes; where it is cut short otherwise.
fn nal_units(sample: &[u8]) -> Result<Vec<&[u8]>, usize> {
    let mut units = Vec::new();
    let mut rest = sample;
    while !rest.is_empty() {
        let unit = rest
            .split_first_chunk::<4>()
            .and_then(|(len, behind)| behind.split_at_checked(u32::from_be_bytes(*len) as usize));
        let (unit, behind) = unit.ok_or(sample.len() - rest.len())?;
        units.push(unit);
        rest = behind;
    }
    Ok(units)
}

/// An ADTS header without CRC and without the frame's length (ISO/IEC 14496-3, 1.A.2.2).
fn adts(object_type: u8, sample_rate: u32, channels: u16) -> Option<[u8; 7]> {
    let frequency = FREQUENCIES.iter().position(|frequency| *frequency == sample_rate)? as u8;
    let channels = match channels {
        1..=6 => channels as u8,
        8 => 7,
        _ => return None,
    };
    let profile = object_type.checked_sub(1).filter(|profile| *profile < 4)?;
    Some([
        0xff,
        // MPEG-4, no layer, no CRC.
        0xf1,
        profile << 6 | frequency << 2 | channels >> 2,
        (channels & 3) << 6,
        0,
        // A buffer that is as full as it likes, one block.
        0x1f,
        0xfc,
    ])
}
