// Media time <-> UTC over a playlist's dated segments.
// Each segment is {start, duration, programDateTime}: seconds, seconds, UTC milliseconds or null.

/** Index of the last segment whose `key` is not after `value`; -1 when all are after it. */
function lastNotAfter(segments, key, value) {
  let low = 0;
  let high = segments.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (segments[middle][key] <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

const isDated = (segment) => Number.isFinite(segment?.programDateTime);

/** UTC of a media time in milliseconds, beyond both ends by the nearest segment; null when undated. */
export function utcAt(segments, mediaTime) {
  const segment = segments[Math.max(0, lastNotAfter(segments, 'start', mediaTime))];
  return isDated(segment) ? segment.programDateTime + (mediaTime - segment.start) * 1000 : null;
}

/**
 * Media time of a UTC instant in seconds. An instant between two segments that do not touch
 * (the channel was off) becomes the start of the later one.
 */
export function mediaTimeAt(segments, utcMs) {
  const index = Math.max(0, lastNotAfter(segments, 'programDateTime', utcMs));
  const segment = segments[index];
  if (!isDated(segment)) return null;
  const time = segment.start + (utcMs - segment.programDateTime) / 1000;
  const next = segments[index + 1];
  return next ? Math.min(time, next.start) : time;
}
