//! Sends from the disk what a connection's queue holds: the kernel takes it from where it lies, nothing is copied.
//!
//! What was handed to the kernel may still wait for a slow client, as a place on the disk and not as bytes. So it is held until
//! the client asks for something else; where its place is to be overwritten first, the connection is broken off.

use std::{
    future::Future as _,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use rustix::{fs::sendfile, net::sockopt};
use store::Stored;
use tokio::{
    io::Interest,
    net::TcpStream,
    task::{JoinHandle, spawn_blocking},
    time::Instant,
};

use crate::outgoing::Queue;

/// How often it is looked whether what is held is to be overwritten.
pub const CHECK: Duration = Duration::from_secs(1);
/// How long a client has to take it then; the store waits for ten seconds.
const GRACE: Duration = Duration::from_secs(5);

/// What one connection sends from the disk.
#[derive(Default)]
pub struct Dispatch {
    queue: Queue,
    /// The first of the queue is in the kernel's RAM.
    is_in_ram: bool,
    fetching: Option<JoinHandle<io::Result<()>>>,
    /// What was handed to the kernel, and may not have arrived.
    held: Vec<Stored>,
    /// Since when some of what is held is to be overwritten.
    leaving: Option<Instant>,
    is_corked: bool,
}

impl Dispatch {
    /// Where it is told what to send.
    pub fn queue(&self) -> Queue {
        self.queue.clone()
    }

    /// Has the kernel wait for what follows from the disk, so that the answer's head does not go alone.
    pub fn cork(&mut self, stream: &TcpStream) {
        if !self.is_corked {
            self.is_corked = sockopt::set_tcp_cork(stream, true).is_ok();
        }
    }

    /// Sends some of the next `len` bytes.
    pub fn poll_send(
        &mut self,
        stream: &TcpStream,
        context: &mut Context<'_>,
        len: usize,
    ) -> Poll<io::Result<usize>> {
        let mut total = 0;
        while total < len {
            let sent = match self.poll_next(stream, context, len - total) {
                Poll::Ready(Ok(sent)) => sent,
                _ if total > 0 => break,
                other => return other,
            };
            total += sent;
        }
        Poll::Ready(Ok(total))
    }

    /// Sends some of the queue's first piece.
    fn poll_next(
        &mut self,
        stream: &TcpStream,
        context: &mut Context<'_>,
        most: usize,
    ) -> Poll<io::Result<usize>> {
        let first = self.queue.waiting().front().cloned();
        let lost = || io::Error::other("there is less on the disk than was told");
        let first = first.ok_or_else(lost)?;
        ready!(self.poll_in_ram(&first, context))?;
        let handle = first.handle().ok_or_else(lost)?;
        let count = usize::try_from(first.bytes()).unwrap_or(usize::MAX).min(most);
        loop {
            ready!(stream.poll_write_ready(context))?;
            let mut offset = first.offset();
            let sent =
                stream.try_io(Interest::WRITABLE, || Ok(sendfile(stream, handle, Some(&mut offset), count)?));
            match sent {
                // Who comes back later looks again.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.is_in_ram = false,
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
                Ok(sent) => {
                    self.has_sent(stream, first, sent);
                    return Poll::Ready(Ok(sent));
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// Waits until the disk has been read: this thread has others to serve.
    fn poll_in_ram(&mut self, first: &Stored, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_in_ram {
            return Poll::Ready(Ok(()));
        }
        if self.fetching.is_none() && !first.is_in_ram() {
            let wanted = first.clone();
            self.fetching = Some(spawn_blocking(move || wanted.fetch()));
        }
        if let Some(fetching) = &mut self.fetching {
            let fetched = ready!(Pin::new(fetching).poll(context));
            self.fetching = None;
            fetched.map_err(io::Error::other)??;
        }
        self.is_in_ram = true;
        Poll::Ready(Ok(()))
    }

    fn has_sent(&mut self, stream: &TcpStream, first: Stored, sent: usize) {
        let mut waiting = self.queue.waiting();
        let rest = first.slice(sent as u64, first.bytes());
        match waiting.front_mut() {
            Some(front) if rest.bytes() > 0 => *front = rest,
            _ => {
                waiting.pop_front();
                self.is_in_ram = false;
            }
        }
        self.held.push(first);
        if waiting.is_empty() && std::mem::take(&mut self.is_corked) {
            // It goes out a little later where this fails.
            let _ = sockopt::set_tcp_cork(stream, false);
        }
    }

    /// The client asks for something else: it has what it asked for before. Only one that asks ahead of what it has read (pipelining,
    /// which no player does) could still wait for some of it.
    pub fn has_arrived(&mut self) {
        if self.queue.waiting().is_empty() {
            self.held.clear();
            self.leaving = None;
        }
    }

    /// Whether anything may not have arrived.
    pub fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }

    /// Whether the client has taken too long: what was handed to the kernel must not go out any more.
    pub fn is_late(&mut self, now: Instant) -> bool {
        let is_leaving =
            self.held.iter().any(Stored::is_leaving) || self.queue.waiting().iter().any(Stored::is_leaving);
        is_leaving && now >= *self.leaving.get_or_insert(now) + GRACE
    }
}

#[cfg(test)]
mod tests;
