// HLS as Safari plays it by itself.

import { captionOf, captionsOf, showCaption } from './captions.js';

/** @type {(video: HTMLVideoElement, address: string, events: import('./players.js').PlayerEvents) => import('./players.js').Player} */
export function openNative(video, address, events) {
  const onError = () => {
    const kind = video.error?.code === MediaError.MEDIA_ERR_NETWORK ? 'network' : 'media';
    const detail = video.error?.message || `media error ${video.error?.code}`;
    events.onError({ kind, detail, fatal: true });
  };
  video.addEventListener('error', onError);
  video.src = address;

  const window = () => {
    const { seekable } = video;
    if (!seekable.length) return null;
    const end = seekable.end(seekable.length - 1);
    return { start: seekable.start(0), end, live: end, finished: Number.isFinite(video.duration) };
  };
  // Safari only: UTC of media time zero, an invalid date while unknown.
  const startUtc = () => {
    const utc = video.getStartDate?.().getTime();
    return Number.isFinite(utc) ? utc : null;
  };
  return {
    play: () => video.play(),
    pause: () => video.pause(),
    seek: (mediaTime) => {
      video.currentTime = mediaTime;
    },
    goLive: () => {
      const range = window();
      if (range) video.currentTime = range.live;
    },
    recover: () => {
      video.load();
      video.play().catch(() => {});
    },
    range: window,
    utcAt: (mediaTime) => (startUtc() === null ? null : startUtc() + mediaTime * 1000),
    mediaTimeAt: (utcMs) => (startUtc() === null ? null : (utcMs - startUtc()) / 1000),
    latency: () => null,
    levels: () => [],
    level: () => -1,
    setLevel: () => {}, // Safari always chooses by itself
    sounds: () => [...(video.audioTracks ?? [])].map(({ label, language }) => ({ name: label, language })),
    sound: () => [...(video.audioTracks ?? [])].findIndex(({ enabled }) => enabled),
    setSound: (index) => {
      [...(video.audioTracks ?? [])].forEach((track, nth) => {
        track.enabled = nth === index;
      });
    },
    captions: () => captionsOf(video),
    caption: () => captionOf(video),
    setCaption: (index) => showCaption(video, index),
    destroy: () => {
      video.removeEventListener('error', onError);
      video.removeAttribute('src');
      video.load();
    },
  };
}
