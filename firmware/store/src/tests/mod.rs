//! Behaviour of the whole store, on a real disk and on one that fails.

mod bench;
mod blocks;
mod crash;
mod damage;
mod failing;
pub(crate) mod fixture;
mod live;
mod memory;
mod pins;
mod places;
mod powercut;
mod ram;
mod retention;
mod ring;
mod trace;
