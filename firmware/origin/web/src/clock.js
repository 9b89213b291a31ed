// The box's UTC on this device, measured by round trips to /time.

const ROUND_TRIPS = 5;
const REMEASURE_MS = 60_000;

/**
 * Offset from the local clock to the box's clock. The quickest round trip wins: its answer
 * can be wrong by at most half of its duration.
 *
 * @param {{sent: number, received: number, server: number}[]} trips milliseconds
 * @returns {{offset: number, uncertainty: number}|null}
 */
export function offsetFrom(trips) {
  let best = null;
  for (const { sent, received, server } of trips) {
    const trip = received - sent;
    if (!(trip >= 0) || !Number.isFinite(server)) continue;
    if (best === null || trip / 2 < best.uncertainty) {
      best = { offset: server - (sent + received) / 2, uncertainty: trip / 2 };
    }
  }
  return best;
}

export class ServerClock {
  #measured = null;
  #timer = null;

  /**
   * @param {() => Promise<string>} ask fetches the body of /time
   * @param {() => number} local a clock in milliseconds that never steps
   */
  constructor(ask, local) {
    this.ask = ask;
    this.local = local;
  }

  /** The box's UTC in milliseconds since the epoch; null until first measured. */
  now() {
    return this.#measured && this.local() + this.#measured.offset;
  }

  /** Half the quickest round trip, in milliseconds; null until first measured. */
  get uncertainty() {
    return this.#measured && this.#measured.uncertainty;
  }

  async measure() {
    const trips = [];
    for (let i = 0; i < ROUND_TRIPS; i += 1) {
      try {
        const sent = this.local();
        const body = await this.ask();
        trips.push({ sent, received: this.local(), server: Date.parse(body.trim()) });
      } catch {
        break; // the box is away; what was measured before stays good
      }
    }
    this.#measured = offsetFrom(trips) ?? this.#measured;
    return this.#measured !== null;
  }

  /** Measures now and again each minute, sooner while the box does not answer. */
  async keep() {
    clearTimeout(this.#timer);
    const known = await this.measure();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.keep(), known ? REMEASURE_MS : 2_000);
  }
}
