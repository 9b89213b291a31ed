//! Who may have what: rules of addresses as the classic cloud live service writes them and whose request it is behind proxies;
//! delivery policies; tokens.
//!
//! ```text
//! 10.0.0.1                      one address
//! 10.0.0.1/22                   its network, by the length of the prefix
//! 10.0.0.1(255.255.252.0)       the same, by the mask
//! ```
//! What an empty list means differs: nobody may send to an ingest, everybody may look at a preview and an endpoint. So that is
//! said by who asks.

pub mod clear_key;
mod delivery;
pub mod g2o;
mod key_id;
mod rule;
pub mod token;

use std::{fmt, net::IpAddr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

pub use delivery::{Delivery, Encryption, Plain, Policy, Protection, Protocol, Scheme};
pub use key_id::{KeyId, sixteen_bytes};
pub use rule::{Error, Rule};

/// A list of rules, as texts in documents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules(Vec<Rule>);

impl Rules {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them has the address in it.
    #[must_use]
    pub fn include(&self, address: IpAddr) -> bool {
        self.0.iter().any(|rule| rule.includes(address))
    }
}

impl FromIterator<Rule> for Rules {
    fn from_iter<I: IntoIterator<Item = Rule>>(rules: I) -> Self {
        Self(rules.into_iter().collect())
    }
}

impl fmt::Display for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, rule) in self.0.iter().enumerate() {
            write!(f, "{}{rule}", if nth > 0 { ", " } else { "" })?;
        }
        Ok(())
    }
}

impl Serialize for Rules {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(ToString::to_string))
    }
}

impl<'de> Deserialize<'de> for Rules {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        texts.iter().map(|text| text.parse::<Rule>().map_err(de::Error::custom)).collect()
    }
}

/// Whose request it is: that of the peer, or what the proxies that are trusted say in `X-Forwarded-For`, whose values come in
/// the order of the header's lines. The last address that no trusted proxy has is the client's; what stands before it anybody
/// may have written.
#[must_use]
pub fn client<'a>(
    peer: IpAddr,
    forwarded: impl DoubleEndedIterator<Item = &'a str>,
    trusted: &Rules,
) -> IpAddr {
    let mut client = peer.to_canonical();
    let mut told = forwarded.rev().flat_map(|line| line.rsplit(','));
    while trusted.include(client) {
        // Some write the port as well.
        let said = told.next().map(str::trim);
        let Some(next) = said.and_then(|said| said.parse().ok().or_else(|| without_port(said))) else {
            break;
        };
        client = IpAddr::to_canonical(&next);
    }
    client
}

fn without_port(text: &str) -> Option<IpAddr> {
    text.parse::<std::net::SocketAddr>().map(|address| address.ip()).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rules(texts: &[&str]) -> Rules {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_client_is_found_behind_the_proxies_that_are_trusted() {
        let trusted = rules(&["10.0.0.0/8", "fd00::/8"]);
        for (peer, forwarded, expected) in [
            ("192.0.2.1", &["198.51.100.1"][..], "192.0.2.1"),
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["1.1.1.1, 198.51.100.1 ,10.0.0.9"], "198.51.100.1"),
            ("10.0.0.1", &["1.1.1.1", "198.51.100.1:4711"], "198.51.100.1"),
            ("::ffff:10.0.0.1", &["[2001:db8::1]:80"], "2001:db8::1"),
            ("fd00::1", &["2001:db8::1"], "2001:db8::1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["nobody"], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1, unknown, 10.0.0.2"], "10.0.0.2"),
        ] {
            let found = client(ip(peer), forwarded.iter().copied(), &trusted);
            assert_eq!(found, ip(expected), "{peer} {forwarded:?}");
        }
    }

    proptest! {
        #[test]
        fn nobody_untrusted_can_say_who_he_is(peer: [u8; 4], forwarded in ".{0,40}") {
            let peer = IpAddr::from(peer);
            prop_assert_eq!(client(peer, [forwarded.as_str()].into_iter(), &Rules::default()), peer);
        }

        #[test]
        fn any_text_behind_a_trusted_proxy_is_read(forwarded in prop::collection::vec("[0-9a-f.:, \\[\\]]{0,30}", 0..3)) {
            let all = rules(&["0.0.0.0/0", "::/0"]);
            let _ = client(ip("10.0.0.1"), forwarded.iter().map(String::as_str), &all);
        }
    }
}
