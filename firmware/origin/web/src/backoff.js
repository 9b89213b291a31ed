// How long to wait before the next try.

const FIRST_MS = 500;
const LONGEST_MS = 3_000;

/**
 * Doubles from half a second to three seconds. The spread keeps a hall full of phones from
 * coming back in the same instant after the box restarts.
 *
 * @param {number} failures tries that failed so far, from 1
 * @param {number} random 0 to 1
 */
export function retryDelay(failures, random) {
  const delay = Math.min(LONGEST_MS, FIRST_MS * 2 ** (failures - 1));
  return delay * (0.75 + 0.5 * random);
}
