//! A track's samples with those of its sound, read back from what is stored, for protocols that have both in one stream.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use media::{Kind, Layout, Sample, Track, Window, signal::ID3};
use package::{filter::Shown, mux};
use tokio::task::spawn_blocking;
use transmux::{Piece, Stream, Tag};

use crate::{error::Error, manifest::Filtered};

/// What is stored of one segment of the timeline.
pub struct Stored {
    layout: Arc<Layout>,
    /// Index of the track, its chunks.
    track: (usize, Vec<Bytes>),
    sound: Option<(usize, Vec<Bytes>)>,
}

/// What is stored of a track and its sound in these segments; gaps, and segments without the track, are left out.
pub async fn stored(
    seen: &Filtered,
    window: &Window,
    shown: &Shown,
    track: &str,
    numbers: Range<u64>,
) -> Result<Vec<Stored>, Error> {
    let mut stored = Vec::new();
    for number in numbers {
        let Some(segment) = window.history.get(number).filter(|segment| !segment.gap) else { continue };
        let layout = window.layout_by_id(segment.layout).ok_or(Error::NoInit)?;
        let listed = |index: &usize| shown.shows(layout, *index) && mux::carries(&layout.tracks[*index]);
        let Some(index) = layout.index_of(track).filter(listed) else { continue };
        let read = async |index: usize| -> Result<_, Error> {
            Ok((index, seen.presentation.segment(window, &layout.tracks[index].name, number).await?))
        };
        let sound = match mux::sound(shown, layout, index) {
            Some(sound) => Some(read(sound).await?),
            None => None,
        };
        stored.push(Stored { layout: Arc::clone(layout), track: read(index).await?, sound });
    }
    Ok(stored)
}

/// The ID3 tags that are told of in it.
pub fn tags(stored: &[Stored]) -> Result<Vec<Tag>, Error> {
    let broken = |error: cmaf::Error| Error::Multiplex(error.to_string());
    let mut tags = Vec::new();
    for chunk in stored.iter().flat_map(|stored| &stored.track.1) {
        let events = cmaf::read_events(chunk).map_err(broken)?;
        let id3 = events.into_iter().filter(|event| event.scheme == ID3);
        tags.extend(id3.map(|event| Tag { at: event.at, data: event.data }));
    }
    Ok(tags)
}

/// What `wrap` makes of it, apart from everything else: it takes milliseconds, which nobody is to wait for.
pub async fn multiplex(
    stored: Vec<Stored>,
    wrap: impl FnOnce(&[Piece<'_>]) -> Result<Vec<u8>, transmux::Error> + Send + 'static,
) -> Result<Vec<u8>, Error> {
    let made = spawn_blocking(move || {
        let read = stored.iter().map(Stored::read).collect::<Result<Vec<_>, Error>>()?;
        let pieces: Vec<_> = read.iter().map(|(track, sound)| piece(track, sound.as_ref())).collect();
        wrap(&pieces).map_err(|error| Error::Multiplex(error.to_string()))
    });
    made.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
}

/// A track and its samples.
type Read<'a> = (&'a Track, Vec<Sample>);

impl Stored {
    fn read(&self) -> Result<(Read<'_>, Option<Read<'_>>), Error> {
        let of = |(index, chunks): &(usize, Vec<Bytes>)| -> Result<_, Error> {
            Ok((&self.layout.tracks[*index], read(&self.layout, *index, chunks)?))
        };
        Ok((of(&self.track)?, self.sound.as_ref().map(of).transpose()?))
    }
}

fn piece<'a>(track: &'a Read<'a>, sound: Option<&'a Read<'a>>) -> Piece<'a> {
    fn stream<'a>((track, samples): &'a Read<'a>) -> Stream<'a> {
        Stream { track, samples }
    }
    match (track.0.kind(), sound) {
        (Kind::Audio, _) => Piece { video: None, audio: Some(stream(track)) },
        (Kind::Video, sound) => Piece { video: Some(stream(track)), audio: sound.map(stream) },
    }
}

/// The samples in a segment's chunks of track `index`.
pub fn read(layout: &Layout, index: usize, chunks: &[Bytes]) -> Result<Vec<Sample>, Error> {
    let broken = |error: cmaf::Error| Error::Multiplex(error.to_string());
    let init = cmaf::read_init(&layout.init[index]).map_err(broken)?;
    let mut samples = Vec::new();
    for chunk in chunks {
        samples.extend(cmaf::read_samples(&init.tracks[0], chunk).map_err(broken)?);
    }
    Ok(samples)
}
