// The players of other people, as they come, on what the viewer page does not use: hls.js on HLS version 3 and dash.js on
// Smooth Streaming, live and on demand. Each shows pictures that go on, without a fatal error.
import { fileURLToPath } from 'node:url';
import { CheckFailed, check, run } from './browser.mjs';

const modules = new URL('../../firmware/origin/web/node_modules/', import.meta.url);
const script = (name) => ({ path: fileURLToPath(new URL(name, modules)) });
const PLAYERS = {
  hls: ['hls.js/dist/hls.min.js'],
  dash: ['dashjs/dist/modern/umd/dash.all.min.js', 'dashjs/dist/modern/umd/dash.mss.min.js'],
};
const ADDRESSES = {
  hls: (source) => `${source}/ts/master.m3u8`,
  dash: (source) => `${source}/smooth.ism/Manifest`,
};

/** Begins in the page: `window.playing` tells of it from then on. */
function begin({ player, address }) {
  document.body.replaceChildren();
  const video = document.createElement('video');
  video.muted = true;
  document.body.append(video);
  const playing = { video, errors: [] };
  window.playing = playing;
  if (player === 'hls') {
    const hls = new Hls();
    hls.on(Hls.Events.ERROR, (_, error) => error.fatal && playing.errors.push(error.details));
    hls.loadSource(address);
    hls.attachMedia(video);
  } else {
    const dash = dashjs.MediaPlayer().create();
    dash.on('error', ({ error }) => playing.errors.push(error.message ?? error));
    dash.initialize();
    // A server of its maker, which a venue has no way to.
    dash.clearDefaultUTCTimingSources();
    dash.attachView(video);
    dash.setAutoPlay(true);
    dash.attachSource(address);
  }
  video.play().catch(() => {});
}

async function plays(page, player, address, seconds) {
  await page.goto(new URL('/time', address).href);
  for (const name of PLAYERS[player]) await page.addScriptTag(script(name));
  await page.evaluate(begin, { player, address });
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

await run('protocols', {}, async (page, { url, player, seconds, vod }, results) => {
  for (const source of ['/live/main', `/vod/${vod}`]) {
    results[source] = await plays(page, player, new URL(ADDRESSES[player](source), url).href, seconds);
  }
});
