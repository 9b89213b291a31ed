// The two menus: quality and player.

import { bitRate, renditionName } from './format.js';
import { canPlay } from './players.js';

export class Choices {
  #shown = '';

  /**
   * @param {object} parts
   * @param {HTMLSelectElement} parts.quality
   * @param {HTMLSelectElement} parts.player
   * @param {import('./session.js').Session} session
   * @param {(name: string) => void} onPlayer
   */
  constructor({ quality, player }, session, onPlayer) {
    Object.assign(this, { quality, player, session });
    quality.addEventListener('change', () => session.setQuality(Number(quality.value)));
    player.addEventListener('change', () => onPlayer(player.value));
    for (const option of player.options) option.disabled = !canPlay(option.value);
  }

  render() {
    const { levels, level, quality, name } = this.session;
    this.player.value = name;
    const lines = qualityLines(levels, quality < 0 ? level : -1);
    const shown = JSON.stringify(lines);
    if (shown !== this.#shown) {
      this.#shown = shown;
      this.quality.replaceChildren(...lines.map(([value, text]) => new Option(text, value)));
    }
    this.quality.value = String(quality);
    this.quality.disabled = levels.length < 2;
  }
}

/** Menu lines [value, text]: Auto with what it plays now, then the best rendition first. */
function qualityLines(levels, playing) {
  const now = levels[playing] ? ` (${renditionName(levels[playing])})` : '';
  const renditions = levels
    .map((level, index) => ({ ...level, index }))
    .sort((a, b) => b.bitrate - a.bitrate)
    .map((level) => [
      level.index,
      level.height ? `${renditionName(level)}, ${bitRate(level.bitrate)}` : renditionName(level),
    ]);
  return [[-1, `Auto${now}`], ...renditions];
}
