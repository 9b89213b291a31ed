//! Ids of keys.

use std::{fmt, str::FromStr};

/// The id of a key: public, a UUID.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub [u8; 16]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, byte) in self.0.iter().enumerate() {
            write!(f, "{}{byte:02x}", if matches!(nth, 4 | 6 | 8 | 10) { "-" } else { "" })?;
        }
        Ok(())
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for KeyId {
    type Err = ();

    /// A UUID, with hyphens in their places or without.
    fn from_str(text: &str) -> Result<Self, ()> {
        let hyphens: Vec<_> = text.match_indices('-').map(|(at, _)| at).collect();
        let placed = hyphens.is_empty() || hyphens == [8, 13, 18, 23];
        sixteen_bytes(&text.replace('-', "")).filter(|_| placed).map(Self).ok_or(())
    }
}

/// Sixteen bytes of 32 hexadecimal digits.
#[must_use]
pub fn sixteen_bytes(text: &str) -> Option<[u8; 16]> {
    let fits = text.len() == 32 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    fits.then(|| u128::from_str_radix(text, 16).ok()).flatten().map(u128::to_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_written_as_they_are_read() {
        let id: KeyId = "6E5A1D26-2757-47D7-8046-EAA5D1D34B5A".parse().unwrap();
        assert_eq!(id.to_string(), "6e5a1d26-2757-47d7-8046-eaa5d1d34b5a");
        assert_eq!(id.to_string().replace('-', "").parse(), Ok(id));
        for text in ["", "00", "000102030405060708090a0b0c0d0e0g", "+00102030405060708090a0b0c0d0e0f"] {
            assert!(sixteen_bytes(text).is_none() && text.parse::<KeyId>().is_err(), "{text}");
        }
        assert!("6e5a1d2627-57-47d7-8046-eaa5d1d34b5a".parse::<KeyId>().is_err());
    }
}
