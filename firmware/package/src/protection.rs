//! What manifests say of encryption: how, with which key, and where each system's players have it from.

use std::fmt::{self, Write as _};

use access::{Encryption, Scheme};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};

use crate::text::{Attribute, Quoted};

/// How something is encrypted, as its manifests say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protection {
    /// How.
    pub encryption: Encryption,
    /// The key's id, a UUID.
    pub key_id: [u8; 16],
    /// The initialisation vector of whole segments.
    pub iv: [u8; 16],
    /// Where the key itself is had.
    pub key_url: String,
    /// Whose players can have a licence, and what they are told.
    pub systems: Vec<System>,
}

/// A protection system of common encryption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum System {
    /// W3C Clear Key.
    ClearKey {
        /// Its box.
        pssh: Vec<u8>,
        /// Where licences are had.
        url: String,
    },
    /// Google Widevine.
    Widevine {
        /// Its box.
        pssh: Vec<u8>,
        /// Where licences are had; none where players know.
        url: Option<String>,
    },
    /// Microsoft PlayReady.
    PlayReady {
        /// Its box.
        pssh: Vec<u8>,
        /// The PlayReady Object in it.
        object: Vec<u8>,
        /// Where licences are had, beside what the object says.
        url: Option<String>,
    },
    /// Apple FairPlay Streaming, of `cbcs` only.
    FairPlay {
        /// What the player's application makes a request for a licence of: `skd://...`.
        url: String,
    },
}

impl System {
    /// Its `pssh` box for init segments; FairPlay has none.
    #[must_use]
    pub fn pssh(&self) -> Option<&[u8]> {
        match self {
            Self::ClearKey { pssh, .. } | Self::Widevine { pssh, .. } | Self::PlayReady { pssh, .. } => {
                Some(pssh)
            }
            Self::FairPlay { .. } => None,
        }
    }
}

/// The EXT-X-KEY lines of a Media Playlist (RFC 8216bis, 4.4.4.4), one for each system.
#[must_use]
pub fn media_keys(protection: &Protection) -> String {
    keys(protection, "EXT-X-KEY")
}

/// The EXT-X-SESSION-KEY lines of a Multivariant Playlist (4.4.6.5).
#[must_use]
pub fn session_keys(protection: &Protection) -> String {
    keys(protection, "EXT-X-SESSION-KEY")
}

fn keys(protection: &Protection, tag: &str) -> String {
    let mut out = String::new();
    let Protection { encryption, key_id, iv, key_url, systems } = protection;
    let written = match encryption {
        Encryption::Envelope => {
            writeln!(out, "#{tag}:METHOD=AES-128,URI=\"{}\",IV=0x{}", Quoted(key_url), Hex(iv))
        }
        Encryption::Common(scheme) => {
            let method = match scheme {
                Scheme::Cenc => "SAMPLE-AES-CTR",
                Scheme::Cbcs => "SAMPLE-AES",
            };
            systems.iter().filter(|system| system.knows(*scheme)).try_for_each(|system| {
                write!(out, "#{tag}:METHOD={method},")?;
                system.write_key(&mut out, key_id)
            })
        }
    };
    written.expect("a String takes any text");
    out
}

impl System {
    fn knows(&self, scheme: Scheme) -> bool {
        scheme == Scheme::Cbcs || !matches!(self, Self::FairPlay { .. })
    }

    fn write_key(&self, out: &mut String, key_id: &[u8; 16]) -> fmt::Result {
        let data = |kind: &str, bytes: &[u8]| format!("data:{kind};base64,{}", BASE64.encode(bytes));
        let (format, uri) = match self {
            Self::ClearKey { url, .. } => ("org.w3.clearkey", url.clone()),
            Self::Widevine { pssh, .. } => {
                ("urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed", data("text/plain", pssh))
            }
            Self::PlayReady { object, .. } => {
                ("com.microsoft.playready", data("text/plain;charset=UTF-16", object))
            }
            Self::FairPlay { url } => ("com.apple.streamingkeydelivery", url.clone()),
        };
        writeln!(
            out,
            "URI=\"{}\",KEYID=0x{},KEYFORMAT=\"{format}\",KEYFORMATVERSIONS=\"1\"",
            Quoted(&uri),
            Hex(key_id)
        )
    }
}

