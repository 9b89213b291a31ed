// Low-latency DASH by dash.js. In its own chunk: loaded only when chosen.

import { MediaPlayer } from '../node_modules/dashjs/dist/modern/esm/dash.mediaplayer.min.js';
import { utcOfZero } from './presentation-time.js';

const START_KBPS = 8_000; // viewers are on the box's own network

const SETTINGS = {
  streaming: {
    delay: { useSuggestedPresentationDelay: true },
    liveCatchup: { enabled: true, playbackRate: { min: -0.1, max: 0.1 } },
    utcSynchronization: {
      // dash.js would ask a public server; the box is the only clock here.
      defaultTimingSource: {
        scheme: 'urn:mpeg:dash:utc:http-iso:2014',
        value: new URL('/time', location.href).href,
      },
    },
    retryAttempts: { MPD: 4, MediaSegment: 6 },
    manifestRequestTimeout: 5_000,
    fragmentRequestTimeout: 10_000,
    buffer: { bufferToKeep: 30, bufferTimeDefault: 20 },
    abr: {
      initialBitrate: { video: START_KBPS },
      limitBitrateByPortal: true,
      usePixelRatioInLimitBitrateByPortal: true,
    },
    lastBitrateCachingInfo: { enabled: false },
    lastMediaSettingsCachingInfo: { enabled: false },
    text: { defaultEnabled: false },
  },
};

// dash.js stops for good after these: it neither refreshes the manifest nor picks another address.
const FATAL = new Set([
  'MANIFEST_LOADER_PARSING_FAILURE_ERROR_CODE',
  'MANIFEST_LOADER_LOADING_FAILURE_ERROR_CODE',
  'DOWNLOAD_ERROR_ID_MANIFEST_CODE',
  'MANIFEST_ERROR_ID_PARSE_CODE',
  'MANIFEST_ERROR_ID_NOSTREAMS_CODE',
  'URL_RESOLUTION_FAILED_GENERIC_ERROR_CODE',
  'CAPABILITY_MEDIASOURCE_ERROR_CODE',
  'MEDIASOURCE_TYPE_UNSUPPORTED_CODE',
]);

/** @type {(video: HTMLVideoElement, address: string, events: import('./players.js').PlayerEvents) => import('./players.js').Player} */
export function openDash(video, address, events) {
  const dash = MediaPlayer().create();
  const names = new Map(Object.entries(MediaPlayer.errors).map(([name, code]) => [code, name]));
  dash.updateSettings(SETTINGS);
  dash.on(MediaPlayer.events.ERROR, ({ error }) => {
    const name = names.get(error.code) ?? `dash.js error ${error.code}`;
    events.onError({ kind: kindOf(name), detail: `${name}: ${error.message}`, fatal: FATAL.has(name) });
  });
  dash.on(MediaPlayer.events.STREAM_INITIALIZED, () => events.onLevels());
  dash.on(MediaPlayer.events.QUALITY_CHANGE_RENDERED, () => events.onLevels());
  // dash.js 5.2.1 breaks at captions in chunks (`_extractCea608Data` gives null, its caller reads `fields` of it): it is not told of them.
  dash.addResponseInterceptor(async (response) => {
    const { data } = response;
    if (typeof data === 'string') response.data = data.replace(/<Accessibility schemeIdUri="urn:scte:dash:cc:[^>]*>/g, '');
    return response;
  });
  const manifest = new URL(address, location.href).href; // dash.js wants it absolute
  dash.initialize(video, manifest, false);

  const window = () => {
    const dvr = dash.isReady() ? dash.getDvrWindow() : {};
    if (!Number.isFinite(dvr.end)) return null;
    const finished = !dash.isDynamic();
    const live = finished ? dvr.end : Math.max(dvr.start, dvr.end - dash.getTargetLiveDelay());
    return { start: dvr.start, end: dvr.end, live, finished };
  };
  const read = (type) => (dash.isReady() ? dash.getRepresentationsByTypeUnfiltered(type) : []);
  const renditions = () => read('video');
  const sounds = () => (dash.isReady() ? dash.getTracksFor('audio') : []);
  let zero = null; // does not change while the same asset is open, also not when it turns static
  const zeroUtc = () => {
    zero ??= utcOfZero(renditions()[0] ?? read('audio')[0]);
    return zero;
  };
  return {
    play: () => dash.play(), // keeps the position after a pause, which video.play() would not
    pause: () => dash.pause(),
    seek: (mediaTime) => dash.seekToPresentationTime(mediaTime),
    goLive: () => dash.seekToOriginalLive(),
    recover: () => {
      const range = window();
      zero = null;
      dash.attachSource(manifest, range?.finished ? video.currentTime - range.start : NaN);
    },
    range: window,
    utcAt: (mediaTime) => (zeroUtc() === null ? null : zero + mediaTime * 1000),
    mediaTimeAt: (utcMs) => (zeroUtc() === null ? null : (utcMs - zero) / 1000),
    latency: () => (dash.isReady() ? dash.getCurrentLiveLatency() || null : null),
    levels: () =>
      renditions().map(({ width, height, frameRate, bandwidth }) => ({
        width,
        height,
        frameRate,
        bitrate: bandwidth,
      })),
    level: () => {
      const current = dash.isReady() ? dash.getCurrentRepresentationForType('video') : null;
      return current ? renditions().findIndex(({ id }) => id === current.id) : -1;
    },
    setLevel: (index) => {
      dash.updateSettings({ streaming: { abr: { autoSwitchBitrate: { video: index < 0 } } } });
      if (index >= 0) dash.setRepresentationForTypeById('video', renditions()[index].id);
    },
    sounds: () => sounds().map((track) => ({ name: track.labels?.[0]?.text ?? track.id ?? '', language: track.lang ?? '' })),
    sound: () => {
      const current = dash.isReady() ? dash.getCurrentTrackFor('audio') : null;
      return sounds().findIndex(({ index }) => index === current?.index);
    },
    setSound: (index) => dash.setCurrentTrack(sounds()[index]),
    captions: () => [],
    caption: () => -1,
    setCaption: () => {},
    destroy: () => {
      // dash.js sets its playback rate at the next canplay even when destroyed by then, and throws.
      video.dispatchEvent(new Event('canplay'));
      dash.destroy();
    },
  };
}

function kindOf(name) {
  if (/APPEND|REMOVE|CAPABILITY|MEDIASOURCE|PARS/.test(name)) return 'media';
  return /LOAD|RESOLUTION|TIME_SYNC/.test(name) ? 'network' : 'other';
}
