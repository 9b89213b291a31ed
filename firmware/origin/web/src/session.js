// One viewer watching one channel or asset: opens the player, keeps it going through every failure,
// and knows the state in plain terms. The page draws from here and asks here.

import { manifestAddress } from './address.js';
import { retryDelay } from './backoff.js';
import { inquire } from './inquiry.js';
import { openPlayer } from './players.js';
import { isAtLive, withinRange } from './scale.js';
import { stateOf } from './state.js';
import { Watchdog } from './watchdog.js';

const BEAT_MS = 250;
const STILL_MS = 700; // shorter standstills are not worth telling
const ENDED_ASK_MS = 5_000;
const ERRORS_KEPT = 200;
const END_NEAR = 0.75; // players stop this near to the end of a finished stream, in seconds

export class Session {
  errors = [];
  quality = -1; // what the viewer chose; -1 leaves it to the player
  firstPictureMs = null;
  onDemand = false; // an asset that has ended, as far as is known

  #player = null;
  #generation = 0; // answers that belong to a player already closed are dropped
  #watchdog = new Watchdog();
  #wantsPlay = true;
  #pausedHere = false; // by this page's own button, not by the browser or the player
  #blocked = false;
  #started = false;
  #trouble = null;
  #failures = 0;
  #retryTimer = null;
  #resumeAt = null;
  #endedAskedAt = 0;

