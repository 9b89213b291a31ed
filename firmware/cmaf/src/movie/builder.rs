//! From heads of chunks to a movie.

use media::Kind;

use super::{Head, Movie, Piece, Track, boxes, tables::Tables};
use crate::{Error, init};

/// Takes the chunks of each track in order, then makes the file.
#[derive(Debug)]
pub struct Builder {
    tracks: Vec<Growing>,
    /// Nanoseconds since the epoch.
    from: u64,
    to: u64,
    created: u64,
    pieces: Vec<Piece>,
}

/// A track of the file while it grows.
#[derive(Debug)]
pub(super) struct Growing {
    /// The track whose name, language and timescale are the file's.
    pub(super) track: media::Track,
    pub(super) kind: Kind,
    configs: Vec<Config>,
    /// Sample entries in the order in which they were first needed.
    pub(super) entries: Vec<Vec<u8>>,
    /// Of all entries: pixels.
    pub(super) width: u16,
    pub(super) height: u16,
    pub(super) tables: Tables,
    /// Number of the last segment added.
    segment: Option<u64>,
}

/// One of a track's codec configurations.
#[derive(Debug)]
struct Config {
    timescale: u32,
    /// First tick that is left out.
    to: u64,
    entry: Vec<u8>,
    /// Its index in `stsd`, from 1; 0 while it is not needed.
    description: u32,
}

impl Builder {
    /// A file of these tracks, presenting what lies between two instants: nanoseconds since the epoch, each taken
    /// as the nearest tick of every track.
    ///
    /// # Errors
    /// No track, no time between the instants, a track without or with different kinds of configurations, or one
    /// that [`init_segment`](crate::init_segment) refuses.
    pub fn new(tracks: Vec<Track>, from_nanos: u64, to_nanos: u64) -> Result<Self, Error> {
        if tracks.is_empty() {
            return Err(Error::BeginMovie { reason: "needs at least one track" });
        }
        if tracks.len() > usize::from(u16::MAX) {
            return Err(Error::BeginMovie { reason: "has too many tracks" });
        }
        let tracks =
            tracks.into_iter().map(|track| Growing::new(track, to_nanos)).collect::<Result<_, _>>()?;
        let builder = Self { tracks, from: from_nanos, to: to_nanos, created: 0, pieces: Vec::new() };
        if to_nanos <= from_nanos || builder.duration() == 0 {
            return Err(Error::BeginMovie { reason: "needs an end after its beginning" });
        }
        Ok(builder)
    }

    /// The file says that it was created at this instant: nanoseconds since the Unix epoch. Without it, it does not.
    #[must_use]
    pub fn created(mut self, nanos: u64) -> Self {
        self.created = boxes::seconds_since_1904(nanos);
        self
    }

    /// The next segment of a track: all its chunks in order, encoded with one configuration (index into
    /// [`Track::tracks`]). After an error the builder is of no more use.
    ///
    /// Samples that begin at or after the end of the file's range are left out. Segments may be missing: the sample
    /// before a hole lasts until the one after it. The first segment is the one in which the range begins; for sound
    /// better the one before that, as its frames do not begin on segments' lines everywhere and a decoder needs one
    /// to begin with: without it, sound begins up to a frame late, in step.
    ///
    /// # Errors
    /// There is no such track or configuration, the segment does not come after the one before it, samples are out of
    /// order, or a hole before the segment is longer than 2^31 ticks (12 hours at 48 kHz).
    pub fn add(&mut self, track: usize, config: usize, segment: u64, heads: &[Head]) -> Result<(), Error> {
        let index = track;
        let name = || self.tracks.get(index).map_or_else(|| index.to_string(), |it| it.track.name.clone());
        let unfit = |track, reason| Error::AddSegment { track, segment, reason };
        if self.tracks.get(index).is_none_or(|it| config >= it.configs.len()) {
            return Err(unfit(name(), "is of an unknown track or configuration"));
        }
        let track = &mut self.tracks[index];
        match track.add(config, segment, heads) {
            Ok(0) => {}
            Ok(len) => self.pieces.push(Piece { track: index as u16, segment, len, offset: 0 }),
            Err(reason) => return Err(unfit(track.track.name.clone(), reason)),
        }
        Ok(())
    }

