//! Tokens that show that a viewer may have a key: JSON Web Tokens (RFC 7519) signed by HMAC or RSA, and Simple Web Tokens.
//!
//! Which algorithm counts is said by the key that verifies, never by the token: a public key is never taken for a secret.

use std::{collections::BTreeMap, fmt};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64_URL};
use ring::{
    hmac,
    signature::{self, RsaParameters, RsaPublicKeyComponents},
};
use serde::Deserialize;
use serde_json::{Map, Value};

mod swt;

/// Seconds that clocks may differ.
const LEEWAY: u64 = 30;
/// Bytes of the longest token.
const LONGEST: usize = 4096;

/// What a token must be.
#[derive(Clone, Debug)]
pub struct Verifier {
    /// Its kind.
    pub kind: Kind,
    /// Who must have issued it.
    pub issuer: String,
    /// For whom it must be.
    pub audience: String,
    /// One of these must have signed it.
    pub keys: Vec<VerificationKey>,
    /// What else it must say.
    pub claims: BTreeMap<String, String>,
    /// The claim that must name the content key by its id, if one must.
    pub key_claim: Option<String>,
}

/// The kinds of tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// JSON Web Token.
    #[default]
    Jwt,
    /// Simple Web Token, signed by HMAC with SHA-256.
    Swt,
}

/// A key that tokens are verified with. A secret is never printed.
#[derive(Clone)]
pub enum VerificationKey {
    /// Of HMAC.
    Secret(Vec<u8>),
    /// Of RSA.
    Rsa {
        /// What tokens name it by, if anything.
        id: Option<String>,
        /// The modulus, big-endian.
        n: Vec<u8>,
        /// The exponent, big-endian.
        e: Vec<u8>,
    },
}

impl fmt::Debug for VerificationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(_) => f.write_str("Secret(***)"),
            Self::Rsa { id, .. } => write!(f, "Rsa({id:?})"),
        }
    }
}

/// Why a token does not do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It cannot be read.
    #[error("the token cannot be read")]
    Malformed,
    /// None of the keys has signed it.
    #[error("none of the known keys has signed the token")]
    Signature,
    /// It does not say until when it counts, or that has passed.
    #[error("the token has expired")]
    Expired,
    /// It does not count yet.
    #[error("the token is not valid yet")]
    TooEarly,
    /// A claim is not there or says something else.
    #[error("claim `{0}` of the token is not what it must be")]
    Claim(String),
}

impl Verifier {
    /// Whether `token` opens the content key with this id, a UUID, at `now`, in seconds since the epoch.
    ///
    /// # Errors
    /// Why not.
    pub fn verify(&self, token: &str, content_key: &str, now: u64) -> Result<(), Refused> {
        if token.len() > LONGEST {
            return Err(Refused::Malformed);
        }
        let claims = match self.kind {
            Kind::Jwt => jwt(&self.keys, token)?,
            Kind::Swt => swt::claims(&self.keys, token)?,
        };
        let number = |name: &str| claims.get(name).and_then(seconds);
        let (until, from) = match self.kind {
            Kind::Jwt => ("exp", "nbf"),
            Kind::Swt => ("ExpiresOn", "ValidFrom"),
        };
        if number(until).is_none_or(|end| end.saturating_add(LEEWAY) <= now) {
            return Err(Refused::Expired);
        }
        if claims.contains_key(from) && number(from).is_none_or(|begin| begin > now.saturating_add(LEEWAY)) {
            return Err(Refused::TooEarly);
        }
        let (issuer, audience) = match self.kind {
            Kind::Jwt => ("iss", "aud"),
            Kind::Swt => ("Issuer", "Audience"),
        };
        let mut wanted: Vec<(&str, &str)> = vec![(issuer, &self.issuer), (audience, &self.audience)];
        wanted.extend(self.claims.iter().map(|(name, value)| (&**name, &**value)));
        for (name, value) in wanted {
            claims.get(name).filter(|claim| says(claim, value)).ok_or_else(|| Refused::Claim(name.into()))?;
        }
        match &self.key_claim {
            Some(name) if !claims.get(name).is_some_and(|claim| names(claim, content_key)) => {
                Err(Refused::Claim(name.clone()))
            }
            _ => Ok(()),
        }
    }
}

/// Whether a claim, or one of several, is this text.
fn says(claim: &Value, wanted: &str) -> bool {
    match claim {
        Value::String(text) => text == wanted,
        Value::Array(several) => several.iter().any(|one| one.as_str() == Some(wanted)),
        Value::Number(number) => number.to_string() == wanted,
        Value::Bool(flag) => wanted == if *flag { "true" } else { "false" },
        Value::Null | Value::Object(_) => false,
    }
}

