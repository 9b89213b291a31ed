//! Delivery policies: through which protocols something can be had, and how it is encrypted on the way.
//!
//! Where there is no policy at all everything can be had in the clear; where there is any, what none names is blocked.

use serde::{Deserialize, Serialize};

/// A family of players' requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// HTTP Live Streaming, of all versions.
    Hls,
    /// MPEG-DASH.
    Dash,
    /// Smooth Streaming.
    Smooth,
    /// HTTP Dynamic Streaming.
    Hds,
    /// One file.
    Download,
}

/// All there are.
const PROTOCOLS: [Protocol; 5] =
    [Protocol::Hls, Protocol::Dash, Protocol::Smooth, Protocol::Hds, Protocol::Download];

/// How what leaves the box is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encryption {
    /// Whole segments, with AES-128 in CBC.
    Envelope,
    /// Samples.
    Common(Scheme),
}

/// A protection scheme of common encryption (ISO/IEC 23001-7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// AES in counter mode.
    Cenc,
    /// AES in cipher block chaining, one block of ten of pictures.
    Cbcs,
}

impl Scheme {
    /// Its four characters.
    #[must_use]
    pub fn fourcc(self) -> [u8; 4] {
        match self {
            Self::Cenc => *b"cenc",
            Self::Cbcs => *b"cbcs",
        }
    }
}

impl Encryption {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Envelope, Self::Common(Scheme::Cenc), Self::Common(Scheme::Cbcs)];

    /// Its name, as it stands in addresses and documents.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Envelope => "aes-128",
            Self::Common(Scheme::Cenc) => "cenc",
            Self::Common(Scheme::Cbcs) => "cbcs",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|encryption| encryption.name() == name)
    }

    /// Whether players of a protocol know it.
    #[must_use]
    pub fn goes_with(self, protocol: Protocol) -> bool {
        match self {
            Self::Envelope => protocol == Protocol::Hls,
            Self::Common(Scheme::Cenc) => {
                matches!(protocol, Protocol::Hls | Protocol::Dash | Protocol::Smooth)
            }
            Self::Common(Scheme::Cbcs) => matches!(protocol, Protocol::Hls | Protocol::Dash),
        }
    }
}

/// What a policy does with the protocols that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Protection {
    /// They have nothing.
    #[serde(rename = "blocked")]
    Blocked,
    /// They have it in the clear.
    #[serde(rename = "clear")]
    Clear,
    /// They have it in an envelope.
    #[serde(rename = "aes-128")]
    Envelope,
    /// They have it in common encryption, `cenc`.
    #[serde(rename = "cenc")]
    Cenc,
    /// They have it in common encryption, `cbcs`.
    #[serde(rename = "cbcs")]
    Cbcs,
}

impl Protection {
    /// How it is encrypted, if it is.
    #[must_use]
    pub fn encryption(self) -> Option<Encryption> {
        match self {
            Self::Blocked | Self::Clear => None,
            Self::Envelope => Some(Encryption::Envelope),
            Self::Cenc => Some(Encryption::Common(Scheme::Cenc)),
            Self::Cbcs => Some(Encryption::Common(Scheme::Cbcs)),
        }
    }
}

/// A delivery policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The protocols that it is about; none for all that its protection goes with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub protocols: Vec<Protocol>,
    /// What it does with them.
    pub protection: Protection,
    /// The name of the content key, where it encrypts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl Policy {
    fn is_about(&self, protocol: Protocol) -> bool {
        match self.protection.encryption() {
            Some(encryption) if self.protocols.is_empty() => encryption.goes_with(protocol),
            _ => self.protocols.is_empty() || self.protocols.contains(&protocol),
        }
    }
}

/// Every policy of something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Delivery(pub Vec<Policy>);

/// What a request that names no encryption gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plain {
    /// What it asks for, in the clear.
    Clear,
    /// The same, encrypted so.
    Instead(Encryption),
    /// Nothing.
    Blocked,
}

impl Delivery {
    /// Whether there is no policy.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What players of one of these protocols get who name no encryption, and of those know these.
    #[must_use]
    pub fn plain(&self, protocols: &[Protocol], known: &[Encryption]) -> Plain {
        if self.is_empty() || self.about(protocols).any(|policy| policy.protection == Protection::Clear) {
            return Plain::Clear;
        }
        let mut encryptions = self.about(protocols).filter_map(|policy| policy.protection.encryption());
        let encryption = encryptions.find(|encryption| known.contains(encryption));
        encryption.map_or(Plain::Blocked, Plain::Instead)
    }

    /// The name of the key for players of one of these protocols who want it encrypted so; none where they may not.
    #[must_use]
    pub fn key(&self, protocols: &[Protocol], encryption: Encryption) -> Option<&str> {
        let mut fitting =
            self.about(protocols).filter(|policy| policy.protection.encryption() == Some(encryption));
        fitting.find_map(|policy| policy.key.as_deref())
    }

