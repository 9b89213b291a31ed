//! Licences of Clear Key (W3C Encrypted Media Extensions, 9.1.3 and 9.1.4).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64_URL};
use serde::Deserialize;
use serde_json::json;

use crate::KeyId;

/// What a player asks for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Request {
    /// Ids of keys in base64url; those of other lengths than a key's are nobody's.
    kids: Vec<String>,
}

impl Request {
    /// Reads a request's body; none where it is none.
    #[must_use]
    pub fn parse(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }

    /// Whether it is about this key, among others.
    #[must_use]
    pub fn names(&self, id: KeyId) -> bool {
        let id = BASE64_URL.encode(id.0);
        self.kids.iter().any(|kid| kid.trim_end_matches('=') == id)
    }
}

/// The licence of one key: the key itself, as a JSON Web Key.
#[must_use]
pub fn licence(id: KeyId, key: &[u8; 16]) -> String {
    let (kid, k) = (BASE64_URL.encode(id.0), BASE64_URL.encode(key));
    json!({ "keys": [{ "kty": "oct", "kid": kid, "k": k }], "type": "temporary" }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_its_keys() {
        let id = KeyId(*b"\x6e\x5a\x1d\x26\x27\x57\x47\xd7\x80\x46\xea\xa5\xd1\xd3\x4b\x5a");
        let request =
            Request::parse(br#"{"kids":["AAAA","blodJidXR9eARuql0dNLWg"],"type":"temporary"}"#).unwrap();
        assert!(request.names(id) && !request.names(KeyId([0; 16])));
        for body in [&b""[..], b"{}", br#"{"kids":"blodJidXR9eARuql0dNLWg"}"#, b"\xff"] {
            assert_eq!(Request::parse(body), None);
        }
        assert!(
            licence(id, &[0; 16]).contains(r#""k":"AAAAAAAAAAAAAAAAAAAAAA","kid":"blodJidXR9eARuql0dNLWg""#)
        );
    }
}
