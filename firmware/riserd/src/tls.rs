//! TLS in front of a door: handshakes run beside one another, so that a slow one keeps nobody waiting.

use std::{fs, io, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use axum::serve::Listener;
use tokio::{task::JoinSet, time::timeout};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    },
    server::TlsStream,
};

use crate::{
    door::{Door, Guest},
    error::Error,
};

/// Handshakes at a time.
const HANDSHAKES: usize = 16;
/// How long a client may take for its own.
const PATIENCE: Duration = Duration::from_secs(10);

/// A door that speaks TLS only.
pub struct TlsDoor {
    door: Door,
    acceptor: TlsAcceptor,
    handshakes: JoinSet<io::Result<(TlsStream<Guest>, SocketAddr)>>,
}

impl TlsDoor {
    /// `door` behind the certificate chain and key in these PEM files.
    pub fn new(door: Door, certificate: &Path, key: &Path) -> Result<Self, Error> {
        let failed = |field: &'static str, path: &Path, problem: String| Error::Certificate {
            field,
            path: path.to_owned(),
            problem,
        };
        let read = |field: &'static str, path: &Path| {
            fs::read(path).map_err(|error| failed(field, path, error.to_string()))
        };
        let chain: Result<Vec<_>, _> =
            CertificateDer::pem_slice_iter(&read("management.certificate", certificate)?).collect();
        let chain =
            chain.map_err(|error| failed("management.certificate", certificate, error.to_string()))?;
        let private = PrivateKeyDer::from_pem_slice(&read("management.key", key)?)
            .map_err(|error| failed("management.key", key, error.to_string()))?;
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(chain, private)
            .map_err(|error| failed("management.certificate", certificate, error.to_string()))?;
        Ok(Self { door, acceptor: TlsAcceptor::from(Arc::new(config)), handshakes: JoinSet::new() })
    }
}

impl Listener for TlsDoor {
    type Io = TlsStream<Guest>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        loop {
            tokio::select! {
                (guest, address) = self.door.accept(), if self.handshakes.len() < HANDSHAKES => {
                    let handshake = self.acceptor.accept(guest);
                    self.handshakes.spawn(async move {
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
