//! Decoder configuration records: checked byte by byte, carried unchanged.

/// What is wrong at which byte of a record.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) byte: usize,
    pub(crate) reason: &'static str,
}

const CUT_SHORT: &str = "the record ends too early";

/// Checks an AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1) with 4-byte NAL unit lengths.
///
/// The trailing chroma and bit depth fields of the High profiles may be missing, as many encoders leave them out.
pub(crate) fn check_avc(record: &[u8]) -> Result<(), Fault> {
    let mut at = Cursor { record, at: 0 };
    if at.byte()? != 1 {
        return Err(Fault { byte: 0, reason: "the version is not 1" });
    }
    at.skip(3)?;
    if at.byte()? & 0b11 != 3 {
        return Err(Fault { byte: 4, reason: "NAL unit lengths do not have 4 bytes" });
    }
    let count = at.byte()? & 0x1f;
    at.parameter_sets(count, 7, "no sequence parameter set", "not a sequence parameter set")?;
    let count = at.byte()?;
    at.parameter_sets(count, 8, "no picture parameter set", "not a picture parameter set")?;
    if at.at == record.len() {
        return Ok(());
    }
    at.skip(3)?;
    for _ in 0..at.byte()? {
        at.parameter_set(13, "not a sequence parameter set extension")?;
    }
    match at.at {
        end if end == record.len() => Ok(()),
        byte => Err(Fault { byte, reason: "bytes follow the end of the record" }),
    }
}

/// Checks an HEVCDecoderConfigurationRecord (ISO/IEC 14496-15, 8.3.3.1) with 4-byte NAL unit lengths, and that it has all
/// three kinds of parameter sets: an `hvc1` track has them nowhere else.
pub(crate) fn check_hevc(record: &[u8]) -> Result<(), Fault> {
    let mut at = Cursor { record, at: 0 };
    if at.byte()? != 1 {
        return Err(Fault { byte: 0, reason: "the version is not 1" });
    }
    at.skip(20)?;
    if at.byte()? & 0b11 != 3 {
        return Err(Fault { byte: 21, reason: "NAL unit lengths do not have 4 bytes" });
    }
    let mut missing = vec![
        (32, "no video parameter set"),
        (33, "no sequence parameter set"),
        (34, "no picture parameter set"),
    ];
    for _ in 0..at.byte()? {
        let nal_type = at.byte()? & 0x3f;
        let count = u16::from_be_bytes([at.byte()?, at.byte()?]);
        for _ in 0..count {
            at.nal_unit(|header| header >> 1 & 0x3f == nal_type, "not a unit of its array's type")?;
            missing.retain(|(wanted, _)| *wanted != nal_type);
        }
    }
    match (missing.first(), at.at) {
        (Some((_, reason)), byte) => Err(Fault { byte, reason }),
        (None, end) if end == record.len() => Ok(()),
        (None, byte) => Err(Fault { byte, reason: "bytes follow the end of the record" }),
    }
}

struct Cursor<'a> {
    record: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn byte(&mut self) -> Result<u8, Fault> {
        let byte = self.record.get(self.at).copied();
        self.at += 1;
        byte.ok_or(Fault { byte: self.record.len(), reason: CUT_SHORT })
    }

    fn skip(&mut self, count: usize) -> Result<(), Fault> {
        if self.record.len() - self.at < count {
            return Err(Fault { byte: self.record.len(), reason: CUT_SHORT });
        }
        self.at += count;
        Ok(())
    }

    fn parameter_sets(
        &mut self,
        count: u8,
        nal_type: u8,
        none: &'static str,
        other: &'static str,
    ) -> Result<(), Fault> {
        if count == 0 {
            return Err(Fault { byte: self.at - 1, reason: none });
        }
        (0..count).try_for_each(|_| self.parameter_set(nal_type, other))
    }

    fn parameter_set(&mut self, nal_type: u8, other: &'static str) -> Result<(), Fault> {
        self.nal_unit(|header| header & 0x1f == nal_type, other)
    }

    /// A NAL unit behind its length of 2 bytes, whose first byte is as `fits` wants it.
    fn nal_unit(&mut self, fits: impl Fn(u8) -> bool, other: &'static str) -> Result<(), Fault> {
        let len = usize::from(u16::from_be_bytes([self.byte()?, self.byte()?]));
        let start = self.at;
        self.skip(len)?;
        match self.record[start..self.at].first() {
            Some(&header) if fits(header) => Ok(()),
            _ => Err(Fault { byte: start, reason: other }),
        }
    }
}

/// What an AudioSpecificConfig says first.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct AudioConfig {
    /// Audio object type (ISO/IEC 14496-3, 1.5.1.1); 2 is AAC-LC.
    pub(crate) object_type: u8,
    /// Samples per second.
    pub(crate) sample_rate: u32,
    /// Number of channels; 0 where only the stream says.
    pub(crate) channels: u16,
    /// Byte in which the channel configuration begins.
    pub(crate) channels_byte: usize,
}

