// Seeks --seconds back, plays there, checks by the wall clock that the right moment is shown,
// and goes live again.
import path from 'node:path';
import { check, checkNotFatal, diagnosis, ms, run, until, untilAdvanced, untilPlaying } from './browser.mjs';

const MOMENT_TOLERANCE = 2; // seconds: a seek may land on a key frame and playback goes on meanwhile

await run('rewind', {}, async (page, options, results) => {
  const back = options.seconds;
  await untilPlaying(page);
  await until(page, 'the live edge', () => window.riser.atLive);
  await until(
    page,
    `a window of ${back + 4} s`,
    (seconds) => window.riser.livePosition - window.riser.seekable[0] >= seconds,
    back + 4,
    back + 60,
  );

  const live = await diagnosis(page);
  const asked = Date.parse(live.playingDate) - back * 1000;
  await page.evaluate((moment) => window.riser.seekTo(new Date(moment)), asked);
  await until(
    page,
    'playback at the earlier moment',
    ([moment, tolerance]) => {
      const off = (Date.parse(window.riser.playingDate) - moment) / 1000;
      return window.riser.state === 'playing' && Math.abs(off) <= tolerance;
    },
    [asked, MOMENT_TOLERANCE],
  );
  await untilAdvanced(page, 3);
  const rewound = await diagnosis(page);
  results.back = back;
  results.delayRewound = ms(rewound.delay);
  check(!rewound.atLive, 'the page claims to be live although it was rewound');
  check(
    Math.abs(rewound.delay - live.delay - back) <= MOMENT_TOLERANCE + 1,
    `rewound by ${back} s, but the delay went from ${ms(live.delay)} to ${ms(rewound.delay)} s`,
  );
  await page.screenshot({ path: path.join(options.out, `rewound-${options.player}.png`) });

  await page.click('#live');
  await until(page, 'live again', () => window.riser.state === 'playing' && window.riser.atLive);
  await untilAdvanced(page, 3);
  const again = await diagnosis(page);
  Object.assign(results, {
    delayBefore: ms(live.delay),
    delayAfter: ms(again.delay),
    liveButton: await page.getAttribute('#live', 'aria-pressed'),
    errors: again.errors,
  });
  check(again.atLive, 'not at the live edge after pressing LIVE');
  check(results.liveButton === 'true', 'the LIVE button is not lit at the live edge');
  check(
    again.delay <= live.delay + 2,
    `delay after going live is ${ms(again.delay)} s, before it was ${ms(live.delay)} s`,
  );
  checkNotFatal(again.errors);
});
