//! What is told beside pictures and sound: ad breaks, and events at a moment of the timeline.

use bytes::Bytes;

use crate::NANOS;

/// The scheme of SCTE-35's sections in events (ANSI/SCTE 214-3).
pub const SPLICE: &str = "urn:scte:scte35:2013:bin";
/// The scheme of ID3 tags in events (AOM, "Carriage of ID3 Timed Metadata in CMAF").
pub const ID3: &str = "https://aomedia.org/emsg/ID3";
/// Segments and manifests tell of an ad break from so long before it on: nanoseconds.
pub const AHEAD: u64 = 15 * NANOS;

/// An ad break as viewers are told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Break {
    /// By which the operator and ad systems know it: SCTE-35's `splice_event_id`.
    pub id: u32,
    /// Tells its announcement from every other of the channel: a break that was moved has another one.
    pub number: u32,
    /// Nanoseconds since the epoch where it begins.
    pub from: u64,
    /// Where it ends, as far as that is known.
    pub to: Option<u64>,
    /// Nanoseconds that it was announced to last; none where it lasts until it is ended.
    pub duration: Option<u64>,
    /// The `splice_info_section` that begins it (SCTE-35).
    pub out: Bytes,
    /// The one that ends it; none while no end is known.
    pub back: Option<Bytes>,
}

/// A message for players at a moment of the timeline, as an `emsg` box carries it (ISO/IEC 23009-1, 5.10.3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What kind of message: `scheme_id_uri`.
    pub scheme: String,
    /// Which of that kind.
    pub value: String,
    /// Tells it from others of its kind: one that comes again has the same.
    pub id: u32,
    /// Nanoseconds since the epoch.
    pub at: u64,
    /// Nanoseconds that it lasts; none where nobody knows.
    pub duration: Option<u64>,
    /// The message.
    pub data: Bytes,
}
