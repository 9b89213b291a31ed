// `window.riser`: what tests and technicians may read, and the same actions the page offers.

/**
 * @param {import('./session.js').Session} session
 * @param {(name: 'hls'|'dash') => void} setPlayer
 */
export function publishDiagnosis(session, setPlayer) {
  const { video } = session;
  const quality = () => video.getVideoPlaybackQuality?.() ?? {};
  window.riser = Object.freeze({
    get player() { return session.name; },
    get channel() { return session.source.kind === 'live' ? session.source.name : null; },
    get locator() { return session.source.kind === 'vod' ? session.source.name : null; },
    /** The asset has ended: nothing more will come. */
    get onDemand() { return session.onDemand; },
    get state() { return session.state; },
    get atLive() { return session.atLive; },
    /** Capture to screen, seconds, measured against the box's clock; null while unknown. */
    get delay() { return session.delay; },
    /** Half the round trip the clock was measured with: how wrong `delay` may be, seconds. */
    get clockUncertainty() { return session.clock.uncertainty === null ? null : session.clock.uncertainty / 1000; },
    /** As the player itself reckons it, seconds. */
    get latency() { return session.latency; },
    get currentTime() { return video.currentTime; },
    /** Wall-clock moment on screen as an ISO 8601 UTC text; null while unknown. */
    get playingDate() { return isoText(session.utcAt(session.frames.mediaTime)); },
    /** The wall-clock moments of the oldest and the newest media time, ISO 8601. */
    get window() { return session.range && [session.range.start, session.range.end].map((time) => isoText(session.utcAt(time))); },
    get seekable() { return session.range && [session.range.start, session.range.end]; },
    /** Newest media time, seconds; `livePosition` is where live playback sits. */
    get liveEdge() { return session.range && session.range.end; },
    get livePosition() { return session.range && session.range.live; },
    get quality() { return session.quality; },
    get level() { return session.level; },
    get levels() { return session.levels; },
    get sounds() { return session.sounds; },
    get sound() { return session.sound; },
    get captions() { return session.captions; },
    get caption() { return session.caption; },
    get droppedFrames() { return quality().droppedVideoFrames ?? null; },
    get totalFrames() { return quality().totalVideoFrames ?? null; },
    get firstPictureMs() { return session.firstPictureMs; },
    get errors() { return session.errors.map((error) => ({ ...error })); },
    seekTo: (target) => session.seekTo(target),
    goLive: () => session.goLive(),
    setQuality: (index) => session.setQuality(index),
    setSound: (index) => session.setSound(index),
    setCaption: (index) => session.setCaption(index),
    setPlayer,
  });
}

const isoText = (utcMs) => (utcMs === null ? null : new Date(utcMs).toISOString());
