//! A box in a test: started from its binaries, asked over its sockets, judged by other people's programs.
//!
//! | module | what for |
//! |---|---|
//! | [`riserd`] | one box with its own ports and state, ended whatever happens |
//! | [`api`] | the management interface as a program uses it |
//! | [`http`] | a viewer's HTTP/1.1 that sees every chunk arrive |
//! | [`playlist`] | a viewer's HLS |
//! | [`boxes`] | a reader of CMAF that shares no code with the box's muxer |
//! | [`peers`] | ffmpeg, ffprobe and GStreamer |
//! | [`pictures`] | decoded pictures and the numbers burnt into them |
//! | [`gpu`] | a box with a GPU in software, that can be told to fail |
//! | [`tuning`] | a channel that is tuned while it runs |
//! | [`captions`] | a film with closed captions, and what ffmpeg reads of one |
//! | [`footage`] | real footage |
//! | [`wait`] | waiting on conditions |

pub mod api;
pub mod boxes;
pub mod captions;
pub mod footage;
pub mod gpu;
pub mod hmac;
pub mod http;
pub mod peers;
pub mod pictures;
pub mod playlist;
pub mod riserd;
pub mod tuning;
pub mod wait;

pub use riserd::Riserd;