/// The `ContentProtection` elements of an AdaptationSet (DASH, 5.8.4.1; ISO/IEC 23001-7, 11.2; DASH-IF IOP, 7).
#[must_use]
pub fn content_protection(protection: &Protection) -> String {
    let mut out = String::new();
    let Encryption::Common(scheme) = protection.encryption else { return out };
    let written = write_protection(&mut out, scheme, protection);
    written.expect("a String takes any text");
    out
}

fn write_protection(out: &mut String, scheme: Scheme, protection: &Protection) -> fmt::Result {
    let fourcc = scheme.fourcc();
    write!(
        out,
        "      <ContentProtection schemeIdUri=\"urn:mpeg:dash:mp4protection:2011\" value=\"{}\"",
        fourcc.escape_ascii()
    )?;
    writeln!(out, " xmlns:cenc=\"urn:mpeg:cenc:2013\" cenc:default_KID=\"{}\"/>", Uuid(&protection.key_id))?;
    for system in &protection.systems {
        let (id, value, url) = match system {
            System::ClearKey { url, .. } => {
                ("e2719d58-a985-b3c9-781a-b030af78d30e", "ClearKey1.0", Some(url))
            }
            System::Widevine { url, .. } => {
                ("edef8ba9-79d6-4ace-a3c8-27dcd51d21ed", "Widevine", url.as_ref())
            }
            System::PlayReady { url, .. } => {
                ("9a04f079-9840-4286-ab92-e65be0885f95", "MSPR 2.0", url.as_ref())
            }
            System::FairPlay { .. } => continue,
        };
        writeln!(out, "      <ContentProtection schemeIdUri=\"urn:uuid:{id}\" value=\"{value}\">")?;
        // Clear Key needs no more than the key's id above; dash.js takes a box for something else here.
        if let Some(pssh) = system.pssh().filter(|_| !matches!(system, System::ClearKey { .. })) {
            let pssh = BASE64.encode(pssh);
            writeln!(out, "        <cenc:pssh xmlns:cenc=\"urn:mpeg:cenc:2013\">{pssh}</cenc:pssh>")?;
        }
        if let System::PlayReady { object, .. } = system {
            let object = BASE64.encode(object);
            writeln!(out, "        <mspr:pro xmlns:mspr=\"urn:microsoft:playready\">{object}</mspr:pro>")?;
        }
        if let Some(url) = url {
            let kind =
                if matches!(system, System::ClearKey { .. }) { " licenseType=\"EME-1.0\"" } else { "" };
            writeln!(
                out,
                "        <dashif:Laurl xmlns:dashif=\"https://dashif.org/CPS\"{kind}>{}</dashif:Laurl>",
                Attribute(url)
            )?;
        }
        out.push_str("      </ContentProtection>\n");
    }
    Ok(())
}

/// The `Protection` element of a Smooth Streaming client manifest (SSTR, 2.2.2.2).
#[must_use]
pub fn protection_header(protection: &Protection) -> String {
    let object = protection.systems.iter().find_map(|system| match system {
        System::PlayReady { object, .. } => Some(object),
        _ => None,
    });
    object.map_or_else(String::new, |object| {
        let object = BASE64.encode(object);
        format!(
            "  <Protection><ProtectionHeader SystemID=\"9A04F079-9840-4286-AB92-E65BE0885F95\">{object}</ProtectionHeader>\
             </Protection>\n"
        )
    })
}

/// Bytes as hexadecimal digits.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Sixteen bytes as a UUID.
struct Uuid<'a>(&'a [u8; 16]);

impl fmt::Display for Uuid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().enumerate().try_for_each(|(nth, byte)| {
            write!(f, "{}{byte:02x}", if matches!(nth, 4 | 6 | 8 | 10) { "-" } else { "" })
        })
    }
}
