//! Boxes in a row of bytes, each with its offset. Containers are walked from here, by name and to a known depth;
//! the box library decodes only boxes without children, so no input decides how deep the stack gets.

use mp4_atom::{Atom, Buf, Decode, Header};

use crate::{BoxType, Error};

/// A box that lies within the input.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawBox<'a> {
    pub(crate) kind: BoxType,
    /// Offset of its header in the input.
    pub(crate) offset: usize,
    /// Offset of its body in the input.
    pub(crate) body_offset: usize,
    pub(crate) body: &'a [u8],
}

impl<'a> RawBox<'a> {
    /// Offset of the byte behind it.
    pub(crate) fn end(&self) -> usize {
        self.body_offset + self.body.len()
    }

    /// The boxes in its body from byte `from` on.
    pub(crate) fn children(&self, from: usize) -> Result<Boxes<'a>, Error> {
        let bytes = self.body.get(from..).ok_or_else(|| self.error("ends before its child boxes"))?;
        Ok(Boxes { bytes, offset: self.body_offset + from })
    }

    /// The first child of this type, if there is one.
    pub(crate) fn find(&self, kind: &[u8; 4]) -> Result<Option<RawBox<'a>>, Error> {
        self.children(0)?.find_map(|child| of_type(child, kind)).transpose()
    }

    /// The first child of this type.
    pub(crate) fn child(&self, kind: &[u8; 4]) -> Result<RawBox<'a>, Error> {
        self.find(kind)?.ok_or_else(|| self.error(format!("has no `{}`", BoxType(*kind))))
    }

    /// Every child of this type.
    pub(crate) fn all(&self, kind: &[u8; 4]) -> Result<Vec<RawBox<'a>>, Error> {
        self.children(0)?.filter_map(|child| of_type(child, kind)).collect()
    }

    /// Decodes a box without children.
    pub(crate) fn decode<T: Atom>(&self) -> Result<T, Error> {
        let mut body = self.body;
        let value = T::decode_body(&mut body).map_err(|err| self.error(library(&err)))?;
        if body.is_empty() { Ok(value) } else { Err(self.error(format!("{} bytes too long", body.len()))) }
    }

    /// Decodes the fields that stand before the children of a sample entry; the children.
    pub(crate) fn decode_head<T: Decode>(&self) -> Result<(T, Boxes<'a>), Error> {
        let mut body = self.body;
        let value = T::decode(&mut body).map_err(|err| self.error(library(&err)))?;
        Ok((value, self.children(self.body.len() - body.len())?))
    }

    /// An error at this box.
    pub(crate) fn error(&self, reason: impl Into<String>) -> Error {
        Error::ReadBox { offset: self.offset, kind: self.kind, reason: reason.into() }
    }
}

/// The first of these boxes with this type.
pub(crate) fn first<'a>(boxes: Boxes<'a>, kind: &[u8; 4]) -> Result<Option<RawBox<'a>>, Error> {
    let mut boxes = boxes;
    boxes.find_map(|child| of_type(child, kind)).transpose()
}

fn of_type<'a>(found: Result<RawBox<'a>, Error>, kind: &[u8; 4]) -> Option<Result<RawBox<'a>, Error>> {
    match found {
        Ok(found) => (found.kind.0 == *kind).then_some(Ok(found)),
        Err(err) => Some(Err(err)),
    }
}

fn library(err: &mp4_atom::Error) -> String {
    match err {
        mp4_atom::Error::OutOfBounds | mp4_atom::Error::OverDecode(_) => "ends too early".to_owned(),
        err => err.to_string(),
    }
}

/// The boxes in a row of bytes; ends with the first error.
#[derive(Clone, Debug)]
pub(crate) struct Boxes<'a> {
    bytes: &'a [u8],
    /// Offset of `bytes` in the input.
    offset: usize,
}

impl<'a> Boxes<'a> {
    /// The boxes of an input.
    pub(crate) fn new(input: &'a [u8]) -> Self {
        Self { bytes: input, offset: 0 }
    }

    /// Offset of the next box in the input.
    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

    /// The header of the next box.
    pub(crate) fn header(&self) -> Result<BoxHeader, Error> {
        let offset = self.offset;
        let mut rest = self.bytes;
        let header = Header::decode(&mut rest).map_err(|err| {
            let reason = match err {
                mp4_atom::Error::OutOfBounds => "a box header is cut short",
                _ => "a box is smaller than its header",
            };
            Error::ReadHeader { offset, reason }
        })?;
        let body_offset = offset + self.bytes.len() - rest.len();
        Ok(BoxHeader { kind: BoxType(header.kind.into()), offset, body_offset, size: header.size })
    }

    fn read(&mut self) -> Result<RawBox<'a>, Error> {
        let BoxHeader { kind, offset, body_offset, size } = self.header()?;
        let mut rest = &self.bytes[body_offset - offset..];
        let size = size.unwrap_or(rest.len());
        let Some(body) = rest.get(..size) else {
            return Err(unfit(kind, offset, size, rest.len()));
        };
        rest.advance(size);
        (self.bytes, self.offset) = (rest, body_offset + size);
        Ok(RawBox { kind, offset, body_offset, body })
    }
}

/// A box whose body may be anywhere.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BoxHeader {
    pub(crate) kind: BoxType,
    /// Offset of the header in the input.
    pub(crate) offset: usize,
    /// Offset of the body in the input.
    pub(crate) body_offset: usize,
    /// Bytes of the body; `None`: to the end of the input.
    size: Option<usize>,
}

impl BoxHeader {
    /// Offset of the byte behind the box in an input of `len` bytes.
    pub(crate) fn end(&self, len: usize) -> Result<usize, Error> {
        let left = len.saturating_sub(self.body_offset);
        let size = self.size.unwrap_or(left);
        if size > left { Err(unfit(self.kind, self.offset, size, left)) } else { Ok(self.body_offset + size) }
    }
}

fn unfit(kind: BoxType, offset: usize, size: usize, left: usize) -> Error {
    let reason = format!("its body of {size} bytes does not fit into the {left} left");
    Error::ReadBox { offset, kind, reason }
}

impl<'a> Iterator for Boxes<'a> {
    type Item = Result<RawBox<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.bytes.is_empty() {
            return None;
        }
        let next = self.read();
        if next.is_err() {
            self.bytes = &[];
        }
        Some(next)
    }
}
