// The menus: quality and player, and sound and captions where there is something to choose.

import { bitRate, languageName, renditionName } from './format.js';
import { canPlay } from './players.js';

export class Choices {
  #shown = new Map();

  /**
   * @param {object} parts
   * @param {HTMLSelectElement} parts.quality
   * @param {HTMLSelectElement} parts.player
   * @param {HTMLSelectElement} parts.sound
   * @param {HTMLSelectElement} parts.captions
   * @param {import('./session.js').Session} session
   * @param {(name: string) => void} onPlayer
   */
  constructor({ quality, player, sound, captions }, session, onPlayer) {
    Object.assign(this, { quality, player, sound, captions, session });
    sound.addEventListener('change', () => session.setSound(Number(sound.value)));
    captions.addEventListener('change', () => session.setCaption(Number(captions.value)));
    quality.addEventListener('change', () => session.setQuality(Number(quality.value)));
    player.addEventListener('change', () => onPlayer(player.value));
    for (const option of player.options) option.disabled = !canPlay(option.value);
  }

  render() {
    const { levels, level, quality, name, sounds, sound, captions, caption } = this.session;
    this.player.value = name;
    this.#fill(this.quality, qualityLines(levels, quality < 0 ? level : -1), quality);
    this.quality.disabled = levels.length < 2;
    this.#fill(this.sound, sounds.map(choiceLine), sound);
    this.sound.parentElement.hidden = sounds.length < 2;
    this.#fill(this.captions, [[-1, 'Off'], ...captions.map(choiceLine)], caption);
    this.captions.parentElement.hidden = captions.length === 0;
  }

  /** An open menu is not touched while its lines stay the same. */
  #fill(menu, lines, chosen) {
    const shown = JSON.stringify(lines);
    if (shown !== this.#shown.get(menu)) {
      this.#shown.set(menu, shown);
      menu.replaceChildren(...lines.map(([value, text]) => new Option(text, value)));
    }
    menu.value = String(chosen);
  }
}

const choiceLine = ({ name, language }, index) => [index, languageName(language, name)];

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
