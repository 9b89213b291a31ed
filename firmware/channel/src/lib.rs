//! A channel's rules as pure code: no I/O, no clocks, time is an argument.
//!
//! In `riserd`: [`segmenter`] cuts every track's samples on the grid, [`slate`] stands in while no worker gives
//! samples, [`ladder`] decides what is encoded, [`families`] by what, [`budget`] how much of it, [`shed`] what is given up
//! under overload and at which [`heat`]. In the worker: [`slots`] gives every frame slot one picture, [`sound`] gives every block its samples,
//! [`drift`] follows the clock that they come from, [`levels`] says how loud they are, [`cameras`] which camera is which,
//! [`mode`] how it is run, [`edid`] what it tells its source, [`signal`] what is true of the input. At the command door: [`life`] says what may follow on what,
//! [`rehearsal`] what would fit.

pub mod budget;
pub mod cameras;
pub mod captions;
pub mod drift;
pub mod edid;
pub mod families;
pub mod heat;
pub mod ladder;
pub mod levels;
pub mod life;
pub mod mode;
pub mod rehearsal;
pub mod segmenter;
pub mod shed;
pub mod signal;
pub mod slate;
pub mod slots;
pub mod sound;
