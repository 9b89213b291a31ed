//! Ad breaks in the MPD (ANSI/SCTE 214-1, 6.7), and what segments tell of by themselves.

use std::fmt::{self, Write as _};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use media::{
    Break,
    signal::{ID3, SPLICE},
};

/// What segments of a track tell of in `emsg` boxes (DASH, 5.10.3.2): of SCTE-35 all do, of ID3 tags one kind of track only.
pub(super) fn write_in_segments(out: &mut String, id3: bool) -> fmt::Result {
    for scheme in [Some(SPLICE), id3.then_some(ID3)].into_iter().flatten() {
        writeln!(out, "      <InbandEventStream schemeIdUri=\"{scheme}\"/>")?;
    }
    Ok(())
}

/// Ticks a second of the event stream.
const TIMESCALE: u32 = 90_000;

/// The event stream of a Period that begins at `start`, nanoseconds since the epoch; nothing where there are no breaks.
pub(super) fn write_stream(out: &mut String, breaks: &[&Break], start: u64) -> fmt::Result {
    if breaks.is_empty() {
        return Ok(());
    }
    write!(out, "    <EventStream schemeIdUri=\"urn:scte:scte35:2014:xml+bin\" timescale=\"{TIMESCALE}\"")?;
    if start > 0 {
        write!(out, " presentationTimeOffset=\"{}\"", media::ticks(start, TIMESCALE))?;
    }
    out.push_str(">\n");
    for shown in breaks {
        let begins = media::ticks(shown.from, TIMESCALE);
        write!(out, "      <Event presentationTime=\"{begins}\"")?;
        if let Some(to) = shown.to {
            write!(out, " duration=\"{}\"", media::ticks(to, TIMESCALE) - begins)?;
        }
        writeln!(out, " id=\"{}\">", shown.number)?;
        out.push_str("        <Signal xmlns=\"http://www.scte.org/schemas/35/2016\"><Binary>");
        write!(out, "{}</Binary></Signal>\n      </Event>\n", BASE64_STANDARD.encode(&shown.out))?;
    }
    out.write_str("    </EventStream>\n")
}
