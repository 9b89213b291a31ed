//! The box's state as one snapshot.
