//! Samples in the two modes: a key stream (`cenc`), and blocks in chains of which one of ten is encrypted (`cbcs`).

use aes::Aes128;
use cbc::cipher::{BlockModeEncrypt, KeyIvInit, StreamCipher, array::Array};

use crate::Key;

/// Bytes of AES's blocks.
pub(crate) const BLOCK: usize = 16;

/// Encrypts a sample with a key stream that runs on from subsample to subsample (ISO/IEC 23001-7, 9.6); all of it where none is
/// named. The low half of `iv` counts blocks.
pub(crate) fn stream(key: &Key, iv: &[u8; 16], sample: &mut [u8], subsamples: &[(u16, u32)]) {
    let mut cipher = ctr::Ctr64BE::<Aes128>::new(key.reveal().into(), iv.into());
    each(sample, subsamples, |data| cipher.apply_keystream(data));
}

/// Encrypts a sample's whole blocks in a chain that begins anew in each subsample (23001-7, 9.5.1 and 10.4.2): so many of every
/// row as the pattern says, or all.
pub(crate) fn blocks(
    key: &Key,
    iv: &[u8; 16],
    pattern: Option<(u8, u8)>,
    sample: &mut [u8],
    subsamples: &[(u16, u32)],
) {
    each(sample, subsamples, |data| {
        let mut chain = cbc::Encryptor::<Aes128>::new(key.reveal().into(), iv.into());
        let (blocks, _) = Array::slice_as_chunks_mut(data);
        match pattern {
            None => chain.encrypt_blocks(blocks),
            Some((encrypted, left)) => {
                let (encrypted, left) = (usize::from(encrypted), usize::from(left));
                for row in blocks.chunks_mut(encrypted + left) {
                    let most = encrypted.min(row.len());
                    chain.encrypt_blocks(&mut row[..most]);
                }
            }
        }
    });
}

/// What of a sample is encrypted.
fn each(sample: &mut [u8], subsamples: &[(u16, u32)], mut encrypt: impl FnMut(&mut [u8])) {
    if subsamples.is_empty() {
        return encrypt(sample);
    }
    let mut at = 0;
    for (clear, encrypted) in subsamples {
        let from = at + usize::from(*clear);
        at = from + *encrypted as usize;
        encrypt(&mut sample[from..at]);
    }
}
