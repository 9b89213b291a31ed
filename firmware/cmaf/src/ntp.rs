//! NTP timestamps (RFC 5905, 6): 32 bits of seconds since 1900 and 32 bits of fraction.
//!
//! The seconds wrap on 2036-02-07; by RFC 4330, 3, a clear top bit means the era that begins then. So the two
//! functions are each other's inverse for every nanosecond from 1970 to 2104.

use media::NANOS;

/// Seconds from 1900 to 1970.
const UNIX_EPOCH: u64 = 2_208_988_800;

/// The timestamp of an instant, nanoseconds since the Unix epoch.
pub(crate) fn from_nanos(nanos: u64) -> u64 {
    let seconds = nanos / NANOS + UNIX_EPOCH;
    let fraction = (((nanos % NANOS) << 32) + NANOS / 2) / NANOS;
    (seconds << 32) | fraction
}

/// Nanoseconds since the Unix epoch; 0 for an instant before it.
pub(crate) fn to_nanos(timestamp: u64) -> u64 {
    let (seconds, fraction) = (timestamp >> 32, timestamp & u64::from(u32::MAX));
    let era = if seconds >> 31 == 1 { 0 } else { 1 << 32 };
    match (seconds + era).checked_sub(UNIX_EPOCH) {
        Some(seconds) => seconds * NANOS + ((fraction * NANOS + (1 << 31)) >> 32),
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_instants() {
        assert_eq!(from_nanos(0), UNIX_EPOCH << 32);
        assert_eq!(from_nanos(1_500_000_000), (UNIX_EPOCH + 1) << 32 | 1 << 31);
        // 2036-02-07T06:28:16Z, the first second of the next era.
        assert_eq!(from_nanos(2_085_978_496 * NANOS), 0);
        assert_eq!(to_nanos(0), 2_085_978_496 * NANOS);
        assert_eq!(to_nanos(1 << 63), 0, "1968 lies before the epoch");
    }

    proptest! {
        #[test]
        fn every_nanosecond_until_2104_comes_back(nanos in 0..4_233_000_000 * NANOS) {
            prop_assert_eq!(to_nanos(from_nanos(nanos)), nanos);
        }

        #[test]
        fn any_timestamp_has_an_instant(timestamp: u64) {
            to_nanos(timestamp);
        }
    }
}
