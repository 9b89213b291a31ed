// LL-HLS by hls.js.

import Hls from 'hls.js';
import { captionOf, captionsOf, showCaption } from './captions.js';
import { bufferedAhead, speed } from './pursuit.js';
import { mediaTimeAt, utcAt } from './segments.js';

const retry = (tries) => ({
  maxNumRetry: tries,
  retryDelayMs: 250,
  maxRetryDelayMs: 1_000,
  backoff: 'linear',
});

const loading = (tries, firstByteMs, totalMs) => ({
  default: {
    maxTimeToFirstByteMs: firstByteMs,
    maxLoadTimeMs: totalMs,
    timeoutRetry: retry(2),
    errorRetry: retry(tries),
  },
});

const CONFIG = {
  lowLatencyMode: true,
  enableWorker: false, // CMAF is passed through, there is nothing to remultiplex
  maxLiveSyncPlaybackRate: 1, // see pursuit.js
  liveSyncOnStallIncrease: 0.4, // two parts of 200 ms
  liveDurationInfinity: true,
  backBufferLength: 30,
  maxBufferLength: 20,
  capLevelToPlayerSize: true,
  abrEwmaDefaultEstimate: 8_000_000, // viewers are on the box's own network
  testBandwidth: false,
  manifestLoadPolicy: loading(0, 5_000, 10_000), // the session asks and opens again
  playlistLoadPolicy: loading(12, 12_000, 20_000), // a blocking reload may wait for long segments
  fragLoadPolicy: loading(8, 8_000, 60_000),
};

/**
 * hls.js 1.7.4 takes every part of a segment but the first for a break, and forgets what is being said (its `onFragLoading`).
 */
class Timeline extends Hls.DefaultConfig.timelineController {
  onFragLoading(event, data) {
    const { frag, part } = data;
    const follows =
      part && frag.sn === this.lastSn && frag.cc === this.lastCc && part.index === this.lastPartIndex + 1;
    if (frag.type === 'main' && follows) this.lastPartIndex = part.index;
    else super.onFragLoading(event, data);
  }
}

const PURSUIT_MS = 250;

// A second media error this soon after a recovery means that recovering does not help.
const RECOVERY_HOLDS_MS = 5_000;

/** @type {(video: HTMLVideoElement, address: string, events: import('./players.js').PlayerEvents) => import('./players.js').Player} */
export function openHls(video, address, events) {
  const hls = new Hls({ ...CONFIG, timelineController: Timeline });
  let recoveredAt = -Infinity;
  let goingLive = false;

  const recover = () => {
    recoveredAt = performance.now();
    hls.recoverMediaError();
    hls.startLoad();
  };

  hls.on(Hls.Events.ERROR, (_, { type, details, fatal, response, error }) => {
    const kind = KINDS[type] ?? 'other';
    const recoverable =
      fatal && kind === 'media' && performance.now() - recoveredAt > RECOVERY_HOLDS_MS;
    const status = response?.code ? ` (status ${response.code})` : '';
    const reason = error?.message ? `: ${error.message}` : '';
    if (recoverable) recover();
    events.onError({ kind, detail: details + status + reason, fatal: fatal && !recoverable });
  });
  // To live from an empty buffer: where whole segments are buffered up to the edge, hls.js 1.7.4
  // leaves the audio parts of the unfinished segment out and stalls until it is complete.
  const goLive = () => {
    const live = hls.liveSyncPosition;
    if (live === null) return;
    if (video.buffered.length === 0) {
      video.currentTime = live;
      return;
    }
    hls.stopLoad();
    hls.trigger(Hls.Events.BUFFER_FLUSHING, { startOffset: 0, endOffset: Infinity, type: null });
    goingLive = true;
  };
  hls.on(Hls.Events.BUFFER_FLUSHED, () => {
    if (!goingLive) return;
    goingLive = video.buffered.length > 0;
    video.currentTime = hls.liveSyncPosition;
    hls.startLoad(hls.liveSyncPosition);
  });
  hls.on(Hls.Events.MANIFEST_PARSED, () => events.onLevels());
  hls.on(Hls.Events.LEVEL_SWITCHED, () => events.onLevels());
  const pursuit = setInterval(() => {
    const { latency } = hls;
    const target = hls.latestLevelDetails?.live ? hls.targetLatency : null; // nothing to close up to once ended
    video.playbackRate = speed({ latency, target, ahead: bufferedAhead(video) });
  }, PURSUIT_MS);
  hls.loadSource(address);
  hls.attachMedia(video);

  const details = () => hls.latestLevelDetails;
  return {
    play: () => video.play(),
    pause: () => video.pause(),
    seek: (mediaTime) => {
      video.currentTime = mediaTime;
    },
    goLive,
    recover,
    range: () => rangeOf(details(), hls.liveSyncPosition),
    utcAt: (mediaTime) => (details() ? utcAt(details().fragments, mediaTime) : null),
    mediaTimeAt: (utcMs) => (details() ? mediaTimeAt(details().fragments, utcMs) : null),
    latency: () => hls.latency || null,
    levels: () =>
      hls.levels.map(({ width, height, frameRate, bitrate }) => ({
        width,
        height,
        frameRate,
        bitrate,
      })),
    level: () => hls.currentLevel,
    setLevel: (index) => {
      hls.nextLevel = index;
    },
    sounds: () => hls.audioTracks.map(({ name, lang }) => ({ name, language: lang ?? '' })),
    sound: () => hls.audioTrack,
    setSound: (index) => {
      hls.audioTrack = index;
    },
    captions: () => captionsOf(video),
    caption: () => captionOf(video),
    setCaption: (index) => showCaption(video, index),
    destroy: () => {
      clearInterval(pursuit);
      video.playbackRate = 1;
      hls.destroy();
    },
  };
}

const KINDS = {
  [Hls.ErrorTypes.NETWORK_ERROR]: 'network',
  [Hls.ErrorTypes.MEDIA_ERROR]: 'media',
};

function rangeOf(details, liveSyncPosition) {
  if (!details?.fragments.length) return null;
  const end = details.edge;
  const live = details.live && liveSyncPosition !== null ? liveSyncPosition : end;
  return { start: details.fragments[0].start, end, live, finished: !details.live };
}
