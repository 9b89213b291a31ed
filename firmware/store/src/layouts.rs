//! A layout as bytes, for its record in an extent and its value in the catalogue. Pure.
//!
//! `length of text:u32, JSON text, then per track: length:u32, init segment`. The init segments stand outside the
//! JSON, which would write each byte as a number.

use bytes::Bytes;
use media::{Grid, Layout};
use serde::{Deserialize, Serialize};

use crate::Error;

/// A layout with the stream that used it: enough to know the stream again without a catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Described {
    pub(crate) channel: String,
    pub(crate) grid: Grid,
    pub(crate) layout: Layout,
}

impl Described {
    pub(crate) fn encode(&self) -> Result<Bytes, Error> {
        let bare = Self { layout: Layout { init: Vec::new(), ..self.layout.clone() }, ..self.clone() };
        let text = serde_json::to_vec(&bare).map_err(|error| malformed(&error.to_string()))?;
        let mut out = Vec::new();
        for block in std::iter::once(text.as_slice()).chain(self.layout.init.iter().map(|init| &init[..])) {
            out.extend_from_slice(&(block.len() as u32).to_be_bytes());
            out.extend_from_slice(block);
        }
        Ok(out.into())
    }

    pub(crate) fn decode(mut bytes: &[u8]) -> Result<Self, Error> {
        let text = block(&mut bytes)?;
        let mut described: Self =
            serde_json::from_slice(text).map_err(|error| malformed(&error.to_string()))?;
        while !bytes.is_empty() {
            described.layout.init.push(Bytes::copy_from_slice(block(&mut bytes)?));
        }
        if described.layout.init.len() != described.layout.tracks.len() {
            return Err(malformed("init segments do not match the tracks"));
        }
        Ok(described)
    }
}

fn block<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], Error> {
    let cut = || malformed("cut off");
    let (len, rest) = bytes.split_first_chunk::<4>().ok_or_else(cut)?;
    let (block, rest) = rest.split_at_checked(u32::from_be_bytes(*len) as usize).ok_or_else(cut)?;
    *bytes = rest;
    Ok(block)
}

fn malformed(reason: &str) -> Error {
    Error::Malformed { what: "layout", reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::fixture;

    #[test]
    fn reads_back_what_it_wrote_and_refuses_every_cut() {
        let described = Described {
            channel: "main".into(),
            grid: fixture::grid(),
            layout: (*fixture::layout(1)).clone(),
        };
        let bytes = described.encode().unwrap();
        assert_eq!(Described::decode(&bytes).unwrap(), described);
        for cut in 0..bytes.len() {
            assert!(Described::decode(&bytes[..cut]).is_err(), "{cut}");
        }
    }
}
