//! What a filter may say.

use super::{Condition, Filter, PresentationTimeRange, Property, bound, selection::bitrates};

/// The shortest presentation window, in seconds.
const SHORTEST_WINDOW: u128 = 60;
/// The longest live back-off, in seconds.
const LONGEST_BACKOFF: u128 = 300;
/// The most lists of conditions, and the most conditions in one.
const MOST_CONDITIONS: usize = 32;
/// The longest value of a condition, in bytes.
const LONGEST_VALUE: usize = 64;

/// What is wrong with a filter, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct Problem {
    /// Path of the field in the filter's JSON: `presentation_time_range.live_backoff`, `tracks[0][1].value`.
    pub field: String,
    /// What is wrong with it.
    pub problem: String,
}

impl Problem {
    fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { field: field.into(), problem: problem.into() }
    }
}

impl Filter {
    /// Judges the values; their shape is serde's concern.
    ///
    /// # Errors
    /// The first [`Problem`].
    pub fn check(&self) -> Result<(), Problem> {
        if let Some(range) = &self.presentation_time_range {
            range.check()?;
        }
        if self.tracks.len() > MOST_CONDITIONS {
            return Err(Problem::new("tracks", format!("has more than {MOST_CONDITIONS} lists")));
        }
        for (nth, conditions) in self.tracks.iter().enumerate() {
            let problem = match conditions.len() {
                0 => "has no conditions".to_owned(),
                1..=MOST_CONDITIONS => continue,
                _ => format!("has more than {MOST_CONDITIONS} conditions"),
            };
            return Err(Problem::new(format!("tracks[{nth}]"), problem));
        }
        for (nth, conditions) in self.tracks.iter().enumerate() {
            for (at, condition) in conditions.iter().enumerate() {
                if let Some(problem) = condition.problem() {
                    return Err(Problem::new(format!("tracks[{nth}][{at}].value"), problem));
                }
            }
        }
        match self.first_quality {
            Some(0) => Err(Problem::new("first_quality", "is not a bit rate")),
            _ => Ok(()),
        }
    }
}

impl PresentationTimeRange {
    fn check(&self) -> Result<(), Problem> {
        let at = |field: &str, problem: &str| {
            Err(Problem::new(format!("presentation_time_range.{field}"), problem))
        };
        if self.timescale == 0 {
            return at("timescale", "is zero");
        }
        let seconds = |seconds: u128| seconds * u128::from(self.timescale);
        match (bound(self.start), bound(self.end)) {
            (Some(start), Some(end)) if end <= start => return at("end", "is not after start"),
            (_, None) if self.force_end => return at("force_end", "needs an end"),
            _ => {}
        }
        if bound(self.presentation_window).is_some_and(|window| u128::from(window) < seconds(SHORTEST_WINDOW))
        {
            return at("presentation_window", "is less than 60 seconds");
        }
        if bound(self.live_backoff).is_some_and(|backoff| u128::from(backoff) > seconds(LONGEST_BACKOFF)) {
            return at("live_backoff", "is more than 300 seconds");
        }
        Ok(())
    }
}

impl Condition {
    fn problem(&self) -> Option<&'static str> {
        let value = self.value.as_str();
        let subtag =
            |tag: &str| (1..=8).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_alphanumeric());
        match self.property {
            _ if value.is_empty() => Some("is empty"),
            _ if value.len() > LONGEST_VALUE => Some("is longer than 64 bytes"),
            Property::Type if !matches!(value, "video" | "audio" | "text") => {
                Some("is neither `video`, `audio` nor `text`")
            }
            Property::Language if !value.split('-').all(subtag) => Some("is not a language tag"),
            Property::Codec if value.len() != 4 || !value.bytes().all(|byte| byte.is_ascii_graphic()) => {
                Some("is not a four-character code such as `avc1`")
            }
            Property::Bitrate if bitrates(value).is_none() => {
                Some("is neither a bit rate nor a rising range such as `0-2427000`")
            }
            _ => None,
        }
    }
}
