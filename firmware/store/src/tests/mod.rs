//! Behaviour of the whole store, on a real disk and on one that fails.

mod crash;
mod damage;
mod failing;
pub(crate) mod fixture;
mod live;
mod memory;
mod powercut;
mod ring;
