//! A channel of sound alone: its pictures are taken from the source and let go.

use std::sync::Arc;

use super::{Builder, Ladder, Picture};
use crate::error::Error;

/// What stands for the family.
pub const NAME: &str = "none";

struct Nothing;

/// Starts no encoder.
pub fn builder() -> Builder {
    Arc::new(|_, _| Ok(Box::new(Nothing)))
}

impl Ladder for Nothing {
    fn has_room(&self) -> bool {
        true
    }

    fn push(&mut self, _: &Picture) -> Result<(), Error> {
        Ok(())
    }

    fn tune(&mut self, _: &[u32]) -> Result<(), Error> {
        Ok(())
    }

    fn describe(&self) -> String {
        "sound alone".to_owned()
    }

    fn finish(self: Box<Self>) -> Result<(), Error> {
        Ok(())
    }
}
