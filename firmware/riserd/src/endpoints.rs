//! The doors for viewers: a listener and a policy each.

use std::{fs, net::SocketAddr, path::PathBuf, sync::Arc};

use axum::Router;
use control::EndpointState;
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
    /// As the status tells it.
    pub fn state(&self) -> EndpointState {
        EndpointState {
            name: self.name.clone(),
            listen: self.listen.to_string(),
            tls: self.tls,
            requests: self.traffic.requests(),
            refused: self.traffic.refused(),
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
        let endpoint = Endpoint::new(Policy {
            allow: wanted.allow.clone(),
            trusted_proxies: wanted.trusted_proxies.clone(),
            max_age: wanted.max_age,
            client_access_policy: text("client_access_policy", &wanted.client_access_policy)?,
            cross_domain_policy: text("cross_domain_policy", &wanted.cross_domain_policy)?,
        });
        let files = wanted.certificate.as_deref().zip(wanted.key.as_deref());
        let identity = certificates.identity(&field, files, wanted.own_certificate)?;
        let listener = listen(format!("{field}.listen"), wanted.listen).await?;
        let (name, traffic) = (wanted.name.clone(), endpoint.traffic());
        let listen = listener.local_addr().unwrap_or(wanted.listen);
        let known = Known { name, listen, tls: identity.is_some(), traffic };
        doors.push(Opening { listener, endpoint, identity, known });
    }
    Ok(doors)
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
        let door = Door::new(self.listener, places, PATIENCE);
        serve_viewers(door, self.identity, router(self.endpoint), ended)
    }
}
