//! One track's sample tables (ISO/IEC 14496-12, 8.6.1, 8.7), run-length where the standard has them so.

use mp4_atom::{StscEntry, SttsEntry};

/// The longest hole in ticks: some readers take the duration of a sample for a signed number.
const LONGEST_DURATION: u64 = i32::MAX as u64;

/// The tables as they grow, in the track's timescale.
#[derive(Debug, Default)]
pub(super) struct Tables {
    /// Bytes of each sample.
    pub(super) sizes: Vec<u32>,
    /// Durations, without the last sample's until the end.
    pub(super) durations: Vec<SttsEntry>,
    /// Numbers, from 1, of the samples where decoding can begin.
    pub(super) syncs: Vec<u32>,
    /// Samples and sample description of each chunk.
    pub(super) chunks: Vec<StscEntry>,
    pub(super) chunk_count: u32,
    /// When the first sample is decoded.
    first: u64,
    /// When the last sample is decoded, and when it would end.
    last: u64,
    end: u64,
}

impl Tables {
    /// When the first sample is decoded; `None` where there is none.
    pub(super) fn first(&self) -> Option<u64> {
        (!self.sizes.is_empty()).then_some(self.first)
    }

    /// Another sample, which ends the one before it.
    ///
    /// A hole is filled by the sample before it; of an overlap, the later sample takes all.
    pub(super) fn push(
        &mut self,
        decode_time: u64,
        end: u64,
        size: u32,
        sync: bool,
    ) -> Result<(), &'static str> {
        if self.sizes.is_empty() {
            self.first = decode_time;
        } else {
            self.end_last(decode_time)?;
        }
        if self.sizes.len() >= u32::MAX as usize {
            return Err("has more samples than a file can number");
        }
        self.sizes.push(size);
        if sync {
            self.syncs.push(self.sizes.len() as u32);
        }
        (self.last, self.end) = (decode_time, end);
        Ok(())
    }

    /// The samples since the last chunk are the next one.
    pub(super) fn close_chunk(&mut self, samples: u32, description: u32) {
        self.chunk_count += 1;
        let same =
            |run: &StscEntry| run.samples_per_chunk == samples && run.sample_description_index == description;
        if !self.chunks.last().is_some_and(same) {
            self.chunks.push(StscEntry {
                first_chunk: self.chunk_count,
                samples_per_chunk: samples,
                sample_description_index: description,
            });
        }
    }

    /// The last sample lasts at least until `to`. Nothing may be pushed after it.
    pub(super) fn finish(&mut self, to: u64) -> Result<(), &'static str> {
        self.end = self.end.max(to);
        self.end_last(self.end)
    }

    /// From the first sample to the end of the last one.
    pub(super) fn duration(&self) -> u64 {
        self.end - self.first
    }

    /// The most bytes that the tables take in the file.
    pub(super) fn bound(&self) -> u64 {
        let bytes = 4 * (self.sizes.len() + self.syncs.len())
            + 8 * (self.durations.len() + self.chunk_count as usize)
            + 12 * self.chunks.len();
        bytes as u64
    }

    fn end_last(&mut self, end: u64) -> Result<(), &'static str> {
        let duration = end.checked_sub(self.last).filter(|duration| *duration > 0);
        let duration =
            duration.ok_or("has a sample that takes no time or is not decoded after the one before it")?;
        if duration > LONGEST_DURATION {
            return Err("is too far from what comes next: no sample can last so long");
        }
        let sample_delta = duration as u32;
        match self.durations.last_mut() {
            Some(run) if run.sample_delta == sample_delta => run.sample_count += 1,
            _ => self.durations.push(SttsEntry { sample_count: 1, sample_delta }),
        }
        Ok(())
    }
}