  /**
   * @param {HTMLVideoElement} video
   * @param {object} parts
   * @param {import('./address.js').Source} parts.source
   * @param {'hls'|'dash'} parts.player
   * @param {import('./clock.js').ServerClock} parts.clock
   * @param {import('./frames.js').Frames} parts.frames
   * @param {import('./still.js').Still} parts.still
   * @param {() => void} parts.onBeat called several times a second and after every change
   */
  constructor(video, { source, player, clock, frames, still, onBeat }) {
    Object.assign(this, { video, source, name: player, clock, frames, still, onBeat });
    video.addEventListener('loadedmetadata', () => this.#resume());
    video.addEventListener('loadeddata', () => this.#onPicture());
    video.addEventListener('playing', () => still.release());
    video.addEventListener('pause', () => this.#onPause());
    window.addEventListener('online', () => this.#retryTimer && this.#again());
    setInterval(() => this.#beat(), BEAT_MS);
    this.#open();
  }

  get state() {
    return stateOf({
      trouble: this.#trouble,
      started: this.#started,
      blocked: this.#blocked,
      ended: this.#ended,
      paused: !this.#wantsPlay,
      still: this.#watchdog.stillFor(performance.now()) > STILL_MS,
    });
  }

  /** At the end of a stream that is finished; dash.js pauses there instead of ending. */
  get #ended() {
    const { video, range } = this;
    if (!this.#started) return false;
    const atEnd = range?.finished && video.paused && video.currentTime >= range.end - END_NEAR;
    return video.ended || (atEnd && !this.#pausedHere);
  }

  get paused() {
    return !this.#wantsPlay || this.#blocked || this.#ended;
  }

  /** Media seconds {start, end, live}; null until known. */
  get range() {
    return this.#player?.range() ?? null;
  }

  get atLive() {
    const { range } = this;
    return range !== null && !range.finished && !this.paused && isAtLive(this.video.currentTime, range);
  }

  get levels() {
    return this.#player?.levels() ?? [];
  }

  get level() {
    return this.#player?.level() ?? -1;
  }

  /** Latency as the player reckons it, in seconds. */
  get latency() {
    return this.#player?.latency() ?? null;
  }

  /** Measured delay from capture to screen in seconds; null while unknown, at the end and on demand. */
  get delay() {
    if (this.onDemand || this.state === 'ended') return null;
    const now = this.clock.now();
    const utc = this.#started ? this.utcAt(this.frames.mediaTime) : null;
    return now === null || utc === null ? null : (now - utc) / 1000;
  }

  utcAt(mediaTime) {
    return this.#player?.utcAt(mediaTime) ?? null;
  }

  /** Goes on; from the beginning again after the end. */
  play() {
    if (this.#ended) this.seekToMedia(-Infinity);
    this.#wantsPlay = true;
    this.#pausedHere = false;
    this.#blocked = false;
    this.#player?.play()?.catch?.(() => {}); // the next beat tries again and reads the reason
    this.onBeat();
  }

  pause() {
    this.#wantsPlay = false;
    this.#pausedHere = true;
    this.#player?.pause();
    this.onBeat();
  }

  /** @param {Date|number} target a moment, or seconds behind live */
  seekTo(target) {
    const { range } = this;
    if (range === null) return;
    const mediaTime =
      target instanceof Date ? this.#player.mediaTimeAt(target.getTime()) : range.live - target;
    if (mediaTime !== null) this.seekToMedia(mediaTime);
  }

  seekToMedia(mediaTime) {
    const { range } = this;
    if (range === null) return;
    if (mediaTime >= range.live && !range.finished) this.#player.goLive();
    else this.#player.seek(withinRange(mediaTime, range));
    this.#watchdog.reset(performance.now());
    this.onBeat();
  }

  goLive() {
    this.seekToMedia(Infinity);
    this.play();
  }

  get sounds() {
    return this.#player?.sounds() ?? [];
  }

  get sound() {
    return this.#player?.sound() ?? -1;
  }

  setSound(index) {
    if (index in this.sounds) this.#player.setSound(index);
    this.onBeat();
  }

  get captions() {
    return this.#player?.captions() ?? [];
  }

  get caption() {
    return this.#player?.caption() ?? -1;
  }

  setCaption(index) {
    this.#player?.setCaption(index in this.captions ? index : -1);
    this.onBeat();
  }

  setQuality(index) {
    this.quality = index in this.levels ? index : -1;
    this.#player?.setLevel(this.quality);
    this.onBeat();
  }

  setPlayer(name) {
    if (name === this.name) return;
    this.#keepPosition();
    this.name = name;
    this.quality = -1; // the other player may count its renditions in another order
    this.#failures = 0;
    this.#open();
  }

  get #address() {
    return manifestAddress(this.source, this.name);
  }

  async #open() {
    const generation = this.#close();
    const current = () => generation === this.#generation;
    const events = {
      onError: (error) => current() && this.#onError(error),
      onLevels: () => current() && this.onBeat(),
    };
    try {
      const player = await openPlayer(this.name, this.video, this.#address, events);
      if (!current()) return player.destroy();
      this.#player = player;
    } catch (error) {
      events.onError({ kind: 'other', detail: String(error), fatal: true });
    }
    this.onBeat();
  }

  /** Puts the player away, its last picture kept on screen. */
  #close() {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = null;
    if (this.#started) this.still.hold();
    this.#player?.destroy();
    this.#player = null;
    this.#started = false;
    this.video.playbackRate = 1; // players speed up a little to catch up with live
    this.#watchdog.reset(performance.now());
    return ++this.#generation;
  }

  /** Asks what is there and opens it, or asks again later. */
  async #again() {
    const generation = this.#close();
    this.#failures += 1;
    const verdict = await inquire(this.#address);
    if (generation !== this.#generation) return;
    const wasAway = this.#trouble !== null;
    this.#noteVerdict(verdict);
    const there = this.#trouble === null;
    const atOnce = there && (wasAway || this.#failures === 1);
    this.#retryTimer = setTimeout(
      () => (there ? this.#open() : this.#again()),
      atOnce ? 0 : retryDelay(this.#failures, Math.random()),
    );
    this.onBeat();
  }

  #noteVerdict(verdict) {
    this.#trouble = verdict === 'live' || verdict === 'ended' ? null : verdict;
  }

  #onError(error) {
    this.errors.push({ at: new Date().toISOString(), player: this.name, ...error });
    if (this.errors.length > ERRORS_KEPT) this.errors.shift();
    if (!error.fatal) return;
    this.#keepPosition();
    this.#again();
  }

  /** Every viewer comes back to the same moment, except those at live while there is a live. */
  #keepPosition() {
    if (!this.#started) return;
    const utc = this.utcAt(this.video.currentTime);
    this.#resumeAt = utc === null ? null : { utc, live: this.atLive };
  }

  #onPicture() {
    this.#started = true;
    this.firstPictureMs ??= Math.round(performance.now());
    if (this.quality >= 0) this.#player?.setLevel(this.quality);
    if (!this.#wantsPlay) this.still.release();
  }

  /** A pause from outside the page: headset, lock screen, the browser's own controls. */
  #onPause() {
    // The event of a pause that has been taken back may still come.
    const byViewer = this.video.paused && this.#started && !this.#ended && !document.hidden;
    if (byViewer && this.#player) this.#wantsPlay = false;
  }

  #beat() {
    const { video, range } = this;
    const now = performance.now();
    if (range !== null) this.onDemand = this.source.kind === 'vod' && range.finished;
    this.#resume();
    if (this.#ended) this.#askAfterEnd(now);
    else if (this.#wantsPlay && this.#player && video.paused) this.#start();
    const shouldMove = this.#wantsPlay && !this.#blocked && !this.#ended && this.#player !== null;
    const reachable = this.#trouble === null;
    switch (this.#watchdog.beat(now, video.currentTime, shouldMove, reachable)) {
      case 'ask':
        this.#ask();
        break;
      case 'recover':
        this.#player.recover();
        break;
      case 'reopen':
        this.#onError({ kind: 'other', detail: 'picture stood still', fatal: true });
        break;
      default:
        if (shouldMove && this.#started && this.#watchdog.stillFor(now) === 0) this.#onMoving();
    }
    this.onBeat();
  }

  #onMoving() {
    this.#trouble = null;
    this.#failures = 0;
  }

  #resume() {
    const { range } = this;
    if (this.#resumeAt === null || range === null || this.video.readyState < 1) return;
    const { utc, live } = this.#resumeAt;
    this.#resumeAt = null;
    if (live && !range.finished) return;
    const mediaTime = this.#player.mediaTimeAt(utc);
    if (mediaTime !== null) this.#player.seek(withinRange(mediaTime, range));
  }

  async #start() {
    if (this.#blocked || this.video.readyState < 2) return;
    try {
      await this.video.play();
    } catch (error) {
      if (error.name === 'NotAllowedError') this.#blocked = true;
    }
  }

  async #ask() {
    const generation = this.#generation;
    const verdict = await inquire(this.#address);
    if (generation !== this.#generation) return;
    const wasAway = this.#trouble !== null;
    this.#noteVerdict(verdict);
    if (wasAway && this.#trouble === null) this.#watchdog.reset(performance.now());
  }

  /** A channel's finished stream may begin again. */
  async #askAfterEnd(now) {
    if (this.onDemand || now - this.#endedAskedAt < ENDED_ASK_MS) return;
    this.#endedAskedAt = now;
    const generation = this.#generation;
    const verdict = await inquire(this.#address);
    if (generation === this.#generation && verdict === 'live' && this.#ended) this.#open();
  }
}
