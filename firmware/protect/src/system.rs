//! What players of the named protection systems are told: which key, and where its licence comes from. Licences stay with the
//! system's own server.

use access::{KeyId, Scheme};
use aes::cipher::BlockCipherEncrypt;
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use cmaf::encryption::full;

use crate::ContentKey;

/// The ids that stand in `pssh` (the identifiers' registry of DASH-IF).
pub const WIDEVINE: KeyId = KeyId(*b"\xed\xef\x8b\xa9\x79\xd6\x4a\xce\xa3\xc8\x27\xdc\xd5\x1d\x21\xed");
/// PlayReady.
pub const PLAYREADY: KeyId = KeyId(*b"\x9a\x04\xf0\x79\x98\x40\x42\x86\xab\x92\xe6\x5b\xe0\x88\x5f\x95");
/// Clear Key, and any system that needs no more than the key's id (W3C, "cenc" Initialization Data Format).
pub const COMMON: KeyId = KeyId(*b"\x10\x77\xef\xec\xc0\xb2\x4d\x02\xac\xe3\x3c\x1e\x52\xe2\xfb\x4b");
/// Clear Key in a DASH manifest (DASH-IF IOP, 7.6.2.4).
pub const CLEAR_KEY: KeyId = KeyId(*b"\xe2\x71\x9d\x58\xa9\x85\xb3\xc9\x78\x1a\xb0\x30\xaf\x78\xd3\x0e");

/// The `pssh` box (ISO/IEC 23001-7, 8.1) with nothing but the key's id.
#[must_use]
pub fn common_pssh(key: &ContentKey) -> Vec<u8> {
    let mut out = Vec::with_capacity(52);
    full(&mut out, b"pssh", 1 << 24, |out| {
        out.extend(COMMON.0);
        out.extend(1u32.to_be_bytes());
        out.extend(key.id.0);
        out.extend([0; 4]);
    });
    out
}

/// The `pssh` box of Widevine: a message with the key's id and the scheme (fields 2 and 9 of `WidevinePsshData`).
#[must_use]
pub fn widevine_pssh(key: &ContentKey, scheme: Scheme) -> Vec<u8> {
    let mut data = vec![0x12, 16];
    data.extend(key.id.0);
    data.push(0x48);
    let mut fourcc = u32::from_be_bytes(scheme.fourcc());
    while fourcc >= 0x80 {
        data.push(fourcc as u8 | 0x80);
        fourcc >>= 7;
    }
    data.push(fourcc as u8);
    pssh(WIDEVINE, &data)
}

/// The `pssh` box of PlayReady around its [`playready`] object.
#[must_use]
pub fn playready_pssh(key: &ContentKey, scheme: Scheme, url: Option<&str>) -> Vec<u8> {
    pssh(PLAYREADY, &playready(key, scheme, url))
}

/// The PlayReady Object with one rights management header (Microsoft, "PlayReady Header Specification"): version 4.0 for `cenc`,
/// which every client reads, 4.3 for `cbcs`.
#[must_use]
pub fn playready(key: &ContentKey, scheme: Scheme, url: Option<&str>) -> Vec<u8> {
    let id = guid(key.id);
    let url = url.map_or_else(String::new, |url| format!("<LA_URL>{}</LA_URL>", escaped(url)));
    let named = BASE64.encode(id);
    let (version, data) = match scheme {
        Scheme::Cenc => {
            let mut block = id.into();
            key.key.cipher().encrypt_block(&mut block);
            let checksum = BASE64.encode(&block[..8]);
            let info = "<PROTECTINFO><KEYLEN>16</KEYLEN><ALGID>AESCTR</ALGID></PROTECTINFO>";
            ("4.0.0.0", format!("{info}<KID>{named}</KID><CHECKSUM>{checksum}</CHECKSUM>{url}"))
        }
        Scheme::Cbcs => {
            let kids = format!("<KIDS><KID ALGID=\"AESCBC\" VALUE=\"{named}\"></KID></KIDS>");
            ("4.3.0.0", format!("<PROTECTINFO>{kids}</PROTECTINFO>{url}"))
        }
    };
    let header = format!(
        "<WRMHEADER xmlns=\"http://schemas.microsoft.com/DRM/2007/03/PlayReadyHeader\" version=\"{version}\"><DATA>{data}\
         </DATA></WRMHEADER>"
    );
    let header: Vec<u8> = header.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut object = Vec::with_capacity(10 + header.len());
    // An address has 2 kB at the most, so both lengths fit.
    object.extend((header.len() as u32 + 10).to_le_bytes());
    object.extend([1, 0, 1, 0]);
    object.extend((header.len() as u16).to_le_bytes());
    object.extend(header);
    object
}

/// A key's id in the order of bytes that Microsoft's GUIDs have.
fn guid(id: KeyId) -> [u8; 16] {
    let mut bytes = id.0;
    bytes[..4].reverse();
    bytes[4..6].reverse();
    bytes[6..8].reverse();
    bytes
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn pssh(system: KeyId, data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(32 + data.len());
    full(&mut out, b"pssh", 0, |out| {
        out.extend(system.0);
        // As above, or some twenty bytes.
        out.extend((data.len() as u32).to_be_bytes());
        out.extend(data);
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Key;

    fn key() -> ContentKey {
        let id = "6e5a1d26-2757-47d7-8046-eaa5d1d34b5a".parse().unwrap();
        ContentKey::new(id, Key::new([7; 16]), None)
    }

    #[test]
    fn widevine_is_told_the_key_and_the_scheme() {
        let pssh = widevine_pssh(&key(), Scheme::Cenc);
        assert_eq!(pssh[..12], *b"\0\0\0\x38pssh\0\0\0\0");
        assert_eq!(pssh[12..28], WIDEVINE.0);
        assert_eq!(pssh[28..34], [0, 0, 0, 24, 0x12, 16]);
        assert_eq!(pssh[34..50], key().id.0);
        // As other packagers write it.
        assert_eq!(pssh[50..], [0x48, 0xe3, 0xdc, 0x95, 0x9b, 0x06]);
        assert_eq!(widevine_pssh(&key(), Scheme::Cbcs)[50..], [0x48, 0xf3, 0xc6, 0x89, 0x9b, 0x06]);
    }

    #[test]
    fn playready_reads_the_guid_from_behind() {
        let object = playready(&key(), Scheme::Cenc, Some("https://l.example/?a=1&b=2"));
        assert_eq!(object.len() as u32, u32::from_le_bytes(*object.first_chunk().unwrap()));
        let text: Vec<u16> =
            object[10..].chunks(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
        let text = String::from_utf16(&text).unwrap();
        assert!(text.contains("<KID>Jh1ablcn10eARuql0dNLWg==</KID>"), "{text}");
        assert!(text.contains("<LA_URL>https://l.example/?a=1&amp;b=2</LA_URL>"), "{text}");
    }

    #[test]
    fn the_common_box_has_the_key_id_alone() {
        let pssh = common_pssh(&key());
        assert_eq!((pssh.len(), &pssh[..4], pssh[8]), (52, &[0, 0, 0, 52][..], 1));
        assert_eq!(pssh[32..48], key().id.0);
    }
}
