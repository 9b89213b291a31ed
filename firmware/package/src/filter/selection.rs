//! Which tracks a filter leaves, and in which order.

use std::ops::RangeInclusive;

use media::{Kind, Layout, Track};

use super::{Condition, Filter, Operator, Property};

/// The tracks of a layout that every filter leaves, by index; the rendition nearest to the first `first_quality` comes
/// first, the others keep their order.
pub(super) fn select(layout: &Layout, filters: &[&Filter]) -> Vec<usize> {
    let left = |track: &Track| filters.iter().all(|filter| filter.leaves(track));
    let tracks = layout.tracks.iter().enumerate();
    let mut order: Vec<usize> = tracks.filter(|(_, track)| left(track)).map(|(index, _)| index).collect();
    if let Some(wanted) = filters.iter().find_map(|filter| filter.first_quality) {
        let rate = |index: usize| u64::from(layout.tracks[index].bitrate);
        let is_video = |index: usize| layout.tracks[index].kind() == Kind::Video;
        let videos = order.iter().enumerate().filter(|(_, index)| is_video(**index));
        let nearest = videos.min_by_key(|(_, index)| rate(**index).abs_diff(wanted)).map(|(at, _)| at);
        if let Some(at) = nearest {
            order[..=at].rotate_right(1);
        }
    }
    order
}

/// Whether any filter has a say in which tracks are listed or in which order.
pub(super) fn selects(filters: &[&Filter]) -> bool {
    filters.iter().any(|filter| !filter.tracks.is_empty() || filter.first_quality.is_some())
}

impl Filter {
    fn leaves(&self, track: &Track) -> bool {
        self.tracks.is_empty()
            || self.tracks.iter().any(|conditions| conditions.iter().all(|condition| condition.holds(track)))
    }
}

impl Condition {
    fn holds(&self, track: &Track) -> bool {
        let value = self.value.as_str();
        let equal = match self.property {
            Property::Type => match track.kind() {
                Kind::Video => value == "video",
                Kind::Audio => value == "audio",
            },
            Property::Name => value == track.name,
            Property::Language => value.eq_ignore_ascii_case(track.language.as_deref().unwrap_or("und")),
            Property::Codec => track.rfc6381().split('.').next() == Some(value),
            Property::Bitrate => {
                bitrates(value).is_some_and(|range| range.contains(&u64::from(track.bitrate)))
            }
        };
        equal == (self.operator == Operator::Equal)
    }
}

/// Bits per second, `128000` or `0-2427000`.
pub(super) fn bitrates(text: &str) -> Option<RangeInclusive<u64>> {
    let number = |digits: &str| {
        let decimal = digits.bytes().all(|byte| byte.is_ascii_digit());
        decimal.then(|| digits.parse::<u64>().ok()).flatten()
    };
    let (low, high) = text.split_once('-').unwrap_or((text, text));
    let (low, high) = (number(low)?, number(high)?);
    (low <= high).then_some(low..=high)
}
