//! The listeners: viewers' plain one, and the managers' with its token and TLS.

use std::{net::SocketAddr, time::Duration};

use axum::{Router, serve::Listener};
use console::Guard;
use control::Secret;
use settings::Settings;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

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
        let door = Door::new(listener, MANAGERS, PATIENCE);
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

/// Serves `router` until `ended` becomes true.
pub fn serve<L: Listener<Addr = SocketAddr>>(
    door: L,
    router: Router,
    mut ended: watch::Receiver<bool>,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let until = async move {
            // A sender that is gone means the same.
            let _ = ended.wait_for(|ended| *ended).await;
        };
        if let Err(error) = axum::serve(door, router).with_graceful_shutdown(until).await {
            tracing::error!(%error, "HTTP server ended");
        }
    })
}
