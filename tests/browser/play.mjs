// Plays for --seconds and checks that the picture moves steadily, with no error that stops it.
// Optional limits: --max-delay seconds (p95), --max-gap milliseconds, --max-dropped share.
import { check, checkNotFatal, diagnosis, ms, positive, run, until, untilAdvanced, untilPlaying } from './browser.mjs';
import { record, stopRecording } from './recorder.mjs';

const own = {
  'max-delay': { type: 'string' },
  'max-gap': { type: 'string', default: '1500' },
  'max-dropped': { type: 'string', default: '0.2' },
};

await run('play', own, async (page, options, results) => {
  await untilPlaying(page);
  await until(page, 'the live edge', () => window.riser.atLive);
  await record(page);
  await untilAdvanced(page, options.seconds);
  const { longestGapMs, gaps, states, delay, latency, seconds } = await stopRecording(page);
  const end = await diagnosis(page);
  // The space bar plays and pauses, also after another button was clicked.
  await page.click('#mute');
  await page.keyboard.press(' ');
  await until(page, 'a pause', () => window.riser.state === 'paused');
  await page.keyboard.press(' ');
  await until(page, 'the end of the pause', () => window.riser.state === 'playing');
  const droppedRatio = end.totalFrames ? end.droppedFrames / end.totalFrames : null;
  Object.assign(results, {
    seconds: ms(seconds),
    firstPictureMs: end.firstPictureMs,
    delay,
    clockUncertainty: ms(end.clockUncertainty),
    latency,
    longestGapMs,
    gaps,
    states,
    droppedFrames: end.droppedFrames,
    totalFrames: end.totalFrames,
    droppedRatio: ms(droppedRatio),
    level: end.level,
    levels: end.levels.map(({ width, height, bitrate }) => `${width}x${height} ${bitrate}`),
    window: end.seekable && ms(end.seekable[1] - end.seekable[0]),
    shownDelay: await page.textContent('#delay'),
    errors: end.errors,
  });

  checkNotFatal(end.errors);
  const maxGap = positive('max-gap', options['max-gap']);
  check(longestGapMs <= maxGap, `the picture stood still for ${longestGapMs} ms, allowed ${maxGap}`);
  check(droppedRatio !== null, 'the browser counted no frames');
  const maxDropped = positive('max-dropped', options['max-dropped']);
  check(droppedRatio <= maxDropped, `${ms(droppedRatio)} of all frames dropped, allowed ${maxDropped}`);
  check(/^\d+\.\d s$/.test(results.shownDelay), `the delay on the page reads "${results.shownDelay}"`);
  check(delay.p50 > 0, `the measured delay is ${delay.p50} s, which no picture can have`);
  if (options['max-delay']) {
    const maxDelay = positive('max-delay', options['max-delay']);
    check(delay.p95 <= maxDelay, `delay p95 is ${delay.p95} s, allowed ${maxDelay}`);
  }
});
