//! Sizes and durations as people write them: `4GiB`, `90min`. Whole numbers only, so that nothing is rounded.

use std::{fmt, ops::RangeInclusive, time::Duration};

use serde::{Deserializer, Serialize, Serializer};

/// A number of bytes, written with the largest unit that holds it exactly: `64MiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(u64);

const BYTE_UNITS: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1000),
    ("B", 1),
];

const DURATION_UNITS: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1000), ("ms", 1)];

impl Bytes {
    /// `bytes` bytes.
    #[must_use]
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// `mib` times 2^20 bytes.
    #[must_use]
    pub const fn mib(mib: u64) -> Self {
        Self(mib << 20)
    }

    /// `gib` times 2^30 bytes.
    #[must_use]
    pub const fn gib(gib: u64) -> Self {
        Self(gib << 30)
    }

    /// The number of bytes.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&write(self.0, &BYTE_UNITS))
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

pub(crate) fn write_duration<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&text_of(*duration))
}

/// Reads a size such as `4GiB`.
pub(crate) fn bytes<'de, D: Deserializer<'de>>(
    deserializer: D,
    range: RangeInclusive<Bytes>,
) -> Result<Bytes, D::Error> {
    let allowed = format!(
        "a size from \"{}\" to \"{}\": a whole number and B, kB, MB, GB, TB, KiB, MiB, GiB or TiB",
        range.start(),
        range.end()
    );
    document::text(deserializer, &allowed, |text| {
        read(text, &BYTE_UNITS).map(Bytes).filter(|bytes| range.contains(bytes))
    })
}

/// Reads a duration such as `90min`.
pub(crate) fn duration<'de, D: Deserializer<'de>>(
    deserializer: D,
    range: RangeInclusive<Duration>,
) -> Result<Duration, D::Error> {
    let allowed = format!(
        "a duration from \"{}\" to \"{}\": a whole number and ms, s, min, h or d",
        text_of(*range.start()),
        text_of(*range.end())
    );
    document::text(deserializer, &allowed, |text| {
        read(text, &DURATION_UNITS).map(Duration::from_millis).filter(|duration| range.contains(duration))
    })
}

fn text_of(duration: Duration) -> String {
    write(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX), &DURATION_UNITS)
}

/// `number unit` with or without a space; nothing for any other text or on overflow.
fn read(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

fn write(value: u64, units: &[(&str, u64)]) -> String {
    let exact = units.iter().find(|(_, factor)| value >= *factor && value.is_multiple_of(*factor));
    let (unit, factor) = exact.or(units.last()).copied().unwrap_or(("", 1));
    format!("{}{unit}", value / factor)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_and_durations_are_exact() {
        for (text, bytes) in [("4GiB", 4 << 30), ("4 GB", 4_000_000_000), ("1kB", 1000), ("17B", 17)] {
            assert_eq!(read(text, &BYTE_UNITS), Some(bytes), "{text}");
        }
        for (text, ms) in [("4h", 14_400_000), ("90min", 5_400_000), ("1 d", 86_400_000), ("5ms", 5)] {
            assert_eq!(read(text, &DURATION_UNITS), Some(ms), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for bad in
            ["", "4", "GiB", "1.5GiB", "-1GiB", "4gib", "4GiB ", "99999999999TiB", "18446744073709551616B"]
        {
            assert_eq!(read(bad, &BYTE_UNITS), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(value: u64) {
            prop_assert_eq!(read(&write(value, &BYTE_UNITS), &BYTE_UNITS), Some(value));
            prop_assert_eq!(read(&write(value, &DURATION_UNITS), &DURATION_UNITS), Some(value));
        }
    }
}
