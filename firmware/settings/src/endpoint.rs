//! `[viewers]` and `[[endpoint]]`: the HTTP servers that viewers may reach.

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use access::Rules;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Refusal, Settings, absolute_path, address, human, identity, refuse, some_path};

/// The most endpoints beside the first.
const MOST: usize = 16;
/// The longest name, as in the classic service.
const LONGEST_NAME: usize = 24;

/// An HTTP server that viewers may reach: all have the same channels and assets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Endpoint {
    /// Its name: 1 to 24 letters and digits, with hyphens between them.
    #[serde(deserialize_with = "name")]
    pub name: String,
    /// Address and port.
    #[serde(deserialize_with = "address")]
    pub listen: SocketAddr,
    /// The certificate chain in PEM, for TLS.
    #[serde(deserialize_with = "some_path", skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// The certificate's private key in PEM.
    #[serde(deserialize_with = "some_path", skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
    /// TLS with a certificate of the box's own authority.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub own_certificate: bool,
    /// Who may come: `10.0.0.1`, `10.0.0.1/22` or `10.0.0.1(255.255.252.0)`; empty for everybody.
    #[serde(skip_serializing_if = "Rules::is_empty")]
    pub allow: Rules,
    /// The proxies that are believed when they say in `X-Forwarded-For` whose request it is.
    #[serde(skip_serializing_if = "Rules::is_empty")]
    pub trusted_proxies: Rules,
    /// The keys of the content delivery network that every request must be signed by, in headers; empty for none.
    #[serde(rename = "signature", skip_serializing_if = "Vec::is_empty")]
    pub signatures: Vec<Signature>,
    /// Megabits per second, 1 to 400 000: at so much nobody begins to watch any more. None: as much as goes.
    #[serde(deserialize_with = "egress", skip_serializing_if = "Option::is_none")]
    pub egress_mbps: Option<u32>,
    /// The longest that caches may keep anything; none for as long as it stays true.
    #[serde(
        deserialize_with = "max_age",
        serialize_with = "write_age",
        skip_serializing_if = "Option::is_none"
    )]
    pub max_age: Option<Duration>,
    /// A file that is served as `/clientaccesspolicy.xml`, for pages of Silverlight.
    #[serde(deserialize_with = "some_path", skip_serializing_if = "Option::is_none")]
    pub client_access_policy: Option<PathBuf>,
    /// A file that is served as `/crossdomain.xml`, for pages of Flash.
    #[serde(deserialize_with = "some_path", skip_serializing_if = "Option::is_none")]
    pub cross_domain_policy: Option<PathBuf>,
}

/// `[[endpoint.signature]]`: a key of signature headers ("G2O").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// What requests name it by.
    pub id: String,
    /// A file with its bytes in base64.
    #[serde(deserialize_with = "absolute_path")]
    pub key_file: PathBuf,
    /// Seconds since the epoch until which it counts; none for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
}

impl Default for Endpoint {
    fn default() -> Self {
        Self {
            name: "default".to_owned(),
            listen: (Ipv4Addr::UNSPECIFIED, 8080).into(),
            certificate: None,
            key: None,
            own_certificate: false,
            allow: Rules::default(),
            trusted_proxies: Rules::default(),
            signatures: Vec::new(),
            egress_mbps: None,
            max_age: None,
            client_access_policy: None,
            cross_domain_policy: None,
        }
    }
}

impl Settings {
    /// All of them with the field that each stands in, the first one first.
    pub fn every_endpoint(&self) -> impl Iterator<Item = (String, &Endpoint)> {
        let others = self.endpoints.iter().enumerate();
        let first = ("viewers".to_owned(), &self.viewers);
        std::iter::once(first).chain(others.map(|(nth, other)| (format!("endpoint[{nth}]"), other)))
    }

    /// No two have the same name or address, nor the managers' one.
    pub(crate) fn check_endpoints(&self) -> Result<(), Refusal> {
        if self.endpoints.len() > MOST {
            return refuse("endpoint", format!("{} are too many: at the most {MOST}", self.endpoints.len()));
        }
        let (mut names, mut addresses) = (BTreeSet::new(), BTreeSet::new());
        for (field, endpoint) in self.every_endpoint() {
            if !names.insert(&endpoint.name) {
                return refuse(
                    &format!("{field}.name"),
                    format!("`{}` is another endpoint's", endpoint.name),
                );
            }
            identity(&field, &endpoint.certificate, &endpoint.key, endpoint.own_certificate)?;
            // Port 0 is whichever is free.
            if endpoint.listen.port() != 0 && !addresses.insert(endpoint.listen) {
                return refuse(
                    &format!("{field}.listen"),
                    format!("{} is another endpoint's", endpoint.listen),
                );
            }
        }
        match addresses.contains(&self.management.listen) {
            true => {
                let problem = format!("{} already serves the viewers", self.management.listen);
                refuse("management.listen", problem)
            }
            false => Ok(()),
        }
    }
}

fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let allowed = "1 to 24 letters and digits, with hyphens between them";
    document::text(deserializer, allowed, |text| {
        let fits = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !text.starts_with('-')
            && !text.ends_with('-')
            && (1..=LONGEST_NAME).contains(&text.len());
        fits.then(|| text.to_owned())
    })
}

fn egress<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    document::within::<1, 400_000, _>(deserializer).map(Some)
}

fn max_age<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    human::duration(deserializer, Duration::from_secs(1)..=Duration::from_hours(366 * 24)).map(Some)
}

fn write_age<S: Serializer>(age: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    human::write_duration(&age.unwrap_or_default(), serializer)
}
