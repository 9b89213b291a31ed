//! A listener that keeps room for others: so many connections, each closed when nothing moves on it.
//!
//! Every connection takes one of the process's file handles, of which cameras, the store and the other listener need
//! some, too. When all places are taken, newcomers wait in the kernel's queue.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::serve::Listener;
use rustix::net::sockopt;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, Sleep, sleep_until},
};

use crate::{
    dispatch::{CHECK, Dispatch},
    outgoing::{Queue, are_blanks},
    serve::Connection,
};

/// A listener with so many places.
pub struct Door {
    listener: TcpListener,
    places: Arc<Semaphore>,
    patience: Duration,
    sent: Arc<AtomicU64>,
}

impl Door {
    /// As many connections through `listener` as there are `places`, which doors may share; one on which nothing moves for
    /// `patience` is closed.
    pub fn new(listener: TcpListener, places: Arc<Semaphore>, patience: Duration) -> Self {
        Self { listener, places, patience, sent: Arc::default() }
    }

    /// Counts the bytes that go out through it in `sent`.
    pub fn counting(self, sent: Arc<AtomicU64>) -> Self {
        Self { sent, ..self }
    }
}

impl Listener for Door {
    type Io = Guest;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Guest, SocketAddr) {
        let places = Arc::clone(&self.places);
        let place = places.acquire_owned().await.expect("nobody closes the semaphore");
        let (stream, address) = Listener::accept(&mut self.listener).await;
        // Parts are small and urgent: they must not wait for an acknowledgement of the one before.
        let _ = stream.set_nodelay(true);
        let idle = Box::pin(sleep_until(Instant::now() + self.patience));
        let (patience, moved, sent) = (self.patience, Instant::now(), Arc::clone(&self.sent));
        (Guest { stream, patience, moved, idle, sent, dispatch: Dispatch::default(), _place: place }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that has a place.
pub struct Guest {
    stream: TcpStream,
    patience: Duration,
    /// When bytes last went either way.
    moved: Instant,
    idle: Pin<Box<Sleep>>,
    /// Bytes that all guests of the door were sent.
    sent: Arc<AtomicU64>,
    dispatch: Dispatch,
    _place: OwnedSemaphorePermit,
}

impl Guest {
    /// The address that was asked for.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.stream.local_addr()
    }

    /// Writes some of these bytes; in the place of blanks what they stand for.
    fn send(&mut self, context: &mut Context<'_>, pieces: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match pieces.iter().position(|piece| are_blanks(piece)) {
            None => Pin::new(&mut self.stream).poll_write_vectored(context, pieces),
            Some(0) => {
                if !self.dispatch.is_holding() {
                    self.idle.as_mut().reset(Instant::now() + CHECK);
                }
                self.dispatch.poll_send(&self.stream, context, pieces[0].len())
            }
            Some(nth) => {
                self.dispatch.cork(&self.stream);
                Pin::new(&mut self.stream).poll_write_vectored(context, &pieces[..nth])
            }
        }
    }

    fn count(&self, written: &Poll<io::Result<usize>>) {
        if let Poll::Ready(Ok(bytes)) = written {
            self.sent.fetch_add(*bytes as u64, Ordering::Relaxed);
        }
    }

    /// Lets the result through, or says that the connection is to end: it has been idle for too long, or the place of what it
    /// was to send is needed.
    fn watch<T>(&mut self, context: &mut Context<'_>, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.moved = Instant::now();
            return result;
        }
        loop {
            ready!(self.idle.as_mut().poll(context));
            let (now, end) = (Instant::now(), self.moved + self.patience);
            if end <= now {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            let holding = self.dispatch.is_holding();
            if holding && self.dispatch.is_late(now) {
                // Nothing of what waits goes out, not even the rest of an answer.
                sockopt::set_socket_linger(&self.stream, Some(Duration::ZERO))?;
                return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
            }
            self.idle.as_mut().reset(if holding { end.min(now + CHECK) } else { end });
        }
    }
}

impl Connection for Guest {
    fn queue(&self) -> Option<Queue> {
        Some(self.dispatch.queue())
    }
}

impl AsyncRead for Guest {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(context, into);
        if into.filled().len() > before {
            self.dispatch.has_arrived();
        }
        self.watch(context, result)
    }
}

impl AsyncWrite for Guest {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = self.send(context, &[io::IoSlice::new(bytes)]);
        self.count(&result);
        self.watch(context, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = self.send(context, pieces);
        self.count(&result);
        self.watch(context, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        time::timeout,
    };

    use super::*;

    const SOON: Duration = Duration::from_secs(5);

    async fn door(places: usize, patience: Duration) -> (Door, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (Door::new(listener, Arc::new(Semaphore::new(places)), patience), address)
    }

    #[tokio::test]
    async fn who_finds_no_place_waits_until_one_is_free() {
        let (mut door, address) = door(1, SOON).await;
        let (_first, _second) =
            (TcpStream::connect(address).await.unwrap(), TcpStream::connect(address).await.unwrap());
        let (guest, _) = timeout(SOON, door.accept()).await.unwrap();
        assert!(timeout(Duration::from_millis(50), door.accept()).await.is_err(), "there is one place");
        drop(guest);
        assert!(timeout(SOON, door.accept()).await.is_ok());
    }

    #[tokio::test]
    async fn a_connection_is_closed_only_when_nothing_moves() {
        let patience = Duration::from_millis(300);
        let (mut door, address) = door(1, patience).await;
        let mut viewer = TcpStream::connect(address).await.unwrap();
        let (mut guest, _) = door.accept().await;
        let begun = Instant::now();
        let mut byte = [0];
        let mut fed = 0;
        let end = loop {
            if begun.elapsed() < patience * 3 {
                viewer.write_all(b"x").await.unwrap();
                fed += 1;
            }
            match guest.read(&mut byte).await {
                Ok(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                Err(error) => break error,
            }
        };
        assert_eq!(end.kind(), io::ErrorKind::TimedOut);
        assert!(begun.elapsed() > patience * 3 && fed > 3, "{:?}, {fed}", begun.elapsed());
    }
}
