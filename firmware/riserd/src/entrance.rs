//! The listeners: viewers' plain ones, and the managers' with its token and TLS.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

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

use crate::{door::Door, error::Error, tls::TlsDoor, token};

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
    pub fn new(settings: &Settings, listener: TcpListener) -> Result<Self, Error> {
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
        let way = match management.certificate.as_ref().zip(management.key.as_ref()) {
            Some((certificate, key)) => Way::Tls(TlsDoor::new(door, certificate, key)?),
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

/// Serves viewers until `ended` becomes true.
pub fn serve_viewers(door: Door, router: Router, ended: watch::Receiver<bool>) -> JoinHandle<()> {
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
