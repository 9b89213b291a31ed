//! The box's daemon: wiring only.
