// Which moment of the stream the screen shows.

// A frame report older than this against the playing position means that frames are no longer
// reported: the tab is hidden, or the browser went on without a picture.
const FRAME_LAG = 0.5;

export class Frames {
  #mediaTime = null;

  /** @param {HTMLVideoElement} video */
  constructor(video) {
    this.video = video;
    if ('requestVideoFrameCallback' in video) this.#follow();
  }

  /** Media time of the frame on screen, by the frame itself where the browser tells it. */
  get mediaTime() {
    const { currentTime } = this.video;
    const stale =
      this.#mediaTime === null || Math.abs(currentTime - this.#mediaTime) > FRAME_LAG;
    return stale ? currentTime : this.#mediaTime;
  }

  #follow() {
    this.video.requestVideoFrameCallback((_, frame) => {
      this.#mediaTime = frame.mediaTime;
      this.#follow();
    });
  }
}
