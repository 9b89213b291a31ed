//! HMAC (RFC 2104) by nothing that the box has: what its peers sign with.

use sha2::{Digest, Sha256};

/// The HMAC of `text` by SHA-256; `secret` has at most 64 bytes.
#[must_use]
pub fn sha256(secret: &[u8], text: &str) -> Vec<u8> {
    let mut pads = [[0x36; 64], [0x5c; 64]];
    for pad in &mut pads {
        pad.iter_mut().zip(secret).for_each(|(pad, byte)| *pad ^= byte);
    }
    let inner = Sha256::new().chain_update(pads[0]).chain_update(text).finalize();
    Sha256::new().chain_update(pads[1]).chain_update(inner).finalize().to_vec()
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_is_that_of_rfc_4231() {
        let tag = super::sha256(b"Jefe", "what do ya want for nothing?");
        assert_eq!(tag[..4], [0x5b, 0xdc, 0xc1, 0x46]);
    }
}
