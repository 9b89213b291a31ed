//! The wire form: `length u32 | kind u8 | body`, big-endian, `length` counting kind and body.
//!
//! A sample's body is `track u8 | flags u8 | decode time u64 | duration u32 | composition offset i32 |
//! captured u64 | payload`; every other body is JSON.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use media::Sample;
use serde::{Serialize, de::DeserializeOwned};

use crate::{FromWorker, ToWorker};

/// Longest message: a 4K key frame is a tenth of it.
pub const MAX_MESSAGE: usize = 32 << 20;

const SAMPLE_HEAD: usize = 26;
const SYNC: u8 = 1;
const FILLER: u8 = 2;

/// What can be wrong with received bytes.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The length field is zero or beyond [`MAX_MESSAGE`].
    #[error("message length {0} is not between 1 and {MAX_MESSAGE}")]
    Length(usize),
    /// The kind is not one this side receives.
    #[error("message kind {0} is not known")]
    Kind(u8),
    /// The body ends before its fixed fields do.
    #[error("message of kind {kind} has {len} bytes, fewer than its {SAMPLE_HEAD} fixed ones")]
    Short {
        /// The message's kind.
        kind: u8,
        /// Bytes in its body.
        len: usize,
    },
    /// The body is not the JSON it should be.
    #[error("message of kind {kind} cannot be read")]
    Json {
        /// The message's kind.
        kind: u8,
        /// What is wrong, with line and column.
        source: serde_json::Error,
    },
}

/// A message that has a wire form.
pub trait Message: Sized {
    /// Appends the message to `out`.
    fn encode(&self, out: &mut BytesMut);
    /// Reads a message from its kind and body.
    fn decode(kind: u8, body: Bytes) -> Result<Self, Error>;
}

impl Message for FromWorker {
    fn encode(&self, out: &mut BytesMut) {
        match self {
            Self::Hello(body) => put_json(1, body, out),
            Self::Input(body) => put_json(2, body, out),
            Self::Tracks(body) => put_json(3, body, out),
            Self::Sample { track, sample } => put_sample(4, *track, sample, out),
            Self::Slate { track, sample } => put_sample(5, *track, sample, out),
            Self::Failed(body) => put_json(6, body, out),
            Self::Trying(body) => put_json(7, body, out),
            Self::Unable(body) => put_json(8, body, out),
            Self::Levels(body) => put_json(9, body, out),
        }
    }

    fn decode(kind: u8, body: Bytes) -> Result<Self, Error> {
        Ok(match kind {
            1 => Self::Hello(json(kind, &body)?),
            2 => Self::Input(json(kind, &body)?),
            3 => Self::Tracks(json(kind, &body)?),
            4 => sample(kind, body).map(|(track, sample)| Self::Sample { track, sample })?,
            5 => sample(kind, body).map(|(track, sample)| Self::Slate { track, sample })?,
            6 => Self::Failed(json(kind, &body)?),
            7 => Self::Trying(json(kind, &body)?),
            8 => Self::Unable(json(kind, &body)?),
            9 => Self::Levels(json(kind, &body)?),
            kind => return Err(Error::Kind(kind)),
        })
    }
}

impl Message for ToWorker {
    fn encode(&self, out: &mut BytesMut) {
        match self {
            Self::Open { choice, name, sound } => put_json(64, &(choice, name, sound), out),
            Self::Start(body) => put_json(65, body, out),
            Self::Clock(body) => put_json(66, body, out),
            Self::Stop => put_json(67, &(), out),
            Self::Tune(body) => put_json(68, body, out),
        }
    }

    fn decode(kind: u8, body: Bytes) -> Result<Self, Error> {
        Ok(match kind {
            64 => json(kind, &body).map(|(choice, name, sound)| Self::Open { choice, name, sound })?,
            65 => Self::Start(json(kind, &body)?),
            66 => Self::Clock(json(kind, &body)?),
            67 => Self::Stop,
            68 => Self::Tune(json(kind, &body)?),
            kind => return Err(Error::Kind(kind)),
        })
    }
}

/// Cuts a byte stream into messages; payloads share the received buffer.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: BytesMut,
}

impl Decoder {
    /// Where received bytes go: read into it, then call [`message`](Self::message) until it gives none.
    pub fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// The next whole message, if one has arrived. After an error the stream cannot be read on.
    pub fn message<M: Message>(&mut self) -> Result<Option<M>, Error> {
        let Some(length) = self.buffer.get(..4) else { return Ok(None) };
        let length = u32::from_be_bytes([length[0], length[1], length[2], length[3]]) as usize;
        if length == 0 || length > MAX_MESSAGE {
            return Err(Error::Length(length));
        }
        if self.buffer.len() < 4 + length {
            self.buffer.reserve(4 + length - self.buffer.len());
            return Ok(None);
        }
        self.buffer.advance(4);
        let mut body = self.buffer.split_to(length).freeze();
        let kind = body.get_u8();
        M::decode(kind, body).map(Some)
    }
}