/// Reads the head of an AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1).
pub(crate) fn read_audio(record: &[u8]) -> Result<AudioConfig, Fault> {
    const RATES: [u32; 13] = [
        96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
    ];
    let mut bits = Bits { record, at: 0 };
    let object_type = match bits.take(5)? {
        31 => 32 + bits.take(6)?,
        object_type => object_type,
    };
    let rate_byte = bits.at / 8;
    let sample_rate = match bits.take(4)? {
        15 => bits.take(24)?,
        index => RATES.get(index as usize).copied().unwrap_or(0),
    };
    if sample_rate == 0 {
        return Err(Fault { byte: rate_byte, reason: "no sampling frequency has this index" });
    }
    let channels_byte = bits.at / 8;
    let channels = match bits.take(4)? {
        layout @ 0..=6 => layout as u16,
        11 => 7,
        7 | 12 | 14 => 8,
        13 => 24,
        _ => return Err(Fault { byte: channels_byte, reason: "the channel configuration is reserved" }),
    };
    Ok(AudioConfig { object_type: object_type as u8, sample_rate, channels, channels_byte })
}

struct Bits<'a> {
    record: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> Result<u32, Fault> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.record.get(self.at / 8);
            let byte = byte.ok_or(Fault { byte: self.record.len(), reason: CUT_SHORT })?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// High profile with the trailing fields: SPS of 4 bytes at 8, PPS of 2 bytes at 15.
    const HIGH: [u8; 21] =
        [1, 0x64, 0, 0x1f, 0xff, 0xe1, 0, 4, 0x67, 0x64, 0, 0x1f, 1, 0, 2, 0x68, 0xee, 0xfd, 0xf8, 0xf8, 0];

    #[test]
    fn a_record_is_good_with_and_without_its_trailing_fields() {
        assert_eq!(check_avc(&HIGH), Ok(()));
        assert_eq!(check_avc(&HIGH[..17]), Ok(()));
    }

    #[test]
    fn a_bad_record_is_refused_at_its_byte() {
        let with = |byte: usize, value: u8| {
            let mut record = HIGH.to_vec();
            record[byte] = value;
            check_avc(&record).unwrap_err().byte
        };
        assert_eq!(with(0, 2), 0);
        assert_eq!(with(4, 0xfd), 4, "2-byte lengths");
        assert_eq!(with(5, 0xe0), 5, "no SPS");
        assert_eq!(with(8, 0x68), 8, "a PPS where an SPS must be");
        assert_eq!(with(7, 0), 8, "an empty SPS");
        assert_eq!(with(6, 1), 21, "an SPS longer than the record");
        assert_eq!(with(12, 0), 12, "no PPS");
        assert_eq!(with(20, 1), 21, "an announced SPS extension that is not there");
        assert_eq!(check_avc(&[&HIGH[..], &[0]].concat()).unwrap_err().byte, 21);
        for len in (0..17).chain(18..21) {
            assert_eq!(check_avc(&HIGH[..len]), Err(Fault { byte: len, reason: CUT_SHORT }));
        }
    }

    #[test]
    fn a_record_of_hevc_has_all_its_parameter_sets() {
        let head = [&[1u8][..], &[0; 20], &[0xff, 3]].concat();
        let array = |nal_type: u8, header: u8| [0x80 | nal_type, 0, 1, 0, 2, header, 1];
        let record = |arrays: [[u8; 7]; 3]| [&head[..], &arrays.concat()].concat();
        let good = record([array(32, 0x40), array(33, 0x42), array(34, 0x44)]);
        assert_eq!(check_hevc(&good), Ok(()));
        let refused = |record: &[u8]| check_hevc(record).unwrap_err();
        assert_eq!(
            refused(&record([array(32, 0x40), array(33, 0x42), array(33, 0x42)])).reason,
            "no picture parameter set"
        );
        assert_eq!(refused(&record([array(32, 0x42), array(33, 0x42), array(34, 0x44)])).byte, 28);
        assert_eq!(refused(&[&good[..], &[0]].concat()).byte, good.len());
        for len in 0..good.len() {
            assert_eq!(refused(&good[..len]), Fault { byte: len, reason: CUT_SHORT });
        }
        let mut short = good;
        short[21] = 0xfd;
        assert_eq!(refused(&short).byte, 21);
    }

    #[test]
    fn audio_configs() {
        let read = |record: &[u8]| read_audio(record).map(|c| (c.object_type, c.sample_rate, c.channels));
        assert_eq!(read(&[0x11, 0x90]), Ok((2, 48_000, 2)));
        assert_eq!(read(&[0x12, 0x08]), Ok((2, 44_100, 1)));
        assert_eq!(read(&[0x12, 0x38]), Ok((2, 44_100, 8)), "configuration 7 is 7.1");
        // Sampling frequency index 15: 24 bits of 37 000, then two channels.
        assert_eq!(read(&[0x17, 0x80, 0x48, 0x44, 0x10]), Ok((2, 37_000, 2)));
        assert_eq!(read(&[0xff, 0xe6, 0x40]).unwrap().0, 32 + 63);
        assert_eq!(read(&[0x11]).unwrap_err().byte, 1);
        assert_eq!(read(&[0x16, 0x90]).unwrap_err().byte, 0, "frequency index 13");
        assert_eq!(read(&[0x11, 0xc0]).unwrap_err().byte, 1, "channel configuration 8");
    }
}
