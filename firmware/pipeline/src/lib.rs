//! The worker: capture, convert, encode.
