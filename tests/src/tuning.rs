//! A channel that is tuned while it runs, with whatever encoders.

use serde_json::{Value, json};

use crate::{Riserd, peers, riserd::PATIENCE};

/// The pictures of a segment at which decoding can begin, as ffprobe sees them.
///
/// # Panics
/// If it is not there.
#[must_use]
pub fn key_frames(riserd: &Riserd, track: &str, segment: u64) -> Vec<usize> {
    let film = riserd.film(track, [segment]);
    let packets = peers::packets(&film.to_string_lossy(), PATIENCE);
    let keys = packets.iter().enumerate().filter(|(_, packet)| packet.key);
    keys.map(|(nth, _)| nth).collect()
}

/// Tunes a running channel of [`SMALL`] whose rendition `360p` has more than 400 kbit/s, and looks at what becomes of it.
///
/// # Panics
/// If it does not obey, or viewers notice.
pub fn tune(riserd: &Riserd) {
    let init = riserd.init("360p");
    let tune = |tuning: &Value| riserd.api("PUT", "/channels/main/tuning", tuning);
    for (wrong, field) in [
        (json!({ "bitrates": { "360p": 60_000_000 } }), "bitrates.360p"),
        (json!({ "bitrates": { "1080p": 600_000 } }), "bitrates.1080p"),
        (json!({ "gop_ms": 300 }), "gop_ms"),
    ] {
        let refused = tune(&wrong);
        assert_eq!((refused.status, refused.text("/field").as_str()), (400, field));
    }
    let tuned = tune(&json!({ "bitrates": { "360p": 150_000 }, "gop_ms": 400 }));
    assert_eq!((tuned.status, tuned.number("/tuning/gop_ms")), (200, 400), "{tuned:?}");
    let open = riserd.playlist("360p").expect("a playlist").next().0;
    riserd.wait_for("360p", open + 3);
    assert_eq!(key_frames(riserd, "360p", open + 2), [0, 12, 24, 36]);
    let bits = 8 * riserd.segment("360p", open + 3).len() as u64 * 10 / 16;
    assert!((50_000..230_000).contains(&bits), "{bits} bits per second, 150,000 were asked for");
    assert_eq!(tune(&json!({})).status, 200);
    let open = riserd.playlist("360p").expect("a playlist").next().0;
    riserd.wait_for("360p", open + 3);
    assert_eq!(key_frames(riserd, "360p", open + 2), [0]);
    let more = 8 * riserd.segment("360p", open + 3).len() as u64 * 10 / 16;
    assert!(more > bits * 3 / 2, "{more} bits per second, after {bits}");
    let playlist = riserd.playlist("360p").expect("a playlist");
    assert!(
        playlist.breaks() == 0 && playlist.segments.iter().all(|segment| !segment.gap),
        "{}",
        playlist.text
    );
    assert_eq!(riserd.init("360p"), init);
    assert_eq!(riserd.count("/processes/1/restarts"), 0);
}
