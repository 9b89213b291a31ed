//! Signature headers by which a content delivery network shows that a request comes through it (Akamai's "G2O").
//!
//! ```text
//! X-Akamai-G2O-Auth-Data: 5, 203.0.113.7, 198.51.100.9, 1800000000, 1234.5678, key-1
//!                         version, edge, client, seconds since the epoch, unique id, the key's id
//! X-Akamai-G2O-Auth-Sign: base64 of HMAC(key, data + path and query)
//! ```
//! Versions 4 (SHA-1) and 5 (SHA-256) are read; those before stand on MD5.

use std::{collections::HashSet, fmt};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use ring::hmac;

/// The headers, in lower case.
pub const DATA: &str = "x-akamai-g2o-auth-data";
/// The signature's.
pub const SIGN: &str = "x-akamai-g2o-auth-sign";

/// Seconds that a signature counts for, before and after its time.
const WINDOW: u64 = 30;
/// Bytes of the longest header.
const LONGEST: usize = 1024;

/// A key that requests are signed with. Its secret is never printed.
#[derive(Clone)]
pub struct SigningKey {
    /// What requests name it by.
    pub id: String,
    /// Its bytes.
    pub secret: Vec<u8>,
    /// Seconds since the epoch until which it counts; none for ever.
    pub until: Option<u64>,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, ***)", self.id)
    }
}

/// The signatures that were seen lately: each counts once. What was signed for 30 s ahead counts for a minute.
#[derive(Debug, Default)]
pub struct Seen {
    /// Those of this minute and of the one before.
    now: HashSet<Vec<u8>>,
    before: HashSet<Vec<u8>>,
    /// When this minute began, in seconds since the epoch.
    since: u64,
}

impl Seen {
    /// Signatures of a minute that are remembered; where there are more, the oldest may be used again.
    const MOST: usize = 1 << 18;

    /// Whether a signature is seen for the first time, at `now`, in seconds since the epoch.
    pub fn is_new(&mut self, sign: &str, now: u64) -> bool {
        if now.saturating_sub(self.since) > 2 * WINDOW || self.now.len() >= Self::MOST {
            (self.before, self.since) = (std::mem::take(&mut self.now), now);
        }
        // The same bytes can be spelled in several ways.
        let Ok(sign) = BASE64.decode(sign.trim()) else { return false };
        !self.before.contains(&sign) && self.now.insert(sign)
    }
}

/// Whether one of the keys has signed a request for `target`, its path and query, at `now`, in seconds since the epoch.
#[must_use]
pub fn is_signed(keys: &[SigningKey], data: &str, sign: &str, target: &str, now: u64) -> bool {
    if data.len() > LONGEST || sign.len() > LONGEST {
        return false;
    }
    let fields: Vec<&str> = data.split(',').map(str::trim).collect();
    let [version, _, _, time, _, id] = fields[..] else { return false };
    let algorithm = match version {
        "4" => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        "5" => hmac::HMAC_SHA256,
        _ => return false,
    };
    let fresh = time.parse::<u64>().is_ok_and(|time| time.abs_diff(now) <= WINDOW);
    let Ok(sign) = BASE64.decode(sign.trim()) else { return false };
    let counts = |key: &&SigningKey| key.id == id && key.until.is_none_or(|until| now < until);
    let signed = |key: &SigningKey| {
        let text = [data.as_bytes(), target.as_bytes()].concat();
        hmac::verify(&hmac::Key::new(algorithm, &key.secret), &text, &sign).is_ok()
    };
    fresh && keys.iter().filter(counts).any(signed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;
    const TARGET: &str = "/live/main/master.m3u8?filter=A";

    fn keys() -> Vec<SigningKey> {
        let key = |id: &str, until| SigningKey { id: id.into(), secret: b"secret".to_vec(), until };
        vec![key("one", None), key("old", Some(NOW - 1))]
    }

    fn sign(algorithm: hmac::Algorithm, data: &str, target: &str) -> String {
        let key = hmac::Key::new(algorithm, b"secret");
        BASE64.encode(hmac::sign(&key, format!("{data}{target}").as_bytes()))
    }

    #[test]
    fn a_signature_counts_once() {
        let mut seen = Seen::default();
        let sign = |nth: u32| BASE64.encode(nth.to_be_bytes());
        for (nth, at, new) in
            [(1, 0, true), (1, 0, false), (2, 30, true), (1, 60, false), (1, 61, false), (2, 90, false)]
        {
            assert_eq!(seen.is_new(&sign(nth), NOW + at), new, "{nth} {at}");
        }
        assert!(!seen.is_new(&format!(" {}", sign(2)), NOW + 90), "spelled otherwise");
        assert!(!seen.is_new("?", NOW + 90));
        assert!((0..3 * Seen::MOST as u32).all(|nth| seen.is_new(&sign(nth + 10), NOW + 91)));
        assert!(seen.now.len() <= Seen::MOST && seen.before.len() <= Seen::MOST);
    }

    #[test]
    fn only_what_a_key_has_signed_lately_for_this_very_target_counts() {
        let data =
            |version: &str, time: u64, id: &str| format!("{version}, 1.2.3.4, 5.6.7.8, {time}, 9.9, {id}");
        let sha256 = |data: &str| sign(hmac::HMAC_SHA256, data, TARGET);
        let good = data("5", NOW, "one");
        assert!(is_signed(&keys(), &good, &sha256(&good), TARGET, NOW));
        assert!(is_signed(&keys(), &good, &sha256(&good), TARGET, NOW + 30));
        let older = data("4", NOW, "one");
        let by_sha1 = sign(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &older, TARGET);
        assert!(is_signed(&keys(), &older, &by_sha1, TARGET, NOW));
        assert!(!is_signed(&keys(), &good, &sha256(&good), "/live/main/master.m3u8", NOW));
        assert!(!is_signed(&keys(), &good, &sha256(&good), TARGET, NOW + 31));
        assert!(!is_signed(&[], &good, &sha256(&good), TARGET, NOW));
        for other in [
            data("3", NOW, "one"),
            data("5", NOW, "two"),
            data("5", NOW, "old"),
            "5, a".into(),
            String::new(),
        ] {
            assert!(!is_signed(&keys(), &other, &sha256(&other), TARGET, NOW), "{other}");
        }
        assert!(!is_signed(&keys(), &good, "?", TARGET, NOW));
        assert!(!format!("{:?}", keys()).contains("secret"));
    }
}
