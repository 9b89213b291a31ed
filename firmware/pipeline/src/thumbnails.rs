//! `riser-pipeline thumbnails --columns N --rows N --width PX`: key frames in, sprite sheets out.
//!
//! A process of its own, started for one recording and ended with it. It runs at niceness 19, decodes on one thread and
//! holds one picture and one sheet, however many there are. Numbers are big-endian.
//!
//! ```text
//! stdin     picture ...     length u32 | one H.264 or HEVC access unit in Annex B
//! stdout    tile            width u16 | height u16, once the first picture is decoded
//!           sheet ...       length u32 | JPEG, when a sheet is full and, at the end, for what is left
//! ```
//! Each picture is an IDR picture with its parameter sets in front, which tell HEVC (the VPS comes first) from H.264; size,
//! coding and parameters may change from one to the next. A
//! length of 0 stands for a picture that is missing. The input ends where a length would begin.
//!
//! Tile n, counted along the rows of one sheet after the other, always shows picture n: a picture that is missing or
//! cannot be decoded repeats the tile before it, or is black where there is none. Every sheet has the same columns and
//! rows; only the last one ends with the last row it needs, filled up with black. Tiles are as wide as asked, rounded
//! down to even, and as high as the first decoded picture's shape makes them, even as well; pictures of another shape are
//! fitted in between black borders.
//!
//! Whoever writes pictures has to read sheets at the same time: nothing is read while a sheet cannot be written. The
//! process ends with 0 when the last sheet is written, or when there was no picture at all; otherwise with 1 and one line
//! on stderr that says why.

mod album;
mod chain;
mod decoder;
mod jfif;
mod jpeg;
mod sheet;
#[cfg(test)]
mod tests;
mod wire;

use std::{
    io::{self, Read, Write},
    num::NonZeroU16,
};

use lexopt::{Arg, Parser, ValueExt};
use riser_pipeline::picture::Size;

use album::Album;
use decoder::{Decoder, Frame};
use sheet::Plan;

/// The niceness that leaves the processor to everything else.
const NICEST: i32 = 19;

/// Why there are no more thumbnails; the texts are for the technician.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The arguments cannot be understood.
    #[error("{0}; usage: riser-pipeline thumbnails --columns N --rows N --width PX")]
    Arguments(#[from] lexopt::Error),
    /// A sheet of this size cannot be made.
    #[error(
        "{columns} columns and {rows} rows of {width}x{height} pixels are too much for one sheet",
        width = tile.width,
        height = tile.height
    )]
    Plan {
        /// Tiles in a row.
        columns: usize,
        /// Rows of tiles.
        rows: usize,
        /// Size of a tile.
        tile: Size,
    },
    /// The niceness cannot be set.
    #[error("niceness cannot be set: {0}")]
    Nice(rustix::io::Errno),
    /// The input broke off or cannot be read.
    #[error("pictures cannot be read: {0}")]
    Read(io::Error),
    /// A picture is longer than [`wire::MAX_PICTURE`].
    #[error("picture of {0} bytes is longer than {max}", max = wire::MAX_PICTURE)]
    Length(usize),
    /// GStreamer does not start.
    #[error("GStreamer does not start: {0}")]
    Start(gst::glib::Error),
    /// Elements are not installed, do not fit each other, or cannot be started.
    #[error("{what} cannot be assembled: {reason}")]
    Assemble {
        /// Which part.
        what: &'static str,
        /// Why, as far as GStreamer says.
        reason: String,
    },
    /// The decoder neither gives a picture nor says that there is none.
    #[error("the decoder gave no answer")]
    Decode,
    /// Pictures came, and none of them could be decoded.
    #[error("none of {0} pictures could be decoded")]
    Undecodable(u64),
    /// A sheet could not be coded.
    #[error("a sheet cannot be coded as JPEG: {0}")]
    Encode(String),
    /// Nobody takes the sheets.
    #[error("sheets cannot be written: {0}")]
    Write(io::Error),
}

/// Does what `arguments` ask for, from standard input to standard output.
pub fn run(arguments: Parser) -> Result<(), Error> {
    let plan = plan(arguments)?;
    // Threads inherit it, so it comes before GStreamer's.
    rustix::process::nice(NICEST).map_err(Error::Nice)?;
    make(plan, &mut io::stdin().lock(), &mut io::stdout().lock())
}

fn plan(mut arguments: Parser) -> Result<Plan, Error> {
    let (mut columns, mut rows, mut width) = (None, None, None);
    while let Some(argument) = arguments.next()? {
        let place = match argument {
            Arg::Long("columns") => &mut columns,
            Arg::Long("rows") => &mut rows,
            Arg::Long("width") => &mut width,
            other => return Err(other.unexpected().into()),
        };
        *place = Some(usize::from(arguments.value()?.parse::<NonZeroU16>()?.get()));
    }
    let missing = |name: &str| Error::Arguments(format!("{name} is missing").into());
    let given = |value: Option<usize>, name: &str| value.ok_or_else(|| missing(name));
    Plan::new(given(columns, "--columns")?, given(rows, "--rows")?, given(width, "--width")?)
}

/// Makes the sheets of all pictures of `input`.
fn make(plan: Plan, input: &mut impl Read, output: &mut impl Write) -> Result<(), Error> {
    gst::init().map_err(Error::Start)?;
    let mut decoder = Decoder::default();
    let mut album = Album::new(plan, output);
    while let Some(unit) = wire::read_picture(input)? {
        let frame = decoder.decode(unit)?;
        album.add(frame.as_ref().and_then(Frame::view).as_ref())?;
    }
    album.finish()
}
