//! Simple Web Tokens (version 0.9.5.1): a form whose last field, `HMACSHA256`, signs those before it.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use ring::hmac;
use serde_json::{Map, Value};

use super::{Refused, VerificationKey};

/// The claims of a token that one of the secrets has signed.
pub(super) fn claims(keys: &[VerificationKey], token: &str) -> Result<Map<String, Value>, Refused> {
    let (signed, signature) = token.rsplit_once("&HMACSHA256=").ok_or(Refused::Malformed)?;
    let signature = decode(signature).and_then(|text| BASE64.decode(text).ok()).ok_or(Refused::Malformed)?;
    let fits = |key: &&VerificationKey| match key {
        VerificationKey::Secret(secret) => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
            hmac::verify(&key, signed.as_bytes(), &signature).is_ok()
        }
        VerificationKey::Rsa { .. } => false,
    };
    keys.iter().find(fits).ok_or(Refused::Signature)?;
    let mut claims = Map::new();
    for pair in signed.split('&') {
        let (name, value) = pair.split_once('=').ok_or(Refused::Malformed)?;
        let (name, value) = decode(name).zip(decode(value)).ok_or(Refused::Malformed)?;
        if claims.insert(name, Value::String(value)).is_some() {
            return Err(Refused::Malformed);
        }
    }
    Ok(claims)
}

/// A field of a form, its encoding undone.
fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let (high, low) = (digit(bytes.next())?, digit(bytes.next())?);
                (high << 4 | low) as u8
            }
            other => other,
        });
    }
    String::from_utf8(decoded).ok()
}
