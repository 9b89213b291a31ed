// Closes up to the live edge by playing a little faster.
//
// hls.js 1.7.4 does so only with more than a second in the buffer, which a low-latency stream never has.

const NEAR = 0.1; // seconds behind the target that are not worth a change of speed
const FAR = 3; // further behind, the viewer has rewound
const SAFE = 0.45; // seconds in the buffer below which it would run dry
const FASTER = 1.06; // heard by nobody

/**
 * The speed to play at.
 *
 * @param {{latency: number, target: number|null, ahead: number}} now seconds: distance from the edge, wanted distance
 *   (null where there is none), what is in the buffer
 */
export function speed({ latency, target, ahead }) {
  const behind = latency - (target ?? latency);
  return behind > NEAR && behind < FAR && ahead > SAFE ? FASTER : 1;
}

/** Seconds in the buffer after the picture on screen. */
export function bufferedAhead({ buffered, currentTime }) {
  for (let i = 0; i < buffered.length; i++) {
    if (buffered.start(i) <= currentTime && currentTime < buffered.end(i)) {
      return buffered.end(i) - currentTime;
    }
  }
  return 0;
}
