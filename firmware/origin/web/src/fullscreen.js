// Full screen with the page's own controls; iPhones can only show the bare video full screen.

const IDLE_MS = 3_000;

export class FullScreen {
  #timer = null;

  constructor(viewer, video, button) {
    Object.assign(this, { viewer, video, button });
    button.hidden = !viewer.requestFullscreen && !video.webkitEnterFullscreen;
    button.addEventListener('click', () => this.toggle());
    document.addEventListener('fullscreenchange', () => this.#wake());
    for (const sign of ['pointermove', 'pointerdown', 'keydown', 'focusin']) {
      viewer.addEventListener(sign, () => this.#wake());
    }
  }

  async toggle() {
    try {
      if (document.fullscreenElement) await document.exitFullscreen();
      else if (this.viewer.requestFullscreen) await this.viewer.requestFullscreen();
      else this.video.webkitEnterFullscreen();
    } catch {
      // Refused by the browser: the page simply stays as it is.
    }
  }

  /** Controls lie over the picture in full screen and leave after a while. */
  #wake() {
    const on = document.fullscreenElement === this.viewer;
    this.button.setAttribute('aria-label', on ? 'Leave full screen' : 'Full screen');
    this.viewer.classList.remove('idle');
    clearTimeout(this.#timer);
    if (on) this.#timer = setTimeout(() => this.viewer.classList.add('idle'), IDLE_MS);
  }
}
