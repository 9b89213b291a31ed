//! Ad breaks: what may be announced, moved, cancelled and ended when, and the messages that say so.
//!
//! ```text
//! Journal --events--> every segment of a channel (emsg)
//!         '--breaks-> every manifest (EXT-X-DATERANGE, EventStream, the stream `ads` of Smooth Streaming)
//! ```
//! A [`Journal`] is pure: time and grid come as arguments. What it says of a segment depends on when each thing was told, never on
//! when it is asked, so that a segment's bytes stay as they are.

mod journal;
pub mod splice;

pub use journal::{Journal, PRE_ROLL, Problem, Wish};
