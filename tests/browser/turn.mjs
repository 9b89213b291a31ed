// Watches an asset (--vod, --asset: its address on the management interface) while its program runs and is stopped from
// outside: the picture must go on to the end, and then be there on demand. Prints "watching" on stderr once the program may
// be stopped.
import path from 'node:path';
import {
  askBox,
  check,
  checkNotFatal,
  diagnosis,
  ms,
  positive,
  run,
  until,
  untilAdvanced,
  untilEnded,
  untilPlaying,
} from './browser.mjs';
import { record, stopRecording } from './recorder.mjs';

const MOMENT_TOLERANCE = 0.5; // seconds
const TURN_SECONDS = 15; // until the program has stopped and the last second was played
const FRAME = 0.1; // seconds at the end of which a player may think that it is the end already

const own = {
  asset: { type: 'string' },
  'max-gap': { type: 'string', default: '500' },
};

await run('turn', own, async (page, options, results) => {
  const maxGap = positive('max-gap', options['max-gap']);
  const looks = [];
  page.on('request', (request) => request.url().includes('/manifest.mpd') && looks.push(request.url()));
  await untilPlaying(page);
  await until(page, 'the live edge', () => window.riser.atLive);
  await untilAdvanced(page, 3);
  const live = await diagnosis(page);
  check(!live.onDemand, 'the page says on demand while the program runs');
  await record(page);
  console.error('watching');
  await untilEnded(page, TURN_SECONDS);
  const { longestGapMs, gaps, states, jumps } = await stopRecording(page);
  const end = await diagnosis(page);
  const asset = await askBox(options.asset);
  const off = (moment, ideal) => (Date.parse(moment) - ideal) / 1000;
  Object.assign(results, {
    delayLive: ms(live.delay),
    longestGapMs,
    gaps,
    jumps,
    states,
    assetSeconds: (asset.end - asset.start) / 1000,
    endOffS: ms(off(end.playingDate, asset.end)),
    errors: end.errors,
  });
  checkNotFatal(end.errors);
  if (options.player === 'dash') {
    check(looks.at(-1)?.includes('timeline=live'), `the last look at the manifest was ${looks.at(-1)}`);
  }
  check(longestGapMs <= maxGap, `the picture stood still for ${longestGapMs} ms, allowed ${maxGap}`);
  check(jumps.length === 0, `the picture jumped: ${JSON.stringify(jumps)}`);
  check(live.delay > 0 && live.delay < 5, `the delay while live is ${ms(live.delay)} s`);
  check(
    Math.abs(results.endOffS) <= MOMENT_TOLERANCE,
    `the last picture is ${results.endOffS} s from the end of the asset`,
  );
  check(end.onDemand && end.delay === null, 'the page does not know that the asset has ended');
  await until(page, 'the word that the broadcast has ended', () => {
    const head = document.querySelector('.notice:not([hidden]) .notice-head');
    return head?.textContent === 'The broadcast has ended';
  });
  await page.screenshot({ path: path.join(options.out, `turned-${options.player}.png`) });

  await page.keyboard.press('Home');
  await until(page, 'playback from the beginning', ([begin, tolerance]) => {
    const { state, playingDate } = window.riser;
    const at = (Date.parse(playingDate) - begin) / 1000;
    return state === 'playing' && at > 0 && at < tolerance + 3;
  }, [asset.start, MOMENT_TOLERANCE]);
  await untilAdvanced(page, 2);
  const again = await diagnosis(page);
  results.windowOffS = [ms(off(again.window[0], asset.start)), ms(off(again.window[1], asset.end))];
  check(
    results.windowOffS.every((seconds) => Math.abs(seconds) <= FRAME),
    `the time bar is ${results.windowOffS} s away from the asset's ends`,
  );
  await page.evaluate((seconds) => window.riser.seekTo(seconds), 3);
  await untilEnded(page, 3);
  const over = await diagnosis(page);
  results.errors = over.errors;
  results.droppedFrames = over.droppedFrames;
  checkNotFatal(over.errors);
  check(again.seekable[0] === over.seekable[0], 'the beginning of the asset has moved');
});
