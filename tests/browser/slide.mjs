// Watches at the oldest edge of a rewind window that slides on: plays there for --seconds, pauses until the moment on screen
// has left the window, and plays on. Being moved forward is fine, an error or a picture that stands still is not.
import path from 'node:path';
import { check, checkNotFatal, diagnosis, ms, positive, run, until, untilAdvanced, untilPlaying } from './browser.mjs';
import { record, stopRecording } from './recorder.mjs';

const own = {
  window: { type: 'string', default: '60' },
  'max-gap': { type: 'string', default: '1500' },
};

await run('slide', own, async (page, options, results) => {
  const length = positive('window', options.window);
  await untilPlaying(page);
  await until(page, `a window of ${length} s`, (seconds) => {
    const [start, end] = window.riser.seekable;
    return end - start >= seconds - 4;
  }, length, length + 30);
  const slides = await diagnosis(page);
  await page.keyboard.press('Home');
  await until(page, 'playback at the oldest edge', () => {
    const { state, currentTime, seekable } = window.riser;
    return state === 'playing' && currentTime - seekable[0] < 6;
  });
  await record(page);
  await untilAdvanced(page, options.seconds);
  const played = await stopRecording(page);
  await page.screenshot({ path: path.join(options.out, `oldest-${options.player}.png`) });

  await page.keyboard.press(' ');
  await until(page, 'the moment on screen to leave the window', () => {
    const { state, currentTime, seekable } = window.riser;
    return state === 'paused' && seekable[0] > currentTime + 1;
  });
  await page.keyboard.press(' ');
  const resumed = Date.now();
  await until(page, 'playback after the pause', () => window.riser.state === 'playing');
  await untilAdvanced(page, 3);
  const end = await diagnosis(page);
  Object.assign(results, {
    longestGapMs: played.longestGapMs,
    gaps: played.gaps,
    slidBy: ms(end.seekable[0] - slides.seekable[0]),
    resumeAndPlayMs: Date.now() - resumed,
    behindLive: ms(end.livePosition - end.currentTime),
    behindOldest: ms(end.seekable[0] - end.currentTime),
    errors: end.errors,
  });
  checkNotFatal(end.errors);
  const maxGap = positive('max-gap', options['max-gap']);
  check(played.longestGapMs <= maxGap, `the picture stood still for ${played.longestGapMs} ms, allowed ${maxGap}`);
  check(results.slidBy >= options.seconds, `the window slid by ${results.slidBy} s only`);
  check(
    results.behindLive >= length / 2 && results.behindLive <= length + 10,
    `the viewer at the oldest edge ended up ${results.behindLive} s behind live`,
  );
});
