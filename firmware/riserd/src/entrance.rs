//! The listeners: those of viewers, and the managers' with its token; each in TLS where it has a certificate to show.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use axum::Router;
use console::Guard;
use control::Secret;
use settings::Settings;
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::{Semaphore, watch},
    task::JoinHandle,
};

use crate::{
    authority::Authority,
    door::Door,
    error::Error,
    serve::serve,
    tls::{Identity, TlsDoor},
    token,
};

/// A connection on which nothing moves for this long is closed; no answer is waited for longer.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// Connections that may wait to be let in. Where more come at once, each waits for a second at the least.
const WAITING: u32 = 4096;
/// Connections to the management interface.
pub const MANAGERS: usize = 64;

/// The way in for managers.
pub struct Entrance {
    way: Way,
    /// Needed anywhere but on the loopback interface.
    token: Option<Secret>,
}

enum Way {
    Plain(Door),
    Tls(TlsDoor),
}

impl Entrance {
    /// Through `listener`, as the settings say.
    pub fn new(
        settings: &Settings,
        listener: TcpListener,
        certificates: &Certificates,
    ) -> Result<Self, Error> {
        let management = &settings.management;
        let needed = !management.listen.ip().is_loopback();
        // Made at the first start, wherever managers come in: so it can be read before it is needed.
        let token = match token::token(&settings.state_dir) {
            Err(error) if !needed => {
                tracing::warn!(%error, "there is no token for management from outside");
                None
            }
            token => Some(token?),
        };
        let door = Door::new(listener, Arc::new(Semaphore::new(MANAGERS)), PATIENCE);
        let files = management.certificate.as_deref().zip(management.key.as_deref());
        let way = match certificates.identity("management", files, management.own_certificate)? {
            Some(identity) => Way::Tls(TlsDoor::new(door, identity)),
            None => Way::Plain(door),
        };
        Ok(Self { way, token: token.filter(|_| needed) })
    }

    /// What the management interface asks of everybody.
    pub fn guard(&self) -> Guard {
        Guard { token: self.token.clone() }
    }

    /// Serves `router` until `ended` becomes true.
    pub fn open(self, router: Router, ended: watch::Receiver<bool>) -> JoinHandle<()> {
        match self.way {
            Way::Plain(door) => serve(door, router, ended),
            Way::Tls(door) => serve(door, router, ended),
        }
    }
}

/// What listeners can show who they are with, beside files.
pub struct Certificates {
    /// The box's own authority, where one of them needs it.
    pub authority: Option<Arc<Authority>>,
    /// The box's names.
    pub names: Vec<String>,
}

impl Certificates {
    /// The authority that the settings need, and the box's names in its network.
    ///
    /// # Errors
    /// Where the authority can be neither read nor made.
    pub fn open(settings: &Settings) -> Result<Self, Error> {
        let own = settings.every_endpoint().any(|(_, endpoint)| endpoint.own_certificate);
        let needed = own || settings.management.own_certificate;
        let authority = needed.then(|| Authority::open(&settings.state_dir).map(Arc::new)).transpose()?;
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let names = [host.clone(), format!("{host}.local"), "localhost".to_owned()];
        let fits = |name: &String| name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'));
        Ok(Self { authority, names: names.into_iter().filter(fits).collect() })
    }

    /// What the listener in `field` shows; none for plain HTTP.
    ///
    /// # Errors
    /// Where its files cannot be used.
    pub fn identity(
        &self,
        field: &str,
        files: Option<(&Path, &Path)>,
        own: bool,
    ) -> Result<Option<Identity>, Error> {
        match (files, self.authority.as_ref().filter(|_| own)) {
            (Some((certificate, key)), _) => Identity::files(field, certificate, key).map(Some),
            (None, Some(authority)) => Ok(Some(Identity::own(Arc::clone(authority), self.names.clone()))),
            (None, None) => Ok(None),
        }
    }
}

/// Takes an address, which a field of the settings names.
pub async fn listen(field: String, address: SocketAddr) -> Result<TcpListener, Error> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
    let listening = socket.and_then(|socket| {
        // A box that starts again does not wait for connections of the last time.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(WAITING)
    });
    listening.map_err(|source| Error::Listen { field, address: address.to_string(), source })
}

/// Serves viewers until `ended` becomes true, in TLS where the door has an identity to show.
pub fn serve_viewers(
    door: Door,
    identity: Option<Identity>,
    router: Router,
    ended: watch::Receiver<bool>,
) -> JoinHandle<()> {
    match identity {
        None => serve(door, router, ended),
        Some(identity) => serve(TlsDoor::new(door, identity), router, ended),
    }
}
