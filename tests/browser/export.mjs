// Plays the download of an asset that has ended (--vod, --asset) in a bare <video>: whole, seekable, as long as the asset.
import { askBox, check, ms, run } from './browser.mjs';

const FRAME = 1 / 30;
const PATIENCE_MS = 30_000;

await run('export', { asset: { type: 'string' } }, async (page, options, results) => {
  const file = new URL(`/vod/${options.vod}/download.mp4`, options.url).href;
  const asset = await askBox(options.asset);
  const seconds = (asset.end - asset.start) / 1000;
  // An address of the box with nothing on it: Chromium lets no page from elsewhere reach the loopback.
  await page.goto(new URL('/time', options.url).href);
  await page.setContent(`<video src="${file}" muted controls style="width: 100%"></video>`);
  const reached = (what, condition, argument) =>
    page.waitForFunction(condition, argument, { timeout: PATIENCE_MS, polling: 50 }).catch(async () => {
      const state = await page.evaluate(() => {
        const { error, currentTime, duration, readyState, networkState } = document.querySelector('video');
        return JSON.stringify({ error: error?.message, currentTime, duration, readyState, networkState });
      });
      check(false, `${what} did not happen: ${state}`);
    });

  await reached('metadata', () => document.querySelector('video').readyState >= 1);
  const duration = await page.evaluate(() => document.querySelector('video').duration);
  Object.assign(results, { assetSeconds: seconds, duration, offS: ms(duration - seconds) });
  check(
    Math.abs(duration - seconds) <= FRAME,
    `the file lasts ${duration} s, the asset ${seconds} s`,
  );
  await page.evaluate(() => document.querySelector('video').play());
  await reached('2 s of playback', () => document.querySelector('video').currentTime >= 2);
  await page.evaluate((middle) => {
    document.querySelector('video').currentTime = middle;
  }, duration / 2);
  await reached('playback from the middle', (middle) => {
    const { seeking, currentTime } = document.querySelector('video');
    return !seeking && currentTime >= middle + 1;
  }, duration / 2);
  await page.evaluate((late) => {
    const video = document.querySelector('video');
    video.addEventListener('ended', () => { window.over = true; });
    video.currentTime = late;
  }, duration - 2);
  await reached('the end', () => window.over === true);
  Object.assign(results, await page.evaluate(() => {
    const video = document.querySelector('video');
    const { totalVideoFrames, droppedVideoFrames } = video.getVideoPlaybackQuality();
    return { size: `${video.videoWidth}x${video.videoHeight}`, totalVideoFrames, droppedVideoFrames };
  }));
});