fn put_json<T: Serialize>(kind: u8, body: &T, out: &mut BytesMut) {
    let json = serde_json::to_vec(body).expect("messages have string keys only, so they always serialize");
    put_head(kind, json.len(), out);
    out.put_slice(&json);
}

fn put_sample(kind: u8, track: u8, sample: &Sample, out: &mut BytesMut) {
    put_head(kind, SAMPLE_HEAD + sample.data.len(), out);
    out.put_u8(track);
    out.put_u8(if sample.sync { SYNC } else { 0 } | if sample.filler { FILLER } else { 0 });
    out.put_u64(sample.decode_time);
    out.put_u32(sample.duration);
    out.put_i32(sample.composition_offset);
    out.put_u64(sample.captured);
    out.put_slice(&sample.data);
}

fn put_head(kind: u8, body: usize, out: &mut BytesMut) {
    let length = u32::try_from(body + 1).ok().filter(|&length| length as usize <= MAX_MESSAGE);
    out.reserve(5 + body);
    out.put_u32(length.expect("an access unit is far smaller than MAX_MESSAGE"));
    out.put_u8(kind);
}

fn json<T: DeserializeOwned>(kind: u8, body: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|source| Error::Json { kind, source })
}

fn sample(kind: u8, mut body: Bytes) -> Result<(u8, Sample), Error> {
    if body.len() < SAMPLE_HEAD {
        return Err(Error::Short { kind, len: body.len() });
    }
    let track = body.get_u8();
    let flags = body.get_u8();
    let sample = Sample {
        decode_time: body.get_u64(),
        duration: body.get_u32(),
        composition_offset: body.get_i32(),
        captured: body.get_u64(),
        sync: flags & SYNC != 0,
        filler: flags & FILLER != 0,
        data: body,
    };
    Ok((track, sample))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Hello, InputChoice};

    fn arbitrary_sample() -> impl Strategy<Value = Sample> {
        let flags = (any::<bool>(), any::<bool>());
        let times = (any::<u64>(), any::<u32>(), any::<i32>(), any::<u64>());
        (times, flags, prop::collection::vec(any::<u8>(), 0..300)).prop_map(|(times, flags, data)| Sample {
            decode_time: times.0,
            duration: times.1,
            composition_offset: times.2,
            captured: times.3,
            sync: flags.0,
            filler: flags.1,
            data: data.into(),
        })
    }

    proptest! {
        #[test]
        fn messages_survive_any_chopping(
            samples in prop::collection::vec((any::<u8>(), arbitrary_sample()), 1..6),
            chop in 1usize..97,
        ) {
            let sent: Vec<_> =
                samples.into_iter().map(|(track, sample)| FromWorker::Sample { track, sample }).collect();
            let mut wire = BytesMut::new();
            sent.iter().for_each(|message| message.encode(&mut wire));
            let (mut decoder, mut received) = (Decoder::default(), Vec::new());
            for bytes in wire.chunks(chop) {
                decoder.buffer().put_slice(bytes);
                while let Some(message) = decoder.message::<FromWorker>().unwrap() {
                    received.push(message);
                }
            }
            prop_assert_eq!(received, sent);
        }

        #[test]
        fn any_bytes_are_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut decoder = Decoder::default();
            decoder.buffer().put_slice(&bytes);
            while let Ok(Some(_)) = decoder.message::<FromWorker>() {}
        }
    }

    #[test]
    fn errors_name_the_kind() {
        let mut decoder = Decoder::default();
        decoder.buffer().put_slice(&[0, 0, 0, 3, 1, b'{', b'}']);
        let error = decoder.message::<FromWorker>().unwrap_err();
        assert_eq!(error.to_string(), "message of kind 1 cannot be read");
        let mut wire = BytesMut::new();
        ToWorker::Open {
            choice: InputChoice::Test { wish: Default::default() },
            name: String::new(),
            sound: Default::default(),
        }
        .encode(&mut wire);
        decoder = Decoder { buffer: wire };
        assert!(matches!(decoder.message::<FromWorker>(), Err(Error::Kind(64))));
    }

    #[test]
    fn control_messages_round_trip() {
        let mut wire = BytesMut::new();
        let hello = FromWorker::Hello(Hello { version: crate::VERSION, pid: 7 });
        hello.encode(&mut wire);
        assert_eq!(Decoder { buffer: wire }.message().unwrap(), Some(hello));
    }
}
