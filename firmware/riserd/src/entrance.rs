//! The listeners: those of viewers, and the managers' with its token; each in TLS where it has a certificate to show.

use std::{io, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{ConnectInfo, Request, connect_info::Connected},
    middleware::map_request,
    serve::{IncomingStream, Listener},
};
use console::Guard;
use control::Secret;
use origin::Peer;
use settings::Settings;
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
    task::JoinHandle,
};

use crate::{
    authority::Authority,
    door::Door,
    error::Error,
    tls::{Identity, TlsDoor},
    token,
};

/// A connection on which nothing moves for this long is closed; no answer is waited for longer.
pub const PATIENCE: Duration = Duration::from_secs(60);
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
    let error = |source: io::Error| Error::Listen { field, address: address.to_string(), source };
    TcpListener::bind(address).await.map_err(error)
}

/// Who is at the other end of a connection to viewers.
#[derive(Clone, Copy)]
struct Viewer(SocketAddr);

impl Connected<IncomingStream<'_, Door>> for Viewer {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        Self(*stream.remote_addr())
    }
}

impl Connected<IncomingStream<'_, TlsDoor>> for Viewer {
    fn connect_info(stream: IncomingStream<'_, TlsDoor>) -> Self {
        Self(*stream.remote_addr())
    }
}

/// Serves viewers until `ended` becomes true, in TLS where the door has an identity to show.
pub fn serve_viewers(
    door: Door,
    identity: Option<Identity>,
    router: Router,
    ended: watch::Receiver<bool>,
) -> JoinHandle<()> {
    match identity {
        None => serve_peers(door, router, ended),
        Some(identity) => serve_peers(TlsDoor::new(door, identity), router, ended),
    }
}

fn serve_peers<L>(door: L, router: Router, ended: watch::Receiver<bool>) -> JoinHandle<()>
where
    L: Listener<Addr = SocketAddr>,
    Viewer: for<'a> Connected<IncomingStream<'a, L>>,
{
    let named = |ConnectInfo(Viewer(peer)): ConnectInfo<Viewer>, mut request: Request| async move {
        request.extensions_mut().insert(Peer(peer));
        request
    };
    let service = router.layer(map_request(named)).into_make_service_with_connect_info::<Viewer>();
    run(axum::serve(door, service).with_graceful_shutdown(until(ended)))
}

/// Serves `router` until `ended` becomes true.
fn serve<L: Listener<Addr = SocketAddr>>(
    door: L,
    router: Router,
    ended: watch::Receiver<bool>,
) -> JoinHandle<()> {
    run(axum::serve(door, router).with_graceful_shutdown(until(ended)))
}

async fn until(mut ended: watch::Receiver<bool>) {
    // A sender that is gone means the same.
    let _ = ended.wait_for(|ended| *ended).await;
}

fn run<S>(served: S) -> JoinHandle<()>
where
    S: IntoFuture<Output = io::Result<()>>,
    S::IntoFuture: Send + 'static,
{
    let served = served.into_future();
    tokio::spawn(async move {
        if let Err(error) = served.await {
            tracing::error!(%error, "HTTP server ended");
        }
    })
}
