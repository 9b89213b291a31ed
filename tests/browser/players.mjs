// The players of other people, as they come: hls.js and dash.js without our page.
import { fileURLToPath } from 'node:url';
import { CheckFailed, check } from './browser.mjs';

const modules = new URL('../../firmware/origin/web/node_modules/', import.meta.url);
const script = (name) => ({ path: fileURLToPath(new URL(name, modules)) });
const PLAYERS = {
  hls: ['hls.js/dist/hls.min.js'],
  dash: ['dashjs/dist/modern/umd/dash.all.min.js', 'dashjs/dist/modern/umd/dash.mss.min.js'],
};

/** Begins in the page: `window.playing` tells of it from then on. */
function begin({ player, address, config }) {
  document.body.replaceChildren();
  const video = document.createElement('video');
  video.muted = true;
  document.body.append(video);
  const playing = { video, errors: [] };
  window.playing = playing;
  if (player === 'hls') {
    const hls = new Hls(config);
    playing.hls = hls;
    hls.on(Hls.Events.ERROR, (_, error) => {
      if (error.fatal) playing.errors.push(`${error.details} ${error.error ?? ''}`);
    });
    hls.loadSource(address);
    hls.attachMedia(video);
    video.play().catch(() => {});
  } else {
    const dash = dashjs.MediaPlayer().create();
    playing.dash = dash;
    dash.on('error', ({ error }) => playing.errors.push(error.message ?? error));
    dash.initialize();
    // A server of its maker, which a venue has no way to.
    dash.clearDefaultUTCTimingSources();
    dash.attachView(video);
    // It plays by itself: one that plays before it has a source is never seen to begin, and no manifest is asked for again.
    dash.setAutoPlay(true);
    dash.attachSource(address);
  }
}

/**
 * Plays an address for so many seconds, with pictures and sound and without a fatal error.
 * @param {object} config of hls.js
 */
export async function plays(page, player, address, seconds, config = {}) {
  await page.goto(new URL('/time', address).href);
  for (const name of PLAYERS[player]) await page.addScriptTag(script(name));
  await page.evaluate(begin, { player, address, config });
  const shown = () => {
    const { video, errors } = window.playing;
    const { totalVideoFrames } = video.getVideoPlaybackQuality();
    const sound = video.webkitAudioDecodedByteCount;
    return { at: video.currentTime, frames: totalVideoFrames, width: video.videoWidth, sound, errors };
  };
  const began = Date.now();
  let first = null;
  for (;;) {
    const now = await page.evaluate(shown);
    check(now.errors.length === 0, `${address}: ${now.errors.join('; ')}`);
    first ??= now.frames > 0 ? now : null;
    if (first && now.at - first.at >= seconds) {
      check(now.width > 0 && now.sound > 0, `${address}: ${JSON.stringify(now)}`);
      check(now.frames - first.frames >= 20 * seconds, `${address}: ${now.frames - first.frames} pictures in ${seconds} s`);
      return { afterMs: Date.now() - began, frames: now.frames - first.frames };
    }
    if (Date.now() - began > 60_000) throw new CheckFailed(`${address} does not play: ${JSON.stringify(now)}`);
    await page.waitForTimeout(100);
  }
}
