//! What would be, were channels to run: asked without changing anything.

use std::sync::Arc;

pub use channel::rehearsal::{Alternative, Part, Rehearsal};

/// Rehearses channels together, beside those that run and are not among them. The answer has one part for each.
pub type Rehearse = Arc<dyn Fn(&[settings::Channel]) -> Rehearsal + Send + Sync>;
