//! TLS in front of a door: handshakes run beside one another, so that a slow one keeps nobody waiting. Certificates are looked at
//! anew while the box runs; connections that are there go on with theirs.

mod identity;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::serve::Listener;
use tokio::{task::JoinSet, time::timeout};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

pub use self::identity::Identity;
use crate::{
    door::{Door, Guest},
    outgoing::Queue,
    serve::Connection,
};

/// Handshakes at a time.
const HANDSHAKES: usize = 16;
/// How long a client may take for its own.
const PATIENCE: Duration = Duration::from_secs(10);

/// A door that speaks TLS only.
pub struct TlsDoor {
    door: Door,
    identity: Arc<Identity>,
    handshakes: JoinSet<io::Result<(TlsStream<Guest>, SocketAddr)>>,
}

impl TlsDoor {
    /// `door`, which shows who it is by `identity`.
    pub fn new(door: Door, identity: Identity) -> Self {
        Self { door, identity: Arc::new(identity), handshakes: JoinSet::new() }
    }
}

impl Connection for TlsStream<Guest> {
    /// What goes out is not what lies on the disk.
    fn queue(&self) -> Option<Queue> {
        None
    }
}

impl Listener for TlsDoor {
    type Io = TlsStream<Guest>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        loop {
            tokio::select! {
                (guest, address) = self.door.accept(), if self.handshakes.len() < HANDSHAKES => {
                    let identity = Arc::clone(&self.identity);
                    self.handshakes.spawn(async move {
                        let config = identity.config(guest.local_addr()?.ip()).map_err(io::Error::other)?;
                        let handshake = TlsAcceptor::from(config).accept(guest);
                        let late = |_| io::Error::from(io::ErrorKind::TimedOut);
                        let stream = timeout(PATIENCE, handshake).await.map_err(late)??;
                        Ok((stream, address))
                    });
                }
                Some(done) = self.handshakes.join_next() => match done {
                    Ok(Ok(accepted)) => return accepted,
                    Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                    Err(error) => tracing::error!(%error, "a TLS handshake panicked"),
                },
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.door.local_addr()
    }
}
