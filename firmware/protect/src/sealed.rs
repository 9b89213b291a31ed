//! A track in common encryption (ISO/IEC 23001-7): its init segment and its chunks.

use access::Scheme;
use bytes::{Bytes, BytesMut};
use cmaf::{
    ChunkInfo,
    encryption::{SampleEncryption, TrackEncryption, encrypted_head, encrypted_init},
};
use media::Track;

use crate::{ContentKey, Error, Key, pattern, slices::Slices};

/// What the initialisation vectors of samples are made with.
const IVS: [u8; 16] = *b"riser ivs of key";
/// Pictures in `cbcs`: one block of ten (23001-7, 10.4.1).
const ONE_OF_TEN: (u8, u8) = (1, 9);
/// `saiz` has a byte for each sample: its vector, a count, six bytes for each subsample.
const MOST_SUBSAMPLES: usize = (255 - 16 - 2) / 6;

/// A track and the key that it is encrypted with.
pub struct Sealed<'a> {
    scheme: Scheme,
    key: &'a ContentKey,
    track: &'a Track,
    slices: Option<Slices>,
    ivs: Key,
    short_ivs: bool,
}

impl<'a> Sealed<'a> {
    /// `track` encrypted with `key`.
    #[must_use]
    pub fn new(scheme: Scheme, key: &'a ContentKey, track: &'a Track) -> Self {
        let ivs = Key::new(key.key.derive(IVS));
        Self { scheme, key, track, slices: Slices::of(&track.codec), ivs, short_ivs: false }
    }

    /// With initialisation vectors of samples that have only eight bytes, as players of Smooth Streaming take them.
    #[must_use]
    pub fn with_short_ivs(self) -> Self {
        Self { short_ivs: true, ..self }
    }

    /// The init segment; `systems` are `pssh` boxes that go with it.
    ///
    /// # Errors
    /// [`Error::Read`] where `init` is none of a track.
    pub fn init(&self, init: &[u8], systems: &[Vec<u8>]) -> Result<Bytes, Error> {
        let encryption = TrackEncryption {
            scheme: self.scheme.fourcc(),
            key_id: self.key.id.0,
            pattern: self.pattern(),
            constant_iv: (self.scheme == Scheme::Cbcs).then(|| self.key.iv()),
        };
        Ok(encrypted_init(init, &encryption, systems)?.into())
    }

    /// Chunks of the track: a part, a segment, any whole number of them. What nobody else holds is encrypted where it lies.
    ///
    /// # Errors
    /// [`Error::Read`] where they are none, and for a picture that cannot be told apart into subsamples.
    pub fn segment(&self, segment: Bytes) -> Result<Vec<Bytes>, Error> {
        let chunks = cmaf::read_segment(&segment)?;
        let mut heads = Vec::with_capacity(chunks.len());
        let mut plans = Vec::with_capacity(chunks.len());
        for chunk in &chunks {
            let plan =
                |sample: &cmaf::SampleInfo| self.plan(sample.decode_time, &segment[sample.payload.clone()]);
            let planned = chunk.samples.iter().map(plan).collect::<Result<Vec<_>, _>>()?;
            heads.push(encrypted_head(&segment, chunk, &planned)?);
            plans.push(planned);
        }
        let mut payload = segment.try_into_mut().unwrap_or_else(|shared| BytesMut::from(&shared[..]));
        for (chunk, planned) in chunks.iter().zip(&plans) {
            for (sample, plan) in chunk.samples.iter().zip(planned) {
                self.encrypt(&mut payload[sample.payload.clone()], plan);
            }
        }
        let payload = payload.freeze();
        let of = |chunk: &ChunkInfo| {
            let from = chunk.samples.first().map_or(chunk.range.end, |sample| sample.payload.start);
            payload.slice(from..chunk.range.end)
        };
        let pieces = chunks.iter().zip(heads).flat_map(|(chunk, head)| [head.into(), of(chunk)]);
        Ok(pieces.filter(|piece| !piece.is_empty()).collect())
    }

    /// How a sample is encrypted.
    ///
    /// # Errors
    /// As [`segment`](Self::segment).
    pub fn plan(&self, decode_time: u64, sample: &[u8]) -> Result<SampleEncryption, Error> {
        let track = || self.track.name.clone();
        let subsamples = match &self.slices {
            None => Vec::new(),
            Some(slices) => slices
                .subsamples(sample, self.scheme == Scheme::Cenc)
                .ok_or_else(|| Error::NalUnits { track: track(), decode_time })?,
        };
        if subsamples.len() > MOST_SUBSAMPLES {
            return Err(Error::Slices { track: track(), decode_time, most: MOST_SUBSAMPLES });
        }
        let iv = (self.scheme == Scheme::Cenc).then(|| self.iv(decode_time, sample));
        Ok(SampleEncryption { iv, subsamples })
    }

    /// Encrypts a sample as planned.
    pub fn encrypt(&self, sample: &mut [u8], plan: &SampleEncryption) {
        let key = &self.key.key;
        match &plan.iv {
            Some(iv) => pattern::stream(key, iv, sample, &plan.subsamples),
            None => pattern::blocks(key, &self.key.iv(), self.pattern(), sample, &plan.subsamples),
        }
    }

    fn pattern(&self) -> Option<(u8, u8)> {
        (self.scheme == Scheme::Cbcs && self.slices.is_some()).then_some(ONE_OF_TEN)
    }

    /// The initialisation vector of a sample.
    fn iv(&self, decode_time: u64, sample: &[u8]) -> [u8; 16] {
        let mut purpose = [0; 16];
        purpose[..8].copy_from_slice(&decode_time.to_be_bytes());
        purpose[8..12].copy_from_slice(&crc32c::crc32c(sample).to_be_bytes());
        purpose[12..].copy_from_slice(&crc32c::crc32c(self.track.name.as_bytes()).to_be_bytes());
        let mut iv = self.ivs.derive(purpose);
        // Blocks are counted from here: no sample is so large that they come round.
        iv[8..if self.short_ivs { 16 } else { 10 }].fill(0);
        iv
    }
}

#[cfg(test)]
mod tests;
