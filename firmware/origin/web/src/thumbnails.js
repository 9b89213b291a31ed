// Small pictures of an asset for the time bar: a WebVTT index whose cues name tiles of sprite sheets.

const ASK_AGAIN_MS = 5_000; // they are made in the background after the asset has ended

const CUE = /^(\d+):(\d\d):(\d\d\.\d{3}) --> (\d+):(\d\d):(\d\d\.\d{3})\s*\r?\n(\S+)#xywh=(\d+),(\d+),(\d+),(\d+)/gm;

const seconds = (hours, minutes, rest) => Number(hours) * 3600 + Number(minutes) * 60 + Number(rest);

/**
 * @typedef {{start: number, end: number, address: string, x: number, y: number, width: number, height: number}} Tile
 *   seconds from the asset's beginning; pixels in the sheet at `address`
 */

/**
 * The tiles of an index in the order they are shown; what is no cue is passed over.
 *
 * @param {string} index
 * @param {string} base absolute address of the index
 * @returns {Tile[]}
 */
export function readIndex(index, base) {
  return Array.from(index.matchAll(CUE), ([, h1, m1, s1, h2, m2, s2, sheet, x, y, width, height]) => ({
    start: seconds(h1, m1, s1),
    end: seconds(h2, m2, s2),
    address: new URL(sheet, base).href,
    x: Number(x),
    y: Number(y),
    width: Number(width),
    height: Number(height),
  }));
}

/** The tile for a time in seconds from the asset's beginning, the nearest one beyond both ends; null of none. */
export function tileAt(tiles, time) {
  let low = 0;
  let high = tiles.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (tiles[middle].start <= time) low = middle + 1;
    else high = middle;
  }
  return tiles[Math.max(0, low - 1)] ?? null;
}

/** Fetched when first asked for, and again later while there are none yet. */
export class Thumbnails {
  #tiles = [];
  #askedAt = -Infinity;

  /** @param {() => Promise<Tile[]>} fetchTiles */
  constructor(fetchTiles) {
    this.fetchTiles = fetchTiles;
  }

  /**
   * @param {number} time seconds from the asset's beginning
   * @param {number} now milliseconds
   * @returns {Tile|null} null while there is none
   */
  at(time, now) {
    if (this.#tiles.length === 0 && now - this.#askedAt >= ASK_AGAIN_MS) {
      this.#askedAt = now;
      this.#fetch();
    }
    return tileAt(this.#tiles, time);
  }

  async #fetch() {
    try {
      this.#tiles = await this.fetchTiles();
    } catch {
      // None yet, or the box is away: the time bar does without.
    }
  }
}

/** @returns {Promise<Tile[]>} */
export async function fetchTiles(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`status ${response.status}`);
  return readIndex(await response.text(), response.url);
}
