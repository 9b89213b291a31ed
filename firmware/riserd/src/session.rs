//! The connection to one worker.

use std::time::Duration;

use link::{Decoder, FromWorker, ToWorker, wire::Message};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::timeout,
};

use crate::error::Error;

/// A connection to a worker.
pub struct Session {
    from: OwnedReadHalf,
    to: OwnedWriteHalf,
    decoder: Decoder,
    /// The worker has been told what to encode.
    pub started: bool,
}

impl Session {
    /// The connection that a worker has opened.
    pub fn new(stream: UnixStream) -> Self {
        let (from, to) = stream.into_split();
        Self { from, to, decoder: Decoder::default(), started: false }
    }

    /// Tells the worker something.
    pub async fn send(&mut self, message: &ToWorker) -> Result<(), Error> {
        let mut bytes = Default::default();
        message.encode(&mut bytes);
        // A worker that does not read is found out by its samples.
        match timeout(Duration::from_secs(1), self.to.write_all(&bytes)).await {
            Ok(sent) => sent.map_err(Error::Socket),
            Err(_) => Err(Error::Worker("the worker does not listen".to_owned())),
        }
    }

    /// The next message; none when the worker has closed the connection. Nothing is lost if this is not awaited
    /// to its end.
    pub async fn receive(&mut self) -> Result<Option<FromWorker>, Error> {
        loop {
            if let Some(message) = self.decoder.message()? {
                return Ok(Some(message));
            }
            let buffer = self.decoder.buffer();
            buffer.reserve(64 * 1024);
            if self.from.read_buf(buffer).await.map_err(Error::Socket)? == 0 {
                return Ok(None);
            }
        }
    }
}
