//! Keys, and what names them.

use std::{fmt, str::FromStr};

use access::KeyId;
use aes::{
    Aes128,
    cipher::{BlockCipherEncrypt, KeyInit},
};

/// What an initialisation vector is made from that nobody has given: anything but a counter or a time.
const DERIVED_IV: [u8; 16] = *b"riser iv of key ";

/// An AES key of 128 bits. It is never printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Key([u8; 16]);

impl Key {
    /// The key of these bytes.
    #[must_use]
    pub fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes, for who may have them.
    #[must_use]
    pub fn reveal(&self) -> &[u8; 16] {
        &self.0
    }

    /// A key for another purpose, which does not tell this one.
    pub(crate) fn derive(&self, purpose: [u8; 16]) -> [u8; 16] {
        let mut block = purpose.into();
        self.cipher().encrypt_block(&mut block);
        block.into()
    }

    pub(crate) fn cipher(&self) -> Aes128 {
        Aes128::new(&self.0.into())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl FromStr for Key {
    type Err = ();

    /// 32 hexadecimal digits.
    fn from_str(text: &str) -> Result<Self, ()> {
        access::sixteen_bytes(text).map(Self).ok_or(())
    }
}

/// A key that content is encrypted with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentKey {
    /// What names it.
    pub id: KeyId,
    /// The key.
    pub key: Key,
    iv: Option<[u8; 16]>,
}

impl ContentKey {
    /// A key with its name; `iv` where somebody else has said which initialisation vector belongs to it.
    #[must_use]
    pub fn new(id: KeyId, key: Key, iv: Option<[u8; 16]>) -> Self {
        Self { id, key, iv }
    }

    /// The initialisation vector of what has no other one: whole segments, and `cbcs`.
    #[must_use]
    pub fn iv(&self) -> [u8; 16] {
        self.iv.unwrap_or_else(|| self.key.derive(DERIVED_IV))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_not_printed_and_its_id_is() {
        let key: Key = "000102030405060708090a0b0c0d0e0f".parse().unwrap();
        let id: KeyId = "6E5A1D26-2757-47D7-8046-EAA5D1D34B5A".parse().unwrap();
        let printed = format!("{:?}", ContentKey::new(id, key, None));
        assert_eq!(printed, "ContentKey { id: 6e5a1d26-2757-47d7-8046-eaa5d1d34b5a, key: ***, iv: None }");
        assert!("".parse::<Key>().is_err());
    }
}
