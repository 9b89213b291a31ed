// Opens an asset through a filter (--filter) that leaves renditions up to --max-height: only those are offered, and play.
import { check, checkNotFatal, diagnosis, positive, run, untilAdvanced, untilOnDemand } from './browser.mjs';

await run('filter', { 'max-height': { type: 'string' } }, async (page, options, results) => {
  const height = positive('max-height', options['max-height']);
  await untilOnDemand(page);
  await untilAdvanced(page, 2);
  const { levels, errors } = await diagnosis(page);
  Object.assign(results, {
    levels: levels.map((level) => `${level.width}x${level.height} ${level.bitrate}`),
    picture: await page.evaluate(() => document.querySelector('video').videoHeight),
    errors,
  });
  checkNotFatal(errors);
  check(levels.length > 0 && levels.every((level) => level.height <= height), `it offers ${results.levels}`);
  check(results.picture === height, `the picture is ${results.picture} lines high`);
  check(!(await page.isVisible('#download')), 'the whole asset is offered although a filter hides a part of it');
});
