//! Whole segments in AES-128, CBC, padded as PKCS #7 wants it (RFC 8216bis, 4.4.4.4).

use bytes::{Bytes, BytesMut};
use cbc::{
    Encryptor,
    cipher::{BlockModeEncrypt, KeyIvInit},
};

use crate::ContentKey;

const BLOCK: usize = 16;

/// What the pieces make together, encrypted with the key and its initialisation vector. Pieces that nobody else holds are
/// encrypted where they lie.
#[must_use]
pub fn envelope(key: &ContentKey, pieces: Vec<Bytes>) -> Vec<Bytes> {
    let mut encryptor = Encryptor::<aes::Aes128>::new(key.key.reveal().into(), &key.iv().into());
    // Bytes that do not make a block yet.
    let mut rest: Vec<u8> = Vec::with_capacity(BLOCK);
    let mut sent = Vec::with_capacity(2 * pieces.len() + 1);
    for mut piece in pieces {
        if !rest.is_empty() {
            let missing = (BLOCK - rest.len()).min(piece.len());
            rest.extend_from_slice(&piece.split_to(missing));
            if rest.len() == BLOCK {
                encrypt(&mut encryptor, &mut rest);
                sent.push(std::mem::take(&mut rest).into());
            }
        }
        let whole = piece.len() - piece.len() % BLOCK;
        rest.extend_from_slice(&piece.split_off(whole));
        let mut whole = piece.try_into_mut().unwrap_or_else(|shared| BytesMut::from(&shared[..]));
        encrypt(&mut encryptor, &mut whole);
        sent.push(whole.freeze());
    }
    let padding = BLOCK - rest.len();
    // At the most a block.
    rest.resize(BLOCK, padding as u8);
    encrypt(&mut encryptor, &mut rest);
    sent.push(rest.into());
    sent.retain(|piece| !piece.is_empty());
    sent
}

fn encrypt(encryptor: &mut Encryptor<aes::Aes128>, whole: &mut [u8]) {
    let (blocks, _) = aes::cipher::array::Array::slice_as_chunks_mut(whole);
    encryptor.encrypt_blocks(blocks);
}

#[cfg(test)]
mod tests {
    use cbc::{Decryptor, cipher::BlockModeDecrypt};
    use proptest::prelude::*;

    use super::*;
    use crate::Key;
    use access::KeyId;

    proptest! {
        #[test]
        fn any_pieces_come_back(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..6)) {
            let key = ContentKey::new(KeyId([1; 16]), Key::new([2; 16]), Some([3; 16]));
            let plain = pieces.concat();
            let pieces: Vec<Bytes> = pieces.into_iter().map(Bytes::from).collect();
            let mut sent = envelope(&key, pieces).concat();
            prop_assert_eq!(sent.len(), (plain.len() / BLOCK + 1) * BLOCK);
            let decryptor = Decryptor::<aes::Aes128>::new(&[2; 16].into(), &[3; 16].into());
            let back = decryptor.decrypt_padded::<cbc::cipher::block_padding::Pkcs7>(&mut sent).unwrap();
            prop_assert_eq!(back, &plain[..]);
        }
    }
}
