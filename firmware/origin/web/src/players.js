// Chooses the player for this browser. All players have the shape below, so that the page
// never asks which one is at work.

/**
 * @typedef {object} Player
 * @property {() => void} play
 * @property {() => void} pause
 * @property {(mediaTime: number) => void} seek
 * @property {() => void} goLive to the live position; does not start a paused video
 * @property {() => void} recover start media and loading afresh without losing the position
 * @property {() => ({start: number, end: number, live: number, finished: boolean}|null)} range
 *   media seconds: oldest, newest, and where live playback sits; finished: nothing more will come
 * @property {(mediaTime: number) => (number|null)} utcAt UTC milliseconds
 * @property {(utcMs: number) => (number|null)} mediaTimeAt seconds
 * @property {() => (number|null)} latency as the player itself reckons it, seconds
 * @property {() => Rendition[]} levels
 * @property {() => number} level index on screen, -1 unknown
 * @property {(index: number) => void} setLevel -1 lets the player choose
 * @property {() => Choice[]} sounds
 * @property {() => number} sound index of the one that is heard, -1 unknown
 * @property {(index: number) => void} setSound
 * @property {() => Choice[]} captions as far as they are known: some show only when something is said
 * @property {() => number} caption index of those that are shown, -1 for none
 * @property {(index: number) => void} setCaption -1 shows none
 * @property {() => void} destroy
 *
 * @typedef {{name: string, language: string}} Choice
 *
 * @typedef {{width: number, height: number, frameRate: number, bitrate: number}} Rendition
 *
 * @typedef {object} PlayerEvents
 * @property {(error: {kind: 'network'|'media'|'other', detail: string, fatal: boolean}) => void} onError
 *   fatal: the player has given up and must be opened again
 * @property {() => void} onLevels the renditions or the one on screen changed
 */

import Hls from 'hls.js';
import { openHls } from './player-hls.js';
import { openNative } from './player-native.js';

// Chromium also answers "maybe" for HLS playlists, but only Safari plays low latency by itself.
const isSafari = navigator.vendor.startsWith('Apple');

/**
 * @param {'hls'|'dash'} name
 * @param {HTMLVideoElement} video
 * @param {string} address of the manifest
 * @param {PlayerEvents} events
 * @returns {Promise<Player>}
 */
export async function openPlayer(name, video, address, events) {
  if (name === 'dash') {
    const { openDash } = await import('./player-dash.js');
    return openDash(video, address, events);
  }
  const native = video.canPlayType('application/vnd.apple.mpegurl') !== '';
  if (native && (isSafari || !Hls.isSupported())) return openNative(video, address, events);
  return openHls(video, address, events);
}

/** Whether this browser can run the player at all; older iPhones have no Media Source. */
export function canPlay(name) {
  return name === 'hls' || 'MediaSource' in window || 'ManagedMediaSource' in window;
}
