//! Waiting on conditions, never for a time.

use std::{
    thread,
    time::{Duration, Instant},
};

/// Between two looks at a condition.
const STEP: Duration = Duration::from_millis(10);

/// What `look` gives as soon as it gives something.
///
/// # Panics
/// If it gives nothing within `patience`.
pub fn for_some<T>(what: &str, patience: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < patience, "{what}: not within {patience:?}");
        thread::sleep(STEP);
    }
}

/// Returns when `is` is true, with the time that took.
///
/// # Panics
/// If it is not true within `patience`.
pub fn until(what: &str, patience: Duration, mut is: impl FnMut() -> bool) -> Duration {
    let begun = Instant::now();
    for_some(what, patience, || is().then_some(()));
    begun.elapsed()
}
