//! Pictures and sheets as bytes between this process and the one that started it.

use std::io::{self, Read, Write};

use riser_pipeline::picture::Size;

use super::Error;

/// Longest access unit, in bytes.
pub const MAX_PICTURE: usize = 8 << 20;

/// The next access unit, empty where one is missing; `None` at the end of the input.
pub fn read_picture(input: &mut impl Read) -> Result<Option<Vec<u8>>, Error> {
    let Some(length) = read_length(input).map_err(Error::Read)? else { return Ok(None) };
    if length > MAX_PICTURE {
        return Err(Error::Length(length));
    }
    let mut picture = vec![0; length];
    input.read_exact(&mut picture).map_err(Error::Read)?;
    Ok(Some(picture))
}

/// Only before the first byte of a length may the input end.
fn read_length(input: &mut impl Read) -> io::Result<Option<usize>> {
    let mut length = [0; 4];
    let first = loop {
        match input.read(&mut length[..1]) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => break other?,
        }
    };
    if first == 0 {
        return Ok(None);
    }
    input.read_exact(&mut length[1..])?;
    Ok(Some(usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX)))
}

/// Writes the size of every tile.
pub fn write_tile(output: &mut impl Write, tile: Size) -> Result<(), Error> {
    let side = |side| u16::try_from(side).map_err(io::Error::other);
    let mut write = || {
        output.write_all(&side(tile.width)?.to_be_bytes())?;
        output.write_all(&side(tile.height)?.to_be_bytes())?;
        output.flush()
    };
    write().map_err(Error::Write)
}

/// Writes one sheet.
pub fn write_sheet(output: &mut impl Write, jpeg: &[u8]) -> Result<(), Error> {
    let mut write = || {
        let length = u32::try_from(jpeg.len()).map_err(io::Error::other)?;
        output.write_all(&length.to_be_bytes())?;
        output.write_all(jpeg)?;
        output.flush()
    };
    write().map_err(Error::Write)
}
