//! How much goes out of an endpoint, and who finds room: at the cap nobody begins to watch, beyond it nobody gets anything.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use package::route::Route;
use tokio::time::Instant;

/// The stretch that is measured; viewers fetch a segment in one go, so a shorter one would jump.
const SPAN: Duration = Duration::from_secs(2);

/// What goes out of an endpoint.
#[derive(Debug)]
pub(crate) struct Egress {
    /// Bytes that have gone out, counted by who sends them.
    sent: Arc<AtomicU64>,
    /// Bytes per second of the last two stretches.
    rate: AtomicU64,
    measured: Mutex<Measured>,
}

#[derive(Debug)]
struct Measured {
    at: Instant,
    sent: u64,
    /// Bytes per second of the stretch before.
    before: u64,
}

/// Whether a request finds room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// For everybody.
    Free,
    /// For who is watching already.
    Full,
    /// For nobody.
    Over,
}

impl Default for Egress {
    fn default() -> Self {
        let measured = Measured { at: Instant::now(), sent: 0, before: 0 };
        Self { sent: Arc::default(), rate: AtomicU64::new(0), measured: Mutex::new(measured) }
    }
}

impl Egress {
    /// Where whoever sends counts its bytes.
    pub(crate) fn counter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.sent)
    }

    /// Bytes that have gone out.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Bytes per second, lately.
    pub(crate) fn rate(&self) -> u64 {
        // Who finds it being measured takes what was measured last.
        if let Ok(mut measured) = self.measured.try_lock() {
            let elapsed = measured.at.elapsed();
            if elapsed >= SPAN {
                let sent = self.sent();
                let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
                let now = sent.saturating_sub(measured.sent).saturating_mul(1000) / millis;
                self.rate.store(u64::midpoint(now, measured.before), Ordering::Relaxed);
                *measured = Measured { at: Instant::now(), sent, before: now };
            }
        }
        self.rate.load(Ordering::Relaxed)
    }

    /// For whom there is room under a cap of so many bytes per second.
    pub(crate) fn room(&self, cap: u64) -> Room {
        match self.rate() {
            rate if rate < cap => Room::Free,
            rate if rate < cap.saturating_add(cap / 4) => Room::Full,
            _ => Room::Over,
        }
    }
}

/// Whether somebody begins to watch with this request: manifests that are asked for again and again have another address then.
pub(crate) fn is_beginning(path: &str, query: Option<&str>) -> bool {
    use package::route::Timeline;
    match Route::parse(path, query) {
        Ok(Route::Manifest { timeline, .. }) => timeline == Timeline::OfItsOwn,
        Ok(route) => route.is_entrance() || matches!(route, Route::Download { .. }),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_rate_is_that_of_the_last_stretches() {
        let egress = Egress::default();
        let cap = 1000;
        for (sent, room) in [
            (1800, Room::Free),
            (2200, Room::Full),
            (2200, Room::Full),
            (9000, Room::Over),
            (0, Room::Over),
            (0, Room::Free),
        ] {
            egress.counter().fetch_add(sent, Ordering::Relaxed);
            assert_eq!(egress.room(cap), egress.room(cap), "nothing changes within a stretch");
            tokio::time::advance(SPAN).await;
            assert_eq!(egress.room(cap), room, "{sent}");
        }
    }

    #[test]
    fn who_is_watching_is_told_from_who_begins() {
        for (path, query, begins) in [
            ("/live/main/master.m3u8", None, true),
            ("/live/main/manifest.mpd", None, true),
            ("/live/main/manifest.mpd", Some("timeline=live"), false),
            ("/live/main/720p/media.m3u8", None, false),
            ("/show/x.ism/Manifest(format=m3u8-aapl)", None, true),
            ("/vod/show/download.mp4", None, true),
            ("/nothing", None, false),
        ] {
            assert_eq!(is_beginning(path, query), begins, "{path}");
        }
    }
}
