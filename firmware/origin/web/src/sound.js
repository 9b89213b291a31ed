// Sound: off at first because browsers start only silent video by themselves.

export class Sound {
  /**
   * @param {HTMLVideoElement} video
   * @param {object} parts
   * @param {HTMLElement} parts.viewer carries the class `silent`
   * @param {HTMLButtonElement} parts.mute
   * @param {HTMLInputElement} parts.volume
   * @param {HTMLButtonElement} parts.unmute the offer over the picture
   */
  constructor(video, parts) {
    Object.assign(this, { video, ...parts });
    this.offered = true;
    video.muted = true;
    this.mute.addEventListener('click', () => this.toggle());
    this.unmute.addEventListener('click', () => this.set(true));
    this.volume.addEventListener('input', () => {
      video.volume = Number(this.volume.value);
      this.set(video.volume > 0);
    });
    video.addEventListener('volumechange', () => this.render());
    this.render();
  }

  get silent() {
    return this.video.muted || this.video.volume === 0;
  }

  toggle() {
    this.set(this.silent);
  }

  set(loud) {
    if (loud && this.video.volume === 0) this.video.volume = 1;
    this.video.muted = !loud;
    this.offered = false;
    this.render();
  }

  step(change) {
    this.video.volume = Math.min(1, Math.max(0, this.video.volume + change));
    this.set(this.video.volume > 0);
  }

  render() {
    this.viewer.classList.toggle('silent', this.silent);
    this.unmute.hidden = !(this.offered && this.silent);
    this.mute.setAttribute('aria-label', this.silent ? 'Sound on' : 'Sound off');
    this.volume.value = String(this.silent ? 0 : this.video.volume);
  }
}
