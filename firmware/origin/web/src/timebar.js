// The one bar for live, rewind and video on demand: left is the oldest kept moment, right is live or the end.

import { clockTime, duration, spokenDuration } from './format.js';
import { isAtLive, placeOf, timeAt } from './scale.js';

export class TimeBar {
  #range = null;
  #dragged = null; // the scale stands still while a finger is on it

  /**
   * @param {HTMLElement} bar
   * @param {object} parts
   * @param {(mediaTime: number) => void} parts.onSeek
   * @param {(mediaTime: number) => (number|null)} parts.utcAt
   * @param {(mediaTime: number) => (import('./thumbnails.js').Tile|null)} parts.thumbnailAt
   */
  constructor(bar, { onSeek, utcAt, thumbnailAt }) {
    Object.assign(this, { bar, onSeek, utcAt, thumbnailAt, tip: bar.querySelector('.tip') });
    bar.addEventListener('pointerdown', (event) => this.#onDown(event));
    bar.addEventListener('pointermove', (event) => this.#onMove(event));
    bar.addEventListener('pointerup', (event) => this.#onUp(event));
    bar.addEventListener('pointercancel', () => this.#release());
    bar.addEventListener('pointerleave', () => this.#dragged || this.#hideTip());
  }

  /**
   * @param {{start: number, live: number, finished: boolean}|null} range media seconds
   * @param {number} mediaTime on screen
   */
  render(range, mediaTime) {
    this.#range = range;
    const { bar } = this;
    bar.setAttribute('aria-disabled', String(range === null));
    if (range === null || this.#dragged) return;
    this.#place(isAtLive(mediaTime, range) ? 1 : placeOf(mediaTime, range));
    bar.setAttribute('aria-valuemax', Math.round(range.live - range.start));
    bar.setAttribute('aria-valuenow', Math.round(Math.max(0, mediaTime - range.start)));
    const utc = this.utcAt(mediaTime);
    bar.setAttribute(
      'aria-valuetext',
      `${utc === null ? '' : `${clockTime(utc)}, `}${spokenPlace(mediaTime, range)}`,
    );
  }

  #onDown(event) {
    if (this.#range === null || event.button > 0) return;
    this.#dragged = { range: this.#range };
    this.bar.setPointerCapture(event.pointerId);
    this.bar.classList.add('dragging');
    this.#onMove(event);
  }

  #onMove(event) {
    const range = this.#dragged?.range ?? this.#range;
    if (range === null) return;
    const place = this.#placeUnder(event);
    if (this.#dragged) this.#place(place);
    this.#showTip(place, range);
  }

  #onUp(event) {
    if (!this.#dragged) return;
    const { range } = this.#dragged;
    const place = this.#placeUnder(event);
    this.#release();
    // Let go at the right end means live as it is now, not as it was when the drag began.
    this.onSeek(place >= 1 ? Infinity : timeAt(place, range));
  }

  #release() {
    this.#dragged = null;
    this.bar.classList.remove('dragging');
    this.#hideTip();
  }

  #placeUnder({ clientX }) {
    const { left, width } = this.bar.getBoundingClientRect();
    return Math.min(1, Math.max(0, (clientX - left) / width));
  }

  #place(place) {
    this.bar.style.setProperty('--place', place.toFixed(4));
  }

  #showTip(place, range) {
    const mediaTime = timeAt(place, range);
    const utc = this.utcAt(mediaTime);
    const distance = range.finished
      ? duration(mediaTime - range.start)
      : `−${duration(range.live - mediaTime)}`;
    const text = utc === null ? distance : `${clockTime(utc)}  ${distance}`;
    this.tip.querySelector('.tip-text').textContent = place >= 1 && !range.finished ? 'Live' : text;
    this.#showTile(this.thumbnailAt(mediaTime));
    this.tip.hidden = false;
    const room = this.bar.clientWidth - this.tip.offsetWidth;
    const left = place * this.bar.clientWidth - this.tip.offsetWidth / 2;
    this.tip.style.left = `${Math.min(Math.max(0, left), Math.max(0, room))}px`;
  }

  #showTile(tile) {
    const preview = this.tip.querySelector('.preview');
    preview.hidden = tile === null;
    if (tile === null) return;
    preview.style.width = `${tile.width}px`;
    preview.style.height = `${tile.height}px`;
    preview.style.backgroundImage = `url("${tile.address}")`;
    preview.style.backgroundPosition = `-${tile.x}px -${tile.y}px`;
  }

  #hideTip() {
    this.tip.hidden = true;
  }
}

function spokenPlace(mediaTime, { start, live, finished }) {
  return finished
    ? `${spokenDuration(mediaTime - start)} of ${spokenDuration(live - start)}`
    : `${spokenDuration(live - mediaTime)} behind live`;
}
