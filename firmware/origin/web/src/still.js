// Keeps the last picture on screen while the player is replaced, so that the page never goes black.

export class Still {
  /**
   * @param {HTMLCanvasElement} canvas lies over the video, hidden at first
   * @param {HTMLVideoElement} video
   */
  constructor(canvas, video) {
    this.canvas = canvas;
    this.video = video;
  }

  hold() {
    const { videoWidth, videoHeight } = this.video;
    if (!videoWidth) return;
    this.canvas.width = videoWidth;
    this.canvas.height = videoHeight;
    this.canvas.getContext('2d').drawImage(this.video, 0, 0);
    this.canvas.hidden = false;
  }

  release() {
    this.canvas.hidden = true;
  }
}
