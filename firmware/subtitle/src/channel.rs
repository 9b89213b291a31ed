//! The four caption channels of CEA-608.

use std::str::FromStr;

use crate::Unit;

/// A caption channel of CEA-608 (ANSI/CTA-608-E): two in each field of line 21.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    /// The first of field 1: the language of the programme.
    Cc1,
    /// The second of field 1.
    Cc2,
    /// The first of field 2.
    Cc3,
    /// The second of field 2.
    Cc4,
}

/// A name that is none of `CC1` to `CC4`. The services of CEA-708 are among them: they stay in the pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one of CC1 to CC4")]
pub struct UnknownChannel;

impl FromStr for Channel {
    type Err = UnknownChannel;

    fn from_str(name: &str) -> Result<Self, UnknownChannel> {
        match name {
            "CC1" => Ok(Self::Cc1),
            "CC2" => Ok(Self::Cc2),
            "CC3" => Ok(Self::Cc3),
            "CC4" => Ok(Self::Cc4),
            _ => Err(UnknownChannel),
        }
    }
}

impl Channel {
    /// The channel of this name in [`media::Captions::service`]; none for a service of CEA-708.
    #[must_use]
    pub fn of(service: &str) -> Option<Self> {
        service.parse().ok()
    }

    /// Whether it is in field 2, which it shares with extended data services.
    pub(crate) fn in_field_2(self) -> bool {
        matches!(self, Self::Cc3 | Self::Cc4)
    }

    /// Whether it is the first of its field.
    pub(crate) fn is_first(self) -> bool {
        matches!(self, Self::Cc1 | Self::Cc3)
    }

    /// The pairs of this channel's field among units, without those that are not valid.
    pub(crate) fn pairs(self, units: &[Unit]) -> impl Iterator<Item = [u8; 2]> {
        let (valid, kind) = (4, u8::from(self.in_field_2()));
        let ours = units.iter().filter(move |[head, ..]| head & 7 == valid | kind);
        ours.map(|&[_, first, second]| [first, second])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_named_as_tracks_name_them() {
        assert_eq!(Channel::of("CC1"), Some(Channel::Cc1));
        assert_eq!("CC4".parse(), Ok(Channel::Cc4));
        for name in ["SERVICE1", "CC5", "cc1", ""] {
            assert_eq!(Channel::of(name), None, "{name}");
        }
    }

    #[test]
    fn a_channel_reads_its_field_only() {
        let units = [[0xfc, 1, 2], [0xfd, 3, 4], [0xfe, 5, 6], [0xff, 7, 8], [0xf8, 9, 9], [0xf9, 9, 9]];
        let pairs = |channel: Channel| channel.pairs(&units).collect::<Vec<_>>();
        assert_eq!((pairs(Channel::Cc1), pairs(Channel::Cc2)), (vec![[1, 2]], vec![[1, 2]]));
        assert_eq!((pairs(Channel::Cc3), pairs(Channel::Cc4)), (vec![[3, 4]], vec![[3, 4]]));
    }
}
