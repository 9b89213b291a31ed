//! A text that must not be seen.

use std::{fmt, hint::black_box};

/// A token or password: it is printed as `***` and compared in constant time.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Hides `text`.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Whether `given` is the same text. An empty secret matches nothing.
    ///
    /// How long it takes depends on the length of `given` alone, so that nobody can find the text piece by piece.
    #[must_use]
    pub fn matches(&self, given: &str) -> bool {
        let secret = self.0.as_bytes();
        if secret.is_empty() {
            return false;
        }
        let mut differ = u8::from(secret.len() != given.len());
        for (given, secret) in given.bytes().zip(secret.iter().cycle()) {
            differ = black_box(differ | (given ^ secret));
        }
        differ == 0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_matches_itself_only() {
        let secret = Secret::new("a1b2");
        assert!(secret.matches("a1b2"));
        for other in ["", "a", "a1b", "a1b3", "b1b2", "a1b2a1b2", "a1b2 ", "A1B2"] {
            assert!(!secret.matches(other), "{other}");
        }
        assert!(!Secret::new("").matches(""));
    }

    #[test]
    fn it_is_never_printed() {
        let secret = Secret::new("a1b2");
        assert_eq!(format!("{secret} {secret:?} {:#?}", Some(&secret)), "*** *** Some(\n    ***,\n)");
    }
}
