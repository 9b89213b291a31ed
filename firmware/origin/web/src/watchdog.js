// Notices that the picture stands still although it should move, whatever the player believes.

const ASK_MS = 2_500;
const RECOVER_MS = 7_000;
const REOPEN_MS = 14_000;

/**
 * Feed it at a steady beat; it answers what to do about a standstill:
 * ask the box what is there, let the player recover, or open the stream afresh.
 */
export class Watchdog {
  #time = null;
  #since = null;
  #askedAt = null;
  #recovered = false;

  /** Milliseconds the picture has stood still, 0 while it moves. */
  stillFor(now) {
    return this.#since === null ? 0 : now - this.#since;
  }

  reset(now) {
    this.#time = null;
    this.#since = now;
    this.#askedAt = null;
    this.#recovered = false;
  }

  /**
   * @param {number} now milliseconds
   * @param {number} mediaTime the video's current time in seconds
   * @param {boolean} shouldMove false while paused, ended or without a player
   * @param {boolean} reachable false while the box is known to be away; waiting is all one can do
   * @returns {'nothing'|'ask'|'recover'|'reopen'}
   */
  beat(now, mediaTime, shouldMove, reachable) {
    if (!shouldMove || mediaTime !== this.#time) {
      this.reset(now);
      this.#time = mediaTime;
      return 'nothing';
    }
    const still = now - this.#since;
    if (reachable && still >= REOPEN_MS) {
      this.reset(now);
      return 'reopen';
    }
    if (reachable && still >= RECOVER_MS && !this.#recovered) {
      this.#recovered = true;
      return 'recover';
    }
    if (still >= ASK_MS && now - (this.#askedAt ?? -Infinity) >= ASK_MS) {
      this.#askedAt = now;
      return 'ask';
    }
    return 'nothing';
  }
}
