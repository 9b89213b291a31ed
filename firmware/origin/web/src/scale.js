// The time bar's scale: from the oldest kept moment on the left to live, or the end, on the right.

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/** Place of a media time on the bar, 0 to 1. An empty window counts as live. */
export function placeOf(mediaTime, { start, live }) {
  return live > start ? clamp((mediaTime - start) / (live - start), 0, 1) : 1;
}

/** Media time at a place on the bar. */
export function timeAt(place, { start, live }) {
  return start + clamp(place, 0, 1) * Math.max(0, live - start);
}

/** How near to the live position still counts as watching live, in seconds. */
export const LIVE_TOLERANCE = 3;

export function isAtLive(mediaTime, { live, finished = false }) {
  return !finished && mediaTime >= live - LIVE_TOLERANCE;
}

/**
 * Where a seek may land. The oldest segment of a live window leaves it while it is being fetched,
 * so seeks keep `margin` seconds away from it.
 */
export function withinRange(mediaTime, { start, live, finished = false }, margin = 2) {
  return clamp(mediaTime, finished ? start : Math.min(start + margin, live), live);
}
