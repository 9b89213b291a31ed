// What the page says over the picture when the picture does not speak for itself.

import { wordsOf } from './state.js';

const SETTLED = new Set(['ended', 'refused']); // nothing turns while nothing is being waited for

export class Notice {
  #state = null;

  /**
   * @param {HTMLElement} box
   * @param {HTMLButtonElement} bigPlay shown instead when only a tap is missing
   * @param {'live'|'vod'} kind of what is played
   */
  constructor(box, bigPlay, kind) {
    Object.assign(this, { box, bigPlay, kind });
  }

  render(state) {
    if (state === this.#state) return;
    this.#state = state;
    const [head, text] = wordsOf(state, this.kind) ?? [];
    this.bigPlay.hidden = state !== 'blocked';
    this.box.hidden = !head || state === 'blocked';
    if (!head) return;
    this.box.classList.toggle('settled', SETTLED.has(state));
    this.box.querySelector('.notice-head').textContent = head;
    this.box.querySelector('.notice-text').textContent = text;
  }
}