/// Whether a claim is this UUID, in any case, with hyphens or without.
fn names(claim: &Value, id: &str) -> bool {
    let bare = |text: &str| text.replace('-', "").to_ascii_lowercase();
    claim.as_str().is_some_and(|text| bare(text) == bare(id))
}

/// Seconds since the epoch: a number, of which some have a fraction, or in Simple Web Tokens its digits.
fn seconds(claim: &Value) -> Option<u64> {
    match claim {
        Value::Number(number) => {
            number.as_u64().or_else(|| number.as_f64().filter(|seconds| *seconds >= 0.0).map(|s| s as u64))
        }
        Value::String(digits) => digits.parse().ok(),
        _ => None,
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

/// The claims of a JSON Web Token that one of the keys has signed (RFC 7515, 5.2).
fn jwt(keys: &[VerificationKey], token: &str) -> Result<Map<String, Value>, Refused> {
    let (signed, signature) = token.rsplit_once('.').ok_or(Refused::Malformed)?;
    let (header, claims) = signed.split_once('.').ok_or(Refused::Malformed)?;
    let decode = |text: &str| BASE64_URL.decode(text).map_err(|_| Refused::Malformed);
    let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| Refused::Malformed)?;
    // Extensions that must be understood: none is.
    if header.crit.is_some() {
        return Err(Refused::Malformed);
    }
    let signature = decode(signature)?;
    let fits = |key: &&VerificationKey| key.signed(&header, signed.as_bytes(), &signature);
    keys.iter().find(fits).ok_or(Refused::Signature)?;
    serde_json::from_slice(&decode(claims)?).map_err(|_| Refused::Malformed)
}

impl VerificationKey {
    /// A public key of RSA in PEM (`BEGIN PUBLIC KEY`).
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_pem(pem: &str) -> Result<Self, String> {
        use spki::{SubjectPublicKeyInfoOwned, der::DecodePem};
        const RSA: spki::ObjectIdentifier = spki::ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
        let info = SubjectPublicKeyInfoOwned::from_pem(pem).map_err(|error| error.to_string())?;
        if info.algorithm.oid != RSA {
            return Err("it is not a key of RSA".to_owned());
        }
        let cut = || "it is cut short".to_owned();
        let key = info.subject_public_key.as_bytes().ok_or_else(cut)?;
        let (n, e) = numbers(key).ok_or_else(cut)?;
        Ok(Self::Rsa { id: None, n, e })
    }

    /// The keys of RSA in a JSON Web Key Set (RFC 7517).
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_jwks(text: &str) -> Result<Vec<Self>, String> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Jwk>,
        }
        #[derive(Deserialize)]
        struct Jwk {
            kty: String,
            kid: Option<String>,
            n: Option<String>,
            e: Option<String>,
        }
        let set: Set = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let rsa = set.keys.into_iter().filter(|key| key.kty == "RSA").map(|key| {
            let number = |text: Option<String>| text.and_then(|text| BASE64_URL.decode(text).ok());
            let (n, e) = number(key.n).zip(number(key.e)).ok_or("a key's n or e cannot be read")?;
            Ok(Self::Rsa { id: key.kid, n, e })
        });
        let rsa = rsa.collect::<Result<Vec<_>, &str>>()?;
        if rsa.is_empty() { Err("there is no key of RSA in it".to_owned()) } else { Ok(rsa) }
    }

    fn signed(&self, header: &Header, signed: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Secret(secret) => {
                let algorithm = match &*header.alg {
                    "HS256" => hmac::HMAC_SHA256,
                    "HS384" => hmac::HMAC_SHA384,
                    "HS512" => hmac::HMAC_SHA512,
                    _ => return false,
                };
                hmac::verify(&hmac::Key::new(algorithm, secret), signed, signature).is_ok()
            }
            Self::Rsa { id, n, e } => {
                let algorithm: &RsaParameters = match &*header.alg {
                    "RS256" => &signature::RSA_PKCS1_2048_8192_SHA256,
                    "RS384" => &signature::RSA_PKCS1_2048_8192_SHA384,
                    "RS512" => &signature::RSA_PKCS1_2048_8192_SHA512,
                    _ => return false,
                };
                let other = id.is_some() && header.kid.is_some() && *id != header.kid;
                !other && RsaPublicKeyComponents { n, e }.verify(algorithm, signed, signature).is_ok()
            }
        }
    }
}

/// The modulus and exponent of an `RSAPublicKey` (RFC 8017, A.1.1).
fn numbers(der: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    use spki::der::{Decode, Reader, SliceReader, asn1::UintRef};
    let mut reader = SliceReader::new(der).ok()?;
    let numbers = reader.sequence(|inside| {
        let (n, e) = (UintRef::decode(inside)?, UintRef::decode(inside)?);
        Ok::<_, spki::der::Error>((n.as_bytes().to_vec(), e.as_bytes().to_vec()))
    });
    numbers.ok()
}

#[cfg(test)]
mod tests;
