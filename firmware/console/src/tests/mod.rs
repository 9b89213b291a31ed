//! The router against an engine that answers as it is told, and against the real rules.

mod auth;
mod bench;
mod bodies;
mod document;
mod objects;
mod refusals;
mod rules;
mod status;
