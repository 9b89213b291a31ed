//! Bodies of answers on their way to a connection. Where an answer lies on the disk, and nothing has to be done to its bytes, HTTP
//! is given as many [`BLANKS`] in their place, and the connection a [`Queue`] of what it has to send instead of them.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Buf, Frame, SizeHint};
use origin::OnDisk;
use store::Stored;

/// Stand for bytes on the disk: told from all others by where they lie. Nobody reads them.
static BLANKS: [u8; 1 << 20] = [0; 1 << 20];

/// Whether these are not bytes to be sent, but stand for as many of the queue's.
pub fn are_blanks(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.as_ptr() == BLANKS.as_ptr()
}

/// What a connection is to send from the disk, in order. Clones share it.
#[derive(Clone, Default)]
pub struct Queue(Arc<Mutex<VecDeque<Stored>>>);

impl Queue {
    /// What is in it.
    pub fn waiting(&self) -> MutexGuard<'_, VecDeque<Stored>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An answer's body.
pub enum Outgoing {
    /// As it was made.
    Made(Body),
    /// What the connection of this queue sends from the disk.
    OnDisk(Vec<Stored>, Queue),
}

/// Bytes of a body, or as many blanks.
pub enum Piece {
    /// Bytes.
    Bytes(Bytes),
    /// Stand for so many bytes on the disk.
    Blanks(usize),
}

impl Outgoing {
    /// The body of an answer to a connection that has a queue, or none.
    pub fn of(body: Body, on_disk: Option<OnDisk>, queue: Option<Queue>) -> Self {
        match (on_disk, queue) {
            (Some(OnDisk(pieces)), Some(queue)) if !pieces.is_empty() => Self::OnDisk(pieces, queue),
            _ => Self::Made(body),
        }
    }
}

fn bytes(pieces: &[Stored]) -> u64 {
    pieces.iter().map(Stored::bytes).sum()
}

impl HttpBody for Outgoing {
    type Data = Piece;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Piece>, axum::Error>>> {
        match &mut *self {
            Self::Made(body) => {
                let frame = ready!(Pin::new(body).poll_frame(context));
                Poll::Ready(frame.map(|frame| frame.map(|frame| frame.map_data(Piece::Bytes))))
            }
            Self::OnDisk(pieces, _) if pieces.is_empty() => Poll::Ready(None),
            Self::OnDisk(pieces, queue) => {
                let len = bytes(pieces) as usize;
                queue.waiting().extend(pieces.drain(..));
                Poll::Ready(Some(Ok(Frame::data(Piece::Blanks(len)))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Made(body) => body.is_end_stream(),
            Self::OnDisk(pieces, _) => pieces.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Made(body) => body.size_hint(),
            Self::OnDisk(pieces, _) => SizeHint::with_exact(bytes(pieces)),
        }
    }
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Blanks(len) => *len,
        }
    }

    fn chunk(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Blanks(len) => &BLANKS[..(*len).min(BLANKS.len())],
        }
    }

    fn advance(&mut self, count: usize) {
        match self {
            Self::Bytes(bytes) => bytes.advance(count),
            Self::Blanks(len) => *len -= count,
        }
    }
}
