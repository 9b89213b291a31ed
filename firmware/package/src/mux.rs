//! Which tracks go together in one stream, where pictures and sound are not apart: MPEG-TS and FLV.

use media::{Codec, Kind, Layout, Track};

use crate::filter::Shown;

/// Whether a track has a place in such a stream. HEVC has none: HLS carries it in fragmented MP4 only (HLS Authoring
/// Specification, 1.5), FLV not at all.
#[must_use]
pub fn carries(track: &Track) -> bool {
    !matches!(track.codec, Codec::H265 { .. })
}

/// The shown tracks of pictures that can be carried, by index.
#[must_use]
pub fn pictures(shown: &Shown, layout: &Layout) -> Vec<usize> {
    of(Kind::Video, shown, layout)
}

/// The shown tracks of sound, by index.
#[must_use]
pub fn sounds(shown: &Shown, layout: &Layout) -> Vec<usize> {
    of(Kind::Audio, shown, layout)
}

/// The sound that goes with a track's pictures: the first shown one, by index; none for sound itself.
#[must_use]
pub fn sound(shown: &Shown, layout: &Layout, track: usize) -> Option<usize> {
    match layout.tracks.get(track)?.kind() {
        Kind::Audio => None,
        Kind::Video => sounds(shown, layout).first().copied(),
    }
}

fn of(kind: Kind, shown: &Shown, layout: &Layout) -> Vec<usize> {
    let fits = |index: &usize| layout.tracks[*index].kind() == kind && carries(&layout.tracks[*index]);
    shown.tracks(layout).into_iter().filter(fits).collect()
}
