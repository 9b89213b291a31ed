// DASH presentation time <-> UTC.

/**
 * UTC of presentation time zero in milliseconds, null while unknown. Media time on the box is UTC, so one
 * representation of any Period tells it, live and on demand (DASH, 5.3.9.6): the epoch itself for a channel, its
 * beginning for an asset.
 *
 * @param {{presentationTimeOffset: number, adaptation: {period: {start: number}}}|undefined} representation
 *   as dash.js has read it: seconds
 */
export function utcOfZero(representation) {
  const start = representation?.adaptation?.period?.start;
  const zero = (representation?.presentationTimeOffset ?? 0) - start;
  return Number.isFinite(zero) ? zero * 1000 : null;
}