    fn about<'a>(&'a self, protocols: &[Protocol]) -> impl Iterator<Item = &'a Policy> {
        let asked = |policy: &&Policy| protocols.iter().any(|protocol| policy.is_about(*protocol));
        self.0.iter().filter(asked)
    }

    /// That the policies make sense; `has_key` tells which keys there are.
    ///
    /// # Errors
    /// The field and what is wrong with it.
    pub fn check(&self, has_key: impl Fn(&str) -> bool) -> Result<(), (String, String)> {
        const MOST: usize = 8;
        if self.0.len() > MOST {
            return Err((
                String::new(),
                format!("{} policies are too many: at the most {MOST}", self.0.len()),
            ));
        }
        for (nth, policy) in self.0.iter().enumerate() {
            let wrong = |field: &str, problem: String| Err((format!("[{nth}].{field}"), problem));
            let encryption = policy.protection.encryption();
            match (encryption, policy.key.as_deref()) {
                (Some(_), None) => return wrong("key", "what it is encrypted with must be named".to_owned()),
                (None, Some(_)) => return wrong("key", "nothing is encrypted here".to_owned()),
                (Some(_), Some(name)) if !has_key(name) => {
                    return wrong("key", format!("there is no content key `{name}`"));
                }
                _ => {}
            }
            let unfit = |protocol: &&Protocol| encryption.is_some_and(|own| !own.goes_with(**protocol));
            if let (Some(protocol), Some(encryption)) = (policy.protocols.iter().find(unfit), encryption) {
                let problem = format!("no player of {} knows {}", protocol.name(), encryption.name());
                return wrong("protocols", problem);
            }
            let before = &self.0[..nth];
            let again = |protocol: &&Protocol| {
                let same = |other: &&Policy| other.is_about(**protocol) && policy.contradicts(other);
                policy.is_about(**protocol) && before.iter().any(|other| same(&other))
            };
            if let Some(protocol) = PROTOCOLS.iter().find(again) {
                let problem = format!("a policy before it says something else of {}", protocol.name());
                return wrong("protocols", problem);
            }
        }
        Ok(())
    }
}

impl Policy {
    /// Whether both cannot be of one protocol: the same encryption twice, or blocked and anything else.
    fn contradicts(&self, other: &Self) -> bool {
        self.protection == other.protection
            || [self, other].iter().any(|policy| policy.protection == Protection::Blocked)
    }
}

impl Protocol {
    /// Its name, as it stands in documents.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hls => "hls",
            Self::Dash => "dash",
            Self::Smooth => "smooth",
            Self::Hds => "hds",
            Self::Download => "download",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(protocols: &[Protocol], protection: Protection) -> Policy {
        let key = protection.encryption().map(|_| "house".to_owned());
        Policy { protocols: protocols.to_vec(), protection, key }
    }

    #[test]
    fn without_a_policy_all_is_clear_and_with_any_the_unnamed_are_blocked() {
        let none = Delivery::default();
        let one = Delivery(vec![policy(&[Protocol::Dash], Protection::Cenc)]);
        for protocol in PROTOCOLS {
            assert_eq!(none.plain(&[protocol], &Encryption::ALL), Plain::Clear);
            assert_eq!(none.key(&[protocol], Encryption::Common(Scheme::Cenc)), None);
            let cenc = Encryption::Common(Scheme::Cenc);
            let named = protocol == Protocol::Dash;
            assert_eq!(
                one.plain(&[protocol], &Encryption::ALL),
                if named { Plain::Instead(cenc) } else { Plain::Blocked }
            );
            assert_eq!(one.key(&[protocol], cenc).is_some(), named);
            assert_eq!(one.key(&[protocol], Encryption::Envelope), None);
        }
    }

    #[test]
    fn what_two_protocols_share_can_be_had_if_one_of_them_has_it() {
        let delivery = Delivery(vec![
            policy(&[Protocol::Hls], Protection::Clear),
            policy(&[Protocol::Dash], Protection::Cbcs),
        ]);
        let both = [Protocol::Hls, Protocol::Dash];
        assert_eq!(delivery.plain(&both, &Encryption::ALL), Plain::Clear);
        assert_eq!(delivery.key(&both, Encryption::Common(Scheme::Cbcs)), Some("house"));
        assert_eq!(
            delivery.plain(&[Protocol::Dash], &Encryption::ALL),
            Plain::Instead(Encryption::Common(Scheme::Cbcs))
        );
    }

    #[test]
    fn a_policy_that_makes_no_sense_is_refused_by_its_field() {
        let all = policy(&[], Protection::Cenc);
        for (policies, field) in [
            (vec![Policy { key: None, ..all.clone() }], "[0].key"),
            (vec![Policy { key: Some("other".into()), ..all.clone() }], "[0].key"),
            (vec![Policy { key: Some("house".into()), ..policy(&[], Protection::Clear) }], "[0].key"),
            (vec![policy(&[Protocol::Hds], Protection::Cenc)], "[0].protocols"),
            (vec![policy(&[Protocol::Dash], Protection::Envelope)], "[0].protocols"),
            (vec![all.clone(), policy(&[Protocol::Dash], Protection::Cenc)], "[1].protocols"),
            (vec![all.clone(), policy(&[Protocol::Dash], Protection::Blocked)], "[1].protocols"),
            (vec![all.clone(); 9], ""),
        ] {
            let found = Delivery(policies).check(|name| name == "house");
            assert_eq!(found.unwrap_err().0, field);
        }
        let fine = Delivery(vec![
            all,
            policy(&[Protocol::Hls], Protection::Envelope),
            policy(&[Protocol::Hds], Protection::Clear),
        ]);
        assert_eq!(fine.check(|name| name == "house"), Ok(()));
    }
}