    /// The file. Tracks without samples are not in it.
    ///
    /// Where a track's samples end before the file's range, the last one lasts until its end.
    ///
    /// # Errors
    /// No track has a sample, the end is too far from the last one, or there is more than a `moov` can hold.
    pub fn finish(mut self) -> Result<Movie, Error> {
        if self.pieces.is_empty() {
            return Err(Error::EmptyMovie);
        }
        for track in self.tracks.iter_mut().filter(|track| track.tables.first().is_some()) {
            let to = media::ticks(self.to, track.track.timescale);
            track.tables.finish(to).map_err(|reason| Error::AddSegment {
                track: track.track.name.clone(),
                segment: track.segment.unwrap_or_default(),
                reason,
            })?;
        }
        let presentation = boxes::Presentation {
            timescale: self.timescale(),
            duration: self.duration(),
            from: self.from,
            created: self.created,
        };
        let mut pieces = self.pieces;
        // Whole segments side by side; a track's own pieces are in order already.
        pieces.sort_unstable_by_key(|piece| (piece.segment, piece.track));
        boxes::write(presentation, self.tracks, pieces)
    }

    /// The movie's timescale: the first video track's, so that its frames are whole ticks.
    fn timescale(&self) -> u32 {
        let video = self.tracks.iter().find(|track| track.kind == Kind::Video);
        video.unwrap_or(&self.tracks[0]).track.timescale
    }

    /// Ticks of the movie's timescale.
    fn duration(&self) -> u64 {
        let timescale = self.timescale();
        media::ticks(self.to, timescale).saturating_sub(media::ticks(self.from, timescale))
    }
}

impl Growing {
    fn new(track: Track, to: u64) -> Result<Self, Error> {
        let first =
            track.tracks.first().ok_or(Error::BeginMovie { reason: "has a track without configuration" })?;
        let kind = first.kind();
        if track.tracks.iter().any(|other| other.kind() != kind) {
            return Err(Error::BeginMovie { reason: "has a track that is both pictures and sound" });
        }
        let configs = track.tracks.iter().map(|track| Config::new(track, to)).collect::<Result<_, _>>()?;
        let side = |of: fn(media::Pictures) -> u16| {
            track.tracks.iter().filter_map(|track| track.codec.pictures()).map(of).max().unwrap_or_default()
        };
        Ok(Self {
            kind,
            configs,
            entries: Vec::new(),
            width: side(|pictures| pictures.width),
            height: side(|pictures| pictures.height),
            tables: Tables::default(),
            segment: None,
            track: first.clone(),
        })
    }

    /// The bytes of the segment that are in the file.
    fn add(&mut self, config: usize, segment: u64, heads: &[Head]) -> Result<u64, &'static str> {
        if self.segment.is_some_and(|last| last >= segment) {
            return Err("does not come after the one before it");
        }
        self.segment = Some(segment);
        let timescale = self.track.timescale;
        let config = &mut self.configs[config];
        let (mut samples, mut len) = (0, 0);
        'segment: for head in heads {
            let mut decode_time = head.decode_time;
            for sample in &head.samples {
                if decode_time >= config.to {
                    break 'segment;
                }
                let end = decode_time.checked_add(u64::from(sample.duration));
                let end = end.ok_or("ends beyond 64 bits of ticks")?;
                let (begins, ends) = (
                    convert(decode_time, config.timescale, timescale),
                    convert(end, config.timescale, timescale),
                );
                self.tables.push(begins, ends, sample.size, sample.sync && self.kind == Kind::Video)?;
                (samples, len) = (samples + 1, len + u64::from(sample.size));
                decode_time = end;
            }
        }
        if samples > 0 {
            if config.description == 0 {
                self.entries.push(std::mem::take(&mut config.entry));
                config.description = self.entries.len() as u32;
            }
            self.tables.close_chunk(samples, config.description);
        }
        Ok(len)
    }
}

impl Config {
    fn new(track: &media::Track, to: u64) -> Result<Self, Error> {
        init::check(track)?;
        let mut entry = Vec::new();
        init::sample_entry(&mut entry, track).map_err(|err| init::unwritten(track, &err))?;
        let timescale = track.timescale;
        Ok(Self { timescale, to: media::ticks(to, timescale), entry, description: 0 })
    }
}

/// The tick nearest to a tick of another timescale.
pub(super) fn convert(tick: u64, from: u32, to: u32) -> u64 {
    if from == to {
        return tick;
    }
    let (tick, from, to) = (u128::from(tick), u128::from(from), u128::from(to));
    u64::try_from((tick * to + from / 2) / from).unwrap_or(u64::MAX)
}
