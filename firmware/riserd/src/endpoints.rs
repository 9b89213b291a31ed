//! The doors for viewers: a listener and a policy each.

use std::{fs, net::SocketAddr, path::PathBuf, sync::Arc};

use access::g2o::SigningKey;
use axum::Router;
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use control::{EndpointState, Objects};
use origin::{Endpoint, Policy, Traffic};
use settings::Settings;
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
    task::JoinHandle,
};

use crate::{
    door::Door,
    entrance::{Certificates, PATIENCE, listen, serve_viewers},
    error::Error,
    tls::Identity,
};

/// A door that nobody has come through yet.
pub struct Opening {
    listener: TcpListener,
    endpoint: Endpoint,
    identity: Option<Identity>,
    known: Known,
}

/// What is known of a door.
#[derive(Clone)]
pub struct Known {
    name: String,
    listen: SocketAddr,
    tls: bool,
    traffic: Arc<Traffic>,
}

impl Known {
    /// Serves as the registry says.
    pub fn obey(&self, objects: &Objects) {
        self.traffic.stop(objects.endpoints.get(&self.name).is_some_and(|endpoint| endpoint.stopped));
    }

    /// As the status tells it.
    pub fn state(&self) -> EndpointState {
        EndpointState {
            name: self.name.clone(),
            state: if self.traffic.is_stopped() { "stopped" } else { "running" },
            listen: self.listen.to_string(),
            tls: self.tls,
            requests: self.traffic.requests(),
            refused: self.traffic.refused(),
            turned_away: self.traffic.turned_away(),
            sent: self.traffic.sent(),
            egress: self.traffic.egress() * 8,
            keys: self.traffic.keys(),
            keys_refused: self.traffic.keys_refused(),
        }
    }
}

/// All the settings' doors; their addresses are taken from here on.
pub async fn open(settings: &Settings, certificates: &Certificates) -> Result<Vec<Opening>, Error> {
    let mut doors = Vec::new();
    for (field, wanted) in settings.every_endpoint() {
        let text = |name: &str, path: &Option<PathBuf>| match path {
            None => Ok(None),
            Some(path) => fs::read_to_string(path).map(Some).map_err(|source| Error::ReadPolicy {
                field: format!("{field}.{name}"),
                path: path.clone(),
                source,
            }),
        };
        let files = wanted.certificate.as_deref().zip(wanted.key.as_deref());
        let identity = certificates.identity(&field, files, wanted.own_certificate)?;
        let endpoint = Endpoint::new(Policy {
            tls: identity.is_some(),
            allow: wanted.allow.clone(),
            trusted_proxies: wanted.trusted_proxies.clone(),
            signing: signing(&field, wanted)?,
            egress: wanted.egress_mbps.map(|megabits| u64::from(megabits) * 125_000),
            max_age: wanted.max_age,
            client_access_policy: text("client_access_policy", &wanted.client_access_policy)?,
            cross_domain_policy: text("cross_domain_policy", &wanted.cross_domain_policy)?,
        });
        let listener = listen(format!("{field}.listen"), wanted.listen).await?;
        let (name, traffic) = (wanted.name.clone(), endpoint.traffic());
        let listen = listener.local_addr().unwrap_or(wanted.listen);
        let known = Known { name, listen, tls: identity.is_some(), traffic };
        doors.push(Opening { listener, endpoint, identity, known });
    }
    Ok(doors)
}

/// The keys that requests must be signed by, out of their files.
fn signing(field: &str, wanted: &settings::Endpoint) -> Result<Vec<SigningKey>, Error> {
    let all = wanted.signatures.iter().enumerate();
    all.map(|(nth, signature)| {
        let failed = |problem: String| Error::ContentKey {
            field: format!("{field}.signature[{nth}].key_file"),
            path: signature.key_file.clone(),
            problem,
        };
        let text = fs::read_to_string(&signature.key_file).map_err(|error| failed(error.to_string()))?;
        let secret = BASE64.decode(text.trim()).ok().filter(|secret| !secret.is_empty());
        let secret = secret.ok_or_else(|| failed("must hold a key in base64".to_owned()))?;
        Ok(SigningKey { id: signature.id.clone(), secret, until: signature.until })
    })
    .collect()
}

impl Opening {
    /// What is known of it.
    pub fn known(&self) -> Known {
        self.known.clone()
    }

    /// Serves what `router` makes of its policy until `ended` becomes true, in places that all doors share.
    pub fn serve(
        self,
        router: impl Fn(Endpoint) -> Router,
        places: Arc<Semaphore>,
        ended: watch::Receiver<bool>,
    ) -> JoinHandle<()> {
        let door = Door::new(self.listener, places, PATIENCE).counting(self.known.traffic.sending());
        serve_viewers(door, self.identity, router(self.endpoint), ended)
    }
}
