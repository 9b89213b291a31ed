//! HTTP/1.1 and HTTP/2 on a door: who is slow with a request, or asks for too much at once, is let go of.

use std::{net::SocketAddr, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{Response, Version},
    serve::Listener,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use origin::{OnDisk, Peer};
use tokio::{
    sync::watch,
    task::{JoinHandle, JoinSet},
};
use tower::ServiceExt as _;

use crate::outgoing::{Outgoing, Queue};

/// A request's headers must have come after so long, from the connection's beginning or the answer before on.
const HEADERS: Duration = Duration::from_secs(30);
/// Bytes of all headers of a request. Fewer would have answers sent in smaller pieces.
const HEADER_BYTES: usize = 32 << 10;
/// Requests of one HTTP/2 connection at a time.
const STREAMS: u32 = 64;
/// An HTTP/2 client that does not answer a ping for so long is gone.
const PING: Duration = Duration::from_secs(20);

/// A connection of a listener.
pub trait Connection {
    /// Where it is told of what to send from the disk; none where it cannot.
    fn queue(&self) -> Option<Queue>;
}

/// Serves `router` until `ended` becomes true; connections then end with the answers that are under way. Every request has its
/// [`Peer`].
pub fn serve<L: Listener<Addr = SocketAddr, Io: Connection>>(
    door: L,
    router: Router,
    ended: watch::Receiver<bool>,
) -> JoinHandle<()> {
    tokio::spawn(accept(door, router, ended))
}

async fn accept<L: Listener<Addr = SocketAddr, Io: Connection>>(
    mut door: L,
    router: Router,
    mut ended: watch::Receiver<bool>,
) {
    let (builder, shutdown) = (builder(), GracefulShutdown::new());
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            (io, peer) = door.accept() => {
                let router = router.clone();
                let queue = io.queue();
                let answer = tower::service_fn(move |request| {
                    answer(router.clone(), peer, queue.clone(), request)
                });
                let service = TowerToHyperService::new(answer);
                let connection = builder.serve_connection(TokioIo::new(io), service).into_owned();
                let connection = shutdown.watch(connection);
                connections.spawn(async move {
                    if let Err(error) = connection.await {
                        tracing::trace!(%error, "a connection broke off");
                    }
                });
            }
            Some(_) = connections.join_next() => {}
            // A sender that is gone means the same.
            _ = ended.wait_for(|ended| *ended) => break,
        }
    }
    // Nobody else is let in meanwhile; who takes too long ends with the process.
    drop(door);
    shutdown.shutdown().await;
}

async fn answer(
    router: Router,
    peer: SocketAddr,
    queue: Option<Queue>,
    request: hyper::Request<hyper::body::Incoming>,
) -> Result<Response<Outgoing>, std::convert::Infallible> {
    // In HTTP/2 answers take turns, between heads of frames.
    let queue = queue.filter(|_| request.version() < Version::HTTP_2);
    let mut request: Request = request.map(Body::new);
    request.extensions_mut().insert(Peer(peer));
    let mut response = router.oneshot(request).await?;
    let on_disk = response.extensions_mut().remove::<OnDisk>();
    Ok(response.map(|body| Outgoing::of(body, on_disk, queue)))
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS).max_buf_size(HEADER_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEADER_BYTES as u32)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING);
    builder
}
